"""From a file of labelled answers to ``Labelled``, with a sentence for all that was left out or estimated.

See checking.py for finding what is wrong, estimating.py for the estimates themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from router_core.errors import EvaluationError
from router_core.evaluation.files.cells import Cells, Ints, Numbers, Texts, as_objects, once, pieces
from router_core.evaluation.files.checking import examine, verdict_of
from router_core.evaluation.files.encodings import Encoding
from router_core.evaluation.files.estimating import Estimates, Figures, estimated_tokens, estimates
from router_core.evaluation.files.limits import enough_memory
from router_core.evaluation.files.mapping import Mapping
from router_core.evaluation.files.problems import Check, Kind
from router_core.evaluation.files.rates import Rates
from router_core.evaluation.files.survey import (
    Choices,
    Duplicates,
    Incomplete,
    Notations,
    OutOfRange,
    Survey,
    first_rows,
    usable,
)
from router_core.evaluation.files.tables import Table, open_table
from router_core.evaluation.labelled import Array, Labelled
from router_core.evaluation.progress import Progress, Watch
from router_core.words import many


class BlockedError(EvaluationError):
    """Something in a file must be mended or chosen away. ``kind``: of the problem; ``message``: without the
    argument of ``labelled`` that chooses.
    """

    def __init__(self, message: str, kind: Kind) -> None:
        super().__init__(f"{message} (argument {_CHOICE[kind]})" if kind in _CHOICE else message)
        self.message, self.kind = message, kind


def read_labelled(
    source: str | Path | bytes,
    *,
    name: str | None = None,
    encoding: Encoding = "utf-8",
    mapping: Mapping | Callable[[Table], Mapping] | None = None,
    out_of_range: OutOfRange = "refuse",
    duplicates: Duplicates = "refuse",
    incomplete: Incomplete = "drop",
    notations: Notations = "refuse",
    rates: Rates | None = None,
    tell: Callable[[str], None] = lambda sentence: None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Labelled:
    """Read a file in one go: ``tables.open_table``, then ``labelled``; see there for what is raised.

    Args:
        source, name, encoding: the file.
        mapping: what its columns mean, or what finds that out of the table; by default as their names say.
        out_of_range, duplicates, incomplete, notations, rates: see ``labelled``.
        tell: called with each sentence about what was left out, changed or estimated.
        progress, cancelled: see ``labelled``.
    """
    watch = Watch.of(progress, cancelled)
    opening, ordering = watch.part(0.0, 0.6), watch.part(0.6, 1.0)
    table = open_table(source, name=name, encoding=encoding, progress=opening.progress, cancelled=cancelled)
    chosen = table.guess if mapping is None else mapping if isinstance(mapping, Mapping) else mapping(table)
    data, notes = labelled(
        table,
        chosen,
        out_of_range=out_of_range,
        duplicates=duplicates,
        incomplete=incomplete,
        notations=notations,
        rates=rates,
        progress=ordering.progress,
        cancelled=cancelled,
    )
    if (said := guessed(table, chosen)) is not None:
        tell(said)
    for note in notes:
        tell(note)
    return data


def labelled(
    table: Table,
    mapping: Mapping,
    *,
    out_of_range: OutOfRange = "refuse",
    duplicates: Duplicates = "refuse",
    incomplete: Incomplete = "drop",
    notations: Notations = "refuse",
    rates: Rates | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[Labelled, tuple[str, ...]]:
    """Put a table in order: prompts by their ids, models by what they cost. The order of the rows does not matter.

    Args:
        table: the file.
        mapping: what its columns mean.
        out_of_range: refuse, clip or drop scores outside [0, 1]; "drop" also drops those that are no numbers.
        duplicates: where rows repeat a prompt and model, refuse, use the first row, or the mean of their figures.
        incomplete: drop or refuse prompts without every model's score, and rows without a prompt or model.
        notations: refuse or read numbers that are not plain (75 %, 0,75, $0.01, yes), where the whole column is
            written so.
        rates: prices, and what is assumed of answers; by default those of the bundled book.
        progress: told what is done; may raise to stop.
        cancelled: asked now and then whether to stop.

    Returns:
        The data, and a sentence for everything that was left out, changed or estimated.

    Raises:
        BlockedError: something blocks (see ``checking.check``): the first of it, in a sentence.
        CancelledError: ``cancelled`` said so.
    """
    watch, rates = Watch.of(progress, cancelled), rates or Rates()
    choices = Choices(out_of_range, duplicates, incomplete, notations)
    watch(0.0, "checking the rows")
    check, found, seen = examine(table, mapping, choices, rates)
    if found is None or seen is None or check.blocking:
        first, *others = check.blocking
        more = f" (and {many(len(others), 'other problem')})" if others else ""
        raise BlockedError(f"{table.name}: {first.sentence}{more}; {first.remedy}", first.kind)
    watch(0.4, "putting the answers in order")
    with enough_memory(table.name):
        data, known = _in_order(table, mapping, found, seen, choices, rates, watch)
    watch(1.0, f"{many(len(data.prompts), 'prompt')} and {len(data.models)} models")
    return data, (*_treated(check, choices), *known.notes)


def guessed(table: Table, mapping: Mapping) -> str | None:
    """What the columns were taken to mean, where that was guessed and their names are others than the parts'."""
    used = {part: column for part, column in mapping.columns().items() if column is not None}
    if mapping != table.guess or all(part == column for part, column in used.items()):
        return None
    shared = [f"{part} in {column!r}" for part, column in used.items() if " of " not in part]
    said = f"the columns are taken to hold: {', '.join(shared)}"
    if mapping.form == "wide":
        scores = [f"{one.model} in {one.score!r}" for one in mapping.models]
        said += f"{', ' if shared else ''}the scores of {', '.join(scores)}"
    return said


def _in_order(
    table: Table, mapping: Mapping, found: Cells, seen: Survey, choices: Choices, rates: Rates, watch: Watch
) -> tuple[Labelled, Estimates]:
    prompts, cell, figure = _arranged(found, seen, choices)
    score = figure(Numbers(seen.score, seen.odd))
    given = Figures(figure(found.input_tokens), figure(found.output_tokens), figure(found.cost_usd))
    place, texts = once(found.texts.codes[seen.text_row[prompts]], found.texts.values)
    rows = found.row[cell]
    answers, lengths = _answers(table, mapping, seen.models, rows, watch.part(0.5, 0.9)) or (None, None)
    known = estimates(given, seen.models, estimated_tokens(texts)[place], lengths, rates)
    columns = _cheap_to_strong(seen.models, known.figures.cost_usd, score)
    watch(0.9, "collecting the texts")
    data = Labelled(
        prompt_ids=tuple(found.ids.take(prompts).to_pylist()),
        prompts=tuple(as_objects(texts)[place].tolist()),
        tasks=_tasks(found, prompts),
        models=tuple(seen.models[column] for column in columns),
        scores=score[:, columns],
        cost_usd=known.figures.cost_usd[:, columns],
        input_tokens=known.figures.input_tokens[:, columns],
        output_tokens=known.figures.output_tokens[:, columns],
        cost_estimated=known.cost_estimated[:, columns],
        tokens_estimated=known.tokens_estimated[:, columns],
        verdicts=_verdicts(found, prompts),
        responses=None if answers is None else tuple(map(tuple, answers[:, columns].tolist())),
        source=table.name,
        sha256=table.sha256,
    )
    return data, known


def _arranged(found: Cells, seen: Survey, choices: Choices) -> tuple[Ints, Ints, Callable[[Numbers], Array]]:
    """The complete prompts (n), the cell of each prompt and model (n, k), and what makes (n, k) of a figure."""
    complete = seen.complete[found.prompt[seen.order]]
    order, starts = seen.order[complete], np.flatnonzero(seen.first[complete])
    shape = (-1, len(seen.models))
    cell = order[starts].reshape(shape)

    def figure(numbers: Numbers) -> Array:
        values, _ = usable(numbers)
        if choices.duplicates != "mean":
            return values[cell]
        known = ~np.isnan(values[order])
        total = np.add.reduceat(np.where(known, values[order], 0.0), starts)
        with np.errstate(invalid="ignore"):
            mean = total / np.add.reduceat(known.astype(np.float64), starts)
        return mean.reshape(shape)

    return np.flatnonzero(seen.complete), cell, figure


def _cheap_to_strong(models: tuple[str, ...], cost_usd: Array, score: Array) -> list[int]:
    """The places of the models by mean cost, unknown last, then by mean score, then by name."""
    known = ~np.isnan(cost_usd)
    counts = known.sum(axis=0)
    means = np.where(counts > 0, np.where(known, cost_usd, 0.0).sum(axis=0) / np.maximum(counts, 1), np.inf)
    keys = list(zip(means.tolist(), score.mean(axis=0).tolist(), models, strict=True))
    return sorted(range(len(models)), key=keys.__getitem__)


def _tasks(found: Cells, prompts: Ints) -> tuple[str | None, ...]:
    if found.tasks is None:
        return (None,) * len(prompts)
    return tuple(found.tasks.at(first_rows(found, found.tasks)[prompts]))


def _verdicts(found: Cells, prompts: Ints) -> NDArray[np.int8] | None:
    if found.verdicts is None:
        return None
    meant = [verdict_of(text) for text in found.verdicts.values.to_pylist()]
    said = np.array([-1 if one is None else one for one in meant] + [-1], np.int8)[found.verdicts.codes]
    rows = first_rows(found, Texts(np.where(said < 0, -1, found.verdicts.codes), found.verdicts.values))[prompts]
    if (rows < 0).all():
        return None
    return np.append(said, np.int8(-1))[rows]


def _answers(
    table: Table, mapping: Mapping, models: tuple[str, ...], rows: Ints, watch: Watch
) -> tuple[NDArray[Any], Array] | None:
    """The texts of the answers and how many tokens they have, prompt x model; None where the file has no text."""
    own = {one.model: one.response for one in mapping.models}
    names = [mapping.response if mapping.form == "long" else own[model] for model in models]
    columns = {name: table.data.column(name) for name in set(names) if name is not None}
    if all(column.null_count == len(column) for column in columns.values()):
        return None
    texts, tokens = np.full(rows.shape, None, object), np.full(rows.shape, np.nan)
    for place, name in enumerate(names):
        watch(place / len(names), "reading the answers")
        if name is not None:
            for here, which, piece in pieces(columns[name], rows[:, place]):
                texts[here, place] = as_objects(piece)[which]
                tokens[here, place] = estimated_tokens(piece)[which]
    return texts, tokens


_CHOICE: Final[dict[Kind, str]] = {
    "no number": "out_of_range",
    "out of range": "out_of_range",
    "duplicates": "duplicates",
    "unplaced": "incomplete",
    "incomplete": "incomplete",
    "notation": "notations",
}
_DONE: Final = {
    "clip": "clipped to the nearer end",
    "drop": "dropped",
    "first": "the first of each counts",
    "mean": "the mean of each counts",
}


def _treated(check: Check, choices: Choices) -> Iterator[str]:
    """What was done about what was wrong."""
    done = {
        "no number": "dropped",
        "out of range": _DONE.get(choices.out_of_range),
        "duplicates": _DONE.get(choices.duplicates),
        "unplaced": "left out",
        "incomplete": "left out",
        "tokens": "estimated",
        "cost": "estimated",
        "price": "only scores are compared",
        "verdicts": "counted as unknown",
        "notation": "read so" if choices.notations == "read" else "counted as unknown",
        "one text": "counted as one prompt",
    }
    for problem in check.problems:
        what = done.get(problem.kind)
        if problem.kind == "price" and len(check.models) - len(problem.models) > 1:
            what = "only the others are judged"
        yield problem.sentence if what is None else f"{problem.sentence}: {what}"
