"""Prompts whose answers by every model are scored, as plain arrays.

Does not cover files (reading.py) and what is concluded from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router_core import intervals
from router_core.errors import EvaluationError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """n prompts, k models (columns, cheap to strong by mean cost).

    Args:
        prompt_ids, prompts: n each; ids are unique.
        tasks: n; None where a prompt has no task.
        models: k names as in the file; ties in mean cost by mean score, then name; unknown costs last.
        scores: (n, k), in [0, 1], complete.
        cost_usd: (n, k); NaN where unknown even after estimation.
        input_tokens, output_tokens: (n, k).
        cost_estimated: (n, k), where the cost is tokens times price, for the file gives none.
        tokens_estimated: (n, k), where input or output tokens were estimated; None: nowhere.
        weights: (n,), how many prompts each row stands for (see by_file/cells.py); None: one each.
        verdicts: (n,), recorded by a classifier: 1 SIMPLE, 0 COMPLEX, -1 unknown; None: no such column.
        responses: n x k texts, or None where the file has none.
        source: the file's name, for people.
        sha256: of the file's bytes, in hex.

    Raises:
        EvaluationError: lengths do not fit together, or a score is missing or outside [0, 1].
    """

    prompt_ids: tuple[str, ...]
    prompts: tuple[str, ...]
    tasks: tuple[str | None, ...]
    models: tuple[str, ...]
    scores: Array
    cost_usd: Array
    input_tokens: Array
    output_tokens: Array
    cost_estimated: NDArray[np.bool_]
    verdicts: NDArray[np.int8] | None = None
    responses: tuple[tuple[str | None, ...], ...] | None = None
    source: str = ""
    sha256: str = ""
    tokens_estimated: NDArray[np.bool_] | None = None
    weights: Array | None = None

    @property
    def count(self) -> int:
        """How many prompts there are."""
        return len(self.prompt_ids) if self.weights is None else round(float(self.weights.sum()))

    def mean(self, values: NDArray[Any]) -> Array:
        """The mean over prompts of columns (n, ...), one value per row of this."""
        return intervals.average(values, self.weights)

    def __post_init__(self) -> None:
        shape = (len(self.prompt_ids), len(self.models))
        columns = (self.prompts, self.tasks, self.verdicts, self.responses, self.weights)
        if any(column is not None and len(column) != shape[0] for column in columns):
            raise EvaluationError(f"{shape[0]} prompt ids and a column of another length; give one value each")
        tables: tuple[NDArray[Any], ...] = (
            self.scores,
            self.cost_usd,
            self.input_tokens,
            self.output_tokens,
            self.cost_estimated,
        )
        if self.tokens_estimated is not None:
            tables = (*tables, self.tokens_estimated)
        if any(table.shape != shape for table in tables):
            raise EvaluationError(
                f"a table is not {shape[0]} prompts x {shape[1]} models; give a value for each pair"
            )
        if not ((self.scores >= 0.0) & (self.scores <= 1.0)).all():  # False for NaN, too
            raise EvaluationError("a score is missing or outside [0, 1]; drop the prompt or correct the score")


def rows_of(labelled: Labelled, rows: Sequence[int]) -> Labelled:
    """The same with these rows, in this order."""
    at = np.asarray(rows, dtype=np.intp)
    return replace(
        labelled,
        prompt_ids=tuple(labelled.prompt_ids[i] for i in rows),
        prompts=tuple(labelled.prompts[i] for i in rows),
        tasks=tuple(labelled.tasks[i] for i in rows),
        scores=labelled.scores[at],
        cost_usd=labelled.cost_usd[at],
        input_tokens=labelled.input_tokens[at],
        output_tokens=labelled.output_tokens[at],
        cost_estimated=labelled.cost_estimated[at],
        tokens_estimated=None if labelled.tokens_estimated is None else labelled.tokens_estimated[at],
        verdicts=None if labelled.verdicts is None else labelled.verdicts[at],
        responses=None if labelled.responses is None else tuple(labelled.responses[i] for i in rows),
        weights=None if labelled.weights is None else labelled.weights[at],
    )


def models_of(labelled: Labelled, columns: Sequence[int]) -> Labelled:
    """The same with these models, in this order."""
    at = np.asarray(columns, dtype=np.intp)
    estimated, responses = labelled.tokens_estimated, labelled.responses
    return replace(
        labelled,
        models=tuple(labelled.models[i] for i in columns),
        scores=labelled.scores[:, at],
        cost_usd=labelled.cost_usd[:, at],
        input_tokens=labelled.input_tokens[:, at],
        output_tokens=labelled.output_tokens[:, at],
        cost_estimated=labelled.cost_estimated[:, at],
        tokens_estimated=None if estimated is None else estimated[:, at],
        responses=None if responses is None else tuple(tuple(row[i] for i in columns) for row in responses),
    )
