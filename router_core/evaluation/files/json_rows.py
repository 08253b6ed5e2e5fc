"""JSON to columns of text: one object a line, or a list of objects; the line or entry that is broken is named.

Leaves out types: a number is the text it is written back as, true is "true", what is nested is JSON.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import pyarrow as pa

from router_core.evaluation.files.csv_rows import LONGEST_ROW, TEXT
from router_core.evaluation.files.encodings import broken
from router_core.evaluation.files.files import DataFile, DataFileError, Stream
from router_core.evaluation.progress import Watch

MOST_COLUMNS: Final = 1_000
_BATCH: Final = 5_000
_CHUNK: Final = 1 << 20  # characters
_SPACE: Final = " \t\r\n"

Rows = Iterator[tuple[int, dict[str, Any]]]
"""The place of each object, from 1, and the object."""


def read_json(file: DataFile, codec: str, watch: Watch) -> Any:
    """All rows as an Arrow table of text.

    Raises:
        DataFileError: not JSON (names the line or entry), no objects, or not in this encoding.
        CancelledError: nobody wants it any more.
    """
    batches: list[tuple[int, dict[str, Any]]] = []
    names: dict[str, None] = {}
    try:
        with file.open() as stream:
            rows = _rows(file, codec, stream)
            while some := list(islice(rows, _BATCH)):
                watch(stream.fraction, f"reading {file.name}")
                names |= dict.fromkeys(name for _, row in some for name in row)
                if len(names) > MOST_COLUMNS:
                    raise DataFileError(
                        f"{file.name} has {len(names):,} different names; give each row the same ones"
                    )
                batches.append((len(some), _columns(file, some)))
    except UnicodeDecodeError:
        raise broken(file, codec) from None
    except RecursionError:
        raise DataFileError(f"{file.name} is nested too deeply to be a table; give flat objects") from None
    if not batches:
        raise DataFileError(f"{file.name} holds no objects; give one per prompt and model")
    columns = [
        pa.chunked_array(
            [batch[name] if name in batch else pa.nulls(count, TEXT) for count, batch in batches], TEXT
        )
        for name in names
    ]
    return pa.Table.from_arrays(columns, names=list(names))


def _rows(file: DataFile, codec: str, stream: Stream) -> Rows:
    text = io.TextIOWrapper(io.BufferedReader(stream, 1 << 20), encoding=codec, newline="\n")
    start = ""
    while (piece := text.read(1)) and piece in _SPACE:
        start += piece
    if piece == "[":
        return _entries(file, text)
    return _lines(file, text, start.count("\n") + 1, piece)


def _lines(file: DataFile, text: io.TextIOWrapper, number: int, start: str) -> Rows:
    """One object a line; ``start``: the first character, which stands in line ``number``."""
    while line := start + text.readline(LONGEST_ROW):
        if len(line) > LONGEST_ROW:
            raise _too_long(file, f"line {number:,}")
        if not line.isspace():
            yield number, _object(file, f"line {number:,}", line.strip())
        number, start = number + 1, ""


def _entries(file: DataFile, text: io.TextIOWrapper) -> Rows:
    """The entries of a list, read piece by piece: a long one never stands in memory as a whole."""
    decode = json.JSONDecoder().raw_decode
    held, at, number = "", 0, 0
    while True:
        while at < len(held) and (held[at] in _SPACE or (held[at] == "," and number)):
            at += 1
        if at < len(held) and held[at] == "]":
            return
        place = f"entry {number + 1:,}"
        try:
            if at == len(held):
                raise json.JSONDecodeError("the list does not end", held, at)
            entry, at = decode(held, at)
        except ValueError as error:  # it may go on in the next piece
            more = text.read(max(_CHUNK, len(held) - at))
            if not more:
                raise _not_json(file, place, getattr(error, "msg", str(error)), held[at:]) from None
            held, at = held[at:] + more, 0
            if len(held) > 2 * LONGEST_ROW:
                raise _too_long(file, place) from None
            continue
        number += 1
        yield number, _checked(file, place, entry)


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


def _columns(file: DataFile, rows: list[tuple[int, dict[str, Any]]]) -> dict[str, Any]:
    """Name -> column of text."""
    names = dict.fromkeys(name for _, row in rows for name in row)
    columns = {name: [_text(row.get(name)) for _, row in rows] for name in names}
    try:
        "".join(names).encode()
        return {name: pa.array(column, pa.string()).dictionary_encode() for name, column in columns.items()}
    except UnicodeEncodeError:
        place = next(place for place, row in rows if not _whole(row))
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
