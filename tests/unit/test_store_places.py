"""Every row knows its place among those of its prompt: written one by one, loaded whole, or by earlier code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb

from router_core.demo import generate
from router_core.settings import Settings
from router_core.store import open_store
from router_core.store.base import Batch, Search
from router_core.store.schema import META, MIGRATIONS
from tests.store_rows import ALL, a_completion, a_decision, an_outcome, everything, ident

BEFORE_PLACES = 2
"""Schema version whose rows had no place among those of their prompt."""


def older(path: Path, current: Path) -> None:
    """A file of that version with the rows of a current one."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(META)
        for migration in MIGRATIONS[:BEFORE_PLACES]:
            connection.execute(migration)
        connection.execute("INSERT INTO meta VALUES ('schema_version', ?), ('kind', 'live')", [str(BEFORE_PLACES)])
        connection.execute(f"ATTACH '{current}' AS current (READ_ONLY)")
        for table in ("prompt", "decision", "completion", "outcome"):
            names = [name for (name, *_) in connection.execute(f"DESCRIBE {table}").fetchall()]
            connection.execute(f"INSERT INTO {table} SELECT {', '.join(names)} FROM current.{table}")


def places(path: Path) -> dict[str, list[int]]:
    """Table -> the places of its rows, in the order in which they were made."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return {
            table: [nth for (nth,) in connection.execute(f"SELECT nth FROM {table} ORDER BY {order}").fetchall()]
            for table, order in (("decision", "id"), ("completion", "id"), ("outcome", "seq"))
        }


def test_loaded_rows_have_their_places(tmp_path: Path) -> None:
    """Simulated traffic, block after block, and a rating of an answer that has one: as one would count them."""
    path = tmp_path / "router.simulated.duckdb"
    store = open_store(path, kind="simulated")
    for seed in (1, 2):
        generate(Settings(), store, 600, seed=seed)
    rated = next(one for one in store.find(Search(rated=True), 1))
    answer = rated.outcomes[0].completion_id
    store.write(Batch(outcomes=[replace(an_outcome(1, 1), completion_id=answer)]))
    store.close()
    with duckdb.connect(str(path), read_only=True) as connection:
        for table, parent in (
            ("decision", "prompt_id"),
            ("completion", "prompt_id"),
            ("outcome", "completion_id"),
        ):
            order = "seq" if table == "outcome" else "id"
            counted = f"row_number() OVER (PARTITION BY {parent} ORDER BY {order}) - 1"
            wrong, several = connection.execute(
                f"SELECT count(*) FILTER (nth IS DISTINCT FROM place), count(*) FILTER (place > 0)"
                f" FROM (SELECT nth, {counted} AS place FROM {table})"
            ).fetchall()[0]
            assert (table, wrong) == (table, 0)
            assert several > 0


def test_rows_of_earlier_code_find_their_places(tmp_path: Path) -> None:
    """Counted within the prompt (the completion), as if written today; values stay, retries of then are priced."""
    current = open_store(tmp_path / "current.duckdb")
    current.write(everything())
    current.write(
        Batch(
            decisions=[a_decision(3, prompt_id=ident(1)), a_decision(9, prompt_id=ident(5))],
            completions=[a_completion(3, prompt_id=ident(1)), a_completion(9, prompt_id=ident(5))],
            outcomes=[an_outcome(2, 1, 0.0), an_outcome(3, 9)],
        )
    )
    known, taught = current.comparison(ident(1)), current.evidence("default", ALL)
    assert known is not None
    known = replace(known, completions=tuple(replace(one, unpriced_retries=0) for one in known.completions))
    current.close()
    older(tmp_path / "older.duckdb", tmp_path / "current.duckdb")
    migrated = open_store(tmp_path / "older.duckdb")
    assert (migrated.comparison(ident(1)), migrated.evidence("default", ALL)) == (known, taught)
    migrated.close()
    expected = {"decision": [0, 1, 2, 0], "completion": [0, 1, 2, 0], "outcome": [0, 1, 0]}
    assert places(tmp_path / "older.duckdb") == expected == places(tmp_path / "current.duckdb")
