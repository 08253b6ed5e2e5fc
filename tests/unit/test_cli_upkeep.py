"""Keeping a store well from the shell: backup and restoring it, repair, doctor, who may read exports."""

from __future__ import annotations

import json
import shutil
import stat
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from router_core.shell.main import main
from router_core.store import open_store
from router_core.store.base import Search
from tests.store_files import CHECKPOINTED, PROMPTS, copy_files, fill, held, log_of
from tests.store_rows import a_request


def shell(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def doctor(path: Path, *words: str) -> str:
    """What doctor says of a store, without asking the network."""
    return shell("--store", str(path), "doctor", "--offline", *words).output


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a killed process."""
    path = tmp_path_factory.mktemp("killed") / "router.duckdb"
    fill(path)
    return path


@pytest.fixture
def path(killed: Path, tmp_path: Path) -> Path:
    """A copy of these files."""
    return copy_files(killed, tmp_path / "data")


def test_a_backup_and_restoring_it(path: Path, tmp_path: Path) -> None:
    """As the help says: the files of the store out of the way, the backup in its place."""
    said = shell("--store", str(path), "backup", str(tmp_path / "copy"), "--json")
    assert said.exit_code == 0, said.output
    told = json.loads(said.output)
    assert (told["rows"]["prompt"], told["change"]) == (PROMPTS, PROMPTS + 1)
    for file in path.parent.iterdir():
        file.rename(tmp_path / f"old.{file.name}")
    shutil.copy2(tmp_path / "copy", path)
    with closing(open_store(path)) as store:
        assert store.count(Search()) == PROMPTS
    again = shell("--store", str(path), "backup", str(tmp_path / "copy"))
    assert again.exit_code == 1
    assert "is already there; a backup never replaces a file" in again.output


def test_a_backup_beside_the_app(tmp_path: Path) -> None:
    """Everything else says who holds the store, and can wait."""
    place = tmp_path / "data" / "router.duckdb"
    with held(place) as child:
        said = shell("backup", str(tmp_path / "copy"), "--store", str(place))
        assert said.exit_code == 0, said.output
        assert f"{PROMPTS} prompts, {PROMPTS} outcomes, up to change {PROMPTS + 1}" in said.output
        refused = shell("export", str(tmp_path / "log.csv"), "--store", str(place), "--wait", "0.2")
        assert refused.exit_code == 1
        assert f"in use by process {child.pid}" in refused.output
        assert "(waited 0.2 s)" in refused.output
        assert child.stdin is not None
        child.stdin.close()


def test_no_store_to_back_up(tmp_path: Path) -> None:
    """Named, and not made."""
    said = shell("--store", str(tmp_path / "router.duckdb"), "backup", str(tmp_path / "copy"))
    assert said.exit_code == 1
    assert "There is no store" in said.output
    assert list(tmp_path.iterdir()) == []


def test_doctor_tells_and_repairs(path: Path) -> None:
    """Wrong until it is repaired; from then on what is missing is still named."""
    log_of(path).unlink()
    missing = PROMPTS - CHECKPOINTED
    assert f"WRONG store: The store {path} lacks its last {missing} changes" in doctor(path)
    repaired = doctor(path, "--repair")
    assert "WRONG store" not in repaired
    assert f"ok    changes: number {PROMPTS + 1} is the last" in repaired
    assert f"known to be missing: {missing} (numbers {CHECKPOINTED + 2} to {PROMPTS + 1})" in repaired
    assert "There was nothing to repair." in doctor(path, "--repair")


def test_doctor_on_a_whole_store(path: Path) -> None:
    """The last change, with its time, and that none is missing."""
    assert f"ok    changes: number {PROMPTS + 1} is the last (20" in doctor(path)
    assert "none is missing" in doctor(path)


def test_doctor_on_a_store_that_others_may_read(path: Path) -> None:
    """With the command that ends it."""
    path.chmod(0o644)
    assert f"others on this machine may read it: chmod 600 {path}" in doctor(path)
    path.chmod(0o600)
    assert "others on this machine" not in doctor(path)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_exports_with_texts_are_private(path: Path, tmp_path: Path, kind: str) -> None:
    """Also where the file that they replace was not."""
    file = tmp_path / f"log.{kind}"
    file.write_text("of before")
    file.chmod(0o644)
    assert shell("--store", str(path), "export", str(file)).exit_code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.stat().st_size > 1_000


def test_a_read_only_store_is_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its log, its settings and its backup; standard error says why nothing else is done."""
    place = tmp_path / "data" / "router.duckdb"
    with closing(open_store(place)) as store:
        a_request(store)
    monkeypatch.setattr("router_core.store.duckdb.opening.os.access", lambda file, mode: False)
    for name in ("log.jsonl", "router.json"):
        said = shell("--store", str(place), "export", str(tmp_path / name))
        assert said.exit_code == 0, said.output
        assert f"The store {place} can only be read." in said.stderr
        assert (tmp_path / name).stat().st_size > 0
    assert shell("--store", str(place), "backup", str(tmp_path / "copy")).exit_code == 0
    assert "live, for reading only: 1 prompts" in doctor(place)
    refused = shell("--store", str(place), "prune", "--days", "1", "--yes")
    assert refused.exit_code == 1
    assert "cannot be written" in refused.output
    assert [file.name for file in place.parent.iterdir()] == [place.name]
