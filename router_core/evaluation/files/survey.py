"""Which cells of a file can be used, under the choices of what to do with the others.

See checking.py for saying so in words, reading.py for putting the cells in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from router_core.evaluation.files.cells import Bools, Cells, Ints, Numbers, Texts
from router_core.evaluation.files.mapping import Mapping
from router_core.evaluation.labelled import Array

OutOfRange = Literal["refuse", "clip", "drop"]
Duplicates = Literal["refuse", "first", "mean"]
Incomplete = Literal["drop", "refuse"]
Notations = Literal["refuse", "read"]


@dataclass(frozen=True, slots=True)
class Choices:
    """What becomes of what cannot be used as it is.

    ``out_of_range``: scores outside [0, 1], and those that are no numbers (these cannot be clipped).
    ``duplicates``: rows that repeat a prompt and model. ``incomplete``: prompts without every model's score, and
    rows without a prompt or model. ``notations``: numbers that are not plain (75 %, 0,75, $0.01, yes), where the
    whole column is written so.
    """

    out_of_range: OutOfRange = "refuse"
    duplicates: Duplicates = "refuse"
    incomplete: Incomplete = "drop"
    notations: Notations = "refuse"


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What there is.

    ``models``: those compared, sorted. Of each cell: ``model``, its number among them, else -1; ``score``, clipped
    where that was chosen; whether it is ``unplaced`` (no prompt or no model), ``odd`` (no number) or ``out`` of
    [0, 1]. ``order``: the cells with a score, by prompt and model, and of those that repeat one another by row (by
    score where their mean counts); ``first`` of each such group. Of each prompt: whether it is ``listed`` (has a
    row of one of the models) and ``complete`` (a text, and a score of every one); ``text_row``, the first row with
    its text, -1 where there is none.
    """

    models: tuple[str, ...]
    model: Ints
    score: Array
    unplaced: Bools
    odd: Bools
    out: Bools
    order: Ints
    first: Bools
    listed: Bools
    complete: Bools
    text_row: Ints


def survey(cells: Cells, mapping: Mapping, choices: Choices) -> Survey:
    """Look at every cell once."""
    kept = [
        place
        for place, name in enumerate(cells.models)
        if (not mapping.only or name in mapping.only) and name not in mapping.without
    ]
    number = np.full(len(cells.models) + 1, -1)  # the last stands for -1
    number[kept] = np.arange(len(kept))
    model, prompt = number[cells.model], cells.prompt
    compared = model >= 0
    text_row = first_rows(cells, cells.texts)
    has_text = np.append(text_row >= 0, False)[prompt]
    unplaced = (cells.model < 0) | (compared & ~has_text)
    odd = compared & cells.score.odd
    with np.errstate(invalid="ignore"):
        out = compared & ((cells.score.values < 0.0) | (cells.score.values > 1.0))
    score = np.clip(cells.score.values, 0.0, 1.0) if choices.out_of_range == "clip" else cells.score.values
    known = compared & has_text & ~np.isnan(score)
    if choices.out_of_range == "drop":
        known &= ~out
    cell = np.flatnonzero(known)
    key = prompt[cell] * len(kept) + model[cell]
    order = np.lexsort((score[cell], key)) if choices.duplicates == "mean" else np.argsort(key, kind="stable")
    key = key[order]
    first = np.ones(len(key), np.bool_)
    first[1:] = key[1:] != key[:-1]
    covered = np.bincount(key[first] // max(1, len(kept)), minlength=len(cells.ids))
    listed = np.zeros(len(cells.ids), np.bool_)
    listed[prompt[compared & (prompt >= 0)]] = True
    return Survey(
        models=tuple(cells.models[place] for place in kept),
        model=model,
        score=score,
        unplaced=unplaced,
        odd=odd,
        out=out,
        order=cell[order],
        first=first,
        listed=listed,
        complete=listed & (covered == len(kept)) & bool(kept),
        text_row=text_row,
    )


def usable(numbers: Numbers) -> tuple[Array, Bools]:
    """Counts or dollars, NaN where they are none, and where that is wrong: text, negative or infinite."""
    with np.errstate(invalid="ignore"):
        wrong = numbers.odd | (numbers.values < 0.0) | np.isinf(numbers.values)
    return np.where(wrong, np.nan, numbers.values), wrong


def first_rows(cells: Cells, texts: Texts) -> Ints:
    """Of each prompt the first row that has something in this column; -1 where none has."""
    rows = np.flatnonzero((cells.prompts >= 0) & (texts.codes >= 0))[::-1]
    first = np.full(len(cells.ids), -1)
    first[cells.prompts[rows]] = rows  # of several the last one written stays, which is the first row
    return first
