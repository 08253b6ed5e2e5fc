"""How much of a file of scored answers is read: bytes, rows, cells, columns, memory and seconds.

A file of a few hundred kilobytes can be made so that it unpacks to gigabytes. Reading stops at the first limit
that is reached, with a sentence that names it. Every limit is far above what a comparison of models needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pyarrow as pa

from router_core.errors import EvaluationError

MAX_BYTES: Final = 2_000_000_000
"""Most bytes of a file, as it is given and unpacked."""

MOST_ROWS: Final = 2_000_000
"""Most rows, blank lines of JSON included."""

MOST_CELLS: Final = 20_000_000
"""Most rows times columns."""

MOST_COLUMNS: Final = 1_000

LONGEST_ROW: Final = 1 << 24
"""Most bytes (of JSON, characters) of one row, and of blank space in a row."""

LONGEST_HEADER: Final = 1 << 16
"""Most bytes of the first row of a CSV file."""

PACKED_PARQUET: Final = 256 << 20
"""Most bytes of a Parquet file that is packed once more with gzip: it is unpacked in memory."""

MEMORY: Final = 700 << 20
"""Most bytes that reading may take, beside what the interpreter and its libraries take."""

SMALL: Final = 256 << 10
"""Most bytes of text that are read at once and here: they can do no harm, however they are made."""

_HELD: Final = 512 << 20
_SECONDS: Final = 2.5
_BYTES_PER_SECOND: Final = 4_000_000


class DataFileError(EvaluationError):
    """A file of scored answers cannot be read; the sentence says why and what to do."""


def is_harmless(size: int) -> bool:
    """Whether a text of so many bytes is too small to do harm."""
    return size <= SMALL


def most_held(size: int) -> int:
    """Most bytes of the table made of a file of so many bytes."""
    return size + _HELD


def most_seconds(size: int) -> float:
    """Most time of the processor for a file of so many bytes; some ten times what reading it takes."""
    return _SECONDS + size / _BYTES_PER_SECOND


def too_large(name: str, most: int = MAX_BYTES) -> DataFileError:
    """What is said of a file with more bytes than are read."""
    amount = f"{most / 1e9:.0f} GB" if most >= 1e9 else f"{most / 1e6:,.0f} MB"
    return DataFileError(
        f"{name} holds more than {amount}; that is the most that is read: take a sample of prompts"
    )


def too_many(name: str, what: str, most: int) -> DataFileError:
    """What is said of a file with more rows, cells or the like than are read."""
    return DataFileError(
        f"{name} has more than {most:,} {what}; that is the most that is read: take a sample of prompts, and"
        " only the columns that are needed"
    )


def too_long(name: str, seconds: float) -> DataFileError:
    """What is said of a file that takes too much time."""
    return DataFileError(
        f"{name} was not read within {seconds:.0f} s, which is far more than a file of its size takes; export it"
        " again as plain CSV, with a sample of prompts"
    )


def out_of_memory(name: str) -> DataFileError:
    """What is said of a file that takes too much memory."""
    return DataFileError(
        f"{name} takes more memory than a file of its size should ({MEMORY / 1e6:,.0f} MB); export it again as"
        " plain CSV, with a sample of prompts"
    )


@contextmanager
def enough_memory(name: str) -> Iterator[None]:
    """While a table is put in order: what does not fit into memory, or into an Arrow array, is a sentence.

    Raises:
        DataFileError: it does not fit.
    """
    try:
        yield
    except (MemoryError, pa.ArrowInvalid, pa.ArrowCapacityError) as error:
        why = str(error)[:100] or "out of memory"
        raise DataFileError(
            f"{name} is too large to compare in memory ({why}); take a sample of prompts"
        ) from None
