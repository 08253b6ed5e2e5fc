"""What a change would do, told from the log before it is made."""

from __future__ import annotations

import pytest

from router_core.demo.traffic import generate
from router_core.errors import ConditionError
from router_core.features import context
from router_core.models.calls import Models
from router_core.routing.deciding import Decider
from router_core.settings import ArmSettings, ContextualSettings, GoalSettings, HeuristicSettings, Settings
from router_core.store import open_store
from router_core.store.base import Search, Store
from router_core.views.preview import condition_preview, split_preview


@pytest.fixture
def store() -> Store:
    """Some traffic."""
    opened = open_store(":memory:", kind="simulated")
    generate(Settings(), opened, 300)
    return opened


def test_rules_that_find_nothing_simple(store: Store) -> None:
    """With a threshold out of reach the rules send all to the strong model; Thompson sampling does not move."""
    rows = split_preview(store, Settings(), Settings(heuristic=HeuristicSettings(threshold=99)), "default")
    found = {(row.router, row.arm): row for row in rows}
    assert found["Rules", "openai/gpt-4o"].after == pytest.approx(1.0)
    assert 0.0 < found["Rules", "openai/gpt-4o"].before < 1.0
    same = found["Thompson sampling", "openai/gpt-4o"]
    assert same.before == same.after
    assert {row.prompts for row in rows} == {100}


def test_a_new_model_has_no_share_before(store: Store) -> None:
    """And shares sum to 1 on both sides."""
    arms = (*GoalSettings().arms, ArmSettings(model="openai/gpt-5", weight=0.5))
    rows = split_preview(store, Settings(), Settings(goals={"default": GoalSettings(arms=arms)}), "default")
    thompson = [row for row in rows if row.router == "Thompson sampling"]
    assert {row.arm: row.before for row in thompson}["openai/gpt-5"] == 0.0
    assert sum(row.before for row in thompson) == pytest.approx(1.0)
    assert sum(row.after for row in thompson) == pytest.approx(1.0)


def test_the_contextual_router_with_what_it_has_learned(store: Store) -> None:
    """As the decider gives its probabilities where nothing was heard from the classifier; stored is nothing."""
    never = ContextualSettings(ask_classifier="never")
    before = Settings(contextual=never)
    after = Settings(contextual=never, goals={"default": GoalSettings(success_value_usd=0.0001)})
    decider = Decider(before, store, Models(before, simulated=True))
    mark = store.mark
    rows = split_preview(store, before, after, "default", decider.memory.state("default"))
    found = {row.arm: row for row in rows if row.router == "Contextual Thompson"}
    given = []
    for one in store.find(Search(goal="default"), 100):
        seen = context(one.prompt.messages or (), "default", one.prompt.task_type)
        decision = decider.decide(
            seen, "contextual", prompt_id="p", origin="library", completion_id=lambda arm: arm, decision_id="d"
        )
        given.append(decision.probabilities[-1])
    assert found["openai/gpt-4o"].before == pytest.approx(sum(given) / len(given))
    assert found["openai/gpt-4o"].after < found["openai/gpt-4o"].before
    assert store.mark == mark


def test_without_texts_there_is_no_preview(store: Store) -> None:
    """Nothing is made up."""
    store.strip(Search())
    assert split_preview(store, Settings(), Settings(), "default") == []
    assert condition_preview(store, "default", "len(content) > 0").rows == ()


def test_condition_on_the_last_answers(store: Store) -> None:
    """Good and bad are told apart; a line that is not valid is refused."""
    always = condition_preview(store, "default", "len(content) > 0")
    assert (len(always.rows), always.good, always.bad, always.unknown) == (20, 20, 0, 0)
    assert condition_preview(store, "default", "len(content) > 100000").bad == 20
    with pytest.raises(ConditionError):
        condition_preview(store, "default", "import os")


def test_condition_beside_what_people_said(store: Store) -> None:
    """A condition that says good of every answer agrees with the thumbs up; what it cannot judge it leaves."""
    newest = store.find(Search(), 20)
    thumbs = [one.reward for found in newest for one in found.outcomes if one.source == "thumb"]
    always = condition_preview(store, "default", "len(content) > 0")
    assert always.agreement == (sum(thumb == 1.0 for thumb in thumbs), len(thumbs))
    assert thumbs
    assert [row.text for row in always.rows] == [one.text for found in newest for one in found.completions][:20]
    never = condition_preview(store, "default", "1 / (latency_ms - latency_ms) > 0")
    assert (never.good, never.bad, never.unknown) == (0, 0, 20)
    assert "ZeroDivisionError" in never.rows[0].why
    assert never.agreement == (0, 0)
