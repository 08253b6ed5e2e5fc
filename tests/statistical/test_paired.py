"""The paired test, looked at after every pair: false conclusions at the boundary, and pairs until a true one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from router_core.evaluation.from_log.log import Array
from router_core.evaluation.paired import evidence, paired_test

SEQUENCES = 2_000


def pairs(
    cheap: float, strong: float, length: int, seed: int, sequences: int = SEQUENCES, alike: float = 0.0
) -> Array:
    """(sequences, length) of x; both models draw the same luck with probability ``alike``."""
    rng = np.random.default_rng(seed)
    first, second = rng.random((2, sequences, length))
    second = np.where(rng.random((sequences, length)) < alike, first, second)
    return ((first < cheap).astype(float) - (second < strong) + 1) / 2


@pytest.mark.parametrize("alike", [0.0, 0.9])
@pytest.mark.parametrize(("cheap", "strong", "d"), [(0.90, 0.95, 0.05), (0.60, 0.65, 0.05), (0.93, 0.95, 0.02)])
def test_false_conclusions_at_the_boundary(cheap: float, strong: float, d: float, alike: float) -> None:
    """The difference is exactly d; each side is looked at after each of 1,000 pairs and reaches 20 in fewer than
    5 % of 2,000 sequences (with room for chance: 130 hits are likelier than 1 in 1,000 at a true 5 %).
    """  # fmt: skip
    x, m = pairs(cheap, strong, 1_000, 7, alike=alike), (1 - d) / 2
    for side in (evidence(x, m), evidence(1 - x, 1 - m)):
        false = int((side.max(axis=1) >= math.log(20)).sum())
        assert false <= 0.05 * SEQUENCES, false


def test_the_bound_is_of_use() -> None:
    """Not 5 % because nothing is ever concluded: at the boundary more than 1 % are."""
    hits = (evidence(pairs(0.90, 0.95, 1_000, 7), 0.475).max(axis=1) >= math.log(20)).sum()
    assert hits > 0.01 * SEQUENCES


@pytest.mark.parametrize(("d", "length", "low", "high"), [(0.05, 2_000, 200, 290), (0.02, 6_000, 1_200, 1_900)])
def test_pairs_until_equal_models_are_told(d: float, length: int, low: int, high: int) -> None:
    """Both good 95 times in 100, by luck of their own: half of the sequences are settled after so many pairs."""
    side = evidence(pairs(0.95, 0.95, length, 11, 600), (1 - d) / 2)
    reached = side >= math.log(20)
    first = np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, length)
    assert low <= np.median(first) <= high, np.median(first)
    assert reached.any(axis=1).mean() > 0.95


@pytest.mark.parametrize(("looked", "chances"), [(0, None), (30, None), (120, None), (60, (0.05, 0.9, 0.05))])
def test_how_many_more_comes_true_as_likely_as_not(looked: int, chances: tuple[float, ...] | None) -> None:
    """Of the sequences not settled after so many pairs, about half are within as many more as it said: equal
    models, or (None) each time others, as unlike as it guesses. (With room for chance: .03 is a standard error.)
    """  # fmt: skip
    rng = np.random.default_rng(13)
    in_time = []
    for _ in range(300):
        x = rng.choice([0.0, 0.5, 1.0], 4_000, p=rng.dirichlet([1, 18, 1]) if chances is None else chances)
        cheap, strong = np.maximum(2 * x - 1, 0), np.maximum(1 - 2 * x, 0)
        start = paired_test(cheap[:looked], strong[:looked])
        if start.conclusion == "unknown" and start.more_pairs is not None and start.more_pairs < 3_800:
            reached = evidence(x, 0.475)[: looked + start.more_pairs].max() >= math.log(20)
            in_time.append(bool(reached))
    assert len(in_time) > 100
    assert 0.4 < np.mean(in_time) < 0.62, (np.mean(in_time), len(in_time))


def test_the_interval_covers_at_any_time() -> None:
    """Of the difference, looked at after 40, 200 and 1,000 pairs: far above 95 %, for it holds at all times."""
    for length in (40, 200, 1_000):
        hits = 0
        for row in pairs(0.85, 0.93, length, 17, 150):
            found = paired_test(np.maximum(2 * row - 1, 0), np.maximum(1 - 2 * row, 0)).difference
            assert found is not None
            hits += found.low <= 0.08 <= found.high
        assert hits >= binom.ppf(0.001, 150, 0.95), (length, hits)
