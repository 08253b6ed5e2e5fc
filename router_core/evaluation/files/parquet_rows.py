"""Parquet to columns of text, as from the other sorts of files.

Leaves out types: a number is the shortest text that gives it back.
"""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from router_core.evaluation.files.csv_rows import TEXT
from router_core.evaluation.files.files import MAX_BYTES, DataFile, DataFileError, too_large
from router_core.evaluation.progress import Watch

_BATCH = 1 << 16


def read_parquet(file: DataFile, watch: Watch) -> Any:
    """All rows as an Arrow table of text.

    Raises:
        DataFileError: damaged, too large, or without rows.
        CancelledError: nobody wants it any more.
    """
    import pyarrow.parquet as arrow_parquet

    batches, size, done = [], 0, 0
    try:
        with _seekable(file) as place, arrow_parquet.ParquetFile(place) as reader:
            rows, names = reader.metadata.num_rows, reader.schema_arrow.names
            for batch in reader.iter_batches(_BATCH):
                watch(done / max(1, rows), f"reading {file.name}")
                columns = [_text(column) for column in batch.columns]
                size += sum(column.nbytes for column in columns)
                if size > MAX_BYTES:
                    raise too_large(file.name)
                batches.append(pa.RecordBatch.from_arrays(columns, names=names))
                done += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise DataFileError(
            f"{file.name} is a damaged Parquet file ({str(error)[:200]}); export it again"
        ) from None
    if not done:
        raise DataFileError(f"{file.name} has columns and no rows; give a row per prompt and model")
    return pa.Table.from_batches(batches)


def _seekable(file: DataFile) -> Any:
    """Parquet is read from its end: packed once more with gzip, it is unpacked in memory first."""
    if file.packed:
        with file.open() as stream:
            return pa.BufferReader(io.BufferedReader(stream).read())
    return pa.BufferReader(file.origin) if isinstance(file.origin, bytes) else pa.OSFile(str(file.origin))


def _text(column: Any) -> Any:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        column = pa.array([None if one is None else _json(one) for one in column.to_pylist()], pa.string())
    text = column.cast(pa.string())
    return pc.if_else(pc.equal(text, ""), None, text).dictionary_encode().cast(TEXT)


def _json(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else json.dumps(value, default=str)
