"""Waiting under asyncio: while a request waits for a provider or for the log, its event loop serves others.

No request holds a thread. Two small pools of threads do what must block: questions that may have to read the log,
and writes of outcomes, whose writers are held back where learning cannot keep up (store/arrivals.py).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from router_core import finalisers
from router_core.models.requests import posted
from router_core.models.waiting import DONE
from router_core.settings import SimulationSettings
from router_core.store.base import Batch, Log

if TYPE_CHECKING:
    import httpx2

Given = ParamSpec("Given")
Result = TypeVar("Result")

_READERS: Final = 4
_WRITERS: Final = 8
_LATER_S: Final = 0.05
"""The deadline rings so much later than the client's own time-outs, which say what was waited for."""
_LOOK_S: Final = 1.0  # how often a thread that waits for a loop looks whether it still runs


class EventLoop:
    """Waits in the event loop that runs the calling task. Use it from one loop at a time."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._readers = ThreadPoolExecutor(_READERS, "reading the log")
        self._writers = ThreadPoolExecutor(_WRITERS, "outcomes")
        self._queued: set[Future[None]] = set()

    @property
    def place(self) -> object:
        """The running loop."""
        self._loop = asyncio.get_running_loop()
        return self._loop

    def live_client(self, base_url: str, key: str) -> Any:
        """An AsyncOpenAI client."""
        from router_core.models.client import async_live_client

        return async_live_client(base_url, key)

    def simulated_client(self, settings: SimulationSettings) -> Any:
        """The same of the simulated models."""
        from router_core.models.client import async_simulated_client

        return async_simulated_client(settings)

    async def create(self, client: Any, arguments: dict[str, Any]) -> Any:
        """Ask, and wait for the headers or for all of it."""
        from openai import AsyncStream
        from openai.types.chat import ChatCompletionChunk

        return await client.post(**posted(arguments), stream_cls=AsyncStream[ChatCompletionChunk])

    def pieces(self, response: httpx2.Response) -> Any:
        """An asynchronous iterator over bytes."""
        return response.aiter_bytes()

    async def next_piece(self, pieces: Any) -> bytes | None:
        """Its next item."""
        piece: bytes | None = await anext(pieces, None)
        return piece

    async def hang_up(self, response: httpx2.Response) -> None:
        """Close it; where the loop of its connection does not run any more, shut that down."""
        if self._loop is asyncio.get_running_loop():
            await response.aclose()
            return
        stream = response.extensions.get("network_stream")
        if stream is None:
            return
        with suppress(OSError, AttributeError):  # it is closed already; uvloop's cannot be shut down
            stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    async def close_client(self, client: Any) -> None:
        """Close it, also where the loop of its connections is gone."""
        with suppress(RuntimeError):
            await client.close()

    async def sleep(self, seconds: float) -> None:
        """Let others go on."""
        await asyncio.sleep(seconds)

    async def result(self, future: Future[Result], seconds: float) -> Result:
        """Let others go on; whoever stops waiting gives up the future."""
        if future.done():
            return future.result()
        return await asyncio.wait_for(asyncio.wrap_future(future), seconds)

    def until(self, at: float, clock: Callable[[], float]) -> AbstractAsyncContextManager[Any]:
        """Ends what is under way by a TimeoutError."""
        return asyncio.timeout(max(0.0, at - clock()) + _LATER_S)

    def lock(self) -> AbstractAsyncContextManager[None]:
        """A lock of tasks."""
        return asyncio.Lock()

    async def read(self, question: Callable[Given, Result], *given: Given.args, **more: Given.kwargs) -> Result:
        """Ask in a thread of the pool."""
        asked = partial(question, *given, **more)
        return await asyncio.get_running_loop().run_in_executor(self._readers, asked)

    def write(self, store: Log, batch: Batch) -> Awaitable[None]:
        """Queue it for the next commit; a batch with outcomes has a thread of the pool, which may be held back."""
        if finalisers.in_finaliser():  # of a task that was dropped with its loop
            finalisers.later(partial(store.write, batch))
            return DONE
        kept = self._writers.submit(store.write, batch) if batch.outcomes else store.submit(batch)
        self._queued.add(kept)
        kept.add_done_callback(self._kept)
        waited = asyncio.wrap_future(kept)
        waited.add_done_callback(_heard)
        return asyncio.shield(waited)

    def finish(self, coroutine: Coroutine[Any, Any, object]) -> None:
        """Run it in the loop, else, where that has ended, in one of its own."""
        loop = self._loop
        if loop is None or not loop.is_running():
            asyncio.run(coroutine)
            return
        done = asyncio.run_coroutine_threadsafe(coroutine, loop)
        while loop.is_running():
            with suppress(TimeoutError):
                done.result(_LOOK_S)
                return

    async def end(self) -> None:
        """Wait until everything that was queued is stored."""
        while self._queued:
            waits = [asyncio.wrap_future(one) for one in list(self._queued)]
            await asyncio.gather(*waits, return_exceptions=True)
            await asyncio.sleep(0)

    def _kept(self, kept: Future[None]) -> None:
        self._queued.discard(kept)


def _heard(waited: asyncio.Future[None]) -> None:
    """Whoever waits is told what went wrong; where nobody waits any more, nobody is to be told."""
    if not waited.cancelled():
        waited.exception()
