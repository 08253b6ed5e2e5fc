"""What well-known providers send, replayed byte by byte over a socket: text, tokens and cost.

Every reply is asked for whole and as a stream: a stream for JSON is read, and JSON for a stream. The list of
providers is docs/providers.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from router_core.errors import (
    InterruptedStreamError,
    MalformedResponseError,
    ProviderError,
    ProviderUnavailableError,
)
from router_core.models.calls import Models
from router_core.money.pricing import PriceBook
from router_core.serving.library import Router
from router_core.settings import CallSettings, PriceSettings, ProviderSettings, Settings
from router_core.store import open_store
from router_core.types import NO_REASON, Price, Usage
from tests.raw_server import Line, RawServer, event, raw_server, reply
from tests.unit.routing import only_completion

MODEL = "openai/m"
KEY = {"OPENAI_API_KEY": "hush-0123456789-quiet"}
HELLO = [{"role": "user", "content": "Which river flows through Vienna?"}]
TEXT = "The Danube, of course."
PRICE = Price(Decimal(1), Decimal(2), Decimal("0.1"), Decimal("1.25"))
USAGE = {"prompt_tokens": 800, "completion_tokens": 300, "total_tokens": 1100}
COUNTED = Usage(800, 300)
GUESSED = Usage(13, 6, estimated=True)


@contextmanager
def replaying(sent: bytes, **calls: Any) -> Iterator[tuple[RawServer, Models]]:
    """A server that gives this reply to everybody, byte by byte, and models at it."""
    with raw_server(lambda line: line.send(*(sent[i : i + 1] for i in range(len(sent))))) as server:
        settings = Settings(
            providers={"openai": ProviderSettings(base_url=server.base_url)},
            calls=CallSettings(**{"max_retries": 0} | calls),
        )
        models = Models(settings, environ=KEY, sleep=lambda seconds: None)
        try:
            yield server, models
        finally:
            models.close()


def whole(usage: Any = USAGE, headers: tuple[str, ...] = (), message: Any = None, **more: Any) -> bytes:
    """An answer in JSON."""
    said = {"role": "assistant", "content": TEXT} if message is None else message
    body = {"choices": [{"index": 0, "message": said, "finish_reason": "stop"}], "usage": usage, **more}
    return reply(json.dumps(body).encode(), *headers)


def streamed(*pieces: bytes) -> bytes:
    """An answer as a stream."""
    return reply(b"".join(pieces), content_type="text/event-stream")


def told(**chunk: Any) -> bytes:
    """One event."""
    return f"data: {json.dumps(chunk)}\n\n".encode()


WORDS = [{"content": "The Danube, "}, {"content": "of "}, {"content": "course."}]
PIECES = b"".join(event(word) for word in WORDS)
STOP, COUNT, DONE = event({}, "stop"), told(choices=[], usage=USAGE), b"data: [DONE]\n\n"


def asked(models: Models, stream: bool, params: dict[str, Any] | None = None) -> tuple[str, str | None, Usage]:
    """Text, finish reason and tokens of one call."""
    if not stream:
        answer = models.complete(MODEL, HELLO, params or {})
        return answer.text, answer.finish_reason, answer.usage
    with models.stream(MODEL, HELLO, params or {}) as answer_stream:
        shown = "".join(chunk.choices[0].delta.content or "" for chunk in answer_stream)
    assert shown == answer_stream.text
    return answer_stream.text, answer_stream.finish_reason, answer_stream.usage


REPLIES: dict[str, tuple[bytes, str, Usage]] = {
    "openai": (streamed(event({"role": "assistant", "content": ""}), PIECES, STOP, COUNT, DONE), "stop", COUNTED),
    "azure": (
        streamed(told(choices=[], prompt_filter_results=[{"prompt_index": 0}]), PIECES, STOP, COUNT, DONE),
        "stop",
        COUNTED,
    ),
    "gemini": (
        whole({"prompt_tokens": 800, "completion_tokens": 100, "total_tokens": 1100}),
        "stop",
        COUNTED,
    ),
    "xai": (
        whole(
            {
                "prompt_tokens": 800,
                "completion_tokens": 100,
                "total_tokens": 1100,
                "prompt_tokens_details": {"cached_tokens": 64},
                "completion_tokens_details": {"reasoning_tokens": 200},
            }
        ),
        "stop",
        Usage(800, 300, 64),
    ),
    "deepseek": (
        whole(USAGE | {"prompt_cache_hit_tokens": 640, "prompt_cache_miss_tokens": 160}),
        "stop",
        Usage(800, 300, 640),
    ),
    "moonshot": (
        streamed(
            PIECES,
            told(
                choices=[
                    {"index": 0, "delta": {}, "finish_reason": "stop", "usage": USAGE | {"cached_tokens": 512}}
                ]
            ),
            DONE,
        ),
        "stop",
        Usage(800, 300, 512),
    ),
    "groq": (streamed(PIECES, event({}, "stop", x_groq={"usage": USAGE}), DONE), "stop", COUNTED),
    "anthropic by litellm": (
        whole(USAGE | {"cache_creation_input_tokens": 300, "cache_read_input_tokens": 400}),
        "stop",
        Usage(800, 300, 400, cache_write_tokens=300),
    ),
    "openrouter": (
        streamed(
            b": OPENROUTER PROCESSING\n\n", PIECES, STOP, told(choices=[], usage=USAGE | {"cost": 0.0042}), DONE
        ),
        "stop",
        Usage(800, 300, provider_cost_usd=Decimal("0.0042")),
    ),
    "perplexity": (
        whole(USAGE | {"cost": {"request_cost": 0.004, "total_cost": 0.0042}}),
        "stop",
        Usage(800, 300, provider_cost_usd=Decimal("0.0042")),
    ),
    "litellm": (
        whole(headers=("x-litellm-response-cost: 0.0042",)),
        "stop",
        Usage(800, 300, provider_cost_usd=Decimal("0.0042")),
    ),
    "openai, flex": (whole(service_tier="flex"), "stop", Usage(800, 300, service_tier="flex")),
    "vllm, counting as it grows": (
        streamed(*(event(word, usage=USAGE) for word in WORDS), event({}, "stop", usage=USAGE), DONE),
        "stop",
        COUNTED,
    ),
    "azure, each piece judged": (
        streamed(
            told(choices=[], prompt_filter_results=[{"prompt_index": 0, "content_filter_results": {}}]),
            *(
                told(
                    choices=[{"index": 0, "delta": word, "content_filter_results": {"hate": {"filtered": False}}}]
                )
                for word in WORDS
            ),
            told(choices=[{"index": 0, "delta": {}, "finish_reason": "stop", "content_filter_results": {}}]),
            COUNT,
            DONE,
        ),
        "stop",
        COUNTED,
    ),
    "anthropic's own endpoint": (
        whole(
            USAGE | {"completion_tokens_details": None, "prompt_tokens_details": None},
            message={"role": "assistant", "content": TEXT, "refusal": None, "tool_calls": None},
            service_tier=None,
            system_fingerprint=None,
        ),
        "stop",
        COUNTED,
    ),
    "mistral, thinking in parts": (
        whole(
            message={
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Vienna: the Danube."}]},
                    {"type": "text", "text": TEXT},
                ],
            }
        ),
        "stop",
        COUNTED,
    ),
    "mistral, thinking in parts of a stream": (
        streamed(
            event({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Vienna."}]}]}),
            event({"content": [{"type": "text", "text": "The Danube, "}]}),
            event({"content": "of course."}),
            event({"content": ""}, "stop", usage=USAGE),
            DONE,
        ),
        "stop",
        COUNTED,
    ),
    "perplexity, all of it in each piece": (
        streamed(
            *(
                told(
                    choices=[
                        {
                            "index": 0,
                            "delta": {"role": "assistant"} | WORDS[i],
                            "message": {
                                "role": "assistant",
                                "content": "".join(word["content"] for word in WORDS[: i + 1]),
                            },
                            "finish_reason": "stop" if i == 2 else None,
                        }
                    ],
                    usage=USAGE | {"completion_tokens": 100 * (i + 1), "total_tokens": 800 + 100 * (i + 1)},
                )
                for i in range(3)
            )
        ),
        "stop",
        COUNTED,
    ),
    "deepseek, thinking and keeping alive": (
        streamed(
            b": keep-alive\n\n",
            event({"content": None, "reasoning_content": "Vienna ..."}),
            PIECES,
            event({"content": "", "reasoning_content": None}, "stop", usage=USAGE),
            DONE,
        ),
        "stop",
        COUNTED,
    ),
    "together": (
        streamed(
            *(
                told(
                    choices=[
                        {"index": 0, "text": word["content"], "logprobs": None, "delta": word | {"token_id": 9}}
                    ],
                    usage=None,
                )
                for word in WORDS
            ),
            told(
                choices=[{"index": 0, "text": "", "finish_reason": "stop", "delta": {"content": ""}}], usage=USAGE
            ),
            DONE,
        ),
        "stop",
        COUNTED,
    ),
    "fireworks": (
        streamed(
            PIECES,
            event({}, "stop", usage=USAGE | {"prompt_tokens_details": {"cached_tokens": 256}}, perf_metrics={}),
            DONE,
        ),
        "stop",
        Usage(800, 300, 256),
    ),
    "ollama": (
        streamed(
            *(
                told(choices=[{"index": 0, "delta": {"role": "assistant"} | word, "finish_reason": None}])
                for word in WORDS
            ),
            told(
                choices=[{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": "stop"}],
            ),
            COUNT,
            DONE,
        ),
        "stop",
        COUNTED,
    ),
    "lm studio": (whole(stats={"tokens_per_second": 40.1}, model_info={"arch": "llama"}), "stop", COUNTED),
    "llama.cpp": (
        streamed(
            event({"role": "assistant", "content": None}),
            PIECES,
            STOP,
            told(
                choices=[],
                usage=USAGE | {"prompt_tokens_details": {"cached_tokens": 700}},
                timings={"cache_n": 700, "prompt_n": 100, "predicted_n": 300},
            ),
            DONE,
        ),
        "stop",
        Usage(800, 300, 700),
    ),
    "zeros": (whole({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}), "stop", GUESSED),
    "zeros after a count": (
        streamed(PIECES, event({}, "stop", usage=USAGE), told(choices=[], usage=dict.fromkeys(USAGE, 0)), DONE),
        "stop",
        COUNTED,
    ),
    "an index that grows": (
        streamed(
            *(told(choices=[{"index": i, "delta": word}]) for i, word in enumerate(WORDS)),
            told(choices=[{"index": 3, "delta": {}, "finish_reason": "stop"}]),
            DONE,
        ),
        "stop",
        GUESSED,
    ),
    "no index": (
        streamed(
            *(told(choices=[{"delta": word}]) for word in WORDS),
            told(choices=[{"index": None, "delta": None, "finish_reason": "stop"}]),
            DONE,
        ),
        "stop",
        GUESSED,
    ),
    "message for delta": (
        streamed(*(told(choices=[{"index": 0, "message": word}]) for word in WORDS), STOP, COUNT, DONE),
        "stop",
        COUNTED,
    ),
    "the whole message again at the end": (
        streamed(
            PIECES,
            told(
                choices=[{"index": 0, "delta": {}, "message": {"content": TEXT}, "finish_reason": "stop"}],
                usage=USAGE,
            ),
            DONE,
        ),
        "stop",
        COUNTED,
    ),
    "times to reconnect": (
        streamed(b"retry: 3000\n\n", PIECES, b"id: 7\n\nevent: ping\n\n: hi\n\n", STOP, COUNT, DONE),
        "stop",
        COUNTED,
    ),
    "no finish reason": (streamed(PIECES, COUNT, DONE), NO_REASON, COUNTED),
    "empty finish reasons": (
        streamed(*(event(word, "") for word in WORDS), event({}, ""), COUNT, DONE),
        NO_REASON,
        COUNTED,
    ),
    "chunks without choices": (streamed(told(choices=None), PIECES, told(), STOP, COUNT, DONE), "stop", COUNTED),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", REPLIES)
def test_replies(name: str, stream: bool) -> None:
    """The whole text, why it ended, and the tokens; a caller who did not ask for usage sees choices alone."""
    sent, reason, usage = REPLIES[name]
    with replaying(sent) as (_, models):
        assert asked(models, stream) == (TEXT, reason, usage)


def test_chunks_without_a_choice_reach_those_who_asked_for_usage() -> None:
    """Azure's first one and the count; the others see neither."""
    with replaying(REPLIES["azure"][0]) as (_, models):
        with models.stream(MODEL, HELLO, {"stream_options": {"include_usage": True}}) as stream:
            empty = [not chunk.choices for chunk in stream]
        assert (empty[0], empty[-1], sum(empty)) == (True, True, 2)
        with models.stream(MODEL, HELLO, {"stream_options": {"include_usage": False}}) as stream:
            assert all(chunk.choices for chunk in stream)


@pytest.mark.parametrize("at", [0, 2])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_an_error_as_the_finish_reason_is_a_failure(at: int, stream: bool) -> None:
    """In the first piece or later, whole or streamed; what the provider says of it is told."""
    failed = told(
        choices=[
            {"index": 0, "delta": {"content": ""}, "finish_reason": "error", "error": {"message": "Out of room"}}
        ]
    )
    with replaying(streamed(*(event(word) for word in WORDS[:at]), failed, DONE)) as (_, models):
        expected = InterruptedStreamError if stream and at else ProviderUnavailableError
        with pytest.raises(expected, match="Out of room"):
            asked(models, stream)
    body = {"choices": [{"message": {"content": "The"}, "finish_reason": "error"}], "usage": USAGE}
    with replaying(reply(json.dumps(body).encode())) as (_, models):
        with pytest.raises(ProviderError, match='finish reason "error"') as caught:
            asked(models, stream)
        assert caught.value.maybe_billed


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_stream_that_breaks_off_is_not_an_answer(stream: bool) -> None:
    """Neither a finish reason nor [DONE]."""
    with (
        replaying(streamed(PIECES)) as (_, models),
        pytest.raises(InterruptedStreamError if stream else MalformedResponseError, match="broke off after 22"),
    ):
        asked(models, stream)


CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": {"x": 1}}}


@pytest.mark.parametrize(
    "sent",
    [
        whole(message={"role": "assistant", "content": None, "tool_calls": [CALL, CALL | {"id": "b"}]}),
        streamed(
            event({"tool_calls": [CALL | {"index": 0}]}),
            event({"tool_calls": [CALL | {"id": "b", "index": 0}]}),
            STOP,
            DONE,
        ),
    ],
    ids=["json", "events"],
)
def test_calls_of_tools_reach_the_caller_in_the_usual_form(sent: bytes) -> None:
    """Two calls with one index are two; arguments as an object are text."""
    expected = [("a", "f", '{"x": 1}'), ("b", "f", '{"x": 1}')]
    with replaying(sent) as (_, models):
        calls = models.complete(MODEL, HELLO, {}).response.choices[0].message.tool_calls or []
        assert [(c.id, c.function.name, c.function.arguments) for c in calls] == expected  # type: ignore[union-attr]
        with models.stream(MODEL, HELLO, {}) as stream:
            pieces = [one for chunk in stream for one in chunk.choices[0].delta.tool_calls or ()]
        assert [c["function"]["arguments"] for c in stream.message["tool_calls"]] == ['{"x": 1}'] * 2
    assert [one.index for one in pieces] == [0, 1]
    assert [(p.id, p.function.name, p.function.arguments) for p in pieces if p.function] == expected


def test_a_server_that_labels_its_events_as_json_still_streams() -> None:
    """The first byte decides, not the header: pieces are shown as they come."""

    def talk(line: Line) -> None:
        head = reply(b"", content_type="application/json")
        line.send(head + PIECES, pause_s=30)

    with raw_server(talk) as server:
        settings = Settings(providers={"openai": ProviderSettings(base_url=server.base_url)})
        models = Models(settings, environ=KEY)
        with models.stream(MODEL, HELLO, {}) as stream:
            assert next(stream).choices[0].delta.content == "The Danube, "
        models.close()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_what_a_cost_depends_on_is_stored_with_the_call(tmp_path: Path, stream: bool) -> None:
    """The row alone is enough to work the cost out again; the provider's own cost stands beside it."""
    usage = USAGE | {
        "cost": 0.0042,
        "prompt_tokens_details": {"cached_tokens": 400, "cache_write_tokens": 300},
    }
    price = {"input_usd_per_million_tokens": 1, "output_usd_per_million_tokens": 2}
    with raw_server(lambda line: line.send(whole(usage, service_tier="priority"))) as server:
        settings = Settings(
            providers={"openai": ProviderSettings(base_url=server.base_url)},
            prices={MODEL: PriceSettings(**price)},
        )
        store = open_store(tmp_path / "router.duckdb")
        with Router([{"model": MODEL}], settings=settings, store=store, environ=KEY) as router:
            answer = router.completion(HELLO, stream=stream)
            if stream:
                assert len(list(answer)) == 1
        completion = only_completion(store)
        store.close()
    assert completion.usage == Usage(
        800, 300, 400, True, cache_write_tokens=300, service_tier="priority", provider_cost_usd=Decimal("0.0042")
    )
    assert completion.usage is not None
    again = PriceBook(pinned={MODEL: completion.price}).charge(MODEL, completion.usage)
    assert completion.cost_usd == again.cost_usd == Decimal("0.0014")
