"""When outcomes were stored and by which thread, so that who learns from them knows how far it is behind.

It says nothing about what an outcome teaches (router_core/routing/memory.py).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident
from time import monotonic
from typing import Final, NamedTuple, Protocol
from weakref import ref

RECENT_S: Final = 0.25
"""For how long a thread that has written counts as one that writes."""

_KEPT: Final = 2048  # commits


class Lag(NamedTuple):
    """``outcomes`` were stored that something does not know, the first of them ``seconds`` ago (0: none)."""

    outcomes: int
    seconds: float


class Follower(Protocol):
    """Learns from outcomes."""

    def follow(self) -> None:
        """Called by each thread that has stored an outcome, when it holds no lock. It may be kept waiting."""
        ...


class Arrivals:
    """The newest commits with outcomes. Thread-safe: only operations that are atomic in Python change it."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._commits: deque[tuple[int, float]] = deque(maxlen=_KEPT)  # number of the last outcome, when
        self._writers: deque[tuple[int, float]] = deque(maxlen=8)
        self._writing: set[int] = set()  # threads
        self._followers: tuple[ref[Follower], ...] = ()

    def committed(self, last: int) -> None:
        """Outcomes were stored, up to this number."""
        self._commits.append((last, self._clock()))

    @contextmanager
    def written(self) -> Iterator[None]:
        """The calling thread stores outcomes in the ``with`` block; where it succeeds, the followers are told."""
        me = get_ident()
        self._writing.add(me)
        try:
            yield
            self._writers.append((me, self._clock()))
            for one in self._followers:
                follower = one()
                if follower is not None:
                    follower.follow()
        finally:
            self._writing.discard(me)

    def tell(self, follower: Follower) -> None:
        """Tell this one, too, as long as somebody holds it."""
        self._followers = (*(one for one in self._followers if one() is not None), ref(follower))

    def others_write(self) -> bool:
        """Whether another thread is writing, or other threads have written twice or more just now."""
        since, me = self._clock() - RECENT_S, get_ident()
        if len(self._writing) > (me in self._writing):
            return True
        return sum(thread != me and at > since for thread, at in list(self._writers)) > 1

    def behind(self, upto: int, last: int) -> Lag:
        """How far something is behind that knows the outcomes up to a number.

        Args:
            upto: that number.
            last: of the last outcome.
        """
        if upto >= last:
            return Lag(0, 0.0)
        commits = list(self._commits)
        place = bisect_right(commits, upto, key=lambda commit: commit[0])
        first = commits[min(place, len(commits) - 1)][1] if commits else self._clock()
        return Lag(last - upto, max(0.0, self._clock() - first))
