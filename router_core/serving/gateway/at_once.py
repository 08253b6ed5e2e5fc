"""How many requests the gateway works on at the same time; more are sent away at once, and told to come back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from router_core.serving.gateway.completions import Scope, Send, send_failure
from router_core.serving.gateway.failures import Failure

MOST_AT_ONCE: Final = 1_000
"""Each may hold a body, an answer and a connection to a provider."""

Application = Callable[[Scope, Callable[[], Awaitable[Any]], Send], Awaitable[None]]


class AtOnce:
    """An ASGI application that lets so many requests through to another one.

    Args:
        application: what answers.
        most: requests at the same time.
    """

    def __init__(self, application: Application, most: int = MOST_AT_ONCE) -> None:
        self._application = application
        self._most = most
        self._running = 0

    async def __call__(self, scope: Scope, receive: Callable[[], Awaitable[Any]], send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and self._running >= self._most:
            said = f"The gateway works on {self._most:,} requests already; come back in a second"
            await send_failure(send, Failure(503, said, "too_many_requests", headers={"retry-after": "1"}))
            return
        self._running += 1
        try:
            await self._application(scope, receive, send)
        finally:
            self._running -= 1
