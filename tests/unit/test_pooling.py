"""Beliefs pooled over task types: the formulas by hand, their limits, and that they need no order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router_core.learning.beta import from_evidence
from router_core.learning.pooling import LEAST, MOST, TaskBeliefs, correlation, pooled, task_name
from router_core.types import ByTask, Evidence, Posterior

ONE = (1.0, 1.0)
ARMS = ("p/cheap", "p/strong")


def counted(count: int, good: float) -> Evidence:
    """So many outcomes, of which so many were good."""
    return Evidence(count, round(good * 1_000_000))


def test_correlation_by_hand() -> None:
    """One model, two tasks of ten: 2 and 8 good. p = 1/2, Q = 2 * 10 * 0.09 = 1.8, Q / (p q) - 1 = 6.2;
    N - sum n^2 / N - 1 = 20 - 10 - 1 = 9; with 100 imagined outcomes at 0.15: (6.2 + 15) / (9 + 100).
    """  # fmt: skip
    found = correlation(np.array([[10.0], [10.0]]), np.array([[2.0], [8.0]]))
    assert found == pytest.approx((1.8 / 0.25 - 1.0 + 15.0) / 109.0)


def test_correlation_over_models_adds_up() -> None:
    """Numerators and denominators are summed; a model without outcomes says nothing."""
    count = np.array([[10.0, 10.0, 0.0], [10.0, 10.0, 0.0]])
    good = np.array([[2.0, 5.0, 0.0], [8.0, 5.0, 0.0]])
    assert correlation(count, good) == pytest.approx((6.2 - 1.0 + 15.0) / (9.0 + 9.0 + 100.0))


def test_before_any_outcome_the_usual_correlation() -> None:
    """Also where everything came with one task type."""
    assert correlation(np.zeros((0, 2)), np.zeros((0, 2))) == 0.15
    assert correlation(np.array([[50.0]]), np.array([[25.0]])) == pytest.approx(0.15)


@pytest.mark.parametrize(("good", "bound"), [([[5e4], [5e4], [5e4]], LEAST), ([[1e5], [0.0], [1e5]], MOST)])
def test_correlation_has_bounds(good: list[list[float]], bound: float) -> None:
    """Tasks that are all alike, and tasks that have nothing in common."""
    assert correlation(np.full((3, 1), 1e5), np.array(good)) == bound


def test_pooled_by_hand() -> None:
    """Task: 3 of 4 good; the goal: 10 of 20; prior (1, 1); rho 0.1, so m = 9. Others: A = 1 + 7, B = 1 + 9,
    M = 18; k = 9 * 18 / (9 + 18 + 1) = 162 / 28; alpha = k * 8 / 18 + 3, beta = k * 10 / 18 + 1.
    """  # fmt: skip
    alpha, beta, others = pooled(
        np.array([[4.0]]), np.array([[3.0]]), np.array([20.0]), np.array([10.0]), ONE, 0.1
    )
    k = 162.0 / 28.0
    assert (alpha[0, 0], beta[0, 0]) == (pytest.approx(k * 8 / 18 + 3), pytest.approx(k * 10 / 18 + 1))
    assert others[0, 0] == pytest.approx(k)


@pytest.mark.parametrize("rho", [LEAST, 0.1, MOST])
@pytest.mark.parametrize(("count", "good"), [(0.0, 0.0), (30.0, 12.0), (5000.0, 4000.0)])
def test_before_its_own_outcomes_a_task_has_the_variance_of_both_doubts(
    rho: float, count: float, good: float
) -> None:
    """Var = E[mu (1 - mu)] / (m + 1) + Var(mu): how tasks differ, and how little is known of their mean."""
    nothing = np.zeros((1, 1))
    alpha, beta, _ = pooled(nothing, nothing, np.array([count]), np.array([good]), ONE, rho)
    a, b = float(alpha[0, 0]), float(beta[0, 0])
    big_a, big_b = 1.0 + good, 1.0 + count - good
    mean, known = big_a / (big_a + big_b), big_a + big_b
    of_mean = mean * (1 - mean) / (known + 1)
    expected = (mean * (1 - mean) - of_mean) * rho + of_mean
    assert a / (a + b) == pytest.approx(mean)
    assert a * b / ((a + b) ** 2 * (a + b + 1)) == pytest.approx(expected)


def test_a_task_with_many_outcomes_speaks_for_itself() -> None:
    """And one without any has the mean of the others, less sure than they are."""
    tasks: ByTask = {
        "maths": {ARMS[0]: counted(4000, 1200)},
        "labels": {ARMS[0]: counted(4000, 3800)},
        "new": {},
    }
    believed = TaskBeliefs(tasks, ARMS, ONE)
    maths, labels, new = (believed.of(task)[0].posterior for task in ("maths", "labels", "new"))
    assert maths.alpha / (maths.alpha + maths.beta) == pytest.approx(0.3, abs=0.002)
    assert labels.alpha / (labels.alpha + labels.beta) == pytest.approx(0.95, abs=0.002)
    assert new.alpha / (new.alpha + new.beta) == pytest.approx(5001 / 8002)
    assert new.alpha + new.beta < 3.0
    assert believed.of("never heard of")[0] == believed.of("new")[0]


def test_without_a_task_all_outcomes_count_alike() -> None:
    """As Thompson sampling has it, those that came without a task type too."""
    tasks: ByTask = {"maths": {ARMS[0]: counted(4, 1)}, "": {ARMS[0]: counted(6, 5.5), ARMS[1]: counted(2, 2)}}
    believed = TaskBeliefs(tasks, ARMS, (2.0, 3.0))
    assert [one.posterior for one in believed.of("")] == [
        from_evidence(counted(10, 6.5), 2.0, 3.0),
        from_evidence(counted(2, 2), 2.0, 3.0),
    ]
    assert believed.outcomes == 12
    assert believed.tasks == ("maths",)


def test_one_name_for_one_task() -> None:
    """Whatever its case and the blanks around it."""
    assert task_name(" Maths ") == task_name("MATHS") == "maths"
    assert task_name(None) == task_name("  ") == ""
    split: ByTask = {"Maths": {ARMS[0]: counted(3, 2)}, "maths ": {ARMS[0]: counted(1, 1)}}
    whole: ByTask = {"maths": {ARMS[0]: counted(4, 3)}}
    assert TaskBeliefs(split, ARMS, ONE).of("maths") == TaskBeliefs(whole, ARMS, ONE).of("maths")


CELLS = st.integers(0, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n * 1_000_000)))


@given(cells=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6), untyped=CELLS)
def test_whatever_was_rated(
    cells: list[tuple[tuple[int, int], tuple[int, int]]], untyped: tuple[int, int]
) -> None:
    """Posteriors are proper, hold the task's own outcomes, and do not depend on the order of tasks."""
    tasks = {f"t{place}": {arm: Evidence(*one) for arm, one in zip(ARMS, pair, strict=True)}
             for place, pair in enumerate(cells)}  # fmt: skip
    tasks[""] = {ARMS[1]: Evidence(*untyped)}
    believed = TaskBeliefs(tasks, ARMS, ONE)
    assert LEAST <= believed.rho <= MOST
    turned = TaskBeliefs(dict(reversed(tasks.items())), ARMS, ONE)
    for task, arms in tasks.items():
        assert turned.of(task) == believed.of(task)
        for arm, one in zip(ARMS, believed.of(task), strict=True):
            own = arms.get(arm, Evidence())
            assert one.posterior.alpha > 0
            assert one.posterior.beta > 0
            if task:
                assert one.posterior.observations == own.count
                assert one.posterior.alpha + one.posterior.beta == pytest.approx(one.others + own.count)


def test_a_posterior_is_a_plain_beta() -> None:
    """What best_probabilities takes."""
    assert isinstance(TaskBeliefs({}, ARMS, ONE).of("x")[0].posterior, Posterior)
