"""What the columns mean, as a person says in words: "prompt=Question", "models=small,big".

The page has fields for this (pages/evidence_mapping.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from router_core.errors import EvaluationError
from router_core.evaluation.files.guessing import guess_long, guess_mapping, models_named
from router_core.evaluation.files.mapping import Mapping
from router_core.evaluation.files.tables import Table

_BOTH: Final = ("prompt", "prompt_id", "task", "verdict", "input_tokens")
_LONG: Final = ("model", "score", "cost_usd", "output_tokens", "response")
PARTS: Final = (*_BOTH, *_LONG, "models")
"""What can be said; ``models``: the score columns of a file with a row per prompt."""

_NEXT: Final = re.compile(rf",(?=\s*(?:{'|'.join(PARTS)})\s*=)")


def chosen(
    table: Table, said: Sequence[str] = (), *, full_score: float | None = None, without: Sequence[str] = ()
) -> Mapping:
    """The guess, with what a person says in its place.

    Args:
        table: the file.
        said: each PART=COLUMN, or several of them with commas between; nothing after "=": there is none.
        full_score: what a perfect answer scores; by default 1.
        without: models that are left out.

    Raises:
        EvaluationError: a part or a column that does not exist.
    """
    found = table.guess if full_score is None else guess_mapping(table.columns, table.head, full_score)
    parts = dict(_part(table, one) for some in said for one in _NEXT.split(some))
    if "models" in parts:
        names = [name.strip() for name in (parts.pop("models") or "").split(",")]
        for name in names:
            _check(table, name)
        found = replace(found, form="wide", models=models_named(table.columns, names))
    elif parts.get("model") is not None:
        long = guess_long(table.columns, table.head)
        found = replace(long, **{part: getattr(found, part) for part in _BOTH}) if found.form == "wide" else found
    changed: dict[str, Any] = parts
    found = replace(found, **changed, without=tuple(without))
    return found if full_score is None else replace(found, full_score=full_score)


def _part(table: Table, said: str) -> tuple[str, str | None]:
    part, equals, column = (one.strip() for one in said.partition("="))
    if not equals or part not in PARTS:
        raise EvaluationError(f"{said.strip()!r} is not PART=COLUMN; the parts are: {', '.join(PARTS)}")
    if column and part != "models":
        _check(table, column)
    return part, column or None


def _check(table: Table, column: str) -> None:
    if column not in table.columns:
        raise EvaluationError(
            f"{table.name} has no column {column!r}; its columns are: {', '.join(table.columns[:40])}"
        )
