"""A model joins with what its neighbours in price suggest and optimism to be tried.

Leaves out where evidence is stored: these are functions on posteriors, Beta or normal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from router_core.drift import tempered_normal
from router_core.errors import NoEligibleArmError, SettingsError
from router_core.posterior import best_probabilities
from router_core.types import Posterior

Array = NDArray[np.float64]
Belief = TypeVar("Belief")

STRENGTH = 10.0
TRIED_SHARE = 0.1
_LEAST = 0.5  # a Beta below that is nearly certain of 0 or 1, whatever little it has seen
_MOST_OPTIMISM = 1000.0


@dataclass(frozen=True)
class Neighbour(Generic[Belief]):
    """A model of the goal: its expected cost of a call in dollars, and what is believed of it."""

    cost_usd: float
    belief: Belief


def nearest(
    cost_usd: float, neighbours: Sequence[Neighbour[Belief]]
) -> tuple[tuple[Neighbour[Belief], float], ...]:
    """The next cheaper and the next dearer neighbour with their weights, which sum to 1.

    Linear in the logarithm of cost: a model at 4 cents is halfway between those at 1 and at 16. Beyond all others
    only the nearest counts; neighbours of the same cost share its weight; where a cost is 0 both sides count half.

    Raises:
        NoEligibleArmError: there is no neighbour.
    """
    if not neighbours:
        raise NoEligibleArmError("a new model needs a neighbour to learn from; give it the goal's prior instead")
    below = max((one.cost_usd for one in neighbours if one.cost_usd <= cost_usd), default=None)
    above = min((one.cost_usd for one in neighbours if one.cost_usd >= cost_usd), default=None)
    if below is None or above is None or below == above:
        shares = {above if below is None else below: 1.0}
    elif below <= 0.0:
        shares = {below: 0.5, above: 0.5}
    else:
        upper = log(cost_usd / below) / log(above / below)
        shares = {below: 1.0 - upper, above: upper}
    found = []
    for cost, share in shares.items():
        alike = [one for one in neighbours if one.cost_usd == cost]
        found += [(one, share / len(alike)) for one in alike]
    return tuple(found)


def joining_prior(
    cost_usd: float,
    neighbours: Sequence[Neighbour[Posterior]],
    strength: float = STRENGTH,
    optimism: float = 0.0,
) -> Posterior:
    """A Beta prior for a model that joins: the neighbours' share of good answers, held with little conviction.

    Their means are averaged in log-odds. The result counts as ``strength`` outcomes (fewer where the neighbours
    themselves have fewer; at least half a good and half a bad one) and ``optimism`` good ones on top;
    ``observations`` is 0, for none was seen.

    Args:
        cost_usd: expected cost of one call of the new model.
        neighbours: the models already there.
        strength: outcomes that the neighbours' word is worth, above 0.
        optimism: good answers imagined; see ``optimism_to_be_tried``.

    Raises:
        SettingsError: strength is not above 0, or optimism is negative.
        NoEligibleArmError: there is no neighbour.
    """
    if not strength > 0.0 or not optimism >= 0.0:
        raise SettingsError(
            f"strength is {strength!r} and optimism {optimism!r}; give a number above 0, and one of at least 0"
        )
    shares = nearest(cost_usd, neighbours)
    log_odds = sum(share * log(one.belief.alpha / one.belief.beta) for one, share in shares)
    held = sum(share * (one.belief.alpha + one.belief.beta) for one, share in shares)
    weight = min(strength, held)
    chance = 1.0 / (1.0 + exp(-log_odds))
    return Posterior(max(_LEAST, weight * chance) + optimism, max(_LEAST, weight * (1.0 - chance)), 0)


def optimism_to_be_tried(
    prior: Posterior,
    cost_usd: float,
    rivals: Sequence[Neighbour[Posterior]],
    success_value_usd: float,
    share: float = TRIED_SHARE,
) -> float | None:
    """The fewest imagined good answers after which Thompson sampling gives the new model ``share`` of the traffic.

    0 where it gets that anyway. None where no optimism will do: even if every answer were good, it would hardly be
    the best buy, so it is too dear to be tried.

    Args:
        prior: of the new model, without optimism.
        cost_usd: expected cost of one call of it.
        rivals: the models already there, with their posteriors and expected costs.
        success_value_usd: V, what one good answer is worth.
        share: of the traffic, in (0, 1).
    """
    costs = [cost_usd, *(one.cost_usd for one in rivals)]

    def share_with(optimism: float) -> float:
        hopeful = Posterior(prior.alpha + optimism, prior.beta, prior.observations)
        beliefs = [hopeful, *(one.belief for one in rivals)]
        return float(best_probabilities(beliefs, costs, success_value_usd)[0])

    if share_with(0.0) >= share:
        return 0.0
    if share_with(_MOST_OPTIMISM) < share:
        return None
    low, high = 0.0, _MOST_OPTIMISM
    while high - low > 0.01:
        middle = (low + high) / 2.0
        low, high = (low, middle) if share_with(middle) >= share else (middle, high)
    return high


def joining_normal(
    cost_usd: float,
    neighbours: Sequence[Neighbour[tuple[Array, Array]]],
    prior_mean: Array,
    prior_precision: Array,
    keep: float = 0.02,
    optimism: float = 1.0,
) -> tuple[Array, Array]:
    """The same for a logistic model: mean (d) and precision (d x d) of its weights; the intercept comes first.

    A mixture of the neighbours (their spread counts as uncertainty), tempered towards the goal's prior: what the
    neighbours have seen counts ``keep`` of what it counts for them. Then the intercept is raised by ``optimism``
    standard deviations of its own.

    Args:
        cost_usd: expected cost of one call of the new model.
        neighbours: belief = (mean, precision) of each model already there.
        prior_mean: of a model of which nothing is known.
        prior_precision: the same.
        keep: in [0, 1].
        optimism: in standard deviations of the intercept.

    Raises:
        NoEligibleArmError: there is no neighbour.
    """
    shares = nearest(cost_usd, neighbours)
    centre = np.asarray(sum(share * one.belief[0] for one, share in shares))
    covariance = np.zeros_like(prior_precision)
    for one, share in shares:
        apart = one.belief[0] - centre
        covariance = covariance + share * (np.linalg.inv(one.belief[1]) + np.outer(apart, apart))
    seen = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
    weights, precision = tempered_normal(centre, seen, prior_mean, prior_precision, keep)
    weights = weights.copy()
    weights[0] += optimism * np.sqrt(np.linalg.inv(precision)[0, 0])
    return weights, precision
