"""The settings page: every field of the declaration, goals, models, providers, versions, export and import."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages import provider_form
from pages.goal_form import ADVANCED, SECTIONS
from pages.resources import resources
from router_core.demo import generate
from router_core.exports import dump, dump_evidence
from router_core.reaching import LocalServer
from router_core.settings import (
    ArmSettings,
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
from router_core.store import open_store
from router_core.store.base import Search, SettingsVersion, Store
from router_core.transfer import export_of
from tests.app.panel import field, forget, opened, texts
from tests.servers import chat_server

SETTINGS = Settings(simulation=SimulationSettings(latency_scale=0))
TABS = (
    "Goals",
    "Models & providers",
    "Rules",
    "Classifier",
    "Contextual",
    "Calls & privacy",
    "Versions",
    "Export & import",
)


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    file = tmp_path / "settings.json"
    file.write_text(SETTINGS.document())
    monkeypatch.setenv("ROUTER_SETTINGS", str(file))
    monkeypatch.setenv("ROUTER_STORE", str(tmp_path / "panel.duckdb"))
    forget()
    yield
    forget()


@pytest.fixture
def full() -> Iterator[Store]:
    """A store with traffic, held open by the test too."""
    store = open_store(kind="simulated")
    generate(SETTINGS, store, 600)
    yield store
    store.close()


def now() -> Settings:
    """The settings in force."""
    return resources().playground.settings


def save(at: AppTest, note: str = "") -> AppTest:
    """Save what stands in the form."""
    if note:
        next(one for one in at.text_input if str(one.key).startswith("settings-note")).set_value(note)
    at.button(key="save-settings").click().run()
    assert not at.exception, at.exception
    return at


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


def test_the_seed_of_the_draws_has_its_widget() -> None:
    """The one setting that stands in no part."""
    at = opened("settings", tab="Calls & privacy")
    field(at, "top.seed").set_value(5).run()
    save(at)
    assert now().seed == 5


def test_the_goal_form_has_every_field_once() -> None:
    """Sections and the advanced part together are the declaration."""
    named = [*ADVANCED, *(name for names in SECTIONS.values() for name in names)]
    assert sorted(named) == sorted(set(GoalSettings.model_fields) - {"arms"})


def test_a_changed_setting_is_saved_and_in_force(full: Store) -> None:
    """The next decision follows it, and it is there after a restart."""
    at = opened("settings", tab="Rules")
    field(at, "heuristic.threshold").set_value(99).run()
    assert "**1 change**" in texts(at)
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


def test_a_change_that_changes_no_decision_says_so(full: Store) -> None:
    """Nothing is hidden: the split is as it was."""
    at = opened("settings", tab="Rules")
    field(at, "heuristic.word_limit").set_value(101).run()
    assert "prompts would be split as they are now" in texts(at)


@pytest.mark.parametrize(
    ("tab", "name", "value", "sentence"),
    [
        ("Goals", "goal-default.success_when", "import os", "'import os' is no expression"),
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
    assert sentence in at.error[0].value.replace("\\", "")
    assert "sk-secret" not in at.error[0].value
    assert not [one for one in at.button if one.key == "save-settings"]


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
    both = Settings(goals={"default": GoalSettings(), "e-mail": GoalSettings()}, simulation=SETTINGS.simulation)
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


def test_settings_that_cannot_be_used_are_a_sentence() -> None:
    """Saved by other code: who, when, what, and what to do."""
    store = open_store(kind="simulated")
    store.save_settings(SettingsVersion("v", datetime.now(UTC), "ada", "", '{"of_the_future": 1}'))
    store.close()
    at = opened()
    assert "the settings that ada saved" in at.error[0].value
    assert "of_the_future is not a setting" in at.error[0].value.replace("\\", "")


def test_a_goal_is_not_overwritten_by_its_name() -> None:
    """A new goal needs a new name."""
    at = opened("settings")
    field(at, "new-goal").set_value("default").run()
    assert "There is a goal default already" in at.error[0].value
    assert "Nothing is changed" in texts(at)


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


def press(at: AppTest, key: str) -> None:
    """Click the button whose key begins like this."""
    field(at, key).click().run()
    assert not at.exception, at.exception


def test_a_known_provider_and_its_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Address and variable are filled in; its models can be picked afterwards."""
    at = opened("settings", tab="Models & providers")
    field(at, "new-provider").set_value("mistral").run()
    assert field(at, "provider-mistral.base_url").value == "https://api.mistral.ai/v1"
    assert "MISTRAL_API_KEY is not set" in texts(at).replace("\\", "")
    monkeypatch.setenv("MISTRAL_API_KEY", "never-shown-0123")
    at.run()
    assert "MISTRAL_API_KEY is set" in texts(at).replace("\\", "")
    assert "never-shown" not in texts(at)
    save(at)
    assert now().providers["mistral"].api_key_env == "MISTRAL_API_KEY"
    goals = opened("settings")
    assert [one for one in field(goals, "goal-default.arms.model.0").options if one.startswith("mistral/")]


def test_a_server_of_this_machine_is_found_tried_and_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for, found, filled in, called once for real although the app simulates, and then live."""
    with chat_server() as server:
        found = [LocalServer("ollama", server.base_url, ("tiny", "big"))]
        monkeypatch.setattr(provider_form, "local_servers", lambda: found)
        at = opened("settings", tab="Models & providers")
        at.button(key="find-local").click().run()
        assert "2 models" in texts(at)
        at.button(key="use-ollama").click().run()
        assert field(at, "provider-ollama.base_url").value == server.base_url
        assert at.selectbox(key="try-model-ollama").value == "ollama/tiny"
        at.button(key="test-ollama").click().run()
        assert "ollama/tiny answered in" in at.success[0].value.replace("\\", "")
        assert "for price unknown" in at.success[0].value
        assert [one.body["model"] for one in server.requests] == ["tiny"]
        save(at)
        at.segmented_control(key="tab").set_value("Goals").run()
        arms = "goal-default.arms"
        assert "ollama/big · price unknown" in field(at, f"{arms}.model.0").options
        field(at, f"{arms}.model.0").set_value("ollama/tiny").run()
        field(at, f"{arms}.model.1").set_value("ollama/big").run()
        save(at)
        assert not resources().simulated
        assert "Live" in texts(at.run())


def test_no_server_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said, with the ports that were asked."""
    monkeypatch.setattr(provider_form, "local_servers", list)
    at = opened("settings", tab="Models & providers")
    at.button(key="find-local").click().run()
    assert "None answers on the usual ports (11434, 1234," in texts(at)


def test_test_connection_says_what_is_missing() -> None:
    """Without a key nothing is simulated behind one's back; with ROUTER_SIMULATED it is, and it is said."""
    at = opened("settings", tab="Models & providers")
    at.button(key="test-openai").click().run()
    assert "no API key for openai" in at.error[0].value
    os.environ["ROUTER_SIMULATED"] = "1"
    try:
        at.button(key="test-openai").click().run()
    finally:
        del os.environ["ROUTER_SIMULATED"]
    assert "answered in" in at.success[0].value
    assert "(simulated: ROUTER_SIMULATED is 1)" in at.success[0].value


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
    assert list(table.iloc[0]) == ["heuristic.\N{ZERO WIDTH SPACE}threshold", "5", "4"]  # it may be broken there
    at.selectbox(key="compared-from").set_value(choices[2]).run()
    at.selectbox(key="compared-with").set_value(choices[3]).run()
    assert list(at.table[0].value.iloc[0]) == ["heuristic.\N{ZERO WIDTH SPACE}threshold", "4", "3"]
    at.button(key="bring-back").click().run()
    assert "is in force again" in texts(at)
    assert now() == SETTINGS
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
    assert "Nothing is changed" in texts(at)


def test_expired_texts_go_when_that_is_saved(full: Store) -> None:
    """Of the fourteen days of traffic, seven keep their texts; figures and learning stay."""
    rule = SETTINGS.goal("default").teaching_rule()
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
        privacy=PrivacySettings(expire_after_days=7, expire="requests"), simulation=SETTINGS.simulation
    )
    Path(os.environ["ROUTER_SETTINGS"]).write_text(field_of.document())
    opened()
    assert 0 < full.count(Search()) < 600


def upload(at: AppTest, text: str, name: str = "router.json") -> None:
    """Choose a file to import."""
    at.file_uploader(key="import-file").set_value((name, text.encode(), "application/json")).run()
    assert not at.exception, at.exception


def test_import_shows_asks_and_is_undone(full: Store) -> None:
    """Settings, prices and learning of another machine; undone, everything is as before."""
    rule = SETTINGS.goal("default").teaching_rule()
    mine = full.evidence("default", rule)
    other = open_store(":memory:", kind="simulated")
    theirs = Settings(heuristic=HeuristicSettings(threshold=4), simulation=SETTINGS.simulation)
    generate(theirs, other, 300, seed=5)
    export = export_of(other, theirs)
    at = opened("settings", tab="Export & import")
    upload(at, dump(export))
    assert list(at.table[0].value.iloc[0]) == ["heuristic.\N{ZERO WIDTH SPACE}threshold", "3", "4"]
    assert len(at.table[1].value) == 2
    assert (now(), full.evidence("default", rule)) == (SETTINGS, mine)
    at.button(key="do-import").click().run()
    assert "router\\.json was imported" in texts(at) or "router.json was imported" in texts(at)
    assert (now(), full.evidence("default", rule)) == (theirs, other.evidence("default", rule))
    at.button(key="undo-import").click().run()
    assert (now(), full.evidence("default", rule)) == (SETTINGS, mine)
    assert [one.note for one in full.settings_versions()] == [
        "undid the import of router.json",
        "imported router.json",
    ]
    other.close()


def test_learning_alone_is_imported(full: Store) -> None:
    """From a file of its own, and from a whole router whose settings are left out."""
    rule = SETTINGS.goal("default").teaching_rule()
    other = open_store(":memory:", kind="simulated")
    generate(SETTINGS, other, 300, seed=5)
    theirs = other.evidence("default", rule)
    at = opened("settings", tab="Export & import")
    upload(at, dump_evidence(export_of(other, SETTINGS).learned), "evidence.json")
    at.button(key="do-import").click().run()
    assert full.evidence("default", rule) == theirs
    at.button(key="undo-import").click().run()
    assert full.evidence("default", rule) != theirs
    whole = export_of(other, Settings(seed=3, simulation=SETTINGS.simulation))
    upload(at, dump(whole))
    at.checkbox(key="take-settings").uncheck().run()
    at.button(key="do-import").click().run()
    assert (now(), full.evidence("default", rule)) == (SETTINGS, theirs)
    other.close()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "the file is not JSON"),
        ('{"format": "recipe"}', "the file is no export of router_core"),
        ('{"format": "router.json", "format_version": 99}', "written by a newer router_core"),
        ("", "the file is empty"),
    ],
)
def test_a_file_that_is_none_is_one_sentence(text: str, sentence: str) -> None:
    """And there is nothing to press."""
    at = opened("settings", tab="Export & import")
    upload(at, text)
    assert sentence in at.error[0].value.replace("\\", "")
    assert not [one for one in at.button if one.key == "do-import"]


def test_an_edited_file_is_refused_until_trusted() -> None:
    """The checksum tells; a person may know better."""
    at = opened("settings", tab="Export & import")
    text = dump(export_of(resources().playground.store, SETTINGS)).replace('"threshold": 3', '"threshold": 4')
    upload(at, text)
    assert "changed after it was exported" in at.error[0].value
    at.checkbox(key="trust-edited").check().run()
    assert not at.error
    assert "Take over its settings (1 change)" in [one.label for one in at.checkbox]


def test_a_key_in_the_settings_is_not_exported() -> None:
    """Said instead of the buttons."""
    arms = (ArmSettings(model="openai/gpt-4o", params={"extra_headers": {"Authorization": "x"}}),)
    settings = Settings(goals={"default": GoalSettings(arms=arms)})
    Path(os.environ["ROUTER_SETTINGS"]).write_text(settings.document())
    forget()
    at = opened("settings", tab="Export & import")
    assert "must not be exported" in at.error[0].value
