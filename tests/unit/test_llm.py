"""Calling models, against a real server on loopback: answers, streams, keys and threads."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from router_core.errors import (
    MissingKeyError,
    SettingsError,
)
from router_core.models.calls import Models
from router_core.models.client import live_client
from router_core.settings import ProviderSettings, Settings
from router_core.types import NO_REASON, Usage
from tests.servers import ChatServer, Reply, Request, answered, as_json, chat_server, events, refused, wait_for
from tests.unit.asking import HELLO, KEY, MODEL, Make, both


def test_a_plain_answer(server: ChatServer, make_models: Make) -> None:
    """Text, finish reason and the provider's own usage; key, model, messages and params are on the wire."""
    server.script = [answered("Hi!", usage={**_usage(11, 7), "prompt_tokens_details": {"cached_tokens": 4}})]
    answer = make_models().complete(MODEL, HELLO, {"temperature": 0.5, "extra_body": {"top_k": 3}})
    assert (answer.text, answer.finish_reason, answer.retries) == ("Hi!", "stop", 0)
    assert answer.usage == Usage(11, 7, 4)
    assert answer.response.choices[0].message.content == "Hi!"
    assert 0 < answer.total_ms < 5_000
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body == {"model": "gpt-4o-mini", "messages": HELLO, "temperature": 0.5, "top_k": 3}


def test_an_answer_without_usage_is_estimated(server: ChatServer, make_models: Make) -> None:
    """About a token per four characters, marked as an estimate."""
    server.script = [answered("12345678", usage=None)]
    assert make_models().complete(MODEL, HELLO, {}).usage == Usage(7, 2, 0, estimated=True)


def test_a_streamed_answer(server: ChatServer, make_models: Make) -> None:
    """The pieces as they come, then usage; the whole is gathered."""
    server.script = [events("Once ", "upon ", "a time")]
    with make_models().stream(MODEL, HELLO, {}) as stream:
        pieces = [chunk.choices[0].delta.content for chunk in stream if chunk.choices]
    assert [piece for piece in pieces if piece] == ["Once ", "upon ", "a time"]
    assert (stream.text, stream.finish_reason, stream.retries) == ("Once upon a time", "stop", 0)
    assert stream.usage == Usage(11, 7)
    assert stream.first_token_ms is not None
    assert 0 < stream.first_token_ms <= stream.total_ms
    assert server.requests[0].body["stream_options"] == {"include_usage": True}
    assert list(stream) == []


def test_a_stream_without_usage_is_estimated(server: ChatServer, make_models: Make) -> None:
    """Not every compatible server honours include_usage."""
    server.script = [events("12345678", usage=None)]
    stream = make_models().stream(MODEL, HELLO, {})
    list(stream)
    assert stream.usage == Usage(7, 2, 0, estimated=True)


def test_stream_options_turned_down(server: ChatServer, make_models: Make) -> None:
    """Asked once more without them, and never with them again."""
    server.script = [refused(400, "Unknown parameter: stream_options"), events("a"), events("b")]
    models = make_models()
    texts = []
    for _ in range(2):
        stream = models.stream(MODEL, HELLO, {})
        list(stream)
        texts.append(stream.text)
    assert texts == ["a", "b"]
    assert ["stream_options" in request.body for request in server.requests] == [True, False, False]


def test_an_answer_that_leaves_out_what_it_may(server: ChatServer, make_models: Make) -> None:
    """A lenient server without finish reason, and with a usage that is none: an answer all the same."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}}
    server.script = [as_json({"choices": [choice], "usage": {"tokens": 5}})]
    answer = make_models().complete(MODEL, HELLO, {})
    assert (answer.text, answer.finish_reason) == ("Hi", NO_REASON)
    assert answer.usage.estimated


@pytest.mark.parametrize(
    ("text", "reason"), [("", "stop"), (None, "stop"), ("", "content_filter"), ("So", "length")]
)
def test_odd_but_valid_answers(server: ChatServer, make_models: Make, text: str | None, reason: str) -> None:
    """An empty or filtered answer is an answer; whoever asked may judge it."""
    server.script = [answered(text, reason), events(text or "", finish_reason=reason)]
    models = make_models()
    answer = models.complete(MODEL, HELLO, {})
    assert (answer.text, answer.finish_reason) == (text or "", reason)
    stream = models.stream(MODEL, HELLO, {})
    list(stream)
    assert (stream.text, stream.finish_reason) == (text or "", reason)
    assert (stream.first_token_ms is None) == (not text)


def test_closing_early_ends_the_call(server: ChatServer, make_models: Make) -> None:
    """The connection is closed, so the provider stops writing."""
    server.script = [events(*["x" * 50_000] * 400, pause_s=0.005)]
    stream = make_models().stream(MODEL, HELLO, {})
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
            "other": ProviderSettings(base_url=second.base_url, api_key_env="OTHER_API_KEY"),
            "local": ProviderSettings(base_url=local.base_url, api_key_env=None),
        }
        environ = {"OPENAI_API_KEY": KEY, "OTHER_API_KEY": "second-key"}
        models = Models(Settings(providers=providers), environ=environ)
        texts = [models.complete(f"{name}/org/m-{name}", HELLO, {}).text for name in providers]
        models.close()
        assert texts == ["I am org/m-openai", "I am org/m-other", "I am org/m-local"]
        sent = [server.requests[0].headers["authorization"] for server in (first, second, local)]
    assert sent[:2] == [f"Bearer {KEY}", "Bearer second-key"]
    assert KEY not in sent[2]


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "DATABASE_URL"])
def test_another_secret_of_the_environment_is_not_sent(server: ChatServer, name: str) -> None:
    """Whatever the settings name: nothing is sent, and the sentence says which variables are allowed."""
    provider = ProviderSettings(base_url=server.base_url, api_key_env=name)
    models = Models(Settings(providers={"openai": provider}), environ={name: "never-sent-0123"})
    assert models.missing_keys() == {"openai": name}
    for ask in both(models):
        with pytest.raises(
            MissingKeyError, match=rf"{name} may not hold a provider's key; allowed names: \*API_KEY"
        ):
            ask()
    assert server.requests == []
    allowed = Models(
        Settings(providers={"openai": provider}), environ={name: "sent-0123", "ROUTER_KEY_VARIABLES": name}
    )
    allowed.complete(MODEL, HELLO, {})
    assert server.requests[0].headers["authorization"] == "Bearer sent-0123"
    allowed.close()


def test_variables_of_the_client_go_to_openai_alone(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The openai client adds headers from its own variables, which may hold keys; other providers get none."""
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Gateway-Key: never-sent-0123")
    monkeypatch.setenv("OPENAI_ORG_ID", "never-sent-org")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "never-sent-project")
    settings = Settings(providers={"openai": ProviderSettings(base_url=server.base_url)})
    models = Models(settings, environ={"OPENAI_API_KEY": KEY})
    for ask in both(models):
        ask()
    models.close()
    assert len(server.requests) == 2
    assert "never-sent" not in str([one.headers for one in server.requests])
    theirs = live_client("https://api.openai.com/v1", KEY)
    assert theirs.default_headers["OpenAI-Organization"] == "never-sent-org"
    assert theirs.default_headers["X-Gateway-Key"] == "never-sent-0123"
    theirs.close()


def test_a_missing_key_is_told_before_any_connection(server: ChatServer) -> None:
    """The variable and the remedy; nothing was sent."""
    settings = Settings(providers={"openai": ProviderSettings(base_url=server.base_url)})
    for environ in ({}, {"OPENAI_API_KEY": ""}):
        models = Models(settings, environ=environ)
        assert models.missing_keys() == {"openai": "OPENAI_API_KEY"}
        for ask in both(models):
            with pytest.raises(MissingKeyError, match=r"`export OPENAI_API_KEY=\.\.\.`, or .* ROUTER_SIMULATED=1"):
                ask()
    assert server.requests == []


def test_an_unknown_provider(make_models: Make) -> None:
    """The known ones are listed."""
    with pytest.raises(SettingsError, match=r"'nobody/m' names no known provider; known: \['openai'\]"):
        make_models().complete("nobody/m", HELLO, {})


def test_many_threads_share_one_client(server: ChatServer, make_models: Make) -> None:
    """Eight threads, ten calls each: every one gets the answer to its own question."""

    def echo(request: Request) -> Reply:
        return answered(request.body["messages"][0]["content"])

    server.usual = echo
    models = make_models()
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
