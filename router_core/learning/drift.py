"""An alarm per arm for when a model has become worse or better, and how far to forget what was learned before.

Two CUSUMs on the log-likelihood ratio (Page 1954): each outcome is held against the probability that was
predicted for it, corrected by how far the arm's earlier predictions were right (calibration.py), and against the
same shifted down and up. See price_changes.py for storing, showing and undoing an alarm, and changed prices.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp, isfinite, log
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from router_core.errors import InvalidOutcomeError, SettingsError
from router_core.learning.calibration import Calibration, expit, logit
from router_core.types import Posterior

Array = NDArray[np.float64]
Direction = Literal["worse", "better"]

LAG: Final = 250
"""The newest outcomes of an arm are held against what the older ones say of its predictions: so many of them, or
half of all while there are fewer than twice as many. A change is to be found before it counts as usual."""

_SURE: Final = 0.15  # log-odds: a calibration that is known so well (standard deviation) is taken as it is
_DOUBT: Final = 2.0  # what lies beyond that is granted to the arm, so many times
_PACE: Final = 0.01  # how fast the usual spread follows


@dataclass(frozen=True, slots=True)
class DriftRule:
    """When to sound the alarm, and what is kept after it.

    ``shift_logit``: the change to look for, in log-odds of a good answer (0.7: from 90 % to 82 %, or to 95 %).
    ``threshold``: the log-likelihood ratio that a CUSUM must exceed at 50 % good answers; one more makes false
    alarms about a third as frequent. Where answers are nearly always good or bad each tells less, and the
    threshold is lower by log(4 p (1 - p)), which keeps the rate of false alarms. ``warm_up``: outcomes of an arm
    that are not judged, because its predictions are still guesses. ``keep``: the weight in [0, 1] that each
    outcome so far has after an alarm.

    Raises:
        SettingsError: a number is out of its range.
    """

    shift_logit: float = 0.7
    threshold: float = 9.0
    warm_up: int = 100
    keep: float = 0.02

    def __post_init__(self) -> None:
        for name, value in (("shift_logit", self.shift_logit), ("threshold", self.threshold)):
            if not (isfinite(value) and value > 0.0):
                raise SettingsError(f"{name} is {value!r}; give a number above 0")
        if self.warm_up < 0:
            raise SettingsError(f"warm_up is {self.warm_up}; give a number of outcomes, 0 or more")
        if not 0.0 <= self.keep <= 1.0:
            raise SettingsError(f"keep is {self.keep!r}; give a share from 0 (forget everything) to 1")


@dataclass(frozen=True, slots=True)
class Watch:
    """What the alarm of one arm remembers: a fold of its pairs (predicted, reward).

    ``worse`` and ``better`` are the two CUSUMs, >= 0; ``worse_since`` and ``better_since`` the number of pairs
    after which each last stood at 0: where the change, if there is one, most likely began. ``calibration``: how
    right predictions were, but for the ``recent`` pairs (log-odds, reward), oldest first. ``spread``: the usual
    4 p (1 - p).
    """

    pairs: int = 0
    worse: float = 0.0
    better: float = 0.0
    worse_since: int = 0
    better_since: int = 0
    calibration: Calibration = field(default_factory=Calibration)
    recent: tuple[tuple[float, float], ...] = ()
    spread: float = 1.0


@dataclass(frozen=True, slots=True)
class Alarm:
    """An arm does not do what was predicted of it.

    ``at`` counts the arm's pairs up to the alarm, ``began`` those before the likeliest point of change;
    ``evidence`` is the CUSUM that crossed the threshold (a log-likelihood ratio).
    """

    direction: Direction
    at: int
    began: int
    evidence: float


DEFAULT_RULE = DriftRule()


def observe(
    watch: Watch, predicted: float, reward: float, rule: DriftRule = DEFAULT_RULE
) -> tuple[Watch, Alarm | None]:
    """The watch after one more outcome, and the alarm if there is one.

    After an alarm both CUSUMs begin at 0, and how right predictions are is as uncertain as in the beginning: what
    set off an alarm once does not do so again and again.

    S <- max(0, S + r log(q/p) + (1 - r) log((1 - q)/(1 - p))), p the corrected prediction, q = p shifted by
    -+ ``shift_logit``. While little is known of how right predictions are, p lies as far off as they may well be:
    only a change beyond that is found (a model that fails altogether, after two dozen outcomes).

    Args:
        watch: what is remembered of the arm so far.
        predicted: the probability of a good answer as it was believed *before* this outcome.
        reward: r in [0, 1].
        rule: when to sound the alarm.

    Raises:
        InvalidOutcomeError: the reward is outside [0, 1].
    """
    if not 0.0 <= reward <= 1.0:
        raise InvalidOutcomeError(f"{reward!r} is not a reward; give a number from 0 (bad) to 1 (good)")
    pairs = watch.pairs + 1
    said = logit(predicted)
    expected, deviation = watch.calibration.corrected(said)
    p = expit(expected)
    spread = watch.spread + _PACE * (4.0 * p * (1.0 - p) - watch.spread)
    calibration, recent = watch.calibration, (*watch.recent, (said, reward))
    if len(recent) > min(LAG, calibration.outcomes):
        calibration, recent = calibration.after(*recent[0]), recent[1:]
    worse, better = watch.worse, watch.better
    if pairs > rule.warm_up:
        doubt = _DOUBT * max(0.0, deviation - _SURE)
        worse = max(0.0, worse + _evidence(expit(expected - doubt), reward, -rule.shift_logit))
        better = max(0.0, better + _evidence(expit(expected + doubt), reward, rule.shift_logit))
    threshold = max(rule.threshold + log(spread), rule.threshold / 2.0)
    sides: tuple[tuple[Direction, float, int], ...] = (
        ("worse", worse, watch.worse_since),
        ("better", better, watch.better_since),
    )
    for direction, evidence, since in sides:
        if evidence > threshold:
            anew = Calibration(calibration.offset, calibration.slope)
            return Watch(pairs, 0.0, 0.0, pairs, pairs, anew), Alarm(direction, pairs, since, evidence)
    return Watch(
        pairs,
        worse,
        better,
        watch.worse_since if worse > 0.0 else pairs,
        watch.better_since if better > 0.0 else pairs,
        calibration,
        recent,
        spread,
    ), None


def _evidence(p: float, reward: float, shift: float) -> float:
    """Log-likelihood ratio of one reward, p shifted by ``shift`` in log-odds against p as it is."""
    return reward * shift - log(1.0 - p + p * exp(shift))


def tempered(posterior: Posterior, prior: Posterior, keep: float = DEFAULT_RULE.keep) -> Posterior:
    """A Beta posterior in which each outcome so far counts ``keep`` of one; ``keep`` 0 is the prior.

    The likelihood to the power ``keep``. ``observations`` stays: that many outcomes were seen, and starting
    weights do not come back.
    """
    return Posterior(
        prior.alpha + keep * (posterior.alpha - prior.alpha),
        prior.beta + keep * (posterior.beta - prior.beta),
        posterior.observations,
    )


def tempered_normal(
    mean: Array, precision: Array, prior_mean: Array, prior_precision: Array, keep: float = DEFAULT_RULE.keep
) -> tuple[Array, Array]:
    """The same for a normal posterior: mean (d) and precision (d x d), the inverse of the covariance.

    What the outcomes added to the prior, in precision and in precision times mean, is multiplied by ``keep``. The
    mean stays where it is as long as ``keep`` times the precision is large against the prior's.
    """
    kept = prior_precision + keep * (precision - prior_precision)
    pull = prior_precision @ prior_mean
    pull = pull + keep * (precision @ mean - pull)
    return np.asarray(np.linalg.solve(kept, pull), dtype=np.float64), kept
