"""What goes over the wire and for how long at most: parameters, keys, and the limit of a whole response."""

from __future__ import annotations

from typing import Any

import pytest

from router_core.errors import (
    AuthenticationError,
    ProviderTimeoutError,
    RequestRejectedError,
    SettingsError,
)
from router_core.models.calls import Models
from router_core.settings import CallSettings, ProviderSettings, Settings
from tests.servers import ChatServer, Reply, answered, events, refused

MODEL = "openai/gpt-4o"
HELLO = [{"role": "user", "content": "Say hello."}]


def models_at(server: ChatServer, key: str = "some-key", **calls: Any) -> Models:
    """Models at that server; waits between tries take no time."""
    settings = Settings(
        providers={"openai": ProviderSettings(base_url=server.base_url)}, calls=CallSettings(**calls)
    )
    return Models(settings, environ={"OPENAI_API_KEY": key}, sleep=lambda seconds: None)


def test_parameters_reach_the_wire_even_those_the_client_does_not_know(server: ChatServer) -> None:
    """Known, unknown and extra_body parameters are in the body; extra headers and query are sent."""
    models = models_at(server)
    models.complete(
        MODEL,
        HELLO,
        {
            "temperature": 0.5,
            "response_format": {"type": "json_object"},
            "top_k": 40,
            "extra_body": {"min_p": 0.1},
            "extra_headers": {"X-Title": "playground"},
            "extra_query": {"version": "2"},
        },
    )
    models.close()
    (request,) = server.requests
    assert request.body == {
        "model": "gpt-4o",
        "messages": HELLO,
        "temperature": 0.5,
        "response_format": {"type": "json_object"},
        "top_k": 40,
        "min_p": 0.1,
    }
    assert request.headers["x-title"] == "playground"
    assert request.path == "/v1/chat/completions?version=2"


@pytest.mark.parametrize("stream", [False, True])
def test_parameters_cannot_replace_what_the_call_itself_says(server: ChatServer, stream: bool) -> None:
    """Model, messages, stream and time-out are the call's own, whatever stands in the parameters."""
    models = models_at(server)
    params = {"model": "else", "messages": [], "stream": not stream, "timeout": 0.000001, "seed": 3}
    if stream:
        list(models.stream(MODEL, HELLO, params))
    else:
        assert models.complete(MODEL, HELLO, params).text == "I am gpt-4o"
    models.close()
    body = server.requests[0].body
    assert (body["model"], body["messages"], body["seed"]) == ("gpt-4o", HELLO, 3)
    assert body.get("stream", False) is stream
    assert "timeout" not in body


def test_the_callers_own_stream_options_are_sent_as_they_are(server: ChatServer) -> None:
    """Until a provider turns them down: then it is asked again without them."""
    models = models_at(server)
    server.script = [refused(400, "Unknown parameter: stream_options"), events("a")]
    params = {"stream_options": {"include_usage": False}}
    list(models.stream(MODEL, HELLO, params))
    models.close()
    assert [request.body.get("stream_options") for request in server.requests] == [{"include_usage": False}, None]


def test_a_parameter_that_is_no_json(server: ChatServer) -> None:
    """The parameters are named as the cause, and nothing is sent."""
    models = models_at(server)
    with pytest.raises(RequestRejectedError, match=r"could not be asked .*JSON.*; check its parameters"):
        models.complete(MODEL, HELLO, {"seed": object()})
    models.close()
    assert server.requests == []


def test_a_line_break_behind_the_key_is_not_sent(server: ChatServer) -> None:
    """A key read from a file with its last line break works; a blank one counts as missing."""
    models = models_at(server, key="some-key\n")
    models.complete(MODEL, HELLO, {})
    models.close()
    assert server.requests[0].headers["authorization"] == "Bearer some-key"
    assert models_at(server, key=" \n").missing_keys() == {"openai": "OPENAI_API_KEY"}


def test_a_key_with_a_letter_that_no_header_can_hold(server: ChatServer) -> None:
    """A key pasted with a typographic dash is named as the cause, without its value."""
    models = models_at(server, key="hush–quiet")
    with pytest.raises(AuthenticationError, match=r"OPENAI_API_KEY.*copy it once more") as caught:
        models.complete(MODEL, HELLO, {})
    models.close()
    assert "quiet" not in str(caught.value)


@pytest.mark.parametrize("model", ["gpt-4o", "openai", ""])
def test_a_model_without_its_provider(server: ChatServer, model: str) -> None:
    """The form of a model's id is shown by example."""
    with pytest.raises(SettingsError, match=r"as in 'openai/gpt-4o'"):
        models_at(server).complete(model, HELLO, {})


@pytest.mark.parametrize("status", [408, 409])
def test_conflicts_and_request_timeouts_pass(server: ChatServer, status: int) -> None:
    """408 and 409 are tried again."""
    models = models_at(server)
    server.script = [refused(status), answered("Fine.")]
    answer = models.complete(MODEL, HELLO, {})
    models.close()
    assert (answer.text, answer.retries) == ("Fine.", 1)


@pytest.mark.parametrize("stream", [False, True])
def test_signs_of_life_without_an_answer_do_not_outlast_the_deadline(server: ChatServer, stream: bool) -> None:
    """Blanks before a plain answer and comments before a stream keep a line open, but not for ever."""
    sign = b": still thinking\n\n" if stream else b" "
    server.usual = Reply(200, (sign,) * 1_000, "text/event-stream" if stream else "application/json", pause_s=0.02)
    models = models_at(server, deadline_s=0.4)
    with pytest.raises(ProviderTimeoutError):
        (models.stream if stream else models.complete)(MODEL, HELLO, {})
    models.close()
    assert len(server.requests) == 1


def test_a_slow_answer_within_the_deadline_is_read_whole(server: ChatServer) -> None:
    """Signs of life before the answer do no harm."""
    whole = answered("Hello.")
    server.usual = Reply(200, (b" ",) * 5 + whole.pieces, pause_s=0.01)
    models = models_at(server)
    assert models.complete(MODEL, HELLO, {}).text == "Hello."
    models.close()


def test_a_client_is_made_anew_after_close(server: ChatServer) -> None:
    """Closing twice is harmless, and a call after it works."""
    models = models_at(server)
    models.complete(MODEL, HELLO, {})
    models.close()
    models.close()
    assert models.complete(MODEL, HELLO, {}).text == "I am gpt-4o"
    models.close()
