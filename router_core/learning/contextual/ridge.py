"""Ridge regression on sparse rows of hashed grams, by conjugate gradients.

See training.py for where targets and weights come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log1p
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from router_core.learning.contextual.gain import LENGTH_SCALE, halved
from router_core.learning.contextual.grams import BLOCK_SIZES, blocks, codes

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

FEWEST_TEXTS: Final = 2
"""A gram that fewer texts have is left out: it cannot help on others."""

_TOLERANCE: Final = 1e-4
_MOST_STEPS: Final = 200


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """n texts as sparse rows.

    Args:
        grams: (n, places of words and then of runs), 1 + log of counts.
        runs: (n,), where in ``grams.data`` the runs of each text begin.
        length: (n,), log(1 + characters).
        group: (n,), equal texts have the same number.
    """

    grams: csr_matrix
    runs: NDArray[np.intp]
    length: Array
    group: NDArray[np.intp]

    def of(self, rows: NDArray[np.intp]) -> Texts:
        """These texts alone, in this order."""
        grams = self.grams[rows]
        words = self.runs[rows] - self.grams.indptr[rows]
        return Texts(grams, grams.indptr[:-1] + words, self.length[rows], self.group[rows])


def read(texts: Sequence[str]) -> Texts:
    """Hash every text; some 0.15 ms for one of 400 characters, and 8 bytes for each gram that it has."""
    from scipy.sparse import csr_matrix

    places: list[NDArray[np.int32]] = []
    weights: list[Floats] = []
    sizes = np.zeros((len(texts), len(BLOCK_SIZES)), np.intp)
    for row, text in enumerate(texts):
        before = 0
        for kind, block in enumerate(blocks(codes(text))):
            places.append((block.places + before).astype(np.int32))
            weights.append(block.weights.astype(np.float32))
            sizes[row, kind] = len(block.places)
            before += BLOCK_SIZES[kind]
    ends = np.cumsum(sizes.sum(axis=1))
    starts = np.concatenate(([0], ends)).astype(np.int32)
    data = np.concatenate(weights) if weights else np.empty(0, np.float32)
    indices = np.concatenate(places) if places else np.empty(0, np.int32)
    grams = csr_matrix((data, indices, starts), shape=(len(texts), sum(BLOCK_SIZES)))
    number: dict[str, int] = {}
    group = np.array([number.setdefault(text, len(number)) for text in texts], np.intp)
    length = np.array([log1p(len(text)) for text in texts], np.float64)
    return Texts(grams, starts[:-1] + sizes[:, 0], length, group)


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Texts as a regression sees them: each block weighted by rarity and brought to length 1, and the length.

    Args:
        grams: (n, places); shares its places with the texts.
        length_column: (n,).
        rarity: (places,), as in gain.GainScore, both blocks.
        length: mean and standard deviation.
    """

    grams: csr_matrix
    length_column: Floats
    rarity: Floats
    length: tuple[float, float]

    def times(self, coefficients: Floats) -> Floats:
        """(n,): every row times the coefficients, the last of which is that of the length."""
        product = self.grams @ coefficients[:-1]
        product += self.length_column * coefficients[-1]
        return np.asarray(product, np.float32)

    def turned_times(self, values: Floats) -> Floats:
        """(places + 1,): the rows weighted by so much and summed."""
        return np.append(self.grams.T @ values, np.float32(self.length_column @ values))


def designed(texts: Texts, known: NDArray[np.bool_]) -> Design:
    """Learn from the known rows how rare each gram is and how long texts are, and weigh all rows by it."""
    grams, width = texts.grams, texts.grams.shape[1]
    had = np.bincount(grams.indices, minlength=width)
    if not known.all():
        had -= np.bincount(grams[np.flatnonzero(~known)].indices, minlength=width)
    table = np.log((1.0 + int(known.sum())) / (1.0 + had)) + 1.0
    table[had < FEWEST_TEXTS] = 0.0
    lengths = texts.length[known]
    mean, deviation = (float(lengths.mean()), float(lengths.std())) if len(lengths) else (0.0, 0.0)
    return weighed(texts, halved(table), (mean, deviation if deviation > 1e-9 else 1.0))


def weighed(texts: Texts, rarity: Floats, length: tuple[float, float]) -> Design:
    """Texts under a known rarity of grams (places,) and a known mean and standard deviation of log length."""
    from scipy.sparse import csr_matrix

    grams = texts.grams
    data = grams.data * rarity.take(grams.indices)
    ends = np.column_stack([grams.indptr[:-1], texts.runs]).ravel()
    counts = np.diff(np.append(ends, len(data)))
    filled = np.flatnonzero(counts)
    size = np.zeros(len(ends), np.float32)
    size[filled] = np.add.reduceat(np.square(data), ends[filled])
    scale = np.divide(1.0, np.sqrt(size), out=np.zeros_like(size), where=size > 0.0)
    data *= np.repeat(scale, counts)
    column = ((texts.length - length[0]) * (LENGTH_SCALE / length[1])).astype(np.float32)
    of_length_1 = csr_matrix((data, grams.indices, grams.indptr), shape=grams.shape)
    return Design(of_length_1, column, rarity, length)


def solve(design: Design, targets: Array, weights: Array, penalty: float) -> tuple[Floats, float]:
    """Coefficients (places + 1,) and intercept that minimise sum w (y - a - x b)^2 + penalty |b|^2.

    The intercept is free: everything is taken from its weighted mean. Rows of weight 0 are not learned from; with
    nothing to learn from, zeros.
    """
    found = np.zeros(design.grams.shape[1] + 1, np.float32)
    total = float(weights.sum())
    if total <= 0.0:
        return found, 0.0
    weight = weights.astype(np.float32)
    mean = design.turned_times(weight) / np.float32(total)
    centre = float(weights @ targets) / total

    def times(v: Floats) -> Floats:
        u = design.times(v)
        u -= mean @ v
        u *= weight
        return np.asarray(design.turned_times(u) - mean * u.sum() + np.float32(penalty) * v, np.float32)

    off = (weights * (targets - centre)).astype(np.float32)
    residual = design.turned_times(off) - mean * off.sum()
    direction = residual.copy()
    size = first = float(residual @ residual)
    for _ in range(_MOST_STEPS):
        if size <= first * _TOLERANCE**2:
            break
        image = times(direction)
        step = np.float32(size / float(direction @ image))
        found += step * direction
        residual -= step * image
        before, size = size, float(residual @ residual)
        direction *= np.float32(size / before)
        direction += residual
    return found, centre - float(mean @ found)
