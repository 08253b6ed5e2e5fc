"""A model that joins in the middle of the traffic is tried and, where it deserves it, used. Seeds are fixed."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.special import expit

from router_core.learning.contextual.best_buy import best_buy_probabilities
from router_core.learning.contextual.joining import Neighbour, hopeful
from router_core.learning.contextual.logistic import Belief, update
from router_core.learning.contextual.state import weak_prior
from router_core.learning.contextual.vector import SIZE
from router_core.sampling import draw, uniform

COSTS = (0.001, 0.016, 0.004)
VALUE = 0.10
GOOD = (1.0, 2.5)  # log-odds of a good answer: cheap 73 %, strong 92 %
SLOPE = -0.4


def prompts(count: int, seed: int) -> np.ndarray:
    """Features: the intercept and one that makes prompts hard; the others are nothing."""
    x = np.zeros((count, SIZE))
    x[:, 0] = 1.0
    x[:, 1] = np.random.default_rng(seed).normal(size=count)
    return x


@cache
def there() -> tuple[Neighbour, ...]:
    """Cheap and strong after 2,000 outcomes each."""
    found = []
    for arm, log_odds in enumerate(GOOD):
        belief = weak_prior()
        for number, x in enumerate(prompts(2_000, seed=arm)):
            chance = float(expit(log_odds + SLOPE * x[1]))
            belief = update(belief, x, float(uniform(arm, f"before|{number}") < chance))
        found.append(Neighbour(COSTS[arm], belief))
    return tuple(found)


def asked(log_odds: float, seed: int, requests: int = 3_000) -> list[int]:
    """At which requests the newcomer between cheap and strong was asked, which is good that often."""
    usual = np.zeros(SIZE)
    usual[0] = 1.0
    beliefs = [*(one.belief for one in there()), hopeful(COSTS[2], there(), weak_prior(), usual, VALUE)]
    found = []
    for request, x in enumerate(prompts(requests, seed)):
        arm = draw(list(chances(beliefs, x)), seed, str(request))
        chance = float(expit((*GOOD, log_odds)[arm] + SLOPE * x[1]))
        beliefs[arm] = update(beliefs[arm], x, float(uniform(seed + 1, f"{request}|{arm}") < chance))
        if arm == 2:
            found.append(request)
    return found


def chances(beliefs: list[Belief], x: np.ndarray) -> list[float]:
    """Of each to be the best buy."""
    logits = [one.logit(x) for one in beliefs]
    means, variances = [m for m, _ in logits], [v for _, v in logits]
    return [float(one) for one in best_buy_probabilities(means, variances, COSTS, VALUE)]


@pytest.mark.parametrize("seed", [1, 11, 21])
def test_a_newcomer_that_is_the_better_buy_takes_over(seed: int) -> None:
    """As good as the strong model at a quarter of its price: tried at once, nearly all of the last 1,000."""
    found = asked(2.5, seed)
    assert found[0] < 50
    assert sum(request >= 2_000 for request in found) > 950


@pytest.mark.parametrize("seed", [1, 11, 21])
def test_one_that_is_not_costs_little(seed: int) -> None:
    """Worse than the cheap model (62 %) at four times its price: at most 120 of 3,000 requests, ever fewer."""
    found = asked(0.5, seed)
    assert 0 < len(found) <= 120
    assert sum(request >= 2_000 for request in found) < sum(request < 1_000 for request in found) / 2
