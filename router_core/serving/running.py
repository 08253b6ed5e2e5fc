"""Calls under way, each in a thread of its own, so that nobody who watches can interrupt one by leaving.

Leaves out showing them. A page that is reloaded, or rerun by a click elsewhere, finds its calls again here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Lock, Thread

from cachetools import LRUCache

from router_core.errors import RouterError
from router_core.routing.calling import RoutedStream

_REMEMBERED = 512  # calls, running or ended
_PATIENCE_S = 1.0  # how long Stop waits for a provider that says nothing


class Running:
    """One call under way. ``error`` is the sentence to show where it failed, ``ended`` once nothing more comes."""

    def __init__(self, start: Callable[[], RoutedStream]) -> None:
        self.error: str | None = None
        self._start = start
        self._stream: RoutedStream | None = None
        self._stopped_at: float | None = None
        self._ended = Event()
        self._thread = Thread(target=self._run, name="model call", daemon=True)
        self._thread.start()

    @property
    def text(self) -> str:
        """The answer so far."""
        return self._stream.text if self._stream is not None else ""

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to wait for: answered, failed or stopped.

        A provider that says nothing hears of Stop only with its next piece, or when the call's own time is up. It
        is not waited for; what becomes of the call is stored all the same.
        """
        silent = self._stopped_at is not None and time.monotonic() - self._stopped_at > _PATIENCE_S
        return silent or self._ended.is_set()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stopped_at is not None

    def stop(self) -> None:
        """End it at the next piece; what has come so far is kept."""
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is stored, at most so long; whether it is."""
        return self._ended.wait(seconds)

    def _run(self) -> None:
        try:
            with self._start() as stream:
                self._stream = stream
                for _ in stream:
                    if self.stopping:
                        break
        except RouterError as error:
            self.error = str(error)
        finally:
            self._ended.set()


class RunningCalls:
    """Calls by the id of their completion; the oldest are forgotten first."""

    def __init__(self) -> None:
        self._calls: LRUCache[str, Running] = LRUCache(_REMEMBERED)
        self._lock = Lock()

    def start(self, completion_id: str, start: Callable[[], RoutedStream]) -> Running:
        """Start a call, unless it was started before."""
        with self._lock:
            known = self._calls.get(completion_id)
            if known is None:
                known = self._calls[completion_id] = Running(start)
            return known

    def get(self, completion_id: str) -> Running | None:
        """A call that was started, or None."""
        with self._lock:
            return self._calls.get(completion_id)
