"""A table of text and the meaning of its columns, as arrays of numbers: one cell per row and model.

See checking.py for judging the cells, reading.py for putting them in order. A row is counted from 0 here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from router_core.evaluation.files.mapping import Mapping
from router_core.evaluation.files.numbers import Notation, Parsed, parsed, plain
from router_core.evaluation.files.tables import Table
from router_core.evaluation.labelled import Array

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


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
    """One column of numbers: NaN where unknown, and where ``odd``: there the text is no number.

    ``shares``: where the values are parts of a perfect answer already (75 %, yes), whatever that scores.
    """

    values: Array
    odd: Bools
    shares: Bools | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """All cells of a table, those of one model of a wide table after those of the other.

    ``models``: their names, sorted. ``ids``: of the prompts, sorted (an Arrow array). Of each row: ``prompts``,
    the number of its id, -1 where it has neither id nor text; ``texts``; ``tasks`` and ``verdicts``, None where
    there is no such column. ``one_text``: of how many rows the text is that of another row but for a final line
    break, the form of line breaks or Unicode normalisation. ``notations``: column -> how its numbers are written,
    where that is not plainly; ``read_so``: they were read so, else what is not plain is unknown. Of each cell:
    ``row``; ``model``, its number, -1 where the row names none; figures.
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
    one_text: int
    notations: dict[str, Notation]
    read_so: bool

    @property
    def prompt(self) -> Ints:
        """Of each cell, the number of its prompt's id."""
        return self.prompts[self.row]


def cells(table: Table, mapping: Mapping, *, read_notations: bool = False) -> Cells:
    """The arrays; every column that the mapping names must be in the table, prompt, model and score be named.

    ``read_notations``: read numbers that are not plain in the notation in which the whole column is written.
    """
    assert mapping.prompt is not None
    texts, one_text = as_one(_not_blank(column_texts(table, mapping.prompt)))
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
    known: dict[tuple[str | None, bool], Numbers] = {}
    notations: dict[str, Notation] = {}
    columns = []
    for names, counts in zip(zip(*parts, strict=True), (False, False, True, True), strict=True):
        for name in names:
            if (name, counts) not in known:
                known[name, counts], notation = _numbers(table, name, counts, read_notations)
                if name is not None and notation is not None:
                    notations[name] = notation
        found = [known[name, counts] for name in names]
        columns.append(
            Numbers(
                np.concatenate([one.values for one in found]),
                np.concatenate([one.odd for one in found]),
                np.concatenate(
                    [np.zeros(len(one.odd), np.bool_) if one.shares is None else one.shares for one in found]
                ),
            )
        )
    score, cost_usd, input_tokens, output_tokens = columns
    shares = np.False_ if score.shares is None else score.shares
    scaled = Numbers(np.where(shares, score.values, score.values / mapping.full_score), score.odd)
    return Cells(
        models, ids, prompts, texts, tasks, verdicts, row, model, scaled, cost_usd, input_tokens, output_tokens,
        one_text, notations, read_notations,
    )  # fmt: skip


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


def as_one(texts: Texts) -> tuple[Texts, int]:
    """Texts that are the same but for a final line break, the form of line breaks or Unicode normalisation get one
    code and the plainest form; and how many rows had another form than that.
    """
    values = pc.utf8_normalize(texts.values, "NFC")
    values = pc.replace_substring(pc.replace_substring(values, "\r\n", "\n"), "\r", "\n")
    values = pc.utf8_rtrim(values, "\n")
    plainest = values.dictionary_encode()
    groups = plainest.indices.to_numpy()
    shared = np.bincount(groups, minlength=len(plainest.dictionary)) > 1
    if not shared.any():
        return texts, 0
    other = shared[groups] & ~pc.equal(values, texts.values).to_numpy(zero_copy_only=False)
    alone = np.flatnonzero(~shared[groups])
    first = np.full(len(shared), -1)
    first[groups[alone]] = alone  # what nothing else is like stays as it is written
    places = pa.array(np.where(first < 0, np.arange(len(first)) + len(texts.values), first))
    forms = pa.concat_arrays([texts.values, plainest.dictionary]).take(places)
    return Texts(_through(groups, texts.codes), forms), int(np.append(other, False)[texts.codes].sum())


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


def _numbers(
    table: Table, column: str | None, counts: bool, read_notation: bool
) -> tuple[Numbers, Notation | None]:
    if column is None:
        return Numbers(np.full(table.rows, np.nan), np.zeros(table.rows, np.bool_)), None
    found = column_texts(table, column)
    codes, texts = found.codes, found.values
    try:
        values = pc.cast(texts, pa.float64()).to_numpy()
        read, notation = Parsed(values, np.zeros(len(values), np.bool_)), None
    except pa.ArrowInvalid:
        written = texts.to_pylist()
        read = parsed(written, counts=counts)
        notation = read.notation
        if notation is not None and not read_notation:  # which is said of the column, not of each cell
            read = Parsed(plain(written).values, read.odd)
    shares = None if read.notation is None else np.full(table.rows, read.notation.share)
    return Numbers(np.append(read.values, np.nan)[codes], np.append(read.odd, False)[codes], shares), notation
