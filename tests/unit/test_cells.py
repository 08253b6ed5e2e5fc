"""Prompts counted by task and scores: the verdict on the counts is the verdict on the rows."""

from __future__ import annotations

import json

import numpy as np
import pytest

from router_core import intervals
from router_core.errors import EvaluationError
from router_core.evaluation.by_file.cells import Cells, cells_of, grouped, labelled_of
from router_core.evaluation.by_file.conclusion import verdict
from router_core.evaluation.by_file.published import example, published
from router_core.evaluation.by_file.report import evaluate
from router_core.evaluation.labelled import Labelled
from router_core.evaluation.results import Objective, Report, dump, load
from tests.labelled import labelled

TASKS = ("law", "maths", None)


def a_file(models: int = 2, prompts: int = 600) -> Labelled:
    """Scores of 0 and 1, each model better than the one before, and three tasks."""
    rng = np.random.default_rng(3)
    chances = np.linspace(0.6, 0.9, models)
    scores = (rng.random((prompts, models)) < chances).astype(float)
    costs = [0.0004 * 8.0**place for place in range(models)]
    return labelled(scores.tolist(), costs, tasks=[TASKS[at % 3] for at in range(prompts)])


def told(data: Labelled, worth: float) -> Report:
    """The models alone, judged."""
    return evaluate((), data, objective=Objective(worth), draws=0)


@pytest.mark.parametrize("models", [2, 4])
@pytest.mark.parametrize("worth", [0.0, 0.02, 0.3, 5.0])
def test_counts_and_rows_say_the_same(models: int, worth: float) -> None:
    """Every figure with its interval, break-even and value included, the tasks, and the sentences."""
    data = a_file(models)
    rows, counts = told(data, worth), told(labelled_of(cells_of(data), data.source), worth)
    assert (verdict(counts), counts.best_fixed, counts.hull) == (verdict(rows), rows.best_fixed, rows.hull)
    assert counts.prompts == rows.prompts == 600
    assert [one.task for one in counts.tasks] == ["law", "maths"]
    mine, its = json.loads(dump(counts)), json.loads(dump(rows))
    for part in ("rows", "rivals", "tasks"):
        flat = [np.array(_numbers(side[part])) for side in (mine, its)]
        np.testing.assert_allclose(flat[0], flat[1], rtol=1e-9, atol=1e-12)


def _numbers(value: object) -> list[float]:
    if isinstance(value, dict):
        return [one for inner in value.values() for one in _numbers(inner)]
    if isinstance(value, list):
        return [one for inner in value for one in _numbers(inner)]
    return [float(value)] if isinstance(value, int | float) else []


def test_costs_within_a_cell_hardly_move_an_interval() -> None:
    """They are taken to be alike; the means stay what they are."""
    data = a_file()
    spread = np.random.default_rng(4).lognormal(0.0, 0.5, data.cost_usd.shape)
    data.cost_usd[:] *= spread
    rows, counts = (told(one, 0.05).rivals[0] for one in (data, labelled_of(cells_of(data), "")))
    assert counts.break_even_usd == pytest.approx(rows.break_even_usd, rel=1e-9)
    assert counts.utility_usd is not None
    assert rows.utility_usd is not None
    assert counts.utility_usd.value == pytest.approx(rows.utility_usd.value, rel=1e-9)
    assert counts.utility_usd.low == pytest.approx(rows.utility_usd.low, rel=0.02)
    assert counts.break_even_low_usd == pytest.approx(rows.break_even_low_usd, rel=0.02)


def test_parts_of_a_point_are_grouped_more_coarsely_when_there_are_too_many() -> None:
    """Never more cells than asked for where two models are told apart, and the means as they were."""
    rng = np.random.default_rng(5)
    data = labelled(rng.random((500, 2)).tolist(), tasks=[f"task {at % 10}" for at in range(500)])
    for most in (1000, 200, 40, 9):
        found = cells_of(data, most)
        assert sum(found.counts) == 500
        assert len(found.counts) <= most
        again = labelled_of(found, "")
        np.testing.assert_allclose(again.mean(again.scores), data.scores.mean(axis=0))
    assert set(found.tasks) == {""}
    assert len(cells_of(data, 1000).counts) == 500


def test_hundreds_of_tasks_are_no_tasks() -> None:
    """As in the report, which shows none then either."""
    data = labelled([[0.0, 1.0]] * 300, tasks=[f"task {at}" for at in range(300)])
    assert grouped(data).tasks == ("",)


def test_an_unknown_price_stays_unknown() -> None:
    """Through the counts and through JSON."""
    data = labelled([[0.0, 1.0], [1.0, 1.0]] * 20, costs=(0.001, float("nan")))
    found = load(Cells, dump(cells_of(data)))
    assert {row[1] for row in found.cost_usd} == {None}
    assert np.isnan(labelled_of(found, "").cost_usd[:, 1]).all()


def test_routers_are_not_judged_on_counts() -> None:
    """They would have to see the prompts."""
    counts = labelled_of(cells_of(a_file()), "")
    with pytest.raises(EvaluationError, match="have no text for a router to look at"):
        evaluate(("length",), counts, objective=Objective(0.05))


@pytest.mark.parametrize("weights", [np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 1.0])])
def test_a_weight_is_as_many_rows(weights: np.ndarray) -> None:
    """For means of any column and for shares."""
    values = np.array([[0.0, 0.2], [1.0, 0.9], [1.0, 0.4]])
    rows = np.repeat(values, weights.astype(int), axis=0)
    for mine, its in (
        (intervals.mean(values, 0.9, 0.5, 0.1, weights), intervals.mean(rows, 0.9, 0.5, 0.1)),
        (intervals.share(values, weights=weights), intervals.share(rows)),
        (intervals.difference(values, weights=weights), intervals.difference(rows)),
    ):
        np.testing.assert_allclose(mine, its, rtol=1e-12)


def test_published_examples_say_where_they_are_from() -> None:
    """Source, licence, how it was scored, prices and counts; never a text."""
    assert [one.name for one in published()] == ["gsm8k", "mmlu", "routerarena"]
    for one in published():
        assert one.licence == "Apache-2.0"
        assert "@" in one.source
        assert f"{one.prompts:,}" in one.title
        assert len(one.sha256) == 64
        assert all(model.output_usd_per_million_tokens > 0 for model in one.models)
        assert max(map(len, one.cells.tasks)) < 50
    assert len(set(example("mmlu").cells.tasks)) == 57
    with pytest.raises(EvaluationError, match="no published example 'nope'"):
        example("nope")


@pytest.mark.parametrize(
    ("name", "prompts", "accuracies", "break_even", "choice"),
    [
        ("gsm8k", 1319, (0.942, 0.962), 0.0689, "gpt-4o-mini"),
        ("mmlu", 14_037, (0.681, 0.806), 0.0673, "Mixtral-8x7B"),
        ("routerarena", 809, (0.690, 0.523), None, "gemini-2.0-flash"),
    ],
)
def test_published_examples_are_judged(
    name: str, prompts: int, accuracies: tuple[float, float], break_even: float | None, choice: str
) -> None:
    """With the figures of the files that were counted."""
    report = told(example(name).labelled(), 0.05)
    found = tuple(round(report.row(model).accuracy.value, 3) for model in report.models)
    assert (report.prompts, found) == (prompts, accuracies)
    even = report.rivals[0].break_even_usd
    assert even is None if break_even is None else even == pytest.approx(break_even, abs=5e-5)
    assert (verdict(report).kind, verdict(report).choice) == ("use", choice)
