"""What stands beside the rows for the questions: written one by one, loaded whole, or by earlier code."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from router_core.demo.traffic import generate
from router_core.settings import Settings
from router_core.store import open_store
from router_core.store.base import Batch, Search
from router_core.store.duckdb.schema import META, MIGRATIONS
from router_core.types import Usage
from tests.store_beside import amiss, rows_beside
from tests.store_rows import ALL, a_completion, a_decision, a_prompt, an_outcome, everything, ident

BEFORE_PLACES, BEFORE_ANSWERS = 2, 4
"""Schema versions: rows had no place among those of their prompt; outcomes had not their answer beside them."""

BESIDE = {
    "prompt": "",
    "decision": "EXCLUDE nth",
    "completion": "EXCLUDE nth",
    "outcome": "EXCLUDE (seq, nth, goal, arm, policy, origin, decided_at, decided_nth, answered_at)",
}
"""Table -> without the columns that the store fills by itself."""


def older(path: Path, current: Path, version: int) -> None:
    """A file of that version with the rows of a current one."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(META)
        for migration in MIGRATIONS[:version]:
            connection.execute(migration)
        connection.execute("INSERT INTO meta VALUES ('schema_version', ?), ('kind', 'live')", [str(version)])
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


def test_loaded_rows_have_all_beside_them(tmp_path: Path) -> None:
    """Simulated traffic, block after block, and a rating of an answer that has one: as one would look it up."""
    path = tmp_path / "router.simulated.duckdb"
    store = open_store(path, kind="simulated")
    for seed in (1, 2):
        generate(Settings(), store, 600, seed=seed)
    rated = next(one for one in store.find(Search(rated=True), 1))
    answer = rated.outcomes[0].completion_id
    store.write(Batch(outcomes=[replace(an_outcome(1, 1), completion_id=answer)]))
    store.close()
    with duckdb.connect(str(path), read_only=True) as connection:
        assert amiss(connection) == {}
        assert min(rows_beside(connection).values()) > 20


def test_blocks_in_any_order(tmp_path: Path) -> None:
    """Answers, decisions and outcomes loaded after their siblings, some in blocks of their own."""
    source, path = tmp_path / "source.simulated.duckdb", tmp_path / "router.simulated.duckdb"
    store = open_store(source, kind="simulated")
    generate(Settings(), store, 400)
    agreed = a_decision(2, prompt_id=ident(1), completion_id=ident(1))
    store.write(Batch([a_prompt(1)], [a_decision(1), agreed], [a_completion(1)], [an_outcome(1)]))
    store.close()
    with duckdb.connect(str(source), read_only=True) as connection:
        whole = {
            table: connection.sql(f"SELECT * {beside} FROM {table}").to_arrow_table()
            for table, beside in BESIDE.items()
        }
    half = {name: table.num_rows // 2 for name, table in whole.items()}
    first = {name: table.slice(0, half[name]) for name, table in whole.items()}
    later = {name: table.slice(half[name]) for name, table in whole.items()}
    store = open_store(path, kind="simulated")
    store.load(
        [
            {"prompt": whole["prompt"], "decision": first["decision"]},
            {"completion": later["completion"]},
            {"decision": later["decision"], "outcome": first["outcome"]},
            {"outcome": later["outcome"], "completion": first["completion"]},
        ]
    )
    store.close()
    with duckdb.connect(str(path), read_only=True) as connection:
        assert amiss(connection) == {}
        assert min(rows_beside(connection).values()) > 10


def _as_before(usage: Usage | None) -> Usage | None:
    """What earlier code stored of tokens."""
    if usage is None:
        return None
    return Usage(usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.estimated)


@pytest.mark.parametrize("version", [BEFORE_PLACES, BEFORE_ANSWERS])
def test_a_file_of_earlier_code(tmp_path: Path, version: int) -> None:
    """As if written today; values stay. Retries of before there were places are priced."""
    current = open_store(tmp_path / "current.duckdb")
    current.write(everything())
    current.write(
        Batch(
            decisions=[
                a_decision(3, prompt_id=ident(1)),
                a_decision(4, prompt_id=ident(1), completion_id=ident(3), policy="heuristic"),
                a_decision(9, prompt_id=ident(5)),
                a_decision(11, prompt_id=ident(6), completion_id=ident(12)),
                a_decision(13, prompt_id=ident(7)),
                a_decision(14, prompt_id=ident(7), completion_id=ident(13)),
            ],
            completions=[
                a_completion(3, prompt_id=ident(1)),
                a_completion(9, prompt_id=ident(5)),
                a_completion(13, prompt_id=ident(7)),
            ],
            outcomes=[an_outcome(2, 1, 0.0), an_outcome(3, 9), an_outcome(4, 12), an_outcome(5, 3, None)],
        )
    )
    known, taught = current.comparison(ident(1)), current.evidence("default", ALL)
    assert known is not None
    completions = tuple(replace(one, usage=_as_before(one.usage), tool_calls=()) for one in known.completions)
    if version == BEFORE_PLACES:
        completions = tuple(replace(one, unpriced_retries=0) for one in completions)
    known = replace(known, completions=completions, prompt=replace(known.prompt, metadata={}, session=""))
    current.close()
    older(tmp_path / "older.duckdb", tmp_path / "current.duckdb", version)
    migrated = open_store(tmp_path / "older.duckdb")
    assert (migrated.comparison(ident(1)), migrated.evidence("default", ALL)) == (known, taught)
    migrated.write(Batch(completions=[a_completion(12, prompt_id=ident(6))]))
    migrated.close()
    expected = {
        "decision": [0, 1, 2, 3, 0, 0, 0, 1],
        "completion": [0, 1, 2, 0, 0, 0],
        "outcome": [0, 1, 0, 0, 0],
    }
    assert places(tmp_path / "older.duckdb") == expected
    with duckdb.connect(str(tmp_path / "older.duckdb"), read_only=True) as connection:
        assert amiss(connection) == {}
        assert rows_beside(connection) == {"decision": 6, "completion": 4, "outcome": 2}


def test_nothing_stays_beside_what_was_deleted(tmp_path: Path) -> None:
    """A prompt with several decisions, answers and outcomes goes with all of them; those of others stay."""
    store = open_store(tmp_path / "router.duckdb")
    for number in (1, 2):
        led = {"prompt_id": ident(number)}
        store.write(
            Batch(
                [a_prompt(number)],
                [a_decision(number * 10 + n, **led) for n in range(3)],
                [a_completion(number * 10 + n, **led) for n in range(2)],
                [an_outcome(number * 10 + n, number * 10) for n in range(4)],
            )
        )
    assert store.erase(Search(ids=(ident(1),))) == 1
    store.close()
    with duckdb.connect(str(tmp_path / "router.duckdb"), read_only=True) as connection:
        assert rows_beside(connection) == {"decision": 3, "completion": 2, "outcome": 4}
        assert amiss(connection) == {}
