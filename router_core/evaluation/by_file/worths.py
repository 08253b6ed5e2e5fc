"""The verdict on models at other worths of a good answer: what it would be, and where it turns.

Only models alone: routers need the prompts themselves, and are judged at one worth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Literal

import numpy as np

from router_core.evaluation.by_file.beside_fixed import break_even
from router_core.evaluation.by_file.cells import labelled_of
from router_core.evaluation.by_file.conclusion import TOLERANCE, verdict
from router_core.evaluation.by_file.kept import Judgement
from router_core.evaluation.by_file.report import evaluate
from router_core.evaluation.labelled import Labelled
from router_core.evaluation.results import Objective, Verdict
from router_core.intervals import average
from router_core.learning.beta import best_probabilities
from router_core.types import Posterior

_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Stretch:
    """From ``above_usd`` per good answer on, until the next one begins, this is the verdict (see ``Verdict``)."""

    above_usd: float
    kind: Literal["use", "route", "unknown"]
    choice: str | None


def judged_at(data: Labelled, worth_usd: float, tolerance: float = TOLERANCE) -> Judgement:
    """The models judged at this worth.

    Args:
        data: prompts, or counts of prompts.
        worth_usd: of one good answer, >= 0 and finite.
        tolerance: how much accuracy one would give up for the cheaper of two models, in [0, 1].

    Raises:
        EvaluationError: fewer than two models or prompts, or the worth is out of range.
    """
    report = evaluate((), data, objective=Objective(worth_usd), draws=0)
    return Judgement(verdict(report, tolerance), report)


def stretches(data: Labelled, tolerance: float = TOLERANCE) -> tuple[Stretch, ...]:
    """The verdict at every worth of a good answer, from nothing up.

    It can turn only where two models are equally good buys, and where one of them stops or begins to be proven the
    better one, so one look between two such worths is enough.
    """
    return stretches_between(_turns(data), lambda worth: judged_at(data, worth, tolerance).verdict)


def stretches_between(turns: Iterable[float], judge: Callable[[float], Verdict]) -> tuple[Stretch, ...]:
    """The same by any judge whose verdict turns at none but these worths (> 0)."""
    ordered = sorted(set(turns))
    found: list[Stretch] = []
    for above, place in zip([0.0, *ordered], _between(ordered), strict=True):
        now = judge(place)
        if not found or (found[-1].kind, found[-1].choice) != (now.kind, now.choice):
            found.append(Stretch(above, now.kind, now.choice))
    return tuple(found)


def stretches_of(found: Judgement, tolerance: float = TOLERANCE) -> tuple[Stretch, ...]:
    """The verdict on a judged file's models at every worth; none where a router is advised, a floor was wanted or
    the prompts were not counted.
    """  # fmt: skip
    if found.cells is None or found.report.objective.success_value_usd is None or found.verdict.kind == "route":
        return ()
    return stretches(labelled_of(found.cells, found.report.source), tolerance)


def _turns(data: Labelled) -> Iterable[float]:
    priced = np.flatnonzero(~np.isnan(data.cost_usd).any(axis=0)).tolist()
    level = 1.0 - (1.0 - _LEVEL) / max(1, len(priced) - 1)
    for one, other in combinations(priced, 2):
        scores, money = (each[:, other] - each[:, one] for each in (data.scores, data.cost_usd))
        even = break_even(scores, money, level, data.weights)
        yield from (worth for worth in even or () if worth)


def _between(turns: Sequence[float]) -> list[float]:
    """A worth in each stretch between these."""
    if not turns:
        return [1.0]
    middles = [math.sqrt(low * high) for low, high in pairwise(turns)]
    return [turns[0] / 2.0, *middles, turns[-1] * 2.0]


def split_at(data: Labelled, worth_usd: float) -> tuple[float, ...]:
    """The share of traffic that Thompson sampling would give each model after exactly these answers.

    The computed chance that a model is the better value, from uniform priors, as of a router that had seen all of
    them rated; no exploration minimum and no initial split.

    Args:
        data: prompts, or counts of prompts, all priced.
        worth_usd: of one good answer, >= 0 and finite.
    """
    good = average(data.scores, data.weights) * data.count
    costs = average(data.cost_usd, data.weights)
    posteriors = [Posterior(1.0 + float(one), 1.0 + data.count - float(one)) for one in good]
    found = best_probabilities(posteriors, costs.tolist(), worth_usd)
    return tuple(max(0.0, float(one)) for one in found)
