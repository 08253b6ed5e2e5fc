"""What can be wrong with a store's file or disk: each says so in a sentence, and nothing stored is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import duckdb
import pytest

from router_core.errors import (
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreKindError,
    StoreLockedError,
    StoreReadOnlyError,
    StoreTooNewError,
    UnknownRequestError,
)
from router_core.store import open_store
from router_core.store.base import Batch, Search
from router_core.store.duckdb.compaction import noted
from router_core.store.duckdb.faults import store_error
from router_core.store.duckdb.schema import MIGRATIONS
from router_core.store.duckdb.store import DuckDBStore
from router_core.types import Evidence, OutputTokens
from tests.store_rows import ALL, CHEAP, a_completion, a_decision, a_prompt, a_request, an_outcome, ident

_HOLD = """
import sys
from router_core.store import open_store
store = open_store(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
store.close()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store's file with one request in it, closed."""
    file = tmp_path / "router.duckdb"
    store = open_store(file)
    a_request(store)
    store.close()
    return file


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckDBStore]:
    """An open store with one request in it and its evidence in memory."""
    opened = DuckDBStore(str(tmp_path / "router.duckdb"), "live")
    a_request(opened)
    opened.evidence("default", ALL)
    yield opened
    opened.close()


def test_held_by_another_process(path: Path) -> None:
    """The sentence names the process; once that has let go, the file opens."""
    child = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        with pytest.raises(StoreLockedError, match=rf"in use by process {child.pid}; .* set ROUTER_STORE"):
            open_store(path)
        child.stdin.close()
        assert child.wait(20) == 0
    store = open_store(path)
    assert store.recent_prompts(1) == [a_prompt()]
    store.close()


@pytest.mark.parametrize("name", ["router.duckdb", "new.duckdb"])
def test_no_permission_to_write(path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Neither a file nor a folder that refuses writing is opened."""
    monkeypatch.setattr(os, "access", lambda place, mode: False)
    with pytest.raises(StoreReadOnlyError, match="cannot be written; allow writing to the file and its folder"):
        open_store(path.with_name(name))


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A file stands where a folder should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        open_store(tmp_path / "file" / "router.duckdb")


def _garbage(file: Path) -> None:
    file.write_bytes(b"this is not a database " * 5_000)


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _beginning(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


@pytest.mark.parametrize("damage", [_garbage, _empty, _half, _beginning])
def test_a_damaged_file(path: Path, damage: Callable[[Path], None]) -> None:
    """Never overwritten; the sentence says what to do, and the bytes stay as they are."""
    damage(path)
    before = path.read_bytes()
    with pytest.raises(StoreDamagedError, match=r"is not a readable database .* restore it from a copy"):
        open_store(path)
    assert path.read_bytes() == before


def test_a_database_of_something_else(tmp_path: Path) -> None:
    """Somebody's own tables are left alone, and the file is not kept open."""
    file = tmp_path / "sales.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE TABLE sales (amount INTEGER)")
    with pytest.raises(StoreError, match=r"database of something else \(tables \['sales'\]\)"):
        open_store(file)
    with duckdb.connect(str(file), read_only=True) as connection:
        assert connection.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("sales",)]


def test_written_by_newer_code(path: Path) -> None:
    """A schema version that this code does not know is refused, not guessed at."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    with pytest.raises(
        StoreTooNewError, match=f"schema version 99, this code knows up to {len(MIGRATIONS)}; install the newer"
    ):
        open_store(path)


def test_live_and_simulated_never_share_a_file(path: Path) -> None:
    """Simulated traffic goes beside the live file; a file of the other kind is refused."""
    simulated = open_store(path, kind="simulated")
    assert simulated.kind == "simulated"
    assert simulated.location == str(path.with_name("router.simulated.duckdb"))
    assert simulated.recent_prompts(5) == []
    simulated.close()
    with pytest.raises(StoreKindError, match="holds simulated traffic; live traffic must not be mixed into it"):
        open_store(path.with_name("router.simulated.duckdb"))
    with pytest.raises(StoreKindError, match="holds live traffic; simulated traffic must not"):
        DuckDBStore(str(path), "simulated")


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    """The path of a folder is refused with a remedy."""
    with pytest.raises(StoreError, match="is a folder; name a file in it"):
        open_store(tmp_path)


def test_an_address_of_another_kind(tmp_path: Path) -> None:
    """What is not supported is named, and so is what is."""
    with pytest.raises(StoreError, match=r"'mysql' is not supported; give a path or duckdb:///path"):
        open_store("mysql://host/name")


def test_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default data/router.duckdb here; ROUTER_STORE instead; a given place before both; address or path."""
    monkeypatch.chdir(tmp_path)
    absolute = tmp_path / "given.duckdb"
    cases: list[tuple[str | None, dict[str, str], Path]] = [
        (None, {}, Path("data/router.duckdb")),
        (None, {"ROUTER_STORE": ""}, Path("data/router.duckdb")),
        (None, {"ROUTER_STORE": "elsewhere.duckdb"}, Path("elsewhere.duckdb")),
        (f"duckdb:///{absolute}", {"ROUTER_STORE": "elsewhere.duckdb"}, absolute),
        ("duckdb:///relative.duckdb", {}, Path("relative.duckdb")),
    ]
    for place, environ, expected in cases:
        store = open_store(place, environ=environ)
        assert Path(store.location) == tmp_path / expected
        assert expected.is_file()
        store.close()


def test_a_store_stays_where_it_is_when_the_process_goes_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was deleted leaves the file when it is closed, although its name was relative to another folder."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    store = open_store("router.duckdb")
    store.write(Batch([a_prompt(1)], [a_decision(1)]))
    assert store.erase(Search()) == 1
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.close()
    with duckdb.connect(str(tmp_path / "router.duckdb"), read_only=True) as connection:
        assert not noted(connection)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('IO Error: Could not set lock on file "x": Conflicting lock is held (PID 42)', StoreLockedError),
        ('IO Error: Cannot open file "x": it is being used by another process', StoreLockedError),
        ('IO Error: Could not set lock on file "x": Conflicting lock is held in PID 0. See', StoreLockedError),
        ('IO Error: Could not set lock on file "x": Resource temporarily unavailable', StoreLockedError),
        ('IO Error: Could not set lock on file "x": No locks available. See also https://x', StoreError),
        ('IO Error: Could not set lock on file "x": Function not implemented', StoreError),
        ('Failure while replaying WAL file "x.wal": WAL does not match database file.', StoreDamagedError),
        ('IO Error: Cannot open file "x": Permission denied', StoreReadOnlyError),
        ('IO Error: Cannot open file "x": Read-only file system', StoreReadOnlyError),
        ('Cannot execute "CREATE" on database "x" which is attached in read-only mode!', StoreReadOnlyError),
        ('IO Error: Could not write all bytes to file "x": No space left on device', StoreFullError),
        ("IO Error: Trying to read a database file with version number 99, not 64", StoreTooNewError),
        ("Corrupt database file: computed checksum 1 does not match stored checksum 2", StoreDamagedError),
        ("something never seen before\nand a second line", StoreError),
        ("", StoreError),
    ],
)  # fmt: skip
def test_what_duckdb_says_in_our_words(said: str, expected: type[StoreError]) -> None:
    """Each message becomes its own error that names the place."""
    error = store_error(duckdb.IOException(said), "here.duckdb")
    assert type(error) is expected
    assert "here.duckdb" in str(error)
    assert "second line" not in str(error)


def test_a_file_system_without_locks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not told as another process, whether DuckDB gives the reason or finds nobody who holds the file."""

    def refused(*lock: Any) -> None:
        raise OSError(37, "No locks available")

    said = store_error(
        duckdb.IOException('Could not set lock on file "x": No locks available. See also'), str(path)
    )
    expected = "does not support locking files"
    assert f"{expected} (No locks available)" in str(said)
    monkeypatch.setattr("fcntl.lockf", refused)
    held = duckdb.IOException('Could not set lock on file "x": Conflicting lock is held in PID 0. See also')
    assert expected in str(store_error(held, str(path)))
    held = duckdb.IOException(
        'Could not set lock on file "x": Conflicting lock is held in /bin/x (PID 7). See also'
    )
    assert "in use by process 7" in str(store_error(held, str(path)))


def test_waiting_for_the_process_that_holds_it(path: Path) -> None:
    """As long as was asked: by the call, or by the environment; then the sentence says how long it was."""
    child = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        with pytest.raises(StoreLockedError, match=r"\(waited 0.2 s\)"):
            open_store(path, wait=0.2)
        with pytest.raises(StoreLockedError, match=r"or wait for it \(ROUTER_STORE_WAIT, --wait\)"):
            open_store(path)
        opened: list[Any] = []
        waiting = Thread(target=lambda: opened.append(open_store(path, environ={"ROUTER_STORE_WAIT": "60"})))
        waiting.start()
        time.sleep(0.3)
        assert not opened
        child.stdin.close()
        waiting.join(60)
    assert opened[0].recent_prompts(1) == [a_prompt()]
    opened[0].close()


@pytest.mark.parametrize("said", ["soon", "-1", "nan", "inf"])
def test_a_wait_that_is_none(path: Path, said: str) -> None:
    """The variable is named, and so is what it takes."""
    with pytest.raises(StoreError, match=r"ROUTER_STORE_WAIT is .*; give seconds, 0 or more"):
        open_store(path, environ={"ROUTER_STORE_WAIT": said})


class _Faulty:
    """A connection or cursor that does as the real one, but for committing."""

    def __init__(self, real: Any, commit: Callable[[Any], None]) -> None:
        self._real, self._commit = real, commit

    def cursor(self) -> _Faulty:
        return _Faulty(self._real.cursor(), self._commit)

    def commit(self) -> None:
        self._commit(self._real)

    def __enter__(self) -> _Faulty:
        return self

    def __exit__(self, *exception: object) -> None:
        self._real.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def _everything(number: int) -> Batch:
    return Batch(
        [a_prompt(number)], [a_decision(number)], [a_completion(number)], [an_outcome(number, number, 1.0)]
    )


def test_disk_full(store: DuckDBStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the write is kept, in the file or in memory, and the next write works."""

    def full(cursor: Any) -> None:
        raise duckdb.IOException('IO Error: Could not write all bytes to "x": No space left on device')

    with monkeypatch.context() as patched:
        patched.setattr(store.file, "_connection", _Faulty(store.file._connection, full))
        with pytest.raises(StoreFullError, match="is full; nothing of the last write was kept: free some space"):
            store.write(_everything(2))
    assert store.comparison(ident(2)) is None
    assert store.evidence("default", ALL) == {} == store.rebuild_evidence("default", ALL)
    assert store.output_tokens("default") == {}
    store.write(_everything(2))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 1_000_000)}
    assert store.output_tokens("default") == {CHEAP: OutputTokens(1, 20)}


def _together(store: DuckDBStore, batches: list[Batch]) -> list[BaseException | None]:
    """Write all batches at once, each in its own thread, as one group; what each writer was told."""
    told: list[BaseException | None] = [None] * len(batches)

    def write(place: int) -> None:
        try:
            store.write(batches[place])
        except BaseException as error:  # noqa: BLE001 - a KeyboardInterrupt is what this is about
            told[place] = error

    opener = Thread(target=store.write, args=(Batch(),))  # leads; the others queue behind it
    writers = [Thread(target=write, args=(place,)) for place in range(len(batches))]
    with store.file.lock:
        opener.start()
        while not store.commits._leading:
            time.sleep(0.001)
        for number, writer in enumerate(writers, start=1):
            writer.start()
            while len(store.commits._queue) < number:
                time.sleep(0.001)
    opener.join(20)
    for writer in writers:
        writer.join(20)
    return told


def test_one_bad_batch_does_not_harm_the_others(store: DuckDBStore) -> None:
    """Committed together: the guilty writer hears of it, the others' rows are kept."""
    stray = Batch([a_prompt(9)], outcomes=[an_outcome(9, 77)])
    told = _together(store, [_everything(2), stray, _everything(3)])
    assert [type(error) for error in told] == [type(None), UnknownRequestError, type(None)]
    assert [store.comparison(ident(n)) is not None for n in (2, 9, 3)] == [True, False, True]
    assert store.evidence("default", ALL) == {CHEAP: Evidence(2, 2_000_000)}


def test_the_same_rows_in_one_group_count_once(store: DuckDBStore) -> None:
    """Two writers store one request at the same moment: its tokens and its outcome count once."""
    assert _together(store, [_everything(2), _everything(2)]) == [None, None]
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 1_000_000)}
    assert store.output_tokens("default") == {CHEAP: OutputTokens(1, 20)}


@pytest.mark.parametrize("kept", [False, True], ids=["before the commit", "after the commit"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_interrupted_write(store: DuckDBStore, monkeypatch: pytest.MonkeyPatch, nth: int, kept: bool) -> None:
    """Ctrl+C in whoever commits for the group: nobody is told that his write was kept unless it was."""
    commits = 0

    def interrupted(cursor: Any) -> None:
        nonlocal commits
        commits += 1  # the first is the empty one of the opener
        if commits != 1 + nth or kept:
            cursor.commit()
        if commits == 1 + nth:
            raise KeyboardInterrupt

    stray = Batch(outcomes=[an_outcome(9, 77)])  # makes the group fall apart into single commits
    batches = [_everything(2), _everything(3), stray, _everything(4)]
    with monkeypatch.context() as patched:
        patched.setattr(store.file, "_connection", _Faulty(store.file._connection, interrupted))
        told = _together(store, batches)
    assert [type(error) for error in told].count(KeyboardInterrupt) == 1
    for number, error in zip((2, 3, 4), (told[0], told[1], told[3]), strict=True):
        if error is None:
            assert store.comparison(ident(number)) is not None
        elif not isinstance(error, KeyboardInterrupt):
            assert "the write was interrupted; write it again" in str(error)
    assert store.evidence("default", ALL) == store.rebuild_evidence("default", ALL)
    for number in (2, 3, 4):
        store.write(_everything(number))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(3, 3_000_000)}
    assert store.output_tokens("default") == {CHEAP: OutputTokens(3, 60)}


def test_alone_nobody_is_waited_for(store: DuckDBStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """One writer after another commits at once, even if the store would wait for ever."""
    monkeypatch.setattr("router_core.store.group_commit._GATHERING_SECONDS", None)

    def write() -> None:
        for number in (2, 3):
            store.write(_everything(number))

    writer = Thread(target=write, daemon=True)
    writer.start()
    writer.join(20)
    assert store.evidence("default", ALL) == {CHEAP: Evidence(2, 2_000_000)}


def test_writers_who_come_back_commit_together(store: DuckDBStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of those who wrote together waits for the others instead of committing alone."""
    assert _together(store, [_everything(2), _everything(3), _everything(4)]) == [None, None, None]
    monkeypatch.setattr("router_core.store.group_commit._GATHERING_SECONDS", 20)
    groups: list[int] = []
    commit = store.commits._commit
    monkeypatch.setattr(store.commits, "_commit", lambda group: [groups.append(len(group)), commit(group)])
    writers = [Thread(target=store.write, args=(_everything(number),)) for number in (5, 6, 7)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(20)
    assert groups == [3]
    assert store.evidence("default", ALL) == {CHEAP: Evidence(6, 6_000_000)}


def test_interrupted_while_waiting_for_others(store: DuckDBStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl+C before the commit: nothing was written, and the turn is free."""

    def interrupted(*waiting: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(store.commits._arrival, "wait_for", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.write(_everything(2))
    store.write(_everything(3))
    assert store.comparison(ident(2)) is None
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 1_000_000)}
