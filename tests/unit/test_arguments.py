"""Whatever a program hands over is told by its own name, in a sentence of our tree; nothing is stored or sent."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from router_core.errors import ArgumentError, InvalidOutcomeError, PromptError, RouterError, SettingsError
from router_core.models.calls import Models
from router_core.models.errors import retry_after_s
from router_core.serving.library import Router
from router_core.serving.playground import Playground
from router_core.store import backup_store, open_store
from router_core.store.base import Store
from router_core.types import Price
from tests.servers import ChatServer, refused
from tests.unit.routing import CHEAP, HELLO, KEYS, ONLY, Make, asked


class Unwritable:
    """Whose text cannot be had."""

    def __repr__(self) -> str:
        raise KeyError("no")


def nested(depth: int) -> Any:
    """Lists in lists."""
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


def require_sentence(use: Callable[[], object]) -> None:
    """It works, or its error is one of ours and not long."""
    said = "it works, so there is nothing to say"
    try:
        use()
    except RouterError as error:
        said = str(error)
    assert 20 < len(said) < 700


ODD: dict[str, Any] = {
    "None": None,
    "a number": 5,
    "below zero": -1,
    "bytes": b"x",
    "huge": 10**400,
    "5,001 digits": 10**5_000,
    "nan": float("nan"),
    "inf": float("inf"),
    "half a character": "a\ud800",
    "NUL": "a\0b",
    "nested": nested(3_000),
    "an object": object(),
    "a class": dict,
    "a list": [1],
    "a mapping": {"a": object()},
    "a set": {1},
    "unwritable": Unwritable(),
    "a NaN that signals": Decimal("sNaN"),
    "endless": Decimal("1E+999999"),
    "a complex number": 1j,
    "True": True,
    "text": "text",
    "long": "x" * 500_000,
}
COMPLETION: dict[str, Callable[[Router, Any], object]] = {
    "messages": lambda router, odd: router.completion(odd),
    "message": lambda router, odd: router.completion([odd]),
    "content": lambda router, odd: router.completion([{"role": "user", "content": odd}]),
    "role": lambda router, odd: router.completion([{"role": odd, "content": "x"}, *HELLO]),
    "name": lambda router, odd: router.completion([{"role": "user", "content": "x", "name": odd}]),
    "task_type": lambda router, odd: router.completion(HELLO, task_type=odd),
    "timeout": lambda router, odd: router.completion(HELLO, timeout=odd),
    "stream": lambda router, odd: router.completion(HELLO, stream=odd),
    "return_request_id": lambda router, odd: router.completion(HELLO, return_request_id=odd),
    "temperature": lambda router, odd: router.completion(HELLO, temperature=odd),
    "tools": lambda router, odd: router.completion(HELLO, tools=[odd]),
    "extra_headers": lambda router, odd: router.completion(HELLO, extra_headers=odd),
    "a header": lambda router, odd: router.completion(HELLO, extra_headers={"x-a": odd}),
    "extra_query": lambda router, odd: router.completion(HELLO, extra_query=odd),
    "a part of a query": lambda router, odd: router.completion(HELLO, extra_query={"a": odd}),
    "extra_body": lambda router, odd: router.completion(HELLO, extra_body=odd),
}
OTHERS: dict[str, Callable[[Router, Any], object]] = {
    "decide": lambda router, odd: router.decide(odd),
    "decide task_type": lambda router, odd: router.decide(HELLO, task_type=odd),
    "prompt_id": lambda router, odd: router.decide(HELLO, prompt_id=odd),
    "decision_id": lambda router, odd: router.decide(HELLO, decision_id=odd),
    "request_id": lambda router, odd: router.report_outcome(odd, "success"),
    "outcome": lambda router, odd: router.report_outcome(asked(router), odd),
    "comment": lambda router, odd: router.report_outcome(asked(router), True, odd),
    "paths": lambda router, odd: Router(odd, store=router._store, environ=KEYS),
    "goal_id": lambda router, odd: Router(ONLY, goal_id=odd, store=router._store, environ=KEYS),
    "policy": lambda router, odd: Router(ONLY, policy=odd, store=router._store, environ=KEYS).decide(HELLO),
    "success_when": lambda router, odd: Router(ONLY, success_when=odd, store=router._store, environ=KEYS),
    "settings": lambda router, odd: Router(ONLY, settings=odd, store=router._store, environ=KEYS),
    "store": lambda router, odd: Router(ONLY, store=odd or router._store, environ=KEYS),
    "simulated": lambda router, odd: Router(ONLY, simulated=odd, store=router._store, environ=KEYS),
    "environ": lambda router, odd: Router(ONLY, store=router._store, environ={} if odd is None else odd),
    "prices": lambda router, odd: Router(ONLY, prices=odd, store=router._store, environ=KEYS),
    "a price": lambda router, odd: Router(ONLY, prices={CHEAP: odd}, store=router._store, environ=KEYS),
    "a rate": lambda router, odd: Router(
        ONLY, prices={CHEAP: Price(odd, Decimal(1))}, store=router._store, environ=KEYS
    ),
    "session": lambda router, odd: router.decide(HELLO, session=odd),
    "metadata": lambda router, odd: router.completion(HELLO, metadata=odd),
    "a value of metadata": lambda router, odd: router.completion(HELLO, metadata={"user": odd}),
    "log": lambda router, odd: router.decide(HELLO, log=odd),
    "cost_usd": lambda router, odd: reported(router, cost_usd=odd),
    "input_tokens": lambda router, odd: reported(router, input_tokens=odd, output_tokens=1),
    "output_tokens": lambda router, odd: reported(router, input_tokens=1, output_tokens=odd),
    "latency_ms": lambda router, odd: reported(router, latency_ms=odd),
    "text of a report": lambda router, odd: reported(router, text=odd),
    "error of a report": lambda router, odd: reported(router, error=odd),
    "from_settings": lambda router, odd: Router.from_settings(odd, store=router._store, environ=KEYS),
}


def reported(router: Router, **figures: Any) -> None:
    """A decision carried out elsewhere, and what that took."""
    router.report_outcome(router.decide(HELLO, log=True).id, True, **figures)


@pytest.mark.parametrize("use", (COMPLETION | OTHERS).values(), ids=(COMPLETION | OTHERS).keys())
def test_no_argument_raises_anything_but_a_sentence(
    make_router: Make, use: Callable[[Router, Any], object]
) -> None:
    """It works, or it is an error of our tree whose sentence is short."""
    router = make_router(ONLY)
    for odd in ODD.values():
        require_sentence(partial(use, router, odd))


def test_no_argument_of_a_store_raises_anything_but_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it lies, of which kind it is, how long to wait for it, and where a copy goes."""
    monkeypatch.chdir(tmp_path)
    usual = tmp_path / "usual.duckdb"
    open_store(usual).close()
    uses: list[Callable[[Any], object]] = [
        lambda odd: open_store(odd).close(),
        lambda odd: open_store(usual, kind=odd).close(),
        lambda odd: open_store(usual, environ=odd).close(),
        lambda odd: open_store(environ={"ROUTER_STORE": odd}).close(),
        lambda odd: open_store(usual, environ={"ROUTER_STORE_WAIT": odd}).close(),
        lambda odd: open_store(usual, read_only=odd).close(),
        lambda odd: open_store(usual, wait=odd).close(),
        lambda odd: backup_store(odd, usual),
    ]
    for use in uses:
        for name, odd in ODD.items():
            if name != "inf":  # waiting for ever is allowed where nobody holds the file
                require_sentence(partial(use, odd))


@pytest.mark.parametrize(
    ("name", "odd"),
    [
        ("temperature", float("nan")),
        ("temperature", 10**400),
        ("top_p", float("-inf")),
        ("seed", object()),
        ("stop", "\ud800"),
        ("metadata", {"a": {"b": nested(200)}}),
        ("logit_bias", {1: 2}),
        ("response_format", dict),
        ("timeout", float("inf")),
        ("timeout", float("nan")),
        ("timeout", 10**400),
        ("timeout", True),
        ("timeout", "5"),
        ("stream", "yes"),
        ("return_request_id", "no"),
        ("task_type", 5),
        ("extra_headers", {"x-a": "\ud800"}),
        ("extra_headers", {"x-a": "a\r\nb: c"}),
        ("extra_headers", {"x a": "b"}),
        ("extra_headers", {"x-a": 5}),
        ("extra_query", "a=b"),
        ("extra_body", [1]),
    ],
)
def test_the_argument_is_named_before_anything_is_stored_or_sent(
    make_router: Make, server: ChatServer, store: Store, name: str, odd: Any
) -> None:
    """Not the base URL, not the key, not the connection."""
    with pytest.raises(ArgumentError, match=f"^{name}") as caught:
        make_router(ONLY).completion(HELLO, **{name: odd})
    assert "key" not in str(caught.value)
    assert (server.requests, store.recent_prompts(1)) == ([], [])


def test_a_header_that_may_be_a_key_is_not_quoted(make_router: Make) -> None:
    """Its name is enough."""
    with pytest.raises(ArgumentError, match="'authorization'") as caught:
        make_router(ONLY).completion(HELLO, extra_headers={"authorization": "Bearer hush–quiet"})
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([{"role": "user", "content": nested(3_000)}], "messages is nested more than 100 deep"),
        ([{"role": "user", "content": "a\udc00"}], r"messages\[0\]\.content holds half a character"),
        ([{"role": "user", "content": "x", "y": float("nan")}], r"messages\[0\]\.y is nan"),
        ([{"role": "user", "content": "x", 5: 6}], r"messages\[0\] has the name '5'"),
        (None, "the list of messages is empty"),
    ],
)
def test_messages_are_told_by_their_place(make_router: Make, messages: Any, said: str) -> None:
    """By completion and by decide."""
    router = make_router(ONLY)
    for use in (router.completion, router.decide):
        with pytest.raises(PromptError, match=said):
            use(messages)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ((None, True), ArgumentError, "request_id is 'None'"),
        ((5, True), ArgumentError, "request_id is '5'"),
        (("id", 10**400), InvalidOutcomeError, "is not an outcome"),
        (("id", 10**5_000), InvalidOutcomeError, "a whole number of 16,610 bits is not an outcome"),
        (("id", True, None), ArgumentError, "comment is 'None'"),
        (("id", True, b"good"), ArgumentError, "comment is .b'good'"),
        (("id", True, "x" * 50_000_000), ArgumentError, "comment has 50,000,000 characters; at most 100,000"),
    ],
    ids=["no id", "a number as id", "huge", "5,001 digits", "no comment", "bytes", "50 MB"],
)
def test_reports_name_what_is_wrong(make_router: Make, given: Any, error: type[Exception], said: str) -> None:
    """Of an outcome, its id and its comment."""
    with pytest.raises(error, match=said):
        make_router(ONLY).report_outcome(*given)


def test_the_playground_answers_in_sentences_too(make_router: Make, store: Store) -> None:
    """Comparing and rating."""
    router = make_router(ONLY)
    request_id = asked(router)
    models = Models(router._settings, environ=KEYS)
    playground = Playground(router._settings, store, models)
    uses: list[Callable[[Any], object]] = [
        lambda odd: playground.compare(odd, "default"),
        lambda odd: playground.compare(HELLO, odd),
        lambda odd: playground.compare(HELLO, "default", task_type=odd),
        lambda odd: playground.compare(HELLO, "default", params=odd),
        lambda odd: playground.compare(HELLO, "default", params={"temperature": odd}),
        lambda odd: playground.rate(odd, 1),
        lambda odd: playground.rate(request_id, odd),
        lambda odd: playground.rate(request_id, 1, comment=odd),
        lambda odd: playground.rate(request_id, 1, chips=odd),
        lambda odd: playground.rate(request_id, 1, chips=[odd]),
        lambda odd: playground.rate(request_id, 1, blinded=odd),
    ]
    for use in uses:
        for odd in ODD.values():
            require_sentence(partial(use, odd))
    playground.close()
    models.close()


def test_an_argument_error_is_a_settings_error() -> None:
    """As a time-out that is none has been all along."""
    assert issubclass(ArgumentError, SettingsError)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("inf", None),
        ("Infinity", None),
        ("nan", None),
        ("-inf", None),
        ("1e400", None),
        ("-5", 0.0),
        ("0", 0.0),
        ("1e300", 30 * 86_400.0),
        ("99999999999", 30 * 86_400.0),
        ("Thu, 31 Dec 9999 23:59:59 GMT", 30 * 86_400.0),
        ("Thu, 01 Jan 1970 00:01:00 -0000", 30.0),
        ("Thu, 99 Foo 1970 00:01:00 GMT", None),
        ("", None),
        ("soon", None),
    ],
)
def test_how_long_a_provider_asks_to_wait(header: str, seconds: float | None) -> None:
    """Numbers that are none, dates that are none, and waits beyond all patience."""
    assert retry_after_s({"retry-after": header}, now=30.0) == seconds


@pytest.mark.parametrize(
    ("header", "said"),
    [("inf", "try again a little later"), ("1e300", "try again in 30 days"), ("600", "try again in 10 minutes")],
)
def test_a_wait_is_told_as_a_person_would(make_router: Make, server: ChatServer, header: str, said: str) -> None:
    """Never in infinite seconds."""
    server.usual = refused(429, "slow down", retry_after=header)
    with pytest.raises(RouterError, match=said):
        make_router(ONLY).completion(HELLO)
