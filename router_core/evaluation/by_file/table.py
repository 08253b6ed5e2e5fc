"""The report's table and curves in words, the same on the page and in the shell."""

from __future__ import annotations

from router_core.evaluation.results import RegretPath, Report, Row
from router_core.evaluation.wording import per_thousand, percent, span
from router_core.words import dollars, points

HEADINGS = (
    "Router",
    "Good answers",
    "Per 1,000 prompts",
    "Gain over random routing at the same cost",
    "Saved at equal quality",
    "Value over the best model, per 1,000",
    "APGR",
    "CPT50",
    "CPT80",
)
NONE = "–"


def table(report: Report) -> list[tuple[str, ...]]:
    """One line of texts per row, under ``HEADINGS``; each figure with its interval, estimated costs with ~."""
    return [_line(row, report.estimated_cost_share > 0) for row in report.rows]


def _line(row: Row, estimated: bool) -> tuple[str, ...]:
    return (
        row.label,
        percent(row.accuracy),
        "price unknown" if row.cost_usd is None else per_thousand(row.cost_usd, estimated),
        NONE if row.gain is None else f"{points(row.gain.value)} ({span(row.gain)})",
        NONE if row.saving is None else percent(row.saving, 0),
        NONE if row.advantage_usd is None else per_thousand(row.advantage_usd, estimated),
        NONE if row.apgr is None else f"{row.apgr.value:.3f} ({row.apgr.low:.3f} to {row.apgr.high:.3f})",
        NONE if row.cpt50 is None else percent(row.cpt50, 0),
        NONE if row.cpt80 is None else percent(row.cpt80, 0),
    )


def regret_lines(path: RegretPath, steps: int = 10) -> list[tuple[str, str]]:
    """A learner's regret at about ``steps`` points in time: after how many prompts, and how much with its band."""
    last = len(path.seen) - 1
    found = []
    for step in range(1, steps + 1):
        at = round(last * step / steps)
        figures = (path.mean[at], path.low[at], path.high[at])
        mean, low, high = (dollars(one) if path.in_dollars else f"{one:,.1f}" for one in figures)
        found.append((f"{path.seen[at]:,}", f"{mean} ({low} to {high})"))
    return found
