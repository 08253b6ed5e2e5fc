"""The report's table and curves in words, the same on the page and in the shell.

Leaves out layout.
"""

from __future__ import annotations

from router_core.evaluation.results import Estimate, RegretPath, Report, Row
from router_core.words import dollars, points, share

HEADINGS = (
    "Router",
    "Good answers",
    "Per 1,000 prompts",
    "Above an equally dear mix",
    "Saved at equal quality",
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
        _percent(row.accuracy),
        _money(row.cost_usd, estimated),
        NONE
        if row.gain is None
        else f"{points(row.gain.value)} ({points(row.gain.low)} to {points(row.gain.high)})",
        NONE if row.saving is None else _percent(row.saving, 0),
        NONE if row.apgr is None else f"{row.apgr.value:.3f} ({row.apgr.low:.3f} to {row.apgr.high:.3f})",
        NONE if row.cpt50 is None else _percent(row.cpt50, 0),
        NONE if row.cpt80 is None else _percent(row.cpt80, 0),
    )


def _percent(found: Estimate, digits: int = 1) -> str:
    return f"{share(found.value, digits)} ({100 * found.low:.{digits}f} to {100 * found.high:.{digits}f})"


def _money(found: Estimate | None, estimated: bool) -> str:
    if found is None:
        return "price unknown"
    value, low, high = (dollars(1000.0 * one) for one in (found.value, found.low, found.high))
    return f"{'~' if estimated else ''}{value} ({low} to {high})"


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
