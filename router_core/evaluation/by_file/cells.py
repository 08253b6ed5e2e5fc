"""A file of scored answers without its texts: prompts alike in task and scores are counted.

Counts and means are enough to judge the models themselves, at any worth of a good answer: shares, differences and
their intervals come out as from the file (costs within a cell are taken to be alike, which is where an interval
may differ in its last digits). Routers need the prompts, so they are not judged on cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from router_core.evaluation.labelled import Labelled

MOST: Final = 400
"""Cells kept of one file; where there would be more, scores are grouped more coarsely."""

_STEPS: Final = ((1e-9, True), (0.1, True), (0.5, True), (0.1, False), (0.5, False))
"""Scores closer than this are alike; whether tasks are told apart."""

_LEAST: Final = 1.0  # the coarsest: which answers were better than half good, whatever the task

_TASKS: Final = 200  # more names than that are no tasks


@dataclass(frozen=True, slots=True)
class Cells:
    """c kinds of prompts, k models.

    Args:
        models: k names, in the order of the file's report.
        tasks: c; "" where prompts have no task, or where it was not kept.
        counts: c, prompts of each kind, > 0.
        scores: c rows of k mean scores, in [0, 1].
        cost_usd: c rows of k mean costs of a prompt, in dollars; None: unknown.
        estimated: k parts of the answers whose cost is estimated, in [0, 1].
    """

    models: tuple[str, ...]
    tasks: tuple[str, ...]
    counts: tuple[int, ...]
    scores: tuple[tuple[float, ...], ...]
    cost_usd: tuple[tuple[float | None, ...], ...]
    estimated: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """``cell`` (n,): the number of the cell that each prompt is in; ``tasks``: that of each cell."""

    cell: NDArray[np.intp]
    tasks: tuple[str, ...]

    def means(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """The mean of columns (n, k) in each cell: (c, k)."""
        counts = np.bincount(self.cell)
        sums = [np.bincount(self.cell, column, len(counts)) for column in np.asarray(values, np.float64).T]
        return np.asarray(np.array(sums).T / counts[:, None])


def grouped(data: Labelled, most: int = MOST) -> Grouped:
    """Put prompts of the same task and scores together: the finest grouping of at most ``most`` cells."""
    names = np.array([task or "" for task in data.tasks])
    if len(set(names.tolist())) > _TASKS:
        names = np.full(len(names), "")
    tasks, number = np.unique(names, return_inverse=True)
    for step, by_task in _STEPS:
        found = _keys(data.scores, step, number if by_task else np.zeros_like(number))
        if len(found[0]) <= most:
            break
    else:
        found = _keys(data.scores, _LEAST, np.zeros_like(number))
        by_task = False
    keys, cell = found
    return Grouped(cell, tuple(str(tasks[int(key[0])]) if by_task else "" for key in keys))


def _keys(
    scores: NDArray[np.float64], step: float, task: NDArray[np.intp]
) -> tuple[NDArray[Any], NDArray[np.intp]]:
    table = np.column_stack([task, np.round(scores / step)])
    keys, cell = np.unique(table, axis=0, return_inverse=True)
    return keys, np.asarray(cell, np.intp).reshape(-1)


def cells_of(data: Labelled, most: int = MOST) -> Cells:
    """Count a file's prompts by task and scores.

    Args:
        data: prompts, one per row.
        most: so many cells at most, where that is possible with all models told apart.
    """
    found = grouped(data, most)
    costs = found.means(data.cost_usd)
    return Cells(
        data.models,
        found.tasks,
        tuple(np.bincount(found.cell).tolist()),
        tuple(map(tuple, found.means(data.scores).tolist())),
        tuple(tuple(None if np.isnan(one) else float(one) for one in row) for row in costs),
        tuple(data.cost_estimated.mean(axis=0).tolist()),
    )


def labelled_of(cells: Cells, source: str, sha256: str = "") -> Labelled:
    """The cells as rows that stand for several prompts each, to be judged like any file (``report.evaluate``).

    Args:
        cells: see ``Cells``.
        source: the file's name, for people.
        sha256: of the file's bytes.
    """
    shape = (len(cells.counts), len(cells.models))
    costs = np.array([[np.nan if one is None else one for one in row] for row in cells.cost_usd], np.float64)
    unknown = np.full(shape, np.nan)
    return Labelled(
        prompt_ids=tuple(f"{at:06d}" for at in range(shape[0])),
        prompts=("",) * shape[0],
        tasks=tuple(task or None for task in cells.tasks),
        models=cells.models,
        scores=np.clip(np.array(cells.scores, np.float64).reshape(shape), 0.0, 1.0),
        cost_usd=costs.reshape(shape),
        input_tokens=unknown,
        output_tokens=unknown,
        cost_estimated=np.tile(np.array(cells.estimated) > 0.5, (shape[0], 1)),
        weights=np.array(cells.counts, np.float64),
        source=source,
        sha256=sha256,
    )
