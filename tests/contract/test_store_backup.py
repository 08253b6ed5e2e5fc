"""A backup is one moment's whole state, checked, private, and never in the place of something."""

from __future__ import annotations

import stat
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from router_core.errors import StoreDamagedError, StoreError
from router_core.store import backup_store, open_store
from router_core.store.base import Batch, Search, Store
from tests.store_files import PROMPTS, fill, held
from tests.store_rows import ALL, a_completion, a_decision, a_prompt, a_request, an_outcome, ident


def test_the_same_store(store: Store, tmp_path: Path) -> None:
    """Rows, evidence and numbers are those of the store; the copy is used like any other."""
    a_request(store)
    store.write(Batch(outcomes=[an_outcome(1, 1)]))
    made = store.backup(tmp_path / "copy.duckdb")
    assert made.path == tmp_path / "copy.duckdb"
    assert (made.rows["prompt"], made.rows["outcome"]) == (1, 1)
    assert made.change == store.last_change
    assert made.size_bytes == made.path.stat().st_size
    with closing(open_store(made.path)) as copy:
        assert copy.comparison(ident(1)) == store.comparison(ident(1))
        assert copy.evidence("default", ALL) == store.evidence("default", ALL) != {}
        copy.write(Batch([a_prompt(2)], [a_decision(2)]))
        assert copy.missing_changes == ()
        assert copy.last_change.number == made.change.number + 1
    assert store.count(Search()) == 1


def test_private_and_alone(store: Store, tmp_path: Path) -> None:
    """Only its owner may read it, and nothing else is left behind."""
    before = {file.name for file in tmp_path.iterdir()}
    made = store.backup(tmp_path / "it's a copy")
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert {file.name for file in tmp_path.iterdir()} == {*before, "it's a copy"}


def test_never_in_the_place_of_something(store: Store, tmp_path: Path) -> None:
    """What is there stays as it is."""
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(StoreError, match=r"notes is already there; a backup never replaces a file"):
        store.backup(tmp_path / "notes")
    assert (tmp_path / "notes").read_text() == "mine"
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match="is already there"):
        store.backup(tmp_path / "folder")


@pytest.mark.parametrize("name", ["nowhere/copy.duckdb", "a\0b"])
def test_a_place_that_is_none(store: Store, tmp_path: Path, name: str) -> None:
    """A sentence, not a traceback."""
    with pytest.raises(StoreError, match="name a file in a folder that is there"):
        store.backup(f"{tmp_path}/{name}")


def test_while_others_write(tmp_path: Path) -> None:
    """Each backup holds whole batches alone, at least those acknowledged before it began."""
    with closing(open_store(tmp_path / "router.duckdb")) as store:
        enough, written = Event(), [0]

        def write() -> None:
            number = 0
            while not enough.is_set():
                number += 1
                store.write(
                    Batch(
                        [a_prompt(number)],
                        [a_decision(number)],
                        [a_completion(number)],
                        [an_outcome(number, number)],
                    )
                )
                written[0] = number

        writer = Thread(target=write)
        writer.start()
        try:
            for turn in range(3):
                before = written[0]
                rows = store.backup(tmp_path / f"{turn}.duckdb").rows
                assert rows["prompt"] == rows["decision"] == rows["completion"] == rows["outcome"] >= before
        finally:
            enough.set()
            writer.join()


def test_of_a_store_that_another_process_uses(tmp_path: Path) -> None:
    """Half of it in the log of the other process, which goes on with it."""
    path = tmp_path / "data" / "router.duckdb"
    with held(path) as child:
        made = backup_store(tmp_path / "copy.duckdb", path)
        assert (made.rows["prompt"], made.change.number) == (PROMPTS, PROMPTS + 1)
        assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
        with pytest.raises(StoreError, match=f"in use by process {child.pid}"):
            open_store(path)  # the other process still has its lock
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(20) == 0
    for place in (path, made.path):
        with closing(open_store(place)) as store:
            assert store.count(Search()) == PROMPTS
    assert {file.name for file in tmp_path.iterdir()} == {"data", "copy.duckdb"}


def test_of_a_store_that_nobody_uses(tmp_path: Path) -> None:
    """Left by a killed process: its log is in the backup, and its own files are not changed."""
    path = tmp_path / "data" / "router.duckdb"
    fill(path)
    before = {file.name: file.read_bytes() for file in path.parent.iterdir() if file.is_file()}
    assert backup_store(tmp_path / "copy.duckdb", path).rows["prompt"] == PROMPTS
    assert {file.name: file.read_bytes() for file in path.parent.iterdir() if file.is_file()} == before


def test_of_a_store_in_this_process(tmp_path: Path) -> None:
    """By its place, too; the store stays open and its own."""
    path = tmp_path / "router.duckdb"
    with closing(open_store(path)) as store:
        a_request(store)
        assert backup_store(tmp_path / "copy.duckdb", path).rows["prompt"] == 1
        a_request(store, 2)


def test_a_copy_with_other_rows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted on both sides: a copy that lacks a row never gets its name."""
    from router_core.store.duckdb import copying

    counts = iter([{"prompt": 1}, {"prompt": 0}])
    with closing(open_store(tmp_path / "router.duckdb")) as store:
        monkeypatch.setattr(copying, "_counts", lambda cursor, database: next(counts))
        with pytest.raises(StoreDamagedError, match=r"has .* rows where the store had"):
            store.backup(tmp_path / "copy.duckdb")
    assert not (tmp_path / "copy.duckdb").exists()
