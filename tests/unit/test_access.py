"""The middleware that decides who may look, spoken to in plain ASGI."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, MutableMapping
from typing import Any

import pytest

from router_core.serving.access import AccessMiddleware, Receive, Scope, Send, why_not_listen
from router_core.settings.hosts import AllowedHost

OWN = "127.0.0.1:8501"
CLIENT = ("127.0.0.1", 5000)
LISTED = ("router.example", "10.0.0.5:8501")


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """What is protected: it says who came in, with headers that are in the way."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
    elif scope["type"] == "http":
        headers = [
            (b"X-Frame-Options", b"ALLOWALL"),
            (b"content-security-policy", b"script-src 'self'"),
            (b"a", b"b"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"the history"})
    else:
        scope["seen"] = True


def finish(call: Coroutine[Any, Any, None]) -> None:
    """Run a call that never has to wait; browser tests keep an event loop of their own in this thread."""
    with pytest.raises(StopIteration):
        call.send(None)


def sent(
    headers: Mapping[str, str] | list[tuple[str, str]],
    allowed: tuple[str, ...] = (),
    kind: str = "http",
    client: tuple[str, int] | None = CLIENT,
    **scope: Any,
) -> list[MutableMapping[str, Any]]:
    """Everything that is sent in answer to one request."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    raw = [(name.encode(), value.encode("latin-1")) for name, value in pairs]
    messages: list[MutableMapping[str, Any]] = []
    incoming = [{"type": "websocket.connect"}]

    async def receive() -> MutableMapping[str, Any]:
        return incoming.pop()

    async def send(message: MutableMapping[str, Any]) -> None:
        messages.append(message)

    middleware = AccessMiddleware(app, tuple(AllowedHost.read(one) for one in allowed))
    finish(middleware({"type": kind, "headers": raw, "client": client, **scope}, receive, send))
    return messages


def status(*args: Any, **kwargs: Any) -> int:
    """The status of the answer."""
    return int(sent(*args, **kwargs)[0]["status"])


def opens(*args: Any, **kwargs: Any) -> bool:
    """Whether a websocket opens; one that does not is closed before it was accepted."""
    messages = sent(*args, kind="websocket", **kwargs)
    assert [one["type"] for one in messages] in (["websocket.accept"], ["websocket.close"])
    return messages[0]["type"] == "websocket.accept"


@pytest.mark.parametrize(
    ("host", "allowed", "answered"),
    [
        (OWN, (), True),
        ("localhost:8501", (), True),
        ("[::1]:8501", (), True),
        ("evil.example:8501", (), False),
        ("localhost.evil.example:8501", (), False),
        ("10.0.0.5:8501", (), False),
        ("router.example", LISTED, True),
        ("ROUTER.example.:8501", LISTED, True),
        ("10.0.0.5:8501", LISTED, True),
        ("10.0.0.5:9", LISTED, False),
        ("evil.example", LISTED, False),
        (OWN, LISTED, True),
    ],
)
def test_the_host_decides(host: str, allowed: tuple[str, ...], answered: bool) -> None:
    """For pages, for routes of an API, and for the websocket."""
    for method in ("GET", "POST", "OPTIONS"):
        for path in ("/", "/_stcore/health", "/v1/chat/completions"):
            assert status({"host": host}, allowed, method=method, path=path) == (200 if answered else 403)
    assert opens({"host": host}, allowed) is answered


@pytest.mark.parametrize("headers", [{}, {"host": ""}, {"host": "a b"}, [("host", OWN), ("host", "evil.example")]])
def test_without_one_readable_host_nothing_is_answered(headers: Any) -> None:
    """Two of them could be read differently by whoever stands between."""
    assert status(headers) == 403
    assert not opens(headers)


@pytest.mark.parametrize(
    ("origin", "allowed", "answered"),
    [
        (f"http://{OWN}", (), True),
        ("http://127.0.0.1:8502", (), False),
        ("http://localhost:8501", (), False),
        ("http://127.0.0.1", (), False),
        ("https://evil.example", (), False),
        ("null", (), False),
        ("", (), False),
        ("https://router.example", LISTED, True),
        ("https://router.example:9000", LISTED, False),
        ("http://10.0.0.5:8501", LISTED, True),
        ("http://10.0.0.5", LISTED, False),
    ],
)
def test_the_origin_decides(origin: str, allowed: tuple[str, ...], answered: bool) -> None:
    """The page's own host and port, or a listed one; a request without an Origin comes from no page's script."""
    headers = {"host": OWN, "origin": origin}
    assert status(headers, allowed, method="POST") == (200 if answered else 403)
    assert opens(headers, allowed) is answered
    assert opens({"host": OWN}, allowed)


def test_two_origins_are_none() -> None:
    """Even where one of them is right."""
    assert not opens([("host", OWN), ("origin", f"http://{OWN}"), ("origin", "http://evil.example")])


def test_an_encrypted_page_is_not_called_by_a_plain_one() -> None:
    """Its origin is another, although host and port are not written."""
    assert opens({"host": "a.example", "origin": "https://a.example"}, ("a.example:443",), scheme="wss")
    assert not opens({"host": "a.example", "origin": "http://a.example"}, ("a.example:443",), scheme="wss")


@pytest.mark.parametrize("client", [("192.0.2.7", 5000), ("2001:db8::1", 5000), ("a-name", 0)])
def test_other_machines_need_a_list(client: tuple[str, int]) -> None:
    """A Host header is easily written: without a list this machine alone is answered, wherever it listens."""
    assert status({"host": OWN}, client=client) == 403
    assert not opens({"host": OWN}, client=client)
    assert status({"host": "router.example"}, LISTED, client=client) == 200


def test_a_local_socket_has_no_client_address() -> None:
    """Whoever can open it is on this machine."""
    assert status({"host": "localhost"}, client=None) == 200


@pytest.mark.parametrize("host", [OWN, "evil.example"])
def test_every_answer_has_the_headers(host: str) -> None:
    """Refusals, too; the app's own of the same name go, its own policy stays beside ours."""
    start = sent({"host": host})[0]
    headers = [(name.lower(), value) for name, value in start["headers"]]
    assert [value for name, value in headers if name == b"x-frame-options"] == [b"DENY"]
    assert (b"x-content-type-options", b"nosniff") in headers
    assert (b"referrer-policy", b"no-referrer") in headers
    assert (b"cross-origin-resource-policy", b"same-origin") in headers
    policies = [value for name, value in headers if name == b"content-security-policy"]
    assert any(b"frame-ancestors 'none'" in one for one in policies)
    assert (b"script-src 'self'" in policies) is (host == OWN)
    assert ((b"a", b"b") in headers) is (host == OWN)


def test_a_refusal_is_a_sentence_and_nothing_else() -> None:
    """The name, what to do, and not a word of the app."""
    start, body = sent({"host": "evil.example:8501"})
    assert dict(start["headers"])[b"content-type"] == b"text/plain; charset=utf-8"
    assert body["body"].decode() == (
        "This server does not answer to the name 'evil.example'. If that is its name, start it with"
        " ROUTER_ALLOWED_HOSTS=evil.example.\n"
    )
    _, body = sent({"host": OWN, "origin": "http://127.0.0.1:9"})
    assert body["body"].startswith(b"The page at 'http://127.0.0.1:9' may not call this server")


def test_the_life_of_the_server_is_not_a_request() -> None:
    """Starting and stopping pass."""
    scope: Scope = {"type": "lifespan"}

    async def nothing(*args: Any) -> Any:
        """Is not called."""

    finish(AccessMiddleware(app)(scope, nothing, nothing))
    assert scope["seen"]


@pytest.mark.parametrize(
    ("address", "fine"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("[::1]", True), ("127.0.0.2", True),
     ("unix:///run/router.sock", True), ("0.0.0.0", False), ("::", False), ("", False), (None, False),
     ("192.0.2.7", False), ("router.example", False)],
)  # fmt: skip
def test_where_it_may_listen(address: str | None, fine: bool) -> None:
    """At this machine alone, unless the names are known under which others may call it."""
    why = why_not_listen(address, ())
    assert (why is None) is fine
    assert why is None or "set ROUTER_ALLOWED_HOSTS to those names" in why
    assert why_not_listen(address, (AllowedHost.read("router.example"),)) is None
