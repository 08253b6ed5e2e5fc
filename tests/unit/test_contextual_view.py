"""What the learning page tells of the contextual router: weights by hand, alarms taken back, the gain score."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from math import exp, log, sqrt
from typing import Any

import numpy as np
import pytest

from router_core.charts.contextual import odds_ticks, weights_chart
from router_core.learning.contextual.logistic import Belief
from router_core.learning.contextual.sharing import Learned
from router_core.learning.contextual.state import ContextualState, weak_prior
from router_core.learning.contextual.vector import NAMES, SIZE
from router_core.policies.contextual import numbers
from router_core.routing.memory import Memory, rules_of
from router_core.settings import ArmSettings, GoalSettings, Settings
from router_core.store import open_store
from router_core.store.base import Batch, Store
from router_core.views.contextual import (
    NEW,
    STEPS,
    drift_events,
    expected_on,
    in_words,
    learn_words,
    ordinal,
    weights,
)
from tests.builders import a_context
from tests.drifting import CODE, PLAIN, TEXTS, drifted, told_apart
from tests.store_rows import CHEAP, STRONG, a_completion, a_decision, a_prompt, an_outcome, at

NOW = datetime(2026, 6, 1, tzinfo=UTC)
WHO: dict[str, Any] = {"at": NOW, "author": "tester"}
CODE_PLACE = NAMES.index("code")


def believing(values: dict[int, float], variance: float) -> Learned:
    """A belief with these means, every coefficient of that variance."""
    mean = np.zeros(SIZE)
    for place, value in values.items():
        mean[place] = value
    return Learned(weak_prior(), Belief(mean, np.eye(SIZE) * variance, 100))


def a_memory(store: Store, **contextual: Any) -> Memory:
    """What the contextual router knows, learning no gain score by itself."""
    settings = Settings.model_validate({"contextual": {"gain_every": 0, **contextual}})
    return Memory(settings, store, lambda goal: {CHEAP: 0.0001, STRONG: 0.002}, lambda: NOW, gains="never")


def test_every_feature_has_its_words() -> None:
    """Each number of the vector, and nothing else."""
    assert list(STEPS) == list(NAMES)
    assert len(set(STEPS.values())) == SIZE


def test_weights_by_hand() -> None:
    """Means subtract, variances add: log 3 apart, sd .5; what is clear comes first, the strongest before."""
    state = ContextualState(
        {CHEAP: believing({0: 1.0}, 0.16), STRONG: believing({0: 0.5, CODE_PLACE: log(3.0)}, 0.09)}
    )
    rows = weights(state, [CHEAP, STRONG])
    assert len(rows) == SIZE
    first = rows[0]
    assert (first.feature, first.arm, first.against, first.towards) == ("code", STRONG, CHEAP, STRONG)
    assert first.clear
    reach = 1.959964 * sqrt(0.16 + 0.09)
    assert first.difference == pytest.approx(log(3.0))
    assert (first.low, first.high) == pytest.approx((log(3.0) - reach, log(3.0) + reach))
    assert first.odds == pytest.approx((3.0, 3.0 * exp(-reach), 3.0 * exp(reach)))
    second = rows[1]
    assert (second.feature, second.towards, second.clear) == ("intercept", CHEAP, False)
    assert second.difference == pytest.approx(-0.5)
    assert second.odds == pytest.approx((exp(0.5), exp(0.5 - reach), exp(0.5 + reach)))


def test_what_is_expected_of_a_prompt() -> None:
    """The words tell the models apart: on code the strong one is expected to do well and the cheap one is not."""
    store = open_store(":memory:")
    told_apart(store)
    state = a_memory(store).state("default")
    code, plain = (expected_on(state, Settings(), a_context(text), [CHEAP, STRONG]) for text in (CODE, PLAIN))
    assert code[0].high < 0.3 < 0.6 < code[1].low
    assert plain[0].low > 0.5
    (first, *_) = weights(state, [CHEAP, STRONG])
    assert (first.feature, first.towards, first.clear) == ("code", STRONG, True)


def test_weights_of_three_and_of_one() -> None:
    """Each other model against the first; a model alone is held against nobody."""
    state = ContextualState({name: believing({}, 1.0) for name in "abc"})
    rows = weights(state, ["a", "b", "c"])
    assert len(rows) == 2 * SIZE
    assert {(row.arm, row.against) for row in rows} == {("b", "a"), ("c", "a")}
    assert not any(row.clear for row in rows)
    assert weights(state, ["a"]) == []


def test_a_model_without_a_rating_has_no_weights() -> None:
    """What is believed of it comes from its neighbours in price; as the first, it gives way to the next."""
    new = replace(believing({0: 9.0}, 0.01), belief=replace(believing({0: 9.0}, 0.01).belief, observations=0))
    state = ContextualState({"new": new, "b": believing({}, 1.0), "c": believing({0: 8.0}, 1.0)})
    rows = weights(state, ["new", "b", "c"])
    assert {(row.arm, row.against) for row in rows} == {("c", "b")}
    assert weights(state, ["new", "b"]) == []
    spec = weights_chart(rows[:1], {"new": "N", "b": "B", "c": "C"}, "light")
    assert spec["layer"][1]["encoding"]["x"]["title"] == "odds of a good answer, C against B"


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        (1.0, 14.0, (1, 2, 5, 10, 20)),
        (0.3, 1.0, (0.2, 0.5, 1)),
        (1.0, 1.0, (1, 2)),
        (0.5, 2.0, (0.5, 1, 2)),
        (0.004, 3000.0, (0.001, 0.01, 0.1, 1, 10, 100, 1000, 10000)),
    ],
)
def test_the_axis_ends_at_round_odds(low: float, high: float, marks: tuple[float, ...]) -> None:
    """A mark at each end, the values in between."""
    assert odds_ticks(low, high) == marks


def test_the_chart_has_a_row_per_weight() -> None:
    """Odds on a logarithmic scale, the order of the rows kept; with three models the row names the model."""
    state = ContextualState(
        {"a": believing({}, 0.1), "b": believing({0: 2.0}, 0.1), "c": believing({0: -3.0}, 0.1)}
    )
    rows = [row for row in weights(state, ["a", "b", "c"]) if row.clear]
    spec = weights_chart(rows, {"a": "A", "b": "B", "c": "C"}, "light")
    told = spec["datasets"]["rows"]
    assert [one["feature"] for one in told] == ["any prompt · C", "any prompt · B"]
    assert [one["towards"] for one in told] == ["A", "B"]
    assert told[1]["odds"] == pytest.approx(exp(2.0))
    axis, scale = (spec["layer"][1]["encoding"]["x"][part] for part in ("axis", "scale"))
    assert axis["values"] == [0.01, 0.1, 1.0, 10.0, 100.0]
    assert scale["domain"] == [0.01, 100.0]
    two = weights_chart(weights(state, ["a", "b"])[:1], {"a": "A", "b": "B"}, "dark")
    assert two["datasets"]["rows"][0]["feature"] == "any prompt"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (112, "112th"),
        (312, "312th"),
        (1021, "1,021st"),
    ],
)
def test_ordinals(number: int, said: str) -> None:
    assert ordinal(number) == said


def test_an_alarm_is_told_taken_back_and_undone() -> None:
    """It names the model, its direction and when; taken back, it is believed in again; undone, as before."""
    store = open_store(":memory:")
    drifted(store)
    memory = a_memory(store)
    fold = memory.fold("default")
    (event,) = drift_events(store, fold)
    alarm = event.alarm
    assert (alarm.arm, alarm.direction, alarm.disregarded) == (STRONG, "worse", False)
    assert 190 <= alarm.began <= 200 < alarm.at
    assert event.at == at(alarm.place)
    assert event.active
    said = in_words(alarm, "gpt-4o", 0.02)
    assert said == (
        f"gpt-4o has answered worse than predicted since its {alarm.began}th rating;"
        " what was learned before counts 2 %"
    )
    before = memory.state("default").learned(STRONG).belief

    store.disregard_alarm("default", alarm.place, note="a bad day", **WHO)
    (again,) = drift_events(store, memory.fold("default"))
    assert again.alarm.disregarded
    assert not again.active
    assert "counts in full, for the alarm was taken back" in in_words(again.alarm, "gpt-4o", 0.02)
    kept = memory.state("default").learned(STRONG).belief
    settings, seen = Settings(), a_context(TEXTS[0])
    x = numbers(seen, rules_of(settings, settings.goal("default")), None, None, [STRONG])[0]
    assert kept.logit(x)[1] < before.logit(x)[1] / 3
    assert kept.logit(x)[0] > before.logit(x)[0]
    assert [(one.kind, one.note) for one in store.learning_events("default")] == [("disregard", "a bad day")]

    store.undo_learning("default", **WHO)
    assert drift_events(store, memory.fold("default")) == [event]
    undone = memory.state("default").learned(STRONG).belief
    np.testing.assert_array_equal(undone.mean, before.mean)
    np.testing.assert_array_equal(undone.covariance, before.covariance)


def test_an_alarm_is_news_until_the_model_is_learned_anew() -> None:
    """After so many later ratings it is an event like any other."""
    store = open_store(":memory:")
    drifted(store)
    memory = a_memory(store)
    alarm = memory.fold("default").alarms[0]
    followed = memory.fold("default").watches[STRONG].pairs - alarm.at
    for number in range(2_000, 2_000 + NEW - followed):
        reward = 1.0 if number % 4 == 0 else 0.0
        prompt, answer = a_prompt(number), a_completion(number, arm=STRONG, model=STRONG)
        outcome = an_outcome(number, number, reward)
        store.write(Batch([prompt], [a_decision(number, chosen=STRONG)], [answer], [outcome]))
        if number == 2_000:
            assert drift_events(store, memory.fold("default"))[-1].active
    assert not drift_events(store, memory.fold("default"))[-1].active


def test_an_alarm_taken_back_comes_again_where_the_model_stays_worse() -> None:
    """What was learned counts in full; it takes more failures, for predictions are in doubt since the first."""
    store = open_store(":memory:")
    drifted(store, bad=120)
    memory = a_memory(store)
    (event,) = drift_events(store, memory.fold("default"))
    store.disregard_alarm("default", event.alarm.place, **WHO)
    later, first = drift_events(store, memory.fold("default"))
    assert (first.alarm.place, first.alarm.disregarded) == (event.alarm.place, True)
    assert later.alarm.place > event.alarm.place
    assert later.active


def test_no_alarms_no_question() -> None:
    store = open_store(":memory:")
    assert drift_events(store, a_memory(store).fold("default")) == []


def test_learning_the_gain_score_now() -> None:
    """Too few texts: how many there are; enough: a score in force; one from more labelled texts stays."""
    store = open_store(":memory:")
    goal = GoalSettings()
    assert learn_words(store, "default", goal, NOW) == (
        "Too few yet: 0 of the 100 judged prompts that it needs, with their texts."
    )
    drifted(store, good=20, bad=0)
    assert "40 of the 100" in learn_words(store, "default", goal, NOW)
    assert store.gain_version("default") is None
    drifted(store, good=100, bad=0, first=1_000)
    assert learn_words(store, "default", goal, NOW) == "Learned from 240 judged prompts."
    table = store.table("gain_learned", {"goal": "default"})
    assert table["origin"].tolist() == ["log"]
    assert table["version"].tolist() == [store.gain_version("default")]
    document = {**json.loads(store.gain("default")[1]), "texts": 5_000}  # type: ignore[index]
    store.save_gain("default", "from a file", "labelled", json.dumps(document), at=NOW)
    assert "stays: the log has taught 240 prompts" in learn_words(store, "default", goal, NOW)
    assert store.gain_version("default") == "from a file"


def test_a_gain_score_compares_models() -> None:
    goal = GoalSettings(arms=(ArmSettings(model=CHEAP, weight=1.0),))
    assert "this goal has one" in learn_words(open_store(":memory:"), "default", goal, NOW)
