"""The reward model of the doubly robust estimate: for each model a ridge regression on features of the prompt.

Leaves out anything clever: its errors are corrected by the weights, so it need not be right (Dudik et al. 2014).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Predictions:
    """What models would bring.

    ``every`` (k, n): each model on each row. ``own`` (m,): the model that was drawn, on each of the m rows that
    taught, *without* that row's own outcome.
    """

    every: Array
    own: Array


def fit_left_out(
    features: Array | None,
    action: NDArray[np.int64],
    taught: NDArray[np.intp] | slice,
    outcome: Array,
    arms: int,
    expected: float,
) -> Predictions:
    """Fit, and predict every row without its own outcome.

    Leaving one row out of a ridge regression has a closed form: y - m_(-i) = (y - m) / (1 - h), h the row's
    leverage (Allen 1974). That is a fold per row, without any chance in it: the same rows give the same figures in
    any order. The other models' predictions on a row have not seen its outcome to begin with.

    Args:
        features: (n, f) or None; standardised here.
        action: (n,), the model drawn.
        taught: the m rows with an outcome.
        outcome: (m,).
        arms: how many models, k.
        expected: what a model without outcomes is taken to bring; it weighs as much as one row.
    """
    design = _design(features, len(action))
    known, drawn = design[:, taught], action[taught]
    coefficients = np.zeros((arms, len(design)))
    own = np.empty(len(outcome))
    for arm in range(arms):
        rows = np.flatnonzero(drawn == arm)
        x, y = known.take(rows, axis=1), outcome.take(rows)
        inverse = np.linalg.inv(x @ x.T + np.eye(len(x)))
        beta = inverse @ (x @ (y - expected))
        coefficients[arm] = beta
        residual = y - expected - beta @ x
        leverage = np.einsum("ji,ji->i", x, inverse @ x)
        own[rows] = y - residual / (1.0 - leverage)
    every = coefficients @ design
    every += expected
    return Predictions(every, own)


def _design(features: Array | None, rows: int) -> Array:
    """(1 + f, n): ones, and the features that vary, standardised. A row per feature: columns would be slow."""
    if features is None:
        return np.ones((1, rows))
    columns = np.ascontiguousarray(features.T)
    mean, deviation = columns.mean(axis=1), columns.std(axis=1)
    varies = np.flatnonzero(deviation > 1e-9 * (1.0 + np.abs(mean)))
    design = np.ones((1 + len(varies), rows))
    for row, place in zip(design[1:], varies.tolist(), strict=True):
        np.subtract(columns[place], mean[place], out=row)
        row /= deviation[place]
    return design
