"""What can go wrong while a model is asked: each fault has its own error and remedy; retries are bounded."""

from __future__ import annotations

import email.utils
import time
import traceback

import pytest

from router_core.errors import (
    AuthenticationError,
    InterruptedStreamError,
    MalformedResponseError,
    ModelNotFoundError,
    ProviderError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RateLimitError,
    RequestRejectedError,
)
from router_core.models.errors import retry_after_s
from tests.servers import ChatServer, Reply, as_json, events, refused
from tests.unit.asking import HELLO, KEY, MODEL, Make, both


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key(server: ChatServer, make_models: Make, status: int) -> None:
    """The variable is named; the key itself is not shown, even where the server echoes it. Not tried again."""
    server.usual = refused(status, f"Incorrect API key provided: {KEY}. Also sk-proj-abc***xyz")
    for ask in both(make_models()):
        with pytest.raises(AuthenticationError, match=f"key in OPENAI_API_KEY .{status}: Incorrect") as caught:
            ask()
        assert KEY not in everything_shown(caught.value)
        assert "sk-proj" not in str(caught.value)
    assert len(server.requests) == 2


def test_an_unknown_model(server: ChatServer, make_models: Make) -> None:
    """404 names the model and the address."""
    server.usual = refused(404, "The model does not exist")
    for ask in both(make_models()):
        with pytest.raises(
            ModelNotFoundError, match=r"does not know the model 'gpt-4o-mini' .404: .*127\.0\.0\.1"
        ):
            ask()


def test_a_refused_request(server: ChatServer, make_models: Make) -> None:
    """Another 4xx is quoted and not tried again."""
    server.script = [refused(400, "context_length_exceeded: too long")]
    with pytest.raises(
        RequestRejectedError, match=r"context_length_exceeded: too long.*; check the prompt's length"
    ):
        make_models().complete(MODEL, HELLO, {})
    assert len(server.requests) == 1


def test_no_credit_is_not_tried_again(server: ChatServer, make_models: Make) -> None:
    """insufficient_quota is a 429 that no waiting helps."""
    server.script = [refused(429, "You exceeded your quota", "insufficient_quota", retry_after="1")]
    with pytest.raises(RequestRejectedError, match="has no credit left for this key"):
        make_models().complete(MODEL, HELLO, {})
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"retry_after": "3"}, 3.0, 3.0),
        ({"retry_after_ms": "1500", "retry_after": "9"}, 1.5, 1.5),
        ({"retry_after": "in an hour"}, 3_500.0, 3_600.0),
        ({}, 0.25, 8.0),
        ({"retry_after": "soon"}, 0.25, 8.0),
    ],
)
def test_a_rate_limit_is_waited_out(
    server: ChatServer, make_models: Make, headers: dict[str, str], low: float, high: float
) -> None:
    """As long as the provider asks: in seconds, milliseconds, until a date; else by our own growing wait."""
    if headers.get("retry_after") == "in an hour":  # counted from now, not from when the tests were collected
        headers = {"retry_after": email.utils.formatdate(time.time() + 3600, usegmt=True)}
    waits: list[float] = []
    models = make_models(sleep=waits.append, deadline_s=3_600 if high > 100 else 100)
    server.script = [refused(429, "slow down", **headers)]
    answer = models.complete(MODEL, HELLO, {}, deadline_s=1e6)
    assert (answer.text, answer.retries, len(server.requests)) == ("I am gpt-4o-mini", 1, 2)
    assert len(waits) == 1
    assert low <= waits[0] <= high
    server.script = [refused(429, "slow down", **headers)]
    stream = models.stream(MODEL, HELLO, {}, deadline_s=1e6)
    list(stream)
    assert (stream.retries, len(waits)) == (1, 2)


def test_a_wait_beyond_the_deadline_fails_at_once(server: ChatServer, make_models: Make) -> None:
    """Nobody is kept waiting for nothing; the seconds are told."""
    waits: list[float] = []
    server.usual = refused(429, "slow down", retry_after="90")
    with pytest.raises(RateLimitError, match=r"asked too often .429: slow down.; try again in 90 s") as caught:
        make_models(sleep=waits.append, deadline_s=20).complete(MODEL, HELLO, {})
    assert caught.value.retry_after_s == 90.0
    assert (waits, len(server.requests)) == ([], 1)


def test_retry_after_dates() -> None:
    """A date in the past is no wait; nonsense is no wish."""
    assert retry_after_s({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, now=30.0) == 30.0
    assert retry_after_s({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, now=90.0) == 0.0
    assert retry_after_s({"retry-after": "-5"}) == 0.0
    assert retry_after_s({}) is None


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_failing_provider_is_asked_again(server: ChatServer, make_models: Make, status: int) -> None:
    """Up to max_retries times; then the last failure is told."""
    waits: list[float] = []
    server.script = [refused(status, "oops"), refused(status, "oops")]
    assert make_models(sleep=waits.append).complete(MODEL, HELLO, {}).retries == 2
    assert len(waits) == 2
    server.usual = refused(status, "oops")
    with pytest.raises(ProviderUnavailableError, match=rf"openai failed .{status}: oops"):
        make_models().complete(MODEL, HELLO, {}, max_retries=1)
    assert len(server.requests) == 5


def test_tries_that_may_have_been_billed_are_counted(server: ChatServer, make_models: Make) -> None:
    """A time-out may cost something, a refusal does not; where all fail, the last error remembers the time-out."""
    models = make_models(max_retries=2)
    failures = [refused(429, "slow down"), refused(408, "gave up")]
    server.script = [*failures]
    answer = models.complete(MODEL, HELLO, {})
    assert (answer.retries, answer.unpriced_retries) == (2, 1)
    server.script = [*failures]
    with models.stream(MODEL, HELLO, {}) as stream:
        assert (stream.retries, stream.unpriced_retries) == (2, 1)
    server.script = [refused(408, "gave up"), refused(500, "oops"), refused(500, "oops")]
    with pytest.raises(ProviderUnavailableError) as caught:
        models.complete(MODEL, HELLO, {})
    assert caught.value.maybe_billed
    server.script = [refused(500, "oops")] * 3
    with pytest.raises(ProviderUnavailableError) as caught:
        models.complete(MODEL, HELLO, {})
    assert not caught.value.maybe_billed


def test_nobody_listens(server: ChatServer, make_models: Make) -> None:
    """No connection: the address and what to check."""
    models = make_models(max_retries=0)
    server.close()
    for ask in both(models):
        with pytest.raises(
            ProviderUnavailableError, match=r"no connection to openai at http://127\.0\.0\.1:\d+/v1"
        ):
            ask()


@pytest.mark.parametrize("pieces", [(), (b'{"id": "c1", "choices": [',)])
def test_a_connection_that_breaks_before_the_answer(
    server: ChatServer, make_models: Make, pieces: tuple[bytes, ...]
) -> None:
    """Asked again; when it goes on, the provider may have billed what never came."""
    server.usual = Reply(200, pieces, broken=True)
    with pytest.raises(ProviderUnavailableError, match="the connection to openai broke before") as caught:
        make_models(max_retries=1).complete(MODEL, HELLO, {})
    assert caught.value.maybe_billed
    assert len(server.requests) == 2


def test_a_hung_connection(server: ChatServer, make_models: Make) -> None:
    """The deadline holds; nothing is tried again after it."""
    server.usual = Reply(delay_s=30)
    for ask in both(make_models(deadline_s=0.3)):
        started = time.monotonic()
        with pytest.raises(
            ProviderTimeoutError, match=r"did not answer in time; try again, or raise calls.deadline_s"
        ):
            ask()
        assert time.monotonic() - started < 2.0
    assert len(server.requests) == 2


def test_a_stream_that_falls_silent(server: ChatServer, make_models: Make) -> None:
    """No sign of life for first_token_s: a time-out, and what had come stays readable."""
    server.script = [events("one ", "two ", pause_s=20)]
    stream = make_models(first_token_s=0.3).stream(MODEL, HELLO, {})
    with pytest.raises(ProviderTimeoutError):
        list(stream)
    assert stream.text == "one "


def test_a_stream_still_writing_at_the_deadline(server: ChatServer, make_models: Make) -> None:
    """A slow stream ends at the deadline."""
    server.script = [events(*["word "] * 100, pause_s=0.05)]
    stream = make_models().stream(MODEL, HELLO, {}, deadline_s=0.4)
    with pytest.raises(ProviderTimeoutError, match=r"did not answer in time|still writing at the deadline"):
        list(stream)
    assert stream.text.startswith("word ")


@pytest.mark.parametrize("finished", [True, False], ids=["without an end", "connection broken"])
def test_a_stream_cut_half_way(server: ChatServer, make_models: Make, finished: bool) -> None:
    """It is an error, however it ended; the text so far stays readable, and its usage is an estimate."""
    server.script = [events("one ", "two ", broken=True)]
    if finished:
        server.script = [Reply(200, events("one ", "two ", broken=True).pieces, "text/event-stream")]
    stream = make_models().stream(MODEL, HELLO, {})
    with pytest.raises(InterruptedStreamError, match=r"broke off after 8 characters .*; try again"):
        list(stream)
    assert (stream.text, stream.finish_reason) == ("one two ", None)
    assert stream.usage.estimated


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, (b'{"choices": [{"mess',)),
        Reply(200, (b"<html>Welcome to the hotel's network</html>",), "text/html"),
        Reply(200, (b"",)),
        as_json({"hello": "world"}),
        as_json([1, 2]),
        as_json({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": []}),
        as_json({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0}]}),
        as_json({"choices": "none"}),
    ],
    ids=[
        "cut json",
        "html",
        "nothing",
        "other json",
        "a list",
        "no choices",
        "no message",
        "choices of another type",
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_what_is_no_chat_completion(server: ChatServer, make_models: Make, reply: Reply, streamed: bool) -> None:
    """Not tried again; the sentence says what to check."""
    server.usual = reply
    with pytest.raises(MalformedResponseError, match=r"something that is not a chat completion .* ending in /v1"):
        both(make_models())[streamed]()
    assert len(server.requests) == 1


def test_an_error_inside_a_stream(server: ChatServer, make_models: Make) -> None:
    """Some servers send an error as an event: it is an error, not an answer."""
    event = b'data: {"error": {"message": "overloaded"}}\n\n'
    server.usual = Reply(200, (event,), "text/event-stream")
    with pytest.raises(ProviderError, match="overloaded"):
        list(make_models(max_retries=0).stream(MODEL, HELLO, {}))


def everything_shown(error: BaseException) -> str:
    """What a traceback would print of an error."""
    return "".join(traceback.format_exception(error))
