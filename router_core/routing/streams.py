"""An answer that is being read piece by piece, stored once, whatever becomes of who reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from router_core import finalisers
from router_core.at_once import at_once
from router_core.errors import ProviderError
from router_core.models.stream import AnswerStream, chunk_of
from router_core.models.waiting import Waiting
from router_core.types import Completion

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionChunk


class OpenCall:
    """A call whose answer is being read. It is held until it is stored, whatever becomes of the stream that reads
    it; it must not refer to that.

    Args:
        caller: who made it.
        answer: the pieces.
        finish: stores what came, given the error and whether the answer is complete.
        heard: called once the answer's last piece has come: who reads it may go on before it is stored.
        request_id: under which outcomes are reported.
        waiting: how it waits.
    """  # fmt: skip

    def __init__(
        self,
        caller: object,
        answer: AnswerStream,
        finish: Callable[[ProviderError | None, bool], Awaitable[Completion]],
        heard: Callable[[], object],
        request_id: str,
        waiting: Waiting,
    ) -> None:
        self.caller = caller
        self.answer = answer
        self.request_id = request_id
        self.completion: Completion | None = None
        self._finish = finish
        self._heard: Callable[[], object] | None = heard
        self._waiting = waiting
        self._ending = waiting.lock()
        finalisers.hold(self)

    async def aread(self) -> ChatCompletionChunk:
        """The next piece, as the openai client makes it; see ``apiece``."""
        return chunk_of(await self.apiece())

    async def apiece(self) -> Mapping[str, Any]:
        """The next piece. What becomes of the call is stored before the last one is followed by
        StopAsyncIteration, an error or a cancellation.
        """  # fmt: skip
        try:
            piece = await self.answer.apiece()
        except StopAsyncIteration:
            await self._end(None, complete=True)
            raise
        except ProviderError as error:
            await self._end(error, complete=False)
            raise
        except Exception:
            raise
        except GeneratorExit:  # the task was dropped with its loop; finalisers see to the call
            raise
        except BaseException:  # nobody waits for the rest
            await self.aclose()
            raise
        if self._heard is not None and self.answer.finish_reason is not None:
            heard, self._heard = self._heard, None
            heard()
        return piece

    async def aclose(self) -> None:
        """Stop the answer where it is, and store it. One whose last piece has come is complete."""
        complete = await self.answer.asettle()
        await self._end(None, complete)

    def close(self) -> None:
        """The same, from a thread that may wait."""
        self._waiting.finish(self.aclose())

    async def _end(self, error: ProviderError | None, complete: bool) -> None:
        """Store it, unless that was done."""
        async with self._ending:
            if self.completion is None:
                self.completion = await self._finish(error, complete)
        finalisers.release(self)


class Routed:
    """An answer that is being read, and the id under which outcomes are reported: what both kinds of stream have.

    Read to its end, closed early or broken: it is stored once. ``completion`` is then what was stored.
    """

    def __init__(self, call: OpenCall) -> None:
        self.request_id = call.request_id
        self._call = call

    @property
    def completion(self) -> Completion | None:
        """What was stored; None until it is."""
        return self._call.completion

    @property
    def text(self) -> str:
        """The answer so far."""
        return self._call.answer.text

    def __del__(self) -> None:
        if hasattr(self, "_call"):
            finalisers.drop(self._call)


class RoutedStream(Routed):
    """The chunks of the openai client, with the id under which outcomes are reported.

    Read to its end, closed early or broken: it is stored once. ``completion`` is then what was stored. Use it as
    a context manager, or ``close`` it, if you may stop before its end. One that is merely dropped, and one in a
    generator that is closed or dropped, is stored a moment later by another thread (router_core/finalisers.py).
    """

    def __iter__(self) -> Iterator[ChatCompletionChunk]:
        return self

    def __next__(self) -> ChatCompletionChunk:
        try:
            return at_once(self._call.aread())
        except StopAsyncIteration:
            raise StopIteration from None

    def __enter__(self) -> RoutedStream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the answer where it is; what has come so far is kept. One whose last piece has come is complete."""
        if finalisers.in_finaliser():
            finalisers.drop(self._call)
        else:
            self._call.close()


class AsyncRoutedStream(Routed):
    """The chunks of the openai client under an event loop, with the id under which outcomes are reported.

    Read to its end, closed early, broken or cancelled: it is stored once. ``completion`` is then what was stored.
    Use it in ``async with``, or ``await`` its ``close()``, if you may stop before its end. One that is merely
    dropped is stored a moment later.
    """

    def __aiter__(self) -> AsyncIterator[ChatCompletionChunk]:
        return self

    async def __anext__(self) -> ChatCompletionChunk:
        return await self._call.aread()

    async def __aenter__(self) -> AsyncRoutedStream:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop the answer where it is; what has come so far is kept. One whose last piece has come is complete."""
        if finalisers.in_finaliser():
            finalisers.drop(self._call)
        else:
            await self._call.aclose()

    aclose = close
