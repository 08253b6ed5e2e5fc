"""The log as a file, in every format, and back."""

from __future__ import annotations

import json
from io import BytesIO, StringIO
from pathlib import Path

import pandas as pd
import pytest

from router_core.errors import SettingsError
from router_core.evaluation.files.checking import check
from router_core.evaluation.files.tables import open_table
from router_core.exports import log as history
from router_core.exports.log import FORMATS, exported, write_log
from router_core.store import open_store
from router_core.store.base import PER, Batch, Per, Search, Store
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
    assert (first["thumb"], first["input_tokens"], first["cost_usd"]) == (0.25, 70, 0.1)
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
    with pytest.raises(SettingsError, match="'xlsx' is not an export format; choose one of csv, jsonl, parquet"):
        exported(store, Search(), "xlsx")


@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_stored_of_a_call_is_written(store: Store, kind: str) -> None:
    """Whether usage is an estimate, the price, parameters, retries; in rows per decision and per answer."""
    for per in PER:
        first = read(kind, exported(store, Search(), kind, per)).iloc[0]
        assert (bool(first["usage_estimated"]), first["retries"], first["unpriced_retries"]) == (True, 2, 1)
        assert json.loads(first["price"])
        assert json.loads(first["params"])["nested"] == {"a": [1, None, True]}
        assert (first["called"], first["score"]) == ("openai/gpt-4o-mini", 0.25)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_row_per_answer_adds_up(kind: str) -> None:
    """Three decisions share an answer: its cost stands once among the answers, and its score once in both."""
    opened = open_store(":memory:")
    shared = [a_decision(n, prompt_id=ident(1), policy=f"p{n}", completion_id=ident(1)) for n in (1, 2, 3)]
    calls = [a_completion(1), a_completion(2, prompt_id=ident(1), arm="b", model="b", cost_usd=None)]
    opened.write(Batch([a_prompt(1)], shared, calls, [an_outcome(1, 1, 1.0)]))
    answers = read(kind, exported(opened, Search(), kind, "answer"))
    decisions = read(kind, exported(opened, Search(), kind))
    assert list(answers["model"]) == ["openai/gpt-4o-mini", "b"]
    assert (len(decisions), answers["cost_usd"].sum(), answers["cost_usd"].count()) == (3, 0.0000135, 1)
    assert (answers["score"].sum(), decisions["score"].sum()) == (1.0, 1.0)
    assert answers["routers"][0] == "p1, p2, p3"
    assert answers["prompt"][0] == "Prompt 1"


def test_csv_cells_that_a_spreadsheet_would_run() -> None:
    """An answer that is a formula is harmless by default in CSV alone, and exact where that is asked for."""
    opened = open_store(":memory:")
    text = '=HYPERLINK("http://x.example")'
    opened.write(Batch([a_prompt(1)], [a_decision(1)], [a_completion(1, text=text)]))
    assert read("csv", exported(opened, Search(), "csv"))["answer"][0] == f"'{text}"
    assert read("csv", exported(opened, Search(), "csv"))["cost_usd"][0] == 0.0000135
    for kind in ("jsonl", "parquet"):
        assert read(kind, exported(opened, Search(), kind))["answer"][0] == text
    file = BytesIO()
    write_log(opened, Search(), "csv", file, raw=True)
    assert read("csv", file.getvalue())["answer"][0] == text


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("per", PER)
def test_the_exported_log_can_be_judged(kind: str, per: Per, tmp_path: Path) -> None:
    """Its columns are read without a word about them: prompts, models, scores, costs."""
    opened = open_store(":memory:")
    for n in range(1, 9):
        arms = ("openai/gpt-4o-mini", "openai/gpt-4o")
        ids = {arm: 10 * n + place for place, arm in enumerate(arms)}
        decided = [
            a_decision(
                100 * n + place, prompt_id=ident(n), policy=policy, chosen=arm, completion_id=ident(ids[arm])
            )
            for place, (policy, arm) in enumerate(
                zip(("heuristic", "thompson", "classifier"), (*arms, arms[1]), strict=True)
            )
        ]
        calls = [a_completion(ids[arm], prompt_id=ident(n), arm=arm, model=arm) for arm in arms]
        judged = [an_outcome(10 * n + place, ids[arm], float(n % 2)) for place, arm in enumerate(arms)]
        opened.write(Batch([a_prompt(n)], decided, calls, judged))
    path = tmp_path / f"log.{kind}"
    path.write_bytes(exported(opened, Search(), kind, per))
    table = open_table(path)
    found = check(table, table.guess)
    assert [one.sentence for one in found.problems if one.blocks] == []
    assert found.prompts == 8
    assert set(found.models) == set(arms)
