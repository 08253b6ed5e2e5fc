"""Intervals cover what they should, and "route" is hardly ever said where no router is better."""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

from router_core.evaluation.by_file.conclusion import verdict
from router_core.evaluation.by_file.curves import apgr, curve, curves, ordering
from router_core.evaluation.by_file.report import evaluate
from router_core.evaluation.by_file.resampling import bootstrap_counts, bootstrap_means, estimate
from router_core.evaluation.results import Objective
from tests.labelled import labelled

REPEATED = 400


def enough(hits: int, level: float = 0.95) -> bool:
    """Whether so few hits are likelier than 1 in 1,000 where intervals cover at ``level``.

    Less 1.5 points: percentile intervals of a few hundred prompts are a little narrow.
    """
    return hits >= binom.ppf(0.001, REPEATED, level - 0.015)


def test_accuracy_intervals_cover() -> None:
    """The mean of 200 prompts of known success."""
    hits = 0
    for seed in range(REPEATED):
        scores = (np.random.default_rng(seed).random(200) < 0.7).astype(float)
        drawn = bootstrap_means(bootstrap_counts(200, 400, seed), scores[:, None])[:, 0]
        found = estimate(scores.mean(), drawn)
        assert found is not None
        hits += found.low <= 0.7 <= found.high
    assert enough(hits), hits


def test_apgr_intervals_cover() -> None:
    """A score with a known APGR: the truth is taken from a million prompts."""

    def world(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        score = rng.random(count)
        cheap, strong = rng.random(count) < 0.9 - 0.6 * score, rng.random(count) < 0.95 - 0.1 * score
        return score, strong.astype(float) - cheap

    score, gain = world(np.random.default_rng(99), 1_000_000)
    truth = float(apgr(curve(ordering(score), gain)))
    hits = 0
    for seed in range(REPEATED):
        score, gain = world(np.random.default_rng(seed), 400)
        by = ordering(score)
        found = estimate(float(apgr(curve(by, gain))), apgr(curves(by, gain, bootstrap_counts(400, 300, seed))))
        assert found is not None
        hits += found.low <= truth <= found.high
    assert enough(hits), (hits, truth)


def test_route_is_hardly_ever_said_where_nothing_is_known() -> None:
    """Both models are worth the same and no score knows anything: the worst case for a false "route"."""
    false = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        scores = (rng.random((250, 2)) < [0.6, 0.78]).astype(float)
        prompts = ["x" * int(size) for size in rng.integers(5, 400, 250)]
        data = labelled(scores.tolist(), (0.001, 0.010), prompts=prompts)
        report = evaluate(["length", "points", "heuristic"], data, objective=Objective(0.05), draws=200, seed=seed)
        false += verdict(report).kind == "route"
    assert false <= binom.ppf(0.999, 150, 0.05), false


def test_route_is_said_where_it_is_true() -> None:
    """A length that tells hard from easy prompts is found nearly always."""
    found = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        hard = rng.random(400) < 0.4
        scores = np.stack([rng.random(400) < np.where(hard, 0.3, 0.95), rng.random(400) < 0.95], axis=1)
        prompts = ["x" * int(size) for size in np.where(hard, 300, 60) + rng.integers(0, 60, 400)]
        report = evaluate(["length"], labelled(scores.astype(float).tolist(), prompts=prompts), draws=200)
        found += verdict(report).choice == "length"
    assert found >= 28
