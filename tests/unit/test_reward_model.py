"""The reward model: the closed form of leaving out is the same as leaving out."""

from __future__ import annotations

import numpy as np
import pytest

from router_core.evaluation.from_log import reward_model
from router_core.evaluation.from_log.reward_model import predicted


def test_against_fitting_anew_without_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three models, two features, some rows without an outcome, blocks smaller than the log."""
    monkeypatch.setattr(reward_model, "_BLOCK", 7)
    rng = np.random.default_rng(2)
    n, arms = 41, 3
    features = rng.normal(50, 3, (n, 2))
    action = rng.integers(0, arms, n)
    taught = np.flatnonzero(rng.random(n) < 0.7)
    outcome = rng.random(len(taught))
    target = rng.dirichlet(np.ones(arms), n)
    direct, own = predicted(target, features, action, taught, outcome, 0.5)

    of = features[taught]
    x = np.column_stack([np.ones(n), (features - of.mean(axis=0)) / of.std(axis=0)])

    def model(without: int, arm: int) -> float:
        """What ``arm`` would bring on row ``without``, which is not looked at."""
        rows = [i for i, row in enumerate(taught) if action[row] == arm and row != without]
        known = x[taught[rows]]
        beta = np.linalg.solve(known.T @ known + np.eye(3), known.T @ (outcome[rows] - 0.5))
        return float(0.5 + x[without] @ beta)

    every = np.array([[model(row, arm) for arm in range(arms)] for row in range(n)])
    assert direct == pytest.approx((target * every).sum(axis=1))
    assert own == pytest.approx(every[taught, action[taught]])


def test_a_model_without_outcomes_brings_what_is_expected() -> None:
    """Nothing is known of the second model; a feature that does not vary says nothing."""
    target = np.tile([[0.0, 1.0]], (4, 1))
    direct, own = predicted(target, np.full((4, 1), 7.0), np.zeros(4, int), np.arange(2), np.ones(2), 0.5)
    assert direct.tolist() == [0.5] * 4
    assert own == pytest.approx([0.75, 0.75])
