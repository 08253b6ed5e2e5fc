"""How far a log can speak for a target policy: weights, the effective sample size, and when to refuse.

Everything here follows from logged and target probabilities and from who was rated, never from what the ratings
were. See offpolicy.py for the estimates themselves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router_core.evaluation.from_log.log import Array, Ints, Log
from router_core.words import about, share

LEAST_ESS: Final = 50.0
"""An estimate is refused where it rests on fewer effective answers, of however many rows."""

LEAST_ANSWERS: Final = 10
"""So many effective answers are needed of each model that the target gives more than ``MINOR`` of the traffic."""

MINOR: Final = 0.01
FEWEST_ROWS: Final = 30


@dataclass(frozen=True)
class Support:
    """Sums by logger and model, each (loggers, k): what follows from the probabilities alone.

    Args:
        drawn: rows on which the model was drawn.
        wanted: sum of the target's probabilities q.
        missed: rows where the target may choose the model and the logger could not: q > 0 = p.
        square: sum of q^2 / p, the expected sum of squared weights.
        ratio: (n, k), q / p; 0 where p is 0.
    """

    drawn: Array
    wanted: Array
    missed: Array
    square: Array
    ratio: Array

    @property
    def reaches(self) -> NDArray[np.bool_]:
        """(loggers,): those that could have chosen whatever the target may choose."""
        return np.asarray(self.missed.sum(axis=1) == 0)

    def hears(self, known: Array) -> NDArray[np.bool_]:
        """(loggers,): those of whose answers some outcome is known, by every model that the target cares for.

        ``known``: (loggers, k), answers with a known outcome.
        """
        unheard = (self.wanted > MINOR * self.drawn.sum(axis=1)[:, None]) & (known == 0)
        return np.asarray(~unheard.any(axis=1) & (known.sum(axis=1) > 0))


def support(target: Array, log: Log) -> Support:
    """Count and add up."""
    count = len(log.loggers)
    logger = log.logger if count > 1 else None
    p = log.probabilities
    if not len(p) or p.min() > 0.0:
        ratio, missed = target / p, np.zeros((count, len(log.arms)))
    else:
        ratio = np.divide(target, p, out=np.zeros_like(p), where=p > 0.0)
        missed = _sums(((p == 0.0) & (target > 0.0)).astype(np.float64), logger, count)
    return Support(counts(log), _sums(target, logger, count), missed, _sums(ratio, logger, count, target), ratio)


def counts(log: Log, which: NDArray[np.bool_] | None = None) -> Array:
    """(loggers, k): rows by who drew which model; only some of them where ``which`` says so."""
    count, arms = len(log.loggers), len(log.arms)
    cell = log.action if log.logger is None or count == 1 else log.logger * arms + log.action
    return np.bincount(cell, weights=which, minlength=count * arms).reshape(count, arms).astype(np.float64)


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


def overlap(found: Support, log: Log, known: NDArray[np.bool_], heard: Array) -> Overlap:
    """Weigh the rows; every logger reaches the target and hears of it. ``heard``: ``known`` counted.

    An answer counts 1 / (share known of its model's answers by this logger). That is right where being known
    depends on the model alone; where it depends on the answer (unhappy people rate more), nothing mends it.

    Several loggers each estimate the target alone; they are combined with parts proportional to their expected
    effective sample size per row (weighted IPS: Agarwal et al. 2017, Effective evaluation using logged bandit
    feedback from multiple loggers).
    """
    n, arms = len(log), len(log.arms)
    drawn = found.drawn.sum(axis=1)
    inverse = np.divide(found.drawn, heard, out=np.zeros_like(heard), where=heard > 0)
    squares = (found.square * inverse).sum(axis=1)
    parts = drawn / np.maximum(squares, 1e-300)
    parts *= n / float(parts @ drawn)
    factor = (parts[:, None] * inverse).ravel()

    logger = log.logger if len(drawn) > 1 else None
    everything = bool(known.all())
    rows = np.arange(n) if everything else np.flatnonzero(known)
    index = slice(None) if everything else rows
    action = log.action[index]
    weight = found.ratio.ravel().take(rows * arms + action)  # [rows, action], three times as fast
    weight *= factor[action if logger is None else logger[index] * arms + action]

    total, square = float(weight.sum()), float(weight @ weight)
    together = square
    if log.prompt is not None:
        by_prompt = np.bincount(log.prompt[index], weights=weight)
        together = float(by_prompt @ by_prompt)
    alike = together / square if square > 0.0 else 1.0
    mass = parts @ found.wanted
    second = parts**2 @ (found.square * inverse)
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


def out_of_reach(log: Log, found: Support) -> str:
    """Why no logger reaches the target."""
    missed = found.missed.sum(axis=0)
    arm = int(np.argmax(missed))
    return (
        f"on {share(missed[arm] / len(log))} of the rows the target can choose {log.arms[arm]} where the log never"
        " could, so nothing is known of what would have happened; let the router that serves explore"
    )


def unheard(log: Log, found: Support, known: Array, what: str) -> str:
    """Why no logger hears of the target. ``what``: "rated" or "of known cost"."""
    silent = np.where(known == 0, found.wanted, 0.0).sum(axis=0)
    arm = int(np.argmax(silent))
    part = share(float(found.wanted[:, arm].sum()) / len(log))
    return f"no answer of {log.arms[arm]} is {what}, and the target gives it {part} of the traffic"


def poor(log: Log, found: Overlap, least_ess: float) -> str | None:
    """Why the overlap is too poor for an estimate; None where it is not."""
    answers = len(found.weight)
    fewest = max(FEWEST_ROWS, math.ceil(least_ess))
    if answers < fewest:
        return f"{answers} known answers are too few; at least {fewest} are needed"
    ess = min(found.ess, found.expected_ess)
    if ess < least_ess:
        needed = f"about {about(answers * least_ess / ess)} would do, or fewer if more traffic explored"
        return (
            f"the {answers:,} known answers are worth only {ess:,.0f} (at least {least_ess:,.0f} are needed), for"
            f" the log seldom chose as the target would; {needed if ess >= 1.0 else 'let more traffic explore'}"
        )
    scarce = np.where(found.target_share > MINOR, found.expected, np.inf)
    arm = int(np.argmin(scarce))
    if scarce[arm] < LEAST_ANSWERS:
        return (
            f"about {int(scarce[arm])} effective answers speak for {log.arms[arm]}, to which the target gives"
            f" {share(found.target_share[arm])} of the traffic; at least {LEAST_ANSWERS} are needed"
        )
    return None


def _sums(values: Array, logger: Ints | None, count: int, times: Array | None = None) -> Array:
    """Column sums by logger: (loggers, k); of ``values * times`` where that is given.

    Column by column: with few models that is many times as fast as over rows.
    """
    sums = np.empty((count, values.shape[1]))
    for place, column in enumerate(values.T):
        by = None if times is None else times[:, place]
        if logger is not None:
            sums[:, place] = np.bincount(logger, weights=column if by is None else column * by, minlength=count)
        else:
            sums[0, place] = column.sum() if by is None else np.einsum("i,i", column, by)
    return sums
