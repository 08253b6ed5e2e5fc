"""One clock for everything that a call does: name, connection, sending, headers, redirects, body.

The HTTP client limits each silence, not their sum: a server that sends a byte now and then could hold a call for
ever. Here every wait for the network, whatever it is for, ends at the deadline of the call that is under way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Thread
from typing import TYPE_CHECKING, Any

import httpcore2
import httpx2

if TYPE_CHECKING:
    import ssl

_PIECE = 65_536  # bytes sent at once; between two pieces the clock is read
_SHORTEST_S = 0.001

_left_s: ContextVar[Callable[[], float] | None] = ContextVar("seconds left", default=None)


@contextmanager
def deadline(at: float, clock: Callable[[], float] = time.perf_counter) -> Iterator[None]:
    """Inside the block, clients under the clock (see ``keep_time``) wait for nothing after ``at``."""
    before = _left_s.set(lambda: at - clock())
    try:
        yield
    finally:
        _left_s.reset(before)


def passed() -> bool:
    """Whether the deadline of the call under way has passed."""
    left = _left_s.get()
    return left is not None and left() <= 0


def keep_time(client: httpx2.Client) -> httpx2.Client:
    """Put all connections of a client under the clock, those through a proxy too."""
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx2.HTTPTransport):
            pool = transport._pool
            pool._network_backend = _TimedBackend(pool._network_backend)
    return client


def _limit(timeout: float | None, too_late: type[Exception]) -> float | None:
    """The shorter of a time-out and what is left of the call."""
    left = _left_s.get()
    if left is None:
        return timeout
    seconds = left()
    if seconds <= 0:
        raise too_late("the call's time is up")
    return max(_SHORTEST_S, seconds if timeout is None else min(timeout, seconds))


class _TimedBackend(httpcore2.NetworkBackend):
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Looking up a name cannot be interrupted, and every address of a host is tried in turn: another thread
        does it, and is not waited for any longer than that.
        """  # fmt: skip
        seconds = _limit(timeout, httpcore2.ConnectTimeout)
        connected: Future[httpcore2.NetworkStream] = Future()

        def connect() -> None:
            try:
                stream = self._inner.connect_tcp(host, port, seconds, local_address, socket_options)
            except Exception as error:  # noqa: BLE001 - raised where it is waited for
                if connected.set_running_or_notify_cancel():
                    connected.set_exception(error)
                return
            if connected.set_running_or_notify_cancel():
                connected.set_result(stream)
            else:
                stream.close()

        Thread(target=connect, name="connecting", daemon=True).start()
        try:
            return _TimedStream(connected.result(seconds))
        except TimeoutError:
            if connected.cancel():
                raise httpcore2.ConnectTimeout("no connection in time") from None
            return _TimedStream(connected.result())

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.NetworkStream:
        seconds = _limit(timeout, httpcore2.ConnectTimeout)
        return _TimedStream(self._inner.connect_unix_socket(path, seconds, socket_options))

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _TimedStream(httpcore2.NetworkStream):
    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _limit(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            self._inner.write(buffer[start : start + _PIECE], _limit(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        seconds = _limit(timeout, httpcore2.ConnectTimeout)
        return _TimedStream(self._inner.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
