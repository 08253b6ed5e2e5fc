"""Folding many lessons at once gives what one lesson after the other gives, by the book, to the bit."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from math import exp, pi, sqrt
from typing import Any

import numpy as np
import pytest

from router_core.learning.contextual import folding, vector
from router_core.learning.contextual.folding import ABSENT, VERDICT, ArmAlarm, Fold, Folding, after
from router_core.learning.contextual.sharing import Learned
from router_core.learning.contextual.state import learn
from router_core.learning.drift import DriftRule, Watch, observe
from router_core.policies.contextual import numbers
from router_core.routing.candidates import usual_costs
from router_core.routing.memory import Memory, rules_of
from router_core.settings import Settings
from router_core.store import open_store
from router_core.store.base import Batch, Store
from router_core.types import Context, Seen
from router_core.validation import validated
from tests.store_rows import CHEAP, STRONG, a_completion, a_decision, a_prompt, an_outcome

RULE = DriftRule(threshold=3.0, warm_up=20)
Told = tuple[str, np.ndarray, float, int]


def by_the_book(fold: Fold, told: list[Told], rule: DriftRule, disregarded: Collection[int]) -> Fold:
    """Predict, watch, learn, and forget where an alarm says so: a new value at every step."""
    for arm, x, reward, place in told:
        mean, variance = fold.state.learned(arm).belief.logit(x)
        predicted = 1.0 / (1.0 + exp(-max(-30.0, min(30.0, mean / sqrt(1.0 + pi * variance / 8.0)))))
        watch, alarm = observe(fold.watches.get(arm, Watch()), predicted, reward, rule)
        state, alarms = learn(fold.state, arm, x, reward), fold.alarms
        if x[ABSENT] == 0.0:
            complex_, heard = state.verdicts
            state = replace(state, verdicts=(complex_ + int(x[VERDICT] > 0.0), heard + 1))
        if alarm is not None:
            ignored = place in disregarded
            alarms += (ArmAlarm(place, arm, alarm.direction, alarm.at, alarm.began, alarm.evidence, ignored),)
            if not ignored:
                forgotten: Learned = folding._forgetting(state.learned(arm), rule.keep)
                state = replace(state, arms={**state.arms, arm: forgotten})
        fold = Fold(state, {**fold.watches, arm: watch}, alarms, place)
    return fold


def same(one: Fold, other: Fold) -> bool:
    """To the bit, with what the alarms remember."""
    return (one.state.document(), dict(one.watches), one.alarms, one.seq) == (
        other.state.document(), dict(other.watches), other.alarms, other.seq,
    )  # fmt: skip


def a_history(seed: int, count: int = 600) -> list[Told]:
    """Three models of which each changes its mind now and then; verdicts heard or not; rewards of any size."""
    rng = np.random.default_rng(seed)
    told, chance, place = [], rng.random(3), 0
    for _ in range(count):
        x = rng.normal(size=vector.SIZE) / 2
        x[0], x[ABSENT], x[VERDICT] = 1.0, *((1.0, 0.0) if rng.random() < 0.5 else (0.0, rng.choice([-1.0, 1.0])))
        if rng.random() < 0.02:
            chance = rng.random(3)
        arm, place = int(rng.integers(3)), place + int(rng.integers(1, 4))
        reward = float(rng.random() < chance[arm]) if rng.random() < 0.9 else float(rng.random())
        told.append(("abc"[arm], x, reward, place))
    return told


@pytest.mark.parametrize("seed", range(8))
def test_at_once_is_one_by_one(seed: int) -> None:
    """Through alarms both ways, some of them taken back; from the beginning and from any place on the way."""
    told = a_history(seed)
    alarms = by_the_book(Fold(), told, RULE, ()).alarms
    assert alarms
    disregarded = frozenset(one.place for one in alarms[::2])
    expected = by_the_book(Fold(), told, RULE, disregarded)
    assert any(one.disregarded for one in expected.alarms)
    learning = Folding(Fold(), RULE, disregarded)
    middle, stop = Fold(), 37 * (seed + 3)
    for number, one in enumerate(told):
        if number == stop:
            middle = learning.fold()
        learning.take(*one)
    assert same(learning.fold(), expected)
    assert same(middle, by_the_book(Fold(), told[:stop], RULE, disregarded))  # what came later did not touch it
    rest = Folding(middle, RULE, disregarded)
    stepwise = middle
    for arm, x, reward, place in told[stop:]:
        rest.take(arm, x, reward, place)
        stepwise = after(stepwise, arm, x, reward, place, RULE, disregarded)
    assert same(rest.fold(), expected)
    assert same(stepwise, expected)


@pytest.fixture
def store() -> Iterator[Store]:
    """In memory."""
    opened = open_store(":memory:", kind="simulated")
    yield opened
    opened.close()


def the_settings() -> Settings:
    """An alarm that is quick to sound."""
    drift = {"drift_warm_up": 20, "drift_threshold": 3.0, "gain_every": 0}
    return validated(Settings, {"contextual": drift})


def write(store: Store, seed: int, count: int = 900) -> None:
    """Answers that the router saw, or others', or nobody's text; rated late, corrected, withdrawn."""
    rng = np.random.default_rng(seed)
    batch: dict[str, list[Any]] = {"prompts": [], "decisions": [], "completions": [], "outcomes": []}
    chance = {CHEAP: 0.8, STRONG: 0.9}
    for number in range(1, count + 1):
        text = " ".join(rng.choice(["list", "prove", "the", "of", "x == 1;", "7", "label", "compare"], 9))
        context = Context("default", text if rng.random() < 0.9 else "", None, 9, len(text), 12)
        arm = (CHEAP, STRONG)[int(rng.integers(2))]
        row = rng.normal(size=(2, vector.SIZE)) / 2
        row[:, 0] = 1.0
        row[:, ABSENT] = rng.random() < 0.8
        saw = rng.random() < 0.6
        seen = Seen((CHEAP, STRONG), tuple(row.ravel().tolist()), "0 -", "absent", None) if saw else None
        policy = "contextual" if saw else "thompson"
        batch["prompts"].append(a_prompt(number))
        batch["decisions"].append(a_decision(number, context=context, chosen=arm, policy=policy, seen=seen))
        batch["completions"].append(a_completion(number, arm=arm, model=arm))
        if number % 100 == 0:
            chance = {CHEAP: rng.random(), STRONG: rng.random()}
        about = number if rng.random() < 0.8 else int(rng.integers(1, number + 1))  # late, or once more
        reward = None if rng.random() < 0.05 else float(rng.random() < chance[arm])
        source = str(rng.choice(["thumb", "api"]))
        batch["outcomes"].append(an_outcome(number, about, reward, source=source))
    store.write(Batch(**batch))


def of_the_log(settings: Settings, store: Store) -> Fold:
    """The whole log, by the book."""
    chosen = settings.goal("default")
    rules, rule = rules_of(settings, chosen), settings.contextual
    told = []
    for one in store.lessons("default", chosen.teaching_rule(), -1, 1_000_000)[1]:
        x = one.features
        if x is None and one.context is not None and one.context.text:
            x = numbers(one.context, rules, None, None, [one.arm])[0]
        if x is not None and one.reward is not None:
            told.append((one.arm, x, one.reward, one.place))
    drift = DriftRule(rule.drift_shift, rule.drift_threshold, rule.drift_warm_up, rule.drift_keep)
    return by_the_book(Fold(), told, drift, store.disregarded_alarms("default"))


@pytest.mark.parametrize("seed", range(2))
def test_a_memory_knows_what_its_log_says(store: Store, seed: int) -> None:
    """A process that begins, and one that goes on: rated late, corrected, an alarm taken back, unseen answers."""
    settings = the_settings()
    write(store, seed)

    def a_memory() -> Memory:
        return Memory(settings, store, usual_costs(settings), lambda: datetime.now(UTC), gains="never")

    lasting = a_memory()
    rng = np.random.default_rng(seed)
    for step in range(4):
        expected = of_the_log(settings, store)
        assert expected.state.outcomes > 400
        for memory in (lasting, a_memory()):
            fold = memory.fold("default")
            assert memory.learned("default").document() == expected.state.document()
            assert (dict(fold.watches), fold.alarms) == (dict(expected.watches), expected.alarms)
        if step == 1:
            at = datetime(2026, 6, 1, tzinfo=UTC)
            place = expected.alarms[len(expected.alarms) // 2].place
            store.disregard_alarm("default", place, at=at, author="tester")
        else:
            about = int(rng.integers(1 + step * 250, 901))
            store.write(Batch(outcomes=[an_outcome(5_000 + step, about, float(rng.random()))]))
