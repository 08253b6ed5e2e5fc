"""What programs bring from the openai client: it works, or a sentence says what to do."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import httpx2
import openai
import pytest
from pydantic import BaseModel

from router_core.client_arguments import seconds
from router_core.errors import ArgumentError, SettingsError
from router_core.store.base import Store
from tests.servers import ChatServer, answered
from tests.unit.routing import HELLO, ONLY, Make, last


class Spam(BaseModel):
    """An answer in parts."""

    spam: bool
    why: str


@dataclasses.dataclass
class Plain:
    """The same without Pydantic."""

    spam: bool


def test_a_class_as_the_form_of_the_answer(make_router: Make, server: ChatServer) -> None:
    """Its strict schema is sent, and the answer holds the object; the message goes back into a conversation."""
    router = make_router(ONLY)
    server.usual = answered('{"spam": true, "why": "a prize"}')
    response = router.completion(HELLO, response_format=Spam)
    message: Any = response.choices[0].message
    assert message.parsed == Spam(spam=True, why="a prize")
    sent = server.requests[0].body["response_format"]
    assert (sent["type"], sent["json_schema"]["name"], sent["json_schema"]["strict"]) == (
        "json_schema",
        "Spam",
        True,
    )
    assert sent["json_schema"]["schema"]["additionalProperties"] is False
    router.completion([*HELLO, message, *HELLO])
    assert server.requests[1].body["messages"][1] == {"role": "assistant", "content": message.content}
    server.usual = answered('{"spam": true}')
    parsed: Any = router.completion(HELLO, response_format=Plain).choices[0].message
    assert parsed.parsed == Plain(True)


def test_an_answer_that_is_not_of_the_class(make_router: Make, server: ChatServer, store: Store) -> None:
    """It was paid for, so it comes as it is, with no object; a stream sends the schema, too."""
    server.usual = answered('{"spam": tr', "length")
    router = make_router(ONLY)
    response, _ = router.completion(HELLO, response_format=Spam, return_request_id=True)
    assert response.choices[0].message.parsed is None  # type: ignore[union-attr, attr-defined]
    assert last(store).completions[0].text == '{"spam": tr'
    list(router.completion(HELLO, response_format=Spam, stream=True))
    assert server.requests[1].body["response_format"]["type"] == "json_schema"


class Odd(BaseModel):
    """Has no schema."""

    model_config = {"arbitrary_types_allowed": True}
    thing: openai.OpenAI


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"response_format": dict}, r"^response_format is the class dict; give a Pydantic model, a dataclass, or"),
        (
            {"response_format": Odd},
            r"^response_format is the class Odd, which has no JSON schema \(.*\); give a simpl",
        ),
        ({"model": "gpt-4o"}, r"^model is 'gpt-4o', but the router chooses the model: leave it out, or name"),
        ({"extra_body": {"model": "x"}}, r"^extra_body\.model is 'x', but the router chooses the model"),
        ({"extra_body": {"messages": []}}, r"^extra_body\.messages is '\[\]', but the messages are the first arg"),
        ({"extra_body": {"stream": True}}, r"^extra_body\.stream is 'True', but say stream=True to completion"),
    ],
)
def test_what_the_router_itself_sets(make_router: Make, server: ChatServer, params: Any, said: str) -> None:
    """Nothing is ignored in silence, and nothing is sent."""
    with pytest.raises(ArgumentError, match=said):
        make_router(ONLY).completion(HELLO, **params)
    assert server.requests == []


@pytest.mark.parametrize("sentinel", [openai.NOT_GIVEN, openai.omit])
def test_what_the_client_calls_not_given(make_router: Make, server: ChatServer, sentinel: Any) -> None:
    """Is not sent; no model is no choice of one."""
    given = {"temperature": sentinel, "response_format": sentinel, "timeout": sentinel, "model": None}
    make_router(ONLY).completion(HELLO, **given)
    assert not {"temperature", "response_format", "timeout"} & server.requests[0].body.keys()
    assert server.requests[0].body["model"] == "gpt-4o-mini"


def test_time_outs_in_parts(make_router: Make) -> None:
    """The longest part of an httpx.Timeout, old or new; without a limit a day; other things are refused."""
    assert seconds(httpx2.Timeout(30, connect=5)) == 30.0
    assert seconds(openai.Timeout(5, read=60)) == 60.0
    assert seconds(SimpleNamespace(connect=1, read=2.5, write=1, pool=1)) == 2.5
    assert seconds(httpx2.Timeout(None)) == 86_400.0
    assert (seconds(None), seconds(7)) == (None, 7)
    router = make_router(ONLY)
    assert router.completion(HELLO, timeout=httpx2.Timeout(30)).choices
    for timeout in ("30", httpx2.Timeout(0), True):
        with pytest.raises(ArgumentError, match=r"^timeout is "):
            router.completion(HELLO, timeout=timeout)


@pytest.mark.parametrize(
    "use",
    [
        lambda router: router.completion.with_raw_response(HELLO),
        lambda router: router.completion.with_raw_response.create(messages=HELLO),
        lambda router: router.completion.with_streaming_response(HELLO),
        lambda router: router.completion.parse(HELLO, response_format=Spam),
        lambda router: router.completion.create(messages=HELLO),
        lambda router: router.chat.completions.create(model="gpt-4o", messages=HELLO),
        lambda router: router.chat.completions.parse(messages=HELLO),
        lambda router: router.beta.chat.completions.parse(messages=HELLO),
        lambda router: router.with_raw_response.completion(HELLO),
        lambda router: router.responses.create(input="x"),
        lambda router: router.parse(HELLO),
    ],
)
def test_what_the_client_has_and_a_router_has_not(make_router: Make, use: Any) -> None:
    """A sentence that names it and says what to do."""
    with pytest.raises(ArgumentError, match=r"^a router has no [a-z_.]+; .*(completion|message\.parsed)"):
        use(make_router(ONLY))


def test_other_names_are_missing(make_router: Make) -> None:
    """As of any object."""
    with pytest.raises(AttributeError, match=r"^'Router' object has no attribute 'complete'$"):
        make_router(ONLY).complete  # type: ignore[attr-defined]  # noqa: B018 - asking for it is the test
    assert issubclass(ArgumentError, SettingsError)
