"""Columns that hold JSON objects, as evaluation tools write them: what is in them becomes columns of its own.

Only columns under names that such tools use are opened, only single values are taken, and the column itself stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa

from router_core.evaluation.files.limits import MOST_CELLS, MOST_COLUMNS

_NAMES: Final = frozenset(
    {
        "prompt", "provider", "model", "response", "output", "usage", "tokenusage", "doc", "scores", "score",
        "metrics", "grades", "named_scores", "namedscores", "vars",
    }
)  # fmt: skip
_HEAD: Final = 100  # values that say what is in a column
_MOST: Final = 20  # columns made of one
_DEEP: Final = 3


def opened(data: Any) -> Any:
    """The Arrow table, with columns such as "prompt.raw" and "scores.quality" at its end."""
    for name in data.column_names:
        if name.strip().lower() not in _NAMES:
            continue
        paths = _paths(data.column(name))
        for path in paths:
            wide = data.num_columns + 1
            if wide > MOST_COLUMNS or wide * data.num_rows > MOST_CELLS:
                return data
            made = ".".join((name, *path))
            if made not in data.column_names:
                data = data.append_column(made, _taken(data.column(name), path))
    return data


def _paths(column: Any) -> list[tuple[str, ...]]:
    """Where the single values are in a column of objects; none where any of the first cells is no object."""
    head = [text for text in column.slice(0, _HEAD).to_pylist() if text is not None]
    found: dict[tuple[str, ...], None] = {}
    for text in head:
        value = _read(text)
        if not isinstance(value, dict):
            return []
        found |= dict.fromkeys(_leaves(value, ()))
    return list(found) if len(found) <= _MOST else []


def _leaves(value: dict[str, Any], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, inner in value.items():
        path = (*above, name)
        if isinstance(inner, dict) and len(path) < _DEEP:
            yield from _leaves(inner, path)
        elif _single(inner) is not None:
            yield path


def _taken(column: Any, path: tuple[str, ...]) -> Any:
    """The value at a path of every cell, null where there is none."""
    chunks = []
    for chunk in column.chunks:
        values = pa.array([_at(_read(text), path) for text in chunk.dictionary.to_pylist()], pa.string())
        chunks.append(values.take(chunk.indices).dictionary_encode())
    return pa.chunked_array(chunks, pa.dictionary(pa.int32(), pa.string()))


def _at(value: Any, path: tuple[str, ...]) -> str | None:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return _single(value)


def _single(value: Any) -> str | None:
    """A value as text; of a list that holds one value, this. None for what is empty, nested or of several."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return json.dumps(value)
    return value or None if isinstance(value, str) else None


def _read(text: str) -> Any:
    if not text.lstrip().startswith("{"):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
