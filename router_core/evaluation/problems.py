"""A problem of a file of labelled answers, and how it is shown to a person.

Leaves out finding it (checking.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from router_core.evaluation.cells import Bools, Cells, Ints
from router_core.evaluation.mapping import Mapping
from router_core.evaluation.tables import Table

Kind = Literal[
    "missing column", "ragged rows", "model twice", "few models", "many models", "no number", "out of range",
    "duplicates", "texts differ", "unplaced", "incomplete", "nothing left", "tokens", "cost", "price", "verdicts",
]  # fmt: skip

SHOWN: Final = 5
"""Rows that are shown of a problem."""

_CUT: Final = 80  # characters of a text


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong ``count`` times. ``blocks``: nothing can be compared until it is mended or chosen
    away; else it is dealt with as ``remedy`` says. ``rows``: the first concerned, as small tables.
    """

    kind: Kind
    sentence: str
    remedy: str
    blocks: bool
    count: int = 1
    rows: tuple[dict[str, Any], ...] = ()


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
        self._score = {one.model: one.score for one in mapping.models}

    def __call__(self, mask: Bools) -> tuple[dict[str, Any], ...]:
        """The cells where this is true."""
        cell = np.flatnonzero(mask)
        return self.cells(cell[np.argsort(self._found.row[cell], kind="stable")])

    def cells(self, cell: Ints) -> tuple[dict[str, Any], ...]:
        """Row, id, prompt, model and score of these."""
        shown = []
        for one in cell[:SHOWN]:
            (row,) = self.rows(self._found.row[[one]])
            number = int(self._found.model[one])
            if number >= 0:
                name = self._found.models[number]
                row |= {"model": name, "score": self._text(int(self._found.row[one]), self._scores_of(name))}
            shown.append(row)
        return tuple(shown)

    def rows(self, rows: Ints) -> tuple[dict[str, Any], ...]:
        """Row number, id and prompt of these."""
        return tuple(
            {
                "row": self._table.number(int(row)),
                "prompt_id": self._text(int(row), self._mapping.prompt_id),
                "prompt": self._text(int(row), self._mapping.prompt),
            }
            for row in rows[:SHOWN]
        )

    def _scores_of(self, model: str) -> str | None:
        return self._mapping.score if self._mapping.form == "long" else self._score[model]

    def _text(self, row: int, column: str | None) -> str | None:
        return None if column is None else cut(self._table.data.column(column)[row].as_py())


def many(count: int, one: str) -> str:
    """So many of a thing: "1 row", "1,200 rows"."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def be(mask: Bools) -> str:
    """The verb for so many."""
    return "is" if mask.sum() == 1 else "are"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence."""
    return ", ".join(map(repr, names))


def cut(text: str | None) -> str | None:
    """A text short enough for a cell."""
    return text if text is None or len(text) <= _CUT else text[: _CUT - 1] + "…"
