"""Turns at servers that answer only so many requests at once: who comes first is served first.

A request that a server would only put into its own queue waits here instead, outside its deadline and the time
that its answer took. Turns are shared by all calls of the process; other processes are not known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Lock

from router_core.errors import ProviderError, ProviderTimeoutError
from router_core.models.waiting import Waiting
from router_core.settings import ProviderSettings
from router_core.settings.providers import requests_at_once


class Turns:
    """The turns at one server. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken = 0
        self._at_once = 1
        self._waiting: deque[Future[None]] = deque()

    def ask(self, at_once: int) -> Future[None]:
        """A place in the queue; its result is there when it is this place's turn, which must then be given back. A
        place that was cancelled never has one.

        Args:
            at_once: how many may have their turn at the same time (>= 1); what was said last holds for all.
        """
        place: Future[None] = Future()
        with self._lock:
            self._at_once = at_once
            self._waiting.append(place)
        self._serve()
        return place

    def give_back(self) -> None:
        """End a turn; the next one begins."""
        with self._lock:
            self._taken -= 1
        self._serve()

    def _serve(self) -> None:
        given = []
        with self._lock:
            while self._waiting and self._taken < self._at_once:
                place = self._waiting.popleft()
                if place.set_running_or_notify_cancel():
                    self._taken += 1
                    given.append(place)
        for place in given:
            place.set_result(None)


class Turn:
    """One call's turn: how long it waited, and giving it back, which changes nothing the second time."""

    def __init__(self, turns: Turns | None = None, waited_ms: float = 0.0) -> None:
        self.waited_ms = waited_ms
        self._turns = turns

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Inside the block, a failure ends the turn, and is told how long it waited."""
        try:
            yield
        except BaseException as error:
            if isinstance(error, ProviderError):
                error.waited_ms = self.waited_ms
            self.end()
            raise

    def end(self) -> None:
        """Give it back."""
        turns, self._turns = self._turns, None
        if turns is not None:
            turns.give_back()


_at: dict[str, Turns] = {}  # address -> its turns


async def taken_turn(
    model: str, provider: ProviderSettings, longest_s: float, clock: Callable[[], float], waiting: Waiting
) -> Turn:
    """Wait for a turn at a provider; at once where it has no limit.

    Args:
        model: ``provider/model``, for the sentence.
        provider: its settings.
        longest_s: seconds to wait.
        clock: seconds.
        waiting: how.

    Raises:
        ProviderTimeoutError: no turn came; nothing was sent.
    """
    at_once = requests_at_once(provider)
    if at_once is None:
        return Turn()
    turns = _at.setdefault(provider.base_url.rstrip("/"), Turns())
    began = clock()
    place = turns.ask(at_once)
    try:
        await waiting.result(place, max(0.0, longest_s))
    except BaseException as error:
        if not place.cancel():  # it came at the last moment
            turns.give_back()
        if not isinstance(error, TimeoutError):
            raise
        late = ProviderTimeoutError(
            f"{model} was not asked: its provider answers {at_once} at once, and no turn came within"
            f" {longest_s:g} s; try again later, or raise calls.queue_s or the provider's requests_at_once"
        )
        late.maybe_billed = False
        late.waited_ms = (clock() - began) * 1000.0
        raise late from None
    return Turn(turns, (clock() - began) * 1000.0)
