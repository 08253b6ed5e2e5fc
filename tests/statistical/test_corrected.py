"""Corrected intervals cover in worlds whose truth is known. Seeds are fixed; all of it: benchmarks/judges.py."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.judges import World, answers, coverage, pairs

WORLDS = 600
LEAST, MOST = 0.92, 0.985  # a share of .95 in 600 worlds has a standard error of .009


@pytest.mark.parametrize(
    ("world", "people"),
    [
        (answers(0.8, 1.0, 0.0), 100),
        (answers(0.8, 0.96, 0.0), 100),
        (answers(0.8, 0.95, 0.1), 30),
        (answers(0.8, 0.5, 0.5), 60),
        (pairs(0.25, 0.1, 1.0), 200),
        (pairs(0.25, 0.1, 0.8), 60),
        (pairs(0.25, 0.1, 0.0), 30),
    ],
)
def test_the_intervals_hold(world: World, people: int) -> None:
    """From a perfect judge to a useless one, one model and pairs in both orders."""
    found = coverage(world, people, WORLDS)
    assert LEAST <= found.covered <= MOST, found


def test_unequal_probabilities() -> None:
    """Where people were asked half as often about what the judge calls good, the weights put it right."""
    found = coverage(answers(0.7, 0.9, 0.3), 120, WORLDS, unequal=True)
    assert LEAST <= found.covered <= MOST, found


def test_a_good_judge_saves_verdicts_and_a_useless_one_costs_nothing() -> None:
    """With 100 verdicts a good judge makes the interval a quarter narrower, and a coin does not widen it."""
    good, useless = (coverage(answers(0.8, *judge), 100, 200) for judge in ((0.95, 0.1), (0.5, 0.5)))
    assert good.width < 0.75 * good.alone_width
    assert useless.width < 1.02 * useless.alone_width
    assert good.saved > 50 > 5 > useless.saved


def test_a_judge_taken_as_truth_would_not_hold() -> None:
    """What is corrected is there: the judge's own mean is far from the truth in the same worlds."""
    random = np.random.default_rng(0)
    said, would = answers(0.8, 0.9, 0.3).draw(random, 20_000)
    assert abs(said.mean() - 0.78) < 0.01
    assert abs(would.mean() - 0.8) < 0.01
