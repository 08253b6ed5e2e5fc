"""The router by task: one best buy per task type, pooled, floored, blended, explained."""

from __future__ import annotations

from typing import Any

import pytest

from router_core.learning.beta import best_probabilities
from router_core.learning.pooling import TaskBeliefs
from router_core.policies.by_task import ByTaskPolicy
from router_core.policies.thompson import ThompsonPolicy
from router_core.settings import GoalSettings
from router_core.types import ByTask, Evidence, ReasonLine
from tests.builders import CHEAP, STRONG, Deciding, a_candidate, a_context

FREE: dict[str, Any] = {"starting_strength": 0, "exploration": 0, "success_value_usd": 0.01}
PAIR = (a_candidate(CHEAP, cost_usd=0.0001, weight=0.8), a_candidate(STRONG, cost_usd=0.002, weight=0.2))


def counted(count: int, good: int) -> Evidence:
    """So many outcomes, of which so many were good."""
    return Evidence(count, good * 1_000_000)


TASKS: ByTask = {
    "maths": {CHEAP: counted(60, 20), STRONG: counted(60, 56)},
    "extraction": {CHEAP: counted(60, 57), STRONG: counted(60, 58)},
    "": {CHEAP: counted(5, 3), STRONG: counted(5, 5)},
}


def a_policy(tasks: ByTask = TASKS, **changes: Any) -> Deciding:
    """One that knows these outcomes."""
    return Deciding(ByTaskPolicy(GoalSettings(**changes)), known=lambda: {"tasks": tasks})


def test_each_task_has_its_own_best_buy() -> None:
    """The strong model for maths, the cheap one where both are good."""
    policy = a_policy(**FREE)
    assert policy.probabilities(a_context(task_type="maths"), PAIR).probabilities[1] > 0.999
    assert policy.probabilities(a_context(task_type="extraction"), PAIR).probabilities[0] > 0.98


def test_the_whole_formula() -> None:
    """f w + (1 - f)(eps + (1 - N eps) P), P from the pooled posteriors, f from the outcomes of the whole goal."""
    given = a_policy(success_value_usd=0.01).probabilities(a_context(task_type="maths"), PAIR).probabilities
    beliefs = TaskBeliefs(TASKS, (CHEAP, STRONG), (1.0, 1.0)).of("maths")
    best = best_probabilities([one.posterior for one in beliefs], [0.0001, 0.002], 0.01)
    fading = 20 / (20 + 250)
    expected = [
        fading * weight + (1 - fading) * (0.02 + 0.96 * chance)
        for weight, chance in zip((0.8, 0.2), best, strict=True)
    ]
    assert given == pytest.approx(expected, abs=1e-12)


def test_before_any_outcome_the_starting_weights_hold_exactly() -> None:
    """Whatever the task."""
    for task in ("maths", None):
        given = a_policy({}, exploration=0.1).probabilities(a_context(task_type=task), PAIR).probabilities
        assert given == pytest.approx((0.8, 0.2), abs=1e-12)


def test_without_a_task_it_decides_as_thompson_sampling() -> None:
    """On the same outcomes, all together."""
    whole = [
        a_candidate(CHEAP, 1 + 80, 1 + 45, cost_usd=0.0001, weight=0.8, observations=125),
        a_candidate(STRONG, 1 + 119, 1 + 6, cost_usd=0.002, weight=0.2, observations=125),
    ]
    expected = Deciding(ThompsonPolicy(GoalSettings())).probabilities(a_context(), whole).probabilities
    assert a_policy().probabilities(a_context(), PAIR).probabilities == pytest.approx(expected, abs=1e-12)


def test_a_new_task_leans_on_the_others() -> None:
    """Less sure than a task with outcomes, and not even."""
    policy = a_policy(**FREE)
    new = policy.probabilities(a_context(task_type="poetry"), PAIR).probabilities[1]
    assert 0.5 < new < policy.probabilities(a_context(task_type="maths"), PAIR).probabilities[1]


def test_the_text_says_nothing() -> None:
    """Only the task type does, in any case."""
    policy = a_policy()
    one = policy.probabilities(a_context("Prove it", "maths"), PAIR).probabilities
    assert policy.probabilities(a_context("Is this spam?", " Maths "), PAIR).probabilities == one


def test_an_outcome_counts_at_once() -> None:
    """Another object of outcomes gives another answer; the same object is not added up again."""
    now: list[ByTask] = [TASKS]
    policy = Deciding(ByTaskPolicy(GoalSettings(**FREE)), known=lambda: {"tasks": now[0]})
    before = policy.probabilities(a_context(task_type="extraction"), PAIR)
    assert policy.probabilities(a_context(task_type="extraction"), PAIR) is before
    now[0] = {**TASKS, "extraction": {CHEAP: counted(160, 57), STRONG: counted(60, 58)}}
    assert policy.probabilities(a_context(task_type="extraction"), PAIR).probabilities != before.probabilities


def test_the_reason() -> None:
    """Who leads on this task, what each model has shown on it, and how much the others count."""
    reason = a_policy(success_value_usd=0.01).probabilities(a_context(task_type="maths"), PAIR).reason
    assert reason.summary == f"{STRONG}: 100% likely to be the better value for maths, at $0.01 per good answer"
    assert reason.lines[0].text.startswith(f"{CHEAP}: 20 of 60 good on maths, 35% expected (")
    assert reason.lines[1].text.startswith(f"{STRONG}: 56 of 60 good on maths, ")
    assert reason.lines[2].text == "other tasks count as so many ratings of each model"
    assert [line.text for line in reason.lines[3:]] == [
        "your initial split still counts",
        "exploration minimum for every model",
    ]


def test_the_reason_without_a_task() -> None:
    """It says so."""
    reason = a_policy().probabilities(a_context(), PAIR).reason
    assert "better value over all tasks" in reason.summary
    assert ReasonLine("no task type was given, so all ratings of the goal count") in reason.lines


def test_the_version_names_what_changes_the_answer() -> None:
    """Each setting of the formula; not another one, nor Thompson sampling's name for the same settings."""
    one = a_policy()
    others = [a_policy(**change) for change in (
        {"success_value_usd": 1.0}, {"exploration": 0.1}, {"starting_strength": 5}, {"prior_alpha": 2.0},
    )]  # fmt: skip
    assert len({one.version, *(other.version for other in others)}) == 5
    assert one.version == a_policy(success_when="content").version
    assert one.version != ThompsonPolicy(GoalSettings()).version
