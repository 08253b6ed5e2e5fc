"""Contextual sampling: probabilities are those of drawing, draws have their propensity, and it learns."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from router_core.evaluation.by_file.contextual_life import contextual_life
from router_core.evaluation.by_file.replay import thompson_life
from router_core.learning.contextual.best_buy import best_buy_probabilities
from router_core.learning.contextual.logistic import Belief, fit, prior, update
from router_core.learning.contextual.state import ContextualState, learn
from router_core.learning.contextual.vector import GAIN, SIZE
from router_core.policies.base import Known
from router_core.policies.contextual import ContextualPolicy
from router_core.policies.heuristic import HeuristicPolicy
from router_core.sampling import draw
from router_core.settings import ArmSettings, GoalSettings, HeuristicSettings
from tests.builders import CHEAP, STRONG, a_candidate, a_context

SETTINGS = GoalSettings(success_value_usd=0.05, exploration=0.0, starting_strength=0.0)
COSTS = [0.0005, 0.008]


def a_belief(seed: int) -> Belief:
    """Something learned."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(30, SIZE)) / 2
    return fit(prior(np.zeros(SIZE), np.full(SIZE, 0.7)), x, (rng.random(30) < 0.7).astype(float))


@pytest.mark.parametrize("arms", [2, 3])
def test_computed_is_what_drawing_coefficients_gives(arms: int) -> None:
    """Thompson sampling draws coefficients and takes the best buy: within 4.5 standard errors of 200,000 draws."""
    rng = np.random.default_rng(arms)
    beliefs, x = [a_belief(seed) for seed in range(arms)], rng.normal(size=SIZE) / 2
    costs = [0.001 * (1 + 4 * arm) for arm in range(arms)]
    told = [belief.logit(x) for belief in beliefs]
    computed = best_buy_probabilities([m for m, _ in told], [v for _, v in told], costs, 0.05)
    logits = np.column_stack([rng.multivariate_normal(b.mean, b.covariance, 200_000) @ x for b in beliefs])
    drawn = np.bincount((0.05 * expit(logits) - costs).argmax(axis=1), minlength=arms) / 200_000
    assert np.all(np.abs(computed - drawn) <= 4.5 * np.sqrt(drawn * (1 - drawn) / 200_000) + 1e-6)


def test_draw_frequencies_are_the_propensities() -> None:
    """Chi-square over 20,000 decision ids."""
    state = ContextualState()
    rules = HeuristicPolicy(HeuristicSettings(), CHEAP, STRONG)
    policy = ContextualPolicy(GoalSettings(), rules)
    rows = policy.features(a_context("prove it"), [CHEAP, STRONG], state)
    for reward in (0.0, 1.0, 0.0, 1.0, 0.5) * 4:
        state = learn(learn(state, CHEAP, rows[0], reward), STRONG, rows[1], 1.0)
    candidates = [a_candidate(CHEAP, cost_usd=0.0005), a_candidate(STRONG, cost_usd=0.02)]
    chances = policy.probabilities(a_context("prove it"), Known(candidates, contextual=state)).probabilities
    seen = np.bincount([draw(chances, 3, f"id-{i}") for i in range(20_000)], minlength=2)
    expected = 20_000 * np.array(chances)
    assert min(chances) > 0.05
    assert ((seen - expected) ** 2 / expected).sum() < 10.83  # p = .001


def test_beliefs_are_calibrated() -> None:
    """Of 300 worlds drawn from the prior, 80 % intervals of a logit hold the truth in 80 % (+- 6) of them."""
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(300):
        before, truth = prior(np.zeros(4), np.ones(4)), rng.normal(size=4)
        belief = before
        for x in rng.normal(size=(40, 4)):
            belief = update(belief, x, float(rng.random() < expit(x @ truth)))
        x = rng.normal(size=4)
        mean, variance = belief.logit(x)
        held += abs(x @ truth - mean) < 1.2816 * np.sqrt(variance)
    assert 0.74 < held / 300 < 0.86


def a_world(signal: float, rows: int = 8000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features, and scores of a cheap and a strong model; the cheap one fails where feature 1 is high."""
    rng = np.random.default_rng(seed)
    x = np.zeros((rows, SIZE))
    x[:, 0] = 1.0
    x[:, 1:4] = rng.normal(size=(rows, 3))
    chances = np.column_stack([expit(1.0 - signal * x[:, 1]), np.full(rows, 0.9)])
    return x, (rng.random((rows, 2)) < chances).astype(float)


def utility(scores: np.ndarray, order: np.ndarray, chosen: np.ndarray) -> float:
    """Dollars per prompt."""
    return float((0.05 * scores[order, chosen] - np.array(COSTS)[chosen]).mean())


def test_it_learns_to_tell_prompts_apart() -> None:
    """From bandit feedback alone it beats every fixed model and plain Thompson sampling."""
    x, scores = a_world(2.0)
    lives = [contextual_life(x, scores, COSTS, SETTINGS, seed) for seed in range(4)]
    found = np.mean([utility(scores, life.order, life.chosen) for life in lives])
    fixed = (0.05 * scores - COSTS).mean(axis=0).max()
    plain = [thompson_life(scores, COSTS, SETTINGS, seed) for seed in range(4)]
    blind = np.mean([utility(scores, life.order, life.chosen) for life in plain])
    assert found > fixed + 0.0015
    assert found > blind + 0.0015


def test_without_a_signal_it_ends_as_the_best_fixed_model() -> None:
    """In the second half it loses less than a tenth of a cent per prompt, where the models are 0.15 apart."""
    x, scores = a_world(0.0)
    worst = 0.0
    for seed in range(4):
        life = contextual_life(x, scores, COSTS, SETTINGS, seed)
        half = slice(4000, None)
        fixed = (0.05 * scores[life.order[half]] - COSTS).mean(axis=0).max()
        worst = max(worst, fixed - utility(scores, life.order[half], life.chosen[half]))
    assert worst < 0.001


def test_a_life_keeps_floor_and_starting_weights() -> None:
    """Before it learned anything the weights; afterwards every model at least its floor."""
    x, scores = a_world(0.0, 20_000)
    strong_start = GoalSettings(starting_strength=1e9, success_value_usd=0.05)
    begun = contextual_life(x, scores, COSTS, strong_start, 1)
    assert (begun.chosen == 1).mean() == pytest.approx(0.2, abs=0.01)
    hopeless = np.column_stack([np.ones(20_000), np.zeros(20_000)])
    floor = contextual_life(x, hopeless, COSTS, GoalSettings(exploration=0.05, starting_strength=0), 1)
    assert (floor.chosen[2000:] == 1).mean() == pytest.approx(0.05, abs=0.01)


def test_a_life_gives_each_model_its_own_gain() -> None:
    """Three models; the middle one is good just where its own gain is high."""
    rng = np.random.default_rng(7)
    x = np.zeros((6000, SIZE))
    x[:, 0] = 1.0
    gains = np.zeros((6000, 3))
    gains[:, 1] = rng.choice([-2.0, 2.0], 6000)
    chances = np.column_stack([np.full(6000, 0.5), expit(1.5 * gains[:, 1]), np.full(6000, 0.6)])
    scores = (rng.random((6000, 3)) < chances).astype(float)
    arms = tuple(ArmSettings(model=f"p/{i}") for i in range(3))
    settings = GoalSettings(arms=arms, exploration=0.0, starting_strength=0.0, success_value_usd=float("inf"))
    life = contextual_life(x, scores, [0.001, 0.002, 0.003], settings, 0, gains=gains)
    late = slice(3000, None)
    high = gains[life.order[late], 1] > 0
    assert (life.chosen[late][high] == 1).mean() > 0.95
    assert (life.chosen[late][~high] == 1).mean() < 0.05
    assert x[:, GAIN].tolist() == [0.0] * 6000  # nobody else's rows were changed


def test_worth_nothing_is_the_cheapest() -> None:
    x, scores = a_world(0.0, 500)
    settings = GoalSettings(success_value_usd=0.0, exploration=0.0, starting_strength=0.0)
    assert contextual_life(x, scores, COSTS, settings, 0).chosen.max() == 0
