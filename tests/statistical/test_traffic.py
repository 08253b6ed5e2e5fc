"""Off-policy estimates on simulated traffic, held against the truth that the simulation knows."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from router_core.demo import traffic as demo
from router_core.demo.traffic import generate
from router_core.evaluation.from_log.targets import estimate_policy, target_probabilities
from router_core.evaluation.from_log.traffic import Traffic, read_pairs, read_traffic
from router_core.evaluation.paired import paired_tests
from router_core.evaluation.results import Estimate
from router_core.models.simulated_answers import difficulty, success_probability
from router_core.settings import GoalSettings, Settings
from router_core.store import open_store
from router_core.store.base import Store

UNTIL = datetime(2026, 5, 4, 12, tzinfo=UTC)
EXPLORING = Settings(goals={"default": GoalSettings(exploration=0.1)})


@pytest.fixture(scope="module")
def store() -> Store:
    """Thompson sampling that keeps a tenth of the traffic for either model, and the two other routers."""
    opened = open_store(":memory:", kind="simulated")
    generate(EXPLORING, opened, 30_000, until=UNTIL)
    return opened


def good(store: Store, traffic: Traffic) -> np.ndarray:
    """(n, k): with what probability each model's answer on each row would be rated good; raters err at times."""
    table = store.table("logged_contexts", traffic.parameters())
    known = {}
    for key, context in zip(table["key"], table["context"], strict=True):
        hardness = difficulty(json.loads(context)["text"])
        known[key] = [success_probability(arm, hardness) for arm in traffic.log.arms]
    odds = np.array([known[key] for key in traffic.context])
    return odds * (1 - demo._ERRS) + (1 - odds) * demo._ERRS


def shown(figure: Estimate | None) -> Estimate:
    assert figure is not None
    return figure


@pytest.mark.parametrize("target", ["heuristic", "classifier"])
def test_rules_and_classifier_judged_by_what_thompson_drew(store: Store, target: str) -> None:
    """Not one of their own rows is looked at: the figures are within three standard errors of the truth."""
    traffic = read_traffic(store, EXPLORING, "default", policies=["thompson"])
    odds = good(store, traffic)
    q = target_probabilities(store, EXPLORING, "default", target, traffic).probabilities
    truth = float((q * odds).sum(axis=1).mean())
    report = estimate_policy(store, EXPLORING, "default", target, traffic)
    for estimator in ("IPS", "SNIPS", "DR"):
        figure = shown(report.of("reward", estimator).figure)  # type: ignore[arg-type]
        assert abs(figure.value - truth) < 1.5 * (figure.high - figure.low) / 2, (estimator, truth, figure)
    figure = shown(report.of("reward").figure)
    assert figure.low < truth < figure.high
    assert figure.high - figure.low < 0.12
    (few,) = report.warnings
    assert re.match(r"2\d\.\d % of the answers are rated; if people rate because", few)
    worst = report.of("reward").worst
    assert worst is not None
    assert worst[0] < truth < worst[1]


@pytest.mark.parametrize("target", ["heuristic", "classifier"])
def test_their_own_rows_make_it_sharper(store: Store, target: str) -> None:
    """With every row: the third router, which could not have chosen otherwise, is left out; cost comes out too.

    One stream is one draw: its figure may lie three standard errors from the truth.
    """
    traffic = read_traffic(store, EXPLORING, "default")
    report = estimate_policy(store, EXPLORING, "default", target, traffic)
    own = read_traffic(store, EXPLORING, "default", policies=[target])
    assert [name.split()[0] for name in report.left_out] == [{"heuristic": "classifier"}.get(target, "heuristic")]
    figure = shown(report.of("reward").figure)
    q = target_probabilities(store, EXPLORING, "default", target, traffic).probabilities
    truth = float((q * good(store, traffic)).sum(axis=1).mean())
    assert abs(figure.value - truth) < 1.5 * (figure.high - figure.low) / 2
    only = estimate_policy(
        store, EXPLORING, "default", target, read_traffic(store, EXPLORING, "default", policies=["thompson"])
    )
    alone = shown(only.of("reward").figure)
    assert figure.high - figure.low < 0.7 * (alone.high - alone.low)
    cost = shown(report.of("cost_usd").figure)
    paid = own.log.cost_usd[~np.isnan(own.log.cost_usd)]
    error = paid.std() / np.sqrt(len(paid))
    assert abs(cost.value - paid.mean()) < 4 * error


def test_too_little_exploration_is_refused() -> None:
    """Thompson sampling that has nearly settled on the strong model cannot tell what the rules would do."""
    settings = Settings(goals={"default": GoalSettings(exploration=0.002)})
    opened = open_store(":memory:", kind="simulated")
    generate(settings, opened, 16_000, until=UNTIL)
    late = UNTIL - timedelta(days=5)
    traffic = read_traffic(opened, settings, "default", policies=["thompson"], since=late)
    report = estimate_policy(opened, settings, "default", "heuristic", traffic)
    for estimator in ("IPS", "SNIPS", "DR"):
        one = report.of("reward", estimator)  # type: ignore[arg-type]
        assert one.figure is None
        assert one.refusal is not None
        assert re.search(
            r"seldom chose as the target would|effective answers speak for openai/gpt-4o-mini", one.refusal
        )


def test_pairs_of_simulated_traffic(store: Store) -> None:
    """The interval of the difference holds what the simulation knows."""
    (pairs,) = read_pairs(store, EXPLORING, "default")
    (found,) = paired_tests([pairs])
    assert found.pairs == len(pairs.at) > 30
    assert np.all(np.diff(pairs.at) >= np.timedelta64(0))
    traffic = read_traffic(store, EXPLORING, "default")
    cheap, strong = good(store, traffic).mean(axis=0)
    assert found.difference is not None
    assert found.difference.low <= strong - cheap <= found.difference.high


def test_what_rules_chose_blurs_what_is_learned() -> None:
    """Thompson sampling draws whatever the prompt, rules send it the hard ones: learned from all answers, the
    difference between the models is less than two thirds of that learned from its own draws, and beyond chance.
    """  # fmt: skip
    store, goal = open_store(":memory:", kind="simulated"), Settings().goal("default")
    generate(Settings(), store, 20_000)
    gap, error = {}, {}
    for name in ("all", "own"):
        found = store.evidence("default", goal.model_copy(update={"learn_from": name}).teaching_rule())
        cheap, strong = (found[arm.id] for arm in goal.arms)
        shares = [one.reward_micro / 1e6 / one.count for one in (cheap, strong)]
        gap[name] = shares[1] - shares[0]
        error[name] = sum(s * (1 - s) / one.count for s, one in zip(shares, (cheap, strong), strict=True)) ** 0.5
    assert gap["all"] < 2 / 3 * gap["own"]
    assert gap["own"] - gap["all"] > 2 * error["own"]
    store.close()
