"""Prompts to begin with: from one that any model answers to one that few do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A prompt under a short name, with the task type that goes with it."""

    name: str
    text: str
    task_type: str | None = None


_NOTES = """\
Warehouse review, first half of the year. Orders rose from 41,200 to 52,900, but lines picked per hour fell from \
96 to 81. Returns stand at 6.4 % (4.9 % a year ago); two thirds of them are wrong sizes. The new sorting line ran \
on 61 of 124 working days; the supplier blames dust, our technicians blame the sensors. Overtime cost $412,000, \
agency staff $268,000. A second line is offered at $1.9 million with a delivery time of 30 weeks; leasing it is \
$46,000 a month with a minimum of 36 months. Stock accuracy is 97.1 %; the target was 99 %. Three customers with \
together 18 % of the volume renegotiate in autumn and have asked for delivery on the next day. The lease of the \
north hall ends in fourteen months; its extension costs 12 % more. Sick leave is 8.1 %, highest on the late \
shift. The pilot with handheld scanners on one aisle cut wrong picks by 38 % in nine weeks; it costs $640 each."""

EXAMPLES = (
    Example(
        "Spam?",
        "Classify this email as spam or not spam:\n\n"
        "“Congratulations! You won a free cruise. Click within 24 hours to claim your prize.”",
        "classification",
    ),
    Example(
        "Extract a date",
        "Extract the delivery date from this message:\n\n"
        "“Thanks for the order. The pallets leave us on 3 March and arrive on 12 March 2027, before noon.”",
        "extraction",
    ),
    Example("Memo from notes", f"Write a one-page memo to the board from these notes.\n\n{_NOTES}"),
    Example(
        "Prove it",
        "Prove that there are infinitely many primes of the form 4k + 3. Explain why each step holds.",
    ),
    Example(
        "Refactor",
        "Refactor this function so that errors are not swallowed,"
        " and explain why your version is easier to test:\n\n"
        "```python\ndef load(path):\n    rows = []\n    try:\n        for line in open(path):\n"
        "            rows.append(line.split(','))\n    except Exception:\n        pass\n    return rows\n```",
    ),
)
TASK_TYPES = ("any", "classification", "extraction", "yes_no", "label", "summary", "writing", "reasoning", "code")
