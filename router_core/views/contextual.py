"""What the learning page tells of the contextual router: what it expects, what features are worth, drift alarms.

See charts/contextual.py for charts, prices.py for changed prices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import exp, sqrt
from typing import Final

from router_core.learning.contextual.folding import ArmAlarm, Fold
from router_core.learning.contextual.pushes import Expected, expected
from router_core.learning.contextual.state import ContextualState
from router_core.learning.contextual.vector import NAMES
from router_core.policies.contextual import numbers
from router_core.registry import CONTEXTUAL
from router_core.routing.gain_learning import LEAST_TEXTS, learn_gain
from router_core.routing.memory import MOST, rules_of
from router_core.settings import GoalSettings, Settings
from router_core.store.base import Store
from router_core.types import Context

NEW: Final = 100
"""Ratings after an alarm through which it is news: so many have taught the model anew."""

_Z95: Final = 1.959964

STEPS: Final[Mapping[str, str]] = {
    "intercept": "any prompt",
    "log_length": "a prompt 4.5 times as long",
    "lines": "7 times as many lines",
    "rule_points": "2 rule points more (simpler)",
    "rule_short": "rule: few words",
    "rule_extractive": "rule: extracts or labels",
    "rule_brief": "rule: asks for a brief answer",
    "rule_no_reasoning": "rule: no reasoning keyword",
    "verdict_complex": "classifier says COMPLEX",
    "verdict_absent": "classifier was not asked",
    "task_0": "task types, group 1 of 4",
    "task_1": "task types, group 2 of 4",
    "task_2": "task types, group 3 of 4",
    "task_3": "task types, group 4 of 4",
    "code": "looks like code",
    "digits": "full of digits",
    "questions": "three questions",
    "other_script": "another script than Latin",
    "english": "one word in four more is a common English one",
    "gain": "worded like prompts that gain 10 points",
}
"""What one step of each number of ``vector.NAMES`` is, in plain words."""


@dataclass(frozen=True, slots=True)
class Weight:
    """What one step of a feature does to a model's odds of a good answer, against those of another model.

    ``difference``, ``low``, ``high``: log-odds, the mean and the central 95 % of what is believed of it.
    """

    feature: str
    arm: str
    against: str
    difference: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the 95 % interval leaves 0 out."""
        return self.low > 0.0 or self.high < 0.0

    @property
    def towards(self) -> str:
        """The model that it speaks for."""
        return self.arm if self.difference >= 0.0 else self.against

    @property
    def odds(self) -> tuple[float, float, float]:
        """How many times the other's odds those of ``towards`` are: expected and 95 %."""
        ends = (self.low, self.high) if self.difference >= 0.0 else (-self.high, -self.low)
        return exp(abs(self.difference)), exp(ends[0]), exp(ends[1])


def step_of(row: Weight, arms: Mapping[str, str]) -> str:
    """The step in plain words, with the model's name where there are others than the two (arm id -> label)."""
    return STEPS[row.feature] + (f" · {arms[row.arm]}" if len(arms) > 2 else "")


def weights(state: ContextualState, arms: Sequence[str]) -> list[Weight]:
    """Every feature of every rated model against the first one; clear ones first, and of those the strongest.

    Beliefs about two models are independent, so their variances add up.

    Args:
        state: what was learned in the goal.
        arms: cheap to strong; the first that was rated is what the others are held against. Of a model that was
            not, only its neighbours are known, and one alone is held against nobody: no weights.
    """
    rated = [arm for arm in arms if state.learned(arm).belief.observations]
    if len(rated) < 2:
        return []
    reference = state.learned(rated[0]).belief
    found = []
    for arm in rated[1:]:
        belief = state.learned(arm).belief
        for place, name in enumerate(NAMES):
            middle = float(belief.mean[place] - reference.mean[place])
            reach = _Z95 * sqrt(float(belief.covariance[place, place] + reference.covariance[place, place]))
            found.append(Weight(name, arm, rated[0], middle, middle - reach, middle + reach))
    return sorted(found, key=lambda one: (not one.clear, -abs(one.difference)))


def expected_on(state: ContextualState, settings: Settings, seen: Context, arms: Sequence[str]) -> list[Expected]:
    """The share of good answers that each model is expected to give to prompts like this one, in the order of
    ``arms``; without a verdict of the classifier.
    """  # fmt: skip
    rows = numbers(seen, rules_of(settings, settings.goal(seen.goal)), None, state.gain, arms)
    return [expected(*state.learned(arm).belief.logit(row)) for arm, row in zip(arms, rows, strict=True)]


@dataclass(frozen=True, slots=True)
class DriftEvent:
    """An alarm, when the rating that set it off was given (None: it is no longer in the log), and whether it is
    news: not taken back, the model's last, and fewer than ``NEW`` of its ratings have followed.
    """  # fmt: skip

    alarm: ArmAlarm
    at: datetime | None
    active: bool


def drift_events(store: Store, fold: Fold) -> list[DriftEvent]:
    """Every alarm on the way to what is known now, newest first."""
    if not fold.alarms:
        return []
    table = store.table("outcome_times", {"places": [one.place for one in fold.alarms]})
    times = {int(seq): time.to_pydatetime().replace(tzinfo=UTC) for seq, time in table.itertuples(index=False)}
    last = {one.arm: one.place for one in fold.alarms}
    return [
        DriftEvent(
            one,
            times.get(one.place),
            not one.disregarded and last[one.arm] == one.place and fold.watches[one.arm].pairs - one.at < NEW,
        )
        for one in reversed(fold.alarms)
    ]


def in_words(alarm: ArmAlarm, model: str, keep: float) -> str:
    """What an alarm says, as a sentence without its full stop.

    Args:
        alarm: the alarm.
        model: what its model is called.
        keep: what each rating so far still counts after it.
    """
    before = "counts in full, for the alarm was taken back" if alarm.disregarded else f"counts {100 * keep:g} %"
    since = f"since its {ordinal(alarm.began)} rating" if alarm.began else "since its first ratings"
    return f"{model} has answered {alarm.direction} than predicted {since}; what was learned before {before}"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 11th, 312th."""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def learn_words(store: Store, goal: str, chosen: GoalSettings, at: datetime) -> str:
    """Learn the goal's gain score from its log now, and say what came of it, in one sentence.

    Raises:
        EvaluationError: the log cannot teach one.
        StoreError: the store cannot be read or written.
    """
    if len(chosen.arms) < 2:
        return "A gain score compares models; this goal has one."
    score = learn_gain(store, goal, chosen, at)
    if score is not None:
        return f"Learned from {score.texts:,} judged prompts."
    found = len(store.text_lessons(goal, chosen.teaching_rule(CONTEXTUAL.name), MOST))
    if found < LEAST_TEXTS:
        return f"Too few yet: {found} of the {LEAST_TEXTS} judged prompts that it needs, with their texts."
    return f"The score in force stays: the log has taught {found:,} prompts, fewer than it was learned from."
