"""JSON that is one object with the rows somewhere inside: a list under a name, or a table by columns or by rows.

The forms are those of pandas' ``to_json`` (docs: "orient") and of tools that write their rows beside a summary.
Rows as a list, or one a line, are read in json_rows.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

Rows = list[dict[str, Any]]

_USUAL: Final = ("results", "data", "rows", "records", "items", "examples", "samples", "answers", "predictions")
_DEEP: Final = 3
_COLUMNS: Final = {"prompt", "question", "query", "input"}


def rows_of(document: dict[str, Any]) -> Rows | None:
    """The rows in a document; None where it holds none in a form that is known."""
    for form in (_split, _listed, _by_label, _by_name):
        rows = form(document) if document else None
        if rows:
            return rows
    return None


def lists_in(document: dict[str, Any]) -> list[str]:
    """The names of the lists of objects in it, such as "results.rows"."""
    return [".".join(path) for path, _ in _lists(document, ())]


def _split(document: dict[str, Any]) -> Rows | None:
    """Names under "columns", and under "data" a list of values for each row."""
    names, data = document.get("columns"), document.get("data")
    if not isinstance(names, list) or not isinstance(data, list) or not data:
        return None
    if not all(isinstance(row, list) and len(row) == len(names) for row in data):
        return None
    return [dict(zip(map(str, names), row, strict=True)) for row in data]


def _listed(document: dict[str, Any]) -> Rows | None:
    """The one list of objects, or the one under a usual name that is least deep."""
    found = list(_lists(document, ()))
    if len(found) > 1 or (found and _COLUMNS & {name.lower() for name in document}):
        found = [one for one in found if one[0][-1].lower() in _USUAL]
        found.sort(key=lambda one: (len(one[0]), _USUAL.index(one[0][-1].lower())))
    return found[0][1] if found else None


def _lists(value: dict[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Rows]]:
    for name, inner in value.items():
        path = (*above, name)
        if isinstance(inner, list) and inner and all(isinstance(one, dict) for one in inner):
            if above or name != "schema":
                yield path, inner
        elif isinstance(inner, dict) and len(path) < _DEEP and name != "schema":
            yield from _lists(inner, path)


def _by_label(document: dict[str, Any]) -> Rows | None:
    """Objects that all have the same names: the columns, each by the rows' labels, or the rows under theirs."""
    inner = list(document.values())
    if not all(isinstance(one, dict) and one and one.keys() == inner[0].keys() for one in inner):
        return None
    if all(label.isdigit() for label in document):
        return inner
    if all(label.isdigit() for label in inner[0]) or _COLUMNS & {name.lower() for name in document}:
        return [{name: column[label] for name, column in document.items()} for label in inner[0]]
    return inner if _COLUMNS & {name.lower() for name in inner[0]} else None


def _by_name(document: dict[str, Any]) -> Rows | None:
    """Lists of values of the same length under names: the columns."""
    lists = list(document.values())
    if (
        len(lists) < 2
        or not all(isinstance(one, list) and len(one) == len(lists[0]) for one in lists)
        or not lists[0]
    ):
        return None
    return [dict(zip(document, row, strict=True)) for row in zip(*lists, strict=True)]
