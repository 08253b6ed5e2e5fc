"""What was logged, as arrays: who could have been chosen, who was, and what became of it.

See traffic.py for where it comes from, offpolicy.py for what is made of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from router_core.errors import EvaluationError

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

_SUM = (
    1e-6  # how far a row's probabilities may sum from 1: they are stored exactly, files from elsewhere may round
)


@dataclass(frozen=True)
class Log:
    """n decisions that were *drawn*, one a row; forced, pinned and fallback decisions must not be in it.

    A row may answer the same prompt as others, even share its answer with them (three routers that chose the same
    model): each has its own propensity, and ``prompt`` says that they do not vary independently.

    Args:
        arms: the k models.
        probabilities: (n, k), the logged probability of each model; 0 where it could not be chosen.
        action: (n,), the column of the model that was drawn.
        reward: (n,), what became of its answer, in [0, 1]; NaN where nobody rated it.
        cost_usd: (n,), what the call cost; NaN where that is unknown.
        features: (n, f) of the prompt, for the reward model (any scale); None: it knows only the model.
        second: (n,), the word of another source on each answer, in [0, 1], which is no reward (rating_model.py);
            NaN where it has none. None: there is no such source.
        prompt: (n,), numbers from 0 up; rows of one prompt share one. None: every row is a prompt of its own.
        logger: (n,), index into ``loggers``: which router, as it was set, drew the row. None: one for all.
        loggers: their names.
        checked: leave out the checks below: the rows are those of a log that passed them.

    Raises:
        EvaluationError: shapes differ, or a value is out of range.
    """

    arms: tuple[str, ...]
    probabilities: Array
    action: Ints
    reward: Array
    cost_usd: Array
    features: Array | None = None
    prompt: Ints | None = None
    logger: Ints | None = None
    loggers: tuple[str, ...] = ("log",)
    second: Array | None = None
    checked: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        if self.checked:
            return
        n, k = len(self.action), len(self.arms)
        parts = {
            name: getattr(self, name) for name in ("reward", "cost_usd", "features", "prompt", "logger", "second")
        }
        wrong = [name for name, part in parts.items() if part is not None and len(part) != n]
        if wrong or self.probabilities.shape != (n, k):
            raise EvaluationError(
                f"the log has {n} actions among {k} models, but probabilities of shape"
                f" {self.probabilities.shape} and other lengths of {wrong or 'nothing'}; give one row per decision"
            )
        if n == 0:
            return
        if self.action.min() < 0 or self.action.max() >= k:
            raise EvaluationError(f"the log names model {int(self.action.max())}; its models are 0 to {k - 1}")
        check_probabilities(self.probabilities, "logged")
        if self.probabilities[np.arange(n), self.action].min() <= 0.0:
            raise EvaluationError(
                "a row of the log was drawn with probability 0; the logged probabilities are not those of the draw"
            )
        low, high = np.fmin.reduce(self.reward), np.fmax.reduce(self.reward)
        if low < 0.0 or high > 1.0:
            raise EvaluationError(f"rewards lie between {low:g} and {high:g}; give numbers in [0, 1]")
        if self.logger is not None and self.logger.max() >= len(self.loggers):
            raise EvaluationError(f"a row was drawn by router {int(self.logger.max())}, which has no name")

    def __len__(self) -> int:
        return len(self.action)

    def rows(self, wanted: NDArray[np.bool_] | NDArray[np.intp]) -> Log:
        """Some of the rows, or all in another order: a mask or indices."""
        return replace(
            self,
            probabilities=self.probabilities[wanted],
            action=self.action[wanted],
            reward=self.reward[wanted],
            cost_usd=self.cost_usd[wanted],
            features=None if self.features is None else self.features[wanted],
            prompt=None if self.prompt is None else self.prompt[wanted],
            logger=None if self.logger is None else self.logger[wanted],
            second=None if self.second is None else self.second[wanted],
            checked=True,
        )

    def by_loggers(self, wanted: NDArray[np.bool_]) -> Log:
        """The rows that some of the loggers drew, and only those loggers. ``wanted``: one truth per logger."""
        if self.logger is None:
            return self
        kept = self.rows(wanted[self.logger])
        names = tuple(name for name, keep in zip(self.loggers, wanted.tolist(), strict=True) if keep)
        return replace(kept, logger=(np.cumsum(wanted) - 1)[kept.logger], loggers=names)


Target = Array | Callable[[Log], Array]
"""A policy to be judged: its probabilities (n, k) in the order of the log's models, or what gives them."""


def probabilities_of(target: Target, log: Log) -> Array:
    """The target's probabilities, checked.

    Raises:
        EvaluationError: they are not one distribution per row of the log.
    """
    given = np.asarray(target(log) if callable(target) else target, dtype=np.float64)
    if given.shape != log.probabilities.shape:
        raise EvaluationError(
            f"the target's probabilities have the shape {given.shape}, the log's {log.probabilities.shape};"
            " give one row per decision and one column per model of the log"
        )
    check_probabilities(given, "target's")
    return given


def check_probabilities(rows: Array, whose: str) -> None:
    """Refuse what is not a distribution per row.

    Raises:
        EvaluationError: a row is negative somewhere or does not sum to 1.
    """
    if not len(rows):
        return
    sums = rows[:, 0].copy()
    for column in rows.T[1:]:  # with few models many times as fast as a sum over rows
        sums += column
    low, high = float(sums.min()), float(sums.max())
    if not (rows.min() >= 0.0 and low >= 1.0 - _SUM and high <= 1.0 + _SUM):
        raise EvaluationError(
            f"the {whose} probabilities of a row sum to {low:.6g} to {high:.6g}, or one is negative; each row must"
            " be a distribution over the models that sums to 1"
        )
