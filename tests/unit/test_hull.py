"""What money buys without a router, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from router_core.evaluation.by_file.hull import best_accuracy, lowest_cost, on_hull

# cheap, dominated by a mix of its neighbours, strong, more expensive and worse
ACCURACY, COST = np.array([0.60, 0.65, 0.90, 0.80]), np.array([1.0, 6.0, 11.0, 20.0])


@pytest.mark.parametrize(
    ("budget", "accuracy"),
    [
        (1.0, 0.60),
        (6.0, 0.75),  # half cheap, half strong; the model of that price has 0.65
        (3.5, 0.675),
        (11.0, 0.90),
        (50.0, 0.90),  # more money buys nothing more
        (0.5, 0.60),  # nothing is cheaper than the cheapest
    ],
)
def test_best_accuracy(budget: float, accuracy: float) -> None:
    assert float(best_accuracy(ACCURACY, COST, np.asarray(budget))) == pytest.approx(accuracy)


@pytest.mark.parametrize(
    ("wanted", "cost"),
    [
        (0.60, 1.0),
        (0.75, 6.0),
        (0.80, 1.0 + 10.0 * 2 / 3),
        (0.90, 11.0),
        (0.95, 11.0),  # beyond the best: what the best costs
        (0.10, 1.0),
    ],
)
def test_lowest_cost(wanted: float, cost: float) -> None:
    assert float(lowest_cost(ACCURACY, COST, np.asarray(wanted))) == pytest.approx(cost)


def test_models_on_the_hull() -> None:
    """The mix beats the second, the third beats the fourth."""
    assert on_hull(ACCURACY, COST) == [0, 2]
    assert on_hull(np.array([0.5]), np.array([1.0])) == [0]
    assert on_hull(np.array([0.7, 0.5]), np.array([1.0, 2.0])) == [0]
    assert on_hull(np.array([0.5, 0.6, 0.7]), np.array([1.0, 1.5, 2.5])) == [0, 1, 2]


def test_many_draws_at_once() -> None:
    """One call for all draws is one call for each."""
    rng = np.random.default_rng(0)
    accuracy, cost, at = rng.random((50, 4)), rng.random((50, 4)), rng.random(50)
    each = [float(best_accuracy(a, c, np.asarray(b))) for a, c, b in zip(accuracy, cost, at, strict=True)]
    assert best_accuracy(accuracy, cost, at).tolist() == pytest.approx(each)
    each = [float(lowest_cost(a, c, np.asarray(b))) for a, c, b in zip(accuracy, cost, at, strict=True)]
    assert lowest_cost(accuracy, cost, at).tolist() == pytest.approx(each)


def test_cost_and_accuracy_are_inverse_on_the_hull() -> None:
    """What an accuracy costs buys that accuracy."""
    wanted = np.linspace(0.60, 0.90, 31)
    rows = (np.broadcast_to(ACCURACY, (31, 4)), np.broadcast_to(COST, (31, 4)))
    assert best_accuracy(*rows, lowest_cost(*rows, wanted)) == pytest.approx(wanted)
