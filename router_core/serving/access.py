"""An ASGI middleware that lets in only requests to an allowed host, from the app's own pages, outside frames.

A browser sends what any page asks for, also to this machine: a foreign name that leads here (DNS rebinding), a
program's page on another port, a frame. Each gives itself away by its Host or Origin header. This is not a login:
whoever can reach the server under an allowed name may look.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from typing import Any, ClassVar, Final

from router_core.settings.environment import ALLOWED_HOSTS
from router_core.settings.hosts import AllowedHost, Host, Origin, is_loopback_address

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADERS: Final = {
    b"x-frame-options": b"DENY",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
}
"""Sent with every answer, in place of the app's own of that name."""

POLICY: Final = (
    b"frame-ancestors 'none'; img-src 'self' data: blob:; media-src 'self' data: blob:; object-src 'none';"
    b" base-uri 'self'; form-action 'self'"
)
"""Sent with every answer as a Content-Security-Policy, besides any of the app's own: no frames, and no image or
film that would tell another server what is read here.
"""

API: Final = "/v1"
"""Where programs call; they are refused in OpenAI's form."""

_POLICY_VIOLATION: Final = 1008  # RFC 6455, section 7.4.1


class AccessMiddleware:
    """Refuses requests with a sentence and status 403, websockets before they open; passes on the others.

    Args:
        app: what is protected.
        allowed_hosts: names besides this machine's own. With none, only this machine itself is answered, whatever
            the server listens at.
    """

    in_force: ClassVar[bool] = False
    """Whether a server of this process has it: pages are not shown by one that has not."""

    def __init__(self, app: ASGIApp, allowed_hosts: Sequence[AllowedHost] = ()) -> None:
        self._app = app
        self._allowed = tuple(allowed_hosts)
        AccessMiddleware.in_force = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, one websocket, or the life of the server."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        why = self.refusal(scope)
        if why is None:
            await self._app(scope, receive, _guarded(send))
        elif scope["type"] == "websocket":
            await receive()  # the request to connect, which the server sends first
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": ""})
        else:
            await _refuse(_guarded(send), why, for_program=scope.get("path", "").startswith(API))

    def refusal(self, scope: Scope) -> str | None:
        """Why a request is not answered, as a sentence; None where it is."""
        hosts, origins = _headers(scope, b"host"), _headers(scope, b"origin")
        try:
            (text,) = hosts
            host = Host.read(text)
        except ValueError:
            return "The request has no Host header that can be read, or several; send one."
        client = scope.get("client")
        if not self._allowed and client is not None and not is_loopback_address(str(client[0])):
            return (
                "This server answers this machine alone until it knows the names under which others may call it:"
                f" start it with {ALLOWED_HOSTS}={host.name}."
            )
        if not (host.is_loopback or any(one.allows(host) for one in self._allowed)):
            return (
                f"This server does not answer to the name {host.name[:80]!r}. If that is its name, start it with"
                f" {ALLOWED_HOSTS}={host.name[:80]}."
            )
        if origins and not (len(origins) == 1 and self._may_call(origins[0], host, scope)):
            return (
                f"The page at {origins[0][:80]!r} may not call this server, whose own address is {text[:80]!r}. If"
                f" it may, start the server with its host and port in {ALLOWED_HOSTS}."
            )
        return None

    def _may_call(self, text: str, host: Host, scope: Scope) -> bool:
        try:
            origin = Origin.read(text)
        except ValueError:
            return False
        encrypted = scope.get("scheme") in ("https", "wss")
        own = origin.is_at(host) and not (encrypted and origin.scheme == "http")
        return own or any(one.allows_origin(origin) for one in self._allowed)


def why_not_listen(address: str | None, allowed_hosts: Sequence[AllowedHost]) -> str | None:
    """Why a server must not start at this address, as a sentence; None where it may.

    Args:
        address: where it would listen; nothing means every interface.
        allowed_hosts: the names under which it may be called, besides this machine's own.
    """
    address = (address or "").strip()
    here = address == "localhost" or address.startswith("unix:") or is_loopback_address(address.strip("[]"))
    if here or allowed_hosts:
        return None
    return (
        f"The server would listen at {address or 'every address'}, where other machines reach it, but does not"
        f" know the names under which they may call it. There is no login: set {ALLOWED_HOSTS} to those names, as"
        f" in {ALLOWED_HOSTS}=router.example.com,10.0.0.5, or listen at 127.0.0.1"
    )


def _headers(scope: Scope, name: bytes) -> list[str]:
    found: Iterable[tuple[bytes, bytes]] = scope.get("headers", ())
    return [value.decode("latin-1").strip() for key, value in found if key.lower() == name]


def _guarded(send: Send) -> Send:
    """The same, with our headers on every answer."""

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            kept = [(key, value) for key, value in message.get("headers", ()) if key.lower() not in HEADERS]
            policy = (b"content-security-policy", POLICY)
            message = {**message, "headers": [*kept, *HEADERS.items(), policy]}
        await send(message)

    return sending


async def _refuse(send: Send, why: str, *, for_program: bool) -> None:
    error = {"message": why, "type": "invalid_request_error", "param": None, "code": "host_not_allowed"}
    body = json.dumps({"error": error}).encode() if for_program else f"{why}\n".encode()
    kind = b"application/json" if for_program else b"text/plain; charset=utf-8"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
