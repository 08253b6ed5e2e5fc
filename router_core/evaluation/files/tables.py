"""A file of scored answers as a table of text, with its first rows and a guess of what its columns mean.

What is in it is judged in checking.py and made into numbers in cells.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from router_core.evaluation.files.apart import read_apart
from router_core.evaluation.files.csv_rows import Ragged
from router_core.evaluation.files.encodings import Encoding
from router_core.evaluation.files.files import located
from router_core.evaluation.files.guessing import guess_mapping
from router_core.evaluation.files.mapping import Mapping
from router_core.evaluation.files.nested import opened
from router_core.evaluation.files.rows import joined, read_rows
from router_core.evaluation.progress import Progress, Watch
from router_core.validation import short_hash

_HEAD: Final = 100  # rows
_SHOWN: Final = 300  # characters of a cell


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """All cells as text.

    ``name``: of the file; ``sha256``: of its bytes; ``encoding``: it was read as, None for Parquet; ``rows``: how
    many; ``head``: the first of them, long texts cut; ``guess``: what the columns most likely mean; ``ragged``:
    rows that do not have the header's number of cells, and are not among ``rows``; ``data``: the Arrow table,
    every column dictionary-encoded text, null where a cell is empty.
    """

    name: str
    sha256: str
    encoding: str | None
    columns: tuple[str, ...]
    rows: int
    head: tuple[dict[str, str | None], ...]
    guess: Mapping
    ragged: tuple[Ragged, ...]
    data: Any

    def number(self, row: int) -> int:
        """The number of a row in the file, from 1, where that row is ``row`` of ``data``, from 0."""
        number = row + 1
        for left_out in self.ragged:
            number += left_out.row <= number
        return number


def open_table(
    source: str | Path | bytes,
    *,
    name: str | None = None,
    encoding: Encoding = "utf-8",
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Table:
    """Read a file: CSV, JSON lines or a list of objects, or Parquet; packed with gzip or not.

    Args:
        source: a path, or the bytes of an upload.
        name: the file's name; obligatory with bytes.
        encoding: of CSV and JSON. UTF-16 is recognised by itself.
        progress: told the part of the file that has been read; may raise to stop.
        cancelled: asked now and then whether to stop.

    Raises:
        WrongEncodingError: the text is not in that encoding; says where.
        DataFileError: no such file, of a sort that is not read, broken, empty, a header without rows, or beyond a
            limit (limits.py).
        CancelledError: ``cancelled`` said so.
    """
    watch = Watch.of(progress, cancelled)
    watch(0.0, "looking at the file")
    file = located(source, name)
    batches: list[Any] = []
    if file.harmless:
        watch(0.0, f"reading {file.name}")
        found = read_rows(file, encoding, Watch(), batches.append)
    else:
        found = read_apart(file, encoding, watch, batches.append)
    data = joined(batches)
    data = opened(data.rename_columns(_unique(data.column_names)))
    sample = _sample(data)
    head = [{column: text and text[:_SHOWN] for column, text in row.items()} for row in sample]
    columns = tuple(data.column_names)
    sha256 = file.sha256(watch)
    watch(1.0, f"read {data.num_rows:,} rows")
    return Table(
        name=file.name,
        sha256=sha256,
        encoding=found.encoding,
        columns=columns,
        rows=data.num_rows,
        head=tuple(head),
        guess=guess_mapping(columns, sample),
        ragged=found.ragged,
        data=data,
    )


def _sample(data: Any) -> list[dict[str, str | None]]:
    """The first rows; of a long text its beginning, and a fingerprint so that different ones stay different."""
    columns = {}
    for name, column in zip(data.column_names, data.slice(0, _HEAD).columns, strict=True):
        texts: list[str | None] = []
        for chunk in column.chunks:
            codes = chunk.indices.to_pylist()
            known = {code: _marked(chunk.dictionary[code].as_py()) for code in {*codes} - {None}}
            texts += [known.get(code) for code in codes]
        columns[name] = texts
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _marked(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} {short_hash(text)}"


def _unique(names: list[str]) -> list[str]:
    """The names of columns, each once and none empty."""
    made: dict[str, None] = {}
    counts: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        plain = wanted = name.strip() or f"column {place}"
        while wanted in made:
            counts[plain] = counts.get(plain, 1) + 1
            wanted = f"{plain} ({counts[plain]})"
        made[wanted] = None
    return list(made)
