"""Calling models, against a real server on loopback: answers, streams, every fault, retries and keys."""

from __future__ import annotations

import email.utils
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from router_core.errors import (
    AuthenticationError,
    InterruptedStreamError,
    MalformedResponseError,
    MissingKeyError,
    ModelNotFoundError,
    ProviderError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RateLimitError,
    RequestRejectedError,
    SettingsError,
)
from router_core.llm import Models
from router_core.llm_errors import retry_after_s
from router_core.settings import CallSettings, ProviderSettings, Settings
from router_core.types import Usage
from tests.servers import ChatServer, Reply, Request, answered, as_json, chat_server, events, refused, wait_for

KEY = "sk-test-0123456789abcdef"
MODEL = "openai/gpt-4o-mini"
HELLO = [{"role": "user", "content": "Hello there"}]


@pytest.fixture
def server() -> Iterator[ChatServer]:
    """A server that answers with the model's name unless told otherwise."""
    with chat_server() as running:
        yield running


Make = Callable[..., Models]


@pytest.fixture
def make(server: ChatServer) -> Iterator[Make]:
    """Makes models whose provider is the server; closes them at the end."""
    made: list[Models] = []

    def models(sleep: Callable[[float], None] = lambda seconds: None, **calls: Any) -> Models:
        settings = Settings(
            providers={"openai": ProviderSettings(base_url=server.base_url)}, calls=CallSettings(**calls)
        )
        made.append(Models(settings, environ={"OPENAI_API_KEY": KEY}, sleep=sleep))
        return made[-1]

    yield models
    for one in made:
        one.close()


def test_a_plain_answer(server: ChatServer, make: Make) -> None:
    """Text, finish reason and the provider's own usage; key, model, messages and params are on the wire."""
    server.script = [answered("Hi!", usage={**_usage(11, 7), "prompt_tokens_details": {"cached_tokens": 4}})]
    answer = make().complete(MODEL, HELLO, {"temperature": 0.5, "extra_body": {"top_k": 3}})
    assert (answer.text, answer.finish_reason, answer.retries) == ("Hi!", "stop", 0)
    assert answer.usage == Usage(11, 7, 4)
    assert answer.response.choices[0].message.content == "Hi!"
    assert 0 < answer.total_ms < 5_000
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body == {"model": "gpt-4o-mini", "messages": HELLO, "temperature": 0.5, "top_k": 3}


def test_an_answer_without_usage_is_estimated(server: ChatServer, make: Make) -> None:
    """About a token per four characters, marked as an estimate."""
    server.script = [answered("12345678", usage=None)]
    assert make().complete(MODEL, HELLO, {}).usage == Usage(7, 2, 0, estimated=True)


def test_a_streamed_answer(server: ChatServer, make: Make) -> None:
    """The pieces as they come, then usage; the whole is gathered."""
    server.script = [events("Once ", "upon ", "a time")]
    with make().stream(MODEL, HELLO, {}) as stream:
        pieces = [chunk.choices[0].delta.content for chunk in stream if chunk.choices]
    assert [piece for piece in pieces if piece] == ["Once ", "upon ", "a time"]
    assert (stream.text, stream.finish_reason, stream.retries) == ("Once upon a time", "stop", 0)
    assert stream.usage == Usage(11, 7)
    assert stream.first_token_ms is not None
    assert 0 < stream.first_token_ms <= stream.total_ms
    assert server.requests[0].body["stream_options"] == {"include_usage": True}
    assert list(stream) == []


def test_a_stream_without_usage_is_estimated(server: ChatServer, make: Make) -> None:
    """Not every compatible server honours include_usage."""
    server.script = [events("12345678", usage=None)]
    stream = make().stream(MODEL, HELLO, {})
    list(stream)
    assert stream.usage == Usage(7, 2, 0, estimated=True)


def test_stream_options_turned_down(server: ChatServer, make: Make) -> None:
    """Asked once more without them, and never with them again."""
    server.script = [refused(400, "Unknown parameter: stream_options"), events("a"), events("b")]
    models = make()
    texts = []
    for _ in range(2):
        stream = models.stream(MODEL, HELLO, {})
        list(stream)
        texts.append(stream.text)
    assert texts == ["a", "b"]
    assert ["stream_options" in request.body for request in server.requests] == [True, False, False]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key(server: ChatServer, make: Make, status: int) -> None:
    """The variable is named; the key itself is not shown, even where the server echoes it. Not tried again."""
    server.usual = refused(status, f"Incorrect API key provided: {KEY}. Also sk-proj-abc***xyz")
    for ask in _both(make()):
        with pytest.raises(AuthenticationError, match=f"key in OPENAI_API_KEY .{status}: Incorrect") as caught:
            ask()
        assert KEY not in _everything_shown(caught.value)
        assert "sk-proj" not in str(caught.value)
    assert len(server.requests) == 2


def test_an_unknown_model(server: ChatServer, make: Make) -> None:
    """404 names the model and the address."""
    server.usual = refused(404, "The model does not exist")
    for ask in _both(make()):
        with pytest.raises(
            ModelNotFoundError, match=r"does not know the model 'gpt-4o-mini' .404: .*127\.0\.0\.1"
        ):
            ask()


def test_a_refused_request(server: ChatServer, make: Make) -> None:
    """Another 4xx is quoted and not tried again."""
    server.script = [refused(400, "context_length_exceeded: too long")]
    with pytest.raises(
        RequestRejectedError, match=r"context_length_exceeded: too long.*; check the prompt's length"
    ):
        make().complete(MODEL, HELLO, {})
    assert len(server.requests) == 1


def test_no_credit_is_not_tried_again(server: ChatServer, make: Make) -> None:
    """insufficient_quota is a 429 that no waiting helps."""
    server.script = [refused(429, "You exceeded your quota", "insufficient_quota", retry_after="1")]
    with pytest.raises(RequestRejectedError, match="has no credit left for this key"):
        make().complete(MODEL, HELLO, {})
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"retry_after": "3"}, 3.0, 3.0),
        ({"retry_after_ms": "1500", "retry_after": "9"}, 1.5, 1.5),
        ({"retry_after": email.utils.formatdate(time.time() + 3600, usegmt=True)}, 3_500.0, 3_600.0),
        ({}, 0.25, 8.0),
        ({"retry_after": "soon"}, 0.25, 8.0),
    ],
)
def test_a_rate_limit_is_waited_out(
    server: ChatServer, make: Make, headers: dict[str, str], low: float, high: float
) -> None:
    """As long as the provider asks: in seconds, milliseconds, until a date; else by our own growing wait."""
    waits: list[float] = []
    models = make(sleep=waits.append, deadline_s=3_600 if high > 100 else 100)
    server.script = [refused(429, "slow down", **headers)]
    answer = models.complete(MODEL, HELLO, {}, deadline_s=1e6)
    assert (answer.text, answer.retries, len(server.requests)) == ("I am gpt-4o-mini", 1, 2)
    assert len(waits) == 1
    assert low <= waits[0] <= high
    server.script = [refused(429, "slow down", **headers)]
    stream = models.stream(MODEL, HELLO, {}, deadline_s=1e6)
    list(stream)
    assert (stream.retries, len(waits)) == (1, 2)


def test_a_wait_beyond_the_deadline_fails_at_once(server: ChatServer, make: Make) -> None:
    """Nobody is kept waiting for nothing; the seconds are told."""
    waits: list[float] = []
    server.usual = refused(429, "slow down", retry_after="90")
    with pytest.raises(RateLimitError, match=r"asked too often .429: slow down.; try again in 90 s") as caught:
        make(sleep=waits.append, deadline_s=20).complete(MODEL, HELLO, {})
    assert caught.value.retry_after_s == 90.0
    assert (waits, len(server.requests)) == ([], 1)


def test_retry_after_dates() -> None:
    """A date in the past is no wait; nonsense is no wish."""
    assert retry_after_s({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, now=30.0) == 30.0
    assert retry_after_s({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, now=90.0) == 0.0
    assert retry_after_s({"retry-after": "-5"}) == 0.0
    assert retry_after_s({}) is None


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_failing_provider_is_asked_again(server: ChatServer, make: Make, status: int) -> None:
    """Up to max_retries times; then the last failure is told."""
    waits: list[float] = []
    server.script = [refused(status, "oops"), refused(status, "oops")]
    assert make(sleep=waits.append).complete(MODEL, HELLO, {}).retries == 2
    assert len(waits) == 2
    server.usual = refused(status, "oops")
    with pytest.raises(ProviderUnavailableError, match=rf"openai failed .{status}: oops"):
        make().complete(MODEL, HELLO, {}, max_retries=1)
    assert len(server.requests) == 5


def test_nobody_listens(server: ChatServer, make: Make) -> None:
    """No connection: the address and what to check."""
    models = make(max_retries=0)
    server.close()
    for ask in _both(models):
        with pytest.raises(
            ProviderUnavailableError, match=r"no connection to openai at http://127\.0\.0\.1:\d+/v1"
        ):
            ask()


def test_a_hung_connection(server: ChatServer, make: Make) -> None:
    """The deadline holds; nothing is tried again after it."""
    server.usual = Reply(delay_s=30)
    for ask in _both(make(deadline_s=0.3)):
        started = time.monotonic()
        with pytest.raises(
            ProviderTimeoutError, match=r"did not answer in time; try again, or raise calls.deadline_s"
        ):
            ask()
        assert time.monotonic() - started < 2.0
    assert len(server.requests) == 2


def test_a_stream_that_falls_silent(server: ChatServer, make: Make) -> None:
    """No sign of life for first_token_s: a time-out, and what had come stays readable."""
    server.script = [events("one ", "two ", pause_s=20)]
    stream = make(first_token_s=0.3).stream(MODEL, HELLO, {})
    with pytest.raises(ProviderTimeoutError):
        list(stream)
    assert stream.text == "one "


def test_a_stream_still_writing_at_the_deadline(server: ChatServer, make: Make) -> None:
    """A slow stream ends at the deadline."""
    server.script = [events(*["word "] * 100, pause_s=0.05)]
    stream = make().stream(MODEL, HELLO, {}, deadline_s=0.4)
    with pytest.raises(ProviderTimeoutError, match=r"did not answer in time|still writing at the deadline"):
        list(stream)
    assert stream.text.startswith("word ")


@pytest.mark.parametrize("finished", [True, False], ids=["without an end", "connection broken"])
def test_a_stream_cut_half_way(server: ChatServer, make: Make, finished: bool) -> None:
    """It is an error, however it ended; the text so far stays readable, and its usage is an estimate."""
    server.script = [events("one ", "two ", broken=True)]
    if finished:
        server.script = [Reply(200, events("one ", "two ", broken=True).pieces, "text/event-stream")]
    stream = make().stream(MODEL, HELLO, {})
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
def test_what_is_no_chat_completion(server: ChatServer, make: Make, reply: Reply, streamed: bool) -> None:
    """Not tried again; the sentence says what to check."""
    server.usual = reply
    with pytest.raises(MalformedResponseError, match=r"something that is not a chat completion .* ending in /v1"):
        _both(make())[streamed]()
    assert len(server.requests) == 1


def test_an_answer_that_leaves_out_what_it_may(server: ChatServer, make: Make) -> None:
    """A lenient server without finish reason, and with a usage that is none: an answer all the same."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}}
    server.script = [as_json({"choices": [choice], "usage": {"tokens": 5}})]
    answer = make().complete(MODEL, HELLO, {})
    assert (answer.text, answer.finish_reason) == ("Hi", None)
    assert answer.usage.estimated


def test_an_error_inside_a_stream(server: ChatServer, make: Make) -> None:
    """Some servers send an error as an event: it is an error, not an answer."""
    event = b'data: {"error": {"message": "overloaded"}}\n\n'
    server.usual = Reply(200, (event,), "text/event-stream")
    with pytest.raises(ProviderError, match="overloaded"):
        list(make(max_retries=0).stream(MODEL, HELLO, {}))


@pytest.mark.parametrize(
    ("text", "reason"), [("", "stop"), (None, "stop"), ("", "content_filter"), ("So", "length")]
)
def test_odd_but_valid_answers(server: ChatServer, make: Make, text: str | None, reason: str) -> None:
    """An empty or filtered answer is an answer; whoever asked may judge it."""
    server.script = [answered(text, reason), events(text or "", finish_reason=reason)]
    models = make()
    answer = models.complete(MODEL, HELLO, {})
    assert (answer.text, answer.finish_reason) == (text or "", reason)
    stream = models.stream(MODEL, HELLO, {})
    list(stream)
    assert (stream.text, stream.finish_reason) == (text or "", reason)
    assert (stream.first_token_ms is None) == (not text)


def test_closing_early_ends_the_call(server: ChatServer, make: Make) -> None:
    """The connection is closed, so the provider stops writing."""
    server.script = [events(*["x" * 50_000] * 400, pause_s=0.005)]
    stream = make().stream(MODEL, HELLO, {})
    next(stream)
    stream.close()
    stream.close()
    assert wait_for(server.hung_up.is_set)
    assert list(stream) == []


def test_several_providers_with_their_own_keys() -> None:
    """Each model goes to its own address with its own key; one without a key gets none of the others'."""
    with chat_server() as first, chat_server() as second, chat_server() as local:
        providers = {
            "openai": ProviderSettings(base_url=first.base_url),
            "other": ProviderSettings(base_url=second.base_url, api_key_env="OTHER_KEY"),
            "local": ProviderSettings(base_url=local.base_url, api_key_env=None),
        }
        environ = {"OPENAI_API_KEY": KEY, "OTHER_KEY": "second-key"}
        models = Models(Settings(providers=providers), environ=environ)
        texts = [models.complete(f"{name}/org/m-{name}", HELLO, {}).text for name in providers]
        models.close()
        assert texts == ["I am org/m-openai", "I am org/m-other", "I am org/m-local"]
        sent = [server.requests[0].headers["authorization"] for server in (first, second, local)]
    assert sent[:2] == [f"Bearer {KEY}", "Bearer second-key"]
    assert KEY not in sent[2]


def test_a_missing_key_is_told_before_any_connection(server: ChatServer) -> None:
    """The variable and the remedy; nothing was sent."""
    settings = Settings(providers={"openai": ProviderSettings(base_url=server.base_url)})
    for environ in ({}, {"OPENAI_API_KEY": ""}):
        models = Models(settings, environ=environ)
        assert models.missing_keys() == {"openai": "OPENAI_API_KEY"}
        for ask in _both(models):
            with pytest.raises(MissingKeyError, match=r"`export OPENAI_API_KEY=\.\.\.`, or .* ROUTER_SIMULATED=1"):
                ask()
    assert server.requests == []


def test_an_unknown_provider(make: Make) -> None:
    """The known ones are listed."""
    with pytest.raises(SettingsError, match=r"'nobody/m' names no known provider; known: \['openai'\]"):
        make().complete("nobody/m", HELLO, {})


def test_many_threads_share_one_client(server: ChatServer, make: Make) -> None:
    """Eight threads, ten calls each: every one gets the answer to its own question."""

    def echo(request: Request) -> Reply:
        return answered(request.body["messages"][0]["content"])

    server.usual = echo
    models = make()
    wrong: list[str] = []

    def work(thread: int) -> None:
        for number in range(10):
            asked = f"{thread}/{number}"
            if models.complete(MODEL, [{"role": "user", "content": asked}], {}).text != asked:
                wrong.append(asked)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []
    assert len(server.requests) == 80


def _usage(given: int, written: int) -> dict[str, Any]:
    return {"prompt_tokens": given, "completion_tokens": written, "total_tokens": given + written}


def _both(models: Models) -> list[Callable[[], object]]:
    """The same question asked whole and streamed."""
    return [lambda: models.complete(MODEL, HELLO, {}), lambda: list(models.stream(MODEL, HELLO, {}))]


def _everything_shown(error: BaseException) -> str:
    """What a traceback would print of an error."""
    return "".join(traceback.format_exception(error))
