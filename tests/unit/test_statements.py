"""How many SQL statements a request takes: ids that were just made are not looked up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from router_core.errors import UnknownRequestError
from router_core.serving.library import Router
from router_core.store.base import Batch, Search
from router_core.store.duckdb import known_ids
from router_core.store.duckdb.store import DuckDBStore
from tests.store_beside import amiss
from tests.store_rows import ALL, OWN, a_completion, a_decision, a_prompt, an_outcome, ident
from tests.unit.routing import HELLO


class Counted:
    """A connection that remembers what was asked: the verb and the table of each statement."""

    def __init__(self, real: Any, said: list[str]) -> None:
        self._real, self._said = real, said

    def cursor(self) -> Counted:
        return Counted(self._real.cursor(), self._said)

    def execute(self, text: str, *values: Any) -> Any:
        words = text.replace("(", " ").split()
        table = words[words.index("INTO" if words[0] == "INSERT" else "FROM") + 1]
        self._said.append(f"{words[0]} {table}")
        return self._real.execute(text, *values)

    def begin(self) -> None:
        self._said.append("BEGIN")
        self._real.begin()

    def commit(self) -> None:
        self._said.append("COMMIT")
        self._real.commit()

    def __enter__(self) -> Counted:
        return self

    def __exit__(self, *exception: object) -> None:
        self._real.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckDBStore]:
    """A store in a file, with requests in it that are older than this process."""
    path = str(tmp_path / "router.duckdb")
    for _ in range(2):
        opened = DuckDBStore(path, "simulated")
        with Router(store=opened, simulated=True, environ={}) as router:
            router.completion(HELLO)
        opened.close()
    opened = DuckDBStore(path, "simulated")
    yield opened
    opened.close()


def test_one_request_and_its_outcome(store: DuckDBStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two transactions for a request, one for its outcome; what is inserted, the change's number, and one look."""
    said: list[str] = []
    with Router(store=store, simulated=True, environ={}) as router:
        router.completion(HELLO)  # the first change of a store notes that it is in use
        monkeypatch.setattr(store.file, "_connection", Counted(store.file._connection, said))
        _, request_id = router.completion(HELLO, return_request_id=True)
        assert said == [
            *("BEGIN", "INSERT prompt", "INSERT decision", "INSERT change", "COMMIT"),
            *("BEGIN", "INSERT completion", "INSERT change", "COMMIT"),
        ]
        said.clear()
        router.report_outcome(request_id, 1.0)
        assert said == ["BEGIN", "SELECT decision", "INSERT outcome", "INSERT change", "COMMIT"]
        monkeypatch.undo()
        found = store.comparison(store.recent_prompts(1)[0].id)
        assert found is not None
        assert [one.reward for one in found.outcomes] == [1.0]


def test_an_id_from_before_is_looked_up(store: DuckDBStore) -> None:
    """An outcome about a request that was made before the store was opened is stored, and corrected."""
    found = store.comparison(store.recent_prompts(1)[0].id)
    assert found is not None
    completion = found.completions[0].id
    for number, reward in ((1, 0.0), (2, 1.0)):
        store.write(Batch(outcomes=[an_outcome(number, reward=reward, completion_id=completion)]))
    assert [one.reward for one in store.outcome_history(completion)] == [0.0, 1.0]
    assert amiss(store.file.require_open()) == {}


TABLES = ("prompt", "decision", "completion", "outcome", "seen")
TABLES_BESIDE = ("repeated_decision", "repeated_completion", "repeated_outcome")


def contents(store: DuckDBStore) -> dict[str, list[Any]]:
    """Every row of the log."""
    cursor = store.file.require_open().cursor()
    texts = {table: f"SELECT * FROM {table} ORDER BY ALL" for table in TABLES + TABLES_BESIDE}
    return {table: cursor.execute(text).fetchall() for table, text in texts.items()}


class LookedUp(known_ids.KnownIds):
    """Knows nothing, so that every id is looked up."""

    def count(self, column: str, id_: UUID) -> int | None:
        return None


def write_at_random(store: DuckDBStore, seed: int) -> int:
    """Rows in any order, written twice, refused, deleted and written again; how often a write was refused."""
    random, refused = Random(seed), 0
    for rule in (ALL, OWN):
        store.evidence("default", rule)
    for step in range(150):
        prompt, answer = (random.randint(step // 4 + 1, step // 4 + 8) for _ in range(2))
        made = random.choice(("prompt", "decision", "completion", "outcome", "stray", "change", "all", "all"))
        several, stray = made in ("all", "stray"), made == "stray"
        decision = a_decision(step + 1, prompt_id=ident(prompt), completion_id=ident(answer))
        if made == "change":
            change = random.choice((store.erase, store.strip))
            change(Search(ids=(ident(prompt),)))
            continue
        batch = Batch(
            [a_prompt(prompt)] if several or made == "prompt" else [],
            [decision] if several or made == "decision" else [],
            [a_completion(answer, prompt_id=ident(prompt))] if several or made == "completion" else [],
            [an_outcome(step // 2, 5_000 if stray else answer)] if several or made == "outcome" else [],
        )
        try:
            store.write(batch)
        except UnknownRequestError:
            refused += 1
    return refused


@pytest.mark.parametrize("most", [12, 8192], ids=["few ids remembered", "all remembered"])
@pytest.mark.parametrize("seed", range(3))
def test_the_same_is_stored_as_with_looking_up(seed: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known without looking changes nothing in the tables, in the evidence or in what is refused."""
    monkeypatch.setattr(known_ids, "_MOST", most)
    with closing(DuckDBStore(":memory:", "live")) as store, closing(DuckDBStore(":memory:", "live")) as other:
        other.projection._ids = LookedUp()
        refused = write_at_random(store, seed)
        assert refused == write_at_random(other, seed) > 5
        assert contents(store) == contents(other)
        assert min(len(contents(store)[table]) for table in TABLES[:4]) > 10
        for rule in (ALL, OWN):
            assert store.evidence("default", rule) == other.evidence("default", rule)
            assert store.evidence("default", rule) == store.rebuild_evidence("default", rule)
