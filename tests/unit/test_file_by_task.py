"""The router by task on a file of scored answers: out of sample, in the verdict, with a floor, as a learner."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from router_core.errors import EvaluationError
from router_core.evaluation.by_file.by_task import by_task_life, cross_fitted, task_codes
from router_core.evaluation.by_file.conclusion import verdict
from router_core.evaluation.by_file.report import evaluate
from router_core.evaluation.by_file.ways import LEARNING_BY_TASK, WAYS, offered
from router_core.evaluation.labelled import Labelled
from router_core.evaluation.results import Objective, Report, dump, load
from router_core.registry import BY_TASK
from router_core.settings import GoalSettings
from tests.labelled import labelled

WORTH = Objective(success_value_usd=0.05)
GOAL = GoalSettings()


def scored(
    count: int, shares: dict[str | None, Sequence[float]], costs: tuple[float, ...] = (0.001, 0.01), seed: int = 1
) -> Labelled:
    """So many prompts, tasks in turn, each model good at a task with its share."""
    rng = np.random.default_rng(seed)
    tasks = [list(shares)[place % len(shares)] for place in range(count)]
    scores = [(rng.random(len(costs)) < shares[task]).astype(float).tolist() for task in tasks]
    return labelled(scores, costs, tasks=tasks)


THREE: dict[str | None, Sequence[float]] = {
    "classification": (0.95, 0.96),
    "extraction": (0.92, 0.94),
    "maths": (0.3, 0.95),
}


def test_the_verdict_names_the_models_and_their_tasks() -> None:
    """Routing by task pays here, and the sentence says which model does what."""
    report = evaluate([BY_TASK.name, "length"], scored(900, THREE), objective=WORTH, draws=200)
    found = verdict(report)
    assert (found.kind, found.choice) == ("route", BY_TASK.name)
    assert found.sentence.startswith(
        "Route by task (cheap for classification and extraction, strong for maths): it is worth $"
    )
    row = report.row(BY_TASK.name)
    assert row.accuracy.value == pytest.approx(0.94, abs=0.02)
    assert row.shares == pytest.approx((2 / 3, 1 / 3), abs=0.02)
    assert row.note.endswith("judged out of sample")


def test_the_plan_survives_being_kept() -> None:
    """With the rest of the report."""
    report = evaluate([BY_TASK.name], scored(300, THREE), objective=WORTH, draws=50)
    again = load(Report, dump(report))
    assert again == report
    assert again.row(BY_TASK.name).plan == "cheap for classification and extraction, strong for maths"


def test_what_a_task_cannot_tell_is_no_advantage() -> None:
    """One prompt per task: seen in sample each task knows its best model; out of sample nothing is known of it."""
    rng = np.random.default_rng(3)
    first = rng.random(400) < 0.5
    data = labelled(
        np.column_stack([first, ~first]).astype(float).tolist(),
        costs=(0.001, 0.001),
        tasks=[f"task {i}" for i in range(400)],
    )
    chosen = cross_fitted(data, GOAL, WORTH, 0).probabilities
    right = (chosen * data.scores).sum(axis=1)
    assert abs(right.mean() - 0.5) < 0.08
    report = evaluate([BY_TASK.name], data, objective=WORTH, draws=200)
    assert verdict(report).kind != "route"


def test_no_prompt_decides_on_itself() -> None:
    """Another score of one prompt changes only where prompts of other parts go."""
    data = scored(60, {"a": (0.5, 0.6), "b": (0.6, 0.5)})
    before = cross_fitted(data, GOAL, WORTH, 0).probabilities
    for row in range(0, 60, 7):
        data.scores[row] = 1.0 - data.scores[row]
        after = cross_fitted(data, GOAL, WORTH, 0).probabilities
        data.scores[row] = 1.0 - data.scores[row]
        assert np.array_equal(after[row], before[row])


def test_with_a_floor_the_cheapest_models_that_reach_it() -> None:
    """Strong where it must be; a floor beyond every model asks for the most accurate one of each task."""
    data = scored(900, THREE)
    floor = cross_fitted(data, GOAL, Objective(quality_floor=0.9), 0)
    assert floor.plan == "cheap for classification and extraction, strong for maths"
    low = cross_fitted(data, GOAL, Objective(quality_floor=0.5), 0)
    assert low.plan == "cheap for every task"
    high = cross_fitted(data, GOAL, Objective(quality_floor=1.0), 0)
    assert (high.probabilities * data.scores).sum(axis=1).mean() > 0.93


def test_prompts_without_a_task_go_by_all() -> None:
    """They are judged, too, and the plan does not name them."""
    data = scored(600, {**THREE, None: (0.9, 0.95)})
    found = cross_fitted(data, GOAL, WORTH, 0)
    untyped = np.array([task is None for task in data.tasks])
    assert np.all(found.probabilities[untyped].sum(axis=1) == 1.0)
    assert found.plan == "cheap for classification and extraction, strong for maths"


def test_many_tasks_are_counted() -> None:
    """A sentence names a few of them."""
    shares: dict[str | None, Sequence[float]] = {
        f"t{i:02}": (0.95, 0.9) if i % 2 else (0.1, 0.95) for i in range(24)
    }
    found = cross_fitted(scored(2400, shares), GOAL, WORTH, 0)
    assert found.plan == "strong for t00, t02, t04 and 9 more tasks, cheap for the other 12 tasks" or (
        found.plan == "strong for the other 12 tasks, cheap for t01, t03, t05 and 9 more tasks"
    )


def test_it_needs_tasks() -> None:
    """Without two of them it is not offered, and a sentence says what is missing."""
    for tasks in (None, ["maths"] * 4, ["Maths", "maths ", None, ""]):
        data = labelled([[1, 1]] * 4, tasks=tasks)
        assert BY_TASK.name not in offered(data)
        with pytest.raises(EvaluationError, match="at least two task types"):
            task_codes(data)
    assert BY_TASK.name in offered(scored(4, THREE))
    assert [name for name in WAYS if name not in offered(scored(4, THREE))] == ["classifier"]


def test_an_unknown_price_is_no_advice() -> None:
    """Where money decides and a price is unknown, models share alike."""
    data = scored(60, THREE, costs=(0.001, float("nan")))
    found = cross_fitted(data, GOAL, WORTH, 0)
    assert np.all(found.probabilities == 0.5)
    assert "price is unknown" in found.note


def test_it_learns_on_the_way() -> None:
    """Blind Thompson sampling settles on one model; by task each task finds its own."""
    data = scored(3000, THREE)
    report = evaluate([BY_TASK.name, "thompson"], data, objective=WORTH, draws=50, shuffles=5)
    by_task, blind = report.row(LEARNING_BY_TASK), report.row("thompson")
    assert by_task.kind == "learner"
    assert by_task.accuracy.value > 0.88
    value = [row.accuracy.value * 0.05 - (row.cost_usd.value if row.cost_usd else 0) for row in (by_task, blind)]
    assert value[0] > value[1]
    assert {path.name for path in report.regret} == {LEARNING_BY_TASK, "thompson"}


def test_a_life_is_repeatable() -> None:
    """Same seed, same life; exploration keeps every model."""
    data = scored(1000, THREE)
    tasks, _ = task_codes(data)
    lives = [
        by_task_life(tasks, data.scores, (0.001, 0.01), GoalSettings(exploration=0.2), seed, value_usd=0.05)
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(lives[0].chosen, lives[1].chosen)
    assert not np.array_equal(lives[0].order, lives[2].order)
    late = lives[0].chosen[500:]
    assert min(np.bincount(late, minlength=2) / len(late)) > 0.15
