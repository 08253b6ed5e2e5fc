"""A file of labelled answers as a table of text, with its first rows and a guess of what its columns mean.

Leaves out judging what is in it (checking.py) and making numbers of it (cells.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from router_core.evaluation.files.csv_rows import Ragged, read_csv
from router_core.evaluation.files.encodings import Encoding, codec
from router_core.evaluation.files.files import DataFileError, data_file
from router_core.evaluation.files.json_rows import MOST_COLUMNS, read_json
from router_core.evaluation.files.mapping import Mapping, guess_mapping
from router_core.evaluation.files.parquet_rows import read_parquet
from router_core.evaluation.progress import Progress, Watch

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
        DataFileError: no such file, of a sort that is not read, broken, empty, or a header without rows.
        CancelledError: ``cancelled`` said so.
    """
    watch = Watch.of(progress, cancelled)
    watch(0.0, "looking at the file")
    file = data_file(source, name)
    used = None if file.format == "parquet" else codec(file, encoding)
    ragged: tuple[Ragged, ...] = ()
    if used is None:
        data = read_parquet(file, watch)
    elif file.format == "csv":
        data, ragged = read_csv(file, used, watch)
    else:
        data = read_json(file, used, watch)
    if data.num_columns > MOST_COLUMNS:
        raise DataFileError(
            f"{file.name} has {data.num_columns:,} columns; at most {MOST_COLUMNS:,} are read: leave out those"
            " that are not needed"
        )
    data = data.rename_columns(_unique(data.column_names))
    sample = data.slice(0, _HEAD).to_pylist()
    head = [{column: text and text[:_SHOWN] for column, text in row.items()} for row in sample]
    columns = tuple(data.column_names)
    watch(1.0, f"read {data.num_rows:,} rows")
    return Table(
        name=file.name,
        sha256=file.sha256,
        encoding=None if used is None else used.removesuffix("-sig"),
        columns=columns,
        rows=data.num_rows,
        head=tuple(head),
        guess=guess_mapping(columns, sample),
        ragged=ragged,
        data=data,
    )


def _unique(names: list[str]) -> list[str]:
    """The names of columns, each once and none empty."""
    made: list[str] = []
    for place, name in enumerate(names, start=1):
        plain = wanted = name.strip() or f"column {place}"
        count = 1
        while wanted in made:
            count += 1
            wanted = f"{plain} ({count})"
        made.append(wanted)
    return made
