"""Calls under way, each in a thread of its own, so that nobody who watches can interrupt one by leaving.

Does not cover showing them. A page that is reloaded, or rerun by a click elsewhere, finds its calls again here.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from router_core.background import Background, Started
from router_core.errors import RouterError
from router_core.routing.streams import RoutedStream

_REMEMBERED = 512  # calls that have ended
_PATIENCE_S = 1.0  # how long Stop waits for a provider that says nothing


class Running(Background):
    """One call under way. ``error`` is the sentence to show where it failed, ``ended`` once nothing more comes."""

    def __init__(self, start: Callable[[], RoutedStream]) -> None:
        self.error: str | None = None
        self._start = start
        self._stream: RoutedStream | None = None
        self._stopped_at: float | None = None
        super().__init__(self._run, "model call")

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
        return silent or super().ended

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stopped_at is not None

    def stop(self) -> None:
        """End it at the next piece; what has come so far is kept."""
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()

    def _run(self) -> None:
        try:
            with self._start() as stream:
                self._stream = stream
                for _ in stream:
                    if self.stopping:
                        break
        except RouterError as error:
            self.error = str(error)


class RunningCalls:
    """Calls by the id of their completion."""

    def __init__(self) -> None:
        self._calls: Started[Running] = Started(_REMEMBERED)

    def start(self, completion_id: str, start: Callable[[], RoutedStream]) -> Running:
        """Start a call, unless it was started before."""
        return self._calls.start(completion_id, lambda: Running(start))

    def get(self, completion_id: str) -> Running | None:
        """A call that was started, or None."""
        return self._calls.get(completion_id)
