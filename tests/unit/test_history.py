"""The log as a file, in every format, and back."""

from __future__ import annotations

import json
from io import BytesIO, StringIO

import pandas as pd
import pytest

from router_core.errors import SettingsError
from router_core.history import FORMATS, decision_table, exported
from router_core.store import open_store
from router_core.store.base import Search, Store
from tests.store_rows import everything, ident


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
    table = read(kind, exported(store, Search(), kind))
    assert list(table["decision_id"]) == [ident(1), ident(2)]
    first, second = table.to_dict("records")
    assert 'O\'Brien; "quoted"' in first["answer"]
    assert "日本語" in first["messages"]
    assert (first["thumb"], first["input_tokens"], first["cost_usd"]) == (0.25, 7, 0.1)
    assert first["propensity"] == 0.1 + 0.2
    assert all(
        pd.isna(second[name]) for name in ("cost_usd", "decision_cost_usd", "thumb", "answer", "input_tokens")
    )
    assert second["error"] == "no answer"


def test_only_what_is_found(store: Store) -> None:
    """A search that finds nothing gives a file with columns and no rows."""
    assert len(decision_table(store, Search(goal="other"))) == 0
    assert exported(store, Search(goal="other"), "csv").decode().startswith("prompt_id,time,goal")


def test_unknown_format(store: Store) -> None:
    """Named, with those there are."""
    with pytest.raises(SettingsError, match="'xlsx' is no export format; choose one of csv, jsonl, parquet"):
        exported(store, Search(), "xlsx")
