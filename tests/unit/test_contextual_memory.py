"""What the contextual router knows follows the store: at once, in order, and again after a correction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import numpy as np
import pytest

from router_core.learning.contextual.state import ContextualState
from router_core.routing.candidates import usual_costs
from router_core.routing.gain_learning import learn_gain
from router_core.routing.memory import MOST, Memory
from router_core.serving.library import Router
from router_core.settings import GoalSettings, Settings
from router_core.store import open_store
from router_core.store.base import LearningEvent, Lesson, Store
from router_core.store.duckdb import learning_events as learning
from router_core.store.duckdb.learning_events import Counting
from router_core.types import TeachingRule
from router_core.validation import validated

ARMS = ("openai/gpt-4o-mini", "openai/gpt-4o")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
HARD, EASY = "Analyze why theorem {} about manifolds fails.", "Classify thing {} by its colour."


def the_settings(**goal: Any) -> Settings:
    """Contextual, quick, without a classifier."""
    document = {
        "goals": {"default": {"router": "contextual", **goal}},
        "contextual": {"ask_classifier": "never", "gain_every": 0},
        "simulation": {"latency_scale": 0},
    }
    return validated(Settings, document)


@pytest.fixture
def store() -> Iterator[Store]:
    """In memory."""
    opened = open_store(":memory:", kind="simulated")
    yield opened
    opened.close()


def a_router(store: Store, settings: Settings | None = None, **more: Any) -> Router:
    """One on that store."""
    return Router(settings=settings or the_settings(), store=store, simulated=True, **more)


def state_of(router: Router) -> ContextualState:
    """What it knows now."""
    return router._decider.memory.state("default")


def live(router: Router, times: int, good: Callable[[str, bool], float | None], start: int = 0) -> list[str]:
    """Prompts, hard and easy in turn, each judged; the ids of the requests."""
    ids = []
    for number in range(start, start + times):
        hard = number % 2 == 0
        text = (HARD if hard else EASY).format(number)
        response, request_id = router.completion([{"role": "user", "content": text}], return_request_id=True)  # type: ignore[misc]
        reward = good(str(response.model), hard)  # type: ignore[union-attr]
        if reward is not None:
            router.report_outcome(request_id, reward)
        ids.append(request_id)
    return ids


def only_strong(model: str, hard: bool) -> float:
    """The cheap model fails on hard prompts."""
    return 0.0 if hard and "mini" in model else 1.0


def same(one: ContextualState, other: ContextualState) -> bool:
    """To the bit."""
    return one.document() == other.document()


def test_an_outcome_is_known_to_the_next_decision(store: Store) -> None:
    """And one withdrawn is gone from it, to the bit."""
    with a_router(store) as router:
        ids = live(router, 6, only_strong)
        before = state_of(router)
        assert before.outcomes == 6
        extra = live(router, 1, only_strong, start=6)
        assert state_of(router).outcomes == 7
        router.report_outcome(extra[0], "unknown")
        assert same(state_of(router), before)
        router.report_outcome(ids[2], "unknown")
        assert state_of(router).outcomes == 5


def test_it_is_the_same_when_built_anew(store: Store) -> None:
    """After corrections, late reports and repeated ones: another router on the same store knows the same."""
    with a_router(store) as router:
        ids = live(router, 30, only_strong)
        late = live(router, 5, lambda model, hard: None, start=30)
        router.report_outcome(ids[3], 0.25)
        state_of(router)
        router.report_outcome(late[4], 1.0)
        router.report_outcome(late[1], 0.0)
        router.report_outcome(ids[29], 0.0)
        router.report_outcome(ids[29], 1.0)
        with a_router(store) as other:
            assert same(state_of(other), state_of(router))
            assert state_of(other).outcomes == 32


def folded(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The places from which lessons are read from now on; 0: from the beginning."""
    places: list[int] = []
    read = store.lessons

    def lessons(goal: str, rule: TeachingRule, after: int, most: int) -> tuple[int, list[Lesson]]:
        places.append(after)
        return read(goal, rule, after, most)

    monkeypatch.setattr(store, "lessons", lessons)
    return places


def changed(**parts: Any) -> Settings:
    """The settings with some of the goal's or of the whole changed."""
    document = the_settings().model_dump()
    goal = {name: parts.pop(name) for name in list(parts) if name in GoalSettings.model_fields}
    document["goals"]["default"] |= goal
    for name, part in parts.items():
        document[name] |= part
    return validated(Settings, document)


def a_memory(settings: Settings, store: Store) -> Memory:
    """One that learns no gain scores."""
    return Memory(settings, store, usual_costs(settings), lambda: NOW, gains="never")


@pytest.mark.parametrize(
    "parts",
    [
        {
            "exploration": 0.1,
            "starting_strength": 5.0,
            "prior_alpha": 3.0,
            "budget_usd": 1.0,
            "router": "thompson",
        },
        {"arms": [{"model": ARMS[0], "weight": 0.1}, {"model": ARMS[1], "weight": 0.9}], "complex_arm": ARMS[0]},
        {"contextual": {"gain_every": 500, "asked_share": 0.5}, "calls": {"deadline_s": 5.0}},
    ],
)
def test_settings_that_do_not_matter_to_it_leave_it_as_it_is(
    store: Store, monkeypatch: pytest.MonkeyPatch, parts: dict[str, Any]
) -> None:
    """Nothing is read from the beginning, and what follows is learned as by a memory of its own, to the bit."""
    with a_router(store) as router:
        ids = live(router, 30, only_strong)
        before = a_memory(the_settings(), store)
        before.state("default")
        places = folded(store, monkeypatch)
        after = a_memory(changed(**parts), store)
        after.adopt(before)
        assert after.state("default") is before.state("default")
        assert places == []
        live(router, 10, only_strong, start=30)
        router.report_outcome(ids[28], "unknown")
        places.clear()
        alone = a_memory(changed(**parts), store).state("default")
        assert 0 in places
        assert same(after.state("default"), alone)
        assert same(before.state("default"), alone)


@pytest.mark.parametrize(
    "parts",
    [
        {"success_value_usd": 0.01},
        {"arms": [{"model": ARMS[0]}, {"model": ARMS[1]}, {"model": "openai/gpt-4.1-mini"}]},
        {"attribution_hours": 24.0},
        {"learn_from": "own"},
        {"teaching_precedence": ["api", "thumb"]},
        {"expected_output_tokens": 900},
        {"prices": {ARMS[1]: {"input_usd_per_million_tokens": 9, "output_usd_per_million_tokens": 9}}},
        {"heuristic": {"word_limit": 7}},
        {"contextual": {"drift_threshold": 5.0}},
        {"contextual": {"drift_keep": 0.5}},
        {"goals": {"other": GoalSettings().model_dump()}},
    ],
)
def test_settings_that_matter_to_it_fold_anew(
    store: Store, monkeypatch: pytest.MonkeyPatch, parts: dict[str, Any]
) -> None:
    """And so does another store, whatever the settings."""
    with a_router(store) as router:
        live(router, 10, only_strong)
    before = a_memory(the_settings(), store)
    before.state("default")
    after = a_memory(changed(**parts), store)
    after.adopt(before)
    places = folded(store, monkeypatch)
    after.state("default")
    assert 0 in places
    elsewhere = open_store(":memory:", kind="simulated")
    other = a_memory(the_settings(), elsewhere)
    other.adopt(before)
    assert other.state("default").outcomes == 0
    elsewhere.close()


def test_the_order_of_first_judgements_counts(store: Store) -> None:
    """A correction is learned at the place of the first judgement, not at its end."""
    with a_router(store) as router:
        ids = live(router, 12, only_strong)
        state_of(router)
        router.report_outcome(ids[0], 0.5)
        corrected = state_of(router)
        _, lessons = store.lessons("default", the_settings().goal("default").teaching_rule(), 0, MOST)
        assert [one.place for one in lessons] == sorted(one.place for one in lessons)
        assert lessons[0].reward == 0.5
        assert corrected.outcomes == 12


def test_it_learns_to_tell_prompts_apart(store: Store) -> None:
    """From its own traffic alone."""
    with a_router(store, the_settings(success_value_usd=0.003, exploration=0.2)) as router:
        live(router, 200, only_strong)
        hard = router.decide([{"role": "user", "content": HARD.format(999)}])
        easy = router.decide([{"role": "user", "content": EASY.format(999)}])
        cheap = state_of(router).learned(ARMS[0]).belief
    assert hard.seen is not None
    assert easy.seen is not None
    logits = [cheap.mean @ np.array(one.features[: len(cheap.mean)]) for one in (hard.seen, easy.seen)]
    assert logits[1] > logits[0] + 2.0  # of the cheap model: a few good answers in a hundred to nearly all
    assert hard.probabilities[1] > easy.probabilities[1]


def test_what_was_seen_is_stored_where_texts_are_not(store: Store) -> None:
    """Fingerprints only: the numbers teach all the same, in another process too."""
    document = the_settings().model_dump()
    document["privacy"] = {"keep_texts": "hash"}
    with a_router(store, validated(Settings, document)) as router:
        live(router, 8, only_strong)
        assert state_of(router).outcomes == 8
        with a_router(store, validated(Settings, document)) as other:
            assert same(state_of(other), state_of(router))


def test_it_learns_from_what_other_routers_drew(store: Store) -> None:
    """From the text, where it was kept; where it was not, from nothing."""
    with a_router(store, policy="heuristic") as router:
        live(router, 10, only_strong)
    with a_router(store) as router:
        assert state_of(router).outcomes == 10


def test_own_means_what_it_drew(store: Store) -> None:
    """As the setting says."""
    with a_router(store, policy="heuristic") as router:
        live(router, 10, only_strong)
    own = the_settings(learn_from="own")
    with a_router(store, own) as router:
        live(router, 4, only_strong, start=10)
        assert state_of(router).outcomes == 4


def test_a_reset_forgets_and_undoing_it_remembers(store: Store) -> None:
    """To the bit, and later outcomes count in both."""
    with a_router(store) as router:
        live(router, 10, only_strong)
        before = state_of(router)
        store.reset_learning("default", at=NOW, author="tester")
        assert state_of(router).outcomes == 0
        store.undo_learning("default", at=NOW, author="tester")
        assert same(state_of(router), before)


def test_who_asks_during_a_reset_does_not_bring_the_past_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decision while the reset is taken in knows the state of before; the next one that of after."""
    with a_router(store) as router:
        live(router, 4, only_strong)
        found, before = [], store.revision
        counting = learning.counting

        def meanwhile(events: list[LearningEvent]) -> dict[str, Counting]:
            asking = Thread(target=lambda: found.append((state_of(router).outcomes, store.revision)))
            asking.start()
            asking.join()
            return counting(events)

        with monkeypatch.context() as patched:
            patched.setattr(learning, "counting", meanwhile)
            store.reset_learning("default", at=NOW, author="tester")
        assert found == [(4, before)]
        assert state_of(router).outcomes == 0
        assert store.revision > before


def test_a_new_model_joins_with_hope(store: Store) -> None:
    """From its neighbour in price, with the optimism it needs to be tried; one that leaves is remembered."""
    with a_router(store) as router:
        live(router, 60, lambda model, hard: 0.6)
    joined = the_settings(arms=[{"model": ARMS[0]}, {"model": "openai/gpt-4.1-mini"}, {"model": ARMS[1]}])
    with a_router(store, joined) as router:
        state = state_of(router)
        new = state.arms["openai/gpt-4.1-mini"].belief
        assert new.observations == 0
        assert not np.array_equal(new.mean, np.zeros_like(new.mean))
        decision = router.decide([{"role": "user", "content": EASY.format(1)}])
        assert decision.probabilities[1] > 0.05
    left = the_settings(arms=[{"model": ARMS[1]}])
    with a_router(store, left) as router:
        assert state_of(router).learned(ARMS[0]).belief.observations > 0


def test_a_model_that_left_comes_back_with_its_history(store: Store) -> None:
    """What was learned of it is kept, by both learning routers, as long as the log has it."""
    with a_router(store) as both:
        live(both, 60, only_strong)
        before, posteriors = state_of(both), both.posteriors()
    alone = the_settings(arms=[{"model": ARMS[0]}])
    with a_router(store, alone) as router:
        live(router, 10, only_strong, start=60)
        assert list(router.posteriors()) == [ARMS[0]]
    with a_router(store) as again:
        after = state_of(again)
        assert after.learned(ARMS[1]).belief.observations == before.learned(ARMS[1]).belief.observations > 0
        assert again.posteriors()[ARMS[1]] == posteriors[ARMS[1]]


def test_goals_share_strength(store: Store) -> None:
    """A new goal begins with what another learned about the same models, and stays unsure of itself."""
    with a_router(store) as router:
        live(router, 40, lambda model, hard: 0.0 if "mini" in model else 1.0)
    document = the_settings().model_dump()
    document["goals"]["other"] = {**document["goals"]["default"]}
    with Router(settings=validated(Settings, document), store=store, simulated=True, goal_id="other") as router:
        state = router._decider.memory.state("other")
        assert state.outcomes == 0
        cheap, strong = (state.learned(arm).belief for arm in ARMS)
        assert cheap.mean[0] < strong.mean[0]
        own = a_router(store)
        assert strong.covariance[0, 0] > state_of(own).learned(ARMS[1]).belief.covariance[0, 0]
        own.close()


def test_an_alarm_can_be_taken_back(store: Store) -> None:
    """A model that becomes worse sets it off; what was forgotten comes back, and undoing that forgets again."""
    document = the_settings(exploration=0.2).model_dump()
    document["contextual"] |= {"drift_warm_up": 30, "drift_threshold": 5.0}
    with a_router(store, validated(Settings, document)) as router:
        live(router, 150, lambda model, hard: 1.0)
        assert not router._decider.memory.fold("default").alarms
        live(router, 60, lambda model, hard: 0.0, start=150)
        fold = router._decider.memory.fold("default")
        alarm = fold.alarms[0]
        assert alarm.direction == "worse"
        store.disregard_alarm("default", alarm.place, at=NOW, author="tester")
        after = router._decider.memory.fold("default")
        assert after.alarms[0].place == alarm.place
        assert after.alarms[0].disregarded
        mean = [one.state.learned(alarm.arm).belief.covariance[0, 0] for one in (fold, after)]
        assert mean[0] != mean[1]
        store.undo_learning("default", at=NOW, author="tester")
        again = router._decider.memory.fold("default")
        assert same(again.state, fold.state)
        assert again.alarms == fold.alarms


def test_a_gain_score_is_learned_from_the_log(store: Store) -> None:
    """Enough judged prompts make one, which is in force at once and tells hard from easy; too few make none."""
    settings = the_settings(exploration=0.5)
    with a_router(store, settings) as router:
        live(router, 50, only_strong)
        assert learn_gain(store, "default", settings.goal("default"), NOW) is None
        live(router, 150, only_strong, start=50)
        score = learn_gain(store, "default", settings.goal("default"), NOW)
        assert score is not None
        assert state_of(router).gain is not None
        assert state_of(router).name.endswith(score.version)
        assert score.of_text(HARD.format(7))[0] > score.of_text(EASY.format(7))[0]


def test_gain_scores_are_learned_along_the_way(store: Store) -> None:
    """Every so many outcomes."""
    document = the_settings(exploration=0.5).model_dump()
    document["contextual"]["gain_every"] = 60
    settings = validated(Settings, document)
    memory = Memory(settings, store, usual_costs(settings), lambda: NOW, gains="at once")
    with a_router(store) as router:
        live(router, 110, only_strong)
    assert memory.state("default").gain is None  # learned by this call, in force from the next
    first = store.gain_version("default")
    assert first is not None
    assert memory.state("default").gain is not None
    with a_router(store) as router:
        live(router, 30, only_strong, start=110)
        memory.state("default")
        assert store.gain_version("default") == first
        live(router, 40, only_strong, start=140)
    memory.state("default")
    assert store.gain_version("default") != first
