"""What is wrong with a file of labelled answers, in sentences with the first rows concerned and the remedy.

Does not cover mending it: what can be mended is a choice of the person (survey.Choices).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from router_core.evaluation.files.cells import Cells, cells
from router_core.evaluation.files.guessing import unused
from router_core.evaluation.files.limits import enough_memory
from router_core.evaluation.files.mapping import Mapping
from router_core.evaluation.files.problems import SHOWN, Check, Kind, Problem, Shower, be, cut, listed, named
from router_core.evaluation.files.rates import Rates
from router_core.evaluation.files.survey import (
    Choices,
    Duplicates,
    Incomplete,
    Notations,
    OutOfRange,
    Survey,
    survey,
    usable,
)
from router_core.evaluation.files.tables import Table
from router_core.words import listing, many

MOST_MODELS: Final = 100


def check(
    table: Table,
    mapping: Mapping,
    *,
    out_of_range: OutOfRange = "refuse",
    duplicates: Duplicates = "refuse",
    incomplete: Incomplete = "drop",
    notations: Notations = "refuse",
    rates: Rates | None = None,
) -> Check:
    """Look for everything that is wrong, under the choices made so far (see ``survey.Choices``).

    Args:
        table: the file.
        mapping: what its columns mean.
        out_of_range, duplicates, incomplete: what to do with such rows.
        notations: whether numbers that are not plain are read as the whole column is written.
        rates: prices; by default those of the bundled book.
    """
    return examine(table, mapping, Choices(out_of_range, duplicates, incomplete, notations), rates or Rates())[0]


def examine(
    table: Table, mapping: Mapping, choices: Choices, rates: Rates
) -> tuple[Check, Cells | None, Survey | None]:
    """The check, and what it looked at; None where the columns alone already block."""
    structure = tuple(_structure(table, mapping))
    if any(problem.blocks for problem in structure):
        return Check(structure), None, None
    with enough_memory(table.name):
        found = cells(table, mapping, read_notations=choices.notations == "read")
        seen = survey(found, mapping, choices)
        problems = (*structure, *_contents(table, mapping, found, seen, choices, rates))
    ordered = tuple(sorted(problems, key=lambda problem: not problem.blocks))
    return Check(ordered, int(seen.complete.sum()), seen.models), found, seen


def _structure(table: Table, mapping: Mapping) -> Iterator[Problem]:
    """What can be told from the columns alone."""
    columns = named(table.columns)
    obligatory = ("prompt", "model", "score") if mapping.form == "long" else ("prompt",)
    wanted = mapping.columns()
    for part in obligatory:
        if wanted[part] is None:
            remedy = f"choose one of: {columns}"
            if part == "model":
                remedy += (
                    "; where a file has the answers of one model, put those of all into one file and name each"
                )
            yield Problem("missing column", f"no column is said to hold the {part}", remedy, blocks=True)
    for part, column in wanted.items():
        if column is not None and column not in table.columns:
            yield Problem(
                "missing column", f"there is no column {cut(column)!r} for the {part.replace('_', ' ')}",
                f"choose one of: {columns}", blocks=True,
            )  # fmt: skip
    if not 0.0 < mapping.full_score < float("inf"):
        yield Problem(
            "out of range", f"a perfect answer is said to score {mapping.full_score}",
            "give a number above 0, such as 1, 10 or 100", blocks=True,
        )  # fmt: skip
    names = [one.model for one in mapping.models]
    for name in sorted({name for name in names if names.count(name) > 1} if mapping.form == "wide" else ()):
        yield Problem("model twice", f"two models are called {cut(name)!r}", "give each its own name", blocks=True)
    if mapping.form == "wide" and not names:
        yield _few((), f"say which columns hold the scores of which model, among: {columns}")
    left_out = tuple(unused(table.columns, table.head, mapping))
    known = all(wanted[part] in table.columns for part in obligatory) and {*wanted.values()} <= {
        *table.columns,
        None,
    }
    if left_out and known:
        said = listing([f"{column!r} ({reason})" for column, reason in left_out])
        yield Problem(
            "unused", f"{many(len(left_out), 'column')} not used: {said}", "name it where one is needed",
            blocks=False, count=len(left_out),
        )  # fmt: skip
    if table.ragged:
        first = tuple({"row": one.row, "cells": one.cells, "text": cut(one.text)} for one in table.ragged[:SHOWN])
        yield Problem(
            "ragged rows",
            f"{many(len(table.ragged), 'row')} with another number of cells than the header"
            f" ({table.ragged[0].expected})",
            "quote cells that hold a separator, a quotation mark or a line break",
            blocks=True, count=len(table.ragged), rows=first,
        )  # fmt: skip


def _contents(
    table: Table, mapping: Mapping, found: Cells, seen: Survey, choices: Choices, rates: Rates
) -> Iterator[Problem]:
    """What the cells tell."""
    show = Shower(table, mapping, found)
    models = tuple(_models(found, seen, mapping))
    yield from models
    if models:
        return  # where the model is not what is compared, neither is the rest
    written = tuple(_written(found, mapping))
    yield from written
    yield from _scores(found, seen, mapping, choices, show)
    yield from _places(found, seen, choices, show)
    if not any(problem.blocks for problem in written):  # else scores seem to be missing that are there
        yield from _coverage(found, seen, choices)
    yield from _figures(found, seen, show)
    yield from _prices(found, seen, rates)
    yield from _verdicts(found)


def _models(found: Cells, seen: Survey, mapping: Mapping) -> Iterator[Problem]:
    missing = [name for name in (*mapping.only, *mapping.without) if name not in found.models]
    if missing:
        yield Problem(
            "missing model",
            f"no answers of {listed(missing)}, which should be {'compared' if mapping.only else 'left out'}",
            f"choose among: {listed(found.models)}", blocks=True, count=len(missing),
        )  # fmt: skip
    if len(seen.models) < 2:
        yield _few(seen.models, "give answers of another model, too, or choose another column for the model")
    if len(seen.models) > MOST_MODELS:
        yield Problem(
            "many models",
            f"{len(seen.models):,} models, such as {listed(seen.models[:3])}; at most {MOST_MODELS} are compared",
            "choose some of them, or another column for the model",
            blocks=True, count=len(seen.models),
        )  # fmt: skip


def _written(found: Cells, mapping: Mapping) -> Iterator[Problem]:
    """Numbers that are not plain, and texts that are one."""
    if found.notations:
        scores = {mapping.score} if mapping.form == "long" else {one.score for one in mapping.models}
        each = listing([f"{cut(name)!r} ({notation})" for name, notation in found.notations.items()])
        yield Problem(
            "notation", f"{many(len(found.notations), 'column')} with numbers that are not plain: {each}",
            "read them so, or write plain numbers",
            blocks=not found.read_so and bool(scores & {*found.notations}), count=len(found.notations),
        )  # fmt: skip
    if found.one_text:
        yield Problem(
            "one text",
            f"{many(found.one_text, 'row')} whose prompt is that of another row but for a final line break, the"
            " form of line breaks or Unicode normalisation",
            "they count as one prompt", blocks=False, count=found.one_text,
        )  # fmt: skip


def _scores(found: Cells, seen: Survey, mapping: Mapping, choices: Choices, show: Shower) -> Iterator[Problem]:
    dropped = choices.out_of_range == "drop"
    if seen.odd.any():
        yield Problem(
            "no number",
            f"{many(int(seen.odd.sum()), 'score')} that {be(seen.odd)} no number, such as"
            f" {show(seen.odd, 'score')[0]['score']!r}",
            "write a number, true or false, or nothing where it is unknown; or drop them",
            blocks=not dropped, count=int(seen.odd.sum()), rows=show(seen.odd, "score"),
        )  # fmt: skip
    if seen.out.any():
        values = found.score.values[seen.out]
        full = mapping.full_score
        yield Problem(
            "out of range",
            f"{many(int(seen.out.sum()), 'score')} outside 0 to {full:g} (from {values.min() * full:g} to"
            f" {values.max() * full:g})",
            f"if a perfect answer scores more, such as {_likely(values.max() * full):g}, say so (full score); else"
            " clip them to the nearer end, or drop them",
            blocks=choices.out_of_range == "refuse", count=int(seen.out.sum()), rows=show(seen.out, "score"),
        )  # fmt: skip
    repeated = seen.order[~seen.first]
    if len(repeated):
        count = len(np.unique(found.row[repeated]))
        group = np.cumsum(seen.first)
        earliest = group[~seen.first][np.argsort(found.row[repeated], kind="stable")[:SHOWN]]
        members = seen.order[np.isin(group, earliest)]
        members = members[np.lexsort((found.row[members], seen.model[members], found.prompt[members]))]
        yield Problem(
            "duplicates",
            f"{many(count, 'row')} that {'repeats' if count == 1 else 'repeat'} a prompt and model",
            "use the first of each, or the mean of them",
            blocks=choices.duplicates == "refuse", count=count, rows=show.cells(members),
        )  # fmt: skip


def _places(found: Cells, seen: Survey, choices: Choices, show: Shower) -> Iterator[Problem]:
    codes = found.texts.codes
    with_text = np.flatnonzero((found.prompts >= 0) & (codes >= 0))
    other = with_text[codes[with_text] != codes[seen.text_row[found.prompts[with_text]]]]
    if len(other):
        ids = np.unique(found.prompts[other])
        both = np.column_stack([seen.text_row[found.prompts[other]], other]).ravel()
        yield Problem(
            "texts differ",
            f"{many(len(ids), 'prompt id')} with more than one text",
            "give every prompt an id of its own, or leave the column of ids out: then the text is the id",
            blocks=True, count=len(ids), rows=show.rows(both),
        )  # fmt: skip
    if seen.unplaced.any():
        rows = np.unique(found.row[seen.unplaced])
        yield Problem(
            "unplaced",
            f"{many(len(rows), 'row')} without a prompt or without a model",
            "leave them out, or fill them in",
            blocks=choices.incomplete == "refuse", count=len(rows), rows=show.rows(rows),
        )  # fmt: skip


def _coverage(found: Cells, seen: Survey, choices: Choices) -> Iterator[Problem]:
    lacking = np.flatnonzero(seen.listed & ~seen.complete)
    if not len(lacking) and seen.complete.any():
        return
    count = len(seen.models)
    scored = np.zeros((len(found.ids), count), np.bool_)
    cell = seen.order
    scored[found.prompt[cell], seen.model[cell]] = True
    each = ", ".join(f"{name}: {count:,}" for name, count in zip(seen.models, scored.sum(0), strict=True))
    rows = tuple(
        {
            "prompt_id": cut(found.ids[int(prompt)].as_py()),
            "prompt": cut(found.texts.at(seen.text_row[[prompt]])[0]) if seen.text_row[prompt] >= 0 else None,
            "missing": listed([name for name, has in zip(seen.models, scored[prompt], strict=True) if not has]),
        }
        for prompt in lacking[:SHOWN]
    )
    if not seen.complete.any():
        yield Problem(
            "nothing left", f"no prompt has a score of every model ({each})",
            "compare only models that answered the same prompts, or choose other columns",
            blocks=True, count=len(lacking), rows=rows,
        )  # fmt: skip
    else:
        yield Problem(
            "incomplete",
            f"{len(lacking):,} of {int(seen.listed.sum()):,} prompts without a score of every model ({each})",
            "leave them out, or compare fewer models",
            blocks=choices.incomplete == "refuse", count=len(lacking), rows=rows,
        )  # fmt: skip


def _figures(found: Cells, seen: Survey, show: Shower) -> Iterator[Problem]:
    kinds: tuple[tuple[Kind, str, str], ...] = (
        ("tokens", "the input tokens", "input_tokens"),
        ("tokens", "the output tokens", "output_tokens"),
        ("cost", "the cost", "cost_usd"),
    )
    for kind, what, part in kinds:
        wrong = usable(getattr(found, part))[1] & (seen.model >= 0)
        if wrong.any():
            yield Problem(
                kind, f"{what} of {many(int(wrong.sum()), 'answer')} should be a number from 0 on",
                "let them be estimated, and marked so, or correct the file",
                blocks=False, count=int(wrong.sum()), rows=show(wrong, part),
            )  # fmt: skip


def _prices(found: Cells, seen: Survey, rates: Rates) -> Iterator[Problem]:
    cell = seen.order[seen.first & seen.complete[found.prompt[seen.order]]]
    unknown = cell[np.isnan(usable(found.cost_usd)[0][cell])]
    counts = np.bincount(seen.model[unknown], minlength=len(seen.models))
    unpriced = [
        name for name, count in zip(seen.models, counts, strict=True) if count and rates.find(name) is None
    ]
    if unpriced:
        several = len(unpriced) > 1
        missing = int(sum(count for name, count in zip(seen.models, counts, strict=True) if name in unpriced))
        priced = len(seen.models) - len(unpriced)
        yield Problem(
            "price",
            f"the {'prices' if several else 'price'} of {listing([repr(cut(name)) for name in unpriced])}"
            f" {'are' if several else 'is'} not known, nor is the cost of {many(missing, 'answer')}",
            "say which model of the price book it is, or give its price; without it "
            + ("only the others are judged" if priced > 1 else "only scores are compared"),
            blocks=False, count=missing, models=tuple(unpriced),
        )  # fmt: skip


def _verdicts(found: Cells) -> Iterator[Problem]:
    if found.verdicts is None:
        return
    known = found.verdicts.values.to_pylist()
    odd = np.array([verdict_of(text) is None for text in known] + [False])  # the last stands for -1
    rows = np.flatnonzero(odd[found.verdicts.codes])
    if len(rows):
        example = known[found.verdicts.codes[rows[0]]]
        yield Problem(
            "verdicts",
            f"{many(len(rows), 'row')} with a verdict that is neither SIMPLE nor COMPLEX, such as"
            f" {cut(example)!r}",
            "let them count as unknown, or choose another column",
            blocks=False, count=len(rows),
        )  # fmt: skip


def verdict_of(text: str) -> int | None:
    """1 for SIMPLE, 0 for COMPLEX, in any case of letters; None for anything else."""
    return {"simple": 1, "complex": 0}.get(text.strip().lower())


def _likely(most: float) -> float:
    """What a perfect answer scores, most likely, where this is the largest score."""
    return next((full for full in (5.0, 10.0, 20.0, 100.0, 1000.0) if most <= full), most)


def _few(models: tuple[str, ...], remedy: str) -> Problem:
    said = f"only {cut(models[0])!r} has answers" if models else "no model has answers"
    return Problem("few models", f"{said}; at least two models are compared", remedy, blocks=True)
