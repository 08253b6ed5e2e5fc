"""How fast one provider is asked: as fast as it takes it, and never faster than was allowed.

Calls at once grow by one for every round that went well and are halved where the provider asks to slow down (the
additive increase and multiplicative decrease of TCP; Chiu & Jain 1989).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic

_FIRST = 8.0
_MINUTE = 60.0


class Pace:
    """The calls to one provider, used from one event loop.

    Args:
        at_once: calls at the same time, at most.
        per_minute: calls a minute, at most; None: no limit.
        clock: seconds, never going back.
    """

    def __init__(
        self, at_once: int, per_minute: int | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        self._most = float(at_once)
        self._per_minute = per_minute
        self._clock = clock
        self._begun: deque[float] = deque()
        self._active = 0
        self._cut_at = self._not_before = -1.0
        self._changed = asyncio.Condition()
        self.now = min(_FIRST, self._most)
        """Calls at the same time that the provider takes, as far as is known."""

    async def begin(self) -> float:
        """Wait for a turn; the moment at which it came."""
        async with self._changed:
            while True:
                wait_s = self._wait_s()
                if wait_s is None:
                    await self._changed.wait()
                elif wait_s <= 0:
                    break
                else:
                    self._changed.release()
                    try:
                        await asyncio.sleep(wait_s)
                    finally:
                        await self._changed.acquire()
            self._active += 1
            moment = self._clock()
            if self._per_minute is not None:
                self._begun.append(moment)
            return moment

    async def end(self, begun: float, slower: bool = False, wait_s: float = 0.0) -> None:
        """A turn is over.

        Args:
            begun: what ``begin`` gave.
            slower: the provider asked to slow down. Calls that began before the last time count once with it.
            wait_s: it asked to wait so long.
        """
        async with self._changed:
            self._active -= 1
            moment = self._clock()
            if slower and begun > self._cut_at:
                self.now, self._cut_at = max(1.0, self.now / 2.0), moment
            elif not slower:
                self.now = min(self._most, self.now + 1.0 / self.now)
            if wait_s > 0:
                self._not_before = max(self._not_before, moment + wait_s)
            self._changed.notify_all()

    def _wait_s(self) -> float | None:
        """Seconds until the next call may begin; None: another one must end first."""
        moment = self._clock()
        if self._active >= int(self.now):
            return None
        wait_s = self._not_before - moment
        if self._per_minute is not None:
            while self._begun and self._begun[0] <= moment - _MINUTE:
                self._begun.popleft()
            if len(self._begun) >= self._per_minute:
                wait_s = max(wait_s, self._begun[0] + _MINUTE - moment)
        return wait_s
