"""The Responses API and embeddings over HTTP, by the openai client as it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import openai
import pytest

from router_core.models.responses import ResponsesAnswer, messages_of
from router_core.store.base import Store
from tests.gateways import Gateway, gateway
from tests.servers import ChatServer, Reply, Request, as_json, refused, wait_for
from tests.unit.routing import CHEAP, ONLY, STRONG, last, only_completion

USAGE = {"input_tokens": 12, "output_tokens": 5, "total_tokens": 17, "input_tokens_details": {"cached_tokens": 2}}
Start = Callable[..., Gateway]


def body(request: Request, number: int = 1) -> dict[str, Any]:
    """An answer of the Responses API."""
    text = {"type": "output_text", "text": f"I am {request.body['model']}", "annotations": []}
    message = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]}
    return {
        "id": f"resp_{number}", "object": "response", "created_at": 1, "model": "m", "status": "completed",
        "output": [message], "usage": USAGE, "house": {"kept": True}, "parallel_tool_calls": True, "tools": [],
        "tool_choice": "auto", "error": None, "incomplete_details": None,
    }  # fmt: skip


def answering(request: Request) -> Reply:
    """Whole, or in events."""
    if request.path.endswith("/embeddings"):
        vector = {"object": "embedding", "index": 0, "embedding": [0.5, -1.0]}
        return as_json(
            {"object": "list", "model": "m", "data": [vector], "usage": {"prompt_tokens": 3, "total_tokens": 3}}
        )
    if not request.body.get("stream"):
        return as_json(body(request))
    events = [{"type": "response.output_text.delta", "delta": piece, "item_id": "m", "output_index": 0,
               "content_index": 0, "sequence_number": at, "logprobs": []}
              for at, piece in enumerate(("I am ", request.body["model"]))]  # fmt: skip
    events.append({"type": "response.completed", "response": body(request), "sequence_number": 2})
    pieces = tuple(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events)
    return Reply(200, pieces, "text/event-stream")


@pytest.fixture
def start(server: ChatServer, store: Store) -> Iterator[Start]:
    """Starts gateways over the server and the store."""
    server.usual = answering
    running: list[Any] = []

    def started(**more: Any) -> Gateway:
        running.append(gateway(store, server.base_url, **more))
        made: Gateway = running[-1].__enter__()
        return made

    yield started
    for one in running:
        one.__exit__(None, None, None)


def test_a_whole_response(start: Start, server: ChatServer, store: Store) -> None:
    """Unchanged, decided and logged: text, tokens, cost."""
    raw = start(paths=ONLY).client.responses.with_raw_response.create(
        model="auto", input="Hello there", instructions="Be brief", extra_body={"house_option": [1]}
    )
    assert raw.parse().output_text == "I am gpt-4o-mini"
    assert json.loads(raw.http_response.content) == body(server.requests[0])
    (sent,) = server.requests
    assert sent.path == "/v1/responses"
    assert sent.body == {
        "model": "gpt-4o-mini", "input": "Hello there", "instructions": "Be brief", "house_option": [1],
    }  # fmt: skip
    assert sent.headers["authorization"] == "Bearer sk-test-0123456789"
    assert wait_for(lambda: bool(last(store).completions))
    completion, (decision,) = only_completion(store), last(store).decisions
    assert raw.headers["x-router-request-id"] == decision.completion_id == completion.id
    assert (completion.text, completion.finish_reason, completion.error) == ("I am gpt-4o-mini", "stop", None)
    assert completion.usage is not None
    assert (completion.usage.input_tokens, completion.usage.cached_tokens) == (12, 2)
    assert float(raw.headers["x-router-cost-usd"]) == pytest.approx(float(completion.cost_usd or 0))
    assert decision.context.text == "Hello there"


def test_a_streamed_response(start: Start, store: Store) -> None:
    """Events as they come; the count of tokens is read on the way."""
    stream = start(paths=ONLY).client.responses.create(model="auto", input="Hello", stream=True)
    kinds = [event.type for event in stream]
    assert kinds == ["response.output_text.delta", "response.output_text.delta", "response.completed"]
    assert wait_for(lambda: bool(last(store).completions))
    completion = only_completion(store)
    assert (completion.text, completion.finish_reason) == ("I am gpt-4o-mini", "stop")
    assert completion.first_token_ms is not None
    assert completion.usage is not None
    assert not completion.usage.estimated


def test_a_stream_that_breaks_off(start: Start, server: ChatServer, store: Store) -> None:
    """An event says so, and the log has what came."""
    piece = {"type": "response.output_text.delta", "delta": "one "}
    server.usual = Reply(200, (f"data: {json.dumps(piece)}\n\n".encode(),), "text/event-stream", broken=True)
    at = start(paths=ONLY)
    text = httpx2.post(f"{at.base_url}/responses", json={"model": "auto", "input": "Hi", "stream": True}).text
    assert text.startswith("data: ")
    assert "event: error\n" in text
    assert "broke off after 4 characters" in text
    assert wait_for(lambda: bool(last(store).completions))
    completion = only_completion(store)
    assert (completion.text, completion.error is not None) == ("one ", True)
    assert completion.cost_usd


def test_fallback_and_refusals(start: Start, server: ChatServer, store: Store) -> None:
    """Another model answers before the first byte; nobody answering is told by its cause."""
    at = start()
    server.script = [refused(500)]
    assert at.client.responses.create(model="auto", input="Hi").output_text.startswith("I am")
    assert [one.origin for one in last(store).decisions] == ["gateway", "fallback"]
    server.usual = refused(429, "slow", retry_after="3")
    with pytest.raises(openai.RateLimitError) as raised:
        at.client.responses.create(model=STRONG, input="Hi")
    assert raised.value.response.headers["retry-after"] == "3"
    for wrong in ({"model": "auto"}, {"model": "auto", "input": 5}, [1]):
        assert httpx2.post(f"{at.base_url}/responses", json=wrong).status_code == 400


def test_a_response_follows_a_former_one_at_its_model(start: Start, server: ChatServer) -> None:
    """A provider knows its own former answers alone."""
    numbers = iter(range(1000))
    server.usual = lambda request: as_json(body(request, next(numbers)))
    at = start(paths=[{"model": CHEAP}, {"model": STRONG}])
    firsts: list[Any] = []
    while len(firsts) < 60 and len({one.output_text for one in firsts}) < 2:  # until both were drawn
        firsts.append(at.client.responses.create(model="auto", input=f"Hi {len(firsts)}"))
    for first in firsts[-2:]:
        second = at.client.responses.create(model="auto", input="And?", previous_response_id=first.id)
        third = at.client.responses.create(model="auto", input="And?", previous_response_id=second.id)
        assert first.output_text == second.output_text == third.output_text
    assert len({one.output_text for one in firsts}) == 2


def test_embeddings(start: Start, server: ChatServer, store: Store) -> None:
    """To the model that is named; nothing is logged."""
    at = start()
    ask = at.client.embeddings.create
    found = ask(model="openai/text-embedding-3-small", input="Hello", encoding_format="float")
    assert found.data[0].embedding == [0.5, -1.0]
    assert server.requests[0].body == {
        "model": "text-embedding-3-small", "input": "Hello", "encoding_format": "float",
    }  # fmt: skip
    assert store.recent_prompts(5) == []
    for name in ("auto", "nobody/m", "text-embedding-3-small"):
        with pytest.raises(openai.NotFoundError, match="name its provider"):
            ask(model=name, input="Hello")
    server.usual = refused(400, "input is too long")
    with pytest.raises(openai.BadRequestError, match="too long"):
        ask(model="openai/text-embedding-3-small", input="Hello")


def test_input_as_messages() -> None:
    """Texts, parts and results of tools, as far as a policy can read them."""
    given = [
        {"role": "user", "content": [{"type": "input_text", "text": "What?"}, {"type": "input_image"}]},
        {"type": "function_call", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "12"},
        "odd",
    ]  # fmt: skip
    assert messages_of({"input": given, "instructions": "Be brief"}) == [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": [{"type": "text", "text": "What?"}, {"type": "image_url"}]},
        {"role": "user", "content": "12"},
    ]
    assert messages_of({}) == []


@pytest.mark.parametrize(
    ("said", "reason", "failed"),
    [
        ({"status": "completed", "output": [{"type": "function_call"}]}, "tool_calls", None),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length", None),
        ({"status": "failed", "error": {"message": "broken"}}, None, "broken"),
        ({"output": [{"type": "message", "content": 5}, 7]}, "stop", None),
        ("odd", None, None),
    ],
)
def test_how_a_response_ends(said: Any, reason: str | None, failed: str | None) -> None:
    """In the words of chat completions, so that the log has one language."""
    answer = ResponsesAnswer([{"role": "user", "content": "Hi"}], {})
    answer.whole(said)
    assert (answer.finish_reason, answer.failed) == (reason, failed)
    assert answer.usage.estimated
