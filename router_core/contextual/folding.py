"""Learning outcome by outcome, with an eye on drift: what the contextual router knows is a fold over its lessons.

Leaves out where lessons come from (router_core/contextual_memory.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from math import exp, pi, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router_core.contextual import vector
from router_core.contextual.logistic import Belief
from router_core.contextual.sharing import Learned
from router_core.contextual.state import ContextualState, learn
from router_core.drift import Direction, DriftRule, Watch, observe, tempered_normal

Array = NDArray[np.float64]

VERDICT: Final = vector.NAMES.index("verdict_complex")
ABSENT: Final = vector.NAMES.index("verdict_absent")


@dataclass(frozen=True, slots=True)
class ArmAlarm:
    """An arm no longer does what was predicted of it.

    ``place``: of the lesson that set the alarm off; it names the alarm. ``at`` counts the arm's lessons up to it,
    ``began`` those before the likeliest point of change. ``disregarded``: it was taken back, so nothing was
    forgotten.
    """

    place: int
    arm: str
    direction: Direction
    at: int
    began: int
    evidence: float
    disregarded: bool


@dataclass(frozen=True, eq=False)
class Fold:
    """What is known after the lessons up to ``seq``, and what the alarms remember."""

    state: ContextualState = field(default_factory=ContextualState)
    watches: Mapping[str, Watch] = field(default_factory=dict)
    alarms: tuple[ArmAlarm, ...] = ()
    seq: int = 0


def after(
    fold: Fold, arm: str, x: Array, reward: float, place: int, rule: DriftRule, disregarded: Collection[int]
) -> Fold:
    """The fold after one more lesson.

    Args:
        fold: before.
        arm: whose answer was judged.
        x: (vector.SIZE,), the prompt as the arm saw it.
        reward: in [0, 1].
        place: number of the outcome, which orders the lessons.
        rule: when a drift alarm sounds, and how much is kept after it.
        disregarded: places of the alarms that were taken back.
    """
    mean, variance = fold.state.learned(arm).belief.logit(x)
    predicted = 1.0 / (1.0 + exp(-max(-30.0, min(30.0, mean / sqrt(1.0 + pi * variance / 8.0)))))
    watch, alarm = observe(fold.watches.get(arm, Watch()), predicted, reward, rule)
    state = learn(fold.state, arm, x, reward)
    if x[ABSENT] == 0.0:
        complex_, heard = state.verdicts
        state = replace(state, verdicts=(complex_ + int(x[VERDICT] > 0.0), heard + 1))
    alarms = fold.alarms
    if alarm is not None:
        ignored = place in disregarded
        told = ArmAlarm(place, arm, alarm.direction, alarm.at, alarm.began, alarm.evidence, ignored)
        alarms = (*alarms, told)
        if not ignored:
            state = replace(state, arms={**state.arms, arm: _forgetting(state.learned(arm), rule.keep)})
    return Fold(state, {**fold.watches, arm: watch}, alarms, place)


def _forgetting(learned: Learned, keep: float) -> Learned:
    before, now = learned.prior, learned.belief
    precisions: list[Array] = [np.asarray(np.linalg.inv(one.covariance), np.float64) for one in (now, before)]
    mean, precision = tempered_normal(now.mean, precisions[0], before.mean, precisions[1], keep)
    covariance = np.asarray(np.linalg.inv(precision), np.float64)
    return Learned(before, Belief(mean, (covariance + covariance.T) / 2.0, now.observations))
