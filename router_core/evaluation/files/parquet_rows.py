"""Parquet to columns of text, as from the other sorts of files.

Nothing is converted: a number is the shortest text that gives it back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from router_core.evaluation.files.csv_rows import TEXT, Take
from router_core.evaluation.files.files import DataFile
from router_core.evaluation.files.limits import (
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_ROWS,
    PACKED_PARQUET,
    DataFileError,
    too_large,
    too_many,
)
from router_core.evaluation.progress import Watch

_BATCH: Final = 1 << 13  # rows
_PIECE: Final = 1 << 20  # bytes


def read_parquet(file: DataFile, watch: Watch, take: Take) -> None:
    """Read all rows.

    Raises:
        DataFileError: damaged, too large, a text that is not UTF-8, or without rows.
        CancelledError: nobody wants it any more.
    """
    done = 0
    try:
        with _opened(file) as reader:
            rows, names = reader.metadata.num_rows, reader.schema_arrow.names
            _check_size(file, rows, len(names))
            for batch in reader.iter_batches(_BATCH, use_threads=False):
                watch(done / max(1, rows), f"reading {file.name}")
                columns = [_column(file, name, one) for name, one in zip(names, batch.columns, strict=True)]
                take(pa.RecordBatch.from_arrays(columns, names=names))
                done += batch.num_rows
    except pa.ArrowMemoryError:  # an ArrowException, too, and told where memory is limited
        raise
    except (pa.ArrowException, OSError) as error:
        raise DataFileError(
            f"{file.name} is a damaged Parquet file ({str(error)[:200]}); export it again"
        ) from None
    if not done:
        raise DataFileError(f"{file.name} has columns and no rows; give a row per prompt and model")


def _check_size(file: DataFile, rows: int, columns: int) -> None:
    if columns > MOST_COLUMNS:
        raise too_many(file.name, "columns", MOST_COLUMNS)
    if rows > MOST_ROWS:
        raise too_many(file.name, "rows", MOST_ROWS)
    if rows * columns > MOST_CELLS:
        raise too_many(file.name, "cells", MOST_CELLS)


@contextmanager
def _opened(file: DataFile) -> Iterator[Any]:
    """Texts are left as the dictionaries that the file holds: one that is repeated stands in memory once."""
    import pyarrow.parquet as arrow_parquet

    with _seekable(file) as place:
        texts = [field.name for field in arrow_parquet.read_schema(place) if _is_text(field.type)]
        place.seek(0)
        with arrow_parquet.ParquetFile(place, read_dictionary=texts, buffer_size=_PIECE) as reader:
            yield reader


@contextmanager
def _seekable(file: DataFile) -> Iterator[Any]:
    """Parquet is read from its end: packed once more with gzip, it is unpacked in memory first."""
    if not file.packed:
        with file.located.raw() as raw:
            yield pa.PythonFile(raw, "r")
        return
    found = bytearray()
    with file.open() as stream:
        while piece := stream.read(_PIECE):
            found += piece
            if len(found) > PACKED_PARQUET:
                raise too_large(file.name, PACKED_PARQUET)
    yield pa.BufferReader(found)


def _column(file: DataFile, name: str, column: Any) -> Any:
    """The column as texts in a dictionary; what is empty is null."""
    if not isinstance(column, pa.DictionaryArray):
        return _texts(file, name, column).dictionary_encode().cast(TEXT)
    values = _texts(file, name, column.dictionary).dictionary_encode()
    codes = values.indices.take(column.indices)
    return pa.DictionaryArray.from_arrays(codes, values.dictionary).cast(TEXT)


def _texts(file: DataFile, name: str, column: Any) -> Any:
    kind = column.type
    if _is_text(kind) and not _is_binary(kind):
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            raise DataFileError(
                f"{file.name} holds bytes in the column {name!r} that are not UTF-8; export it again as UTF-8"
            ) from None
    if pa.types.is_nested(kind) or _is_binary(kind):
        column = pa.array([None if one is None else _json(one) for one in column.to_pylist()], pa.string())
    text = column.cast(pa.string())
    return pc.if_else(pc.equal(text, ""), None, text)


def _is_binary(kind: Any) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind))


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or _is_binary(kind))


def _json(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else json.dumps(value, default=str)
