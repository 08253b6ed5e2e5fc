"""What the simulated models know: how hard a prompt looks, who gets it right and how an answer reads."""

from __future__ import annotations

import json
import math
import re

import pytest

from router_core.models.simulated_answers import (
    CLASSIFIER_ERRORS,
    answer,
    bare_name,
    difficulty,
    is_cheap,
    is_right,
    success_probability,
    verdict,
)

WRONG = "(simulated: this answer is wrong)"
EASY = (
    "Is this spam? Win a free prize now!",
    "Classify the sentiment: great service, thank you.",
    "Extract the date from: the invoice is due on 12 March 2026.",
    "What is the capital of Norway?",
    "Is 7 a prime number? Yes or no.",
)
HARD = (
    "Analyze the trade-offs between a monolith and services for a team of ten, and argue for one.",
    "Prove step by step that the square root of two is irrational.",
    "Synthesize these three reports into one memo and evaluate their evidence.",
    "Refactor this code and explain why:\n```python\ndef f(x):\n    return eval(x)\n```",
)


@pytest.mark.parametrize("text", EASY)
def test_labels_and_short_facts_look_easy(text: str) -> None:
    """The easy examples are all below the middle."""
    assert 0 < difficulty(text) < 0.5


@pytest.mark.parametrize("text", HARD)
def test_reasoning_proofs_and_code_look_hard(text: str) -> None:
    """The hard examples are all above the middle."""
    assert 0.5 < difficulty(text) < 1


def test_difficulty_has_no_gaps() -> None:
    """Any text at all has one, also an empty or a huge one; length alone raises it."""
    lengths = [difficulty("word " * count) for count in (0, 10, 100, 1_000, 100_000)]
    assert lengths == sorted(lengths)
    assert 0 < lengths[0] < lengths[-1] < 1


@pytest.mark.parametrize(
    "model",
    [
        "gpt-4o-mini",
        "openai/gpt-4.1-nano",
        "claude-haiku-4-5",
        "gemini-2.5-flash",
        "llama-3.1-8b-instruct",
        "phi-3b",
    ],
)
def test_small_models_are_cheap(model: str) -> None:
    """By the words and sizes in their names."""
    assert is_cheap(model)


@pytest.mark.parametrize(
    "model", ["gpt-4o", "gemini-2.5-pro", "minimax-m2", "claude-opus-4", "llama-3.3-70b", "qwen-27b", "gemma-128b"]
)
def test_strong_models_are_not(model: str) -> None:
    """'mini' inside gemini and '8b' inside 128b are no signs of a small model."""
    assert not is_cheap(model)


def test_success_falls_with_difficulty_from_the_measured_odds() -> None:
    """Cheap .93 to .45, strong .95 to .88, and half-way in the middle between."""
    assert (success_probability("gpt-4o-mini", 0.0), success_probability("gpt-4o-mini", 1.0)) == (0.93, 0.45)
    assert (success_probability("gpt-4o", 0.0), success_probability("gpt-4o", 1.0)) == (0.95, 0.88)
    assert success_probability("gpt-4o-mini", 0.5) == pytest.approx(0.69)


@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-4o"])
@pytest.mark.parametrize("kind", ["Is this spam? Letter {}.", "Analyze and compare the strategy of company {}."])
def test_the_share_of_right_answers_is_what_the_odds_say(model: str, kind: str) -> None:
    """Over 2,000 prompts it lies within 4.5 standard errors of the mean probability."""
    texts = [kind.format(number) for number in range(2_000)]
    odds = [success_probability(model, difficulty(text)) for text in texts]
    expected = sum(odds) / len(odds)
    error = math.sqrt(sum(p * (1 - p) for p in odds)) / len(odds)
    share = sum(is_right(7, model, text) for text in texts) / len(texts)
    assert abs(share - expected) < 4.5 * error


def test_right_or_wrong_is_fixed_by_seed_model_and_text() -> None:
    """The same every time, with or without the provider's name; another seed draws anew."""
    texts = [f"Prove the claim number {number}." for number in range(200)]
    first = [is_right(7, "gpt-4o-mini", text) for text in texts]
    assert [is_right(7, "openai/gpt-4o-mini", text) for text in texts] == first
    assert [is_right(8, "gpt-4o-mini", text) for text in texts] != first
    assert bare_name("openrouter/meta/llama-3") == bare_name("meta/llama-3") == "llama-3"


def test_a_wrong_answer_says_so() -> None:
    """An answer carries the note exactly where the draw says wrong; every answer carries its label."""
    for number in range(100):
        for kind in ("Is this spam? Letter {}.", "Analyze case {}.", "Prove claim {}.", "Write code for task {}."):
            text = kind.format(number)
            said = answer(7, "gpt-4o-mini", text)
            assert said.startswith("[simulated gpt-4o-mini]")
            assert said.endswith(WRONG) != is_right(7, "gpt-4o-mini", text)
            assert said.count("```") == len(re.findall(r"^```", said, re.MULTILINE))  # else it is not a fence


def _right_answer(text: str) -> str:
    """The strong model's answer under the first seed where it is right."""
    return answer(next(seed for seed in range(50) if is_right(seed, "gpt-4o", text)), "gpt-4o", text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Extract the date from: the invoice is due on 12 March 2026.", "12 March 2026"),
        ("Extract the e-mail address: write to desk@example.org today.", "desk@example.org"),
        ("Extract the total: you owe $1,250.50 in all.", "$1,250.50"),
        ("Is this spam? You won a free prize, click here!", "Spam"),
        ("Is this spam? See you at the meeting.", "Not spam"),
        ("What is the sentiment of: I love this, thank you?", "Positive"),
        ("Write a function in Python that parses rows.", "```python"),
        ("Prove that there is no largest prime.", "1. "),
    ],
)
def test_a_right_answer_has_the_shape_of_its_task(text: str, found: str) -> None:
    """Extraction gives what stands in the text, labelling a label, code a code block, a proof its steps."""
    said = _right_answer(text).removeprefix("[simulated gpt-4o] ")
    assert said.startswith(found) or f"\n{found}" in said


def test_the_strong_model_writes_more() -> None:
    """Of an open question it treats four points, the cheap one two."""
    text = "Compare remote work and offices."
    seed = next(s for s in range(50) if is_right(s, "gpt-4o", text) and is_right(s, "gpt-4o-mini", text))
    assert len(answer(seed, "gpt-4o", text)) > len(answer(seed, "gpt-4o-mini", text))


def test_the_classifier_errs_as_often_as_it_should() -> None:
    """Its verdict is the difficulty's side of one half, but for a fixed share of prompts."""
    texts = [
        kind for number in range(500) for kind in (f"Is this spam? No {number}.", f"Analyze and prove {number}.")
    ]
    wrong = 0
    for text in texts:
        said = json.loads(verdict(7, "gpt-4o-mini", text))
        assert said["reason"]
        wrong += (said["complexity"] == "COMPLEX") != (difficulty(text) >= 0.5)
    spread = math.sqrt(CLASSIFIER_ERRORS * (1 - CLASSIFIER_ERRORS) / len(texts))
    assert abs(wrong / len(texts) - CLASSIFIER_ERRORS) < 4.5 * spread
