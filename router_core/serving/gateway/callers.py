"""Who calls the gateway, and how much they may: checked before a request is read. See serving/caller_keys.py.

Where no key was ever made nobody needs one, and only this machine is answered. Limits are counted in this process;
dollars are those of the log.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from router_core.errors import RouterError
from router_core.noted import CALLER
from router_core.serving.aio_forwarding import Wanted
from router_core.serving.caller_keys import found
from router_core.serving.gateway.completions import Scope, Send, send_failure
from router_core.serving.gateway.failures import Failure, RefusedError, failure
from router_core.settings.hosts import is_loopback_address
from router_core.store.base import CallerKey, Store

_EVERY_S: Final = 1.0  # keys and dollars are read again after so long
_MINUTE_S: Final = 60.0
_COUNTED: Final = ("/chat/completions", "/responses", "/embeddings", "/decide")
_SCOPE: Final = "router.caller"

Application = Callable[[Scope, Callable[[], Awaitable[Any]], Send], Awaitable[None]]
Stores = Callable[[], Awaitable[Collection[Store]]]


def caller_of(scope: Scope) -> CallerKey | None:
    """The key of a request; None: none is needed."""
    key: CallerKey | None = scope.get(_SCOPE)
    return key


def limited(wanted: Wanted, caller: CallerKey | None) -> Wanted:
    """A request as its caller may make it; the log says whose it is."""
    if caller is None:
        return wanted
    return replace(
        wanted,
        goals=caller.goals,
        models=caller.models,
        metadata={**wanted.metadata, CALLER: caller.name},
    )


class Callers:
    """The keys that there are, and what each of them has used.

    Args:
        stores: where keys and requests are.
        clock: seconds.
        now: the time, in UTC.
    """

    def __init__(
        self,
        stores: Stores,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._now = now
        self._keys: tuple[CallerKey, ...] = ()
        self._read = -_EVERY_S
        self._reading = asyncio.Lock()
        self._spent: dict[str, tuple[float, Decimal, int]] = {}
        self._asked: defaultdict[str, deque[float]] = defaultdict(deque)
        self._running: defaultdict[str, int] = defaultdict(int)

    async def of(self, scope: Scope) -> CallerKey | None:
        """The key of a request; None: none was ever made, and it comes from this machine.

        Raises:
            RefusedError: it has no key in force and needs one.
            StoreError: the keys cannot be read.
        """
        await self._refresh()
        if not self._keys:
            client = scope.get("client")
            if client is not None and not is_loopback_address(str(client[0])):
                said = (
                    "The gateway answers this machine alone until it has keys for callers: make one on the"
                    " settings page, or with: router-core keys add NAME"
                )
                raise RefusedError(Failure(403, said, "no_caller_keys"))
            return None
        text = _sent(scope)
        key = None if text is None else found(text, self._keys)
        if key is None:
            what = "No key is given" if text is None else "The key is unknown or revoked"
            said = f"{what}; send one of this gateway's own as 'Authorization: Bearer sk-router-...'"
            raise RefusedError(Failure(401, said, "invalid_api_key", headers={"www-authenticate": "Bearer"}))
        return key

    @asynccontextmanager
    async def admitted(self, key: CallerKey, path: str) -> AsyncIterator[None]:
        """For as long as one more request runs that asks for an answer or a decision.

        Raises:
            RefusedError: the key's limit is reached.
            StoreError: what it has spent cannot be read.
        """
        if key.usd_per_day is not None and path.endswith("/embeddings"):
            said = "This key is limited to dollars a day, and embeddings are not logged, so they cannot be counted"
            raise RefusedError(Failure(403, f"{said}; use a key without that limit", "not_allowed"))
        asked, now = self._asked[key.id], self._clock()
        while asked and now - asked[0] >= _MINUTE_S:
            asked.popleft()
        if key.at_once is not None and self._running[key.id] >= key.at_once:
            raise _too_many(f"{key.at_once:,} requests at once", "rate_limit_exceeded", 1)
        if key.requests_per_minute is not None and len(asked) >= key.requests_per_minute:
            left_s = asked[0] + _MINUTE_S - now
            raise _too_many(f"{key.requests_per_minute:,} requests a minute", "rate_limit_exceeded", left_s)
        asked.append(now)
        self._running[key.id] += 1
        try:
            if key.usd_per_day is not None:
                await self._require_dollars(key, key.usd_per_day)
            yield
        finally:
            self._running[key.id] -= 1

    async def _require_dollars(self, key: CallerKey, most: Decimal) -> None:
        today = self._now().replace(hour=0, minute=0, second=0, microsecond=0)
        read, spent, unknown = self._spent.get(key.id, (-_EVERY_S, Decimal(0), 0))
        if self._clock() - read >= _EVERY_S:
            found = [await asyncio.to_thread(store.spent_by, key.name, today) for store in await self._stores()]
            spent, unknown = sum((usd for usd, _ in found), Decimal(0)), sum(count for _, count in found)
            self._spent[key.id] = (self._clock(), spent, unknown)
        if spent >= most:
            beside = f", and {unknown:,} calls of unknown cost" if unknown else ""
            left_s = (today + timedelta(days=1) - self._now()).total_seconds()
            raise _too_many(
                f"${most.normalize():f} a day (spent: ${spent:f}{beside})", "insufficient_quota", left_s
            )

    async def _refresh(self) -> None:
        if self._clock() - self._read < _EVERY_S:
            return
        async with self._reading:
            if self._clock() - self._read < _EVERY_S:
                return
            keys: dict[str, CallerKey] = {}
            for store in await self._stores():
                for key in await asyncio.to_thread(store.caller_keys):
                    if key.id not in keys or key.revoked_at is not None:  # revoked in one store is revoked
                        keys[key.id] = key
            self._keys, self._read = tuple(keys.values()), self._clock()


class Admission:
    """An ASGI application that lets through to another one what callers may ask.

    Args:
        application: what answers.
        callers: who may.
    """

    def __init__(self, application: Application, callers: Callers) -> None:
        self._application = application
        self._callers = callers

    async def __call__(self, scope: Scope, receive: Callable[[], Awaitable[Any]], send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        async with AsyncExitStack() as running:
            try:
                key = scope[_SCOPE] = await self._callers.of(scope)
                if key is not None and scope["path"].endswith(_COUNTED):
                    await running.enter_async_context(self._callers.admitted(key, scope["path"]))
            except (RefusedError, RouterError) as error:
                await send_failure(send, failure(error))
                return
            await self._application(scope, receive, send)


def _sent(scope: Scope) -> str | None:
    """The key that a request brings; None: it brings none."""
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    kind, _, text = headers.get(b"authorization", "").partition(" ")
    text = text.strip() if kind.lower() == "bearer" else headers.get(b"x-api-key", "").strip()
    return text or None


def _too_many(limit: str, code: str, left_s: float) -> RefusedError:
    seconds = max(1, int(left_s) + 1) if left_s > 1 else 1
    said = f"The limit of this key is reached: {limit}; come back in {seconds:,} s"
    return RefusedError(Failure(429, said, code, headers={"retry-after": str(seconds)}))
