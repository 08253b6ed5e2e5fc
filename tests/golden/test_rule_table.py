"""The default rule set on prompts worked by hand, and against a straight-line version of the same rules."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_core.policies.heuristic import HeuristicPolicy
from router_core.settings import HeuristicSettings
from tests.builders import CHEAP, STRONG, a_context, words

POLICY = HeuristicPolicy(HeuristicSettings(), CHEAP, STRONG)

# prompt, task type, points: short (< 100 words) +1, extractive task +2, brief keyword +1, no reasoning keyword +1
TABLE: list[tuple[str, str | None, int]] = [
    ("What time is it in Lisbon?", None, 2),
    ("Hello", None, 2),
    ("Is this spam?", None, 3),
    ("IS THIS SPAM?", None, 3),
    ("Classify this email as spam or not", None, 3),
    ("Please label the sentence", None, 3),
    ("Extract the invoice number", None, 3),
    ("Identify the language", None, 3),
    ("Answer yes or no: is water wet", None, 3),
    ("True or false: the earth is flat", None, 3),
    ("Say yes, or no", None, 2),
    ("Yes or  no", None, 2),
    ("labelling guidelines", None, 3),  # "label" inside a longer word counts
    ("reclassify it", None, 3),
    ("extraction of teeth", None, 3),
    ("identifying marks", None, 3),
    ("thistle", None, 2),  # "is this" needs the space
    ("What is thistle?", None, 3),  # "is this" across a word boundary counts
    ("Analyze the report", None, 1),
    ("Synthesize the two views", None, 1),
    ("Compare cats and dogs", None, 1),
    ("Evaluate this plan", None, 1),
    ("Explain why the sky is blue", None, 1),
    ("Explain how the sky is blue", None, 2),
    ("Write a poem", None, 1),
    ("Write an essay", None, 1),  # "write a" is inside "write an"
    ("Write the essay", None, 2),
    ("Generate names", None, 1),
    ("Regenerate the key", None, 1),
    ("degenerates", None, 1),
    ("analyse with British spelling", None, 2),
    ("comparison of two", None, 2),  # "compare" is not inside "comparison"
    ("incompared", None, 1),
    ("Classify and compare these", None, 2),
    ("Label them, then explain why", None, 2),
    ("What time is it?", "classification", 4),
    ("What time is it?", "extraction", 4),
    ("What time is it?", "yes_no", 4),
    ("What time is it?", "label", 4),
    ("What time is it?", "Classification", 4),
    ("What time is it?", "summary", 2),
    ("What time is it?", "", 2),
    ("Classify this", "classification", 5),
    ("Compare these", "classification", 3),
    ("Compare these and label them", "label", 4),
    (words(99), None, 2),
    (words(100), None, 1),
    (words(101), None, 1),
    (words(100), "yes_no", 3),
    (f"classify {words(99)}", None, 2),
    (f"compare {words(99)}", None, 0),
    (f"compare {words(99)}", "extraction", 2),
    (f"compare and label {words(98)}", "extraction", 3),
    ("a\nb\tc  d", None, 2),
]


@pytest.mark.parametrize(("prompt", "task_type", "points"), TABLE)
def test_points_and_verdict(prompt: str, task_type: str | None, points: int) -> None:
    """The points add up as worked by hand, and from 3 up the prompt is simple."""
    verdict = POLICY.verdict(a_context(prompt, task_type))
    assert verdict.score == points
    assert verdict.simple == (points >= 3)


def test_the_table_is_large_enough() -> None:
    """At least 40 prompts, both verdicts among them."""
    assert len(TABLE) >= 40
    assert {points >= 3 for _, _, points in TABLE} == {True, False}


def straight_line(prompt: str, task_type: str | None) -> int:
    """The same rules once more, as plainly as they can be written."""
    text, points = prompt.lower(), 0
    if len(prompt.split()) < 100:
        points += 1
    if (task_type or "").lower() in ("classification", "extraction", "yes_no", "label"):
        points += 2
    for keyword in ("classify", "label", "extract", "identify", "is this", "yes or no", "true or false"):
        if keyword in text:
            points += 1
            break
    for keyword in ("analyze", "synthesize", "compare", "evaluate", "explain why", "write a", "generate"):
        if keyword in text:
            return points
    return points + 1


PIECES = st.sampled_from(
    ["classify", "Label", "extract", "identify", "is this", "yes or no", "true or false", "analyze", "Compare",
     "synthesize", "evaluate", "explain why", "write a", "generate", "word", " ", "\n", "x", words(60)]
)  # fmt: skip


@settings(derandomize=True, deadline=None)
@given(st.lists(PIECES, max_size=12), st.sampled_from([None, "label", "yes_no", "other"]))
def test_same_as_the_straight_line(pieces: list[str], task_type: str | None) -> None:
    """Whatever the keywords' order and neighbours, both versions agree."""
    for prompt in (" ".join(pieces), "".join(pieces)):
        assert POLICY.verdict(a_context(prompt, task_type)).score == straight_line(prompt, task_type)
