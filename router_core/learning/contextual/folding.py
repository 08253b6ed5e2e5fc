"""Learning outcome by outcome, with an eye on drift: what the contextual router knows is a fold over its lessons.

See routing/memory.py for where lessons come from.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import exp, pi, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router_core.learning.contextual import vector
from router_core.learning.contextual.logistic import Belief
from router_core.learning.contextual.sharing import Learned
from router_core.learning.contextual.state import ContextualState, taught, unknown
from router_core.learning.drift import Direction, DriftRule, Watch, observe, tempered_normal

Array = NDArray[np.float64]

VERDICT: Final = vector.NAMES.index("verdict_complex")
ABSENT: Final = vector.NAMES.index("verdict_absent")
_UNWATCHED: Final = Watch()


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
    learning = Folding(fold, rule, disregarded)
    learning.take(arm, x, reward, place)
    return learning.fold()


class Folding:
    """A fold under way, for many lessons: what ``after`` gives one by one, without a ``Fold`` for each.

    Args:
        fold: before; it is left as it is.
        rule, disregarded: as in ``after``.
    """

    def __init__(self, fold: Fold, rule: DriftRule, disregarded: Collection[int]) -> None:
        self._rule, self._disregarded = rule, disregarded
        self._gain = fold.state.gain
        self._arms = dict(fold.state.arms)
        self._watches = dict(fold.watches)
        self._alarms = fold.alarms
        self._complex, self._heard = fold.state.verdicts
        self.outcomes = fold.state.outcomes
        self.seq = fold.seq

    def __contains__(self, arm: str) -> bool:
        """Whether anything is known of the arm."""
        return arm in self._arms

    def fold(self) -> Fold:
        """As it is now."""
        verdicts = (self._complex, self._heard)
        state = ContextualState(dict(self._arms), self._gain, self.outcomes, verdicts)
        return Fold(state, dict(self._watches), self._alarms, self.seq)

    def take(self, arm: str, x: Array, reward: float, place: int) -> None:
        """One more lesson; see ``after``."""
        known = self._arms.get(arm) or unknown()
        watch = self._watches.get(arm, _UNWATCHED)
        mean, variance = known.belief.logit(x)
        predicted = 1.0 / (1.0 + exp(-max(-30.0, min(30.0, mean / sqrt(1.0 + pi * variance / 8.0)))))
        self._watches[arm], alarm = observe(watch, predicted, reward, self._rule)
        known = taught(known, x, reward)
        if x[ABSENT] == 0.0:
            self._complex += int(x[VERDICT] > 0.0)
            self._heard += 1
        if alarm is not None:
            ignored = place in self._disregarded
            told = ArmAlarm(place, arm, alarm.direction, alarm.at, alarm.began, alarm.evidence, ignored)
            self._alarms = (*self._alarms, told)
            if not ignored:
                known = _forgetting(known, self._rule.keep)
        self._arms[arm] = known
        self.outcomes += 1
        self.seq = place


def _forgetting(learned: Learned, keep: float) -> Learned:
    before, now = learned.prior, learned.belief
    precisions: list[Array] = [np.asarray(np.linalg.inv(one.covariance), np.float64) for one in (now, before)]
    mean, precision = tempered_normal(now.mean, precisions[0], before.mean, precisions[1], keep)
    covariance = np.asarray(np.linalg.inv(precision), np.float64)
    return Learned(before, Belief(mean, (covariance + covariance.T) / 2.0, now.observations))
