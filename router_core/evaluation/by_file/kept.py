"""A report together with its verdict: what is kept in the store, downloaded, and printed by the command."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from router_core.csv_cells import harmless
from router_core.evaluation.by_file.cells import Cells
from router_core.evaluation.results import Estimate, Report, Row, Verdict

_FIGURES = (
    "accuracy",
    "cost_usd",
    "gain",
    "saving",
    "advantage_usd",
    "apgr",
    "cpt50",
    "cpt80",
    "apgr_over_length",
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer and all that it rests on. ``results.dump`` and ``results.load`` turn it into JSON and back.

    ``notes``: what was left out, changed or estimated on the way from the file, in sentences. ``cells``: the
    prompts, counted, so that the models can be judged at another worth of a good answer; None: not kept.
    """

    verdict: Verdict
    report: Report
    notes: tuple[str, ...] = ()
    cells: Cells | None = None


def as_csv(report: Report) -> str:
    """The rows of the report as CSV: each figure as value, low and high end of its interval; empty where none is.

    Costs are dollars per prompt, accuracies and shares parts of 1.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    ends = [f"{name}{end}" for name in _FIGURES for end in ("", "_low", "_high")]
    writer.writerow(["name", "kind", *ends, *(f"share of {model}" for model in report.models), "note"])
    for row in report.rows:
        writer.writerow([harmless(row.name), row.kind, *_ends(row), *row.shares, harmless(row.note)])
    return text.getvalue()


def _ends(row: Row) -> list[float | str]:
    cells: list[float | str] = []
    for name in _FIGURES:
        found: Estimate | None = getattr(row, name)
        cells += ["", "", ""] if found is None else [found.value, found.low, found.high]
    return cells
