"""What is kept, downloaded and printed: one document, one table, and how it was reached."""

from __future__ import annotations

import csv
import io
import json

import pytest

from router_core.errors import EvaluationError
from router_core.evaluation.by_file.conclusion import verdict
from router_core.evaluation.by_file.kept import Judgement, as_csv
from router_core.evaluation.by_file.method import how_judged
from router_core.evaluation.by_file.report import evaluate
from router_core.evaluation.results import Objective, Report, dump, load
from tests.labelled import labelled

ALL = ["random", "length", "heuristic", "points", "thompson", "oracle"]


def report(names: list[str] = ALL, objective: Objective | None = None, cost: float = 0.01) -> Report:
    """Two hundred prompts."""
    data = labelled([[1, 1]] * 150 + [[0, 1]] * 50, (0.001, cost))
    return evaluate(names, data, objective=objective, shuffles=4, draws=100, seed=5)


def test_a_judgement_survives_its_document() -> None:
    """Out as verdict and report, and back to the same."""
    found = Judgement(verdict(report()), report(), ("2 rows: dropped",))
    assert list(json.loads(dump(found))) == ["verdict", "report", "notes", "cells"]
    again: Judgement = load(Judgement, dump(found))
    assert again.verdict == found.verdict
    assert again.report.rows == found.report.rows
    assert again.notes == found.notes


@pytest.mark.parametrize("document", ["", "{}", '{"verdict": {"kind": "perhaps"}}', "[1]"])
def test_another_document_is_refused(document: str) -> None:
    """With what to do about it."""
    with pytest.raises(EvaluationError, match=r"cannot be read .* run it again"):
        load(Judgement, document)


def test_csv_holds_every_figure_unrounded() -> None:
    """One line per row; what there is not is empty."""
    found = report()
    lines = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert [line["name"] for line in lines] == [row.name for row in found.rows]
    length = found.row("length")
    assert length.saving is not None
    (line,) = [one for one in lines if one["name"] == "length"]
    assert [float(line[f"saving{end}"]) for end in ("", "_low", "_high")] == [
        length.saving.value, length.saving.low, length.saving.high,
    ]  # fmt: skip
    assert float(line["share of strong"]) == length.shares[1]
    assert lines[0]["gain"] == lines[0]["apgr_low"] == ""


def test_csv_without_a_price() -> None:
    """Empty, not zero."""
    lines = list(csv.DictReader(io.StringIO(as_csv(report(cost=float("nan"))))))
    (strong,) = [one for one in lines if one["name"] == "strong"]
    assert strong["cost_usd"] == ""


def test_the_method_names_what_was_done() -> None:
    """Draws, shuffles, correction, the aim, and what gives the same again."""
    words = " ".join(how_judged(report()))
    for part in (
        "200 prompts", "drawn anew 100 times", "4 random orders", "3 routers and 1 other model", "simulation",
        "$0.050 per good answer", "four fifths", "seed (5)", report().settings_version,
    ):  # fmt: skip
        assert part in words, part


def test_the_method_speaks_only_of_what_was_judged() -> None:
    """No learner, no ranking, one rule: nothing of shuffles, cuts or corrections."""
    words = " ".join(how_judged(report(["heuristic"], Objective(quality_floor=0.9))))
    assert "at least 90 % good answers" in words
    for part in ("simulation", "four fifths", "Bonferroni", "oracle"):
        assert part not in words, part
