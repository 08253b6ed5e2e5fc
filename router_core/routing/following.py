"""Keeping what a goal has learned near the log while many write: folded aside, with the writers held to a limit.

It does not fold (memory.py).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Event, Lock, Thread
from typing import Final

from router_core.errors import RouterError
from router_core.store.arrivals import Lag
from router_core.store.base import Learning

MOST_BEHIND: Final = 100
MOST_BEHIND_S: Final = 0.25
"""A decision may lack so many outcomes, or those of so many seconds, while other threads write."""

LOST_S: Final = 10.0
"""Further behind than this, something is wrong: a writer no longer waits, and a decision does."""

_REST_S: Final = 0.02  # between two folds, in which outcomes gather


class Following:
    """Folds one goal in a thread that lives while something is missing.

    Args:
        store: where outcomes are.
        closing: set when nothing more is to be folded.
        fold: takes in what is missing.
        seen: the number of the last outcome that was taken in.
        current: whether nothing is missing.
    """

    def __init__(
        self,
        store: Learning,
        closing: Event,
        fold: Callable[[], object],
        seen: Callable[[], int],
        current: Callable[[], bool],
    ) -> None:
        self._store = store
        self._closing = closing
        self._fold = fold
        self._seen = seen
        self._current = current
        self._busy = Lock()  # held by the thread
        self._folded = Condition()

    @property
    def lag(self) -> Lag:
        """How far it is behind."""
        return self._store.arrivals.behind(self._seen(), self._store.mark[1])

    def start(self) -> None:
        """Fold aside, where that is not under way."""
        if not self._closing.is_set() and self._busy.acquire(blocking=False):
            Thread(target=self._run, name="contextual fold", daemon=True).start()

    def hold_back(self) -> None:
        """Keep a writer waiting where the fold cannot keep up, so that decisions need not wait."""
        with self._folded:
            self._folded.wait_for(self._near, LOST_S)

    def stop(self) -> None:
        """Wait until the thread has ended, and let the writers go on; ``closing`` is set."""
        self._tell()
        with self._busy:
            pass

    def _near(self) -> bool:
        """Well before the limit, for the outcomes of writers that are under way come on top. Only outcomes count:
        nobody knows how many seconds a fold will take.
        """  # fmt: skip
        near = self.lag.outcomes <= MOST_BEHIND // 4
        return near or self._closing.is_set() or not self._busy.locked()

    def _tell(self) -> None:
        with self._folded:
            self._folded.notify_all()

    def _run(self) -> None:
        try:
            with suppress(RouterError):  # closed meanwhile; else a decision that waits says what is wrong
                while not (self._closing.wait(_REST_S) or self._current()):
                    self._fold()
                    self._tell()
        finally:
            self._busy.release()
            self._tell()
