"""What would another policy have scored and cost on the logged traffic: IPS, SNIPS and DR, or a reason to refuse.

Leaves out learning targets: a policy that would have changed as it went can only be simulated (replay.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from router_core.errors import EvaluationError
from router_core.evaluation.log import Array, Log, Target, probabilities_of
from router_core.evaluation.overlap import LEAST_ESS, Overlap, at, overlap, poor, sums_of, unable
from router_core.evaluation.results import Estimate
from router_core.evaluation.reward_model import fit_left_out
from router_core.words import share

Estimator = Literal["IPS", "SNIPS", "DR"]
Quantity = Literal["reward", "cost_usd"]

ESTIMATORS: Final[tuple[Estimator, ...]] = ("IPS", "SNIPS", "DR")
QUANTITIES: Final[tuple[Quantity, ...]] = ("reward", "cost_usd")

_KNOWN: Final = {"reward": "rated", "cost_usd": "of known cost"}
_EXPECTED: Final = {"reward": 0.5, "cost_usd": 0.0}
_UNEVEN: Final = 2.0  # so many times as many answers of one model are rated as of another: worth a warning
_ODD: Final = 5.0  # standard errors


@dataclass(frozen=True, slots=True)
class OffPolicyEstimate:
    """What one estimator says of one quantity.

    Args:
        estimator: IPS, SNIPS or DR.
        quantity: reward (share of good answers) or cost_usd (of the answer; deciding is not in it).
        figure: the mean per row and its interval; None where ``refusal`` says why there is none.
        ess: effective sample size: so many of the answers the estimate rests on.
        rows: answers with a known outcome that were used.
        known_share: share of each model's answers with a known outcome, in the report's order; None: never drawn.
        refusal: why there is no figure.
    """

    estimator: Estimator
    quantity: Quantity
    figure: Estimate | None
    ess: float
    rows: int
    known_share: tuple[float | None, ...]
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class OffPolicyReport:
    """A target judged on a log.

    Args:
        arms: the models.
        rows: decisions in the log.
        target_share, logged_share: part of the traffic that each model gets by the target, and got.
        estimates: every quantity by every estimator.
        left_out: routers whose rows could not be used.
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
    rate *because* of the answer neither helps: the share rated is shown beside each estimate.

    The interval is that of the linearised estimator, the rows of a prompt taken together, with two changes that
    make it cover at small effective sizes: each model's squared weights are taken as expected from the
    probabilities, not as the draws happened to fall; and for rewards z^2 imagined answers per model, half of them
    good, are added (Agresti & Coull 1998). Propensities of a router that learned from these same rewards are taken
    as fixed.

    Args:
        target: probabilities (n, k) in the order of the log's models, or a function of the log that gives them.
        log: the drawn decisions.
        estimators, quantities: which are wanted.
        by_arm: see above.
        level: of the intervals.
        least_ess: an estimate is refused below this part of the known answers.

    Raises:
        EvaluationError: the target's probabilities do not fit the log.
    """
    q = probabilities_of(target, log)
    whole = max(1, len(log))
    found = [_quantity(q, log, one, estimators, by_arm, level, least_ess) for one in quantities]
    return OffPolicyReport(
        log.arms,
        len(log),
        tuple((np.ones(len(q)) @ q / whole).tolist()),  # faster than a sum over rows
        tuple((np.bincount(log.action, minlength=len(log.arms)) / whole).tolist()),
        tuple(one for estimates, _, _ in found for one in estimates),
        tuple(dict.fromkeys(name for _, left_out, _ in found for name in left_out)),
        tuple(dict.fromkeys(text for _, _, warnings in found for text in warnings)),
    )


_Found = tuple[list[OffPolicyEstimate], tuple[str, ...], list[str]]


def _quantity(
    q: Array,
    log: Log,
    quantity: Quantity,
    estimators: Sequence[Estimator],
    by_arm: bool,
    level: float,
    least_ess: float,
) -> _Found:
    """Every estimate of one quantity, the routers left out, and warnings."""
    outcome = log.reward if quantity == "reward" else log.cost_usd
    known = ~np.isnan(outcome)
    word = _KNOWN[quantity]
    drawn = np.bincount(log.action, minlength=len(log.arms))
    heard = np.bincount(log.action, weights=known, minlength=len(log.arms))
    shares = tuple(
        part / all_ if all_ else None for part, all_ in zip(heard.tolist(), drawn.tolist(), strict=True)
    )

    def given(
        figures: dict[Estimator, Estimate], ess: float, rows: int, refusal: str | None
    ) -> list[OffPolicyEstimate]:
        return [
            OffPolicyEstimate(name, quantity, figures.get(name), ess, rows, shares, refusal) for name in estimators
        ]

    if not len(log):
        return given({}, 0.0, 0, "the log has no decision that a router drew; send some traffic first"), (), []
    if not known.any():
        return given({}, 0.0, 0, f"none of the {len(log):,} answers is {word}"), (), []
    if not by_arm and not known.all():
        q, log, outcome, known = q[known], log.rows(known), outcome[known], known[known]
    sums = sums_of(q, log, known)
    able = sums.able
    left_out = tuple(name for name, can in zip(log.loggers, able.tolist(), strict=True) if not can)
    if not able.any():
        return given({}, 0.0, int(known.sum()), unable(log, sums, word)), left_out, []
    if log.logger is not None and not able.all():
        rows = able[log.logger]
        q, log, outcome, known = q[rows], _renumbered(log.rows(rows), able), outcome[rows], known[rows]
        sums = sums_of(q, log, known)
    weights = overlap(sums, log, known)
    warnings = _warnings(weights, log, quantity, shares, drawn, by_arm)
    refusal = poor(log, weights, least_ess)
    figures = {} if refusal else _figures(q, log, outcome, weights, quantity, estimators, level)
    return given(figures, weights.ess, len(weights.weight), refusal), left_out, warnings


def _renumbered(log: Log, able: NDArray[np.bool_]) -> Log:
    """The log with the loggers that are left."""
    assert log.logger is not None
    numbers = np.cumsum(able) - 1
    names = tuple(name for name, can in zip(log.loggers, able.tolist(), strict=True) if can)
    return Log(
        log.arms, log.probabilities, log.action, log.reward, log.cost_usd, log.features, log.prompt,
        numbers[log.logger], names,
    )  # fmt: skip


def _figures(
    q: Array,
    log: Log,
    outcome: Array,
    weights: Overlap,
    quantity: Quantity,
    estimators: Sequence[Estimator],
    level: float,
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
    z = float(-ndtri((1.0 - level) / 2.0))
    shift, more = _imagined(weights, means, z) if quantity == "reward" else (0.0, 0.0)

    def interval(value: float, deviation: Array, base: Array | None, size: float) -> Estimate:
        """``deviation``: of rows with a known outcome, in proportion to their weights; ``base``: of all rows."""
        deviation = deviation * scale[action]
        variance = _sum_of_squares(deviation, base, log, weights) / size**2
        half = z * float(np.sqrt(variance + more))
        low, high = value + shift - half, value + shift + half
        low = max(low, 0.0)
        if quantity == "reward":
            high = min(high, 1.0)
        return Estimate(value, min(low, value), max(high, value))

    found: dict[Estimator, Estimate] = {}
    for name in estimators:
        if name == "IPS":
            ips = float(wy.sum()) / n
            found[name] = interval(ips, wy, np.full(n, -ips) * weights.part, n)
        elif name == "SNIPS":
            found[name] = interval(snips, w * (y - snips), None, total)
        else:
            direct, own = _direct(q, log, y, weights, _EXPECTED[quantity])
            residual = w * (y - own)
            direct *= weights.part
            dr = float(direct.sum() + residual.sum()) / n
            direct -= dr * weights.part
            found[name] = interval(dr, residual, direct, n)
    return found


def _direct(q: Array, log: Log, y: Array, weights: Overlap, expected: float) -> tuple[Array, Array]:
    """(n,) what the reward model says the target brings on each row, and (m,) of the model that was drawn."""
    given = fit_left_out(log.features, log.action, weights.known, y, len(log.arms), expected)
    direct = q[:, 0] * given.every[0]
    for arm in range(1, len(log.arms)):
        direct += q[:, arm] * given.every[arm]
    saw_itself = given.every.ravel().take(weights.action * len(log) + weights.rows)
    direct[weights.known] += at(q, weights.rows, weights.action) * (given.own - saw_itself)
    return direct, given.own


def _sum_of_squares(deviation: Array, base: Array | None, log: Log, weights: Overlap) -> float:
    """Of base + deviation, summed over the rows of each prompt first."""
    prompt = log.prompt
    if base is None:
        both = deviation if prompt is None else np.bincount(prompt[weights.known], weights=deviation)
    else:
        both = base.copy()
        both[weights.known] += deviation
        if prompt is not None:
            both = np.bincount(prompt, weights=both)
    return float(both @ both)


def _imagined(weights: Overlap, means: Array, z: float) -> tuple[float, float]:
    """What z^2 imagined answers per model, half of them good, do to a mean: (shift, variance).

    Agresti & Coull 1998, with a model's expected effective sample size in the place of the sample size.
    """
    share_of = weights.target_share
    imagined = np.divide(z * z, weights.expected, out=np.full(len(means), 1e12), where=weights.expected > 0.0)
    part = imagined / (1.0 + imagined)
    shift = float((share_of * part * (0.5 - means)).sum())
    return shift, float((share_of**2 * part**2).sum()) / (4.0 * z * z)


def _warnings(
    weights: Overlap,
    log: Log,
    quantity: Quantity,
    shares: tuple[float | None, ...],
    drawn: NDArray[np.intp],
    by_arm: bool,
) -> list[str]:
    """What one has to know to read the figures."""
    found = []
    seen = [
        (part, name)
        for part, name, count in zip(shares, log.arms, drawn.tolist(), strict=True)
        if part is not None and count >= 20
    ]
    if quantity == "reward" and seen and max(seen)[0] > _UNEVEN * min(seen)[0]:
        most, least = max(seen), min(seen)
        done = "answers are weighted so that this alone does no harm" if by_arm else "nothing is done about it"
        found.append(
            f"{share(most[0])} of {most[1]}'s answers are rated, but {share(least[0])} of {least[1]}'s; {done},"
            " but if people rate because they are pleased or not, the estimates are tilted"
        )
    error = float(np.sqrt(weights.second.sum())) / len(log)
    average = float(weights.weight.sum()) / len(log)
    if abs(average - 1.0) > _ODD * error:
        found.append(
            f"the weights average {average:.2f}, where 1 is expected: the logged probabilities are hardly those of"
            " the draws"
        )
    return found
