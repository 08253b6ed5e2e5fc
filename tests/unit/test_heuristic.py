"""The rules one by one: their points, their lines, the threshold, and the model that they lead to."""

from __future__ import annotations

from decimal import Decimal

import pytest

from router_core.errors import NoEligibleArmError
from router_core.policies.heuristic import HeuristicPolicy, Rule
from router_core.settings import HeuristicSettings
from router_core.types import Reason, ReasonLine
from tests.builders import CHEAP, STRONG, Deciding, a_candidate, a_context, some_candidates, words


def a_policy(simple: str = CHEAP, complex_: str = STRONG, **changes: object) -> HeuristicPolicy:
    """The default rules, or changed ones."""
    return HeuristicPolicy(HeuristicSettings.model_validate(changes), simple, complex_)


def rules_of(text: str, task_type: str | None = None, **changes: object) -> tuple[Rule, ...]:
    """The four rules applied to a prompt."""
    return a_policy(**changes).verdict(a_context(text, task_type)).rules  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("count", "text", "met"),
    [
        (0, "0 words, limit 100", True),
        (99, "99 words, limit 100", True),
        (100, "100 words, limit 100", False),
        (1234, "1,234 words, limit 100", False),
    ],
)
def test_rule_of_length(count: int, text: str, met: bool) -> None:
    """Fewer words than the limit are short; the limit itself is not."""
    assert rules_of(words(count))[0] == Rule(text, met, 1)


@pytest.mark.parametrize(
    ("task_type", "text", "met"),
    [
        ("classification", "task type: classification", True),
        ("extraction", "task type: extraction", True),
        ("yes_no", "task type: yes_no", True),
        ("label", "task type: label", True),
        ("LABEL", "task type: label", True),
        ("labels", "task type: labels", False),
        ("summary", "task type: summary", False),
        ("", "no task type given", False),
        (None, "no task type given", False),
    ],
)
def test_rule_of_task_type(task_type: str | None, text: str, met: bool) -> None:
    """The task types of the settings, whole and in any case."""
    assert rules_of("x", task_type)[1] == Rule(text, met, 2)


@pytest.mark.parametrize(
    ("prompt", "text", "met"),
    [
        ("Label or classify", "asks for a brief answer: “classify”", True),  # in the order of the settings
        ("RELABEL", "asks for a brief answer: “label”", True),
        ("Is this so?", "asks for a brief answer: “is this”", True),
        ("Is that so?", "no brief keyword", False),
    ],
)
def test_rule_of_brief_keywords(prompt: str, text: str, met: bool) -> None:
    """The first of the settings that is in the prompt is named."""
    assert rules_of(prompt)[2] == Rule(text, met, 1)


@pytest.mark.parametrize(
    ("prompt", "text", "met"),
    [
        ("Hello", "no reasoning keyword", True),
        ("Evaluate and compare", "asks for reasoning: “compare”", False),
        ("EXPLAIN WHY", "asks for reasoning: “explain why”", False),
    ],
)
def test_rule_of_reasoning_keywords(prompt: str, text: str, met: bool) -> None:
    """The points are for their absence; a present one is named."""
    assert rules_of(prompt)[3] == Rule(text, met, 1)


@pytest.mark.parametrize(
    ("keyword", "prompt", "anywhere", "whole"),
    [
        ("label", "a label", True, True),
        ("label", "label, please", True, True),
        ("label", "(Label)", True, True),
        ("label", "labelling", True, False),
        ("label", "relabel", True, False),
        ("label", "label_2", True, False),
        ("label", "label2", True, False),
        ("label", "labelé", True, False),
        ("label", "re-label", True, True),
        ("is this", "what is this?", True, True),
        ("is this", "What is thistle?", True, False),
        ("c++", "in C++ please", True, True),
        ("c++", "in c+", False, False),
        ("a.b", "axb", False, False),
        ("Label", "label", True, True),
    ],
)
def test_whole_words(keyword: str, prompt: str, anywhere: bool, whole: bool) -> None:
    """Keywords are plain text, in any case; whole words end where no letter, digit or underscore follows."""
    assert rules_of(prompt, brief_keywords=[keyword])[2].met is anywhere
    assert rules_of(prompt, brief_keywords=[keyword], whole_words=True)[2].met is whole
    assert rules_of(prompt, reasoning_keywords=[keyword], whole_words=True)[3].met is not whole


@pytest.mark.parametrize("whole_words", [False, True])
def test_no_keywords(whole_words: bool) -> None:
    """An empty list or a blank keyword is found nowhere."""
    for keywords in ([], [""], [" "]):
        rules = rules_of("a b", brief_keywords=keywords, reasoning_keywords=keywords, whole_words=whole_words)
        assert rules[2:] == (Rule("no brief keyword", False, 1), Rule("no reasoning keyword", True, 1))


def test_points_are_those_of_the_settings() -> None:
    """Only rules that hold count, with any sign."""
    points = {"short_points": 10, "extractive_points": -3, "brief_points": 100, "no_reasoning_points": 7}
    verdict = a_policy(**points).verdict(a_context("hello", "label"))  # type: ignore[arg-type]
    assert [(rule.met, rule.points) for rule in verdict.rules] == [(True, 10), (True, -3), (False, 100), (True, 7)]
    assert verdict.score == 14


@pytest.mark.parametrize(("threshold", "simple"), [(1, True), (2, True), (3, False), (-1000, True)])
def test_the_threshold_itself_is_simple(threshold: int, simple: bool) -> None:
    """'Hello' has two points."""
    verdict = a_policy(threshold=threshold).verdict(a_context("Hello"))
    assert (verdict.score, verdict.threshold, verdict.simple) == (2, threshold, simple)


def test_the_reason_of_a_simple_prompt() -> None:
    """A sentence with the sum, and a line for each rule with what it gave."""
    answer = Deciding(a_policy()).probabilities(a_context("Is this spam?", "label"), some_candidates(2))
    assert answer.reason == Reason(
        "Simple: 5 points, 3 needed",
        (
            ReasonLine("3 words, limit 100", "+1", True),
            ReasonLine("task type: label", "+2", True),
            ReasonLine("asks for a brief answer: “is this”", "+1", True),
            ReasonLine("no reasoning keyword", "+1", True),
        ),
    )


def test_the_reason_of_a_complex_prompt() -> None:
    """Rules that do not hold give 0, and one point is not 'points'."""
    answer = Deciding(a_policy(word_limit=1, no_reasoning_points=-2, threshold=0, brief_points=1)).probabilities(
        a_context("Label it"), some_candidates(2)
    )
    assert answer.reason == Reason(
        "Complex: -1 points, 0 needed to be simple",
        (
            ReasonLine("2 words, limit 1", "0", False),
            ReasonLine("no task type given", "0", False),
            ReasonLine("asks for a brief answer: “label”", "+1", True),
            ReasonLine("no reasoning keyword", "-2", True),
        ),
    )
    one = Deciding(a_policy()).probabilities(a_context("Compare these"), some_candidates(2))
    assert one.reason.summary == "Complex: 1 point, 3 needed to be simple"


@pytest.mark.parametrize(
    ("text", "count", "expected"),
    [
        ("Is this spam?", 1, (1.0,)),
        ("Write a poem", 1, (1.0,)),
        ("Is this spam?", 2, (1.0, 0.0)),
        ("Write a poem", 2, (0.0, 1.0)),
        ("Is this spam?", 5, (1.0, 0.0, 0.0, 0.0, 0.0)),
        ("Write a poem", 5, (0.0, 0.0, 0.0, 0.0, 1.0)),
    ],
)
def test_probability_1_for_the_tier(text: str, count: int, expected: tuple[float, ...]) -> None:
    """The simple prompt to the cheap model, the complex one to the strong, however many there are."""
    assert Deciding(a_policy()).probabilities(a_context(text), some_candidates(count)).probabilities == expected


def test_the_tiers_arms_may_stand_anywhere() -> None:
    """Arms are found by id; where one is missing the nearest end of the list serves."""
    arms = [a_candidate(f"p/{name}") for name in "abcd"]
    policy = a_policy(simple="p/c", complex_="p/b")
    assert Deciding(policy).probabilities(a_context("Is this spam?"), arms).probabilities == (0.0, 0.0, 1.0, 0.0)
    assert Deciding(policy).probabilities(a_context("Write a poem"), arms).probabilities == (0.0, 1.0, 0.0, 0.0)
    others = [arms[0], arms[3]]
    assert Deciding(policy).probabilities(a_context("Is this spam?"), others).probabilities == (1.0, 0.0)
    assert Deciding(policy).probabilities(a_context("Write a poem"), others).probabilities == (0.0, 1.0)


@pytest.mark.parametrize(
    ("share", "count", "chosen", "other"),
    [(0.5, 2, 0.75, 0.25), (0.25, 4, 0.8125, 0.0625), (1.0, 4, 0.25, 0.25), (0.5, 1, 1.0, 1.0)],
)
def test_exploration_is_spread_evenly(share: float, count: int, chosen: float, other: float) -> None:
    """Every model gets its part, the chosen one among them, and the reason says so."""
    answer = Deciding(a_policy(exploration=share)).probabilities(
        a_context("Is this spam?"), some_candidates(count)
    )
    assert answer.probabilities == (chosen, *[other] * (count - 1))
    assert answer.reason.summary == f"Simple: 3 points, 3 needed; {share:.1%} of traffic explores"


def test_deciding_costs_nothing() -> None:
    """No call, no wait, no cache, nobody in its place."""
    answer = Deciding(a_policy()).probabilities(a_context(), some_candidates(2))
    assert (answer.cost_usd, answer.latency_ms, answer.cached, answer.fallback) == (Decimal(0), 0.0, False, None)


def test_nothing_to_choose_from() -> None:
    """The goal is named."""
    with pytest.raises(NoEligibleArmError, match=r"^goal 'mail' has no model left to choose from; add one in"):
        Deciding(a_policy()).probabilities(a_context(goal="mail"), [])


def test_the_version_names_rules_and_arms() -> None:
    """The same rules have the same version; other rules or other arms have another."""
    versions = {
        a_policy().version,
        a_policy(threshold=4).version,
        a_policy(exploration=0.1).version,
        a_policy(simple="p/other").version,
        a_policy(complex_="p/other").version,
    }
    assert len(versions) == 5
    assert a_policy().version == a_policy().version
