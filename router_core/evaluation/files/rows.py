"""The rows of a file of scored answers, whatever its format, within the limits; in this process.

``apart.py`` runs this in a process of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from router_core.errors import RouterError
from router_core.evaluation.files.csv_rows import Ragged, Take, read_csv
from router_core.evaluation.files.encodings import Encoding, codec
from router_core.evaluation.files.files import Located, data_file
from router_core.evaluation.files.json_rows import read_json
from router_core.evaluation.files.limits import (
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_ROWS,
    DataFileError,
    out_of_memory,
    too_many,
)
from router_core.evaluation.files.parquet_rows import read_parquet
from router_core.evaluation.progress import Watch


@dataclass(frozen=True, slots=True)
class Read:
    """What was found beside the rows: the ``encoding`` they were read as, None for Parquet; the ragged rows."""

    encoding: str | None
    ragged: tuple[Ragged, ...] = ()


def read_rows(place: Located, encoding: Encoding, watch: Watch, take: Take) -> Read:
    """Read a file, batch by batch.

    Args:
        place: the file.
        encoding: of CSV and JSON; UTF-16 is recognised by itself.
        watch: told the part of the file that has been read; stops it.
        take: called with each batch (see ``joined``).

    Raises:
        WrongEncodingError: the text is not in that encoding; says where.
        DataFileError: of a sort that is not read, broken, empty, or beyond a limit.
        CancelledError: the watch said so.
    """
    rows = cells = 0

    def counted(batch: Any) -> None:
        nonlocal rows, cells
        rows, cells = rows + batch.num_rows, cells + batch.num_rows * batch.num_columns
        for count, most, what in ((rows, MOST_ROWS, "rows"), (cells, MOST_CELLS, "cells")):
            if count > most:
                raise too_many(place.name, what, most)
        if batch.num_columns > MOST_COLUMNS:
            raise too_many(place.name, "columns", MOST_COLUMNS)
        take(batch)

    try:
        file = data_file(place)
        if file.format == "parquet":
            read_parquet(file, watch, counted)
            return Read(None)
        used = codec(file, encoding)
        ragged: tuple[Ragged, ...] = ()
        if file.format == "csv":
            ragged = read_csv(file, used, watch, counted)
        else:
            read_json(file, used, watch, counted)
        return Read(used.removesuffix("-sig"), ragged)
    except RouterError:
        raise
    except MemoryError:
        raise out_of_memory(place.name) from None
    except (pa.ArrowException, ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise DataFileError(
            f"{place.name} cannot be read ({type(error).__name__}: {str(error)[:200]}); export it again"
        ) from None


def joined(batches: list[Any]) -> Any:
    """One Arrow table of all batches; a column that begins in a later one is null before it."""
    names = batches[-1].schema.names
    columns = [
        pa.chunked_array(
            [
                batch.column(place)
                if place < batch.num_columns
                else pa.nulls(batch.num_rows, batch.schema.field(0).type)
                for batch in batches
            ],
            batches[-1].schema.field(place).type,
        )
        for place in range(len(names))
    ]
    return pa.Table.from_arrays(columns, names=names)
