"""A model that joins in the middle of the traffic is tried and, where it deserves it, used. Seeds are fixed."""

from __future__ import annotations

import pytest

from router_core.joining import Neighbour, joining_prior, optimism_to_be_tried
from router_core.posterior import best_probabilities, update
from router_core.sampling import draw, uniform
from router_core.types import Posterior

CHEAP, STRONG = Posterior(1477.0, 525.0, 2_000), Posterior(1845.0, 157.0, 2_000)
COSTS = [0.001, 0.016, 0.004]
VALUE = 0.10


def newcomers_share(truth: float, optimism: float, requests: int = 3_000, seed: int = 1) -> list[int]:
    """At which requests the newcomer between cheap and strong was asked; it is good that often."""
    there = [Neighbour(COSTS[0], CHEAP), Neighbour(COSTS[1], STRONG)]
    beliefs = [CHEAP, STRONG, joining_prior(COSTS[2], there, optimism=optimism)]
    chances, asked = (0.738, 0.922, truth), []
    for request in range(requests):
        arm = draw(best_probabilities(beliefs, COSTS, VALUE).tolist(), seed, str(request))
        beliefs[arm] = update(beliefs[arm], float(uniform(seed + 1, f"{request}|{arm}") < chances[arm]))
        if arm == 2:
            asked.append(request)
    return asked


@pytest.mark.parametrize("seed", [1, 11, 21])
def test_a_newcomer_that_is_the_better_buy_takes_over(seed: int) -> None:
    """As good as the strong model at a quarter of its price: tried at once, nearly all of the last 1,000."""
    asked = newcomers_share(0.92, optimism=1.0, seed=seed)
    assert asked[0] < 50
    assert sum(request >= 2_000 for request in asked) > 950


@pytest.mark.parametrize("seed", [1, 11, 21])
def test_one_that_is_not_costs_little(seed: int) -> None:
    """No better than the cheap model at four times its price: at most 250 of 3,000 requests, fewer and fewer."""
    asked = newcomers_share(0.74, optimism=1.0, seed=seed)
    assert 0 < len(asked) <= 250
    assert sum(request >= 2_000 for request in asked) < sum(request < 1_000 for request in asked) / 2


def test_the_share_promised_is_the_share_given() -> None:
    """Optimism for 80 % of the traffic: of 5,000 first decisions 80 % go to the newcomer."""
    there = [Neighbour(COSTS[0], CHEAP), Neighbour(COSTS[1], STRONG)]
    plain = joining_prior(COSTS[2], there)
    needed = optimism_to_be_tried(plain, COSTS[2], there, VALUE, share=0.8)
    assert needed is not None
    assert needed > 0.0
    hopeful = joining_prior(COSTS[2], there, optimism=needed)
    shares = best_probabilities([CHEAP, STRONG, hopeful], COSTS, VALUE).tolist()
    drawn = sum(draw(shares, 5, str(i)) == 2 for i in range(5_000))
    assert drawn / 5_000 == pytest.approx(0.8, abs=0.02)
