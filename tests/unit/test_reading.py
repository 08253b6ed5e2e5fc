"""The verdict in a classifier's answer: thinking is dropped, the last verdict counts, and none is guessed."""

from __future__ import annotations

import json

import pytest

from router_core.models.thinking import THINKING_TOKENS, thinks, token_limit
from router_core.policies.asking import Asking, Reply
from router_core.policies.classifier import ClassifierPolicy
from router_core.policies.heuristic import HeuristicPolicy
from router_core.policies.reading import parse
from router_core.settings import ClassifierSettings, HeuristicSettings
from router_core.types import Usage
from tests.builders import CHEAP, STRONG, Deciding, a_context, some_candidates

SIMPLE = '{"complexity": "SIMPLE", "reason": "short"}'
COMPLEX = '{"complexity": "COMPLEX", "reason": "a proof"}'
PROOF = (False, "a proof")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"<think>Perhaps {SIMPLE}? No.</think>\n{COMPLEX}", PROOF),
        (f"<thinking>{SIMPLE}</thinking>{COMPLEX}", PROOF),
        (f"<reasoning type='x'>\n{SIMPLE}\n</reasoning>\n{COMPLEX}", PROOF),
        (f"<Think>{SIMPLE}</THINK>{COMPLEX}", PROOF),
        (f"[THINK]{SIMPLE}[/THINK]{COMPLEX}", PROOF),
        (f"◁think▷{SIMPLE}◁/think▷{COMPLEX}", PROOF),
        (f"<seed:think>{SIMPLE}</seed:think>{COMPLEX}", PROOF),
        (f"<think>a <think>{SIMPLE}</think> {SIMPLE}</think>{COMPLEX}", PROOF),
        (f"<think>one</think>{COMPLEX}<think>{SIMPLE}?</think>", PROOF),
        (f"it began in the prompt: {SIMPLE}</think>{COMPLEX}", PROOF),
        (f"<|channel|>analysis<|message|>{SIMPLE}<|end|><|channel|>final<|message|>{COMPLEX}", PROOF),
        (f"Example: {SIMPLE}. Mine: {COMPLEX}", PROOF),
        (f"{COMPLEX} answers the format " + '{"complexity": "SIMPLE" | "COMPLEX", "reason": "few words"}', PROOF),
        (f"Draft: {SIMPLE}\nFinal answer: COMPLEX", (False, "")),
    ],
)  # fmt: skip
def test_thinking_and_drafts_do_not_count(text: str, expected: tuple[bool, str]) -> None:
    """Whatever the model weighs, its last word is its verdict."""
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        f"<think>\nI must answer with JSON like {SIMPLE}. Now the request: it asks",
        f"{COMPLEX} <reasoning>but then {SIMPLE}",
        "<|channel|>analysis<|message|>It says SIMPLE",
        "[THINK] SIMPLE, I think",
        f"<think>a</think> {SIMPLE} <think>or {COMPLEX}",
    ],
)
def test_thinking_without_an_end_is_no_verdict(text: str) -> None:
    """It was cut short before the verdict."""
    with pytest.raises(ValueError, match=r"^the classifier was still thinking when its answer ended"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "COMPLEX",
        "complex",
        " Complex.\n",
        "**COMPLEX**",
        "*Complex*",
        "_COMPLEX_",
        "Final verdict: **Complex** – it asks for a proof",
        "`COMPLEX`",
        "“COMPLEX”",
        '"COMPLEX"',
        '["COMPLEX"]',
        "```\nCOMPLEX\n```",
        "```text\nCOMPLEX\n```",
        "Answer: **COMPLEX**",
        "The request is complex.",
        "It is COMPLEX, not SIMPLE.",
        "I would call this COMPLEX because it needs a proof.",
        "SIMPLE or COMPLEX? This one asks for a proof, so:\nCOMPLEX",
        "**Complexity:** COMPLEX",
        "**complexity**: `complex`",
        "- complexity: COMPLEX\n- reason: not SIMPLE at all",
        "{“complexity”: “COMPLEX”}",
        "{‘complexity’: ‘COMPLEX’}",
        '{"complexity": "**COMPLEX**"}',
        "```json\n{'complexity': 'COMPLEX'}\n```",
        json.dumps('{"complexity": "COMPLEX"}'),
        json.dumps({"answer": '{"complexity": "COMPLEX"}'}),
        json.dumps(json.dumps('{"complexity": "COMPLEX"}')),
        '{"complexity": "COMPLEX", "reason": "no SIMPLE answer"}',
        '{"result": {"complexity": "COMPLEX"}}',
    ],
)
def test_forms_of_a_verdict(text: str) -> None:
    """Bare, in Markdown, in quotes of any kind, in JSON that was encoded once more."""
    assert parse(text)[0] is False


@pytest.mark.parametrize(
    "text", ["SIMPLE or COMPLEX?", "Not SIMPLE.", "It isn't COMPLEX", "simplex", "a complex matter, simple words"]
)
def test_no_guess(text: str) -> None:
    """An offer, a denial and words in passing are no verdicts."""
    with pytest.raises(ValueError, match="holds no complexity label"):
        parse(text)


def test_quotes_within_a_reason_stay() -> None:
    """Only JSON that was encoded twice is decoded twice."""
    assert parse('{"complexity": "SIMPLE", "reason": "says \\"hi\\""}') == (True, 'says "hi"')


def test_a_verdict_that_never_came_is_not_remembered() -> None:
    """The rules decide, and the next time the model is asked again."""
    texts = [f"<think>like {SIMPLE}", f"<think>like {SIMPLE}", COMPLEX]
    asked: list[int] = []

    def ask(messages: object, settings: ClassifierSettings) -> Reply:
        asked.append(1)
        return Reply(texts[len(asked) - 1], Usage(400, 60), None)

    settings = ClassifierSettings()
    rules = HeuristicPolicy(HeuristicSettings(), CHEAP, STRONG)
    policy = Deciding(ClassifierPolicy(settings, CHEAP, STRONG, rules), Asking(settings, ask))
    answers = [policy.probabilities(a_context("Prove it"), some_candidates(2)) for _ in range(4)]
    assert [one.cached for one in answers] == [False, False, False, True]
    assert [one.fallback is None for one in answers] == [False, False, True, True]
    assert answers[2].probabilities == (0.0, 1.0)
    assert len(asked) == 3


@pytest.mark.parametrize(
    "text",
    ["\n" * 10**6, '"' * 10**6, "<think>" * 10**5, "complexity: '" * 10**5, "{" * 10**6, '{"complexity":' * 10**5],
    ids=["lines", "quotes", "thinking", "fields", "braces", "nested"],
)
def test_an_answer_made_to_be_slow_is_read_all_the_same(text: str) -> None:
    """Nothing in it is read more than a few times, so this test ends."""
    with pytest.raises(ValueError, match="the classifier"):
        parse(text)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("openai/o3-mini", True),
        ("openai/gpt-5-nano", True),
        ("openrouter/openai/gpt-oss-20b", True),
        ("deepseek/deepseek-reasoner", True),
        ("together/deepseek-ai/DeepSeek-R1", True),
        ("ollama/qwen3:8b", True),
        ("google/gemini-2.5-flash", True),
        ("mistral/magistral-small", True),
        ("x-ai/grok-4-fast-reasoning", True),
        ("x-ai/grok-4-fast-non-reasoning", False),
        ("openai/gpt-5-chat-latest", False),
        ("openai/gpt-4o-mini", False),
        ("together/Qwen/Qwen3-30B-Instruct", False),
        ("groq/llama-3.1-8b-instant", False),
    ],
)
def test_models_that_think_have_room(model: str, expected: bool) -> None:
    """At least 2,000 tokens; others have what the settings say."""
    assert thinks(model) is expected
    assert token_limit(model, 60) == (THINKING_TOKENS if expected else 60)
    assert token_limit(model, 4_000) == 4_000
