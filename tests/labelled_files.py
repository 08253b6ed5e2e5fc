"""Small files of labelled answers, in every format, so that a test states only what it is about."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as arrow_parquet

from router_core.evaluation.files.tables import Table, open_table

Rows = Sequence[Mapping[str, Any]]

CHEAP, STRONG = "gpt-4o-mini", "gpt-4o"

_SPAM = {"prompt_id": "007", "task": "spam", "prompt": "Is this\nspam?"}
_OTHER = {"prompt_id": "1e3", "task": "", "prompt": 'Say "ö", please; or 日本'}
ROWS: Rows = [
    {**_SPAM, "model": CHEAP, "score": "1", "response": "No."},
    {**_SPAM, "model": STRONG, "score": "0.5", "response": "“No”"},
    {**_OTHER, "model": CHEAP, "score": "0", "response": ""},
    {**_OTHER, "model": STRONG, "score": "1", "response": "ö"},
]
"""Two prompts, two models; awkward ids and texts, one answer without text."""


def as_csv(rows: Rows, delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    """A CSV file."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def as_lines(rows: Rows) -> bytes:
    """JSON, an object a line; what is empty is null."""
    return "".join(json.dumps(_nulls(row), ensure_ascii=False) + "\n" for row in rows).encode()


def as_list(rows: Rows) -> bytes:
    """JSON, a list of objects; what is empty is left out."""
    return json.dumps([{name: one for name, one in row.items() if one != ""} for row in rows], indent=1).encode()


def as_parquet(rows: Rows) -> bytes:
    """Parquet; what is empty is null."""
    return parquet_of(pa.Table.from_pylist([_nulls(row) for row in rows]))


def parquet_of(table: Any) -> bytes:
    """An Arrow table as a Parquet file."""
    out = io.BytesIO()
    arrow_parquet.write_table(table, out)
    return out.getvalue()


FILES = {
    "f.csv": as_csv,
    "semicolons.csv": lambda rows: as_csv(rows, ";"),
    "f.tsv": lambda rows: as_csv(rows, "\t"),
    "f.csv.gz": lambda rows: gzip.compress(as_csv(rows), mtime=0),
    "packed without saying so.csv": lambda rows: gzip.compress(as_csv(rows), mtime=0),
    "not packed.csv.gz": as_csv,
    "f.jsonl": as_lines,
    "f.ndjson.gz": lambda rows: gzip.compress(as_lines(rows), mtime=0),
    "lines.json": as_lines,
    "f.json": as_list,
    "list.jsonl": as_list,
    "f.parquet": as_parquet,
    "f.PARQUET.GZ": lambda rows: gzip.compress(as_parquet(rows), mtime=0),
    "parquet inside.csv": as_parquet,
}
"""File name -> what makes it of rows."""


def a_table(rows: Rows | str, name: str = "f.csv") -> Table:
    """A table of rows, or of the text of a CSV file."""
    return open_table(rows.encode() if isinstance(rows, str) else as_csv(rows), name=name)


def _nulls(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if one == "" else one for name, one in row.items()}
