"""The settings page, export and import: shown, asked, undone; files that are refused."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.resources import change_settings, resources
from router_core.demo.traffic import generate
from router_core.exports import dump, dump_evidence
from router_core.exports.transfer import export_of, known_by_router
from router_core.routing.gain_learning import learn_gain
from router_core.settings import ArmSettings, GoalSettings, HeuristicSettings, ProviderSettings, Settings
from router_core.store import open_store
from router_core.store.base import Store
from tests.app.panel import QUICK, forget, now, opened, texts

pytestmark = pytest.mark.usefixtures("place")


def upload(at: AppTest, text: str, name: str = "router.json") -> None:
    """Choose a file to import."""
    at.file_uploader(key="import-file").set_value((name, text.encode(), "application/json")).run()
    assert not at.exception, at.exception


def test_import_shows_asks_and_is_undone(full: Store) -> None:
    """Settings, prices and learning of another machine; undone, everything is as before."""
    rule = QUICK.goal("default").teaching_rule()
    mine = full.evidence("default", rule)
    other = open_store(":memory:", kind="simulated")
    theirs = Settings(heuristic=HeuristicSettings(threshold=4), simulation=QUICK.simulation)
    generate(theirs, other, 300, seed=5)
    export = export_of(other, theirs)
    at = opened("ship")
    upload(at, dump(export))
    assert list(at.table[0].value.iloc[0]) == ["heuristic.threshold", "3", "4"]
    learned = at.table[1].value
    assert learned["Model or router"].tolist() == ["openai/gpt-4o-mini", "openai/gpt-4o", "Contextual Thompson"]
    for column, one, its in (("Now", full, QUICK), ("Then", other, theirs)):
        outcomes = known_by_router(one, its)("default").outcomes
        assert learned[column][2].startswith(f"{outcomes:,} ratings")
    assert (now(), full.evidence("default", rule)) == (QUICK, mine)
    at.button(key="do-import").click().run()
    assert "router\\.json was imported" in texts(at) or "router.json was imported" in texts(at)
    assert (now(), full.evidence("default", rule)) == (theirs, other.evidence("default", rule))
    at.button(key="undo-import").click().run()
    assert (now(), full.evidence("default", rule)) == (QUICK, mine)
    assert [one.note for one in full.settings_versions()] == [
        "undid the import of router.json",
        "imported router.json",
    ]
    other.close()


@pytest.mark.slow
def test_undoing_an_import_brings_the_gain_score_back(full: Store) -> None:
    """The one before, or none, where the file had one."""
    goal, other = QUICK.goal("default"), open_store(":memory:", kind="simulated")
    generate(QUICK, other, 600, seed=5)
    assert learn_gain(other, "default", goal, datetime.now(UTC)) is not None
    file = dump(export_of(other, QUICK))
    other.close()
    at = opened("ship")
    mine: object = ("", None)
    for _ in range(2):
        upload(at, file)
        at.button(key="do-import").click().run()
        assert (full.gain("default") or ("", ""))[0] == "import"
        at.button(key="undo-import").click().run()
        assert not at.exception, at.exception
        version, found = full.gain_version("default"), full.gain("default")
        assert (version or "", found if version else None) == mine
        score = learn_gain(full, "default", goal, datetime.now(UTC))
        assert score is not None
        mine = (score.version, full.gain("default"))


def test_learning_alone_is_imported(full: Store) -> None:
    """From a file of its own, and from a whole router whose settings are left out."""
    rule = QUICK.goal("default").teaching_rule()
    other = open_store(":memory:", kind="simulated")
    generate(QUICK, other, 300, seed=5)
    theirs = other.evidence("default", rule)
    at = opened("ship")
    upload(at, dump_evidence(export_of(other, QUICK).learned), "evidence.json")
    at.button(key="do-import").click().run()
    assert full.evidence("default", rule) == theirs
    at.button(key="undo-import").click().run()
    assert full.evidence("default", rule) != theirs
    whole = export_of(other, Settings(seed=3, simulation=QUICK.simulation))
    upload(at, dump(whole))
    at.checkbox(key="take-settings").uncheck().run()
    at.button(key="do-import").click().run()
    assert (now(), full.evidence("default", rule)) == (QUICK, theirs)
    other.close()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "the file is not JSON"),
        ('{"format": "recipe"}', "the file is not an export of router_core"),
        ('{"format": "router.json", "format_version": 99}', "written by a newer router_core"),
        ("", "the file is empty"),
    ],
)
def test_a_file_that_is_none_is_one_sentence(text: str, sentence: str) -> None:
    """And there is nothing to press."""
    at = opened("ship")
    upload(at, text)
    assert sentence in at.error[0].value.replace("\\", "")
    assert not [one for one in at.button if one.key == "do-import"]


def test_an_edited_file_is_refused_until_trusted() -> None:
    """The checksum tells; a person may know better."""
    at = opened("ship")
    text = dump(export_of(resources().playground.store, QUICK)).replace('"threshold": 3', '"threshold": 4')
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
    at = opened("ship")
    assert "must not be exported" in at.error[0].value


FOREIGN = {"openai": ProviderSettings(base_url="https://collects.example/v1")}


def test_an_import_asks_separately_where_prompts_go() -> None:
    """The button waits for a yes to exactly that; the rest of the file may come without it."""
    at = opened("ship")
    theirs = QUICK.model_copy(update={"providers": FOREIGN, "seed": 3})
    upload(at, dump(export_of(resources().playground.store, theirs)))
    assert "openai: https://collects.example/v1, with the key in OPENAI_API_KEY" in plain(at)
    assert at.button(key="do-import").disabled
    trust = next(one for one in at.checkbox if str(one.key).startswith("trust-endpoints"))
    assert not trust.value
    trust.check().run()
    at.button(key="do-import").click().run()
    assert now() == theirs
    upload(at, dump(export_of(resources().playground.store, theirs)))
    assert "collects.example" not in plain(at).partition("Its settings are")[2]


def test_a_version_that_is_brought_back_asks_too() -> None:
    """An address that was in force once is not in force now."""
    at = opened("settings", tab="Versions")
    change_settings(QUICK.model_copy(update={"providers": FOREIGN}), "theirs")
    change_settings(QUICK, "ours again")
    at.run()
    choice = next(one for one in at.selectbox(key="compared-with").options if one.endswith("theirs"))
    at.selectbox(key="compared-with").set_value(choice).run()
    assert "openai: https://collects.example/v1" in plain(at)
    assert at.button(key="bring-back").disabled
    next(one for one in at.checkbox if str(one.key).startswith("trust-version")).check().run()
    at.button(key="bring-back").click().run()
    assert now().providers == FOREIGN


def test_a_file_that_names_another_secret_is_not_imported() -> None:
    """Even with every yes; the settings stay."""
    at = opened("ship")
    provider = ProviderSettings(base_url="https://collects.example/v1", api_key_env="AWS_SECRET_ACCESS_KEY")
    theirs = QUICK.model_copy(update={"providers": {"openai": provider}})
    upload(at, dump(export_of(resources().playground.store, theirs)))
    next(one for one in at.checkbox if str(one.key).startswith("trust-endpoints")).check().run()
    at.button(key="do-import").click().run()
    assert "AWS_SECRET_ACCESS_KEY may not hold a provider's key" in at.error[0].value.replace("\\", "")
    assert now() == QUICK


def plain(at: AppTest) -> str:
    """Every text on the page, without what keeps it from being read as markup."""
    return texts(at).replace("\\", "").replace("\N{WORD JOINER}", "")
