"""Pairs of rated answers as a report on two models, so that they are judged in the words of any other evidence.

The intervals are those of the paired test: they hold however often one looks. The cost of a call is taken as known
(what it has been on average), for prices are; see paired.py for the test itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from router_core import intervals
from router_core.evaluation.paired import PairedTest, Pairs
from router_core.evaluation.results import Estimate, Objective, Report, Rival, Row

FEWEST = 2
"""Pairs below which nothing is said."""


def most_promising(tests: Sequence[PairedTest], costs: Sequence[float | None], worth_usd: float) -> int | None:
    """The cheaper model, as a place in ``tests``, that seems the best value beside the strongest; None: no pairs.

    Args:
        tests: each cheaper model beside the strongest.
        costs: dollars of a call of each cheaper model, in the same order; None: unknown.
        worth_usd: of a good answer.
    """
    known = [at for at, one in enumerate(tests) if one.pairs >= FEWEST and one.difference is not None]

    def value(at: int) -> float:
        difference = tests[at].difference
        assert difference is not None
        return -worth_usd * difference.value - (costs[at] or 0.0)

    return max(known, key=value, default=None)


def report_of_pairs(
    pairs: Pairs,
    test: PairedTest,
    costs_usd: tuple[float | None, float | None],
    worth_usd: float,
    *,
    settings_version: str,
    now: datetime,
) -> Report:
    """Two models on the prompts that both answered and whose answers were both rated.

    Args:
        pairs: at least two, the cheaper model first.
        test: of these pairs.
        costs_usd: of a call of the cheaper and of the stronger model; None: unknown.
        worth_usd: of a good answer, >= 0 and finite.
        settings_version: in force.
        now: the report's time.
    """
    scores = np.stack([pairs.y_cheap, pairs.y_strong], axis=1)
    means, (lows, highs) = scores.mean(axis=0), intervals.share(scores)
    names = (test.cheap, test.strong)
    rows = [
        Row(
            name,
            name,
            "fixed",
            Estimate(float(means[at]), float(lows[at]), float(highs[at])),
            None if cost is None else Estimate(cost, cost, cost),
            tuple(float(at == place) for place in (0, 1)),
        )
        for at, (name, cost) in enumerate(zip(names, costs_usd, strict=True))
    ]
    cheap_cost, strong_cost = costs_usd
    dearer = None if cheap_cost is None or strong_cost is None else strong_cost - cheap_cost
    assert test.difference is not None
    value = test.difference.value if dearer is None else worth_usd * test.difference.value - dearer
    best, other = (1, 0) if value > 0 else (0, 1)
    rival = _rival(names[other], test.difference, dearer, worth_usd, sign=1.0 if other == 1 else -1.0)
    order = (0, 1) if dearer is None or dearer >= 0 else (1, 0)
    return Report(
        created_at=now,
        source="your rated answers",
        sha256="",
        prompts=test.pairs,
        models=tuple(names[at] for at in order),
        estimated_cost_share=0.0,
        notes=("both answers to each prompt were rated; the intervals hold however often one looks",),
        objective=Objective(worth_usd),
        settings_version=settings_version,
        seed=0,
        draws=0,
        shuffles=0,
        weak=names[order[0]],
        strong=names[order[1]],
        best_fixed=names[best],
        hull=() if dearer is None else _hull(names, order, means.tolist()),
        rows=tuple(rows[at] for at in order),
        rivals=(rival,),
        regret=(),
        tasks=(),
        mistakes=(),
    )


def _hull(names: tuple[str, str], order: tuple[int, int], means: Sequence[float]) -> tuple[str, ...]:
    first, second = order
    return (names[first], names[second]) if means[second] > means[first] else (names[first],)


def _rival(model: str, difference: Estimate, dearer: float | None, worth: float, sign: float) -> Rival:
    """The other model beside the best one; ``sign``: 1 where it is the stronger of the pair."""

    def turned(value: float, low: float, high: float) -> Estimate:
        low, high = sorted((sign * low, sign * high))
        return Estimate(sign * value, low, high)

    better = turned(difference.value, difference.low, difference.high)
    if dearer is None:
        return Rival(model, better, None, None, None, None, None)
    money = turned(dearer, dearer, dearer)
    worths = [worth * one - dearer for one in (difference.value, difference.low, difference.high)]
    even = dearer / difference.value if difference.value * dearer > 0 else None
    ends = sorted((difference.low, difference.high), key=abs) if even is not None else []
    sure = even is not None and difference.low * difference.high > 0
    return Rival(
        model,
        better,
        money,
        turned(*worths),
        even,
        None if even is None else dearer / ends[1],
        dearer / ends[0] if sure else None,
    )
