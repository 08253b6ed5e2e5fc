"""What would make a verdict wrong, in sentences that name the figure to watch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from router_core.evaluation.by_file.headline import turning
from router_core.evaluation.by_file.kept import Judgement
from router_core.evaluation.by_file.worths import Stretch
from router_core.evaluation.results import Report, Rival
from router_core.words import dollars, share

STALE_AFTER = timedelta(days=90)
"""Older evidence is called old: providers change models and prices within a season."""


def doubts(found: Judgement, stretches: Sequence[Stretch] = (), example: bool = False) -> tuple[str, ...]:
    """The conditions under which the verdict would not hold, the most concrete first.

    Args:
        found: verdict and report.
        stretches: the verdict at other worths; none: not known.
        example: whether the prompts are somebody else's.
    """
    return tuple(_said(found, stretches, example))


def _said(found: Judgement, stretches: Sequence[Stretch], example: bool) -> Iterable[str]:
    report, worth = found.report, found.report.objective.success_value_usd
    if example:
        yield "Other prompts: these are a published benchmark's, not yours."
    if worth is not None and len(stretches) > 1:
        yield f"Another worth of a good answer than {dollars(worth)}. {turning(stretches, worth)}"
    if worth is not None:
        yield from (said for rival in report.rivals if (said := _price(report, rival, worth)))
    if report.estimated_cost_share > 0:
        part = share(report.estimated_cost_share, 0)
        yield f"Wrong costs: those of {part} of the answers are estimated as tokens times price."
    if found.verdict.kind == "unknown" and found.verdict.missing:
        yield f"Nothing is decided yet. What is missing: {found.verdict.missing}."
    yield "Wrong scores: the verdict is as good as the judgement of the answers that it rests on."
    if example:
        yield "Changed models: the answers are those of the versions that were asked then."
        return
    yield "Prompts that are not like those of your traffic, or no longer: take a fresh sample of what arrives."
    yield (
        f"Changed models: the evidence is of {report.created_at:%Y-%m-%d}. Judge again after"
        f" {STALE_AFTER.days} days, or when a drift alarm says that a model answers differently."
    )


def _price(report: Report, rival: Rival, worth: float) -> str | None:
    """At which price of the more expensive of two models both would be equally good buys."""
    mine, its = report.row(report.best_fixed), report.row(rival.model)
    if rival.break_even_usd is None or mine.cost_usd is None or its.cost_usd is None:
        return None
    dear, cheap = (its, mine) if its.cost_usd.value > mine.cost_usd.value else (mine, its)
    assert dear.cost_usd is not None
    assert cheap.cost_usd is not None
    even = cheap.cost_usd.value + worth * (dear.accuracy.value - cheap.accuracy.value)
    change = even / dear.cost_usd.value - 1.0
    way = "more" if change > 0 else "less"
    return (
        f"Another price: {dear.name} would be as good a buy as {cheap.name} at {dollars(1000 * even)} instead of"
        f" {dollars(1000 * dear.cost_usd.value)} per 1,000 prompts, {share(abs(change), 0)} {way}."
    )
