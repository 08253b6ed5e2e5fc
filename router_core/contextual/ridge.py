"""Ridge regression on sparse rows of hashed grams, by conjugate gradients.

Leaves out where targets and weights come from (training.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log1p
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from router_core.contextual.gain import LENGTH_SCALE, halved
from router_core.contextual.grams import BLOCK_SIZES, blocks, codes

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

FEWEST_TEXTS: Final = 2
"""A gram that fewer texts have is left out: it cannot help on others."""

_TOLERANCE: Final = 1e-5
_MOST_STEPS: Final = 200


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """n texts as sparse rows. ``blocks``: words, runs (n x places), 1 + log of counts. ``length`` (n,):
    log(1 + characters). ``group`` (n,): equal texts have the same number.
    """  # fmt: skip

    blocks: tuple[csr_matrix, csr_matrix]
    length: Array
    group: NDArray[np.intp]

    def rows(self, at: NDArray[np.intp]) -> Texts:
        """Some of them."""
        words, runs = self.blocks
        return Texts((words[at], runs[at]), self.length[at], self.group[at])


def read(texts: Sequence[str]) -> Texts:
    """Hash every text; some 0.15 ms for one of 400 characters, and 8 bytes for each gram that it has."""
    from scipy.sparse import csr_matrix

    places: list[list[NDArray[np.int32]]] = [[], []]
    weights: list[list[Floats]] = [[], []]
    for text in texts:
        for kind, block in enumerate(blocks(codes(text))):
            places[kind].append(block.places.astype(np.int32))
            weights[kind].append(block.weights.astype(np.float32))
    made = []
    for kind, size in enumerate(BLOCK_SIZES):
        starts = np.concatenate(([0], np.cumsum([len(found) for found in places[kind]], dtype=np.int64)))
        made.append(
            csr_matrix(
                (_joined(weights[kind], np.float32), _joined(places[kind], np.int32), starts),
                shape=(len(texts), size),
            )
        )
    number: dict[str, int] = {}
    group = np.array([number.setdefault(text, len(number)) for text in texts], np.intp)
    return Texts((made[0], made[1]), np.array([log1p(len(text)) for text in texts], np.float64), group)


def _joined(parts: Sequence[NDArray[np.generic]], kind: type[np.generic]) -> NDArray[np.generic]:
    return np.concatenate(parts) if parts else np.empty(0, kind)


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Rows as a regression sees them: each block weighted by rarity and brought to length 1, then the length.

    ``rarity`` and ``length`` as in gain.GainScore.
    """

    rows: csr_matrix
    rarity: tuple[Floats, Floats]
    length: tuple[float, float]


def designed(texts: Texts) -> Design:
    """Learn how rare each gram is, and weigh the rows by it."""
    rarity = tuple(_rarity(block) for block in texts.blocks)
    deviation = float(texts.length.std()) if len(texts.length) else 0.0
    length = (float(texts.length.mean()) if len(texts.length) else 0.0, deviation if deviation > 1e-9 else 1.0)
    return Design(weighed(texts, (rarity[0], rarity[1]), length), (rarity[0], rarity[1]), length)


def weighed(texts: Texts, rarity: tuple[Floats, Floats], length: tuple[float, float]) -> csr_matrix:
    """Any texts as rows of a design."""
    from scipy.sparse import csr_matrix, hstack

    parts = []
    for block, by in zip(texts.blocks, rarity, strict=True):
        data = block.data * by.take(block.indices)
        size = np.zeros(block.shape[0])
        filled = np.flatnonzero(np.diff(block.indptr))
        size[filled] = np.add.reduceat(np.square(data, dtype=np.float64), block.indptr[filled])
        scale = np.divide(1.0, np.sqrt(size), out=np.zeros_like(size), where=size > 0.0).astype(np.float32)
        data *= np.repeat(scale, np.diff(block.indptr))
        parts.append(csr_matrix((data, block.indices, block.indptr), shape=block.shape))
    mean, deviation = length
    column = ((texts.length - mean) * (LENGTH_SCALE / deviation)).astype(np.float32)
    parts.append(csr_matrix(column[:, None]))
    return hstack(parts, format="csr", dtype=np.float32)


def _rarity(block: csr_matrix) -> Floats:
    had = np.bincount(block.indices, minlength=block.shape[1])
    rarity = np.log((1.0 + block.shape[0]) / (1.0 + had)) + 1.0
    rarity[had < FEWEST_TEXTS] = 0.0
    return halved(rarity)


def solve(rows: csr_matrix, targets: Array, weights: Array, penalty: float) -> tuple[Array, float]:
    """Coefficients (columns,) and intercept that minimise sum w (y - a - x b)^2 + penalty |b|^2.

    The intercept is free: everything is taken from its weighted mean. With nothing to learn from, zeros.
    """
    total = float(weights.sum())
    found = np.zeros(rows.shape[1], np.float32)
    if total <= 0.0:
        return found.astype(np.float64), 0.0
    turned = rows.T.tocsr()
    weight = weights.astype(np.float32)
    mean = (turned @ weight) / np.float32(total)
    centre = float(weights @ targets) / total

    def times(v: Floats) -> Floats:
        u = rows @ v
        u -= mean @ v
        u *= weight
        return np.asarray(turned @ u - mean * u.sum() + np.float32(penalty) * v, np.float32)

    off = (weights * (targets - centre)).astype(np.float32)
    residual = turned @ off - mean * off.sum()
    direction = residual.copy()
    size = first = float(np.dot(residual, residual))
    for _ in range(_MOST_STEPS):
        if size <= first * _TOLERANCE**2:
            break
        image = times(direction)
        step = size / float(np.dot(direction, image))
        found += np.float32(step) * direction
        residual -= np.float32(step) * image
        before, size = size, float(np.dot(residual, residual))
        direction *= np.float32(size / before)
        direction += residual
    return found.astype(np.float64), centre - float(mean @ found)
