"""How well a score orders prompts: accuracy against the share sent to the strong model, and what sums it up.

See hull.py for money, routers.py for where scores come from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SHARES: Array = np.linspace(0.0, 1.0, 11)
"""The strong shares at which curves are read: 0, .1, ... 1."""


@dataclass(frozen=True, slots=True)
class Ordering:
    """Prompts by falling score. ``order`` (n,): row numbers; ``starts``: where a group of equal scores begins."""

    order: NDArray[np.intp]
    starts: NDArray[np.intp]

    @property
    def tied(self) -> bool:
        """Whether any two prompts have the same score."""
        return len(self.starts) < len(self.order)


def ordering(scores: Array) -> Ordering:
    """Order prompts by score, highest first.

    Args:
        scores: (n,), finite; high means "send it to the strong model".
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    starts = np.flatnonzero(np.concatenate(([True], ranked[1:] != ranked[:-1])))
    return Ordering(order, starts)


def curve(by: Ordering, values: Array, weights: Array | None = None) -> Array:
    """The mean of ``values`` over all prompts when the top share counts and the rest counts nothing, at SHARES.

    With ``values`` = strong score - cheap score this is what accuracy gains over always-cheap. Equal scores share
    alike: the value is what random tie-breaking gives on average, exactly. Linear between prompts.

    Args:
        by: the ordering.
        values: (n,), per prompt.
        weights: (n,), how often each prompt counts (a bootstrap draw); None: once.

    Returns:
        (11,)
    """
    weight = np.ones(len(values)) if weights is None else weights[by.order].astype(np.float64)
    value = values[by.order] * weight
    if by.tied:
        weight, value = np.add.reduceat(weight, by.starts), np.add.reduceat(value, by.starts)
    place = np.concatenate(([0.0], weight.cumsum()))
    total = np.concatenate(([0.0], value.cumsum()))
    return np.asarray(np.interp(SHARES * place[-1], place, total) / place[-1])


def curves(by: Ordering, values: Array, draws: Iterable[Array]) -> Array:
    """``curve`` for each bootstrap draw: (draws, 11)."""
    return np.array([curve(by, values, weights) for weights in draws])


def apgr(gained: Array) -> Array:
    """Average performance gap recovered: the area under a curve of gained accuracy over its last value.

    0.5 is what a random mix gets; above 1 is possible where the cheap model wins some prompts (Ong et al. 2024,
    RouteLLM).

    Args:
        gained: (..., 11), accuracy above always-cheap at SHARES.

    Returns:
        (...), NaN where the strong model is not better.
    """
    gap = gained[..., -1]
    area = np.trapezoid(gained, SHARES, axis=-1)
    return np.divide(area, gap, out=np.full_like(gap, np.nan), where=gap > 0)


def cpt(gained: Array, part: float) -> Array:
    """Call-performance threshold: the smallest share of strong calls that recovers this part of the gap.

    The first crossing, linear between the points of SHARES.

    Args:
        gained: (..., 11), accuracy above always-cheap at SHARES.
        part: of the gap between the models, in (0, 1]; .5 and .8 are usual.

    Returns:
        (...), in [0, 1], NaN where the strong model is not better.
    """
    gap = gained[..., -1:]
    above = gained - part * gap
    first = np.argmax(above >= 0, axis=-1)[..., None]  # the last point always is
    before = np.maximum(first - 1, 0)
    here = np.take_along_axis(above, first, -1)
    rise = here - np.take_along_axis(above, before, -1)
    back = np.divide(here, rise, out=np.zeros_like(here), where=rise > 0)
    share = SHARES[first] - back * (SHARES[first] - SHARES[before])
    return np.where(gap[..., 0] > 0, share[..., 0], np.nan)
