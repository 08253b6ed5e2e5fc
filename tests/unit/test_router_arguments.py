"""What programs hand to ``completion``: time-outs, conversations with tools, and what the API knows besides."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from router_core.errors import NoEligibleArmError, SettingsError
from router_core.store.base import Store
from tests.servers import ChatServer, as_json, events, usual
from tests.unit.routing import CHEAP, HELLO, ONLY, Make, last, only_completion

TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}


@pytest.mark.parametrize("stream", [False, True])
def test_a_timeout_of_this_call_alone(make_router: Make, server: ChatServer, store: Store, stream: bool) -> None:
    """It bounds the wait, is no parameter for the provider, and its cost is unknown; the next call has its own."""
    router = make_router(ONLY)
    server.usual = lambda request: replace(usual(request), delay_s=30.0)
    started = time.monotonic()
    with pytest.raises(NoEligibleArmError, match="did not answer in time"):
        router.completion(HELLO, stream=stream, timeout=0.2)
    assert time.monotonic() - started < 15
    assert only_completion(store).cost_usd is None
    assert "timeout" not in server.requests[0].body
    server.usual = usual
    list(router.completion(HELLO, stream=stream, timeout=30))
    assert only_completion(store).error is None


@pytest.mark.parametrize("timeout", [0, -1.0, float("nan"), "soon"])
def test_a_timeout_that_is_none(make_router: Make, store: Store, timeout: Any) -> None:
    """Refused with the value, before anything is stored."""
    with pytest.raises(SettingsError, match=r"timeout is .*; give seconds, more than 0"):
        make_router(ONLY).completion(HELLO, timeout=timeout)
    assert store.recent_prompts(1) == []


def test_a_conversation_with_tools(make_router: Make, server: ChatServer, store: Store) -> None:
    """An answer's own message goes back into the conversation, as with the openai client."""
    message = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls", "logprobs": None}
    server.script = [
        as_json({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})
    ]
    router = make_router(ONLY)
    asked: list[Any] = [{"role": "user", "content": "Is it raining?"}]
    response: Any = router.completion(asked, tools=TOOLS)
    asked += [response.choices[0].message, {"role": "tool", "tool_call_id": "c1", "content": "It is."}]
    assert router.decide(asked).chosen == CHEAP
    router.completion(asked, tools=TOOLS)
    assert server.requests[1].body["messages"] == [asked[0], message, asked[2]]
    assert server.requests[1].body["tools"] == TOOLS
    assert last(store).prompt.messages == (asked[0], message, asked[2])


def test_messages_that_come_one_by_one(make_router: Make, server: ChatServer) -> None:
    """A generator is read once, for the decision and for the model."""
    router = make_router(ONLY)
    router.completion(message for message in HELLO)  # type: ignore[arg-type]
    assert server.requests[0].body["messages"] == HELLO


def test_what_the_api_knows_besides(make_router: Make, server: ChatServer, store: Store) -> None:
    """Sent as given, streamed or not; headers and queries where they belong, and nothing of it in the log."""
    given: dict[str, Any] = {
        "n": 2,
        "logprobs": True,
        "response_format": {"type": "json_object"},
        "tools": TOOLS,
        "extra_headers": {"x-trace": "secret-trace"},
        "extra_query": {"version": "2"},
        "extra_body": {"top_k": 5},
    }
    router = make_router(ONLY)
    router.completion(HELLO, **given)
    server.script = [events("Hello")]
    list(router.completion(HELLO, stream=True, **given))
    for request in server.requests:
        sent = ("n", "logprobs", "response_format", "tools")
        assert {name: request.body[name] for name in sent} == {name: given[name] for name in sent}
        assert (request.body["top_k"], request.headers["x-trace"]) == (5, "secret-trace")
        assert request.path.endswith("?version=2")
    assert last(store).prompt.params == {"n": 2}
