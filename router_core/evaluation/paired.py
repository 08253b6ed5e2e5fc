"""Is the cheap model good enough? A test on pairs of answers that stays valid however often one looks.

Pairs only: both models answered the same prompt, both answers were rated. Does not cover where pairs come from
(traffic.py) and money: a better model may still not be worth its price.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from router_core.errors import EvaluationError
from router_core.evaluation.results import Estimate
from router_core.intervals import NEARLY_ALL
from router_core.words import about

Array = NDArray[np.float64]
Conclusion = Literal["within", "worse", "both", "unknown"]
"""within: the strong model is better by at most the tolerance; worse: by more; both: the evidence has pointed both
ways, so something changed on the way; unknown: not known yet."""

LARGEST_BET: Final = 0.5
"""Of what one may bet without being ruined by one pair."""

BETS: Final = (0.05, 0.15, 0.4, 1.0)
"""Parts of the largest bet, each played with its part of the money from the first pair to the last."""

STAKES: Final = (0.1, 0.2, 0.3, 0.4)

_GUESSED: Final = ((0.0, 0.05), (0.5, 0.9), (1.0, 0.05))  # pairs before any was seen: equal models, a tenth differ
_GUESSES: Final = 20  # pairs that this guess weighs as much as
_FUTURES: Final = 200
_AHEAD: Final[list[int]] = np.unique(np.geomspace(1, 1e6, 180).round().astype(int)).tolist()  # more are no answer
_LEVELS: Final = 40  # differences that futures tell apart
_POINTS: Final = 400


@dataclass(frozen=True, slots=True)
class EvidencePoint:
    """Evidence after so many pairs, as log10 of E: 1.3 is a factor of 20."""

    pairs: int
    within: float
    worse: float


@dataclass(frozen=True, slots=True)
class PairedTest:
    """What the pairs say.

    Args:
        cheap, strong: the two models.
        pairs: how many pairs.
        cheap_better, equal, strong_better: pairs by which answer was rated higher.
        difference: the strong model's mean less the cheap one's, with an interval that holds however often one
            looks; None without pairs.
        tolerance: d; level: 1 less the chance of a false conclusion, for all models compared together.
        needed: a conclusion is drawn once the evidence E reaches this.
        conclusion: see ``Conclusion``; ``concluded_at``: after which pair (the later one, where both).
        within, worse: log10 of E now, for either conclusion.
        more_pairs: within how many more pairs "within" comes, as likely as not; ``more_pairs_worse``: "worse".
            None where it is likelier that it does not come in a million, or the conclusion is drawn.
        path: the evidence through time, at most a few hundred points.
        answered: prompts that both models answered, rated or not; 0: not known.
    """

    cheap: str
    strong: str
    pairs: int
    cheap_better: int
    equal: int
    strong_better: int
    difference: Estimate | None
    tolerance: float
    level: float
    needed: float
    conclusion: Conclusion
    concluded_at: int | None
    within: float
    worse: float
    more_pairs: int | None
    more_pairs_worse: int | None
    path: tuple[EvidencePoint, ...]
    answered: int = 0

    @property
    def at_worst(self) -> tuple[float, float] | None:
        """Ends of the difference on all prompts that both answered, whatever became of those without two ratings.

        None where nearly all have two, or nothing is known.
        """
        if self.difference is None or self.pairs >= NEARLY_ALL * self.answered:
            return None
        rated = self.pairs / self.answered
        return self.difference.value * rated - (1.0 - rated), self.difference.value * rated + (1.0 - rated)

    @property
    def sentence(self) -> str:
        """The conclusion in words."""
        points = f"{100 * self.tolerance:g} points"
        sure = f"({100 * self.level:g} %, {self.pairs:,} pairs, however often you look)"
        if self.conclusion == "within":
            return f"{self.strong} is better than {self.cheap} by at most {points} {sure}."
        if self.conclusion == "worse":
            return f"{self.strong} is better than {self.cheap} by more than {points} {sure}."
        if self.conclusion == "both":
            return (
                f"The evidence has pointed both ways: {self.strong} was better than {self.cheap} by more than"
                f" {points} for a time, and not for another. Look at what changed."
            )
        said = f"Not known yet whether {self.strong} is better than {self.cheap} by at most {points}"
        either = (self.more_pairs, self.more_pairs_worse)
        more = min((one for one in either if one is not None), default=None)
        if more is None:
            return f"{said}: the difference is so close to it that pairs will hardly tell."
        return f"{said}: about {about(more)} more pair{'s' if more != 1 else ''} needed."


def evidence(x: Array, m: float) -> Array:
    """log E after each pair, along the last axis, against "the mean of x is at most m".

    E grows by the factor 1 + b (x - m) with each pair, b in [0, 0.5 / m]. While the mean is at most m, E is on
    average at most 1 whatever one looks at, so it ever reaches 1 / alpha with a chance of at most alpha (Ville).
    The bet: the money is split over several constant bets, which are then left alone. Together they are one bet
    that moves, from past pairs alone, towards those that have won (diversified Kelly betting: Waudby-Smith &
    Ramdas 2024, Estimating means of bounded random variables by betting). E does not depend on the order of pairs.

    Args:
        x: in [0, 1]; may have leading axes: one sequence each.
        m: in (0, 1).
    """
    together = np.full(x.shape, -np.inf)
    for stake, part in zip(STAKES, BETS, strict=True):
        bet = part * LARGEST_BET / m
        together = np.logaddexp(together, math.log(stake) + np.cumsum(np.log1p(bet * (x - m)), axis=-1))
    return together


def paired_test(
    y_cheap: ArrayLike,
    y_strong: ArrayLike,
    tolerance: float = 0.05,
    level: float = 0.95,
    *,
    rivals: int = 1,
    cheap: str = "The cheap model",
    strong: str = "The strong model",
) -> PairedTest:
    """Whether the strong model is better by at most the tolerance, by more, or not known yet.

    x = (y_cheap - y_strong + 1) / 2 is tested against m = (1 - d) / 2 from both sides; a side is concluded once
    its evidence has reached rivals / (1 - level), and stays concluded.

    Args:
        y_cheap, y_strong: rewards in [0, 1], pair by pair, in the order in which both were known.
        tolerance: d in [0, 1), as a share: 0.05 is five points.
        level: in (0, 1).
        rivals: how many cheaper models are compared with the strong one; corrected for (Bonferroni).
        cheap, strong: names for the sentence.

    Raises:
        EvaluationError: lengths differ, a reward is missing or outside [0, 1], or an argument is out of range.
    """
    low, high = _rewards(y_cheap, cheap), _rewards(y_strong, strong)
    if len(low) != len(high):
        raise EvaluationError(f"{len(low)} ratings of {cheap} and {len(high)} of {strong} make no pairs")
    if not 0.0 <= tolerance < 1.0:
        raise EvaluationError(f"a tolerance of {tolerance!r} is out of range; give a share from 0 to below 1")
    if not 0.0 < level < 1.0 or rivals < 1:
        raise EvaluationError(
            f"level {level!r} and {rivals} rivals are out of range; give a level between 0 and 1"
        )
    x, m = (low - high + 1.0) / 2.0, (1.0 - tolerance) / 2.0
    needed = rivals / (1.0 - level)
    sides = evidence(x, m), evidence(1.0 - x, 1.0 - m)
    crossed = [_first(side, needed) for side in sides]
    conclusion: Conclusion = "unknown"
    if all(crossed):
        conclusion = "both"
    elif crossed[0]:
        conclusion = "within"
    elif crossed[1]:
        conclusion = "worse"
    more: list[int | None] = [None, None]
    if conclusion == "unknown":
        more = [_more(x, m, needed), _more(1.0 - x, 1.0 - m, needed)]
    return PairedTest(
        cheap=cheap,
        strong=strong,
        pairs=len(x),
        cheap_better=int((low > high).sum()),
        equal=int((low == high).sum()),
        strong_better=int((low < high).sum()),
        difference=_difference(x, 2.0 * rivals / (1.0 - level)),
        tolerance=tolerance,
        level=level,
        needed=needed,
        conclusion=conclusion,
        concluded_at=max((at for at in crossed if at), default=None),
        within=_now(sides[0]),
        worse=_now(sides[1]),
        more_pairs=more[0],
        more_pairs_worse=more[1],
        path=_path(sides[0], sides[1], crossed),
    )


@dataclass(frozen=True)
class Pairs:
    """Prompts that two models answered and whose answers were both rated, oldest first.

    Args:
        cheap, strong: the models.
        y_cheap, y_strong: (n,), in [0, 1].
        at: (n,), when both were rated (UTC).
        asked_all: (n,), whether every model was asked whatever the routers chose; else they are prompts on which
            routers disagreed, which need not be like the others.
        answered: prompts that both answered, rated or not; 0: not known.
    """

    cheap: str
    strong: str
    y_cheap: Array
    y_strong: Array
    at: NDArray[np.datetime64]
    asked_all: NDArray[np.bool_]
    answered: int = 0


def paired_tests(pairs: Sequence[Pairs], tolerance: float = 0.05, level: float = 0.95) -> tuple[PairedTest, ...]:
    """Each cheaper model against the best one, corrected for their number.

    Which model is the best must be fixed beforehand (the settings' last): chosen from the same ratings, the level
    would not hold.
    """
    return tuple(
        replace(
            paired_test(
                one.y_cheap, one.y_strong, tolerance, level, rivals=len(pairs), cheap=one.cheap, strong=one.strong
            ),
            answered=one.answered,
        )
        for one in pairs
    )


def _rewards(given: ArrayLike, whose: str) -> Array:
    values = np.asarray(given, dtype=np.float64)
    if values.ndim != 1 or not ((values >= 0.0) & (values <= 1.0)).all():
        raise EvaluationError(f"the ratings of {whose} must be a list of numbers in [0, 1], none missing")
    return values


def _first(side: Array, needed: float) -> int | None:
    """After which pair the evidence was first enough."""
    enough = side >= math.log(needed)
    return int(np.argmax(enough)) + 1 if enough.any() else None


def _now(side: Array) -> float:
    return float(side[-1]) / math.log(10.0) if len(side) else 0.0


def _more(x: Array, m: float, needed: float) -> int | None:
    """After how many more pairs the evidence is enough, as likely as not.

    The median over futures: each draws how often every difference will come (Dirichlet: as often as it was seen,
    with a guess that weighs as much as twenty pairs), then pairs by that, in steps of a few per cent.
    """
    bets = np.array(BETS) * LARGEST_BET / m
    start = np.log(STAKES) + np.log1p(bets[:, np.newaxis] * (x - m)).sum(axis=1)
    values, of = np.unique(
        np.concatenate([np.round(x * _LEVELS) / _LEVELS, [value for value, _ in _GUESSED]]), return_inverse=True
    )
    weights = np.bincount(of, np.concatenate([np.ones(len(x)), [_GUESSES * part for _, part in _GUESSED]]))
    growth = np.log1p(bets[:, np.newaxis] * (values - m))
    rng = np.random.default_rng(0)
    chances = rng.dirichlet(weights, _FUTURES)
    seen, enough, before = np.zeros(chances.shape), np.zeros(_FUTURES, bool), 0
    for pairs in _AHEAD:
        seen += rng.multinomial(pairs - before, chances)
        enough |= np.logaddexp.reduce(start + seen @ growth.T, axis=1) >= math.log(needed)
        before = pairs
        if 2 * enough.sum() >= _FUTURES:
            return pairs
    return None


def _difference(x: Array, needed: float) -> Estimate | None:
    """1 - 2 mean(x): every difference against which the evidence is not enough is in the interval."""
    if not len(x):
        return None
    values, counts = np.unique(x, return_counts=True)

    def beyond(m: float, seen: Array) -> bool:
        """Whether the evidence is enough against a mean of at most m."""
        wealth = [
            math.log(stake) + float(counts @ np.log1p(part * LARGEST_BET / m * (seen - m)))
            for stake, part in zip(STAKES, BETS, strict=True)
        ]
        return bool(np.logaddexp.reduce(wealth) >= math.log(needed))

    mean = float(x.mean())
    low = _edge(lambda m: beyond(m, values))
    high = 1.0 - _edge(lambda m: beyond(m, 1.0 - values))
    return Estimate(
        1.0 - 2.0 * mean, min(1.0 - 2.0 * high, 1.0 - 2.0 * mean), max(1.0 - 2.0 * low, 1.0 - 2.0 * mean)
    )


def _edge(beyond: Callable[[float], bool]) -> float:
    """The largest m in [0, 1] that is ruled out: the evidence falls as m grows."""
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2.0
        low, high = (middle, high) if beyond(middle) else (low, middle)
    return low


def _path(within: Array, worse: Array, crossed: Sequence[int | None]) -> tuple[EvidencePoint, ...]:
    """Evenly spaced points, with the last and those at which something was concluded."""
    if not len(within):
        return ()
    evenly = np.linspace(1, len(within), min(len(within), _POINTS)).round().astype(int).tolist()
    wanted = sorted({*evenly, *(at for at in crossed if at)})
    scale = math.log(10.0)
    return tuple(EvidencePoint(at, float(within[at - 1]) / scale, float(worse[at - 1]) / scale) for at in wanted)
