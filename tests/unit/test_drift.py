"""The drift alarm, by hand: evidence per outcome, fold, warm-up, direction, and what is forgotten."""

from __future__ import annotations

from dataclasses import replace
from math import inf, log, nan

import numpy as np
import pytest

from router_core.errors import InvalidOutcomeError, SettingsError
from router_core.learning.beta import update
from router_core.learning.calibration import Calibration, expit
from router_core.learning.drift import DriftRule, Watch, observe, tempered, tempered_normal
from router_core.types import Posterior

AT_ONCE = DriftRule(warm_up=0)
DOUBLE = DriftRule(shift_logit=log(2.0), threshold=2.0, warm_up=0)
"""Odds are doubled or halved: 1/2 becomes 2/3 or 1/3."""
EXACT = Calibration(offset_variance=0.0, slope_variance=0.0)
"""Predictions are known to be right."""


def fold(rule: DriftRule, predicted: float, rewards: list[float]) -> tuple[Watch, list[str]]:
    """The watch after all rewards, and the directions of the alarms on the way."""
    watch, heard = Watch(calibration=EXACT), []
    for reward in rewards:
        watch, alarm = observe(watch, predicted, reward, rule)
        if alarm is not None:
            heard.append(f"{alarm.direction} {alarm.began}-{alarm.at}")
    return watch, heard


def test_the_evidence_of_one_outcome() -> None:
    """At p = 1/2 a bad answer speaks for 1/3 by log(4/3) and against 2/3; below 0 a CUSUM does not go."""
    watch, alarm = observe(Watch(calibration=EXACT), 0.5, 0.0, DOUBLE)
    assert (watch.worse, watch.better) == (pytest.approx(log(4 / 3)), 0.0)
    assert alarm is None
    watch, _ = observe(watch, 0.5, 1.0, DOUBLE)
    assert (watch.worse, watch.better) == (0.0, pytest.approx(log(4 / 3)))  # log(4/3) + log(2/3) < 0


def test_half_a_reward_is_half_of_each() -> None:
    """The evidence is linear in the reward."""
    start = Watch(worse=1.0, better=1.0, calibration=EXACT)
    good, _ = observe(start, 0.8, 1.0, AT_ONCE)
    bad, _ = observe(start, 0.8, 0.0, AT_ONCE)
    half, _ = observe(start, 0.8, 0.5, AT_ONCE)
    assert half.worse == pytest.approx((good.worse + bad.worse) / 2)
    assert half.better == pytest.approx((good.better + bad.better) / 2)


def test_seven_bad_answers_in_a_row() -> None:
    """7 log(4/3) = 2.014 is the first multiple above 2; the change began before the first of them."""
    watch, heard = fold(DOUBLE, 0.5, [0.0] * 7)
    assert heard == ["worse 0-7"]
    assert watch == Watch(7, 0.0, 0.0, 7, 7)


def test_the_change_is_dated() -> None:
    """Good answers keep the CUSUM at 0, so it is dated after the last of them."""
    assert fold(DOUBLE, 0.5, [1.0] * 4 + [0.0] * 7)[1] == ["worse 4-11"]


def test_an_arm_that_gets_better() -> None:
    """The same upwards."""
    assert fold(DOUBLE, 0.5, [1.0] * 7)[1] == ["better 0-7"]


def test_an_alarm_begins_anew() -> None:
    """How right predictions are is in doubt again, so the same deviation sets off no second alarm at once."""
    watch, heard = fold(DOUBLE, 0.5, [1.0] * 14)
    assert heard == ["better 0-7"]
    assert 0.0 < watch.better < 2.0
    assert watch.calibration.outcomes + len(watch.recent) == 7


def test_the_threshold_is_lower_where_outcomes_tell_less() -> None:
    """At 90 % good answers by log(4 x .9 x .1): the rate of false alarms stays, and changes are found sooner."""
    rare = Watch(calibration=EXACT, spread=0.36, worse=1.5)
    assert observe(rare, 0.9, 0.0, DriftRule(threshold=2.7, warm_up=0))[1] is not None
    assert observe(replace(rare, spread=1.0), 0.9, 0.0, DriftRule(threshold=2.7, warm_up=0))[1] is None


@pytest.mark.parametrize(("offset", "slope"), [(0.5, 1.0), (-0.5, 1.0), (0.0, 0.5), (0.3, 1.6)])
def test_calibration_is_learned(offset: float, slope: float) -> None:
    """5,000 outcomes of predictions that are off give offset and slope, within three standard deviations."""
    random = np.random.default_rng(4)
    belief = Calibration()
    for said in random.normal(1.0, 1.0, 5_000).tolist():
        belief = belief.after(said, float(random.random() < expit(offset + slope * said)))
    assert belief.outcomes == 5_000
    assert abs(belief.offset - offset) < 3 * belief.offset_variance**0.5 < 0.25
    assert abs(belief.slope - slope) < 3 * belief.slope_variance**0.5 < 0.25
    expected, deviation = belief.corrected(1.0)
    assert expected == pytest.approx(offset + slope, abs=3 * deviation)


def test_the_newest_outcomes_do_not_calibrate_yet() -> None:
    """The newer half of them, 250 at most, waits: a change must not count as usual before it is found."""
    for pairs, waiting in ((1, 0), (2, 1), (7, 3), (100, 50), (800, 250)):
        watch = Watch()
        for place in range(pairs):
            watch, _ = observe(watch, 0.6, float(place % 2), DriftRule(threshold=1e9))
        assert (len(watch.recent), watch.calibration.outcomes) == (waiting, pairs - waiting)


def test_predictions_may_be_off_before_it_is_known_by_how_much() -> None:
    """.62 where .8 was predicted is within what predictions may be off; nothing but failures is not."""
    first = (np.random.default_rng(5).random(160) < 0.62).astype(float).tolist()
    watch, heard = Watch(), []
    for reward in first + [0.0] * 60:
        watch, alarm = observe(watch, 0.8, reward, DriftRule(warm_up=0))
        heard += [alarm] if alarm is not None else []
    assert [one.direction for one in heard] == ["worse"]
    assert 155 <= heard[0].began <= 160 < heard[0].at < 190


def test_no_judgement_while_warming_up() -> None:
    """The first outcomes count as pairs and nothing else."""
    watch, heard = fold(DriftRule(threshold=0.1, warm_up=50), 0.9, [0.0] * 50)
    assert (watch.pairs, watch.worse, watch.better, watch.worse_since, heard) == (50, 0.0, 0.0, 50, [])
    assert observe(watch, 0.9, 0.0, DriftRule(threshold=0.1, warm_up=50))[1] is not None


@pytest.mark.parametrize("predicted", [0.0, 1.0])
@pytest.mark.parametrize("reward", [0.0, 1.0])
def test_certainty_is_not_taken_at_its_word(predicted: float, reward: float) -> None:
    """A prediction of 0 or 1 gives finite evidence, at most the shift, whatever comes."""
    watch, _ = observe(Watch(calibration=EXACT), predicted, reward, AT_ONCE)
    assert 0.0 <= watch.worse <= 0.7 + 1e-9
    assert 0.0 <= watch.better <= 0.7 + 1e-9


@pytest.mark.parametrize("reward", [-0.1, 1.1, nan, inf])
def test_a_reward_outside_its_range(reward: float) -> None:
    """Is refused with the value and what is allowed."""
    with pytest.raises(InvalidOutcomeError, match=r"is not a reward; give a number from 0 \(bad\) to 1 \(good\)"):
        observe(Watch(), 0.5, reward)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"shift_logit": 0.0}, "shift_logit is 0.0; give a number above 0"),
        ({"threshold": nan}, "threshold is nan; give a number above 0"),
        ({"threshold": inf}, "threshold is inf; give a number above 0"),
        ({"warm_up": -1}, "warm_up is -1; give a number of outcomes, 0 or more"),
        ({"keep": 1.5}, "keep is 1.5; give a share from 0"),
    ],
)
def test_rules_out_of_range(given: dict[str, float], said: str) -> None:
    """Are refused with the value and what is allowed."""
    with pytest.raises(SettingsError, match=said):
        DriftRule(**given)  # type: ignore[arg-type]


def test_a_tempered_beta() -> None:
    """100 good and 50 bad at 2 % count as 2 and 1, on top of the prior; how many were seen stays."""
    assert tempered(Posterior(101.0, 51.0, 150), Posterior(1.0, 1.0), 0.02) == Posterior(3.0, 2.0, 150)
    assert tempered(Posterior(101.0, 51.0, 150), Posterior(4.0, 2.0), 0.0) == Posterior(4.0, 2.0, 150)


def test_a_tempered_beta_is_the_fold_of_weighted_outcomes() -> None:
    """Outcomes that come after it count in full."""
    before = Posterior(51.0, 51.0, 100)
    assert update(tempered(before, Posterior(1.0, 1.0), 0.1), 1.0) == Posterior(7.0, 6.0, 101)


def test_a_tempered_normal_in_one_dimension() -> None:
    """Prior N(1, 1/2), data worth precision 98 at 3: precision 100, mean 2.96; half of it: precision 51."""
    mean, precision = tempered_normal(
        np.array([2.96]), np.array([[100.0]]), np.array([1.0]), np.array([[2.0]]), keep=0.5
    )
    assert precision.tolist() == [[51.0]]
    assert mean.tolist() == pytest.approx([(2.0 * 1.0 + 49.0 * 3.0) / 51.0])


def test_keeping_everything_and_nothing() -> None:
    """keep 1 is the posterior, keep 0 the prior, in three dimensions."""
    random = np.random.default_rng(3)
    square = random.normal(size=(3, 3))
    prior = np.eye(3) * 0.5
    posterior = prior + square @ square.T
    mean, prior_mean = random.normal(size=3), random.normal(size=3)
    everything = tempered_normal(mean, posterior, prior_mean, prior, keep=1.0)
    nothing = tempered_normal(mean, posterior, prior_mean, prior, keep=0.0)
    np.testing.assert_allclose(everything[0], mean, rtol=1e-12)
    np.testing.assert_allclose(everything[1], posterior, rtol=1e-12)
    np.testing.assert_allclose(nothing[0], prior_mean, rtol=1e-12)
    np.testing.assert_allclose(nothing[1], prior, rtol=1e-12)
