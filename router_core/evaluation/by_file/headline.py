"""What a person reads first: the question, the answer in a few words, and what it costs and gives up.

conclusion.py says the same at length, with its reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from router_core.evaluation.by_file.worths import Stretch
from router_core.evaluation.results import Report, Row, Verdict
from router_core.words import dollars, listing, share

_NAMED = 4  # models in the question


@dataclass(frozen=True, slots=True)
class Headline:
    """``question``, ``answer`` and ``trade``, a sentence each."""

    question: str
    answer: str
    trade: str


def headline(found: Verdict, report: Report) -> Headline:
    """The three lines on top of a verdict."""
    return Headline(question(report.models), _answer(found, report), _trade(found, report))


def question(models: Sequence[str]) -> str:
    """As in: Should you route between gpt-4o-mini and gpt-4o?"""
    named = listing(models) if len(models) <= _NAMED else f"{len(models)} models"
    return f"Should you route between {named}?"


def _answer(found: Verdict, report: Report) -> str:
    if found.kind == "use":
        return f"No. Use {found.choice} for everything."
    if found.kind == "route":
        assert found.choice is not None
        row = report.row(found.choice)
        label = f"{row.label[:1].lower()}{row.label[1:]}".removeprefix("by ")
        return f"Yes. Route by {label}."
    return "Not known yet."


def _trade(found: Verdict, report: Report) -> str:
    if found.kind == "unknown":
        rows = [report.row(model) for model in report.models[:_NAMED]]
        return "; ".join(f"{row.name}: {_good(row)} good{_price(row)}" for row in rows) + "."
    assert found.choice is not None
    chosen = report.row(found.choice)
    other = report.row(report.best_fixed) if found.kind == "route" else _alternative(report, chosen)
    said = f"{_good(chosen)} good instead of {_good(other)}"
    if chosen.cost_usd is None or other.cost_usd is None:
        return f"{said} with {other.name}."
    mine, its = 1000 * chosen.cost_usd.value, 1000 * other.cost_usd.value
    money = f"({dollars(mine)} instead of {dollars(its)} per 1,000 prompts)"
    return f"{said} with {other.name}, {_times(mine, its)} {money}."


def _alternative(report: Report, chosen: Row) -> Row:
    """What one would use instead: the most accurate other model; of equals the cheaper."""
    others = [report.row(model) for model in report.models if model != chosen.name]
    return max(others, key=lambda row: row.accuracy.value)


def _good(row: Row) -> str:
    return share(row.accuracy.value, 0)


def _price(row: Row) -> str:
    return "" if row.cost_usd is None else f" at {dollars(1000 * row.cost_usd.value)} per 1,000 prompts"


def _times(mine: float, its: float) -> str:
    """As in: at 1/16 of the cost, at 16 times the cost, at 85 % of the cost."""
    if mine <= 0 or its <= 0:
        return "for nothing" if mine <= 0 else "at a cost"
    ratio = its / mine
    if ratio >= 1.5:
        return f"at 1/{ratio:.0f} of the cost"
    if ratio <= 1 / 1.5:
        times = 1 / ratio
        return f"at {times:.0f} times the cost" if times >= 9.5 else f"at {times:.1f} times the cost"
    return f"at {100 / ratio:.0f} % of the cost"


def turning(stretches: Sequence[Stretch], worth_usd: float) -> str:
    """Where the verdict turns, seen from this worth, as in: above $0.15 the answer is gpt-4o."""
    at = max(place for place, one in enumerate(stretches) if one.above_usd <= worth_usd or not place)
    said = []
    if at > 0:
        said.append(f"Below {dollars(stretches[at].above_usd)} {_then(stretches[at - 1])}")
    if at + 1 < len(stretches):
        said.append(
            f"{'above' if said else 'Above'} {dollars(stretches[at + 1].above_usd)} {_then(stretches[at + 1])}"
        )
        if stretches[at + 1].kind == "unknown" and at + 2 < len(stretches):
            said.append(f"above {dollars(stretches[at + 2].above_usd)} {_then(stretches[at + 2])}")
    if at > 1 and stretches[at - 1].kind == "unknown":
        said.append(f"below {dollars(stretches[at - 1].above_usd)} {_then(stretches[at - 2])}")
    if said:
        return f"{', '.join(said)}."
    if stretches[at].kind == "unknown":
        return "It is not settled at any worth of a good answer."
    return "The answer is the same whatever a good answer is worth."


def _then(stretch: Stretch) -> str:
    return f"the answer is {stretch.choice}" if stretch.choice else "it is not settled"
