"""The settings page: every field of the declaration, saving, versions, what expires."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pages.resources import resources
from router_core.settings import (
    CallSettings,
    ClassifierSettings,
    ContextualSettings,
    GoalSettings,
    HeuristicSettings,
    PrivacySettings,
    ProviderSettings,
    Settings,
    SimulationSettings,
)
from router_core.settings.presets import rule_presets
from router_core.store import open_store
from router_core.store.base import Search, SettingsVersion, Store
from tests.app.panel import QUICK, field, forget, now, opened, plain, save, texts

pytestmark = pytest.mark.usefixtures("place")


TABS = (
    "Goals",
    "Models & providers",
    "Rules",
    "Classifier",
    "Contextual",
    "Calls & privacy",
    "Callers",
    "Versions",
)


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("filled", [False, True])
def test_every_tab_shows_no_error(tab: str, filled: bool, request: pytest.FixtureRequest) -> None:
    """In an empty store and in a full one; nothing is saved by looking."""
    if filled:
        request.getfixturevalue("full")
    at = opened("settings", tab=tab)
    assert not at.error
    assert resources().playground.store.settings_versions() == []


@pytest.mark.parametrize(
    ("tab", "prefix", "declaration", "elsewhere"),
    [
        ("Goals", "goal-default", GoalSettings, {"arms"}),
        ("Models & providers", "provider-openai", ProviderSettings, set()),
        ("Rules", "heuristic", HeuristicSettings, set()),
        ("Classifier", "classifier", ClassifierSettings, set()),
        ("Contextual", "contextual", ContextualSettings, set()),
        ("Calls & privacy", "calls", CallSettings, set()),
        ("Calls & privacy", "privacy", PrivacySettings, set()),
        ("Calls & privacy", "simulation", SimulationSettings, set()),
    ],
)
def test_every_setting_has_its_widget(tab: str, prefix: str, declaration: Any, elsewhere: set[str]) -> None:
    """With the title and the help of the declaration; none is left out."""
    at = opened("settings", tab=tab)
    for name, declared in declaration.model_fields.items():
        if name not in elsewhere:
            widget = field(at, f"{prefix}.{name}")
            assert (widget.label, widget.help) == (declared.title, declared.description), name


@pytest.mark.usefixtures("full")
def test_what_the_contextual_router_learned_outlives_a_save() -> None:
    """It is not folded anew where the change leaves it the same, and is where it does not."""
    at = opened("settings", tab="Contextual")
    field(at, "contextual.gain_every").set_value(0).run()
    save(at)
    learned = resources().playground.contextual("default").state
    assert learned.outcomes > 0
    field(at, "contextual.asked_share").set_value(0.2).run()
    save(at)
    assert resources().playground.contextual("default").state is learned
    field(at, "contextual.drift_threshold").set_value(3.0).run()
    save(at)
    assert resources().playground.contextual("default").state is not learned


def test_the_seed_of_the_draws_has_its_widget() -> None:
    """The one setting that stands in no part."""
    at = opened("settings", tab="Calls & privacy")
    field(at, "top.seed").set_value(5).run()
    save(at)
    assert now().seed == 5


def test_a_changed_setting_is_saved_and_in_force(full: Store) -> None:
    """The next decision follows it, and it is there after a restart."""
    at = opened("settings", tab="Rules")
    field(at, "heuristic.threshold").set_value(99).run()
    assert "1 change" in texts(at)
    assert "who would have got its last 100 prompts" in texts(at)
    save(at, "nothing is simple")
    assert "it is in force" in texts(at)
    plan = resources().playground.compare([{"role": "user", "content": "Is this spam? yes or no"}], "default")
    rules = next(one for one in plan.decisions if one.policy == "heuristic")
    assert rules.chosen == "openai/gpt-4o"
    assert [one.note for one in full.settings_versions()] == ["nothing is simple"]
    forget()
    opened("settings", tab="Versions")
    assert now().heuristic.threshold == 99


def test_what_was_typed_outlives_tabs_and_pages() -> None:
    """Every tab shows it again, lists it among the changes, and saves it; nothing but what was typed."""
    at = opened("settings", tab="Rules")
    typed: list[tuple[str, str, Any]] = [
        ("Rules", "heuristic.threshold", 7),
        ("Classifier", "classifier.exploration", 0.25),
        ("Contextual", "contextual.asked_share", 0.3),
        ("Calls & privacy", "calls.max_retries", 5),
        ("Models & providers", "provider-openai.stream_usage", False),
        ("Goals", "goal-default.success_value_usd", 0.5),
        ("Goals", "goal-default.arms.weight.0", 0.6),
    ]
    for tab, name, value in typed:
        at.segmented_control(key="tab").set_value(tab).run()
        field(at, name).set_value(value).run()
    at.switch_page("costs.py").run()
    at.switch_page("settings.py").run()
    assert f"{len(typed)} changes" in texts(at)
    for tab, name, value in reversed(typed):
        at.segmented_control(key="tab").set_value(tab).run()
        assert field(at, name).value == value
        assert f"{len(typed)} changes" in texts(at)
    save(at)
    saved = now()
    assert (saved.heuristic.threshold, saved.classifier.exploration, saved.calls.max_retries) == (7, 0.25, 5)
    assert (saved.contextual.asked_share, saved.providers["openai"].stream_usage) == (0.3, False)
    assert (saved.goal("default").success_value_usd, saved.goal("default").arms[0].weight) == (0.5, 0.6)
    for tab, name, value in typed:
        at.segmented_control(key="tab").set_value(tab).run()
        assert "No unsaved changes" in texts(at)
        assert field(at, name).value == value


def test_another_rule_set_is_one_click_away(full: Store) -> None:
    """The preview says what it would change, in settings and split; a click on the first takes it back."""
    at = opened("settings", tab="Rules")
    field(at, "heuristic.exploration").set_value(0.1).run()
    at.button(key="preset-balanced").click().run()
    assert field(at, "heuristic.word_limit").value == 50
    assert "is this" not in field(at, "heuristic.brief_keywords").value
    assert "6 changes" in texts(at)
    assert "who would have got its last 100 prompts" in texts(at)
    at.button(key="preset-article").click().run()
    assert "1 change" in texts(at)
    at.button(key="preset-balanced").click().run()
    save(at)
    rules = now().heuristic.model_dump(mode="json")
    assert rules == {**rule_presets()["balanced"], "exploration": 0.1}


def test_what_was_typed_can_be_discarded() -> None:
    """On all tabs at once, also where it cannot be saved as it stands."""
    at = opened("settings", tab="Calls & privacy")
    field(at, "calls.max_retries").set_value(5).run()
    at.segmented_control(key="tab").set_value("Goals").run()
    field(at, "goal-default.success_when").set_value("len(").run()
    assert at.error
    at.button(key="discard-settings").click().run()
    assert "No unsaved changes" in texts(at)
    assert not at.error
    assert not field(at, "goal-default.success_when").value
    at.segmented_control(key="tab").set_value("Calls & privacy").run()
    assert field(at, "calls.max_retries").value == Settings().calls.max_retries


def test_a_change_that_changes_no_decision_says_so(full: Store) -> None:
    """Nothing is hidden: the split is as it was."""
    at = opened("settings", tab="Rules")
    field(at, "heuristic.word_limit").set_value(101).run()
    assert "prompts would be split as they are now" in texts(at)


@pytest.mark.parametrize(
    ("tab", "name", "value", "sentence"),
    [
        ("Goals", "goal-default.success_when", "import os", "'import os' is not an expression"),
        ("Models & providers", "provider-openai.base_url", "ftp://x", "write an address that begins with http"),
        ("Models & providers", "provider-openai.api_key_env", "sk-secret", "write the name of an environment"),
        ("Classifier", "classifier.prompt", "", "String should have at least 1 character"),
    ],
)
def test_an_invalid_value_is_one_sentence(tab: str, name: str, value: str, sentence: str) -> None:
    """Nothing can be saved while it stands, and a key that was pasted is not shown."""
    at = opened("settings", tab=tab)
    field(at, name).set_value(value).run()
    assert len(at.error) == 1
    assert sentence in plain(at.error[0].value)
    assert "sk-secret" not in at.error[0].value
    assert not [one for one in at.button if one.key == "save-settings"]


def test_when_the_classifier_is_asked_is_set() -> None:
    """In words on the page, in the declaration's own in the settings."""
    at = opened("settings", tab="Contextual")
    asks = field(at, "contextual.ask_classifier")
    assert asks.options == ["where it is worth it", "always", "never"]
    asks.set_value("never").run()
    field(at, "contextual.drift_threshold").set_value(12.0).run()
    save(at)
    assert (now().contextual.ask_classifier, now().contextual.drift_threshold) == ("never", 12.0)


def test_the_split_has_the_contextual_router(full: Store) -> None:
    """As it would decide with what it has learned by now: with cost ignored the strong model gets more."""
    at = opened("settings")
    at.toggle(key=field(at, "goal-default.success_value_usd").key + ".infinite").set_value(True).run()
    split = next(one.value for one in at.table if "Router" in one.value)
    contextual = split[split["Router"] == "Contextual Thompson"].set_index("Model")
    assert sorted(contextual.index) == ["gpt-4o", "gpt-4o-mini"]
    then, before = (int(contextual.loc["gpt-4o", side].rstrip("%")) for side in ("Then", "Now"))
    assert then > before
    assert resources().playground.store.settings_versions() == []


def test_settings_that_cannot_be_used_are_a_sentence() -> None:
    """Saved by other code: who, when, what, and what to do."""
    store = open_store(kind="simulated")
    store.save_settings(SettingsVersion("v", datetime.now(UTC), "ada", "", '{"of_the_future": 1}'))
    store.close()
    at = opened("playground")
    assert "the settings that ada saved" in at.error[0].value
    assert "of_the_future is not a setting" in at.error[0].value.replace("\\", "")


def test_versions_are_listed_compared_and_brought_back() -> None:
    """Who, when, what and why; any two side by side; the state before the first save, too."""
    for threshold, note in ((4, "first"), (5, "second")):
        at = opened("settings", tab="Rules")
        field(at, "heuristic.threshold").set_value(threshold).run()
        save(at, note)
    at = opened("settings", tab="Versions")
    listed = at.dataframe[0].value
    assert list(listed["Changed"]) == ["heuristic.threshold: 4 → 5", "heuristic.threshold: 3 → 4"]
    assert list(listed["Note"]) == ["second", "first"]
    assert all(listed["By"])
    assert [name.partition(" ")[2] for name in listed["Version"]] == ["in force", ""]
    choices = at.selectbox(key="compared-from").options
    assert (len(choices), choices[0], choices[-1]) == (4, "the present", "before the first save")
    table = at.table[0].value
    assert list(table.iloc[0]) == ["heuristic.threshold", "5", "4"]
    at.selectbox(key="compared-from").set_value(choices[2]).run()
    at.selectbox(key="compared-with").set_value(choices[3]).run()
    assert list(at.table[0].value.iloc[0]) == ["heuristic.threshold", "4", "3"]
    at.button(key="bring-back").click().run()
    assert "is in force again" in texts(at)
    assert now() == QUICK
    assert len(resources().playground.store.settings_versions()) == 3


def test_what_another_visit_saves_shows_at_once() -> None:
    """The form never offers to save an old value back; it is said that something changed."""
    at = opened("settings", tab="Rules")
    other = opened("settings", tab="Rules")
    field(other, "heuristic.threshold").set_value(7).run()
    save(other)
    at.run()
    assert "The settings were changed elsewhere" in texts(at)
    assert field(at, "heuristic.threshold").value == 7
    assert "No unsaved changes" in texts(at)


def test_expired_texts_go_when_that_is_saved(full: Store) -> None:
    """Of the fourteen days of traffic, seven keep their texts; figures and learning stay."""
    rule = QUICK.goal("default").teaching_rule()
    before = full.evidence("default", rule)
    at = opened("settings", tab="Calls & privacy")
    field(at, "privacy.expire_after_days").set_value(7).run()
    save(at)
    kept = [one.prompt.messages is not None for one in full.find(Search(), 1000)]
    assert len(kept) == 600
    assert 0 < sum(kept) < 600
    assert full.evidence("default", rule) == before


def test_what_expired_meanwhile_goes_at_the_next_start(full: Store) -> None:
    """Opening the app is enough."""
    field_of = Settings(
        privacy=PrivacySettings(expire_after_days=7, expire="requests"), simulation=QUICK.simulation
    )
    Path(os.environ["ROUTER_SETTINGS"]).write_text(field_of.document())
    opened("playground")
    assert 0 < full.count(Search()) < 600
