"""The two rule sets: the article's stays the default to the letter, the other mends what it gets wrong."""

from __future__ import annotations

import pytest

from router_core.policies.heuristic import HeuristicPolicy
from router_core.settings import HeuristicSettings
from router_core.settings.presets import ARTICLE, BALANCED, rule_presets
from tests.builders import CHEAP, STRONG, a_context, words


def simple(preset: str, text: str) -> bool:
    """What this rule set says of a prompt."""
    rules = HeuristicSettings.model_validate(rule_presets()[preset])
    return HeuristicPolicy(rules, CHEAP, STRONG).verdict(a_context(text)).simple


def test_the_article_is_the_default() -> None:
    """Every rule of it; the golden table holds what they give."""
    assert HeuristicSettings.model_validate(rule_presets()[ARTICLE]) == HeuristicSettings()
    assert all("exploration" not in rules for rules in rule_presets().values())


@pytest.mark.parametrize(
    ("text", "article", "balanced"),
    [
        ("hi", False, True),
        ("你好，今天天气怎么样？", False, True),
        ("What is the capital of Portugal?", False, True),
        ("Is this spam?", True, True),
        ("Prove that the square root of two is irrational.", False, False),
        ("Explain why the sky is blue", False, False),
        (words(60), False, False),
        (f"classify {words(60)}", True, True),
        ("请" * 90, False, False),  # 60 words
    ],
)
def test_what_each_says(text: str, article: bool, balanced: bool) -> None:
    """The article's rules send untyped prompts to the strong model though nothing in them is hard."""
    assert (simple(ARTICLE, text), simple(BALANCED, text)) == (article, balanced)


def test_is_this_does_not_ask_for_a_brief_answer() -> None:
    """ "Why is this" is no question for yes or no."""
    rules = HeuristicSettings.model_validate(rule_presets()[BALANCED])
    said = HeuristicPolicy(rules, CHEAP, STRONG).verdict(a_context("Why is this O(n^2)?"))
    assert "no brief keyword" in [rule.text for rule in said.rules]
