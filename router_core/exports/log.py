"""The log as a file: a row per decision or per answer, with its prompt, its answer and what was thought of it.

Does not cover finding and reading (the store does it) and screens.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from io import BytesIO
from typing import IO, Any, Final, Literal

from router_core.csv_cells import harmless_table
from router_core.errors import SettingsError
from router_core.store.base import Per, Questions, Search

Format = Literal["csv", "jsonl", "parquet"]
FORMATS: Final[tuple[Format, ...]] = ("csv", "jsonl", "parquet")

_Writer = Generator[None, Any, None]
"""Is sent block after block, and closed."""

MOST_EXPORTED: Final = 100_000
"""Prompts in one file of the history page at most; ``router-core export`` knows no limit."""


def exported(store: Questions, search: Search, kind: str, per: Per = "decision") -> bytes:
    """The newest prompts found, at most ``MOST_EXPORTED``, as a file in memory; see ``write_log``."""
    buffer = BytesIO()
    write_log(store, search, kind, buffer, limit=MOST_EXPORTED, per=per)
    return buffer.getvalue()


def write_log(
    store: Questions,
    search: Search,
    kind: str,
    file: IO[bytes],
    *,
    limit: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
    per: Per = "decision",
    raw: bool = False,
) -> int:
    """Write the prompts found, newest first, block by block: memory does not grow with the log.

    Args:
        store: the log.
        search: which prompts.
        kind: "csv", "jsonl" (UTF-8) or "parquet". Unknown values are missing, never 0.
        file: where to; stays open.
        limit: so many prompts at most.
        per: what a row is, a decision or an answer; see ``Questions.log``.
        raw: leave CSV cells as they are that a spreadsheet would run as a formula; else they are prefixed with an
            apostrophe (``csv_cells.raw`` takes it away). The other formats are always exact.
        progress: called after each block with the number of prompts written so far.

    Returns:
        How many rows were written.

    Raises:
        SettingsError: the format is none of those.
        StoreError: the store cannot be read.
    """
    if kind not in FORMATS:
        raise SettingsError(f"{kind!r} is not an export format; choose one of {', '.join(FORMATS)}")
    rows, prompts = 0, 0
    write = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}[kind](file)
    write.send(None)
    for block in store.log(search, limit, per):
        write.send(harmless_table(block) if kind == "csv" and not raw else block)
        rows += block.num_rows
        prompts += len(block.column("prompt_id").unique())
        progress(prompts)
    write.close()
    return rows


def _csv(file: IO[bytes]) -> _Writer:
    from pyarrow import csv

    return _tables(lambda schema: csv.CSVWriter(file, schema))


def _parquet(file: IO[bytes]) -> _Writer:
    from pyarrow import parquet

    return _tables(lambda schema: parquet.ParquetWriter(file, schema))


def _tables(begin: Callable[[Any], Any]) -> _Writer:
    """``begin`` makes what writes tables of a schema."""
    writer = None
    try:
        while True:
            block = yield
            writer = writer or begin(block.schema)
            writer.write_table(block)
    finally:
        if writer is not None:
            writer.close()


def _jsonl(file: IO[bytes]) -> _Writer:
    while True:
        block = yield
        for batch in block.to_batches(max_chunksize=1_000):
            lines = (json.dumps(row, ensure_ascii=False, default=_text) for row in batch.to_pylist())
            file.write("".join(f"{line}\n" for line in lines).encode())


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
