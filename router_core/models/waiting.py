"""What a request waits for: the network, the clock, the log. ``Blocking`` keeps the thread waiting.

What is done with it is written as coroutines, once for both kinds; ``EventLoop`` (event_loop.py) lets other tasks
go on meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Protocol, TypeVar

from router_core.at_once import at_once
from router_core.models.requests import posted
from router_core.settings import SimulationSettings
from router_core.store.base import Batch, Log

if TYPE_CHECKING:
    import httpx2

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Waiting(Protocol):
    """Everything that may take a while."""

    @property
    def place(self) -> object:
        """Where connections may be used: one event loop, or (None) everywhere."""
        ...

    def live_client(self, base_url: str, key: str) -> Any:
        """The openai package's client of an endpoint."""
        ...

    def simulated_client(self, settings: SimulationSettings) -> Any:
        """Its client of the simulated models."""
        ...

    async def create(self, client: Any, arguments: dict[str, Any]) -> Any:
        """The raw response to a request for a chat completion; a streamed one is not read yet."""
        ...

    def pieces(self, response: httpx2.Response) -> Any:
        """What ``next_piece`` reads a streamed response by."""
        ...

    async def next_piece(self, pieces: Any) -> bytes | None:
        """The bytes that come next; None: nothing more."""
        ...

    async def hang_up(self, response: httpx2.Response) -> None:
        """End a response; the provider stops writing."""
        ...

    async def close_client(self, client: Any) -> None:
        """Close the connections of a client."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    async def result(self, future: Future[Result], seconds: float) -> Result:
        """What a future comes to; a TimeoutError after so many seconds."""
        ...

    def until(self, at: float, clock: Callable[[], float]) -> AbstractAsyncContextManager[None]:
        """Inside the block nothing waits for the network beyond this moment of the clock."""
        ...

    def lock(self) -> AbstractAsyncContextManager[None]:
        """A lock that is held while something waits."""
        ...

    async def read(self, question: Callable[Given, Result], *given: Given.args, **more: Given.kwargs) -> Result:
        """The answer to a question that may have to look into the log."""
        ...

    def write(self, store: Log, batch: Batch) -> Awaitable[None]:
        """Queue a batch at once; await the result until it is stored. Whoever stops waiting stops nothing else.

        Raises:
            StoreError: when awaited, or at once.
        """
        ...

    def finish(self, coroutine: Coroutine[Any, Any, object]) -> None:
        """Run a coroutine to its end from a thread that may wait."""
        ...

    async def end(self) -> None:
        """Wait until everything that was queued is stored."""
        ...


class Blocking:
    """Waits by keeping the thread waiting, so that its coroutines end at once (at_once.py).

    Args:
        sleep: seconds; for tests.
    """

    place = None

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep

    def live_client(self, base_url: str, key: str) -> Any:
        """An OpenAI client."""
        from router_core.models.client import live_client

        return live_client(base_url, key)

    def simulated_client(self, settings: SimulationSettings) -> Any:
        """The same of the simulated models."""
        from router_core.models.client import simulated_client

        return simulated_client(settings)

    async def create(self, client: Any, arguments: dict[str, Any]) -> Any:
        """Ask, and wait for the headers or for all of it."""
        from openai import Stream
        from openai.types.chat import ChatCompletionChunk

        return client.post(**posted(arguments), stream_cls=Stream[ChatCompletionChunk])

    def pieces(self, response: httpx2.Response) -> Any:
        """An iterator over bytes."""
        return response.iter_bytes()

    async def next_piece(self, pieces: Any) -> bytes | None:
        """Its next item."""
        piece: bytes | None = next(pieces, None)
        return piece

    async def hang_up(self, response: httpx2.Response) -> None:
        """Close it."""
        response.close()

    async def close_client(self, client: Any) -> None:
        """Close it."""
        client.close()

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        self._sleep(seconds)

    async def result(self, future: Future[Result], seconds: float) -> Result:
        """Wait for it."""
        return future.result(seconds)

    def until(self, at: float, clock: Callable[[], float]) -> AbstractAsyncContextManager[None]:
        """One clock for every wait of the connection (deadline.py)."""
        from router_core.models.deadline import deadline

        return _Inside(deadline(at, clock))

    def lock(self) -> AbstractAsyncContextManager[None]:
        """A lock of threads."""
        return _Inside(Lock())

    async def read(self, question: Callable[Given, Result], *given: Given.args, **more: Given.kwargs) -> Result:
        """Ask here."""
        return question(*given, **more)

    def write(self, store: Log, batch: Batch) -> Awaitable[None]:
        """Store it here."""
        store.write(batch)
        return DONE

    def finish(self, coroutine: Coroutine[Any, Any, object]) -> None:
        """Run it here."""
        at_once(coroutine)

    async def end(self) -> None:
        """Nothing is queued."""


class _Done:
    """Is awaited without waiting."""

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield


DONE: Final = _Done()


class _Inside:
    """A context manager whose entering and leaving may block, as one that is awaited."""

    def __init__(self, inner: AbstractContextManager[Any]) -> None:
        self._inner = inner

    async def __aenter__(self) -> None:
        self._inner.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._inner.__exit__(kind, error, trace)
