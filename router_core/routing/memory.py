"""What the contextual router knows in each goal, kept up to date with the store.

State is a fold over the judged answers in the order in which they were first judged, with their present rewards:
after a correction everything is learned anew from where it stands. Each process folds the newest judged answers
when it begins, and every later one. Does not cover the fold itself (contextual/folding.py) and deciding.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from threading import Event, Lock, Thread
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from router_core.errors import RouterError, SettingsError
from router_core.learning.contextual import vector
from router_core.learning.contextual.folding import ABSENT, Fold, Folding
from router_core.learning.contextual.gain import GainScore
from router_core.learning.contextual.joining import Neighbour, hopeful
from router_core.learning.contextual.sharing import Learned
from router_core.learning.contextual.shrinking import with_shrunk_slopes
from router_core.learning.contextual.state import ContextualState, weak_prior, with_shared_priors
from router_core.learning.drift import DriftRule
from router_core.policies.contextual import numbers
from router_core.policies.heuristic import HeuristicPolicy
from router_core.registry import CONTEXTUAL
from router_core.routing.following import LOST_S, Following
from router_core.routing.gain_learning import learn_gain
from router_core.settings import GoalSettings, Settings
from router_core.store.base import Learning, Lesson
from router_core.types import Seen

Array = NDArray[np.float64]

MOST: Final = 20_000
"""Judged answers that a process folds when it begins."""

MOST_UNSEEN: Final = 5_000
"""Answers whose features must be worked out from the text, some 50 us each."""

_MOST_SHARED: Final = 1_000  # of each other goal, for the prior
_EVERY, _KEPT = 500, 8  # lessons between two places to come back to, and how many are kept
_SETTLED: Final = 50  # outcomes in a goal from which on a model without any has joined later


@dataclass(frozen=True)
class _Known:
    """What is read without a lock, so it is replaced as a whole. ``learned``: all of it, to learn on from;
    ``fold``: its state is the same to decide by, its alarms are those on the way there.
    """  # fmt: skip

    learned: ContextualState = field(default_factory=ContextualState)
    fold: Fold = field(default_factory=Fold)


@dataclass
class _Goal:
    """The memory of one goal. ``points``: earlier folds to come back to, oldest first; ``fold``: the present one;
    ``now``: what is made of it; ``following`` keeps it near the log once a decision rests on it;
    ``folding`` is held while it changes.
    """  # fmt: skip

    recalled: int = -1
    seen: int = -1
    points: deque[Fold] = field(default_factory=lambda: deque(maxlen=_KEPT))
    fold: Fold | None = None
    gain: GainScore | None = None
    gain_version: str | None = None
    now: _Known = field(default_factory=_Known)
    tried_at: int = 0
    learner: Thread | None = None
    following: Following | None = None
    folding: Lock = field(default_factory=Lock, init=False)


class Memory:
    """One memory per settings version and store. Thread-safe.

    Args:
        settings: goals, rules and the contextual router's own.
        store: where lessons and gain scores are.
        costs_usd: goal -> arm id -> cost of a usual call; None: unknown. Always the same, whatever comes.
        now: the time.
        gains: whether gain scores are learned anew by a thread of their own, at once, or not at all.
    """

    def __init__(
        self,
        settings: Settings,
        store: Learning,
        costs_usd: Callable[[str], Mapping[str, float | None]],
        now: Callable[[], datetime],
        *,
        gains: Literal["aside", "at once", "never"] = "aside",
    ) -> None:
        self._settings = settings
        self._store = store
        self._costs_usd = costs_usd
        self._now = now
        self._gains = gains
        own = settings.contextual
        self._rule = DriftRule(own.drift_shift, own.drift_threshold, own.drift_warm_up, own.drift_keep)
        self._goals: dict[str, _Goal] = {}
        self._closing = Event()

    def standing(self, goal: str) -> ContextualState:
        """What to decide by. Where nobody else writes, that is ``state``. While other threads write, it is the
        last finished state: no decision waits for a fold. It lacks at most ``MOST_BEHIND`` outcomes, or those of
        the last ``MOST_BEHIND_S`` seconds (following.py).

        The first decision of a process waits, and so does the first one after a reset or a deletion.

        Raises:
            StoreError: the store cannot be read.
        """  # fmt: skip
        known = self._goals.get(goal)
        if known is None or known.following is None:
            self._now_known(goal)
            self._follow(goal, self._goals[goal])
        elif not self._is_current(goal, known):
            alone = not self._store.arrivals.others_write()
            if alone or known.recalled != self._store.mark[0] or known.following.lag.seconds > LOST_S:
                return self._now_known(goal).fold.state
            known.following.start()
        return self._goals[goal].now.fold.state

    def _follow(self, goal: str, known: _Goal) -> None:
        """Keep the goal near the log from now on."""
        with known.folding:
            if known.following is None:
                fold, current = partial(self._now_known, goal), partial(self._is_current, goal, known)
                known.following = Following(self._store, self._closing, fold, lambda: known.seen, current)
        self._store.arrivals.tell(self)

    def with_lag(self, seen: Seen) -> Seen:
        """What a decision saw, with how far its state is behind the log now."""
        lag = self._store.arrivals.behind(seen.upto, self._store.mark[1])
        return replace(seen, outcomes_behind=lag.outcomes, behind_ms=lag.seconds * 1000.0)

    def follow(self) -> None:
        """Fold what was just stored, in a thread of each goal that decides; the thread that stored it may wait."""
        for known in list(self._goals.values()):
            if known.following is not None:
                known.following.start()
                known.following.hold_back()

    def state(self, goal: str) -> ContextualState:
        """What is known with every outcome that was acknowledged before this call, and slopes only as large as the
        outcomes say (contextual/shrinking.py).

        Raises:
            StoreError: the store cannot be read.
        """
        return self._now_known(goal).fold.state

    def learned(self, goal: str) -> ContextualState:
        """All that was learned, to learn on from: here or elsewhere.

        Raises:
            StoreError: the store cannot be read.
        """
        return self._now_known(goal).learned

    def fold(self, goal: str) -> Fold:
        """``state``, and the drift alarms on the way there.

        Raises:
            StoreError: the store cannot be read.
        """
        return self._now_known(goal).fold

    def adopt(self, before: Memory) -> None:
        """Go on from what a memory of other settings has folded: each goal whose fold is the same by these.

        Args:
            before: of the same store; of another one nothing is taken. It may go on by itself.
        """
        if before._store is not self._store:
            return
        for goal, known in list(before._goals.items()):
            if goal not in self._settings.goals or self._rests_on(goal) != before._rests_on(goal):
                continue
            with known.folding:
                stopped = known.learner is not None and known.learner.is_alive()
                self._goals[goal] = replace(
                    known,
                    points=deque(known.points, _KEPT),
                    learner=None,
                    tried_at=0 if stopped else known.tried_at,
                    following=None,
                )

    def _rests_on(self, goal: str) -> tuple[object, ...]:
        """What the settings say that a goal's fold depends on; another goal's lessons are in its beginning."""
        chosen = self._settings.goal(goal)
        return (
            [arm.id for arm in chosen.arms],
            chosen.success_value_usd,
            self._costs_usd(goal),
            [(name, one.teaching_rule(CONTEXTUAL.name)) for name, one in self._settings.goals.items()],
            self._settings.heuristic,
            self._rule,
        )

    def close(self) -> None:
        """Stop learning in the background."""
        self._closing.set()
        for known in list(self._goals.values()):
            if known.following is not None:
                known.following.stop()
            if known.learner is not None:
                known.learner.join()

    def _now_known(self, goal: str) -> _Known:
        known = self._goals.get(goal)
        if known is not None and self._is_current(goal, known):
            return known.now
        known = self._goals.setdefault(goal, _Goal())
        with known.folding:
            self._refresh(goal, known)
            return known.now

    def _is_current(self, goal: str, known: _Goal) -> bool:
        same = (known.recalled, known.seen) == self._store.mark
        return same and known.gain_version == self._store.gain_version(goal)

    def _refresh(self, goal: str, known: _Goal) -> None:
        recalled, seen = self._store.mark
        chosen = self._settings.goal(goal)
        if known.recalled != recalled:
            known.points.clear()
            known.fold = None
        rule = chosen.teaching_rule(CONTEXTUAL.name)
        lessons: list[Lesson] | None = None
        while known.fold is not None and lessons is None:
            last, found = self._store.lessons(goal, rule, known.fold.seq, MOST)
            first = min((one.place for one in found), default=last + 1)
            if 0 < known.fold.seq < first:
                lessons = found
            else:
                while known.fold is not None and known.fold.seq >= first:
                    known.fold = known.points.pop() if known.points else None
                if known.fold is not None and known.fold.seq == 0:
                    known.fold = None
        if known.fold is None or lessons is None:
            last, lessons = self._store.lessons(goal, rule, 0, MOST)
            known.fold = Fold(self._beginning(goal))
        fold = self._learned(goal, chosen, known, known.fold, lessons)
        version = self._store.gain_version(goal)
        if version != known.gain_version:
            found_gain = self._store.gain(goal)
            document = None if found_gain is None else json.loads(found_gain[1])
            known.gain = None if document is None else GainScore.from_document(document)
            known.tried_at = fold.state.outcomes
        known.fold = replace(fold, seq=last)
        arms = [arm.id for arm in chosen.arms]
        joined = self._joined(goal, fold.state, arms)
        learned = replace(joined, gain=known.gain, upto=max(last, seen))  # of deleted outcomes the number is left
        known.now = _Known(learned, replace(known.fold, state=with_shrunk_slopes(learned, arms)))
        known.recalled, known.seen, known.gain_version = recalled, seen, version  # last: they say that it is there
        self._learn_gain(goal, chosen, known)

    def _learned(
        self, goal: str, chosen: GoalSettings, known: _Goal, fold: Fold, lessons: Sequence[Lesson]
    ) -> Fold:
        """The fold with the lessons in it, having left places to come back to."""
        disregarded = self._store.disregarded_alarms(goal)
        left = known.points[-1].state.outcomes if known.points else 0
        learning = Folding(fold, self._rule, disregarded)
        for lesson, x in zip(lessons, self._features(chosen, lessons), strict=True):
            if x is None or lesson.reward is None:
                continue
            if learning.seq and learning.outcomes - left >= _EVERY:
                known.points.append(learning.fold())
                left = learning.outcomes
            if lesson.arm not in learning:
                fold = learning.fold()
                fold = replace(fold, state=self._joined(goal, fold.state, [lesson.arm]))
                learning = Folding(fold, self._rule, disregarded)
            learning.take(lesson.arm, x, lesson.reward, lesson.place)
        return learning.fold()

    def _features(self, chosen: GoalSettings, lessons: Sequence[Lesson]) -> list[Array | None]:
        """What the router saw; of the newest answers that it was not asked about, what it would have seen."""
        rules = rules_of(self._settings, chosen)
        found: list[Array | None] = [None] * len(lessons)
        left = MOST_UNSEEN
        for place in range(len(lessons) - 1, -1, -1):
            lesson = lessons[place]
            if lesson.features is not None and len(lesson.features) == vector.SIZE:
                found[place] = lesson.features
            elif lesson.context is not None and lesson.context.text and left > 0:
                left -= 1
                found[place] = numbers(lesson.context, rules, None, None, [lesson.arm])[0]
        return found

    def _beginning(self, goal: str) -> ContextualState:
        """What is known before any outcome: what was brought from elsewhere, or what other goals have learned."""
        base = self._store.contextual_base(goal)
        if base:
            state = ContextualState.from_document(json.loads(base)["state"])
        else:
            others = [self._alone(name) for name in self._settings.goals if name != goal]
            state = with_shared_priors(ContextualState(), [one for one in others if one.outcomes])
        return state

    def _alone(self, goal: str) -> ContextualState:
        """What a goal has learned by itself, from its newest lessons."""
        chosen = self._settings.goal(goal)
        _, lessons = self._store.lessons(goal, chosen.teaching_rule(CONTEXTUAL.name), 0, _MOST_SHARED)
        learning = Folding(Fold(), self._rule, ())
        for lesson, x in zip(lessons, self._features(chosen, lessons), strict=True):
            if x is not None and lesson.reward is not None:
                learning.take(lesson.arm, x, lesson.reward, lesson.place)
        return learning.fold().state

    def _joined(self, goal: str, state: ContextualState, arms: Sequence[str]) -> ContextualState:
        """Models of which nothing is known, in a goal that has learned of others, get a prior from their
        neighbours in price, hopeful enough to be tried. In a new goal all models begin alike.
        """  # fmt: skip
        missing = [arm for arm in arms if arm not in state.arms]
        if not missing or state.outcomes < _SETTLED:
            return state
        costs = self._costs_usd(goal)
        neighbours = [
            Neighbour(cost, one.belief) for arm, one in state.arms.items() if (cost := costs.get(arm)) is not None
        ]
        worth = self._settings.goal(goal).success_value_usd
        usual = np.zeros(vector.SIZE)
        usual[[0, ABSENT]] = 1.0
        joined = {}
        for arm in missing:
            if neighbours and (cost := costs.get(arm)) is not None:
                belief = hopeful(cost, neighbours, weak_prior(), usual, worth)
                joined[arm] = Learned(belief, belief)
        return replace(state, arms={**state.arms, **joined})

    def _learn_gain(self, goal: str, chosen: GoalSettings, known: _Goal) -> None:
        """Learn a gain score anew where enough was judged since the last time."""
        every = self._settings.contextual.gain_every
        outcomes = known.now.learned.outcomes
        busy = known.learner is not None and known.learner.is_alive()
        if (
            self._gains == "never"
            or not every
            or len(chosen.arms) < 2
            or busy
            or outcomes - known.tried_at < every
        ):
            return
        known.tried_at = outcomes
        if self._gains == "aside":
            known.learner = Thread(target=self._gain, args=(goal, chosen), name="gain score", daemon=True)
            known.learner.start()
        else:
            self._gain(goal, chosen)

    def _gain(self, goal: str, chosen: GoalSettings) -> None:
        with suppress(RouterError):  # closed meanwhile, or nothing to learn from: the score in force stays
            learn_gain(self._store, goal, chosen, self._now(), self._tick)

    def _tick(self, done: float) -> None:
        if self._closing.is_set():
            raise SettingsError("learning was stopped because the router was closed")


def rules_of(settings: Settings, goal: GoalSettings) -> HeuristicPolicy:
    """The rules of a goal, whose findings are features."""
    return HeuristicPolicy(settings.heuristic, goal.tier_arm("simple"), goal.tier_arm("complex"))
