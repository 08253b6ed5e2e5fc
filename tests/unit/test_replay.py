"""Thompson sampling let loose on labelled prompts takes the policy's own decisions."""

from __future__ import annotations

import numpy as np
import pytest

from router_core.evaluation.by_file.replay import Lives, thompson_life, thompson_lives
from router_core.learning.beta import update
from router_core.policies.thompson import ThompsonPolicy
from router_core.settings import ArmSettings, GoalSettings
from router_core.types import Candidate, Context, Posterior
from tests.builders import Deciding

CONTEXT = Context("default", "", None, 0, 0, 1)


def goal(models: int, **changed: float) -> GoalSettings:
    """A goal with so many models of falling weight."""
    arms = tuple(ArmSettings(model=f"p/m{i}", weight=2.0 / (i + 1)) for i in range(models))
    return GoalSettings(arms=arms, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(("models", "exploration"), [(2, 0.05), (3, 0.05), (2, 0.9)])
def test_every_draw_is_the_policys(models: int, exploration: float) -> None:
    """Refreshed after every prompt, a life is the policy asked and taught one prompt at a time."""
    rng = np.random.default_rng(1)
    scores = rng.choice([0.0, 0.25, 1.0], (120, models))
    settings, costs = goal(models, exploration=exploration), [0.001 * (i + 1) for i in range(models)]
    life = thompson_life(scores, costs, settings, seed=9, refresh=1)
    same = np.random.default_rng(9)
    order, uniform = same.permutation(120), same.random(120)
    assert life.order.tolist() == order.tolist()
    policy, known = ThompsonPolicy(settings), [Posterior(1.0, 1.0)] * models
    for place, row in enumerate(order):
        candidates = [
            Candidate(arm.arm(), posterior, cost)
            for arm, posterior, cost in zip(settings.arms, known, costs, strict=True)
        ]
        chances = Deciding(policy).probabilities(CONTEXT, candidates).probabilities
        drawn = int(np.searchsorted(np.cumsum(chances)[:-1], uniform[place], side="right"))
        assert life.chosen[place] == drawn
        known[drawn] = update(known[drawn], float(scores[row, drawn]))


def test_it_ends_on_the_better_buy() -> None:
    """With cost in the utility on the cheap model, with a dear answer on the strong one."""
    rng = np.random.default_rng(2)
    scores = (rng.random((4000, 2)) < [0.7, 0.9]).astype(float)
    low = thompson_life(scores, [0.001, 0.016], goal(2), seed=1, value_usd=0.01)
    high = thompson_life(scores, [0.001, 0.016], goal(2), seed=1, value_usd=10.0)
    assert np.mean(low.chosen[-1000:] == 0) > 0.95
    assert np.mean(high.chosen[-1000:] == 1) > 0.95


def test_starting_weights() -> None:
    """Those given; else the goal's where they are as many as the models; else equal ones."""
    scores = np.ones((3000, 2))
    start = {"starting_strength": 1e9}
    for life, share in (
        (thompson_life(scores, [0.0, 0.0], goal(2, **start), seed=1, weights=[1.0, 9.0]), 0.9),
        (thompson_life(scores, [0.0, 0.0], goal(2, **start), seed=1), 1 / 3),
        (thompson_life(scores, [0.0, 0.0], goal(3, **start), seed=1), 1 / 2),
    ):
        assert life.chosen.mean() == pytest.approx(share, abs=0.03)


def test_an_unknown_price_is_the_dearest() -> None:
    """A model without a price never looks like a bargain."""
    scores = np.ones((500, 2))
    life = thompson_life(scores, [0.01, None], goal(2, starting_strength=0.0), seed=0)
    assert np.mean(life.chosen[-200:] == 0) < 0.8


def test_lives_add_up() -> None:
    """Frequencies are a distribution per prompt, regret is measured from the best model, the seed fixes all."""
    rng = np.random.default_rng(3)
    scores = (rng.random((300, 2)) < [0.5, 0.9]).astype(float)
    cost = np.broadcast_to([0.001, 0.002], scores.shape)
    done: list[float] = []

    def live() -> Lives:
        return thompson_lives(scores, cost, scores, goal(2), shuffles=4, seed=5, tick=done.append)

    lives, again = live(), live()
    assert lives.frequency.sum(axis=1).tolist() == [1.0] * 300
    lost = scores[:, 1].mean() - lives.accuracy
    assert lives.regret[:, -1] == pytest.approx(lost * 300)
    assert lives.accuracy.tolist() == again.accuracy.tolist()
    assert done[:4] == [0.25, 0.5, 0.75, 1.0]
