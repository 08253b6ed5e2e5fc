"""The value of a verdict, against asking for it many times. Seeds are fixed."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.simulation.world import World, traffic
from router_core.learning.value_of_information import prospect, value_of_information

DRAWS = 400_000


@pytest.mark.parametrize("seed", range(8))
def test_against_brute_force(seed: int) -> None:
    """Random beliefs over 2 to 5 models: draw difficulty, verdict and answers, choose with and without."""
    random = np.random.default_rng(seed)
    models = int(random.integers(2, 6))
    hard, sensitivity, false_alarms = random.uniform(0.2, 0.8), random.uniform(0.6, 1), random.uniform(0, 0.4)
    easy, difficult = random.random(models), random.random(models)
    costs, value = random.uniform(0, 0.02, models), 0.05
    told = prospect(hard, easy.tolist(), difficult.tolist(), sensitivity, false_alarms)
    claimed = value_of_information(told, costs.tolist(), value)

    is_hard = random.random(DRAWS) < hard
    complex_ = random.random(DRAWS) < np.where(is_hard, sensitivity, false_alarms)
    good = random.random((DRAWS, models)) < np.where(is_hard[:, None], difficult, easy)
    utility = value * good - costs
    by_verdict = [int(utility[complex_ == word].mean(axis=0).argmax()) for word in (True, False)]
    after = np.where(complex_, utility[:, by_verdict[0]], utility[:, by_verdict[1]])
    before = utility[:, int(utility.mean(axis=0).argmax())]
    error = (after - before).std() / np.sqrt(DRAWS)
    assert claimed == pytest.approx((after - before).mean(), abs=4.5 * error + 1e-5)


@pytest.mark.parametrize("price", [0.0002, 0.001, 0.004])
def test_asking_where_it_pays_beats_always_and_never(price: float) -> None:
    """The rules' score says how likely a prompt is hard; the verdict is bought where it is worth its price.

    In dollars: a good answer is worth 16 cents, a strong call costs 1.6. Net of the price, buying by its value is
    at least as good as never and as always buying, and strictly better than both for prices in between.
    """
    asked = traffic(World(graded=False), 1, 60_000, seed=6)
    world = asked.world
    costs, value = [0.001, 0.016], 0.16
    odds = np.log(0.4 / 0.6) + world.rule_separation * asked.rule[0]
    rates = world.classifier_rates()
    easy, difficult = ([arm.easy for arm in world.arms], [arm.hard for arm in world.arms])
    net = {"never": 0.0, "always": 0.0, "where it pays": 0.0}
    bought = 0
    complex_, hard = asked.says_complex()[0].tolist(), asked.hard[0].tolist()
    for likely, word, is_hard in zip((1 / (1 + np.exp(-odds))).tolist(), complex_, hard, strict=True):
        told = prospect(likely, easy, difficult, *rates)
        true = [value * (difficult if is_hard else easy)[arm] - costs[arm] for arm in (0, 1)]
        blind = max((0, 1), key=lambda arm: value * told.without[arm] - costs[arm])
        after = told.success[0 if word else 1]
        knowing = max((0, 1), key=lambda arm: value * after[arm] - costs[arm])
        net["never"] += true[blind]
        net["always"] += true[knowing] - price
        buy = value_of_information(told, costs, value) > price
        bought += buy
        net["where it pays"] += true[knowing] - price if buy else true[blind]
    assert net["where it pays"] > max(net["never"], net["always"]) + (0.0 if price == 0.0002 else 0.1)
    assert 0 < bought < 60_000
