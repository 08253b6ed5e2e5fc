"""A part of a store's files is lost, cut or exchanged: it is said, and what can be read is kept."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from router_core.errors import StoreDamagedError, StoreError, StoreIncompleteError
from router_core.store import open_store, repair_store
from router_core.store.base import Batch, Search
from router_core.store.duckdb.schema import MIGRATIONS
from tests.store_files import CHECKPOINTED, PROMPTS, copy_files, fill, held, log_of
from tests.store_rows import a_decision, a_prompt, a_request


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a killed process; copied before they are harmed."""
    path = tmp_path_factory.mktemp("killed") / "router.duckdb"
    fill(path)
    return path


@pytest.fixture
def path(killed: Path, tmp_path: Path) -> Path:
    """A copy of these files."""
    return copy_files(killed, tmp_path / "data")


def _missing(path: Path) -> None:
    log_of(path).unlink()


def _empty(path: Path) -> None:
    log_of(path).write_bytes(b"")


def _random(path: Path) -> None:
    log_of(path).write_bytes(os.urandom(20_000))


def _zeros(path: Path) -> None:
    log_of(path).write_bytes(bytes(20_000))


def _beginning(path: Path) -> None:
    log_of(path).write_bytes(log_of(path).read_bytes()[:7])


def _half(path: Path) -> None:
    log_of(path).write_bytes(log_of(path).read_bytes()[: log_of(path).stat().st_size // 2])


def _flipped(path: Path) -> None:
    content = bytearray(log_of(path).read_bytes())
    content[len(content) // 2] ^= 0xFF
    log_of(path).write_bytes(content)


def _foreign(path: Path) -> None:
    other = path.parent / "elsewhere" / "other.duckdb"
    fill(other)
    shutil.copyfile(log_of(other), log_of(path))


INCOMPLETE = [_missing, _empty, _random, _zeros, _beginning, _half]
DAMAGED = [_flipped, _foreign]


def _contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def test_whole_after_a_kill(path: Path) -> None:
    """With its log nothing is missing; once closed the store is one file, and that file alone is whole."""
    with closing(open_store(path)) as store:
        assert store.count(Search()) == PROMPTS
        assert store.missing_changes == ()
        last = store.last_change
        assert last.number == PROMPTS + 1  # making the tables was the first
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    moved = path.rename(path.with_name("moved.duckdb"))
    with closing(open_store(moved)) as store:
        assert (store.count(Search()), store.last_change) == (PROMPTS, last)


@pytest.mark.parametrize("harm", INCOMPLETE)
def test_a_log_that_does_not_belong(path: Path, harm: Callable[[Path], None]) -> None:
    """Refused with how many changes are missing and since when; no byte is changed by looking."""
    harm(path)
    before = _contents(path.parent)
    most = PROMPTS - CHECKPOINTED
    with pytest.raises(StoreIncompleteError, match=r"lacks its last (\d+) changes .* after 20\d\d-.* UTC") as told:
        open_store(path)
    count = int(str(told.value).split("lacks its last ")[1].split()[0])
    assert 1 <= count < most if harm is _half else count == most
    assert "router-core doctor --repair" in str(told.value)
    assert _contents(path.parent) == before


@pytest.mark.parametrize("harm", INCOMPLETE)
def test_put_back(path: Path, killed: Path, harm: Callable[[Path], None]) -> None:
    """The right log put back: nothing is missing, and nothing was lost by having tried."""
    harm(path)
    with pytest.raises(StoreIncompleteError):
        open_store(path)
    shutil.copyfile(log_of(killed), log_of(path))
    with closing(open_store(path)) as store:
        assert store.count(Search()) == PROMPTS


@pytest.mark.parametrize("harm", DAMAGED)
def test_a_damaged_log(path: Path, harm: Callable[[Path], None]) -> None:
    """Not told as a damaged store: what was checkpointed is whole, and what to move is named."""
    harm(path)
    before = _contents(path.parent)
    with pytest.raises(
        StoreDamagedError,
        match=rf"log .*wal is damaged .* itself is whole: it has every change up to number {CHECKPOINTED + 1} .*"
        rf"; {PROMPTS - CHECKPOINTED} later changes are in the log",
    ):
        open_store(path)
    assert _contents(path.parent) == before


@pytest.mark.parametrize("harm", [*INCOMPLETE, *DAMAGED])
def test_repaired(path: Path, harm: Callable[[Path], None]) -> None:
    """The store opens, keeps what could be read, remembers what is missing, and numbers go on after the gap."""
    harm(path)
    log = log_of(path).read_bytes() if log_of(path).exists() else b""
    assert repair_store(path)
    with closing(open_store(path)) as store:
        found = store.count(Search())
        assert CHECKPOINTED < found < PROMPTS if harm in (_half, _flipped) else found == CHECKPOINTED
        (gap,) = store.missing_changes
        assert (gap.first, gap.last) == (found + 2, PROMPTS + 1)
        assert gap.since is not None
        assert gap.since <= gap.noticed_at
        a_request(store, 30)
        assert store.last_change.number > PROMPTS + 1
    kept = [file.read_bytes() for file in path.parent.glob(f"{path.name}.wal.*-20*Z")]
    assert kept == ([log] if log else [])
    assert repair_store(path) == []
    with closing(open_store(path)) as store:
        assert len(store.missing_changes) == 1


def test_the_file_copied_alone(path: Path, tmp_path: Path) -> None:
    """As people copy a store in use: the copy says that what came later is missing."""
    alone = tmp_path / "copy.duckdb"
    shutil.copyfile(path, alone)
    with pytest.raises(
        StoreIncompleteError, match=r"in use when this file was copied .* after 20.* \(change 11\)"
    ):
        open_store(alone)
    repair_store(alone)
    with closing(open_store(alone)) as store:
        assert store.count(Search()) == CHECKPOINTED
        assert [(gap.first, gap.last) for gap in store.missing_changes] == [(CHECKPOINTED + 2, None)]


def test_an_older_copy_in_its_place(path: Path, tmp_path: Path) -> None:
    """A file from before, put under the files that lie beside it."""
    older = tmp_path / "older.duckdb"
    shutil.copyfile(path, older)
    repair_store(older)
    log_of(path).unlink()
    shutil.copyfile(older, path)
    with pytest.raises(StoreIncompleteError, match="lacks its last 10 changes"):
        open_store(path)


@pytest.mark.parametrize("said", [b"", b"{", b'{"store": 3}', os.urandom(160)])
def test_a_number_that_cannot_be_read(path: Path, said: bytes) -> None:
    """The small file beside the store harmed: the store opens with its log as it would without that file."""
    path.with_name(f"{path.name}.last-change").write_bytes(said)
    with closing(open_store(path)) as store:
        assert store.count(Search()) == PROMPTS


def test_a_damaged_store_is_not_repaired(path: Path) -> None:
    """Where the file itself is damaged nothing is touched."""
    path.write_bytes(path.read_bytes()[:10_000])
    before = _contents(path.parent)
    with pytest.raises(StoreDamagedError, match=r"Restore a backup|restore it from a copy"):
        repair_store(path)
    assert _contents(path.parent) == before


def test_every_change_has_a_number(tmp_path: Path) -> None:
    """Whatever changes the store counts by one; what changes nothing visible may count too, but never less."""
    with closing(open_store(tmp_path / "router.duckdb")) as store:
        seen = [store.last_change.number]
        for change in (
            lambda: store.write(Batch([a_prompt(1)], [a_decision(1)])),
            lambda: store.strip(Search()),
            lambda: store.erase(Search()),
        ):
            change()
            seen.append(store.last_change.number)
        assert seen == [1, 2, 3, 4]
        assert store.missing_changes == ()


def test_a_file_of_code_that_did_not_number(tmp_path: Path) -> None:
    """An old file opens, and its changes are numbered from then on."""
    path = tmp_path / "router.duckdb"
    with closing(open_store(path)) as store:
        a_request(store)
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP TABLE change")
        connection.execute("DROP TABLE missing_change")
        connection.execute("DELETE FROM meta WHERE key = 'id'")
        before = next(at for at, one in enumerate(MIGRATIONS) if "CREATE TABLE change" in one)
        connection.execute("DROP INDEX IF EXISTS completion_by_prompt; DROP INDEX outcome_by_completion")
        for table, column in re.findall(r"ALTER TABLE (\w+) ADD COLUMN (\w+)", "".join(MIGRATIONS[before:])):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.execute("CREATE INDEX outcome_by_completion ON outcome (completion_id)")
        connection.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", [str(before)])
    with closing(open_store(path)) as store:
        assert store.last_change.number == 1
        assert store.recent_prompts(1) == [a_prompt()]
        store.write(Batch([a_prompt(2)], [a_decision(2)]))
        assert store.last_change.number == 2


def test_repair_leaves_a_store_in_use_alone(tmp_path: Path) -> None:
    """Neither one of this process nor one of another."""
    path = tmp_path / "router.duckdb"
    with closing(open_store(path)), pytest.raises(StoreError, match="open in this process"):
        repair_store(path)
    with held(tmp_path / "other.duckdb") as child:
        with pytest.raises(StoreError, match=f"in use by process {child.pid}"):
            repair_store(tmp_path / "other.duckdb")
        assert child.stdin is not None
        child.stdin.close()
