"""Intervals of means, shares and differences: the one place for them, in files, in logs and on every page.

Two corrections make them cover where a plain normal interval or a percentile bootstrap does not. *Imagined
answers*: a share of 50 in 50 is not certain, so a few answers that nobody gave are added, half of them good
(Agresti & Coull 1998; for paired differences Bonett & Price 2012). *Skewness*: a sample of long-tailed costs lacks
the expensive answers that have not come yet, so the interval reaches further up (Hall 1992, On the removal of
skewness by transformation). Does not cover posteriors (learning/beta.py) and the bootstrap
(evaluation/by_file/resampling.py).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

Array = NDArray[np.float64]
Ends = tuple[Array, Array]

NEARLY_ALL: Final = 0.9
"""Where a smaller part of the answers is rated, a share of good ones has its worst case beside it."""

_UNSEEN_SKEW: Final = 1.5  # samples of long tails look less skewed than what they are drawn from


def quantile(level: float, freedom: ArrayLike) -> Any:
    """Student's t: so many standard errors on either side hold this ``level``. ``freedom``: its degrees."""
    return stdtrit(np.maximum(freedom, 1.0), 0.5 + level / 2.0)


def ends(value: ArrayLike, error: ArrayLike, skewness: ArrayLike, reach: ArrayLike) -> Ends:
    """The interval of an estimate whose distribution is skewed: Hall's cubic transformation, turned back.

    Args:
        value: the estimate.
        error: its standard error.
        skewness: of the *estimate*; of a mean of n values that of the values over sqrt(n).
        reach: standard errors on either side, as of ``quantile``.

    Returns:
        Low and high end. The wider of what the skewness seen and half as much again would give.
    """
    value, error, reach = (np.asarray(one, np.float64) for one in (value, error, reach))
    low = high = value
    for times in (1.0, _UNSEEN_SKEW):
        skew = times * np.asarray(skewness, np.float64)
        skew = np.where(np.abs(skew) < 1e-6, 1e-6, skew)
        up, down = (3.0 * (np.cbrt(1.0 + skew * (t - skew / 6.0)) - 1.0) / skew for t in (reach, -reach))
        low, high = np.minimum(low, value - error * up), np.maximum(high, value - error * down)
    return low, high


def mean(
    values: Array,
    level: float = 0.95,
    imagined: ArrayLike = 0.0,
    around: ArrayLike = 0.0,
    weights: Array | None = None,
) -> Ends:
    """The interval of means of columns (n, ...): of any size, and as long-tailed as costs are.

    Args:
        values: at least 2 rows, or rows that stand for at least 2.
        level: of the interval.
        imagined: half of z^2 / 2 imagined values lie so far above ``around``, half so far below.
        around: see above.
        weights: (n,), how many equal rows each stands for; None: one.
    """
    count = len(values) if weights is None else float(weights.sum())
    reach = quantile(level, count - 1)
    more = np.where(np.asarray(imagined) > 0.0, reach**2 / 2.0, 0.0)
    whole = count + more
    own, around = average(values, weights), np.asarray(around, np.float64)
    centre = (count * own + more * around) / whole
    off = values - centre
    squares = total(off**2, weights) + more * (np.square(imagined) + np.square(around - centre))
    squares *= whole / (whole - 1.0)
    third = total(off**3, weights)
    skew = np.divide(third, squares**1.5, out=np.zeros_like(squares), where=squares > 0.0)
    low, high = ends(centre, np.sqrt(squares) / whole, skew, reach)
    return np.minimum(low, own), np.maximum(high, own)


def total(values: NDArray[Any], weights: Array | None = None) -> Array:
    """The sum of columns (n, ...), each row as often as its weight says."""
    return np.asarray(values.sum(axis=0) if weights is None else np.tensordot(weights, values, axes=1))


def average(values: NDArray[Any], weights: Array | None = None) -> Array:
    """The mean of columns (n, ...), each row as often as its weight says."""
    return np.asarray(values.mean(axis=0) if weights is None else total(values, weights) / weights.sum())


def share(values: Array, level: float = 0.95, weights: Array | None = None) -> Ends:
    """The interval of means of columns (n, ...) of scores in [0, 1]; ``weights`` as for ``mean``."""
    count = len(values) if weights is None else weights.sum()
    return share_of_sums(total(values, weights), total(values**2, weights), count, level)


def share_of_sums(good: ArrayLike, squares: ArrayLike, count: ArrayLike, level: float = 0.95) -> Ends:
    """The interval of good / count, scores in [0, 1]: Agresti & Coull's, which also holds for parts of an answer.

    Args:
        good: the sum of the scores.
        squares: the sum of their squares; where all are 0 or 1, the same.
        count: how many, > 0.
        level: of the interval.
    """
    good, squares, count = (np.asarray(one, np.float64) for one in (good, squares, count))
    more = quantile(level, np.inf) ** 2
    whole = count + more
    centre = (good + more / 2.0) / whole
    variance = np.maximum((squares + more / 2.0) / whole - centre**2, 0.0)
    half = quantile(level, np.inf) * np.sqrt(variance / whole)
    value = good / count
    return np.clip(np.minimum(centre - half, value), 0.0, 1.0), np.clip(np.maximum(centre + half, value), 0.0, 1.0)


def difference(values: Array, level: float = 0.95, weights: Array | None = None) -> Ends:
    """The interval of means of columns (n, ...) of differences of two scores of the same prompt, in [-1, 1].

    ``weights`` as for ``mean``.
    """
    low, high = mean(values, level, imagined=1.0, weights=weights)
    return np.maximum(low, -1.0), np.minimum(high, 1.0)


def at_worst(value: float, rated: float) -> tuple[float, float]:
    """Share of good answers among all, where only a part is rated: if all others were bad, and if all were good.

    Without knowing who rates nothing better can be said (Manski 1990, Nonparametric bounds on treatment effects).

    Args:
        value: share of good ones among the rated, in [0, 1].
        rated: part of the answers that is rated, in [0, 1].
    """
    return value * rated, value * rated + 1.0 - rated
