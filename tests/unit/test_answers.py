"""Answers read from plain data: whole, piece by piece, odd in every place; and the plan of retries. No I/O."""

from __future__ import annotations

import ast
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import router_core
from router_core.errors import (
    MalformedResponseError,
    ProviderError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RateLimitError,
    RequestRejectedError,
)
from router_core.models.answers import Accumulator, Joined, NotAnAnswerError, received_anyway, whole_answer
from router_core.models.retrying import RetryPlan
from router_core.models.usage import HIDDEN_TOKENS, plausible
from router_core.types import Received, Usage

HELLO = [{"role": "user", "content": "Say hello in ten words."}]
ODD: list[Any] = [None, True, -1, 10**30, 0.5, "", "text", [], [None], [[]], {}, {"a": None}, {"type": "text"}]
PURE = ("answers.py", "retrying.py", "usage.py", "redaction.py")


@pytest.mark.parametrize("name", PURE)
def test_the_pure_parts_import_no_client_and_no_network(name: str) -> None:
    """An asynchronous shell can use them as they are."""
    source = (Path(router_core.__file__).parent / "models" / name).read_text(encoding="utf-8")
    imported = {
        part.split(".")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for part in ([node.module] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
        if part
    }
    assert not imported & {
        "openai",
        "httpx2",
        "httpcore2",
        "threading",
        "asyncio",
        "time",
        "socket",
        "os",
        "queue",
    }


def chunk(delta: Any = None, finish_reason: Any = None, **more: Any) -> dict[str, Any]:
    """One piece of a streamed answer."""
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}], **more}


def gathered(*chunks: Any) -> Accumulator:
    """What comes of these chunks."""
    answer = Accumulator(HELLO, {})
    for one in chunks:
        answer.add(one)
    answer.end()
    return answer


CALL = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
PLACES = ["content", "refusal", "tool_calls", "reasoning", "reasoning_content", "role", "function_call"]


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("place", PLACES)
def test_odd_parts_of_a_message_do_not_lose_the_answer(place: str, odd: Any) -> None:
    """Whatever stands there, a streamed and a whole answer are read, with their tokens."""
    message = {"role": "assistant", "content": "Hi", place: odd}
    usage = {"prompt_tokens": 9, "completion_tokens": 3}
    said, counted = whole_answer({"choices": [{"message": message}], "usage": usage}, HELLO, {})
    assert counted == Usage(9, 3)
    assert said.text == ("Hi" if place != "content" else said.text)
    answer = gathered(chunk({"content": "Hi"}), chunk({place: odd}), chunk({}, "stop", usage=usage))
    assert answer.text.startswith("Hi")
    assert (answer.finish_reason, answer.usage) == ("stop", Usage(9, 3))
    assert isinstance(answer.message, dict)


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("place", ["index", "id", "type", "function", "name", "arguments"])
def test_odd_calls_of_tools_do_not_lose_the_answer(place: str, odd: Any) -> None:
    """Arguments as an object, an index that is a text, no function at all."""
    function = {"name": "f", "arguments": "{}"} | ({place: odd} if place in ("name", "arguments") else {})
    call = {**CALL, "function": function} | ({place: odd} if place not in function else {})
    answer = gathered(
        chunk({"content": "Hi", "tool_calls": [call]}), chunk({"tool_calls": [CALL]}), chunk({}, "stop")
    )
    assert (answer.text, answer.finish_reason) == ("Hi", "stop")
    assert answer.message["tool_calls"]
    assert answer.usage.estimated
    said, _ = whole_answer({"choices": [{"message": {"content": "Hi", "tool_calls": [call]}}]}, HELLO, {})
    assert said.text == "Hi"


def test_arguments_as_an_object_are_read() -> None:
    """They become the text that they would have been."""
    call = {**CALL, "function": {"name": "f", "arguments": {"a": 1}}}
    answer = gathered(chunk({"tool_calls": [call]}), chunk({}, "tool_calls"))
    assert answer.message["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": 1}'}


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("place", ["choices", "choice", "message"])
def test_what_is_not_an_answer_is_refused_in_one_way(place: str, odd: Any) -> None:
    """Or it is read; nothing else happens. What can be told of it is told all the same."""
    body: dict[str, Any] = {"choices": [{"message": {"content": "Hi"}}]}
    if place == "choices":
        body["choices"] = odd
    elif place == "choice":
        body["choices"] = [odd]
    else:
        body["choices"][0]["message"] = odd
    body["usage"] = {"prompt_tokens": 9, "completion_tokens": 3}
    for given in (body, odd):
        with suppress(NotAnAnswerError):
            whole_answer(given, HELLO, {})
        told = received_anyway(given, HELLO, {})
        assert told.usage == (Usage(9, 3) if given is body else None)
        with suppress(NotAnAnswerError):
            Accumulator(HELLO, {}).add(given)


def test_text_that_came_before_the_tokens_are_known() -> None:
    """What came is kept, also where it is not an answer."""
    assert received_anyway({"choices": [{"message": {"content": "Hi"}}]}, HELLO, {}) == Received("Hi", None, None)


@pytest.mark.parametrize("text", ["😀", "a😀b", "👩‍👩‍👧", "𝕏" * 3, "é漢😀\n"])
def test_a_character_cut_in_half_is_whole_again(text: str) -> None:
    """Its halves come in two pieces, as JSON may cut them; nothing broken is ever shown between them."""
    units = text.encode("utf-16-le")
    pieces = [units[i : i + 2].decode("utf-16-le", "surrogatepass") for i in range(0, len(units), 2)]
    answer = Accumulator(HELLO, {})
    shown = ""
    for piece in pieces:
        shown += answer.add(chunk({"content": piece})) or ""
        answer.text.encode()
        assert answer.text == shown
        assert text.startswith(shown)
    answer.end()
    assert answer.text == shown == text


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["a\ud83d"], "a\ufffd"),
        (["\ude00b"], "\ufffdb"),
        (["\ud83d", "b"], "\ufffdb"),
        (["\ud83d", "\ud83d", "\ude00"], "\ufffd😀"),
        (["\ud83d", "", "\ude00"], "😀"),
        (["\ud83d\ude00"], "😀"),
    ],
)
def test_half_a_character_that_stays_alone(pieces: list[str], text: str) -> None:
    """It is replaced; what is around it stays."""
    joined = Joined()
    for piece in pieces:
        joined.add(piece)
    joined.end()
    joined.end()
    assert joined.text == text


def test_arguments_of_a_tool_may_be_cut_in_half_too() -> None:
    """They are text like any other."""
    halves = [{**CALL, "function": {"arguments": half}} for half in ('"\ud83d', '\ude00"')]
    answer = gathered(*(chunk({"tool_calls": [half]}) for half in halves), chunk({}, "tool_calls"))
    assert answer.message["tool_calls"][0]["function"]["arguments"] == '"😀"'


@pytest.mark.parametrize(
    ("given", "answered", "possible"),
    [
        (9, 12, True),
        (9, 120_000, True),
        (60_000, 12, True),
        (9, 10**9, False),
        (10**9, 12, False),
        (9, 10**6, False),
        (10**6, 12, False),
    ],
)
def test_a_count_that_cannot_be_true_is_an_estimate(given: int, answered: int, possible: bool) -> None:
    """Ten words are not a billion tokens; a hundred thousand may have been thought."""
    text = "one two three four five six seven eight nine ten"
    usage = {"prompt_tokens": given, "completion_tokens": answered}
    _, whole = whole_answer({"choices": [{"message": {"content": text}}], "usage": usage}, HELLO, {})
    answer = gathered(chunk({"content": text}), chunk({}, "stop", usage=usage))
    assert whole == answer.usage
    assert whole.estimated is not possible
    assert (whole.input_tokens, whole.output_tokens) == ((given, answered) if possible else (10, 12))


def test_long_prompts_and_images_may_count_much() -> None:
    """A token is at least a byte of what was sent, but for what cannot be seen here."""
    long = [{"role": "user", "content": "x" * 10**6}]
    assert plausible(Usage(10**6, 1), long, {}, [""])
    assert not plausible(Usage(2 * 10**6, 1), long, {}, [""])
    image = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a.example/b"}}]}]
    assert plausible(Usage(2 * 10**6, 1), image, {}, [""])
    assert plausible(Usage(1, 3 * HIDDEN_TOKENS), HELLO, {}, ["", "", ""])


def test_a_plan_of_retries() -> None:
    """As long as the provider asks, else longer each time; failures that may have been billed are counted."""
    plan = RetryPlan(5, 100.0, uniform=lambda low, high: high)
    late = ProviderTimeoutError("late")
    assert plan.wait_s(late, 10.0) == 1.0
    refused = RateLimitError("slow", 7.0)
    assert plan.wait_s(refused, 11.0) == 7.0
    assert refused.maybe_billed
    assert plan.wait_s(ProviderUnavailableError("down"), 20.0) == 4.0
    assert plan.wait_s(ProviderUnavailableError("down"), 20.0) == 8.0
    assert plan.wait_s(ProviderUnavailableError("down"), 20.0) is None
    assert (plan.failed, plan.unpriced) == (5, 1)


@pytest.mark.parametrize(
    ("failure", "elapsed_s"),
    [
        (RequestRejectedError("no"), 0.0),
        (MalformedResponseError("odd"), 0.0),
        (RateLimitError("slow", 60.0), 41.0),
        (ProviderUnavailableError("down"), 99.9),
    ],
)
def test_no_further_try(failure: ProviderError, elapsed_s: float) -> None:
    """A refusal is final, an answer that cannot be read was paid for, and no wait ends beyond the deadline."""
    assert RetryPlan(9, 100.0).wait_s(failure, elapsed_s) is None
