"""A table of text and the meaning of its columns, as arrays of numbers: one cell per row and model.

Leaves out judging the cells (checking.py) and putting them in order (reading.py). A row is counted from 0 here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from router_core.evaluation.files.mapping import Mapping
from router_core.evaluation.files.tables import Table
from router_core.evaluation.labelled import Array

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

UNKNOWN: Final = frozenset({"", "nan", "null", "none", "na", "n/a"})
"""What an unknown number may be written as, in any case of letters."""

_WORDS: Final = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """One column of text: ``codes`` of each row into ``values``, -1 where the cell is empty."""

    codes: Ints
    values: Any

    def at(self, rows: Ints) -> list[str | None]:
        """The texts of these rows; None where a cell is empty, and for row -1."""
        place, texts = once(np.append(self.codes, -1)[rows], self.values)
        return as_objects(texts)[place].tolist()  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """One column of numbers: NaN where unknown, and where ``odd``: there the text is no number."""

    values: Array
    odd: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """All cells of a table, those of one model of a wide table after those of the other.

    ``models``: their names, sorted. ``ids``: of the prompts, sorted (an Arrow array). Of each row: ``prompts``,
    the number of its id, -1 where it has neither id nor text; ``texts``; ``tasks`` and ``verdicts``, None where
    there is no such column. Of each cell: ``row``; ``model``, its number, -1 where the row names none; figures.
    """

    models: tuple[str, ...]
    ids: Any
    prompts: Ints
    texts: Texts
    tasks: Texts | None
    verdicts: Texts | None
    row: Ints
    model: Ints
    score: Numbers
    cost_usd: Numbers
    input_tokens: Numbers
    output_tokens: Numbers

    @property
    def prompt(self) -> Ints:
        """Of each cell, the number of its prompt's id."""
        return self.prompts[self.row]


def cells(table: Table, mapping: Mapping) -> Cells:
    """The arrays; every column that the mapping names must be in the table, prompt, model and score be named."""
    assert mapping.prompt is not None
    texts = _not_blank(column_texts(table, mapping.prompt))
    prompts, ids = _identified(texts, _names(table, mapping.prompt_id))
    tasks, verdicts = _names(table, mapping.task), _names(table, mapping.verdict)
    rows = np.arange(table.rows)
    if mapping.form == "long":
        named = _names(table, mapping.model)
        assert named is not None
        order = np.argsort(np.array(named.values.to_pylist(), object))
        models = tuple(named.values[int(place)].as_py() for place in order)
        rank = np.append(np.argsort(order), -1)  # the last stands for -1
        row, model = rows, rank[named.codes]
        parts = [(mapping.score, mapping.cost_usd, mapping.input_tokens, mapping.output_tokens)]
    else:
        listed = sorted(mapping.models, key=lambda one: one.model)
        models = tuple(one.model for one in listed)
        row, model = np.tile(rows, len(models)), np.repeat(np.arange(len(models)), table.rows)
        parts = [
            (one.score, one.cost_usd, one.input_tokens or mapping.input_tokens, one.output_tokens)
            for one in listed
        ]
    known: dict[str | None, Numbers] = {}
    columns = []
    for names in zip(*parts, strict=True):
        for name in names:
            if name not in known:
                known[name] = _numbers(table, name)
        columns.append(
            Numbers(
                np.concatenate([known[name].values for name in names]),
                np.concatenate([known[name].odd for name in names]),
            )
        )
    score, cost_usd, input_tokens, output_tokens = columns
    scaled = Numbers(score.values / mapping.full_score, score.odd)
    return Cells(
        models, ids, prompts, texts, tasks, verdicts, row, model, scaled, cost_usd, input_tokens, output_tokens
    )


def column_texts(table: Table, column: str) -> Texts:
    """A column as it stands in the file."""
    chunks = table.data.column(column).unify_dictionaries().chunks
    if not chunks:
        return Texts(np.zeros(0, np.int64), pa.array([], pa.string()))
    codes = [chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False) for chunk in chunks]
    return Texts(np.concatenate(codes).astype(np.int64), chunks[0].dictionary)


def pieces(column: Any, rows: Ints) -> Iterator[tuple[Ints, Ints, Any]]:
    """The texts of these rows of a column, piece by piece: which of the rows, and (see ``once``) their texts."""
    start = 0
    for chunk in column.chunks:
        here = np.flatnonzero((rows >= start) & (rows < start + len(chunk)))
        codes = chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        yield here, *once(codes[rows[here] - start], chunk.dictionary)
        start += len(chunk)


def once(codes: Ints, values: Any) -> tuple[Ints, Any]:
    """Texts, each once, as an Arrow array, and the place of each code's text in it; null for -1.

    A text that a million rows share stands in memory once.
    """
    used, place = np.unique(codes, return_inverse=True)
    return place, values.take(pa.array(used, mask=used < 0))


def as_objects(texts: Any) -> NDArray[Any]:
    """An Arrow array of texts as Python's, None where null."""
    return np.array([*texts.to_pylist(), None], object)[:-1]


def _names(table: Table, column: str | None) -> Texts | None:
    """A column of names: space around them is no part of them."""
    if column is None:
        return None
    found = column_texts(table, column)
    trimmed = pc.utf8_trim_whitespace(found.values).dictionary_encode()
    return _not_blank(Texts(_through(trimmed.indices.to_numpy(), found.codes), trimmed.dictionary))


def _not_blank(texts: Texts) -> Texts:
    blank = pc.match_substring_regex(texts.values, r"\A\s*\z").to_numpy(zero_copy_only=False)
    if not blank.any():
        return texts
    kept = np.where(blank, -1, np.cumsum(~blank) - 1)
    return Texts(_through(kept, texts.codes), texts.values.filter(pa.array(~blank)))


def _through(new: NDArray[Any], codes: Ints) -> Ints:
    """The new code of each old one; -1 stays."""
    return np.append(new.astype(np.int64), -1)[codes]


def _identified(texts: Texts, named: Texts | None) -> tuple[Ints, Any]:
    """Of each row the number of its prompt among the sorted ids, and these: the id, else the text itself."""
    if named is None:
        codes, values = texts.codes, texts.values
    else:
        both = pa.concat_arrays([named.values, texts.values]).dictionary_encode()
        beyond = np.where(texts.codes < 0, -1, texts.codes + len(named.values))
        codes = _through(both.indices.to_numpy(), np.where(named.codes < 0, beyond, named.codes))
        values = both.dictionary
    used = np.unique(codes[codes >= 0])
    values = values.take(pa.array(used))
    order = pc.sort_indices(values).to_numpy()
    rank = np.full(len(used) and int(used[-1]) + 2, -1)  # the last stands for -1
    rank[used[order]] = np.arange(len(used))
    return rank[codes], values.take(pa.array(order))


def _numbers(table: Table, column: str | None) -> Numbers:
    if column is None:
        return Numbers(np.full(table.rows, np.nan), np.zeros(table.rows, np.bool_))
    found = column_texts(table, column)
    values, odd = _parsed(found.values)
    return Numbers(np.append(values, np.nan)[found.codes], np.append(odd, False)[found.codes])


def _parsed(texts: Any) -> tuple[Array, Bools]:
    try:
        return pc.cast(texts, pa.float64()).to_numpy(), np.zeros(len(texts), np.bool_)
    except pa.ArrowInvalid:
        pass
    values, odd = np.full(len(texts), np.nan), np.zeros(len(texts), np.bool_)
    for place, text in enumerate(texts.to_pylist()):
        word = text.strip().lower()
        if word in UNKNOWN:
            continue
        try:
            values[place] = _WORDS[word] if word in _WORDS else float(word.replace("_", "no number"))
        except ValueError:
            odd[place] = True
    return values, odd
