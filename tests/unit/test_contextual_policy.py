"""The contextual policy: the whole formula, what moves it, the reason, and that it can be replayed."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from router_core.errors import NoEligibleArmError
from router_core.learning.contextual.best_buy import best_buy_probabilities
from router_core.learning.contextual.state import ContextualState, learn
from router_core.learning.contextual.training import Lesson, train
from router_core.learning.contextual.vector import GAIN, NAMES
from router_core.policies.base import Policy, Verdict
from router_core.policies.classifier import ClassifierPolicy
from router_core.policies.contextual import ContextualPolicy
from router_core.policies.heuristic import HeuristicPolicy
from router_core.policies.verdicts import Verdicts
from router_core.sampling import draw
from router_core.settings import ClassifierSettings, ContextualSettings, GoalSettings, HeuristicSettings
from router_core.types import ReasonLine, Usage
from tests.builders import CHEAP, STRONG, Deciding, a_candidate, a_context, some_candidates, words

HARD, EASY = "prove the theorem about manifolds", "list the name and the colour"
PAIR = (a_candidate(CHEAP, cost_usd=0.0001, weight=0.8), a_candidate(STRONG, cost_usd=0.002, weight=0.2))
RULES = HeuristicPolicy(HeuristicSettings(), CHEAP, STRONG)


WEIGHTED = (a_candidate(CHEAP, cost_usd=0.0001, weight=9.0), a_candidate(STRONG, cost_usd=0.01, weight=1.0))


def deciding(policy: ContextualPolicy, **known: Any) -> Deciding:
    """A policy that knows this much."""
    return Deciding(policy, known=lambda: known)


def a_policy(state: ContextualState | None = None, **changes: Any) -> Deciding:
    """The default goal's policy in a state."""
    return deciding(ContextualPolicy(GoalSettings(**changes), RULES), contextual=state or ContextualState())


def taught(policy_of: ContextualState, rewards: dict[str, dict[str, float]], times: int) -> ContextualState:
    """Prompts, each answered so well by each arm, so many times."""
    state = policy_of
    for _ in range(times):
        for text, by_arm in rewards.items():
            rows = a_policy(state).features(a_context(text), list(by_arm))
            for row, (arm, reward) in zip(rows, by_arm.items(), strict=True):
                state = learn(state, arm, row, reward)
    return state


def with_gain() -> ContextualState:
    """Knows words of prompts that gain from the strong arm."""
    lessons = [Lesson(f"{HARD} {i}", {CHEAP: 0.0, STRONG: 1.0}) for i in range(40)]
    lessons += [Lesson(f"{EASY} {i}", {CHEAP: 1.0, STRONG: 1.0}) for i in range(40)]
    return ContextualState(gain=train(lessons, (CHEAP, STRONG)).score)


LEARNED = taught(with_gain(), {HARD: {CHEAP: 0.1, STRONG: 0.95}, EASY: {CHEAP: 0.95, STRONG: 0.95}}, 60)
FREE: dict[str, Any] = {"starting_strength": 0, "exploration": 0}


def test_it_is_a_policy() -> None:
    """Behind the same protocol as the others."""
    assert isinstance(a_policy().policy, Policy)
    assert a_policy().name == "contextual"


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_distribution(count: int) -> None:
    answer = a_policy(LEARNED).probabilities(a_context(), some_candidates(count))
    assert len(answer.probabilities) == count
    assert sum(answer.probabilities) == pytest.approx(1.0, abs=1e-12)
    assert all(0.02 <= p <= 1 for p in answer.probabilities)
    assert answer.reason.summary


def test_the_whole_formula() -> None:
    """f w + (1 - f)(eps + (1 - N eps) P), P from each arm's belief about this very prompt."""
    policy, context = a_policy(LEARNED), a_context(HARD)
    rows = policy.features(context, [CHEAP, STRONG])
    beliefs = [LEARNED.learned(arm).belief for arm in (CHEAP, STRONG)]
    told = [belief.logit(row) for belief, row in zip(beliefs, rows, strict=True)]
    best = best_buy_probabilities([m for m, _ in told], [v for _, v in told], [0.0001, 0.002], 0.05)
    fading = 20 / (20 + 240)
    expected = [
        fading * weight + (1 - fading) * (0.02 + 0.96 * chance)
        for weight, chance in zip((0.8, 0.2), best, strict=True)
    ]
    assert LEARNED.outcomes == 240
    assert policy.probabilities(context, PAIR).probabilities == pytest.approx(expected, abs=1e-12)


def test_before_any_outcome_the_starting_weights_hold_exactly() -> None:
    """Whatever the prompt says, and whatever the gain score."""
    for state in (ContextualState(), with_gain()):
        for text in (HARD, EASY):
            found = a_policy(state, exploration=0.1).probabilities(a_context(text), PAIR).probabilities
            assert found == pytest.approx((0.8, 0.2), abs=1e-12)


def test_it_tells_prompts_apart() -> None:
    """The point of it: the strong arm for what it alone answers well, the cheap one for the rest."""
    policy = a_policy(LEARNED, **FREE)
    hard = policy.probabilities(a_context(HARD), PAIR).probabilities
    easy = policy.probabilities(a_context(EASY), PAIR).probabilities
    assert hard[1] > 0.99
    assert easy[0] > 0.8


def test_the_verdict_of_the_classifier_is_evidence() -> None:
    """Learned like any feature; a verdict that was not asked for is not one in the middle."""
    state = ContextualState()
    policy = ContextualPolicy(GoalSettings(**FREE), RULES)
    hard, easy = (Verdict(simple, "r", Usage(1, 1), None) for simple in (False, True))
    for _ in range(60):
        for verdict, cheap in ((hard, 0.1), (easy, 0.95)):
            rows = policy.features(a_context("same words"), [CHEAP, STRONG], state, verdict)
            state = learn(learn(state, CHEAP, rows[0], cheap), STRONG, rows[1], 0.95)
    verdicts = Verdicts(ContextualSettings(), ClassifierPolicy(ClassifierSettings(), CHEAP, STRONG, RULES))
    policy = ContextualPolicy(GoalSettings(**FREE), RULES, verdicts)
    chances = [
        deciding(policy, contextual=state, verdict=said)
        .probabilities(a_context("same words"), PAIR)
        .probabilities[1]
        for said in (hard, None, easy)
    ]
    assert chances[0] > 0.95
    assert chances[0] > chances[1] > chances[2]
    assert chances[2] < chances[1] - 0.2


def test_each_arm_is_seen_with_its_own_gain() -> None:
    """The reference, which has none, with the mean of the others'."""
    lessons = [Lesson(f"{HARD} {i}", {CHEAP: 0.0, "p/middle": float(i % 2), STRONG: 1.0}) for i in range(30)] + [
        Lesson(f"{EASY} {i}", {CHEAP: 1.0, "p/middle": 1.0, STRONG: 1.0}) for i in range(30)
    ]
    state = ContextualState(gain=train(lessons, (CHEAP, "p/middle", STRONG)).score)
    rows = a_policy(state).features(a_context(HARD), [CHEAP, "p/middle", STRONG, "p/unknown"])
    cheap, middle, strong, unknown = rows[:, GAIN].tolist()
    assert 0 < middle < strong
    assert cheap == unknown == pytest.approx((middle + strong) / 2)
    assert np.all(np.delete(rows, GAIN, axis=1) == np.delete(rows[0], GAIN))


def test_the_same_state_gives_the_same_numbers_again() -> None:
    """Exact replay: a fresh policy on a state that was written down and read."""
    before = a_policy(LEARNED).probabilities(a_context(HARD), PAIR).probabilities
    again = ContextualState.from_document(json.loads(json.dumps(LEARNED.document())))
    after = a_policy(again).probabilities(a_context(HARD), list(PAIR)).probabilities
    assert after == before
    assert draw(after, 7, "an id") == draw(before, 7, "an id")


def test_a_new_state_counts_at_once() -> None:
    """The state is asked for at each decision; the arms may be other ones each time."""
    states = [ContextualState()]
    policy = Deciding(ContextualPolicy(GoalSettings(**FREE), RULES), known=lambda: {"contextual": states[-1]})
    first = policy.probabilities(a_context(EASY), PAIR).probabilities
    states.append(LEARNED)
    second = policy.probabilities(a_context(EASY), PAIR).probabilities
    assert first != second
    turned = policy.probabilities(a_context(EASY), PAIR[::-1]).probabilities
    assert turned == pytest.approx(second[::-1], abs=1e-12)


@pytest.mark.parametrize(("exploration", "count", "floor"), [(0.1, 5, 0.1), (0.9, 2, 0.5), (0.0, 2, 0.0)])
def test_the_floor(exploration: float, count: int, floor: float) -> None:
    """At most an even share; every arm has it."""
    state = taught(ContextualState(), {EASY: {f"p/{i}": 0.0 if i else 1.0 for i in range(count)}}, 200)
    candidates = [a_candidate(f"p/{i}") for i in range(count)]
    found = a_policy(state, exploration=exploration, starting_strength=0).probabilities(
        a_context(EASY), candidates
    )
    assert min(found.probabilities) == pytest.approx(floor, abs=1e-6)


@pytest.mark.parametrize("value", [0.001, 0.05, 1.0, math.inf])
def test_a_good_answer_worth_more_is_bought_dearer(value: float) -> None:
    """Monotone: half the value never raises the strong arm's share where it is the better one."""
    chances = [
        a_policy(LEARNED, **FREE, success_value_usd=worth).probabilities(a_context(HARD), PAIR).probabilities[1]
        for worth in (value / 2 if value < math.inf else 1e6, value)
    ]
    assert chances[0] <= chances[1] + 1e-9


def test_worth_nothing_leaves_only_cost() -> None:
    found = a_policy(LEARNED, **FREE, success_value_usd=0).probabilities(a_context(HARD), PAIR)
    assert found.probabilities == (1.0, 0.0)


def test_an_unknown_price_is_no_bargain() -> None:
    """As the most expensive known one, and the reason says so."""
    unknown = (PAIR[0], a_candidate(STRONG, cost_usd=None, weight=0.2), a_candidate("p/dear", cost_usd=0.01))
    known = (PAIR[0], a_candidate(STRONG, cost_usd=0.01, weight=0.2), a_candidate("p/dear", cost_usd=0.01))
    policy = a_policy(LEARNED)
    answer = policy.probabilities(a_context(HARD), unknown)
    assert answer.probabilities == policy.probabilities(a_context(HARD), known).probabilities
    assert "an unknown price counts as the highest known one" in [line.text for line in answer.reason.lines]


def test_the_reason() -> None:
    """Who leads on this prompt, what is expected of each, and what pushed where, the strongest first."""
    answer = a_policy(LEARNED).probabilities(a_context(HARD), PAIR)
    lines = answer.reason.lines
    assert answer.reason.summary.startswith(
        f"{STRONG}: 100% likely to be the better value for this prompt, at $0.05"
    )
    assert lines[0].text.startswith(f"{CHEAP}: ")
    assert "good expected on prompts like this" in lines[0].text
    assert lines[0].text.endswith("120 rated, ~$0.00010 a call")
    assert lines[1].text.endswith("120 rated, ~$0.0020 a call")
    told = [line for line in lines if line.value.endswith("points")]
    assert told[0].text == f"worded like prompts that gain much from a stronger model: towards {STRONG}"
    sizes = [float(line.value.split()[0]) for line in told]
    assert sizes == sorted(sizes, reverse=True)
    assert len(told) <= 8
    assert [line.text for line in lines[-2:]] == [
        "your initial split still counts",
        "exploration minimum for every model",
    ]
    assert not any(name in line.text for line in lines for name in NAMES if "_" in name)


def test_the_reason_says_that_a_budget_binds() -> None:
    """What a good answer counts and what it is worth, in readable digits; nothing where it counts in full."""
    for worth, said in ((0.05, "$0.05"), (math.inf, "any price")):
        settings = GoalSettings(success_value_usd=worth)
        policy = deciding(ContextualPolicy(settings, RULES), value_usd=0.000_004_98)
        reason = policy.probabilities(a_context(HARD), PAIR).reason
        assert reason.summary.endswith(", at $0.0000050 per good answer")
        line = f"the budget binds: a good answer, worth {said}, counts as"
        assert ReasonLine(line, "$0.0000050") in reason.lines
    free = a_policy(LEARNED, success_value_usd=0.00001).probabilities(a_context(HARD), PAIR).reason
    assert free.summary.endswith(", at $0.00001 per good answer")
    assert not any("budget" in line.text for line in free.lines)


@pytest.mark.parametrize(
    ("worth", "counts", "left"), [(0.05, 0.05, 1.0), (0.05, 0.01, 0.2), (math.inf, 0.01, 0.0)]
)
def test_starting_weights_give_way_to_a_budget(worth: float, counts: float, left: float) -> None:
    """They know nothing of it: before any rating they count by the part of the worth that it leaves."""
    settings = GoalSettings(success_value_usd=worth, exploration=0.0)

    def chances(strength: float) -> np.ndarray:
        goal = settings.model_copy(update={"starting_strength": strength})
        policy = deciding(ContextualPolicy(goal, RULES), value_usd=counts)
        return np.array(policy.probabilities(a_context(HARD), WEIGHTED).probabilities)

    assert chances(20.0) == pytest.approx(left * np.array([0.9, 0.1]) + (1 - left) * chances(0.0))


def test_starting_weights_are_said_first_while_they_count_most() -> None:
    """Before any push; later behind them."""
    lines = [one.text for one in a_policy().probabilities(a_context(HARD), PAIR).reason.lines]
    assert lines[2] == "your initial split still counts"
    assert lines.count(lines[2]) == 1


def test_a_push_can_speak_for_the_cheap_arm() -> None:
    """Each towards the model that it helps."""
    lines = a_policy(LEARNED).probabilities(a_context(EASY), PAIR).reason.lines
    assert any(
        line.text == f"worded like prompts that gain little from a stronger model: towards {CHEAP}"
        for line in lines
    )


def test_the_prompt_is_not_in_the_reason() -> None:
    """Features are named; words of the prompt are not repeated."""
    reason = a_policy(LEARNED).probabilities(a_context("zanzibar " * 30), PAIR).reason
    assert "zanzibar" not in f"{reason.summary} {reason.lines}"


@pytest.mark.parametrize("text", ["", "x", "\n\n", words(20_000), "数" * 9000, "\ud800"])
def test_any_prompt_can_be_decided(text: str) -> None:
    answer = a_policy(LEARNED).probabilities(a_context(text), PAIR)
    assert sum(answer.probabilities) == pytest.approx(1.0)
    assert answer.reason.lines


def test_no_arm_is_an_error() -> None:
    with pytest.raises(NoEligibleArmError, match="goal 'mail'"):
        a_policy().probabilities(a_context(goal="mail"), [])


def test_the_version_names_what_changes_the_answer() -> None:
    """Each setting of the formula and the rules; not what it learned, which the log dates."""
    one = a_policy()
    assert one.version == a_policy(LEARNED).version == a_policy(success_when="content").version
    others = [
        a_policy(success_value_usd=1.0),
        a_policy(exploration=0.1),
        a_policy(starting_strength=5),
        ContextualPolicy(GoalSettings(), HeuristicPolicy(HeuristicSettings(threshold=2), CHEAP, STRONG)),
    ]
    assert len({one.version, *(other.version for other in others)}) == 5
