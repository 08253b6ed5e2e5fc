"""Simulated traffic: real decisions, real learning, labelled answers; never in a live store."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest

from router_core.demo.traffic import COMPARED, generate
from router_core.errors import SettingsError
from router_core.sampling import draw
from router_core.settings import (
    ArmSettings,
    ClassifierSettings,
    GoalSettings,
    PrivacySettings,
    ProviderSettings,
    Settings,
)
from router_core.store import open_store
from router_core.store.base import Store

UNTIL = datetime(2026, 5, 4, 12, tzinfo=UTC)


def filled(settings: Settings, requests: int = 3_000, seed: int = 1, place: str | Path = ":memory:") -> Store:
    """A store with so many requests."""
    store = open_store(place, kind="simulated")
    assert generate(settings, store, requests, seed=seed, until=UNTIL) == requests
    return store


def test_every_decision_can_be_replayed() -> None:
    """The arm stored is the one that the hash of seed and id draws from the probabilities stored."""
    store = filled(Settings(seed=5))
    drawn = [one for one in store.decisions() if one.origin == "simulated"]
    assert len(drawn) >= 3_000
    assert all(one.arms[draw(one.probabilities, one.seed, one.id)] == one.chosen for one in drawn)
    assert {one.seed for one in drawn} == {5}
    assert {one.settings_version for one in drawn} == {Settings(seed=5).version}


def test_routers_take_turns_and_some_prompts_are_compared() -> None:
    """A fifth each; two in a hundred prompts are decided by all five and answered by every model."""
    store = filled(Settings())
    by_policy = Counter(one.policy for one in store.decisions() if one.origin == "simulated")
    compared = [prompt for prompt in store.recent_prompts(3_000) if prompt.run_all]
    assert all(abs(count - 600 - 4 * len(compared) / 5) < 20 for count in by_policy.values())
    assert 0.5 * COMPARED < len(compared) / 3_000 < 1.5 * COMPARED
    for prompt in compared[:5]:
        found = store.comparison(prompt.id)
        assert found is not None
        assert {one.policy for one in found.decisions} >= {
            "heuristic",
            "classifier",
            "thompson",
            "contextual",
            "by-task",
        }
        assert {one.arm for one in found.completions} == {"openai/gpt-4o-mini", "openai/gpt-4o"}


def test_learning_is_what_the_store_learns() -> None:
    """The evidence in memory equals that of the log, and Thompson sampling's reasons count on it."""
    store = filled(Settings())
    rule = Settings().goal("default").teaching_rule()
    evidence = store.evidence("default", rule)
    assert evidence == store.rebuild_evidence("default", rule)
    assert sum(one.count for one in evidence.values()) > 600
    last = [one for one in store.decisions() if one.policy == "thompson"][-1]
    cheap = last.reason.lines[0].text
    rated = int(cheap.split(" of ")[1].split(" good")[0])
    assert 0 < rated <= evidence["openai/gpt-4o-mini"].count


def test_same_seed_same_traffic() -> None:
    """Ids, arms, costs and ratings come out the same; another seed gives others."""

    def rows(seed: int) -> list[object]:
        store = filled(Settings(), 200, seed)
        found = [store.comparison(prompt.id) for prompt in store.recent_prompts(200)]
        return [(one.prompt, one.decisions, one.completions, one.outcomes) for one in found if one is not None]

    assert rows(3) == rows(3)
    assert rows(3) != rows(4)


def test_failed_calls_are_answered_by_another_model() -> None:
    """A failure costs nothing and has its sentence; a fallback decision of probability 1 leads to the answer."""
    store = filled(Settings())
    fallbacks = [one for one in store.decisions() if one.origin == "fallback"]
    assert fallbacks
    for decision in fallbacks[:3]:
        found = store.comparison(decision.prompt_id)
        assert found is not None
        failed = [one for one in found.completions if one.error is not None]
        assert len(failed) == 1
        assert (failed[0].cost_usd, failed[0].usage, failed[0].text) == (0, None, None)
        answered = next(one for one in found.completions if one.id == decision.completion_id)
        assert (decision.propensity, answered.error, answered.arm) == (1.0, None, decision.chosen)


def test_unknown_price_stays_unknown() -> None:
    """A model that no price book knows has no cost in the log, nor an expected one, nor have its verdicts."""
    goal = GoalSettings(arms=(ArmSettings(model="local/secret"), ArmSettings(model="openai/gpt-4o")))
    settings = Settings(
        goals={"default": goal},
        providers={"openai": ProviderSettings(), "local": ProviderSettings()},
        classifier=ClassifierSettings(model="local/secret"),
    )
    store = filled(settings, 300)
    found = [store.comparison(prompt.id) for prompt in islice(store.recent_prompts(300), 300)]
    costs = {(c.arm, c.cost_usd is None) for one in found if one for c in one.completions if c.error is None}
    assert costs == {("local/secret", True), ("openai/gpt-4o", False)}
    assert {one.expected_cost_usd[0] for one in store.decisions()} == {None}
    assert None in {one.decision_cost_usd for one in store.decisions() if one.policy == "classifier"}
    assert {one.decision_cost_usd for one in store.decisions() if one.policy == "heuristic"} == {Decimal(0)}


def test_no_texts_where_none_are_kept() -> None:
    """With privacy.keep_texts hash neither prompts nor answers nor words about them are stored."""
    store = filled(Settings(privacy=PrivacySettings(keep_texts="hash")), 200)
    found = [one for one in (store.comparison(p.id) for p in store.recent_prompts(200)) if one]
    assert {one.prompt.messages for one in found} == {None}
    assert {c.text for one in found for c in one.completions} == {None}
    assert {d.context.text for one in found for d in one.decisions} == {""}


@pytest.mark.parametrize(("requests", "days"), [(0, 1.0), (20_000_000, 1.0), (10, 0.0), (10, 9_999.0)])
def test_sizes_out_of_range(requests: int, days: float) -> None:
    """Refused with the value and what is allowed."""
    with pytest.raises(SettingsError, match=r"1 to 10,000,000|at most 3650"):
        generate(Settings(), open_store(":memory:", kind="simulated"), requests, days=days)


def test_never_into_a_live_store() -> None:
    """Simulated and real traffic do not mix."""
    store = open_store(":memory:")
    with pytest.raises(SettingsError, match="holds live traffic"):
        generate(Settings(), store, 10)
    assert store.recent_prompts(1) == []


def test_stopped_half_way_keeps_what_is_there(tmp_path: Path) -> None:
    """A progress callback that raises ends it; whole blocks stay and the evidence is theirs."""

    class Enough(Exception):
        pass

    def stop(done: int) -> None:
        raise Enough

    store = open_store(tmp_path / "demo.duckdb", kind="simulated")
    with pytest.raises(Enough):
        generate(Settings(), store, 30_000, until=UNTIL, progress=stop)
    rule = Settings().goal("default").teaching_rule()
    assert len(store.recent_prompts(50_000)) == 20_000
    assert store.evidence("default", rule) == store.rebuild_evidence("default", rule)
    store.close()
