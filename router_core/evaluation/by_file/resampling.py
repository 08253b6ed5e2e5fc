"""The bootstrap over prompts: how far a figure would move had other prompts of the same kind been asked.

For orders of prompts and savings; means, shares and differences have a formula (intervals.py). All figures
use the same draws, so that differences between them are paired (Efron & Tibshirani 1993). Does not cover learners:
what varies there is also the order of the prompts (replay.py).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from router_core.evaluation.results import Estimate

Array = NDArray[np.float64]
Counts = NDArray[np.uint8]

LEVEL = 0.95


def bootstrap_counts(prompts: int, draws: int, seed: int) -> Counts:
    """How often each prompt is drawn, with replacement, in each draw: (draws, prompts), at most 255."""
    rng = np.random.default_rng(seed)
    counts = np.empty((draws, prompts), np.uint8)
    for row in counts:
        row[:] = np.bincount(rng.integers(0, prompts, prompts), minlength=prompts)
    return counts


def bootstrap_means(counts: Counts, values: Array) -> Array:
    """Means of columns in every draw: (draws, prompts) and (prompts, m) give (draws, m)."""
    means = np.empty((len(counts), values.shape[1]))
    for start in range(0, len(counts), 64):  # counts as floats would fill the memory
        means[start : start + 64] = counts[start : start + 64].astype(np.float64) @ values
    return np.asarray(means / counts.shape[1])


def estimate(value: float, draws: Array, level: float = LEVEL) -> Estimate | None:
    """A value with its percentile interval over the draws; None where it, or a part of the draws that the interval
    would have to cover, is not defined.
    """  # fmt: skip
    tail = (1.0 - level) / 2.0
    missing = float(np.isnan(draws).mean())
    if not np.isfinite(value) or missing > tail:
        return None
    low, high = np.nanquantile(draws, [tail, 1.0 - tail])
    return Estimate(float(value), min(float(low), float(value)), max(float(high), float(value)))


def sure(found: Estimate | None) -> Estimate:
    """An estimate that cannot be missing."""
    assert found is not None, "accuracies are never missing"
    return found
