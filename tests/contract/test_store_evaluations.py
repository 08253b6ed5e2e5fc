"""Kept results of judging the routers: out as they went in, listed without their documents, erased for good."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from router_core.errors import StoreError
from router_core.store import open_store
from router_core.store.base import Batch, Evaluation, Store
from router_core.store.duckdb.schema import META, MIGRATIONS
from tests.store_rows import ALL, CHEAP, a_prompt, a_request, an_outcome, at, ident


def an_evaluation(number: int = 1, second: int | None = None) -> Evaluation:
    """A result of labelled data, kept in the second of its number unless told otherwise."""
    kind, document = "labelled", f'{{"n":{number},"text":"日本 🎈 \\u0000"}}'
    return Evaluation(ident(number), at(number if second is None else second), kind, f"Über {number}", document)


def test_kept_results_come_back(store: Store) -> None:
    """Every field, awkward text too; of two with one id the first stays."""
    first = an_evaluation()
    store.save_evaluation(first)
    store.save_evaluation(replace(first, name="another", document="{}"))
    assert store.evaluation(first.id) == first


def test_each_kind_is_kept(store: Store) -> None:
    """Labelled data, traffic, pairs."""
    store.save_evaluation(replace(an_evaluation(1), kind="traffic"))
    store.save_evaluation(replace(an_evaluation(2), kind="paired"))
    assert [one.kind for one in store.evaluations(5)] == ["paired", "traffic"]


def test_a_large_document(store: Store) -> None:
    """Some megabytes."""
    large = replace(an_evaluation(), document="[" + ", ".join(["0.123456789"] * 400_000) + "]")
    store.save_evaluation(large)
    assert store.evaluation(large.id) == large


@pytest.mark.parametrize("wanted", [ident(7), "no id", "", "'; DROP TABLE evaluation; --"])
def test_what_is_not_kept_is_none(store: Store, wanted: str) -> None:
    """Neither reading nor erasing it is an error."""
    store.save_evaluation(an_evaluation())
    assert store.evaluation(wanted) is None
    assert store.erase_evaluation(wanted) is False
    assert len(store.evaluations(5)) == 1


def test_the_list_is_newest_first_and_short(store: Store) -> None:
    """By time, then by id; without documents; at most as many as asked for."""
    kept = [an_evaluation(1, 9), an_evaluation(2, 3), an_evaluation(3, 9), an_evaluation(4, 1)]
    for one in kept:
        store.save_evaluation(one)
    assert store.evaluations(3) == [replace(one, document="") for one in (kept[2], kept[0], kept[1])]
    assert store.evaluations(0) == []


def test_erased_for_good(store: Store) -> None:
    """That one only, once; its id can be used again; the log is as it was."""
    a_request(store)
    store.write(Batch(outcomes=[an_outcome(1)]))
    for number in (1, 2):
        store.save_evaluation(an_evaluation(number))
    before = store.revision
    assert store.erase_evaluation(ident(1)) is True
    assert store.revision > before
    assert store.erase_evaluation(ident(1)) is False
    assert [one.id for one in store.evaluations(5)] == [ident(2)]
    store.save_evaluation(an_evaluation(1))
    assert store.evaluation(ident(1)) == an_evaluation(1)
    assert store.recent_prompts(5) == [a_prompt()]
    assert store.evidence("default", ALL)[CHEAP].count == 1


def test_saving_is_a_change(store: Store) -> None:
    """Whoever remembers answers by revision asks again."""
    before = store.revision
    store.save_evaluation(an_evaluation())
    assert store.revision > before


def test_a_closed_store_keeps_and_gives_none(store: Store) -> None:
    """As with everything else it says that it is closed."""
    store.close()
    uses = [
        lambda: store.save_evaluation(an_evaluation()),
        lambda: store.evaluation(ident(1)),
        lambda: store.evaluations(1),
        lambda: store.erase_evaluation(ident(1)),
    ]
    for use in uses:
        with pytest.raises(StoreError, match="is closed; open it again"):
            use()


def test_they_are_there_after_reopening(tmp_path: Path) -> None:
    """On another day, by the same link."""
    first = open_store(tmp_path / "router.duckdb")
    first.save_evaluation(an_evaluation())
    first.close()
    second = open_store(tmp_path / "router.duckdb")
    assert second.evaluation(ident(1)) == an_evaluation()
    second.close()


def test_a_file_of_schema_version_2_is_migrated(tmp_path: Path) -> None:
    """What it held stays, and results can be kept in it from then on."""
    path = tmp_path / "router.duckdb"
    with duckdb.connect(str(path)) as old:
        old.execute(META)
        for migration in MIGRATIONS[:2]:
            old.execute(migration)
        old.execute("INSERT INTO meta VALUES ('schema_version', '2'), ('kind', 'live')")
        old.execute(
            "INSERT INTO prompt VALUES (?, ?, 'default', 'library', NULL, NULL, ?, false, false, '{}')",
            [ident(1), at(1).replace(tzinfo=None), f"{1:064x}"],
        )
    store = open_store(path)
    assert store.recent_prompts(5) == [a_prompt(1, messages=None)]
    assert store.evaluations(5) == []
    store.save_evaluation(an_evaluation())
    store.close()
    with duckdb.connect(str(path)) as now:
        found = now.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    assert found == (str(len(MIGRATIONS)),)
    again = open_store(path)
    assert again.evaluation(ident(1)) == an_evaluation()
    again.close()
