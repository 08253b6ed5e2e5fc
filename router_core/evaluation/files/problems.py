"""A problem of a file of labelled answers, and how it is shown to a person.

See checking.py for finding it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from router_core.evaluation.files.cells import Bools, Cells, Ints
from router_core.evaluation.files.mapping import Mapping
from router_core.evaluation.files.tables import Table

Kind = Literal[
    "missing column", "ragged rows", "model twice", "missing model", "few models", "many models", "no number",
    "out of range", "duplicates", "texts differ", "unplaced", "incomplete", "nothing left", "tokens", "cost",
    "price", "verdicts", "notation", "one text", "unused",
]  # fmt: skip

SHOWN: Final = 5
"""Rows that are shown of a problem."""

_CUT: Final = 80  # characters of a text
_NAMED: Final = 40  # names


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong ``count`` times. ``blocks``: nothing can be compared until it is mended or chosen
    away; else it is dealt with as ``remedy`` says. ``rows``: the first concerned, as small tables. ``models``:
    those concerned, where it is about them.
    """

    kind: Kind
    sentence: str
    remedy: str
    blocks: bool
    count: int = 1
    rows: tuple[dict[str, Any], ...] = ()
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """What was found: ``problems``, those that block first; ``prompts``, how many can be used; ``models``."""

    problems: tuple[Problem, ...]
    prompts: int = 0
    models: tuple[str, ...] = ()

    @property
    def blocking(self) -> tuple[Problem, ...]:
        """The problems that must be mended or chosen away."""
        return tuple(problem for problem in self.problems if problem.blocks)


class Shower:
    """Shows cells as small tables, the first few of them, in the order of the file."""

    def __init__(self, table: Table, mapping: Mapping, found: Cells) -> None:
        self._table, self._mapping, self._found = table, mapping, found
        self._models = {one.model: one for one in mapping.models}

    def __call__(self, mask: Bools, *parts: str) -> tuple[dict[str, Any], ...]:
        """The cells where this is true, with these figures."""
        cell = np.flatnonzero(mask)
        return self.cells(cell[np.argsort(self._found.row[cell], kind="stable")], parts)

    def cells(self, cell: Ints, parts: Sequence[str] = ("score",)) -> tuple[dict[str, Any], ...]:
        """Row, id, prompt, model and these figures of these, as they are written."""
        shown = []
        for one in cell[:SHOWN]:
            place, model = int(self._found.row[one]), self._found.models[int(self._found.model[one])]
            figures = {part: self._text(place, self._column(part, model)) for part in parts}
            shown.append(self._row(place) | {"model": model} | figures)
        return tuple(shown)

    def rows(self, rows: Ints) -> tuple[dict[str, Any], ...]:
        """Row number, id, prompt and model of these, as far as the mapping names them."""
        return tuple(self._row(int(row)) for row in rows[:SHOWN])

    def _row(self, row: int) -> dict[str, Any]:
        named = {"prompt_id": self._mapping.prompt_id, "prompt": self._mapping.prompt}
        if self._mapping.form == "long":
            named["model"] = self._mapping.model
        texts = {part: self._text(row, column) for part, column in named.items() if column is not None}
        return {"row": self._table.number(row)} | texts

    def _column(self, part: str, model: str) -> str | None:
        shared: str | None = getattr(self._mapping, part)
        if self._mapping.form == "long":
            return shared
        own: str | None = getattr(self._models[model], part)
        return own or (shared if part == "input_tokens" else None)

    def _text(self, row: int, column: str | None) -> str | None:
        return None if column is None else cut(self._table.data.column(column)[row].as_py())


def be(mask: Bools) -> str:
    """The verb for so many."""
    return "is" if mask.sum() == 1 else "are"


def named(names: Sequence[str]) -> str:
    """Names in a sentence: the first of them, and long ones cut."""
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(str(cut(name)) for name in names[:_NAMED]) + more


def listed(names: Sequence[str]) -> str:
    """The same, each in quotation marks."""
    return named([repr(cut(name)) for name in names])


def cut(text: str | None) -> str | None:
    """A text short enough for a cell."""
    return text if text is None or len(text) <= _CUT else text[: _CUT - 1] + "…"
