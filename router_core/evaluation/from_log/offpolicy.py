"""What would another policy have scored and cost on the logged traffic: IPS, SNIPS and DR, or a reason to refuse.

Does not cover learning targets: a policy that would have changed as it went can only be simulated (replay.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from router_core import intervals
from router_core.errors import EvaluationError
from router_core.evaluation.from_log.cautions import few_rated, odd, uneven
from router_core.evaluation.from_log.log import Array, Log, Target, probabilities_of
from router_core.evaluation.from_log.overlap import (
    LEAST_ESS,
    Overlap,
    Support,
    counts,
    out_of_reach,
    overlap,
    poor,
    support,
    unheard,
)
from router_core.evaluation.from_log.rating_model import corrected
from router_core.evaluation.from_log.reward_model import predicted
from router_core.evaluation.results import Estimate

Estimator = Literal["IPS", "SNIPS", "DR"]
Quantity = Literal["reward", "cost_usd"]

ESTIMATORS: Final[tuple[Estimator, ...]] = ("IPS", "SNIPS", "DR")
QUANTITIES: Final[tuple[Quantity, ...]] = ("reward", "cost_usd")

_KNOWN: Final = {"reward": "rated", "cost_usd": "of known cost"}
_EXPECTED: Final = {"reward": 0.5, "cost_usd": 0.0}


@dataclass(frozen=True, slots=True)
class OffPolicyEstimate:
    """What one estimator says of one quantity.

    Args:
        estimator: IPS, SNIPS or DR.
        quantity: reward (share of good answers) or cost_usd (of the answer; deciding is not in it).
        figure: the mean per row and its interval; None where ``refusal`` says why there is none.
        ess: effective sample size: so many of the answers the estimate rests on.
        rows: answers with a known outcome.
        known_share: share of each model's answers with a known outcome, in the report's order; None: never drawn.
        refusal: why there is no figure.
        worst: for rewards of which many are unknown: the low end if every unrated answer were bad, the high end if
            every one were good, sampling included; None: nearly all are rated, or there is no figure.
    """

    estimator: Estimator
    quantity: Quantity
    figure: Estimate | None
    ess: float
    rows: int
    known_share: tuple[float | None, ...]
    refusal: str | None = None
    worst: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class OffPolicyReport:
    """A target judged on a log.

    Args:
        arms: the models.
        rows: decisions in the log.
        target_share, logged_share: part of the traffic that each model gets by the target, and got.
        estimates: every quantity by every estimator.
        left_out: routers that could not have chosen what the target would; nothing of theirs is in the figures.
        warnings: what one has to know to read the figures.
    """

    arms: tuple[str, ...]
    rows: int
    target_share: tuple[float, ...]
    logged_share: tuple[float, ...]
    estimates: tuple[OffPolicyEstimate, ...]
    left_out: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def of(self, quantity: Quantity, estimator: Estimator = "DR") -> OffPolicyEstimate:
        """One of the estimates.

        Raises:
            EvaluationError: it was not asked for.
        """
        for one in self.estimates:
            if (one.quantity, one.estimator) == (quantity, estimator):
                return one
        raise EvaluationError(f"the report has no {estimator} of {quantity}; ask for it when estimating")


def estimate(
    target: Target,
    log: Log,
    *,
    estimators: Sequence[Estimator] = ESTIMATORS,
    quantities: Sequence[Quantity] = QUANTITIES,
    by_arm: bool = True,
    level: float = 0.95,
    least_ess: float = LEAST_ESS,
) -> OffPolicyReport:
    """What the target would have scored and cost on the logged prompts.

    With w = q(a|x) / p(a|x), the target's probability of the model drawn over the logged one:
    IPS = mean(w r); SNIPS = sum(w r) / sum(w) (Swaminathan & Joachims 2015);
    DR = mean(sum_a q(a|x) m(x, a) + w (r - m(x, a))) (Dudik et al. 2014), m a ridge regression that has not seen
    the row's own r. Weights are never clipped.

    Only known outcomes are seen. An answer counts for 1 / (share known of its model's answers), so that models
    which are rated more often do not count more; the prompts of unrated answers enter DR's first term. With
    ``by_arm=False`` known outcomes are looked at as if there were no others, as the formulas stand. Where people
    rate *because* of the answer neither helps: the share rated and the worst that may be stand beside each
    estimate, and where a second source has a word on every answer, ratings are corrected by it (rating_model.py).

    The interval is that of the linearised estimator, the rows of a prompt taken together, with two changes that
    make it cover at small effective sizes: each model's squared weights are taken as expected from the
    probabilities, not as the draws happened to fall; and for rewards z^2 imagined answers per model, half of them
    good, are added (Agresti & Coull 1998); for costs skewness is taken into account (intervals.py). Propensities
    of a router that learned from these same rewards are taken as fixed.

    Args:
        target: probabilities (n, k) in the order of the log's models, or a function of the log that gives them.
        log: the drawn decisions.
        estimators, quantities: which are wanted.
        by_arm: see above.
        level: of the intervals.
        least_ess: an estimate is refused below so many effective answers.

    Raises:
        EvaluationError: the target's probabilities do not fit the log.
    """
    q = probabilities_of(target, log)
    asked = _Asked(tuple(estimators), by_arm, level, least_ess)
    rows, found = len(log), support(q, log)
    left_out: tuple[str, ...] = ()
    why: str | None = None
    if not rows:
        why = (
            "the log has no decision that a router drew (of imported calls nobody logged the probabilities);"
            " send some traffic through a router first"
        )
    else:
        reaches = found.reaches
        left_out = tuple(name for name, can in zip(log.loggers, reaches.tolist(), strict=True) if not can)
        if not reaches.any():
            why = out_of_reach(log, found)
        elif left_out and log.logger is not None:
            # as a whole: without only the rows that miss, the estimate would be about other prompts
            q, log = q[reaches[log.logger]], log.by_loggers(reaches)
            found = support(q, log)
    judged = [
        _refused(log, found, one, asked, why)
        if why is not None
        else _reward(q, log, found, asked)
        if one == "reward"
        else _quantity(q, log, found, one, asked)
        for one in quantities
    ]
    whole = max(1, len(log))
    return OffPolicyReport(
        log.arms,
        rows,
        tuple((found.wanted.sum(axis=0) / whole).tolist()),
        tuple((found.drawn.sum(axis=0) / whole).tolist()),
        tuple(one for part in judged for one in part.estimates),
        left_out,
        tuple(dict.fromkeys(text for part in judged for text in part.warnings)),
    )


@dataclass(frozen=True)
class _Asked:
    """The arguments of ``estimate`` that go with every quantity."""

    estimators: tuple[Estimator, ...]
    by_arm: bool
    level: float
    least_ess: float


@dataclass(frozen=True)
class _Judged:
    estimates: list[OffPolicyEstimate]
    warnings: list[str]


def _reward(q: Array, log: Log, found: Support, asked: _Asked) -> _Judged:
    """Every estimate of the reward: corrected by a second source where there is one, and at the worst."""
    rated = float((~np.isnan(log.reward)).mean())
    better = corrected(log) if asked.by_arm else None
    judged = _quantity(q, log if better is None else better, found, "reward", asked)
    if rated >= intervals.NEARLY_ALL or all(one.figure is None for one in judged.estimates):
        return judged
    low, high = (_unrated_as(value, q, log, found, asked) for value in (0.0, 1.0))
    worst = (low.low, high.high)
    shares = _known_share(found, counts(log, ~np.isnan(log.reward)))
    said = few_rated(rated, worst, better is not None)
    estimates = [
        replace(one, known_share=shares, worst=worst if one.figure is not None else None)
        for one in judged.estimates
    ]
    return _Judged(estimates, [*judged.warnings, said])


def _unrated_as(value: float, q: Array, log: Log, found: Support, asked: _Asked) -> Estimate:
    """The figure if every unrated answer were of this value."""
    every = replace(log, reward=np.where(np.isnan(log.reward), value, log.reward), checked=True)
    weights = overlap(found, every, np.ones(len(log), np.bool_), found.drawn)
    alone = replace(asked, estimators=("SNIPS",))
    return _figures(q, every, every.reward, weights, "reward", alone)["SNIPS"]


def _quantity(q: Array, log: Log, found: Support, quantity: Quantity, asked: _Asked) -> _Judged:
    """Every estimate of one quantity."""
    outcome = log.reward if quantity == "reward" else log.cost_usd
    known = ~np.isnan(outcome)
    heard = found.drawn if known.all() else counts(log, known)
    hears = found.hears(heard)
    if not hears.any():
        nothing = f"none of the {len(log):,} answers is {_KNOWN[quantity]}"
        why = unheard(log, found, heard, _KNOWN[quantity]) if heard.any() else nothing
        return _refused(log, found, quantity, asked, why)
    if not hears.all() and log.logger is not None:
        q, log = q[hears[log.logger]], log.by_loggers(hears)
        return _quantity(q, log, support(q, log), quantity, asked)
    shares = _known_share(found, heard)
    warnings = uneven(log, found, shares, asked.by_arm) if quantity == "reward" else []
    if not asked.by_arm and not known.all():
        q, log, outcome = q[known], log.rows(known), outcome[known]
        found, known = support(q, log), known[known]
        heard = found.drawn
    weights = overlap(found, log, known, heard)
    why_not = poor(log, weights, asked.least_ess)
    figures = {} if why_not else _figures(q, log, outcome, weights, quantity, asked)
    estimates = [
        OffPolicyEstimate(one, quantity, figures.get(one), weights.ess, len(weights.weight), shares, why_not)
        for one in asked.estimators
    ]
    return _Judged(estimates, warnings + odd(log, weights))


def _refused(log: Log, found: Support, quantity: Quantity, asked: _Asked, why: str) -> _Judged:
    known = ~np.isnan(log.reward if quantity == "reward" else log.cost_usd)
    shares = _known_share(found, counts(log, known))
    rows = int(known.sum())
    return _Judged(
        [OffPolicyEstimate(one, quantity, None, 0.0, rows, shares, why) for one in asked.estimators], []
    )


def _known_share(found: Support, heard: Array) -> tuple[float | None, ...]:
    """Share of each model's answers with a known outcome; None: never drawn."""
    drawn = found.drawn.sum(axis=0).tolist()
    return tuple(
        part / whole if whole else None for part, whole in zip(heard.sum(axis=0).tolist(), drawn, strict=True)
    )


def _figures(
    q: Array,
    log: Log,
    outcome: Array,
    weights: Overlap,
    quantity: Quantity,
    asked: _Asked,
) -> dict[Estimator, Estimate]:
    """Value and interval of each estimator."""
    n, arms, action, w = len(log), len(log.arms), weights.action, weights.weight
    y = outcome[weights.known]
    wy = w * y
    total = float(w.sum())
    snips = float(wy.sum()) / total
    realised = np.bincount(action, weights=w * w, minlength=arms)
    scale = np.sqrt(np.divide(weights.second, realised, out=np.ones(arms), where=realised > 0.0))

    mass = np.bincount(action, weights=w, minlength=arms)
    means = np.divide(
        np.bincount(action, weights=wy, minlength=arms), mass, out=np.full(arms, 0.5), where=mass > 0
    )
    z = float(intervals.quantile(asked.level, np.inf if quantity == "reward" else weights.ess))
    shift, more = _imagined(weights, means, z) if quantity == "reward" else (0.0, 0.0)

    def interval(value: float, deviation: Array, base: Array | None, size: float) -> Estimate:
        """``deviation``: of rows with a known outcome, in proportion to their weights; ``base``: of all rows."""
        each = _by_prompt(deviation * scale[action], base, log, weights)
        squares = float(each @ each)
        error = float(np.sqrt(squares / size**2 + more))
        skew = float((each**2) @ each) / squares**1.5 if quantity == "cost_usd" and squares > 0.0 else 0.0
        ends = intervals.ends(value + shift, error, skew, z)
        low, high = max(float(ends[0]), 0.0), float(ends[1])
        if quantity == "reward":
            high = min(high, 1.0)
        return Estimate(value, min(low, value), max(high, value))

    found: dict[Estimator, Estimate] = {}
    for name in asked.estimators:
        if name == "IPS":
            ips = float(wy.sum()) / n
            found[name] = interval(ips, wy, np.full(n, -ips) * weights.part, n)
        elif name == "SNIPS":
            found[name] = interval(snips, w * (y - snips), None, total)
        else:
            direct, own = predicted(q, log.features, log.action, weights.rows, y, _EXPECTED[quantity])
            residual = w * (y - own)
            direct *= weights.part
            dr = float(direct.sum() + residual.sum()) / n
            direct -= dr * weights.part
            found[name] = interval(dr, residual, direct, n)
    return found


def _by_prompt(deviation: Array, base: Array | None, log: Log, weights: Overlap) -> Array:
    """base + deviation, summed over the rows of each prompt."""
    prompt = log.prompt
    if base is None:
        both = deviation if prompt is None else np.bincount(prompt[weights.known], weights=deviation)
    else:
        both = base.copy()
        both[weights.known] += deviation
        if prompt is not None:
            both = np.bincount(prompt, weights=both)
    return np.asarray(both)


def _imagined(weights: Overlap, means: Array, z: float) -> tuple[float, float]:
    """What z^2 imagined answers per model, half of them good, do to a mean: (shift, variance).

    Agresti & Coull 1998, with a model's expected effective sample size in the place of the sample size.
    """
    share_of = weights.target_share
    imagined = np.divide(z * z, weights.expected, out=np.full(len(means), 1e12), where=weights.expected > 0.0)
    part = imagined / (1.0 + imagined)
    shift = float((share_of * part * (0.5 - means)).sum())
    return shift, float((share_of**2 * part**2).sum()) / (4.0 * z * z)
