"""The reward model of the doubly robust estimate: for each model a ridge regression on features of the prompt.

Deliberately simple: its errors are corrected by the weights, so it need not be right (Dudik et al.
2014).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_BLOCK: Final = 32_768  # rows at a time: what is made of them stays in the processor's cache


def predicted(
    target: Array,
    features: Array | None,
    action: NDArray[np.int64],
    taught: NDArray[np.intp],
    outcome: Array,
    expected: float,
) -> tuple[Array, Array]:
    """What the target would bring by the reward model, each row predicted without its own outcome.

    Leaving one row out of a ridge regression has a closed form: y - m_(-i) = (y - m) / (1 - h), h the row's
    leverage (Allen 1974). That is a fold per row, without any chance in it: the same rows give the same figures in
    any order. What the models that were not drawn would have brought has not seen the row's outcome to begin with.

    Args:
        target: (n, k), its probabilities q.
        features: (n, f) or None; the penalty takes them as standardised over the rows that taught.
        action: (n,), the model drawn.
        taught: the m rows with an outcome, rising.
        outcome: (m,).
        expected: what a model without outcomes is taken to bring; it weighs as much as one row.

    Returns:
        (n,) sum over models of q m, and (m,) m of the model that was drawn.
    """
    rows, arms = target.shape
    shift = np.empty(0) if features is None else features[taught[0]]  # so that squares do not lose digits
    size = 1 + len(shift)
    gram, moment = np.zeros((arms, size, size)), np.zeros((arms, size))
    for known in _blocks(len(taught)):
        here = taught[known]
        x, drawn, y = _design(features, here, shift), action[here], outcome[known] - expected
        for arm in range(arms):
            own = np.flatnonzero(drawn == arm)
            xa = x.take(own, axis=1)
            gram[arm] += xa @ xa.T
            moment[arm] += xa @ y.take(own)
    standard = _standardised(gram.sum(axis=0))
    inverse = np.linalg.inv(standard @ gram @ standard.T + np.eye(size))
    inverse = standard.T @ inverse @ standard
    coefficients = np.einsum("kij,kj->ki", inverse, moment)

    direct, left_out = np.empty(rows), np.empty(len(taught))
    ends = np.searchsorted(taught, np.arange(_BLOCK, rows + _BLOCK, _BLOCK)).tolist()
    for part, start, end in zip(_blocks(rows), [0, *ends], ends, strict=False):
        x = _design(features, part, shift)
        every = coefficients @ x
        every += expected
        direct[part] = np.einsum("ij,ji->i", target[part], every)
        here = taught[start:end]
        inside, drawn, y = here - part.start, action[here], outcome[start:end]
        for arm in range(arms):
            own = np.flatnonzero(drawn == arm)
            place = inside.take(own)
            xa, said = x.take(place, axis=1), every[arm].take(place)
            leverage = np.einsum("ji,ji->i", xa, inverse[arm] @ xa)
            change = (said - y.take(own)) * leverage / (1.0 - leverage)
            left_out[start + own] = said + change
            direct[here.take(own)] += target[here.take(own), arm] * change
    return direct, left_out


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, min(start + _BLOCK, rows)) for start in range(0, rows, _BLOCK))


def _standardised(gram: Array) -> Array:
    """The matrix that makes of (1, features) the same with mean 0 and variance 1; 0 for what does not vary.

    ``gram``: sum over rows of their products, the ones first.
    """
    rows, mean = gram[0, 0], gram[0] / gram[0, 0]
    variance = gram.diagonal() / rows - mean**2
    varies = variance > 1e-12 * (gram.diagonal() / rows)
    scale = np.divide(1.0, np.sqrt(np.maximum(variance, 0.0)), out=np.zeros_like(mean), where=varies)
    matrix = np.diag(scale)
    matrix[:, 0] = -mean * scale
    matrix[0, 0] = 1.0
    return matrix


def _design(features: Array | None, rows: slice | NDArray[np.intp], shift: Array) -> Array:
    """(1 + f, rows): ones, and the features. A row per feature, for columns would be slow."""
    if features is None:
        return np.ones((1, rows.stop - rows.start if isinstance(rows, slice) else len(rows)))
    given = features[rows]
    design = np.empty((1 + len(shift), len(given)))
    design[0] = 1.0
    np.subtract(given.T, shift[:, None], out=design[1:])
    return design
