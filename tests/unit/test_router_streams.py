"""Streams as programs use them: left early, dropped, or answered with calls of tools; and what providers send."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from typing import Any

import pytest

from router_core.store.base import Store
from router_core.store.duckdb import projection
from tests.servers import USAGE, ChatServer, Reply, answered, events, wait_for
from tests.unit.routing import HELLO, ONLY, Make, last, only_completion

CALLS = [
    {"index": 0, "id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": '}},
    {"index": 0, "function": {"arguments": '"Paris"}'}},
]


def streamed(*deltas: dict[str, Any], finish_reason: str | None = "stop", usage: Any = USAGE) -> Reply:
    """A streamed answer of these pieces."""
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": finish_reason})
    chunks: list[dict[str, Any]] = [{"choices": [choice]} for choice in choices]
    if usage is not None:
        chunks.append({"choices": [], "usage": usage})
    pieces = tuple(f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks)
    return Reply(200, (*pieces, b"data: [DONE]\n\n"), "text/event-stream")


def test_every_chunk_has_a_choice_unless_usage_was_asked_for(make_router: Make, store: Store) -> None:
    """A program written for the API reads ``chunk.choices[0]``; the count of tokens is for the log."""
    router = make_router(ONLY)
    chunks: Any = router.completion(HELLO, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Iamgpt-4o-mini"
    assert not only_completion(store).usage.estimated  # type: ignore[union-attr]
    chunks = list(router.completion(HELLO, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == USAGE["total_tokens"]


@pytest.mark.parametrize("usage", [USAGE, None])
def test_a_reader_who_stops_at_the_finish_reason_has_read_it_all(
    make_router: Make, server: ChatServer, store: Store, usage: Any
) -> None:
    """The answer is complete, judged and counted, not stopped; the tokens are the provider's own where it says."""
    server.usual = events("All ", "of it", usage=usage)
    with make_router(ONLY, success_when="finish_reason == 'stop'").completion(HELLO, stream=True) as stream:
        for chunk in stream:
            if chunk.choices[0].finish_reason:
                break
    completion = only_completion(store)
    assert (completion.text, completion.finish_reason) == ("All of it", "stop")
    assert completion.usage is not None
    assert completion.usage.estimated == (usage is None)
    assert [one.reward for one in last(store).outcomes] == [1.0]
    assert store.output_tokens("default")[ONLY[0]["model"]].count == 1


@pytest.mark.slow
def test_a_stream_that_is_dropped_while_its_thread_writes(
    make_router: Make, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Garbage is collected anywhere, also where the thread holds the store's locks: it must not wait for that."""

    class Holder:
        stream: Any
        itself: Any

    router = make_router(ONLY)
    holder = Holder()
    holder.itself, holder.stream = holder, router.completion(HELLO, stream=True)
    next(holder.stream)
    request_id = holder.stream.request_id
    dropped = store.recent_prompts(1)[0].id

    def collecting(insert: Callable[..., Any]) -> Callable[..., Any]:
        def collect(*given: Any) -> Any:
            gc.collect()
            return insert(*given)

        return collect

    monkeypatch.setattr(projection, "insert", collecting(projection.insert))
    del holder
    router.completion(HELLO)

    def stored() -> bool:
        found = store.comparison(dropped)
        return found is not None and [one.id for one in found.completions] == [request_id]

    assert wait_for(stored)
    router.close()


def test_a_condition_sees_the_same_streamed_or_whole(make_router: Make, server: ChatServer, store: Store) -> None:
    """Calls of tools, refusals, and content that is none."""
    seen: list[Any] = []

    def look(response: Any) -> bool:
        message = response.choices[0].message
        calls = [(one.id, one.function.name, one.function.arguments) for one in message.tool_calls or ()]
        seen.append((message.content, message.refusal, calls, response.choices[0].finish_reason))
        return True

    router = make_router(ONLY, success_when=look)
    server.script = [
        streamed({"role": "assistant", "content": None}, *({"tool_calls": [c]} for c in CALLS),
                 finish_reason="tool_calls"),
        streamed({"refusal": "I can"}, {"refusal": "not."}),
        streamed({"content": ""}, {"content": "Yes."}),
        streamed(),
    ]  # fmt: skip
    for _ in range(4):
        list(router.completion(HELLO, stream=True))
    assert seen == [
        (None, None, [("c1", "weather", '{"city": "Paris"}')], "tool_calls"),
        (None, "I cannot.", [], "stop"),
        ("Yes.", None, [], "stop"),
        (None, None, [], "stop"),
    ]
    assert only_completion(store).text == ""


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("reason", ["eos", 3])
def test_a_finish_reason_of_the_server_s_own(
    make_router: Make, server: ChatServer, store: Store, stream: bool, reason: Any
) -> None:
    """Stored as it came, and judged."""
    server.usual = events("Hello", finish_reason=reason) if stream else answered(finish_reason=reason)
    condition = f"finish_reason == '{reason}' and len(response.choices[0].message.content) == 5"
    list(make_router(ONLY, success_when=condition).completion(HELLO, stream=stream))
    assert only_completion(store).finish_reason == str(reason)
    assert [one.reward for one in last(store).outcomes] == [1.0]


@pytest.mark.parametrize("stream", [False, True])
def test_half_a_character(make_router: Make, server: ChatServer, store: Store, stream: bool) -> None:
    """Halves that come apart are put together in the log, one without the other is replaced; nothing is lost."""
    server.usual = events("\ud83d", "\ude00 \ud83d") if stream else answered("\ud83d\ude00 \ud83d")
    list(make_router(ONLY).completion(HELLO, stream=stream))
    assert only_completion(store).text == "😀 \N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("counted", [-1, 10**25])
def test_counts_that_cannot_be(
    make_router: Make, server: ChatServer, store: Store, stream: bool, counted: Any
) -> None:
    """Less than nothing, or more than there is: an estimate in their place, and the answer is stored."""
    usage = {"prompt_tokens": counted, "completion_tokens": 7, "total_tokens": 7}
    server.usual = events("Hello", usage=usage) if stream else answered(usage=usage)
    list(make_router(ONLY).completion(HELLO, stream=stream))
    completion = only_completion(store)
    assert completion.usage is not None
    assert completion.usage.estimated
    assert completion.cost_usd is not None
    assert 0 < completion.cost_usd < 1


@pytest.mark.parametrize("stream", [False, True])
def test_what_an_image_took_is_unknown_where_nobody_counts(
    make_router: Make, server: ChatServer, store: Store, stream: bool
) -> None:
    """Its tokens cannot be told from characters: no price is made up. Counted by the provider, it is known."""
    parts = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "http://x/y.png"}},
    ]
    router = make_router(ONLY)
    for usage in (None, USAGE):
        server.usual = events("A cat", usage=usage) if stream else answered("A cat", usage=usage)
        list(router.completion([{"role": "user", "content": parts}], stream=stream))
        assert (only_completion(store).cost_usd is None) == (usage is None)
