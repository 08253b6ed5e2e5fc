"""Which store a shell command works on: the options before the command, after it, and the file's own name."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from router_core.shell.main import main


def shell(*words: str) -> Result:
    return CliRunner().invoke(main, words)


@pytest.fixture
def place(tmp_path: Path) -> str:
    """The name of a store beside which simulated traffic lies; ``shell`` finds no other."""
    place = str(tmp_path / "traffic.duckdb")
    assert shell("demo", "--store", place, "-n", "20").exit_code == 0
    return place


@pytest.mark.parametrize(
    "named",
    [
        ("export", "--store", "{place}", "--simulated"),
        ("--store", "{place}", "export", "--simulated"),
        ("--simulated", "export", "--store", "{place}"),
        ("--store", "elsewhere.duckdb", "export", "--store", "{place}", "--simulated"),
        ("export", "--store", "{simulated}"),
        ("--store", "{simulated}", "export"),
        ("export", "--store", "duckdb:///{simulated}"),
    ],
)
def test_named_where_a_person_would(named: tuple[str, ...], place: str, tmp_path: Path) -> None:
    """Before or after the command, the later one goes; a simulated store's own name says what it is."""
    simulated = place.replace(".duckdb", ".simulated.duckdb")
    file = tmp_path / "log.jsonl"
    said = shell(*(word.format(place=place, simulated=simulated) for word in named), str(file))
    assert said.exit_code == 0, said.output
    assert len(file.read_text().splitlines()) >= 20
    assert not Path(place).exists()


def test_of_the_environment(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ROUTER_STORE may name a simulated store, too; an option goes before it."""
    file = tmp_path / "log.csv"
    monkeypatch.setenv("ROUTER_STORE", place.replace(".duckdb", ".simulated.duckdb"))
    assert shell("export", str(file)).exit_code == 0
    said = shell("export", str(file), "--store", str(tmp_path / "other.duckdb"))
    assert said.exit_code == 1
    assert f"there is no store {tmp_path / 'other.duckdb'}" in said.output


def test_simulated_by_the_environment(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As everywhere: any yes in ROUTER_SIMULATED."""
    monkeypatch.setenv("ROUTER_SIMULATED", "true")
    assert shell("export", str(tmp_path / "log.csv"), "--store", place).exit_code == 0
    monkeypatch.setenv("ROUTER_SIMULATED", "0")
    assert "add --simulated" in shell("export", str(tmp_path / "log.csv"), "--store", place).output


@pytest.mark.parametrize("command", ["export", "import", "prune", "doctor", "demo", "learn"])
def test_help_says_so(command: str) -> None:
    """Whoever asks one command for help finds the options there."""
    assert "--store TEXT" in shell(command, "--help").output


@pytest.mark.parametrize("content", [b"\x00\x01garbage", b"prompt,model,score\n"])
def test_a_file_that_cannot_be_read_leaves_no_store(content: bytes, place: str, tmp_path: Path) -> None:
    """Learning from it fails with a sentence; nothing was made beside it."""
    file = tmp_path / "answers.csv"
    file.write_bytes(content)
    new = tmp_path / "new.duckdb"
    said = shell("--store", str(new), "learn", str(file))
    assert said.exit_code == 1
    assert said.output.startswith("router-core: answers.csv")
    assert not new.exists()
