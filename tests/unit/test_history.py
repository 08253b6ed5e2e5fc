"""The log as a file, in every format, and back."""

from __future__ import annotations

import json
from io import BytesIO, StringIO

import pandas as pd
import pytest

from router_core.errors import SettingsError
from router_core.exports import log as history
from router_core.exports.log import FORMATS, exported, write_log
from router_core.store import open_store
from router_core.store.base import Batch, Search, Store
from router_core.store.duckdb import wide_rows as rereading
from tests.store_rows import a_completion, a_decision, a_prompt, an_outcome, everything, ident


@pytest.fixture
def store() -> Store:
    """One of each row with awkward values."""
    opened = open_store(":memory:")
    opened.write(everything())
    return opened


def read(kind: str, data: bytes) -> pd.DataFrame:
    """The file as a reader of that format sees it."""
    if kind == "csv":
        return pd.read_csv(StringIO(data.decode()))
    if kind == "jsonl":
        return pd.DataFrame([json.loads(line) for line in data.decode().splitlines()])
    return pd.read_parquet(BytesIO(data))


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_says_the_same(store: Store, kind: str) -> None:
    """Two decisions; exact texts, numbers and what is unknown."""
    data = exported(store, Search(), kind)
    assert "日本語".encode() in data or kind == "parquet"  # as it reads, not as its numbers
    table = read(kind, data)
    assert list(table["decision_id"]) == [ident(1), ident(2)]
    first, second = table.to_dict("records")
    assert 'O\'Brien; "quoted"' in first["answer"]
    assert "日本語" in first["messages"]
    assert (first["thumb"], first["input_tokens"], first["cost_usd"]) == (0.25, 7, 0.1)
    assert (first["thumb_blind"], first["cached_tokens"], first["fallback"]) == (
        True,
        3,
        "the classifier timed out",
    )
    assert first["thumb_reasons"].startswith("too long, ")
    assert first["propensity"] == 0.1 + 0.2
    assert json.loads(first["probabilities"]) == [0.1 + 0.2, 1.0 - (0.1 + 0.2)]
    assert json.loads(first["models"]) == ["openai/gpt-4o-mini", "openai/gpt-4o"]
    assert pd.Timestamp(first["time"]) == pd.Timestamp("2026-03-01 12:00:01.123456", tz="UTC")
    assert all(
        pd.isna(second[name])
        for name in ("cost_usd", "decision_cost_usd", "thumb", "answer", "input_tokens", "thumb_blind")
    )
    assert second["error"] == "no answer"


def test_current_outcomes_alone_are_written(store: Store) -> None:
    """The last word of each source; one that was withdrawn is missing."""
    store.write(Batch(outcomes=[an_outcome(2, 1, 1.0), an_outcome(3, 1, 0.5, source="api")]))
    first = read("parquet", exported(store, Search(), "parquet")).iloc[0]
    assert (first["thumb"], first["api"], bool(first["thumb_blind"])) == (1.0, 0.5, False)
    store.write(Batch(outcomes=[an_outcome(4, 1, None)]))
    first = read("parquet", exported(store, Search(), "parquet")).iloc[0]
    assert pd.isna(first["thumb"])
    assert first["api"] == 0.5


@pytest.mark.parametrize("kind", FORMATS)
def test_only_what_is_found(store: Store, kind: str) -> None:
    """A search that finds nothing gives a file without rows that still can be read."""
    data = exported(store, Search(goal="other"), kind)
    if kind == "jsonl":
        assert data == b""
    else:
        table = read(kind, data)
        assert len(table) == 0
        assert list(table.columns)[:3] == ["prompt_id", "time", "goal"]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("limit", [None, 5, 6, 100])
def test_block_by_block_is_the_same(monkeypatch: pytest.MonkeyPatch, kind: str, limit: int | None) -> None:
    """However the log is cut: every prompt once, newest first, those of the same moment included."""
    opened = open_store(":memory:")
    numbers = range(1, 12)
    opened.write(
        Batch(
            [a_prompt(n, created_at=a_prompt(n // 4).created_at) for n in numbers],
            [a_decision(n) for n in numbers],
            [a_completion(n) for n in numbers if n != 7],
        )
    )
    monkeypatch.setattr(rereading, "PROMPTS", 2)
    seen: list[int] = []
    file = BytesIO()
    rows = write_log(opened, Search(), kind, file, limit=limit, progress=seen.append)
    expected = [one.prompt.id for one in opened.find(Search(), limit or 100)]
    assert list(read(kind, file.getvalue())["prompt_id"]) == expected
    assert rows == len(expected) == seen[-1]
    assert seen == sorted(seen)


def test_a_prompt_without_a_decision_is_not_lost() -> None:
    """Its row has no router."""
    opened = open_store(":memory:")
    opened.write(Batch([a_prompt(1)]))
    table = read("parquet", exported(opened, Search(), "parquet"))
    assert list(table["prompt_id"]) == [ident(1)]
    assert pd.isna(table["router"][0])


def test_the_page_writes_a_limited_file(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held in memory for a download has a limit; a file has none."""
    store.write(Batch([a_prompt(5)], [a_decision(5)]))
    monkeypatch.setattr(history, "MOST_EXPORTED", 1)
    assert len(read("csv", exported(store, Search(), "csv"))) == 1
    file = BytesIO()
    assert write_log(store, Search(), "csv", file) == 3


def test_unknown_format(store: Store) -> None:
    """Named, with those there are."""
    with pytest.raises(SettingsError, match="'xlsx' is no export format; choose one of csv, jsonl, parquet"):
        exported(store, Search(), "xlsx")
