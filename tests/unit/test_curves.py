"""Curves of rankings: ties share alike, and APGR and CPT as one works them out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from router_core.evaluation.by_file.curves import SHARES, apgr, cpt, curve, curves, ordering

GAINS = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])  # of ten prompts the strong model wins two
FALLING = np.arange(10.0, 0.0, -1.0)


def test_ordering_groups_equal_scores() -> None:
    """Highest first; equal scores are one group."""
    by = ordering(np.array([3.0, 1.0, 3.0, 2.0]))
    assert by.order.tolist() == [0, 2, 3, 1]
    assert by.starts.tolist() == [0, 2, 3]
    assert by.tied


def test_the_right_order_gains_at_once() -> None:
    """Both wins come first: all is gained with a fifth of the calls."""
    gained = curve(ordering(FALLING), GAINS)
    assert gained.tolist() == pytest.approx([0.0, 0.1] + [0.2] * 9)
    # area: 0.1 * (0/2 + 0.1 + 8 * 0.2 + 0.2/2) = 0.18; over the gap of 0.2
    assert float(apgr(gained)) == pytest.approx(0.9)
    assert float(cpt(gained, 0.5)) == pytest.approx(0.1)
    assert float(cpt(gained, 0.8)) == pytest.approx(0.16)


def test_the_wrong_order_gains_at_last() -> None:
    """Both wins come last."""
    gained = curve(ordering(-FALLING), GAINS)
    assert float(apgr(gained)) == pytest.approx(0.1)
    assert float(cpt(gained, 0.5)) == pytest.approx(0.9)


def test_equal_scores_are_a_random_mix() -> None:
    """Nothing known: half the area, half the calls for half the gap."""
    gained = curve(ordering(np.zeros(10)), GAINS)
    assert gained.tolist() == pytest.approx((0.2 * SHARES).tolist())
    assert float(apgr(gained)) == pytest.approx(0.5)
    assert float(cpt(gained, 0.5)) == pytest.approx(0.5)
    assert float(cpt(gained, 0.8)) == pytest.approx(0.8)


def test_ties_are_the_mean_of_random_breaks() -> None:
    """What equal scores give is what breaking ties at random gives on average."""
    rng = np.random.default_rng(3)
    scores, gains = rng.integers(0, 3, 200).astype(float), rng.choice([-1.0, 0.0, 1.0], 200)
    broken = [curve(ordering(scores + rng.uniform(0, 0.5, 200)), gains) for _ in range(4000)]
    assert curve(ordering(scores), gains) == pytest.approx(np.mean(broken, axis=0), abs=0.004)


def test_row_order_does_not_matter() -> None:
    """The same rows in another order give the same curve."""
    rng = np.random.default_rng(4)
    scores, gains = rng.integers(0, 9, 137).astype(float), rng.choice([-1.0, 0.0, 1.0], 137)
    shuffled = rng.permutation(137)
    assert curve(ordering(scores), gains) == pytest.approx(curve(ordering(scores[shuffled]), gains[shuffled]))


def test_weights_are_repeated_rows() -> None:
    """A prompt drawn three times counts like three equal rows."""
    rng = np.random.default_rng(5)
    scores, gains, times = rng.random(50), rng.choice([-1.0, 0.0, 1.0], 50), rng.integers(0, 4, 50)
    repeated = curve(ordering(np.repeat(scores, times)), np.repeat(gains, times))
    assert curve(ordering(scores), gains, times) == pytest.approx(repeated)
    assert curves(ordering(scores), gains, [times, times]) == pytest.approx(np.stack([repeated, repeated]))


def test_above_one_where_the_cheap_model_wins_some() -> None:
    """Sending only the wins up is better than sending everything up."""
    gains = np.array([1.0] * 4 + [0.0] * 4 + [-1.0] * 2)
    gained = curve(ordering(FALLING), gains)
    assert gained[4] > gained[-1] > 0
    assert float(apgr(gained)) > 1.0


@pytest.mark.parametrize("gains", [np.zeros(10), -GAINS])
def test_no_gap_no_figure(gains: np.ndarray) -> None:
    """Where the strong model is not better there is nothing to recover."""
    gained = curve(ordering(FALLING), gains)
    assert np.isnan(apgr(gained))
    assert np.isnan(cpt(gained, 0.5))
