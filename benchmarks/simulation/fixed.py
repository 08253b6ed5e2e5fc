"""Policies that learn nothing: one model for everything, rules, the classifier, and what could be had at best.

Each is a function from the traffic to the arms chosen, all requests at once. See learners.py for those that
learn.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from benchmarks.simulation.world import Arms, Array, Traffic


def always(traffic: Traffic, arm: int) -> Arms:
    """One model for everything."""
    return np.full(traffic.hard.shape, arm, dtype=np.intp)


def oracle(traffic: Traffic, price_of_cost: float) -> Arms:
    """The best buy for each prompt, its difficulty and every model's present quality known."""
    return np.asarray(np.argmax(traffic.chances - price_of_cost * traffic.costs, axis=2))


def ceiling(traffic: Traffic, price_of_cost: float) -> Arms:
    """The best buy for one who knows this world but sees of a prompt only both signals: nothing can learn more."""
    by_request, costs = traffic.world.truth(traffic.requests)
    hard = traffic.world.hard_probability(traffic.rule, traffic.classifier)[:, :, None]
    expected = (1.0 - hard) * by_request[None, :, :, 0] + hard * by_request[None, :, :, 1]
    return np.asarray(np.argmax(expected - price_of_cost * costs, axis=2))


def by_rule(traffic: Traffic) -> Arms:
    """First model below the rules' threshold, last model above it."""
    return np.where(traffic.rule > traffic.world.rule_threshold, len(traffic.world.arms) - 1, 0)


def by_classifier(traffic: Traffic) -> Arms:
    """First model where the classifier says SIMPLE, last model where it says COMPLEX."""
    return np.where(traffic.says_complex(), len(traffic.world.arms) - 1, 0)


@dataclass(frozen=True, slots=True)
class Mix:
    """Two models drawn at random: ``share`` of the traffic to ``other``, the rest to ``one``."""

    one: int
    other: int
    share: float
    success: float


def mix_at(traffic: Traffic, spend: float) -> Mix:
    """The random mix of two models that succeeds most often at that mean cost: a point on the models' hull.

    Beyond the cheapest or the dearest model it is that model.
    """
    success: Array = traffic.chances.mean(axis=(0, 1))
    cost: Array = traffic.costs.mean(axis=0)
    within = float(np.clip(spend, cost.min(), cost.max()))
    mixes = []
    for one, other in product(range(len(cost)), repeat=2):
        if cost[one] <= within <= cost[other]:
            gap = cost[other] - cost[one]
            share = float((within - cost[one]) / gap) if gap > 0.0 else 0.0
            mixes.append(Mix(one, other, share, float((1.0 - share) * success[one] + share * success[other])))
    return max(mixes, key=lambda mix: mix.success)


def mixed(traffic: Traffic, mix: Mix, seed: int) -> Arms:
    """That mix, drawn."""
    drawn = np.random.default_rng([seed, 1]).random(traffic.hard.shape) < mix.share
    return np.where(drawn, mix.other, mix.one)
