"""What the simulated models know: how hard a prompt is, who gets it right, and words to say so.

Everything is a pure function of seed, model and text. Nothing here is intelligence: answers are plainly labelled
texts of a plausible shape, right or wrong by a draw whose odds resemble those measured for a cheap and a strong
model. See simulated.py for the wire.
"""

from __future__ import annotations

import json
import math
import re
from typing import Final

from router_core.sampling import uniform

_CHEAP = re.compile(r"(?<![a-z])(mini|nano|small|haiku|flash|lite|tiny)(?![a-z])|(?<![\d.])[1-9]b(?![a-z])")
_LABELLING = re.compile(
    r"\b(classif|label|extract|identif|spam|sentiment|yes or no|true or false|which of"
    r"|what (date|year|is the capital))"
)
_REASONING = re.compile(
    r"\b(analy[sz]|synthes|compar|evaluat|explain why|prove|proof|derive|design|refactor|argue|critique|strategy"
    r"|trade-?offs?|step by step|memo|essay|report)"
)
_CODE = re.compile(r"```|\bdef |\bclass |\bfunction\b|\bsql\b|\bpython\b|\bcode\b|[{};]\s*$", re.MULTILINE)
_MATHS = re.compile(r"\b(integral|theorem|equation|probability|how many|sqrt|sum of)\b|\d\s*[-+*/^=]\s*\d")
_DATE = re.compile(
    r"\b(\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}"
    r"|(?:\d{1,2}(?:st|nd|rd|th)? )?(?:January|February|March|April"
    r"|May|June|July|August|September|October|November|December)(?: \d{1,2}(?:st|nd|rd|th)?)?,?(?: \d{4})?)\b"
)
_EMAIL = re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.]+\b")
_NUMBER = re.compile(r"\$?\d[\d,]*(?:\.\d+)?%?")

ODDS: Final = {"cheap": (0.93, 0.45), "strong": (0.95, 0.88)}
"""Share of right answers on the easiest and on the hardest prompts."""

CLASSIFIER_ERRORS: Final = 0.08

JUDGE_ERRORS: Final = 0.1
"""Of a judge; of two answers it then prefers the first, whichever that is."""

WRONG: Final = "(simulated: this answer is wrong)"


def bare_name(model: str) -> str:
    """The last part of a model's id: ``gpt-4o`` whether the provider stands before it or not."""
    return model.rpartition("/")[2]


def is_cheap(model: str) -> bool:
    """Whether a model's name is that of a small one: says mini, nano, flash or the like, or less than 10b."""
    return _CHEAP.search(model.lower()) is not None


def difficulty(text: str) -> float:
    """How hard a prompt looks, in (0, 1): length, reasoning words, code and sums raise it, labelling lowers it."""
    low = text.lower()
    score = -1.9 + 0.45 * math.log1p(len(text) / 80.0)
    score += 1.7 * min(2, len(_REASONING.findall(low)))
    score += 1.3 * bool(_CODE.search(low)) + 1.1 * bool(_MATHS.search(low))
    score -= 1.8 * bool(_LABELLING.search(low))
    return 1.0 / (1.0 + math.exp(-score))


def success_probability(model: str, hardness: float) -> float:
    """The share of prompts of this difficulty that the model answers well."""
    easy, hard = ODDS["cheap" if is_cheap(model) else "strong"]
    return easy + (hard - easy) * hardness


def is_right(seed: int, model: str, text: str) -> bool:
    """Whether the model's answer to this prompt is a good one: the same every time.

    ``model`` may be the whole id or what the provider is sent: both give the same answer.
    """
    return uniform(seed, f"right|{bare_name(model)}|{text}") < success_probability(model, difficulty(text))


def verdict(seed: int, model: str, text: str) -> str:
    """The JSON of a classifier that judges difficulty, and errs now and then."""
    hardness = difficulty(text)
    hard = hardness >= 0.5
    if uniform(seed, f"verdict|{model}|{text}") < CLASSIFIER_ERRORS:
        hard = not hard
    why = "needs several steps of reasoning" if hard else "short answer from the text itself"
    return json.dumps({"complexity": "COMPLEX" if hard else "SIMPLE", "reason": f"{why} (simulated)"})


def judged(seed: int, model: str, text: str) -> str:
    """The JSON of a judge that sees which answers are right, errs now and then, and likes what it reads first."""
    answers = re.findall(r"<(?:first_|second_)?answer>\n(.*?)\n</(?:first_|second_)?answer>", text, re.DOTALL)
    right = [WRONG not in one for one in answers]
    u = uniform(seed, f"judge|{model}|{'|'.join(sorted(answers))}")
    if len(right) == 1:
        return json.dumps({"verdict": "GOOD" if right[0] == (u >= JUDGE_ERRORS) else "BAD", "reason": "simulated"})
    if u < JUDGE_ERRORS or len(right) != 2:
        said = "FIRST"
    else:
        said = "TIE" if right[0] == right[1] else "FIRST" if right[0] else "SECOND"
    return json.dumps({"verdict": said, "reason": "simulated"})


def answer(seed: int, model: str, text: str) -> str:
    """The simulated model's text: a label that says so, then an answer of a plausible shape."""
    return spoken(seed, model, text, is_right(seed, model, text))


def spoken(seed: int, model: str, text: str, right: bool) -> str:
    """A right or a wrong answer of the model to this prompt."""
    said = _said(seed, model, text, right)
    note = "" if right else f"\n\n{WRONG}"
    gap = "\n\n" if said.startswith("```") else " "  # a fence must begin a line
    return f"[simulated {model}]{gap}{said}{note}"


def _said(seed: int, model: str, text: str, right: bool) -> str:
    low = text.lower()
    if "spam" in low:
        spam = bool(re.search(r"free|winner|won|prize|click|urgent|offer|claim", low)) == right
        return "Spam: it promises something for a click." if spam else "Not spam: an ordinary message."
    if "sentiment" in low:
        good = bool(re.search(r"good|great|love|excellent|happy|fast|thank", low)) == right
        return "Positive." if good else "Negative."
    if "extract" in low or "identify" in low:
        found = _DATE.search(text) or _EMAIL.search(text) or _NUMBER.search(text)
        if found:
            return found.group(0) if right else "I could not find it in the text."
    if _LABELLING.search(low):
        return "Yes." if (uniform(0, f"label|{text}") < 0.5) == right else "No."
    if _CODE.search(low):
        return _code(right)
    if _MATHS.search(low) or "prove" in low:
        return _steps(right)
    return _prose(seed, model, text, right)


def _code(right: bool) -> str:
    if right:
        return (
            "Keep the loop's one job in a function of its own and let the caller decide about errors:\n\n"
            "```python\ndef parse_rows(lines):\n    for number, line in enumerate(lines, start=1):\n"
            "        fields = line.rstrip().split(',')\n        if len(fields) != 3:\n"
            "            raise ValueError(f'line {number}: expected 3 fields, got {len(fields)}')\n"
            "        yield fields\n```\n\nIt reads lazily, names the wrong line, and is tested without files."
        )
    return (
        "```python\ndef parse_rows(lines):\n    return [line.split(',') for line in lines]\n```\n\nShould be fine."
    )


def _steps(right: bool) -> str:
    if right:
        return (
            "1. Write down what is given and what is asked.\n2. Assume the opposite of the claim.\n"
            "3. From it follows a smaller case of the same kind, and so on without end.\n"
            "4. Whole numbers cannot fall for ever, so the assumption fails and the claim holds."
        )
    return "It follows directly from the definition, so it is true."


_OPENINGS: Final = (
    "The short answer: it depends on two things, and the second is usually overlooked.",
    "Three points decide this one.",
    "Start from what the reader has to decide, then work backwards.",
    "The evidence is clearer than the discussion about it suggests.",
)
_BODIES: Final = (
    "First, cost and benefit fall on different people, so the sums look right to each and wrong to all.",
    "Second, the effect is real but small at first, and grows with use; measure it before and after.",
    "The strongest objection is that the figures come from a good year. Even at half of them the case holds.",
    "What would change this view: a cheaper alternative of the same quality, or a sign that demand is falling.",
    "The next step is a trial of four weeks with one team, with the stopping rule written down beforehand.",
)


def _prose(seed: int, model: str, text: str, right: bool) -> str:
    topic = " ".join(text.split()[:12]).rstrip(".,:;?!")
    if not right:
        return f"On “{topic}”: there are many aspects to consider, and in the end it depends on the situation."
    pick = uniform(seed, f"prose|{model}|{text}")
    opening = _OPENINGS[int(pick * len(_OPENINGS))]
    count = 2 if is_cheap(model) else 4
    start = int(pick * 1000) % len(_BODIES)
    bodies = [_BODIES[(start + i) % len(_BODIES)] for i in range(count)]
    return f"On “{topic}”. {opening}\n\n" + "\n\n".join(bodies)
