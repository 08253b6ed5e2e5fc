"""A model joins with what its neighbours in price suggest, and as much hope as it needs to be tried.

See routing/memory.py and sharing.py for when a model counts as new, and what goals share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router_core.errors import NoEligibleArmError
from router_core.learning.contextual.best_buy import best_buy_probabilities
from router_core.learning.contextual.logistic import Belief
from router_core.learning.drift import tempered_normal

Array = NDArray[np.float64]

KEPT: Final = 0.02
"""Of what the neighbours have seen."""

TRIED_SHARE: Final = 0.1

OPTIMISM: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
"""In standard deviations of the intercept; the least that is enough is taken."""


@dataclass(frozen=True)
class Neighbour:
    """A model of the goal: its expected cost of a call in dollars, and what is believed of it."""

    cost_usd: float
    belief: Belief


def nearest(cost_usd: float, neighbours: Sequence[Neighbour]) -> tuple[tuple[Neighbour, float], ...]:
    """The next cheaper and the next more expensive neighbour with their weights, which sum to 1.

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


def suggested(cost_usd: float, neighbours: Sequence[Neighbour], prior: Belief, keep: float = KEPT) -> Belief:
    """What the neighbours suggest of a model at this cost; it has seen no outcome itself.

    A mixture of the neighbours (their spread counts as uncertainty), tempered towards the prior: what they have
    seen counts ``keep`` of what it counts for them.

    Args:
        cost_usd: expected cost of one call of the new model.
        neighbours: the models already there.
        prior: of a model of which nothing is known.
        keep: in [0, 1].

    Raises:
        NoEligibleArmError: there is no neighbour.
    """
    shares = nearest(cost_usd, neighbours)
    centre = np.asarray(sum(share * one.belief.mean for one, share in shares))
    spread = np.zeros_like(prior.covariance)
    for one, share in shares:
        apart = one.belief.mean - centre
        spread = spread + share * (one.belief.covariance + np.outer(apart, apart))
    mean, precision = tempered_normal(centre, _inverse(spread), prior.mean, _inverse(prior.covariance), keep)
    return Belief(mean, _inverse(precision))


def hopeful(
    cost_usd: float,
    neighbours: Sequence[Neighbour],
    prior: Belief,
    usual: Array,
    success_value_usd: float,
    share: float = TRIED_SHARE,
) -> Belief:
    """What the neighbours suggest, with the least hope that makes it the best buy in a share of usual prompts.

    Hope raises the intercept, which comes first, by standard deviations of its own (``OPTIMISM``). Where none of
    them is enough the model is too expensive to be tried, and gets none.

    Args:
        cost_usd, neighbours, prior: as in ``suggested``; the neighbours are its rivals.
        usual: (d,), features of a usual prompt.
        success_value_usd: V, what one good answer is worth; inf: cost does not matter.
        share: of the traffic, in (0, 1).

    Raises:
        NoEligibleArmError: there is no neighbour.
    """
    plain = suggested(cost_usd, neighbours, prior)
    rivals = [one.belief.logit(usual) for one in neighbours]
    costs = [cost_usd, *(one.cost_usd for one in neighbours)]
    up = np.zeros(len(usual))
    up[0] = sqrt(plain.covariance[0, 0])
    for optimism in OPTIMISM:
        belief = Belief(plain.mean + optimism * up, plain.covariance)
        logits = [belief.logit(usual), *rivals]
        chances = best_buy_probabilities([m for m, _ in logits], [v for _, v in logits], costs, success_value_usd)
        if float(chances[0]) >= share:
            return belief
    return plain


def _inverse(matrix: Array) -> Array:
    found = np.linalg.inv(matrix)
    return np.asarray((found + found.T) / 2.0, np.float64)
