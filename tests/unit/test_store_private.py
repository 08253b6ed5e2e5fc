"""Who may read a store's files, what its SQL can reach, and what it refuses to hold."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from router_core.errors import (
    InvalidOutcomeError,
    RouterError,
    StoreError,
    StoreReadOnlyError,
    UnknownRequestError,
)
from router_core.store import open_store
from router_core.store.base import Batch, Search
from router_core.store.duckdb.rows import MOST_COMMENT, MOST_TEXT
from router_core.store.duckdb.store import DuckDBStore
from tests.store_rows import a_completion, a_decision, a_prompt, a_request, an_outcome, ident


@pytest.fixture(autouse=True)
def open_mask() -> Iterator[None]:
    """A process whose new files everybody may read, as most are."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckDBStore]:
    """A store in folders that it made, with one request in it."""
    with closing(DuckDBStore(str(tmp_path / "a" / "b" / "router.duckdb"), "live")) as opened:
        a_request(opened)
        yield opened


def modes(folder: Path) -> dict[str, int]:
    """Name -> permissions, of everything below a folder."""
    return {str(one.relative_to(folder)): stat.S_IMODE(one.lstat().st_mode) for one in folder.rglob("*")}


def test_files_and_folders_are_their_owners_alone(store: DuckDBStore, tmp_path: Path) -> None:
    """The store, its log also after a checkpoint, what lies beside it, and the folders made for it."""
    for number in (2, 3):
        found = modes(tmp_path)
        assert {"a", "a/b", "a/b/router.duckdb", "a/b/router.duckdb.wal"} < found.keys()
        assert {name: mode for name, mode in found.items() if mode & 0o077} == {}
        store.file.require_open().execute("CHECKPOINT")
        a_request(store, number)


def test_what_lies_beside_a_shared_store_is_shared(tmp_path: Path) -> None:
    """An owner who opened the store to a group meant its log, too; renewing and reopening leave that."""
    path = tmp_path / "router.duckdb"
    open_store(path).close()
    path.chmod(0o640)
    with closing(open_store(path)) as store:
        a_request(store)
        assert stat.S_IMODE(Path(f"{path}.wal").stat().st_mode) == 0o640
        store.erase(Search())
    assert modes(tmp_path) == {"router.duckdb": 0o640}


def test_copies_while_renewing_are_private(store: DuckDBStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy stands in a folder that nobody else can enter until it has the store's own mode."""
    seen: list[int] = []
    replace_file = os.replace

    def watched(source: Any, target: Any) -> None:
        seen.extend((stat.S_IMODE(Path(source).parent.stat().st_mode), stat.S_IMODE(Path(source).stat().st_mode)))
        replace_file(source, target)

    monkeypatch.setattr(os, "replace", watched)
    store.erase(Search())
    store.close()
    assert seen == [0o700, 0o600]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM read_csv('{file}')",
        "COPY prompt TO '{file}.csv'",
        "COPY prompt TO '{file}.parquet' (FORMAT parquet)",
        "ATTACH '{file}.duckdb' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SELECT * FROM read_parquet('https://example.org/x.parquet')",
    ],
)
def test_sql_reaches_no_other_file(store: DuckDBStore, tmp_path: Path, statement: str) -> None:
    """Neither files nor extensions, whatever might be slipped into a question."""
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(duckdb.Error):
        store.file.require_open().execute(statement.format(file=tmp_path / "secret"))


def test_extensions_are_never_fetched(store: DuckDBStore) -> None:
    """Nor loaded because a question would need one."""
    for name in ("autoinstall_known_extensions", "autoload_known_extensions", "enable_external_access"):
        assert store.file.require_open().execute(f"SELECT current_setting('{name}')").fetchall() == [(False,)]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"comment": None}, "The comment is 'None', not a text; give a text"),
        ({"comment": 5}, "The comment is '5', not a text; give a text"),
        ({"comment": b"bytes"}, "give a text"),
        ({"comment": "x" * 50_000_000}, "The comment has 50,000,000 characters; at most 10,000 are stored"),
        ({"reward": 10**400}, "The reward is 1000.*; give a number from 0 to 1"),
        ({"reward": float("nan")}, "The reward is nan"),
        ({"reward": -0.1}, "The reward is -0.1"),
        ({"reward": "good"}, "The reward is good"),
    ],
)
def test_outcomes_that_cannot_be_stored(store: DuckDBStore, changes: dict[str, Any], said: str) -> None:
    """A sentence for each, and nothing of the batch is kept."""
    with pytest.raises(InvalidOutcomeError, match=said):
        store.write(Batch([a_prompt(2)], [a_decision(2)], outcomes=[replace(an_outcome(1, 1), **changes)]))
    assert store.comparison(ident(2)) is None


@pytest.mark.parametrize("id_", [None, 5, b"bytes", "", "x" * 10_000, "\0", "\ud800"])
def test_requests_that_cannot_be(store: DuckDBStore, id_: Any) -> None:
    """Whatever is given as a request's id."""
    with pytest.raises(UnknownRequestError, match=r"was never made with this store"):
        store.write(Batch(outcomes=[replace(an_outcome(1, 1), completion_id=id_)]))


def test_the_longest_comment_is_kept(store: DuckDBStore) -> None:
    """To its last character, with what is not a whole character replaced."""
    comment = "é\0" * (MOST_COMMENT // 2 - 1) + "\ud800z"
    store.write(Batch(outcomes=[replace(an_outcome(1, 1), comment=comment)]))
    assert store.outcome_history(ident(1))[0].comment == comment.replace("\ud800", "\N{REPLACEMENT CHARACTER}")


def test_an_answer_of_absurd_size_is_cut(store: DuckDBStore) -> None:
    """It was paid for: its beginning is kept, and it says that it was cut."""
    store.write(Batch(completions=[replace(a_completion(1), text="x" * (MOST_TEXT + 7))]))
    found = store.comparison(ident(1))
    assert found is not None
    text = found.completions[0].text or ""
    assert text[MOST_TEXT - 1 :] == f"x\n[The store cut this text of {MOST_TEXT + 7:,} characters here.]"


def test_rows_that_are_none(store: DuckDBStore) -> None:
    """Values of the wrong kind inside a batch."""
    with pytest.raises(StoreError, match=r"These rows cannot be stored, and none of them was \(ValueError"):
        store.write(Batch([replace(a_prompt(2), id="no id")]))


def test_a_name_with_nul(tmp_path: Path) -> None:
    """DuckDB would take what stands before it."""
    with pytest.raises(StoreError, match="NUL character"):
        open_store(f"{tmp_path}/a\0b.duckdb")
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_can_only_be_read(store: DuckDBStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is read and copied, nothing is changed, and no file is made beside it."""
    path = Path(store.location)
    store.close()
    with monkeypatch.context() as patched:
        patched.setattr(os, "access", lambda place, mode: mode != os.W_OK)
        with pytest.raises(StoreReadOnlyError):
            open_store(path)
    with closing(open_store(path, read_only=True)) as opened:
        assert opened.read_only
        assert opened.recent_prompts(5) == [a_prompt()]
        assert next(opened.log(Search())).num_rows == 1
        for change in (
            lambda: opened.write(Batch([a_prompt(2)], [a_decision(2)])),
            lambda: opened.erase(Search()),
            lambda: opened.erase_evaluation(ident(1)),
        ):
            with pytest.raises(StoreReadOnlyError, match="cannot be written"):
                change()
        assert [file.name for file in path.parent.iterdir()] == [path.name]
        with closing(open_store(opened.backup(path.with_name("copy.duckdb")).path)) as copy:
            assert copy.recent_prompts(5) == [a_prompt()]


def test_a_store_to_read_that_is_not_there(tmp_path: Path) -> None:
    """It is not made."""
    with pytest.raises(RouterError, match=r"There is no store .* to read"):
        open_store(tmp_path / "router.duckdb", read_only=True)
    assert list(tmp_path.iterdir()) == []
