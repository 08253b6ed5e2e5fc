"""A judge's error, measured and taken out: prediction-powered estimates of a mean and of a difference.

A model judged N answers; people judged n of them, drawn at random. The judge's mean is moved by what people said
beyond it on those n, and its weight is as large as its agreement with people allows: a useless judge costs
nothing. Where judgements come from is judges.py's business. The intervals hold for one look at a number of
people's verdicts that was fixed beforehand; a test that may be looked at any time is paired.py's, on people's
pairs alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from router_core import intervals
from router_core.errors import EvaluationError
from router_core.evaluation.results import Estimate
from router_core.words import about

Array = NDArray[np.float64]

FEWEST: Final = 30
"""Verdicts of people below which nothing is said; drawn with unequal probabilities: effective ones."""

_DOUBT: Final = 2.5
"""Imagined disagreements per root of a verdict: a judge who was right thirty times of thirty may still err."""

_SEEN: Final = 5.0
"""Disagreements that were seen and halve the imagined ones: rare errors are then no longer a matter of belief."""

_FEW: Final = 5.0
"""Judged units per verdict of people from which more must be seen: what is left of a variance is then theirs."""

_IMAGINED_DIFFERENCES: Final = 1.0


@dataclass(frozen=True, slots=True)
class Corrected:
    """What people would have said of all N units, on average.

    A unit is an answer, or two answers to the same prompt whatever the number of orders in which they were judged.

    Args:
        estimate: the mean of people's verdicts, with its interval; None below ``FEWEST``.
        alone: the same from people's verdicts alone, for comparison; None without any.
        judge: the judge's own mean, which has its error in it.
        judged: N. people: n. effective: what n is worth where it was drawn with unequal probabilities.
        weight: l, how far the judge is listened to, from 0 (not at all) to 1.
        correlation: of the judge and people, in [-1, 1]; None where either always said the same, or below FEWEST.
        agreement: share of units on which both are on the same side, with its interval; None without people.
        level: of the intervals.
    """

    estimate: Estimate | None
    alone: Estimate | None
    judge: float
    judged: int
    people: int
    effective: float
    weight: float
    correlation: float | None
    agreement: Estimate | None
    level: float

    @property
    def wanted(self) -> int:
        """How many more verdicts of people an estimate needs at least; 0: it has enough."""
        if self.estimate is not None:
            return 0
        per_verdict = self.effective / self.people if self.people else 1.0
        return max(1, math.ceil((FEWEST - self.effective) / per_verdict))

    @property
    def worth(self) -> float | None:
        """How many verdicts of people one is worth beside this judge, where very many answers are judged.

        1 / (1 - r^2): at r = .7 two, at r = .9 five. Infinite where both always said the same.
        """
        if self.correlation is None:
            return None
        left = 1.0 - max(self.correlation, 0.0) ** 2
        return math.inf if left < 1e-12 else 1.0 / left

    @property
    def saved(self) -> int:
        """Verdicts of people that the judge saved: so many more would make the same interval without it."""
        if self.estimate is None or self.alone is None:
            return 0
        width, wide = (one.high - one.low for one in (self.estimate, self.alone))
        return max(0, math.floor(self.people * ((wide / width) ** 2 - 1.0))) if width > 0.0 else 0

    @property
    def refusal(self) -> str:
        """Why there is no estimate, and how many more verdicts are wanted; "" where there is one."""
        if self.estimate is not None:
            return ""
        more = about(self.wanted)
        if not self.people:
            return (
                f"A judge alone ranks and proves nothing: people judged none of the {self.judged:,}."
                f" {more} verdicts of people are wanted."
            )
        return (
            f"People judged {self.people:,} of {self.judged:,}: too few to measure the judge's error."
            f" About {more} more are wanted."
        )


def corrected_mean(
    judge: ArrayLike,
    people: ArrayLike,
    probability: ArrayLike = 1.0,
    *,
    level: float = 0.95,
) -> Corrected:
    """The mean of people's verdicts over all judged units, each in [0, 1].

    Args:
        judge: (N,), the judge's verdict on every unit, none missing.
        people: (N,), people's, NaN where they were not asked or did not answer.
        probability: with which people were asked, of every unit (N,) or one for all; only ratios count.
        level: of the intervals.

    Raises:
        EvaluationError: lengths differ, or a value is missing or out of range.
    """
    return _corrected(judge, people, probability, level, 0.0)


def corrected_difference(
    judge: ArrayLike,
    people: ArrayLike,
    probability: ArrayLike = 1.0,
    *,
    level: float = 0.95,
) -> Corrected:
    """The mean of differences of two answers to the same prompt, in [-1, 1]; arguments as of ``corrected_mean``.

    A judge that saw the pair in both orders has one verdict on it, the mean of the two.
    """
    return _corrected(judge, people, probability, level, -1.0)


def verdicts_until(found: Corrected, half_width: float) -> int | None:
    """About how many more verdicts of people make the interval so narrow; None: no number does among these units.

    Rather too many than too few: with more verdicts the judge is listened to more.

    Args:
        found: what is known so far, with an estimate.
        half_width: half the width that is wanted.
    """
    if found.estimate is None or found.alone is None:
        return None
    now, apart = ((one.high - one.low) / 2.0 for one in (found.estimate, found.alone))
    if now <= half_width:
        return 0
    n, judged = found.people, found.judged
    floor = apart**2 * n / judged  # what is left once people have judged every unit
    if n == judged or half_width**2 <= floor:
        return None
    beyond = max(now**2 - floor, 0.0) / (1.0 / n - 1.0 / judged)
    return max(1, math.ceil(beyond / (half_width**2 - floor + beyond / judged)) - n)


def _corrected(
    judge: ArrayLike, people: ArrayLike, probability: ArrayLike, level: float, least: float
) -> Corrected:
    """Prediction-powered inference with a tuned weight (Angelopoulos et al. 2023, arXiv 2301.09633; PPI++,
    2311.01453; unequal probabilities: Zrnic & Candes 2024, 2403.03208), people's units being a part of the judged
    ones (two-phase sampling: Saerndal et al. 1992, Model assisted survey sampling, chapter 9).

    theta = mean(y) + l (mean_N(f) - mean(f)), var = s^2(y) / N + sum over people of (1 - p) a^2 (e - mean(e))^2,
    with e = y - l f and a the unit's part of all weights 1 / p. Three things make it cover with few verdicts.
    *Imagined verdicts* as in intervals.py, fewer of them the more the judge is listened to. *Imagined
    disagreements* before l is set, ``_DOUBT`` sqrt(n) of them and fewer the more were seen: errors of the judge
    that are too rare to have been seen are not bet against. And nothing below ``FEWEST``. How well it covers:
    docs/judging.md.
    """  # fmt: skip
    f, y, p = _units(judge, people, probability, least)
    heard = ~np.isnan(y)
    asked, n, judged = p[heard], int(heard.sum()), len(f)
    part = (1.0 / asked) / (1.0 / asked).sum() if n else asked
    effective = 1.0 / float(part @ part) if n else 0.0
    mean_f = float(f.mean())
    own_f, own_y = f[heard], y[heard]
    alone = agreement = None
    if n:
        agreement = _share(_same_side(own_f, own_y, least), part * effective, level)
        alone = _of(own_y, level, part * effective, least) if effective >= 2.0 else None
    if effective < FEWEST:
        return Corrected(None, alone, mean_f, judged, n, effective, 0.0, None, agreement, level)
    weight, correlation = _weight(own_f, own_y, part, effective, judged, least)
    middle, half = (least + 1.0) / 2.0, (1.0 - least) / 2.0
    reach = float(intervals.quantile(level, np.inf))
    more = reach**2 if least == 0.0 else _IMAGINED_DIFFERENCES
    whole = effective + more
    beyond = own_y - weight * own_f
    imagined = middle - weight * mean_f
    own = (effective * float(part @ beyond) + more * imagined) / whole
    centre = own + weight * mean_f
    left = 1.0 - n / judged
    chance = np.minimum(asked * (n / judged) / _harmonic(asked), 1.0)
    squares = effective**2 * float(((1.0 - chance) * part**2) @ (beyond - own) ** 2)
    squares += left * more * (half**2 * (1.0 - weight) + (imagined - own) ** 2)
    spread = effective * float(part @ (own_y - centre) ** 2) + more * (half**2 + (middle - centre) ** 2)
    variance = (squares / whole + spread / judged) / (whole - 1.0)
    low, high = centre - reach * math.sqrt(variance), centre + reach * math.sqrt(variance)
    value = float(part @ own_y) + weight * (mean_f - float(part @ own_f))
    value = min(max(value, least), 1.0)
    estimate = Estimate(value, max(least, min(low, value)), min(1.0, max(high, value)))
    return Corrected(estimate, alone, mean_f, judged, n, effective, weight, correlation, agreement, level)


def _units(
    judge: ArrayLike, people: ArrayLike, probability: ArrayLike, least: float
) -> tuple[Array, Array, Array]:
    f, y = np.asarray(judge, np.float64), np.asarray(people, np.float64)
    p = np.broadcast_to(np.asarray(probability, np.float64), f.shape)
    if f.ndim != 1 or f.shape != y.shape or not len(f):
        raise EvaluationError(
            f"the judge has verdicts of shape {f.shape}, people of {y.shape}; give one row per judged unit,"
            " NaN where people were not asked"
        )
    if not ((f >= least) & (f <= 1.0)).all():
        raise EvaluationError(f"the judge's verdicts must be numbers from {least:g} to 1, none missing")
    if ((y < least) | (y > 1.0)).any():
        raise EvaluationError(f"people's verdicts must be numbers from {least:g} to 1, or NaN")
    if not ((p > 0.0) & (p <= 1.0)).all():
        raise EvaluationError("the probabilities with which people were asked must be above 0 and at most 1")
    return f, y, p


def _harmonic(asked: Array) -> float:
    """The harmonic mean: n over the sum of the weights 1 / p."""
    return len(asked) / float((1.0 / asked).sum())


def _weight(
    f: Array, y: Array, part: Array, effective: float, judged: int, least: float
) -> tuple[float, float | None]:
    """l, with the imagined disagreements; and the correlation as it was seen."""
    off_f, off_y = f - part @ f, y - part @ y
    var_f, var_y, both = (float(part @ one) for one in (off_f**2, off_y**2, off_f * off_y))
    correlation = both / math.sqrt(var_f * var_y) if var_f > 1e-12 and var_y > 1e-12 else None
    middle, half = (least + 1.0) / 2.0, (1.0 - least) / 2.0
    seen = effective * float(part @ np.abs(y - f)) / (2.0 * half)
    halved_at = _SEEN * math.sqrt(max(1.0, judged / (_FEW * effective)))
    doubts = _DOUBT * math.sqrt(effective) / (1.0 + seen / halved_at)
    # half of them (best, worst), half (worst, best): their mean is the middle, their covariance negative
    whole = effective + doubts
    shift_f, shift_y = (effective * (float(part @ one) - middle) / whole for one in (f, y))
    at_f, at_y = middle - float(part @ f), middle - float(part @ y)
    seen_f, seen_both = var_f + (shift_f + at_f) ** 2, both + (shift_f + at_f) * (shift_y + at_y)
    spread = (effective * seen_f + doubts * (half**2 + shift_f**2)) / whole
    common = (effective * seen_both + doubts * (-(half**2) + shift_f * shift_y)) / whole
    return min(max(common / spread, 0.0), 1.0), correlation


def _of(values: Array, level: float, weights: Array, least: float) -> Estimate:
    """People alone: the usual interval of a share, or of a difference."""
    if least == 0.0:
        return _share(values, weights, level)
    low, high = intervals.difference(values[:, np.newaxis], level, weights)
    return Estimate(float(weights @ values / weights.sum()), float(low[0]), float(high[0]))


def _share(values: Array, weights: Array, level: float) -> Estimate:
    low, high = intervals.share(values[:, np.newaxis], level, weights)
    return Estimate(min(1.0, float(weights @ values / weights.sum())), float(low[0]), float(high[0]))


def _same_side(f: Array, y: Array, least: float) -> Array:
    """1 where both call it good, or prefer the same answer, or neither does; of scores in [0, 1] the side is that
    of one half.
    """  # fmt: skip
    middle = (least + 1.0) / 2.0
    return np.asarray(np.sign(f - middle) == np.sign(y - middle), np.float64)
