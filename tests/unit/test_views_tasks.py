"""What the learning page tells of the router by task."""

from __future__ import annotations

import pytest

from router_core.demo.traffic import generate
from router_core.features import context
from router_core.models.calls import Models
from router_core.registry import BY_TASK
from router_core.routing.candidates import USUAL
from router_core.routing.deciding import Decider
from router_core.settings import Settings
from router_core.store import open_store
from router_core.views.preview import split_preview
from router_core.views.tasks import tasks_now
from tests.store_rows import ALL

SETTINGS = Settings()


def test_tasks_as_the_router_decides_on_them() -> None:
    """Every task type with a rating, the most rated first, with the probabilities of a decision."""
    store = open_store(":memory:", kind="simulated")
    generate(SETTINGS, store, 1500)
    decider = Decider(SETTINGS, store, Models(SETTINGS, simulated=True))
    messages = [{"role": "user", "content": USUAL}]
    seen = context(messages, "default")
    found = tasks_now(store, "default", SETTINGS.goal("default"), seen, decider.candidates(seen))
    by_task = store.evidence_by_task("default", ALL)
    assert {task.name for task in found} == {task for task in by_task if task}
    assert [task.rated for task in found] == sorted((task.rated for task in found), reverse=True)
    for task in found:
        decision = decider.decide(
            context(messages, "default", task.name), BY_TASK.name,
            prompt_id="p", origin="library", completion_id=lambda arm: arm,
        )  # fmt: skip
        assert [one.probability for one in task.models] == list(decision.probabilities)
        assert [one.rated for one in task.models] == [by_task[task.name][one.arm].count for one in task.models]
        assert all(one.low < one.expected < one.high for one in task.models)
        assert task.leader.probability == max(decision.probabilities)
    store.close()


def test_nothing_was_rated_with_a_task() -> None:
    """An empty list."""
    store = open_store(":memory:")
    seen = context([{"role": "user", "content": USUAL}], "default")
    decider = Decider(SETTINGS, store, Models(SETTINGS, simulated=True))
    assert tasks_now(store, "default", SETTINGS.goal("default"), seen, decider.candidates(seen)) == []
    store.close()


def test_a_change_of_settings_moves_its_split() -> None:
    """A good answer worth next to nothing goes to the cheap model, before anything is saved."""
    store = open_store(":memory:", kind="simulated")
    generate(SETTINGS, store, 600)
    goal = SETTINGS.goal("default").model_copy(update={"success_value_usd": 0.0})
    rows = split_preview(store, SETTINGS, Settings(goals={"default": goal}), "default")
    cheap = next(row for row in rows if row.router == BY_TASK.label and row.arm == goal.arms[0].id)
    assert cheap.after > 0.9
    assert cheap.after > cheap.before
    assert sum(row.before for row in rows if row.router == BY_TASK.label) == pytest.approx(1.0)
    store.close()
