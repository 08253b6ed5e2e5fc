"""The shell command: what it does, says, and with which exit code it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from router_core.evaluation.by_file.teaching import teach
from router_core.evaluation.files.reading import read_labelled
from router_core.settings import GoalSettings, HeuristicSettings, PrivacySettings, ProviderSettings, Settings
from router_core.shell.main import FORMATS, main
from router_core.store import open_store
from router_core.store.base import Search, SettingsVersion
from tests.scored import with_words
from tests.servers import ChatServer, chat_server

ROOT = Path(__file__).parents[2]

COMMANDS = ("export", "import", "demo", "prune", "doctor", "verdict", "replay", "learn")


@pytest.fixture
def place(tmp_path: Path) -> str:
    """A store with some simulated traffic."""
    place = str(tmp_path / "cli.duckdb")
    assert run(place, "demo", "-n", "500").exit_code == 0
    return place


def run(place: str, *words: str, **more: Any) -> Result:
    """One command on the simulated store."""
    return CliRunner().invoke(main, ["--store", place, "--simulated", *words], **more)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches(command: str) -> None:
    """Every command explains itself, and the group shows each in use."""
    said = CliRunner().invoke(main, [command, "--help"])
    assert said.exit_code == 0
    assert len(said.output) > 200
    assert f"router-core {command}" in CliRunner().invoke(main, ["--help"]).output.replace("--simulated ", "")


def test_demo_fills_the_simulated_store(place: str) -> None:
    """As many requests as asked for; in JSON where asked."""
    said = run(place, "demo", "-n", "100", "--json")
    assert json.loads(said.output)["requests"] == 100
    store = open_store(place, kind="simulated")
    assert store.count(Search()) == 600
    store.close()


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_written(place: str, tmp_path: Path, kind: str) -> None:
    """A file that is not empty."""
    file = tmp_path / f"out.{kind}"
    said = run(place, "export", str(file), "--format", kind, "--json")
    assert said.exit_code == 0, said.output
    assert json.loads(said.output) == {"file": str(file), "format": kind, "bytes": file.stat().st_size}
    assert file.stat().st_size > 100


def test_format_from_the_name(place: str, tmp_path: Path) -> None:
    """Known endings need no option; others are asked for."""
    assert run(place, "export", str(tmp_path / "router.json")).exit_code == 0
    assert json.loads((tmp_path / "router.json").read_text())["format"] == "router.json"
    unknown = run(place, "export", str(tmp_path / "router.txt"))
    assert (unknown.exit_code, "--format" in unknown.output) == (2, True)


def test_export_wipe_import(place: str, tmp_path: Path) -> None:
    """Everything learned is in the new store, the settings too; a second import changes no setting."""
    file = str(tmp_path / "router.json")
    store = open_store(place, kind="simulated")
    rule = Settings().goal("default").teaching_rule()
    before = store.evidence("default", rule)
    store.close()
    run(place, "export", file)
    fresh = str(tmp_path / "fresh.duckdb")
    refused = run(fresh, "import", file, input="n\n")
    assert refused.exit_code == 1
    done = run(fresh, "import", file, "--yes", "--json")
    assert json.loads(done.output)["outcomes"] == sum(one.count for one in before.values())
    store = open_store(fresh, kind="simulated")
    assert store.evidence("default", rule) == before
    store.close()


def test_import_shows_and_saves_settings(place: str, tmp_path: Path) -> None:
    """Each change is named, and the version is in force afterwards."""
    from router_core.exports import dump
    from router_core.exports.transfer import export_of

    wanted = Settings(heuristic=HeuristicSettings(threshold=4))
    file = tmp_path / "router.json"
    store = open_store(place, kind="simulated")
    file.write_text(dump(export_of(store, wanted)))
    store.close()
    said = run(place, "import", str(file), input="y\n")
    assert "heuristic.threshold: 3 -> 4" in said.output
    store = open_store(place, kind="simulated")
    saved = store.current_settings()
    assert saved is not None
    assert Settings.from_document(saved.document) == wanted
    store.close()


def foreign_file(place: str, tmp_path: Path, **provider: Any) -> str:
    """A router.json whose provider is somebody else's."""
    from router_core.exports import dump
    from router_core.exports.transfer import export_of

    providers = {"openai": ProviderSettings(**{"base_url": "https://collects.example/v1", **provider})}
    store = open_store(place, kind="simulated")
    file = tmp_path / "foreign.json"
    file.write_text(dump(export_of(store, Settings(providers=providers))))
    store.close()
    return str(file)


def saved_version(place: str) -> str | None:
    """The settings that were saved last in a store."""
    store = open_store(place, kind="simulated")
    saved = store.current_settings()
    store.close()
    return None if saved is None else saved.document


def test_import_asks_separately_where_prompts_go(place: str, tmp_path: Path) -> None:
    """A yes to the import is none to a new address, and --yes is none either; --allow-endpoints is."""
    file = foreign_file(place, tmp_path)
    line = "new address or key variable: openai: https://collects.example/v1, with the key in OPENAI_API_KEY"
    said = run(place, "import", file, input="n\n")
    assert (said.exit_code, line in said.output, "Import?" in said.output) == (1, True, False)
    for words in (("--yes",), ("--yes", "--json")):
        refused = run(place, "import", file, *words)
        assert (refused.exit_code, "add --allow-endpoints" in refused.stderr) == (1, True)
    assert saved_version(place) is None
    assert run(place, "import", file, "--no-settings", "--yes").exit_code == 0
    assert saved_version(place) is None
    done = run(place, "import", file, input="y\ny\n")
    assert (done.exit_code, "collects.example" in (saved_version(place) or "")) == (0, True)
    assert run(place, "import", file, "--yes").exit_code == 0


def test_import_with_the_word_for_it(place: str, tmp_path: Path) -> None:
    """Nothing is asked."""
    done = run(place, "import", foreign_file(place, tmp_path), "--yes", "--allow-endpoints")
    assert (done.exit_code, "collects.example" in (saved_version(place) or "")) == (0, True)


def test_import_refuses_another_secret_for_a_key(place: str, tmp_path: Path) -> None:
    """Whatever was agreed to."""
    file = foreign_file(place, tmp_path, api_key_env="AWS_SECRET_ACCESS_KEY")
    said = run(place, "import", file, "--yes", "--allow-endpoints")
    assert (said.exit_code, "AWS_SECRET_ACCESS_KEY may not hold" in said.stderr) == (1, True)
    assert saved_version(place) is None


def test_doctor_says_which_variable_may_not_hold_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not how long it is."""
    file = tmp_path / "settings.json"
    provider = ProviderSettings(base_url="http://127.0.0.1:9/v1", api_key_env="GITHUB_TOKEN")
    file.write_text(Settings(providers={"openai": provider}).document())
    monkeypatch.setenv("ROUTER_SETTINGS", str(file))
    monkeypatch.setenv("GITHUB_TOKEN", "x" * 41)
    said = live("--store", str(tmp_path / "live.duckdb"), "doctor", "--offline")
    assert "WRONG key of openai: GITHUB_TOKEN may not hold a provider's key" in said.output
    assert "41" not in said.output.partition("key of openai")[2].splitlines()[0]


def test_an_import_is_the_way_out_of_settings_that_cannot_be_used(place: str, tmp_path: Path) -> None:
    """Saved by other code: every command says so, and import replaces them."""
    from router_core.exports import dump
    from router_core.exports.transfer import export_of

    store = open_store(place, kind="simulated")
    file = tmp_path / "router.json"
    file.write_text(dump(export_of(store, Settings(heuristic=HeuristicSettings(threshold=4)))))
    store.save_settings(SettingsVersion("v", datetime.now(UTC), "ada", "", '{"of_the_future": 1}'))
    store.close()
    refused = run(place, "export", "-", "-f", "json")
    assert refused.exit_code == 1
    assert "the settings that ada saved" in refused.output
    assert "of_the_future is not a setting" in refused.output
    assert "router-core import router.json" in refused.output
    assert "WRONG settings" in run(place, "doctor").output
    assert run(place, "import", str(file), "--yes").exit_code == 0
    assert run(place, "doctor").exit_code == 0


def test_a_broken_file_is_one_sentence(place: str, tmp_path: Path) -> None:
    """Exit code 1, no traceback."""
    (tmp_path / "x.json").write_text("{")
    said = run(place, "import", str(tmp_path / "x.json"), "--yes")
    assert said.exit_code == 1
    assert said.output.startswith("router-core: ")
    assert "Traceback" not in said.output


def test_prune_asks_and_deletes(place: str) -> None:
    """Only what is older; not without a yes."""
    assert run(place, "prune", "--days", "7", input="n\n").exit_code == 1
    stripped = json.loads(run(place, "prune", "--days", "7", "--strip", "--yes", "--json").output)
    deleted = json.loads(run(place, "prune", "--days", "7", "--yes", "--json").output)
    assert stripped["requests"] == deleted["requests"] > 0
    store = open_store(place, kind="simulated")
    assert store.count(Search()) == 500 - deleted["requests"]
    store.close()


def test_doctor_finds_nothing_wrong(place: str) -> None:
    """With simulated models everything can be checked, calls included."""
    said = run(place, "doctor", "--json", "--call")
    checks = [json.loads(line) for line in said.output.splitlines()]
    assert said.exit_code == 0, said.output
    assert {
        "versions",
        "store",
        "settings",
        "learning of default",
        "price of openai/gpt-4o",
        "call of openai/gpt-4o",
    } <= {one["check"] for one in checks}
    assert all(one["fine"] for one in checks)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    """A provider on this machine in place of the real one, named in ROUTER_SETTINGS."""
    with chat_server() as running:
        provider = ProviderSettings(base_url=running.base_url)
        file = tmp_path / "settings.json"
        file.write_text(Settings(providers={"openai": provider}).document())
        monkeypatch.setenv("ROUTER_SETTINGS", str(file))
        yield running


def live(*words: str) -> Result:
    """One command on the live store."""
    return CliRunner().invoke(main, [*words])


def test_doctor_names_what_is_wrong(server: ChatServer, tmp_path: Path) -> None:
    """A missing key is named with its remedy; the exit code says so. A store that is not there is not made."""
    place = tmp_path / "live.duckdb"
    said = live("--store", str(place), "doctor")
    assert said.exit_code == 1
    assert "WRONG key of openai: OPENAI_API_KEY is not set: export OPENAI_API_KEY=..." in said.output
    assert f"ok    store: {place} is not there yet" in said.output
    assert f"ok    reach of openai: {server.base_url} answers" in said.output
    assert server.requests == []
    assert not place.exists()
    folder = live("--store", str(tmp_path), "doctor")
    assert (folder.exit_code, "WRONG store" in folder.output) == (1, True)


def test_doctor_finds_a_provider_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason; nobody is asked when told so."""
    file = tmp_path / "settings.json"
    nowhere = ProviderSettings(base_url="http://127.0.0.1:9/v1", api_key_env=None)
    file.write_text(Settings(providers={"openai": nowhere}).document())
    monkeypatch.setenv("ROUTER_SETTINGS", str(file))
    place = str(tmp_path / "live.duckdb")
    said = live("--store", place, "doctor")
    assert "WRONG reach of openai: http://127.0.0.1:9/v1 cannot be reached (ConnectError" in said.output
    quiet = live("--store", place, "doctor", "--offline")
    assert (quiet.exit_code, "reach of" in quiet.output) == (0, False)


def test_settings_that_cannot_be_read_are_a_finding(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Doctor says so and what to do; other commands end with the same sentence."""
    monkeypatch.setenv("ROUTER_SETTINGS", "no-such-file.json")
    said = run(place, "doctor", "--json")
    assert said.exit_code == 1
    found = {one["check"]: one for one in map(json.loads, said.output.splitlines())}
    assert (found["store"]["fine"], found["settings"]["fine"]) == (True, False)
    assert "no-such-file.json (ROUTER_SETTINGS) cannot be read" in found["settings"]["found"]
    export = run(place, "export", "-", "-f", "json")
    assert (export.exit_code, export.stderr.count("correct the path or unset it")) == (1, 1)


def test_doctor_finds_what_is_too_old_or_missing(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against what the project says it needs; an extra that is not installed is not asked for."""
    needed = [
        "duckdb>=99.0",
        "streamlit[performance]>=1.0",
        "no-such-package>=1",
        'ruff>=1; extra == "dev"',
        'altair>=98.0; extra == "app"',
        'not-asked-for>=1; extra == "app"',
    ]
    monkeypatch.setattr("router_core.shell.doctor.requires", lambda name: needed)
    said = run(place, "doctor")
    assert said.exit_code == 1
    assert "99.0 or newer is needed; no-such-package is missing; altair is " in said.output
    assert "98.0 or newer is needed: run make test" in said.output
    assert not {"ruff", "not-asked-for"} & set(said.output.split())


def test_doctor_finds_what_should_have_expired(place: str, tmp_path: Path) -> None:
    """With the command that removes it; which then removes it, as the settings say."""
    privacy = PrivacySettings(expire_after_days=7, expire="requests")
    store = open_store(place, kind="simulated")
    store.save_settings(SettingsVersion("v", datetime.now(UTC), "me", "", Settings(privacy=privacy).document()))
    store.close()
    said = run(place, "doctor")
    assert (said.exit_code, "WRONG privacy: requests expire after 7 days" in said.output) == (1, True)
    assert json.loads(run(place, "prune", "--yes", "--json").output)["requests"] > 100
    assert "ok    privacy: requests expire after 7 days; 0 are older" in run(place, "doctor").output


def test_prune_needs_to_know_which(place: str) -> None:
    """Nothing expires by default: the days must be given."""
    said = run(place, "prune", "--yes")
    assert (said.exit_code, "say which with --days N" in said.output) == (2, True)
    assert run(place, "prune", "--days", "-1", "--yes").exit_code == 2


def test_keys_are_never_printed(server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by doctor nor in any export."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-never-shown-0123456789")
    place = str(tmp_path / "live.duckdb")
    open_store(place).close()
    said = live("--store", place, "doctor", "--call").output
    for kind in FORMATS:
        file = tmp_path / f"out.{kind}"
        live("--store", place, "export", str(file), "-f", kind)
        assert b"sk-never-shown" not in file.read_bytes()
    assert "OPENAI_API_KEY is set" in said
    assert "ok    call of openai/gpt-4o: answered in" in said
    assert "sk-never-shown" not in said


def test_learning_alone_goes_in_and_out(place: str, tmp_path: Path) -> None:
    """From a file of its own, from a whole router without its settings; a second time it changes nothing."""
    rule = Settings().goal("default").teaching_rule()
    for name, words in (("evidence.json", ("-f", "evidence")), ("router.yaml", ())):
        file, fresh = str(tmp_path / name), str(tmp_path / f"{name}.duckdb")
        run(place, "export", file, *words)
        said = run(fresh, "import", file, "--no-settings", input="y\n")
        assert said.exit_code == 0, said.output
        assert "default, openai/gpt-4o: 0 of 0 good -> " in said.output
        assert "would change nothing" in run(fresh, "import", file, "--yes").output
        stores = [open_store(one, kind="simulated") for one in (place, fresh)]
        here, there = (store.evidence("default", rule) for store in stores)
        assert here == there
        assert stores[1].settings_versions() == []
        for store in stores:
            store.close()


def test_what_the_contextual_router_alone_learned_goes_in_and_out(place: str, tmp_path: Path) -> None:
    """A gain score taught from a file, without a rating: it is told and taken over; a second time nothing is."""
    file, taught, fresh = (str(tmp_path / name) for name in ("router.json", "taught.duckdb", "fresh.duckdb"))
    store = open_store(taught, kind="simulated")
    teach(store, "default", GoalSettings(), read_labelled(with_words(200), name="scored.csv"), datetime.now(UTC))
    version = store.gain_version("default")
    store.close()
    run(taught, "export", file)
    said = run(fresh, "import", file, input="y\n")
    assert "default, contextual: 0 ratings -> 0 ratings, the words of 200 prompts" in said.output
    store = open_store(fresh, kind="simulated")
    assert store.gain_version("default") == version
    store.close()
    assert "would change nothing" in run(fresh, "import", file, "--yes").output
    again = str(tmp_path / "again.json")
    run(place, "export", again)
    assert "would change nothing" in run(place, "import", again, "--yes").output
    assert "default, contextual: 0 ratings, the words of 200 prompts -> " in run(fresh, "import", again).output


def test_the_whole_log_is_written(place: str, tmp_path: Path) -> None:
    """Every request, however many; a row per decision."""
    import pandas as pd

    file = tmp_path / "log.parquet"
    said = run(place, "export", str(file))
    assert said.exit_code == 0, said.output
    table = pd.read_parquet(file)
    assert table["prompt_id"].nunique() == 500
    assert table["thumb"].notna().sum() > 50


def test_no_empty_store_is_made_to_be_exported(place: str, tmp_path: Path) -> None:
    """Whoever forgot --simulated is told so."""
    for words in (("export", str(tmp_path / "router.json")), ("prune", "--days", "1", "--yes")):
        said = live("--store", place, *words)
        assert said.exit_code == 1
        assert "there is no store" in said.output
        assert "simulated traffic is there: add --simulated" in said.output
        assert "name its file with --store" in live("--store", str(tmp_path / "x.duckdb"), *words).output
    assert not Path(place).exists()


def test_a_failed_export_leaves_the_old_file(place: str, tmp_path: Path) -> None:
    """And nothing half-written beside it."""
    file = tmp_path / "router.py"
    file.write_text("old")
    said = run(place, "export", str(file), "--goal", "nobody")
    assert (said.exit_code, "goal 'nobody' is not set up" in said.output) == (1, True)
    assert file.read_text() == "old"
    missing = run(place, "export", str(tmp_path / "none" / "router.json"))
    assert (missing.exit_code, "cannot be written" in missing.output) == (1, True)
    assert [one.name for one in tmp_path.iterdir() if one.suffix == ".part"] == []


@pytest.mark.parametrize(
    "words",
    [
        ("export",),
        ("export", "x.json", "-f", "xml"),
        ("import", "no-such-file.json"),
        ("demo", "-n", "0"),
        ("demo", "--days", "0"),
        ("prune", "--days", "many"),
        ("import", __file__, "--json"),
        ("frobnicate",),
    ],
)
def test_wrong_usage(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Exit code 2, how it is used, and no store is made."""
    place = str(tmp_path / "none.duckdb")
    said = run(place, *words)
    assert (said.exit_code, "Usage: " in said.output) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_goal_is_one_sentence(place: str) -> None:
    """Not of the usage: goals are settings."""
    said = run(place, "demo", "--goal", "nobody", "-n", "10")
    assert (said.exit_code, "router-core: goal 'nobody' is not set up" in said.output) == (1, True)


def shell(*words: str, **more: Any) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "router_core", *words]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **more}
    )


def test_a_store_in_use_is_one_sentence(place: str) -> None:
    """Which process holds it, and what to do."""
    held = open_store(place, kind="simulated")
    process = shell("--store", place, "--simulated", "export", "-", "-f", "json")
    out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert said.startswith("router-core: the store ")
    assert f"is in use by process {os.getpid()}" in said
    assert said.count("\n") == 1
    held.close()


def test_a_closed_pipe_is_no_crash(place: str) -> None:
    """As with ``| head -1``: whoever reads has seen enough. The log is larger than what a pipe holds."""
    assert run(place, "demo", "-n", "4000").exit_code == 0
    process = shell("--store", place, "--simulated", "export", "-", "-f", "jsonl")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith("{")
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) != 0
    assert "Traceback" not in said
    assert said == ""


def test_version() -> None:
    """That of the library."""
    assert live("--version").output.startswith("router-core, version ")


def test_as_a_module() -> None:
    """``python -m router_core`` is the same command."""
    process = shell("--help")
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, "router-core" in out) == (0, True)


def test_a_row_per_answer_and_raw_cells(place: str, tmp_path: Path) -> None:
    """The options reach the file; costs of answers add up in it."""
    import pandas as pd

    file = tmp_path / "log.csv"
    assert run(place, "export", str(file), "--per", "answer", "--raw").exit_code == 0
    table = pd.read_csv(file)
    assert table["completion_id"].dropna().is_unique
    assert "routers" in table
