"""How a report was reached, in plain words; the long form is docs/evidence.md."""

from __future__ import annotations

from collections.abc import Iterable

from router_core.evaluation.results import Report
from router_core.words import dollars, share


def how_judged(report: Report) -> tuple[str, ...]:
    """What was done, sentence by sentence, and what is needed to get the same again."""
    return tuple(_said(report))


def _said(report: Report) -> Iterable[str]:
    kinds = [row.kind for row in report.rows]
    routers = sum(kind in ("rule", "ranking", "trained") for kind in kinds)
    yield (
        f"{report.prompts:,} prompts, each answered by {len(report.models)} models and scored. Every way of"
        " choosing is judged on the same prompts."
    )
    worth, floor = report.objective.success_value_usd, report.objective.quality_floor
    if worth is not None:
        yield f"The aim: {dollars(worth)} per good answer, less what the models (and deciding) cost."
    elif floor is not None:
        yield f"The aim: at least {share(floor, 0)} good answers, as cheaply as can be."
    yield (
        "Intervals hold 95 %: they say how far a figure would move with other prompts of the same kind."
        " Differences are taken prompt by prompt. No share is certain, however many answers were good: a few"
        " imagined answers are added."
        + f" For orders (APGR, CPT) and savings the prompts were drawn anew {report.draws:,} times, with"
        " replacement (bootstrap)." * (report.draws > 0)
    )
    if routers > 1 or len(report.models) > 2:
        rivals = len(report.models) - 1
        yield (
            f"The more is looked at, the more looks good by chance: intervals of claims are widened for"
            f" {_count(routers, 'router')} and {_count(rivals, 'other model')} (Bonferroni)."
        )
    yield (
        "Random mixes of the models are what money buys without any router (the line in the chart). A router is"
        " worth something only above it; a saving is told against the cheapest mix of equal accuracy."
    )
    if "ranking" in kinds:
        yield (
            "Where to cut a ranking was found on four fifths of the prompts and used on the fifth, five times: no"
            " router has seen the answers that it is judged by."
        )
        yield (
            f"APGR: what part of the gap between {report.weak} and {report.strong} (or the two models that a row"
            " names) an order of the prompts recovers, over all shares; a coin gets 0.500. CPT50, CPT80: the share"
            " of prompts that must go to the stronger of the two to recover half, and four fifths, of it."
        )
    if "trained" in kinds:
        yield (
            "The learned score was trained on four fifths of the prompts and asked about the fifth, five times. It"
            " shows whether your prompts' words say which model they need. No router follows it"
            " alone (the contextual router uses such a score as one of its features), so it is never advised."
        )
    if "learner" in kinds:
        yield (
            f"A router that learns is judged in a simulation: it lived through the prompts in {report.shuffles}"
            " random orders and learned as it went. Its band is over these, and it is never part of a claim."
        )
    if "oracle" in kinds:
        yield "The oracle knows every score. It is the ceiling, not a router."
    yield from (f"{note[:1].upper()}{note[1:]}." for note in report.notes)
    yield (
        f"The same file (SHA-256 {report.sha256[:16]}...), settings ({report.settings_version}) and seed"
        f" ({report.seed}) give the same report."
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
