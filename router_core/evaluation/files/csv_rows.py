"""CSV to columns of text: quoted line breaks, commas, semicolons or tabs, and what is wrong with a file.

Nothing is converted: "007" stays "007". An empty cell is null. Every column is dictionary-encoded.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as arrow_csv

from router_core.evaluation.files.encodings import Utf8, WithoutEnd, broken
from router_core.evaluation.files.files import DataFile
from router_core.evaluation.files.limits import LONGEST_HEADER, LONGEST_ROW, MOST_COLUMNS, DataFileError
from router_core.evaluation.progress import Watch

TEXT: Final = pa.dictionary(pa.int32(), pa.string())

Take = Callable[[Any], None]
"""Called with each piece of the rows: an Arrow record batch, every column of TEXT."""

_DELIMITERS: Final = ",;\t"
_SEPARATOR: Final = re.compile(r"\"?sep=([^\s\"]|\t)\"?\r?\n", re.I)
_NO_ROWS: Final = "{} has a header and no rows; give a row per prompt and model below it"
_MOST_RAGGED: Final = 1_000  # more, and it is not some rows that are broken but the reading
_RAGGED_SHOWN: Final = 200  # characters


@dataclass(frozen=True, slots=True)
class Ragged:
    """A row with too few or too many cells. ``row``: its number, the first below the header is 1."""

    row: int
    cells: int
    expected: int
    text: str


def read_csv(file: DataFile, codec: str, watch: Watch, take: Take) -> tuple[Ragged, ...]:
    """Read all rows but those that are ragged; these are returned.

    Raises:
        DataFileError: no rows, too many columns, not CSV, or not in this encoding.
        CancelledError: nobody wants it any more.
    """
    head = file.head(LONGEST_HEADER).decode(codec, "replace").lstrip()
    if not head:
        raise DataFileError(f"{file.name} holds nothing but empty lines; give a header and rows")
    said = _SEPARATOR.match(head)  # what a line above the header says, as Excel writes and reads it
    delimiter = said[1] if said else _delimiter(file, head)
    above = int(said is not None)
    ragged: list[Ragged] = []
    last: Any = None

    def odd(row: Any) -> str:
        ragged.append(
            Ragged(
                (row.number or 1) - 1 - above, row.actual_columns, row.expected_columns, row.text[:_RAGGED_SHOWN]
            )
        )
        return "skip" if len(ragged) <= _MOST_RAGGED else "error"

    try:
        with file.open() as stream:
            text = WithoutEnd(stream, codec)
            checked = Utf8(text, file) if codec == "utf-8-sig" else text  # others are decoded by Python anyway
            reader = arrow_csv.open_csv(
                pa.PythonFile(checked, "r"),
                # one thread: with several, a broken row has no number, and on small machines it is no faster
                read_options=arrow_csv.ReadOptions(
                    block_size=LONGEST_ROW,
                    use_threads=False,
                    encoding=codec.removesuffix("-sig"),
                    skip_rows=above,
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=delimiter, newlines_in_values=True, invalid_row_handler=odd
                ),
                convert_options=arrow_csv.ConvertOptions(
                    default_column_type=TEXT, strings_can_be_null=True, null_values=[""]
                ),
            )
            for batch in reader:
                watch(stream.fraction, f"reading {file.name}")
                take(batch)
                last = batch if batch.num_rows else last
            if last is None and ragged:
                take(pa.RecordBatch.from_pylist([], reader.schema))
            if last is not None:
                _check_end(file, last, text)
    except UnicodeError:
        raise broken(file, codec) from None
    except pa.ArrowInvalid as error:
        raise _refusal(file, str(error), ragged) from None
    if last is None and not ragged:
        raise DataFileError(_NO_ROWS.format(file.name))
    return tuple(ragged)


def _delimiter(file: DataFile, head: str) -> str:
    """That which gives the header most columns.

    Raises:
        DataFileError: these are too many.
    """

    def columns(delimiter: str) -> int:
        try:
            return len(next(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter), ()))
        except csv.Error:
            return 0

    found = {delimiter: columns(delimiter) for delimiter in _DELIMITERS}
    best = max(found, key=found.__getitem__)
    if found[best] > MOST_COLUMNS:
        raise DataFileError(
            f"{file.name} has {found[best]:,} columns; at most {MOST_COLUMNS:,} are read: leave out those that are"
            " not needed"
        )
    return best


def _check_end(file: DataFile, batch: Any, text: WithoutEnd) -> None:
    """A quotation mark that is never closed makes one cell of all that follows."""
    last = batch.column(batch.num_columns - 1)[batch.num_rows - 1].as_py()
    tail = text.tail.replace(b"\0", b"").rstrip()  # without the zeros of UTF-16
    if last is not None and "\n" in last and not tail.endswith(b'"'):
        raise DataFileError(
            f"{file.name}: the quotation mark before {last[:60]!r} is never closed and makes one cell of all that"
            ' follows; close it, or write it twice ("") if it is part of the text'
        )


def _refusal(file: DataFile, said: str, ragged: list[Ragged]) -> DataFileError:
    if "Empty CSV" in said:
        return DataFileError(_NO_ROWS.format(file.name))
    if "straddling" in said:
        return DataFileError(
            f"{file.name} has a row of more than {LONGEST_ROW >> 20} MB; most likely a quotation mark is never"
            ' closed: close it, or write it twice ("") if it is part of the text'
        )
    if len(ragged) > _MOST_RAGGED:
        first = ragged[0]
        return DataFileError(
            f"{file.name}: more than {_MOST_RAGGED:,} rows do not have the {first.expected} cells of the header;"
            f" row {first.row:,} has {first.cells}: {first.text[:60]!r}. Separate cells by commas, semicolons or"
            " tabs, and quote those that hold one"
        )
    return DataFileError(f"{file.name} cannot be read as CSV ({said[:200]}); export it again")
