"""The classifier as a bought feature: asked where it is worth it, remembered for nothing, and never twice."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from router_core.learning.contextual.folding import ABSENT, VERDICT
from router_core.learning.contextual.state import ContextualState, learn
from router_core.learning.value_of_information import Prospect, value_of_information
from router_core.policies.asking import Asking
from router_core.policies.classifier import ClassifierPolicy
from router_core.policies.contextual import ContextualPolicy
from router_core.policies.heuristic import HeuristicPolicy
from router_core.policies.verdicts import Logits, Verdicts
from router_core.settings import ClassifierSettings, ContextualSettings, GoalSettings, HeuristicSettings
from router_core.types import ActionDistribution, Candidate, ReasonLine
from router_core.words import dollars
from tests.builders import CHEAP, STRONG, Deciding, FakeAsk, a_candidate, a_context

PAIR = (a_candidate(CHEAP, cost_usd=0.0001), a_candidate(STRONG, cost_usd=0.01))
RULES = HeuristicPolicy(HeuristicSettings(), CHEAP, STRONG)
FREE: dict[str, Any] = {"exploration": 0.0, "starting_strength": 0.0, "success_value_usd": 0.05}


def a_policy(
    state: ContextualState,
    ask: FakeAsk,
    price_usd: float | None = 0.0001,
    exploration: float = 0.0,
    **changes: Any,
) -> Deciding:
    """One that may ask."""
    classifier = ClassifierPolicy(ClassifierSettings(), CHEAP, STRONG, RULES)
    settings = ContextualSettings(**{"asked_share": 0.0, **changes})
    goal = GoalSettings(**FREE | {"exploration": exploration})
    policy = ContextualPolicy(goal, RULES, Verdicts(settings, classifier))
    known = {"contextual": state, "verdict_usd": price_usd}
    return Deciding(policy, Asking(ClassifierSettings(), ask), lambda: known)


def taught() -> ContextualState:
    """COMPLEX means that the cheap model fails; nothing else tells."""
    state = ContextualState()
    policy = a_policy(state, FakeAsk())
    for number in range(200):
        complex_ = number % 2 == 0
        rows = policy.features(a_context("the same words"), [CHEAP, STRONG])
        rows[:, VERDICT], rows[:, ABSENT] = (1.0 if complex_ else -1.0), 0.0
        state = learn(learn(state, CHEAP, rows[0], 0.1 if complex_ else 0.95), STRONG, rows[1], 0.95)
    return replace(state, verdicts=(100, 200))


def decide(policy: Deciding, text: str = "the same words", pair: Any = PAIR) -> ActionDistribution:
    """On one text."""
    return policy.probabilities(a_context(text), pair)


def test_it_is_asked_where_it_is_worth_it() -> None:
    """And its verdict decides; what it cost is part of the decision."""
    ask = FakeAsk('{"complexity": "COMPLEX", "reason": "r"}')
    policy = a_policy(taught(), ask)
    given = decide(policy)
    assert len(ask.asked) == 1
    assert given.seen is not None
    assert given.seen.verdict == "asked"
    assert given.seen.verdict_worth_usd is not None
    assert given.seen.verdict_worth_usd > 0.0001
    assert given.cost_usd == ask.cost_usd
    assert given.probabilities[1] > 0.99
    worth = dollars(given.seen.verdict_worth_usd)
    assert ReasonLine("classifier asked: its verdict was expected to bring", worth) in given.reason.lines
    easy = decide(a_policy(taught(), FakeAsk('{"complexity": "SIMPLE", "reason": "r"}')))
    assert easy.probabilities[0] > 0.99


@pytest.mark.parametrize("said", ["COMPLEX", "SIMPLE"])
def test_it_is_learned_from_as_it_was_decided_on(said: str) -> None:
    """What is logged is the prompt with its verdict: as it looks when that is remembered, and to the beliefs."""
    state = taught()
    for number in range(20):  # and some that were answered without a verdict
        row = a_policy(state, FakeAsk()).features(a_context("the same words"), [CHEAP])[0]
        state = learn(state, CHEAP, row, float(number % 2))
    policy = a_policy(state, FakeAsk(f'{{"complexity": "{said}", "reason": "r"}}'))
    seen = decide(policy).seen
    assert seen is not None
    assert seen.verdict == "asked"
    rows = np.array(seen.features).reshape(2, -1)
    assert list(rows[:, VERDICT]) == [1.0 if said == "COMPLEX" else -1.0] * 2
    assert rows == pytest.approx(policy.features(a_context("the same words"), [CHEAP, STRONG]))
    without = rows.copy()
    without[:, VERDICT], without[:, ABSENT] = 0.0, 1.0
    beliefs = [state.learned(arm).belief for arm in (CHEAP, STRONG)]
    logits = Logits.of(without, np.array([b.mean for b in beliefs]), np.array([b.covariance for b in beliefs]))
    expected = [belief.logit(row) for belief, row in zip(beliefs, rows, strict=True)]
    assert np.transpose(logits.given(said == "COMPLEX")) == pytest.approx(np.array(expected))


def test_the_worth_is_that_of_the_formula() -> None:
    """Preposterior analysis on the beliefs' expected shares, computed here by sampling them."""
    state = taught()
    given = decide(a_policy(state, FakeAsk()))
    assert given.seen is not None
    rng = np.random.default_rng(1)
    rows = np.array(given.seen.features).reshape(2, -1)
    success = []
    for verdict in (1.0, -1.0):
        rows[:, VERDICT], rows[:, ABSENT] = verdict, 0.0
        shares = []
        for arm, row in zip((CHEAP, STRONG), rows, strict=True):
            mean, variance = state.learned(arm).belief.logit(row)
            drawn = rng.normal(mean, variance**0.5, 200_000)
            shares.append(float((1 / (1 + np.exp(-drawn))).mean()))
        success.append(tuple(shares))
    expected = value_of_information(Prospect((101 / 202, 101 / 202), tuple(success)), (0.0001, 0.01), 0.05)
    assert given.seen.verdict_worth_usd == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("exploration", "part"), [(0.1, 0.8), (0.5, 0.0)])
def test_a_verdict_is_worth_less_where_part_of_the_traffic_explores(exploration: float, part: float) -> None:
    """Nothing follows from it there: two models, each always kept for a tenth, leave eight tenths."""
    whole = decide(a_policy(taught(), FakeAsk())).seen
    given = decide(a_policy(taught(), FakeAsk(), exploration=exploration)).seen
    assert whole is not None
    assert whole.verdict_worth_usd is not None
    assert given is not None
    assert given.verdict_worth_usd == pytest.approx(part * whole.verdict_worth_usd)


def test_it_is_not_asked_for_more_than_its_verdict_is_worth() -> None:
    """Nor where its price is unknown, nor before outcomes have told that verdicts matter."""
    for state, price in ((taught(), 1.0), (taught(), None), (ContextualState(), 0.0001)):
        ask = FakeAsk()
        given = decide(a_policy(state, ask, price))
        assert not ask.asked
        assert given.seen is not None
        assert given.seen.verdict == "absent"
        assert given.cost_usd == Decimal(0)
        said = "is of unknown price" if price is None else f"costs up to {dollars(price)}"
        line = f"classifier not asked: its verdict {said} and is expected to bring"
        assert line in [one.text for one in given.reason.lines]
    assert given.seen.verdict_worth_usd == 0.0
    assert ReasonLine(line, "$0") in given.reason.lines


def test_a_remembered_verdict_is_free() -> None:
    """The second decision on a text does not ask."""
    ask = FakeAsk('{"complexity": "SIMPLE", "reason": "r"}')
    policy = a_policy(taught(), ask)
    first, second = decide(policy), decide(policy)
    assert len(ask.asked) == 1
    assert second.seen is not None
    assert second.seen.verdict == "remembered"
    assert second.cost_usd == Decimal(0)
    assert second.probabilities == first.probabilities
    assert ReasonLine("classifier result reused", "no charge") in second.reason.lines


def test_always_and_never() -> None:
    """As the setting says."""
    for mode, calls in (("always", 1), ("never", 0)):
        ask = FakeAsk()
        given = decide(a_policy(ContextualState(), ask, ask_classifier=mode))
        assert len(ask.asked) == calls
        assert (ReasonLine("classifier asked", "always") in given.reason.lines) == (mode == "always")


def test_a_share_of_texts_is_asked_about_anyway() -> None:
    """About that share, and always the same ones."""
    texts = [f"text {number}" for number in range(400)]
    asked = []
    for _ in range(2):
        ask = FakeAsk()
        policy = a_policy(ContextualState(), ask, asked_share=0.2)
        found = [decide(policy, text).seen for text in texts]
        asked.append([one is not None and one.verdict == "asked" for one in found])
    assert asked[0] == asked[1]
    assert 50 < sum(asked[0]) < 110
    fresh = a_policy(ContextualState(), FakeAsk(), asked_share=1.0)
    line = "classifier asked to learn what verdicts are worth; this one was expected to bring"
    assert ReasonLine(line, "$0") in decide(fresh).reason.lines


def test_a_classifier_that_fails_is_no_verdict() -> None:
    """The decision is made without it, and says so."""
    given = decide(a_policy(taught(), FakeAsk("nonsense")))
    without = decide(a_policy(taught(), FakeAsk(), ask_classifier="never"))
    assert given.probabilities == without.probabilities
    assert any("gave no verdict" in line.text for line in given.reason.lines)


def test_one_model_needs_no_verdict() -> None:
    """Nothing can follow from it."""
    only: list[Candidate] = [PAIR[0]]
    ask = FakeAsk()
    assert decide(a_policy(taught(), ask), pair=only).probabilities == (1.0,)
    assert not ask.asked
