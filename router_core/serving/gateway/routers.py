"""What decides and calls for the gateway, over the stores that the process has open, as the settings are now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from weakref import WeakValueDictionary

from router_core.errors import InvalidOutcomeError, UnknownRequestError
from router_core.serving.aio import AsyncRouter
from router_core.serving.aio_forwarding import Forwarding, UnknownModelError, Wanted, default_goal, meant
from router_core.serving.base import UNSAID
from router_core.settings import Settings
from router_core.store.base import Store
from router_core.types import BACKGROUND, MICRO, Origin, OutcomeRecord, Source


@dataclass(frozen=True, slots=True)
class Traffic:
    """Where the requests of a goal go: settings in force, the store, and whether models are simulated."""

    settings: Settings
    store: Store
    simulated: bool

    def is_as(self, other: Traffic) -> bool:
        """Whether what was made for the one serves the other."""
        same = self.store is other.store and self.simulated == other.simulated
        return same and self.settings.version == other.settings.version


class GatewayRouter(AsyncRouter):
    """What is reported over HTTP, where a program that heard nothing sends the same again."""

    origin: ClassVar[Origin] = "gateway"

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._reporting: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def report(
        self,
        request_id: str,
        reward: Any,
        comment: str = "",
        source: Source = "api",
        goals: Collection[str] | None = None,
        **figures: Any,
    ) -> None:
        """Store an outcome, unless its source has said just that; and what the call took.

        Args:
            request_id: of the request.
            reward: ``UNSAID`` where there is no outcome.
            comment, source: beside it.
            goals: those whose requests the caller may know of; None: all.
            figures: see ``Router.report_outcome``.

        Raises:
            UnknownRequestError: no request has this id.
            InvalidOutcomeError: it cannot be an outcome, or the request takes none.
        """  # fmt: skip
        lock = self._reporting.setdefault(request_id, asyncio.Lock())
        async with lock:
            decision = await self._models.waiting.read(self._store.decision_of, request_id)
            if decision is None or not (goals is None or decision.goal in goals):
                raise UnknownRequestError(f"No request has the id {request_id[:80]!r}")
            if decision.origin == BACKGROUND and reward is not UNSAID:
                raise InvalidOutcomeError(
                    f"Request {request_id} was marked as background, so it does not count and takes no outcome"
                )
            await self._report_outcome(request_id, reward, comment, source, **figures)

    async def _is_known(self, said: OutcomeRecord) -> bool:
        history = await self._models.waiting.read(self._store.outcome_history, said.completion_id)
        before = next((one for one in reversed(history) if one.source == said.source), None)
        if before is None:
            return said.reward is None  # there is nothing to withdraw
        return (_stored(before.reward), before.comment) == (_stored(said.reward), said.comment)


def _stored(reward: float | None) -> int | None:
    return None if reward is None else round(reward * MICRO)


class _Closable(Protocol):
    async def close(self) -> None: ...


One = TypeVar("One", bound=_Closable)


@dataclass
class _Made(Generic[One]):
    traffic: Traffic
    it: One
    used: int = 0
    replaced: bool = False

    async def retire(self) -> None:
        """Close it where another one has replaced it and nobody uses it."""
        if self.replaced and not self.used:
            await self.it.close()


class _Keeper(Generic[One]):
    """Makes one for each name, anew when its traffic changes; what is in use is closed once it is not."""

    def __init__(self, make: Callable[[str, Traffic], One]) -> None:
        self._make = make
        self._made: dict[str, _Made[One]] = {}
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def using(self, name: str, traffic: Traffic) -> AsyncIterator[One]:
        """The one of this name; it stays open until the end of the ``async with``."""
        made = await self._current(name, traffic)
        made.used += 1
        try:
            yield made.it
        finally:
            made.used -= 1
            await made.retire()

    async def close(self) -> None:
        """Close all of them."""
        for made in list(self._made.values()):
            await made.it.close()
        self._made.clear()

    async def _current(self, name: str, traffic: Traffic) -> _Made[One]:
        async with self._lock:
            before = self._made.get(name)
            if before is not None and before.traffic.is_as(traffic):
                return before
            made = _Made(traffic, await asyncio.to_thread(self._make, name, traffic))
            self._made[name] = made
        if before is not None:
            before.replaced = True
            await before.retire()
        return made


class Routers:
    """What decides and calls; made when it is first wanted, and anew when the settings change.

    Args:
        settings: those in force now.
        traffic: goal -> where its requests go now; may block while a store is opened.
    """

    def __init__(self, settings: Callable[[], Settings], traffic: Callable[[str], Traffic]) -> None:
        self.settings = settings
        self._traffic = traffic
        self._routers = _Keeper(
            lambda goal, of: GatewayRouter(
                goal_id=goal, settings=of.settings, store=of.store, simulated=of.simulated
            )
        )
        self._forwardings = _Keeper(lambda place, of: Forwarding(of.settings, of.store, simulated=of.simulated))

    @property
    def default(self) -> str:
        """The goal of requests that name none."""
        return default_goal(self.settings())

    @asynccontextmanager
    async def of(self, goal: str) -> AsyncIterator[GatewayRouter]:
        """The router of a goal, which stays open until the end of the ``async with``.

        Raises:
            UnknownModelError: there is no such goal.
            StoreError: the store cannot be opened.
        """
        async with self._routers.using(goal, await self.traffic(goal)) as router:
            yield router

    @asynccontextmanager
    async def forwarding(self, wanted: Wanted) -> AsyncIterator[Forwarding]:
        """What answers a request for a completion; it stays open until the end of the ``async with``.

        Raises:
            UnknownModelError: there is no such model or goal.
            StoreError: the store cannot be opened.
        """
        goal, _ = meant(self.settings(), wanted)
        traffic = await self.traffic(goal)
        async with self._forwardings.using(traffic.store.location, traffic) as forwarding:
            yield forwarding

    async def traffic(self, goal: str) -> Traffic:
        """Where the requests of a goal go.

        Raises:
            UnknownModelError: there is no such goal.
        """
        goals = self.settings().goals
        if goal not in goals:
            raise UnknownModelError(f"There is no goal {goal[:100]!r}; the goals are {', '.join(goals)}")
        return await asyncio.to_thread(self._traffic, goal)

    async def stores(self) -> dict[Store, str]:
        """Every store that a goal writes to, with one of its goals."""
        goals = list(self.settings().goals)
        every = await asyncio.gather(*(self.traffic(goal) for goal in goals))
        return {traffic.store: goal for traffic, goal in zip(every, goals, strict=True)}

    async def close(self) -> None:
        """End what is open; the stores stay open."""
        await self._routers.close()
        await self._forwardings.close()
