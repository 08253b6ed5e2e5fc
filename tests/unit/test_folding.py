"""Lesson by lesson: what was predicted of it, which verdicts were heard, and what an alarm makes of all before."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import numpy as np
import pytest

from router_core.learning.contextual.folding import ABSENT, VERDICT, Fold, after
from router_core.learning.contextual.state import learn, weak_prior
from router_core.learning.contextual.vector import SIZE
from router_core.learning.drift import DriftRule, observe

NEVER = DriftRule(threshold=1e6, warm_up=0)
SOON = DriftRule(threshold=3.0, warm_up=20, keep=0.1)
Told = tuple[str, np.ndarray, float]


def a_prompt(verdict: float | None = None, second: float = 0.0) -> np.ndarray:
    """The numbers of a prompt: a constant, one thing more, and a verdict where there is one."""
    x = np.zeros(SIZE)
    x[0], x[1] = 1.0, second
    x[VERDICT], x[ABSENT] = (0.0, 1.0) if verdict is None else (verdict, 0.0)
    return x


def folded(told: list[Told], rule: DriftRule, disregarded: tuple[int, ...] = ()) -> Fold:
    """The fold after all of them; the first is outcome 101."""
    steps = enumerate(told, 101)
    return reduce(lambda fold, step: after(fold, *step[1], step[0], rule, disregarded), steps, Fold())


def some(count: int, reward: float, seed: int = 0) -> list[Told]:
    """So many lessons of one arm with one reward."""
    return [("p/a", a_prompt(second=float(one)), reward) for one in np.random.default_rng(seed).normal(size=count)]


@pytest.mark.parametrize("second", [-2.0, 0.0, 2.0])
def test_a_lesson_is_held_against_what_was_believed_before_it(second: float) -> None:
    """The share of good answers that the belief gave this prompt, here by sampling it."""
    before = folded(some(30, 1.0) + some(10, 0.0, 1), NEVER)
    x = a_prompt(second=second)
    mean, variance = before.state.learned("p/a").belief.logit(x)
    drawn = np.random.default_rng(2).normal(mean, variance**0.5, 100_000)
    predicted = float((1 / (1 + np.exp(-drawn))).mean())
    found = after(before, "p/a", x, 0.0, 7, NEVER, ())
    expected, _ = observe(before.watches["p/a"], predicted, 0.0, NEVER)
    assert found.watches["p/a"].worse == pytest.approx(expected.worse, abs=0.01)
    assert found.watches["p/a"].pairs == 41
    assert found.state.document() == learn(before.state, "p/a", x, 0.0).document()
    assert (found.seq, found.alarms, before.seq) == (7, (), 140)


def test_verdicts_are_counted_where_they_were_heard() -> None:
    """COMPLEX and all; a prompt without one counts in neither."""
    told: list[Told] = [("p/a", a_prompt(verdict), 1.0) for verdict in (1.0, -1.0, None, 1.0, 1.0, None)]
    assert folded(told, NEVER).state.verdicts == (3, 4)


def test_an_alarm_forgets_all_but_a_part() -> None:
    """Of what the arm's outcomes added to its prior, in precision and in precision times mean, ``keep`` is left.
    How many there were stays, and so does every other arm.
    """  # fmt: skip
    other: list[Told] = [("p/b", a_prompt(second=1.0), 1.0)]
    told = other + some(60, 1.0) + some(60, 0.0, 1)
    (alarm, *_) = folded(told, SOON).alarms
    assert (alarm.arm, alarm.direction, alarm.disregarded) == ("p/a", "worse", False)
    assert 58 <= alarm.began <= 60 < alarm.at < 80
    assert alarm.place == 101 + alarm.at  # the other arm's lesson came first
    assert alarm.evidence > SOON.threshold / 2  # lower where nearly every answer is good
    now = told[: alarm.at + 1]
    found, kept = folded(now, SOON).state, folded(now, NEVER).state
    assert found.document()["arms"]["p/b"] == kept.document()["arms"]["p/b"]
    prior, whole, left = weak_prior(), kept.learned("p/a").belief, found.learned("p/a").belief
    before, all_, part = (np.linalg.inv(one.covariance) for one in (prior, whole, left))
    assert part == pytest.approx(before + 0.1 * (all_ - before), rel=1e-6, abs=1e-9)
    pull = before @ prior.mean + 0.1 * (all_ @ whole.mean - before @ prior.mean)
    assert part @ left.mean == pytest.approx(pull, rel=1e-6, abs=1e-9)
    assert np.array_equal(left.covariance, left.covariance.T)
    assert left.observations == whole.observations == alarm.at
    assert np.array_equal(found.learned("p/a").prior.covariance, prior.covariance)
    assert folded(now, SOON).watches["p/a"].worse_since == alarm.at


def test_an_alarm_that_was_taken_back_forgets_nothing() -> None:
    """It is still told, and the next is looked for from there."""
    told = some(60, 1.0) + some(60, 0.0, 1)
    (alarm, *_) = folded(told, SOON).alarms
    found = folded(told[: alarm.at], SOON, (alarm.place,))
    assert found.alarms == (replace(alarm, disregarded=True),)
    assert found.state.document() == folded(told[: alarm.at], NEVER).state.document()
