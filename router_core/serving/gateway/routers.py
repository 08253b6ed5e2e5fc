"""One asynchronous router for each goal, over the store that the process has open, as the settings are now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ClassVar

from router_core.errors import SettingsError
from router_core.serving.aio import AsyncRouter
from router_core.settings import Settings
from router_core.store.base import Store
from router_core.types import Origin


@dataclass(frozen=True, slots=True)
class Traffic:
    """Where the requests of a goal go: settings in force, the store, and whether models are simulated."""

    settings: Settings
    store: Store
    simulated: bool

    def is_as(self, other: Traffic) -> bool:
        """Whether a router made for the one serves the other."""
        same = self.store is other.store and self.simulated == other.simulated
        return same and self.settings.version == other.settings.version


class GatewayRouter(AsyncRouter):
    """A router whose requests are logged as the gateway's."""

    origin: ClassVar[Origin] = "gateway"


@dataclass
class _Made:
    traffic: Traffic
    router: GatewayRouter
    used: int = 0
    replaced: bool = False


@dataclass
class Routers:
    """The routers of all goals; each is made when it is first wanted, and anew when the settings change.

    Args:
        settings: those in force now.
        traffic: goal -> where its requests go now.
    """

    settings: Callable[[], Settings]
    traffic: Callable[[str], Traffic]
    _made: dict[str, _Made] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def default(self) -> str:
        """The goal of requests that name none."""
        goals = self.settings().goals
        return "default" if "default" in goals else next(iter(goals))

    @asynccontextmanager
    async def of(self, goal: str) -> AsyncIterator[GatewayRouter]:
        """The router of a goal, which stays open until the end of the ``async with``.

        Raises:
            SettingsError: there is no such goal.
            StoreError: the store cannot be opened.
        """
        goals = self.settings().goals
        if goal not in goals:
            raise SettingsError(f"There is no goal {goal[:100]!r}; the goals are {', '.join(goals)}")
        made = await self._router(goal)
        made.used += 1
        try:
            yield made.router
        finally:
            made.used -= 1
            await self._retire(made)

    async def close(self) -> None:
        """End what is open; the stores stay open."""
        for made in list(self._made.values()):
            await made.router.close()
        self._made.clear()

    async def _router(self, goal: str) -> _Made:
        async with self._lock:
            traffic = await asyncio.to_thread(self.traffic, goal)
            made = self._made.get(goal)
            if made is not None and made.traffic.is_as(traffic):
                return made
            router = GatewayRouter(
                goal_id=goal, settings=traffic.settings, store=traffic.store, simulated=traffic.simulated
            )
            self._made[goal] = new = _Made(traffic, router)
        if made is not None:
            made.replaced = True
            await self._retire(made)
        return new

    @staticmethod
    async def _retire(made: _Made) -> None:
        """Close a router that another one has replaced, once nobody uses it."""
        if made.replaced and not made.used:
            await made.router.close()
