"""Ways of choosing on labelled prompts: pairs, cuts found out of sample, verdicts, the oracle."""

from __future__ import annotations

import numpy as np
import pytest

from router_core.errors import EvaluationError
from router_core.evaluation.by_file import routers
from router_core.evaluation.by_file.routers import Pair
from router_core.evaluation.results import Objective
from router_core.money.pricing import PriceBook
from router_core.policies.heuristic import HeuristicPolicy
from router_core.settings import ClassifierSettings, HeuristicSettings, Settings
from tests.labelled import labelled

WORTH = Objective(success_value_usd=0.05)


def test_the_pair_is_the_cheapest_and_the_best_other() -> None:
    """Of equally accurate models the cheaper."""
    assert routers.reference_pair(labelled([[1, 0, 1, 1]], (1, 2, 3, 4))) == Pair(0, 2)
    assert routers.reference_pair(labelled([[1, 0]])) == Pair(0, 1)  # more expensive and worse, but the only other


def test_one_model_is_nothing_to_route() -> None:
    with pytest.raises(EvaluationError, match="the file has one model"):
        routers.reference_pair(labelled([[1.0]], (1,)))


def test_the_oracle_takes_the_most_valuable() -> None:
    """The strong model only where it alone is right; with a floor the cheapest of the best as well."""
    data = labelled([[1, 1], [0, 1], [0, 0], [0.5, 0.6]])
    assert routers.oracle(data, WORTH).probabilities.argmax(axis=1).tolist() == [0, 1, 0, 0]
    floor = Objective(quality_floor=0.9)
    assert routers.oracle(data, floor).probabilities.argmax(axis=1).tolist() == [0, 1, 0, 1]


def test_rules_choose_as_their_policy_does() -> None:
    """The same models as the policy, with the exploration share, and few points mean strong."""
    data = labelled([[1, 1]] * 2, prompts=["Is this spam? yes or no", "Write a long analysis. " * 60])
    settings = Settings(heuristic=HeuristicSettings(exploration=0.1))
    seen = routers.contexts(data)
    choice = routers.rules(data, Pair(0, 1), settings, routers.rule_verdicts(settings, seen))
    policy = HeuristicPolicy(settings.heuristic, "cheap", "strong")
    assert choice.probabilities == pytest.approx(routers.asked(data, policy, seen).probabilities)
    assert choice.probabilities[0].tolist() == pytest.approx([0.95, 0.05])
    assert choice.score is not None
    assert choice.score[0] < choice.score[1]


def test_task_types_reach_the_rules() -> None:
    """A task that the rules know gives its points."""
    data = labelled([[1, 1]] * 2, prompts=["Berlin"] * 2, tasks=["extraction", "geography"])
    choice = routers.rules(data, Pair(0, 1), Settings(), routers.rule_verdicts(Settings(), routers.contexts(data)))
    assert choice.probabilities.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_recorded_verdicts_decide_and_cost() -> None:
    """SIMPLE goes to the cheap, COMPLEX to the strong model; where none was recorded the rules decide."""
    data = labelled([[1, 1]] * 3, verdicts=[1, 0, -1])
    rules = routers.rules(data, Pair(0, 1), Settings(), routers.rule_verdicts(Settings(), routers.contexts(data)))
    choice = routers.classifier(data, Pair(0, 1), Settings(), rules)
    assert choice.probabilities.tolist() == [[1, 0], [0, 1], rules.probabilities[2].tolist()]
    assert "1 prompts without a verdict" in choice.note
    each = routers.classifying_cost(data, ClassifierSettings(), PriceBook())
    assert choice.deciding_usd is not None
    assert choice.deciding_usd.tolist() == each.tolist()
    assert 1e-5 < each.min() <= each.max() < 1e-4  # about 100 tokens in and 25 out at gpt-4o-mini's price
    with pytest.raises(EvaluationError, match="no column of verdicts"):
        routers.classifier(labelled([[1, 1]]), Pair(0, 1), Settings(), rules)


def test_a_classifier_without_a_price_costs_the_unknown() -> None:
    data = labelled([[1, 1]])
    settings = ClassifierSettings(model="local/llama")
    assert np.isnan(routers.classifying_cost(data, settings, PriceBook())).all()


def test_a_cut_finds_the_prompts_that_need_the_strong_model() -> None:
    """A score that tells them apart is cut between them, whatever its scale."""
    scores = [[1, 1]] * 60 + [[0, 1]] * 40
    data = labelled(scores)
    score = np.array([5.0] * 60 + [700.0] * 40)
    chosen = routers.cut(data, Pair(0, 1), score, WORTH, seed=0)
    assert chosen[:, 1].tolist() == [0.0] * 60 + [1.0] * 40


def test_a_cut_with_a_floor_is_the_cheapest_that_reaches_it() -> None:
    """Half of the wins are enough for 80 %."""
    data = labelled([[1, 1]] * 600 + [[0, 1]] * 400)
    score = np.arange(1000.0)
    chosen = routers.cut(data, Pair(0, 1), score, Objective(quality_floor=0.8), seed=0)
    assert (chosen * data.scores).sum(axis=1).mean() == pytest.approx(0.8, abs=0.02)
    assert chosen[:, 1].mean() == pytest.approx(0.2, abs=0.02)


def test_a_cut_has_not_seen_the_answers() -> None:
    """On noise, a cut at the best place in hindsight looks better than the best model; ours does not."""
    rng = np.random.default_rng(7)
    above = []
    for seed in range(40):
        data = labelled((rng.random((200, 2)) < 0.5).astype(float).tolist(), (0.001, 0.001))
        chosen = routers.cut(data, Pair(0, 1), rng.random(200), WORTH, seed)
        above.append((chosen * data.scores).sum(axis=1).mean() - 0.5)
    assert abs(np.mean(above)) < 3 * np.std(above) / np.sqrt(len(above))
