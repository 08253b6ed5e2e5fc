"""Streams that break in the middle, over a real connection: what is kept, and what is said."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from router_core.errors import InterruptedStreamError, MalformedResponseError
from router_core.models.calls import Models
from router_core.models.usage import reported_usage
from router_core.settings import CallSettings, ProviderSettings, Settings
from tests.servers import USAGE, ChatServer, Reply

KEY = "hush-0123456789-quiet"  # of no shape that a pattern could know
MODEL = "openai/gpt-4o"
HELLO = [{"role": "user", "content": "Say hello."}]


@pytest.fixture
def models(server: ChatServer) -> Iterator[Models]:
    """Models at that server, which are asked once."""
    settings = Settings(
        providers={"openai": ProviderSettings(base_url=server.base_url)}, calls=CallSettings(max_retries=0)
    )
    made = Models(settings, environ={"OPENAI_API_KEY": KEY})
    yield made
    made.close()


def piece(text: object = None, finish_reason: str | None = None, **more: object) -> str:
    """The data of one event of a streamed answer."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}
    return json.dumps(
        {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"} | {"choices": [choice]} | more
    )


def streamed(*events: str, broken: bool = False) -> Reply:
    """Server-sent events with this data; ``broken``: the connection ends before the announced length."""
    return Reply(200, tuple(f"data: {event}\n\n".encode() for event in events), "text/event-stream", broken=broken)


def test_a_break_after_the_finish_reason_loses_nothing_but_the_usage(server: ChatServer, models: Models) -> None:
    """The answer is complete once the provider said so; its tokens are then estimated."""
    server.script = [streamed(piece("All."), piece(None, "stop"), broken=True)]
    stream = models.stream(MODEL, HELLO, {})
    list(stream)
    assert (stream.text, stream.finish_reason, stream.usage.estimated) == ("All.", "stop", True)


def test_a_broken_connection_is_called_so(server: ChatServer, models: Models) -> None:
    """It had been there: the remedy is not to check the address."""
    server.script = [streamed(piece("Half "), broken=True)]
    with pytest.raises(InterruptedStreamError, match=r"broke off after 5 characters \(the connection broke\)"):
        list(models.stream(MODEL, HELLO, {}))


def test_an_error_in_mid_stream_is_quoted_without_the_key(server: ChatServer, models: Models) -> None:
    """What the provider says is in the sentence, the key is not; the text so far stays."""
    told = json.dumps({"error": {"message": f"out of memory, {KEY}"}})
    server.script = [streamed(piece("Half "), told)]
    stream = models.stream(MODEL, HELLO, {})
    with pytest.raises(InterruptedStreamError, match=r"out of memory, \[key\]") as caught:
        list(stream)
    assert KEY not in str(caught.value)
    assert str(caught.value).count("try again") == 1
    assert caught.value.__suppress_context__
    assert stream.text == "Half "


@pytest.mark.parametrize("event", ["{not json", '"a string"', "[1]", '{"choices": 5}'])
@pytest.mark.parametrize("before", [(), ("Half ",)])
def test_an_event_that_is_no_chunk(
    server: ChatServer, models: Models, event: str, before: tuple[str, ...]
) -> None:
    """First or later: told as malformed, and the text so far stays."""
    server.script = [streamed(*(piece(text) for text in before), event)]
    texts = []
    with pytest.raises(MalformedResponseError, match=r"base URL"):
        texts.extend(_read(models))
    assert len(server.requests) == 1


def _read(models: Models) -> Iterator[str]:
    with models.stream(MODEL, HELLO, {}) as stream:
        for _ in stream:
            yield stream.text


def test_events_that_say_nothing_are_passed_over(server: ChatServer, models: Models) -> None:
    """Heartbeats of some gateways hold no choices, or empty ones."""
    server.script = [streamed("{}", piece(choices=[]), piece("All."), '{"choices": [{}]}', piece(None, "stop"))]
    stream = models.stream(MODEL, HELLO, {})
    list(stream)
    assert (stream.text, stream.finish_reason) == ("All.", "stop")


def test_pieces_may_be_parts_and_other_choices_are_left_out(server: ChatServer, models: Models) -> None:
    """Content as a list of parts counts by its text; only the first of several choices is gathered."""
    second = {"index": 1, "delta": {"content": "no"}, "finish_reason": None}
    server.script = [
        streamed(
            piece([{"type": "text", "text": "One "}]),
            piece(None, None, choices=[second]),
            piece("two", "stop"),
            piece(choices=[], usage=USAGE),
            "[DONE]",
        )
    ]
    stream = models.stream(MODEL, HELLO, {"n": 2})
    list(stream)
    assert (stream.text, stream.usage.output_tokens) == ("One two", USAGE["completion_tokens"])


def test_a_stream_closed_before_its_first_piece_gives_none(server: ChatServer, models: Models) -> None:
    """Closed means closed, although the first piece is already there; the time stands still."""
    stream = models.stream(MODEL, HELLO, {})
    stream.close()
    total_ms = stream.total_ms
    assert list(stream) == []
    assert (stream.text, stream.first_token_ms, stream.total_ms) == ("", None, total_ms)


def test_the_first_token_counts_from_its_arrival(server: ChatServer) -> None:
    """A reader who comes late does not make the provider slow: the clock is read when a piece arrives."""
    now = 0.0

    def clock() -> float:
        return now

    settings = Settings(providers={"openai": ProviderSettings(base_url=server.base_url)})
    models = Models(settings, environ={"OPENAI_API_KEY": KEY}, clock=clock)
    server.script = [streamed(piece("Hello."), piece(None, "stop"), "[DONE]")]
    stream = models.stream(MODEL, HELLO, {})
    now = 60.0
    list(stream)
    models.close()
    assert (stream.first_token_ms, stream.total_ms) == (0.0, 60_000.0)


def test_usage_that_is_not_complete_counts_as_none() -> None:
    """Missing, half or of another type: better an estimate that is marked as one."""

    class Odd:
        prompt_tokens = 5
        completion_tokens = None

    assert [reported_usage(usage) for usage in (None, "many", {}, Odd())] == [None] * 4
