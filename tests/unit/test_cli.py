"""The shell command: what it does, says, and with which exit code it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from router_core.cli import FORMATS, main
from router_core.settings import HeuristicSettings, Settings
from router_core.store import open_store
from router_core.store.base import Search

COMMANDS = ("export", "import", "demo", "prune", "doctor", "verdict", "replay")


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
    from router_core.transfer import export_of

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
    assert stripped["prompts"] == deleted["prompts"] > 0
    store = open_store(place, kind="simulated")
    assert store.count(Search()) == 500 - deleted["prompts"]
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


def test_doctor_names_what_is_wrong(tmp_path: Path) -> None:
    """A missing key is named with its remedy, its value never; the exit code says so."""
    said = CliRunner().invoke(main, ["--store", str(tmp_path / "live.duckdb"), "doctor"])
    assert said.exit_code == 1
    assert "WRONG key of openai: OPENAI_API_KEY is not set: export OPENAI_API_KEY=..." in said.output
    folder = CliRunner().invoke(main, ["--store", str(tmp_path), "doctor"])
    assert (folder.exit_code, "WRONG store" in folder.output) == (1, True)


def test_keys_are_never_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by doctor nor in any export."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-never-shown-0123456789")
    place = str(tmp_path / "live.duckdb")
    said = CliRunner().invoke(main, ["--store", place, "doctor"]).output
    for kind in FORMATS:
        file = tmp_path / f"out.{kind}"
        CliRunner().invoke(main, ["--store", place, "export", str(file), "-f", kind])
        assert b"sk-never-shown" not in file.read_bytes()
    assert "OPENAI_API_KEY is set" in said
    assert "sk-never-shown" not in said


def test_as_a_module() -> None:
    """``python -m router_core`` is the same command."""
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "router_core", "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "router-core" in done.stdout
