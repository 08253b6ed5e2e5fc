"""The gateway's own server, for where no panel serves it: limits against slow programs, and an end in good order.

SIGTERM, SIGINT and SIGHUP let what runs finish, up to ``GRACE_S``; then the call returns, so that its caller can
close what it opened.
"""

from __future__ import annotations

import signal
from asyncio import CancelledError, Transport
from asyncio.events import TimerHandle
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS_S: Final = 20.0
"""A connection is closed that has not sent the headers of a request by then."""

GRACE_S: Final = 30
"""What still runs so long after a signal is cancelled, and stored as such."""


def run(application: Any, *, host: str, port: int) -> None:
    """Serve until a signal comes. What runs then is finished, and connections are closed."""

    async def cancelled(scope: Any, receive: Any, send: Any) -> None:
        with suppress(CancelledError):  # of what outlasts the grace; uvicorn would log a traceback
            await application(scope, receive, send)

    config = uvicorn.Config(
        cancelled,
        host=host,
        port=port,
        http=InTime,
        ws="none",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    with suppress(_StoppedError), _stopping():
        uvicorn.Server(config).run()


class _StoppedError(BaseException):
    """A signal has come."""


@contextmanager
def _stopping() -> Iterator[None]:
    """Signals raise, where uvicorn does not take them itself.

    uvicorn raises a signal anew once it has shut down: by default SIGTERM would end the process on the spot, with
    the store open. It does not know SIGHUP, which comes when a terminal is closed.
    """

    def stopped(number: int, frame: FrameType | None) -> None:
        raise _StoppedError

    def as_term(number: int, frame: FrameType | None) -> None:
        signal.raise_signal(signal.SIGTERM)

    handlers = {signal.SIGTERM: stopped, signal.SIGINT: stopped}
    if hasattr(signal, "SIGHUP"):  # Windows has none
        handlers[signal.SIGHUP] = as_term
    kept = {number: signal.getsignal(number) for number in handlers}
    for number, handler in handlers.items():
        if kept[number] is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, handler)
    try:
        yield
    finally:
        for number, before in kept.items():
            signal.signal(number, before)


class InTime(HttpToolsProtocol):
    """uvicorn's, which waits for headers as long as a program likes, and at its end for bodies: this does not."""

    _late: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """The headers of its first request have their time from now."""
        super().connection_made(transport)
        self._wait()

    def on_message_begin(self) -> None:
        """Those of the next one have."""
        self._wait()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """They came."""
        self._waited()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits."""
        self._waited()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """What has not been asked in full is not waited for."""
        if self.cycle is not None and self.cycle.more_body and not self.cycle.response_complete:
            self.transport.close()
        else:
            super().shutdown()

    def _wait(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(HEADERS_S, self.transport.close)

    def _waited(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
