"""The settings page, goals: models, worth, budget, condition; goals that come and go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pages.goal_form import ADVANCED, SECTIONS
from router_core.settings import ArmSettings, GoalSettings, Settings
from router_core.store.base import Store
from tests.app.panel import QUICK, field, forget, now, opened, press, save, texts

pytestmark = pytest.mark.usefixtures("place")


def test_the_goal_form_has_every_field_once() -> None:
    """Sections and the advanced part together are the declaration."""
    named = [*ADVANCED, *(name for names in SECTIONS.values() for name in names)]
    assert sorted(named) == sorted(set(GoalSettings.model_fields) - {"arms"})


def test_cost_can_be_ignored_and_counted_again() -> None:
    """Infinity has a switch; switched back, the usual value returns."""
    at = opened("settings")
    at.toggle(key=field(at, "goal-default.success_value_usd").key + ".infinite").set_value(True).run()
    save(at)
    assert now().goal("default").success_value_usd == float("inf")
    again = opened("settings")
    assert field(again, "goal-default.success_value_usd").disabled
    again.toggle(key=field(again, "goal-default.success_value_usd").key + ".infinite").set_value(False).run()
    save(again)
    assert now().goal("default").success_value_usd == 0.05


def test_a_budget_is_given_and_taken_away() -> None:
    """Empty is no budget; what it is for stands beside it."""
    at = opened("settings")
    budget = field(at, "goal-default.budget_usd")
    assert (budget.value, budget.placeholder) == (None, "no budget")
    budget.set_value(5.0).run()
    field(at, "goal-default.budget_per").set_value("day").run()
    field(at, "goal-default.budget_requests").set_value(20_000).run()
    save(at)
    goal = now().goal("default")
    assert (goal.budget_usd, goal.budget_per, goal.budget_requests) == (5.0, "day", 20_000)
    again = opened("settings")
    field(again, "goal-default.budget_usd").set_value(None).run()
    save(again)
    assert now().goal("default").budget_usd is None


def test_a_condition_is_tried_before_it_is_saved(full: Store) -> None:
    """On the last twenty answers, beside what people said of them."""
    at = opened("settings")
    field(at, "goal-default.success_when").set_value("len(content) > 100000").run()
    assert "The condition on the last 20 answers: 0 good, 20 bad, 0 unknown." in texts(at)
    assert list(at.dataframe[0].value["It says"]) == ["bad"] * 20
    assert now().goal("default").success_when is None
    save(at)
    assert now().goal("default").success_when == "len(content) > 100000"


def test_a_goal_of_ones_own() -> None:
    """It begins with the settings shown and what was changed there; the one it was made from stays as it is."""
    at = opened("settings")
    field(at, "new-goal").set_value("e-mail").run()
    field(at, "goal-default.exploration").set_value(0.1).run()
    save(at)
    assert {name: one.exploration for name, one in now().goals.items()} == {"default": 0.02, "e-mail": 0.1}
    again = opened("settings")
    again.selectbox(key="edited-goal").set_value("e-mail").run()
    field(again, "goal-e-mail.exploration").set_value(0.2).run()
    save(again)
    assert {name: one.exploration for name, one in now().goals.items()} == {"default": 0.02, "e-mail": 0.2}
    field(again, "remove-e-mail").check().run()
    save(again)
    assert list(now().goals) == ["default"]
    assert field(opened("settings"), "remove-default").disabled


@pytest.mark.parametrize("page", ["playground", "costs", "learning", "history"])
def test_a_goal_removed_while_it_is_looked_at(full: Store, page: str) -> None:
    """The page goes on with another one."""
    both = Settings(goals={"default": GoalSettings(), "e-mail": GoalSettings()}, simulation=QUICK.simulation)
    Path(os.environ["ROUTER_SETTINGS"]).write_text(both.document())
    forget()
    at = opened(page)
    at.selectbox(key="goal").set_value("e-mail").run()
    other = opened("settings")
    other.selectbox(key="edited-goal").set_value("e-mail").run()
    field(other, "remove-e-mail").check().run()
    save(other)
    at.run()
    assert not at.exception, at.exception
    assert not at.error
    assert at.selectbox(key="goal").value == "default"


def test_a_goal_is_not_overwritten_by_its_name() -> None:
    """A new goal needs a new name."""
    at = opened("settings")
    field(at, "new-goal").set_value("default").run()
    assert "There is a goal default already" in at.error[0].value
    assert "No unsaved changes" in texts(at)


def test_models_are_picked_added_moved_and_removed() -> None:
    """From the price book by search or written by hand, in the order cheap to strong."""
    at = opened("settings")
    arms = "goal-default.arms"
    labels = list(field(at, f"{arms}.model.0").options)
    assert "openai/gpt-4.1-nano · $0.1 / $0.4" in labels
    press(at, f"{arms}.add")
    assert "goals.default.arms.2.model" in at.error[0].value
    field(at, f"{arms}.model.2").set_value("openai/gpt-4.1-nano").run()
    field(at, f"{arms}.weight.2").set_value(0.5).run()
    press(at, f"{arms}.up.2")
    press(at, f"{arms}.up.2")
    press(at, f"{arms}.remove.1")
    field(at, f"{arms}.params.0").set_value('{"temperature": 0}').run()
    field(at, "goal-default.complex_arm").set_value("openai/gpt-4.1-nano").run()
    save(at)
    goal = now().goal("default")
    assert goal.arms == (
        ArmSettings(model="openai/gpt-4.1-nano", weight=0.5),
        ArmSettings(model="openai/gpt-4o-mini", weight=0.8, params={"temperature": 0}),
    )
    assert goal.tier_arm("complex") == "openai/gpt-4.1-nano"


def test_parameters_that_are_no_json() -> None:
    """A sentence, and the rest of the form stays."""
    at = opened("settings")
    field(at, "goal-default.arms.params.0").set_value("temperature=0").run()
    said = at.error[0].value.replace("\\", "")
    assert said.startswith("goals.default.arms.0.params: write names and values in braces, for example")
