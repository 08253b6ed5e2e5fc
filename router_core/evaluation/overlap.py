"""How far a log can speak for a target policy: weights, the effective sample size, and when to refuse.

Everything here follows from logged and target probabilities and from who was rated, never from what the ratings
were. Leaves out the estimates themselves (offpolicy.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router_core.evaluation.log import Array, Ints, Log
from router_core.words import share

LEAST_ESS: Final = 0.05
"""An estimate is refused where the effective sample size is below this part of the rows."""

LEAST_ANSWERS: Final = 10
"""So many effective answers are needed of each model that the target gives more than ``MINOR`` of the traffic."""

MINOR: Final = 0.01
FEWEST_ROWS: Final = 30


@dataclass(frozen=True)
class Sums:
    """Sums by logger and model, each (loggers, k): all that can be said before any answer is looked at.

    Args:
        drawn: rows on which the model was drawn.
        known: those of them with a known outcome.
        wanted: sum of the target's probabilities q.
        missed: rows where the target may choose the model and the logger could not: q > 0 = p.
        square: sum of q^2 / p, the expected sum of squared weights.
        ratio: (n, k), q / p; 0 where p is 0.
    """

    drawn: Array
    known: Array
    wanted: Array
    missed: Array
    square: Array
    ratio: Array

    @property
    def able(self) -> NDArray[np.bool_]:
        """(loggers,): those that could have chosen whatever the target may choose, and of whose answers by every
        model that matters some outcome is known.
        """  # fmt: skip
        rows = self.drawn.sum(axis=1)
        unheard = (self.wanted > MINOR * rows[:, None]) & (self.known == 0)
        able: NDArray[np.bool_] = (
            (self.missed.sum(axis=1) == 0) & ~unheard.any(axis=1) & (self.known.sum(axis=1) > 0)
        )
        return able


def sums_of(target: Array, log: Log, known: NDArray[np.bool_]) -> Sums:
    """Count and add up."""
    count, arms = len(log.loggers), len(log.arms)
    logger = log.logger if count > 1 else None
    cell = log.action if logger is None else logger * arms + log.action
    shape, size = (count, arms), count * arms
    p = log.probabilities
    if p.min() > 0.0:
        ratio, missed = target / p, np.zeros(shape)
    else:
        ratio = np.divide(target, p, out=np.zeros_like(p), where=p > 0.0)
        missed = _sums(((p == 0.0) & (target > 0.0)).astype(np.float64), logger, count)
    return Sums(
        np.bincount(cell, minlength=size).reshape(shape).astype(np.float64),
        np.bincount(cell, weights=known, minlength=size).reshape(shape).astype(np.float64),
        _sums(target, logger, count),
        missed,
        _sums(ratio, logger, count, target),
        ratio,
    )


@dataclass(frozen=True)
class Overlap:
    """Rows with a known outcome, weighted so that they stand for the target's traffic.

    Args:
        known: the m rows with a known outcome, as indices; a slice where it is all of them.
        rows: the same, always as indices.
        action: (m,), the model drawn on each.
        weight: (m,): part * q / p / share of answers known. They sum to n on average.
        part: (n,) or 1.0: what a row of its logger counts; 1 on average.
        target_share: (k,), what the target gives each model.
        second: (k,), the sum of squared weights of each model's answers, as expected from the probabilities.
        ess: (sum w)^2 / sum w^2 (Kong 1992; Owen 2013, section 9.3); rows of one prompt count as one.
        expected: (k,), the same of each model's answers, as expected from the probabilities.
    """

    known: NDArray[np.intp] | slice
    rows: NDArray[np.intp]
    action: Ints
    weight: Array
    part: Array | float
    target_share: Array
    second: Array
    ess: float
    expected: Array

    @property
    def expected_ess(self) -> float:
        """Of all answers together."""
        shares = self.target_share[self.target_share > 0.0]
        each = self.expected[self.target_share > 0.0]
        return float(1.0 / (shares**2 / each).sum()) if (each > 0.0).all() else 0.0


def overlap(sums: Sums, log: Log, known: NDArray[np.bool_]) -> Overlap:
    """Weigh the rows; every logger is able.

    An answer counts 1 / (share known of its model's answers by this logger). That is right where being known
    depends on the model alone; where it depends on the answer (unhappy people rate more), nothing mends it.

    Several loggers each estimate the target alone; they are combined with parts proportional to their expected
    effective sample size per row (weighted IPS: Agarwal et al. 2017, Effective evaluation using logged bandit
    feedback from multiple loggers).
    """
    n, arms = len(log), len(log.arms)
    drawn = sums.drawn.sum(axis=1)
    inverse = np.where(sums.known > 0, sums.drawn / np.maximum(sums.known, 1.0), 0.0)
    squares = (sums.square * inverse).sum(axis=1)
    parts = drawn / np.maximum(squares, 1e-300)
    parts *= n / float(parts @ drawn)
    factor = (parts[:, None] * inverse).ravel()

    logger = log.logger if len(drawn) > 1 else None
    everything = bool(known.all())
    rows = np.arange(n) if everything else np.flatnonzero(known)
    index = slice(None) if everything else rows
    action = log.action[index]
    weight = at(sums.ratio, rows, action)
    weight *= factor[action if logger is None else logger[index] * arms + action]

    total, square = float(weight.sum()), float(weight @ weight)
    together = square
    if log.prompt is not None:
        by_prompt = np.bincount(log.prompt[index], weights=weight)
        together = float(by_prompt @ by_prompt)
    alike = together / square if square > 0.0 else 1.0
    mass = parts @ sums.wanted
    second = parts**2 @ (sums.square * inverse)
    return Overlap(
        index,
        rows,
        action,
        weight,
        1.0 if logger is None else parts[logger],
        mass / n,
        second,
        total * total / together if together > 0.0 else 0.0,
        np.divide(mass * mass, second * alike, out=np.zeros(arms), where=second > 0.0),
    )


def unable(log: Log, sums: Sums, known: str) -> str:
    """Why no logger is able. ``known``: "rated" or "of known cost"."""
    rows = len(log)
    missed = sums.missed.sum(axis=0)
    if missed.any():
        arm = int(np.argmax(missed))
        return (
            f"on {share(missed[arm] / rows)} of the rows the target can choose {log.arms[arm]} where the log never"
            " could, so nothing is known of what would have happened; let the router that serves explore"
        )
    wanted = np.where(sums.known.sum(axis=0) == 0, sums.wanted.sum(axis=0), 0.0)
    if not wanted.any():
        wanted = np.where(sums.known == 0, sums.wanted, 0.0).sum(axis=0)
    arm = int(np.argmax(wanted))
    part = share(sums.wanted[:, arm].sum() / rows)
    return f"no answer of {log.arms[arm]} is {known}, and the target gives it {part} of the traffic"


def poor(log: Log, found: Overlap, least_ess: float) -> str | None:
    """Why the overlap is too poor for an estimate; None where it is not."""
    answers = len(found.weight)
    if answers < FEWEST_ROWS:
        return f"{answers} known answers are too few; at least {FEWEST_ROWS} are needed"
    ess = min(found.ess, found.expected_ess)
    if ess < least_ess * answers:
        return (
            f"the {answers:,} known answers are worth only {ess:,.0f} ({share(ess / answers)}; at least"
            f" {share(least_ess)} are needed), for the log seldom chose as the target would; let more traffic"
            " explore"
        )
    scarce = np.where(found.target_share > MINOR, found.expected, np.inf)
    arm = int(np.argmin(scarce))
    if scarce[arm] < LEAST_ANSWERS:
        return (
            f"about {scarce[arm]:.0f} effective answers speak for {log.arms[arm]}, to which the target gives"
            f" {share(found.target_share[arm])} of the traffic; at least {LEAST_ANSWERS} are needed"
        )
    return None


def at(table: Array, rows: NDArray[np.intp], columns: Ints) -> Array:
    """One entry of each row: ``table[rows, columns]``, three times as fast."""
    flat: Array = np.ascontiguousarray(table).ravel().take(rows * table.shape[1] + columns)
    return flat


def _sums(values: Array, logger: Ints | None, count: int, times: Array | None = None) -> Array:
    """Column sums by logger: (loggers, k); of ``values * times`` where that is given."""
    if logger is None:
        if times is None:
            return np.asarray(np.ones(len(values)) @ values)[None, :]
        return np.asarray(np.einsum("ij,ij->j", values, times))[None, :]
    product = values if times is None else values * times
    return np.stack([np.bincount(logger, weights=column, minlength=count) for column in product.T], axis=1)
