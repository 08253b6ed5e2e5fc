"""JSON to columns of text: one object a line, or a list of objects; the line or entry that is broken is named.

One object with the rows inside is taken apart in json_documents.py.

Nothing is converted: a number is the text it is written back as, true is "true", what is nested is JSON.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa

from router_core.evaluation.files.csv_rows import Take
from router_core.evaluation.files.encodings import WithoutEnd, broken
from router_core.evaluation.files.files import DataFile, Stream
from router_core.evaluation.files.json_documents import lists_in, rows_of
from router_core.evaluation.files.limits import (
    LONGEST_ROW,
    MOST_COLUMNS,
    MOST_ROWS,
    DataFileError,
    too_many,
)
from router_core.evaluation.progress import Watch

_BATCH: Final = 5_000
_CHUNK: Final = 1 << 20  # characters
_DOCUMENT: Final = 2 * LONGEST_ROW  # characters of one object with all rows in it
_SPACE: Final = " \t\r\n"
_GAP: Final = re.compile(r"[ \t\r\n]*")
_COMMAS: Final = re.compile(r"[ \t\r\n,]*")

Row = tuple[int, int, dict[str, Any]]
"""The place of an object, from 1; how many characters it has; the object."""


def read_json(file: DataFile, codec: str, watch: Watch, take: Take) -> None:
    """Read all rows. A batch has the columns that were seen so far; a later one may have more behind them.

    Raises:
        DataFileError: not JSON (names the line or entry), no objects, too many names, or not in this encoding.
        CancelledError: nobody wants it any more.
    """
    names: dict[str, None] = {}
    try:
        with file.open() as stream:
            for some in _batches(_rows(file, codec, stream)):
                watch(stream.fraction, f"reading {file.name}")
                for _, _, row in some:
                    names |= dict.fromkeys(row)
                    if len(names) > MOST_COLUMNS:
                        raise DataFileError(
                            f"{file.name} has more than {MOST_COLUMNS:,} different names; give each row the same"
                        )
                take(pa.RecordBatch.from_arrays(_columns(file, some, list(names)), names=list(names)))
    except UnicodeDecodeError:
        raise broken(file, codec) from None
    except RecursionError:
        raise DataFileError(f"{file.name} is nested too deeply to be a table; give flat objects") from None
    if not names:
        raise DataFileError(f"{file.name} holds no objects; give one per prompt and model")


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """So many rows together, or fewer where they are long."""
    some: list[Row] = []
    size = 0
    for row in rows:
        some.append(row)
        size += row[1]
        if len(some) == _BATCH or size >= LONGEST_ROW:
            yield some
            some, size = [], 0
    if some:
        yield some


def _rows(file: DataFile, codec: str, stream: Stream) -> Iterator[Row]:
    text = io.TextIOWrapper(io.BufferedReader(WithoutEnd(stream, codec), 1 << 20), encoding=codec, newline="\n")
    line, blank, start = 1, 0, text.read(_CHUNK)
    while start and not (rest := start.lstrip(_SPACE)):
        line, blank, start = line + start.count("\n"), blank + len(start), text.read(_CHUNK)
        _check_gap(file, blank)
    if not start:
        return iter(())
    line += start.count("\n", 0, len(start) - len(rest))
    if rest[0] == "[":
        return _entries(file, text, rest[1:])
    rest = _first_line(text, rest)
    document, read = _document(text, rest) if rest[0] == "{" else (None, rest)
    if document is None:
        return _lines(file, text, line, read)
    return _inside(file, document, read)


def _first_line(text: io.TextIOWrapper, start: str) -> str:
    """What was read already, and more where the first line does not end in it."""
    parts, size = [start], len(start)
    while "\n" not in parts[-1] and size <= _DOCUMENT and (more := text.read(_CHUNK)):
        parts.append(more)
        size += len(more)
    return "".join(parts)


def _document(text: io.TextIOWrapper, start: str) -> tuple[dict[str, Any] | None, str]:
    """The whole text as one object, None where each line is one or it is none; and what was read."""
    first = start.partition("\n")[0]
    try:
        found = json.loads(first)
    except ValueError:  # it may go on in the next lines
        parts, size = [start], len(start)
        while size <= _DOCUMENT and (more := text.read(_CHUNK)):
            parts.append(more)
            size += len(more)
        start = "".join(parts)
        try:
            found = json.loads(start)
        except ValueError:
            return None, start
    else:
        start += text.read(_CHUNK)
        if start[len(first) :].strip() or len(start) > len(first) + _CHUNK:
            return None, start
    return found if isinstance(found, dict) else None, start


def _inside(file: DataFile, document: dict[str, Any], read: str) -> Iterator[Row]:
    """The rows in one object."""
    rows = rows_of(document)
    if rows is None:
        lists = lists_in(document)
        if "\n" in read.strip() or len(lists) > 1:
            what = "several lists of objects" if lists else "no list of objects"
            names = ", ".join(repr(name) for name in (lists or list(document))[:20])
            raise DataFileError(
                f"{file.name} is one object with {what} (in it: {names[:500]}); give the list of rows alone, or"
                " one object a line"
            )
        rows = [document]
    if len(rows) > MOST_ROWS:
        raise too_many(file.name, "rows", MOST_ROWS)
    return iter([(place, len(read) // len(rows), row) for place, row in enumerate(rows, start=1)])


def _lines(file: DataFile, text: io.TextIOWrapper, number: int, start: str) -> Iterator[Row]:
    """One object a line; ``start``: what was read already, from line ``number`` on."""
    ahead, most = io.StringIO(start, newline="\n"), number + MOST_ROWS
    while line := ahead.readline(LONGEST_ROW) or text.readline(LONGEST_ROW):
        if not line.endswith("\n") and len(line) < LONGEST_ROW:
            line += text.readline(LONGEST_ROW)  # it began in what was read already
        if len(line) > LONGEST_ROW or (len(line) == LONGEST_ROW and not line.endswith("\n")):
            raise _too_long(file, f"line {number:,}")
        if not line.isspace():
            yield number, len(line), _object(file, f"line {number:,}", line.strip())
        number += 1
        if number > most:
            raise too_many(file.name, "lines", MOST_ROWS)


def _entries(file: DataFile, text: io.TextIOWrapper, held: str) -> Iterator[Row]:
    """The entries of a list, read piece by piece: a long one never stands in memory as a whole."""
    decode = json.JSONDecoder().raw_decode
    at, number, blank = 0, 0, 0
    while True:
        gap = (_COMMAS if number else _GAP).match(held, at)
        assert gap is not None  # it may be empty
        blank, at = blank + gap.end() - at, gap.end()
        _check_gap(file, blank)
        if held.startswith("]", at):
            return
        place = f"entry {number + 1:,}"
        try:
            if at == len(held):
                raise json.JSONDecodeError("the list does not end", held, at)
            entry, end = decode(held, at)
        except ValueError as error:  # it may go on in the next piece
            more = text.read(max(_CHUNK, len(held) - at))
            if not more:
                raise _not_json(file, place, getattr(error, "msg", str(error)), held[at:]) from None
            held, at = held[at:] + more, 0
            if len(held) > 2 * LONGEST_ROW:
                raise _too_long(file, place) from None
            continue
        number, blank = number + 1, 0
        yield number, end - at, _checked(file, place, entry)
        at = end


def _check_gap(file: DataFile, blank: int) -> None:
    if blank > LONGEST_ROW:
        raise DataFileError(
            f"{file.name} has more than {LONGEST_ROW >> 20} million blank characters in a row; export it again"
        )


def _object(file: DataFile, place: str, text: str) -> dict[str, Any]:
    try:
        return _checked(file, place, json.loads(text))
    except ValueError as error:
        where = f", column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise _not_json(file, place, getattr(error, "msg", str(error)) + where, text) from None


def _checked(file: DataFile, place: str, found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise DataFileError(
            f'{file.name}: {place} is {str(found)[:60]!r}, not an object with names, such as {{"prompt": "...",'
            ' "model": "...", "score": 1}'
        )
    return found


def _not_json(file: DataFile, place: str, why: str, text: str) -> DataFileError:
    why = why.partition("; use sys")[0]  # the rest is advice for programmers
    return DataFileError(
        f"{file.name}: {place} is not JSON ({why}): {text[:60]!r}; give one object a line, or one list of objects"
    )


def _too_long(file: DataFile, place: str) -> DataFileError:
    return DataFileError(
        f"{file.name}: {place} is longer than {LONGEST_ROW >> 20} million characters or does not end; give one"
        " object a line, or one list of objects"
    )


def _columns(file: DataFile, rows: list[Row], names: list[str]) -> list[Any]:
    """A column of text for each name."""
    try:
        "".join(names).encode()
        return [
            pa.array([_text(row.get(name)) for _, _, row in rows], pa.string()).dictionary_encode()
            for name in names
        ]
    except UnicodeEncodeError:
        place = next(place for place, _, row in rows if not _whole(row))
        raise DataFileError(
            f"{file.name}: row {place:,} holds half a character (\\ud800 to \\udfff); correct the text"
        ) from None


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value or None
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else json.dumps(value, ensure_ascii=False)


def _whole(row: dict[str, Any]) -> bool:
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
