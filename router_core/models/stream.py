"""An answer that arrives piece by piece: reading it within its deadline, and ending it.

What the pieces say is gathered in answers.py; calls.py begins a stream.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from router_core import finalisers
from router_core.at_once import at_once
from router_core.errors import (
    InterruptedStreamError,
    MalformedResponseError,
    ProviderError,
    ProviderTimeoutError,
)
from router_core.models.answers import Accumulator, FailedAnswerError
from router_core.models.chunks import Chunks
from router_core.models.reported import found_report
from router_core.models.tool_calls import answer_with_calls
from router_core.models.waiting import Waiting
from router_core.types import Usage

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionChunk


class AnswerStream:
    """Iterates over chunks as the openai client makes them, and gathers them; those without a choice, which bring
    the count of tokens, are skipped where the caller did not ask for it (``usage_wanted``). Under an event loop it
    is iterated by ``async for`` and ended by ``aclose``.

    ``text`` is what has come so far, ``finish_reason`` None until the answer is complete, ``first_token_ms``
    None until the first text came. Use it as a context manager, or ``close`` it to stop early.
    """

    def __init__(
        self,
        chunks: Chunks,
        first: Any,
        answer: Accumulator,
        *,
        model: str,
        usage_wanted: bool,
        started: float,
        deadline: float,
        clock: Callable[[], float],
        translate: Callable[[Exception], ProviderError],
        redact: Callable[[str], str],
        waiting: Waiting,
        retries: int,
        unpriced_retries: int = 0,
    ) -> None:
        self.first_token_ms: float | None = None
        self.retries = retries
        self.unpriced_retries = unpriced_retries
        self._chunks: Any = chunks
        self._answer = answer
        self._next: Any = first
        self._arrived = clock()
        self._model = model
        self._usage_wanted = usage_wanted
        self._started = started
        self._deadline = deadline
        self._clock = clock
        self._translate = translate
        self._redact = redact
        self._waiting = waiting
        self._redacted = ("", "")  # the text so far as it came, and without keys
        self._ended: float | None = None
        self._waited_ms = chunks.turn.waited_ms
        finalisers.hold(chunks)  # its own generators take the client's locks where they are collected

    @property
    def text(self) -> str:
        """The answer so far; a key that stands in it is struck out."""
        text = self._answer.text
        before, redacted = self._redacted
        if text != before:
            redacted = self._redact(text)
            self._redacted = (text, redacted)
        return redacted

    @property
    def finish_reason(self) -> str | None:
        """Why the answer ended, in the provider's word; None: it has not."""
        return self._answer.finish_reason

    @property
    def usage(self) -> Usage:
        """The provider's count of tokens; until it comes, or where it does not, an estimate marked as one."""
        return self._answer.usage

    @property
    def message(self) -> dict[str, Any]:
        """The answer so far, as it would have come in one piece."""
        return self._answer.message

    @property
    def kept_text(self) -> str:
        """The answer so far as it is kept, with its calls of tools; a key that stands in it is struck out."""
        return self._redact(answer_with_calls(self._answer.text, self.message))

    @property
    def waited_ms(self) -> float:
        """Milliseconds that it waited for its turn at the provider, no part of the other times."""
        return self._waited_ms

    @property
    def total_ms(self) -> float:
        """Milliseconds from the call to the end, or until now."""
        return ((self._clock() if self._ended is None else self._ended) - self._started) * 1000.0

    def __iter__(self) -> Iterator[ChatCompletionChunk]:
        return self

    def __next__(self) -> ChatCompletionChunk:
        try:
            return at_once(self.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    def __aiter__(self) -> AsyncIterator[ChatCompletionChunk]:
        return self

    async def __anext__(self) -> ChatCompletionChunk:
        return chunk_of(await self.apiece())

    async def apiece(self) -> Mapping[str, Any]:
        """The next chunk as plain data."""
        try:
            while True:
                piece = self._gather(await self._advance())
                if piece["choices"] or self._usage_wanted:
                    return piece
        except GeneratorExit:  # the task was dropped with its loop
            raise
        except BaseException:
            await self.aclose()
            raise

    def __enter__(self) -> AnswerStream:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_ended", 0.0) is None:
            finalisers.drop(self._chunks)

    async def asettle(self) -> bool:
        """End the call, as ``close`` does; whether the answer was complete. The count of tokens, which follows the
        last piece, is then read.
        """  # fmt: skip
        if self.finish_reason is not None and self._ended is None:
            with suppress(Exception):  # nothing but the count is missing
                while not self._answer.counted:
                    chunk = await self._advance()
                    if chunk.get("choices") and found_report(chunk) is None:
                        break  # of another choice, which nobody reads
                    self._gather(chunk)
        await self.aclose()
        return self.finish_reason is not None

    async def aclose(self) -> None:
        """End the call; the provider stops writing."""
        if self._ended is None:
            self._ended = self._clock()
            self._answer.end()
            chunks, self._chunks = self._chunks, None  # whose generators end here, not when the program does
            await chunks.aclose()
            finalisers.release(chunks)

    def close(self) -> None:
        """The same, where nothing is awaited."""
        at_once(self.aclose())

    async def _advance(self) -> Any:
        if self._ended is not None:
            raise StopAsyncIteration
        if self._next is not None:
            chunk, self._next = self._next, None
            return chunk
        if self._clock() > self._deadline:
            raise ProviderTimeoutError(
                f"{self._model} was still writing at the deadline; raise calls.deadline_s or ask for less"
            )
        try:
            async with self._waiting.until(self._deadline, self._clock):
                following = await anext(self._chunks)
        except StopAsyncIteration:
            if self._chunks.done:
                self._answer.done()
            if self.finish_reason is None:
                raise self._interrupted("the connection was closed") from None
            raise
        except Exception as error:  # noqa: BLE001 - whatever the client raises becomes one of our errors
            if self.finish_reason is not None:  # nothing but the count of tokens is missing
                raise StopAsyncIteration from None
            from openai import APIConnectionError

            translated = self._translate(error)
            if isinstance(translated, ProviderTimeoutError | MalformedResponseError):
                raise translated from None
            broken = isinstance(error, APIConnectionError)
            why = "the connection broke" if broken else str(translated).removesuffix("; try again")
            raise self._interrupted(why) from None
        self._arrived = self._clock()
        return following

    def _interrupted(self, why: str) -> InterruptedStreamError:
        return InterruptedStreamError(
            f"the answer of {self._model} broke off after {len(self.text):,} characters ({why}); try again"
        )

    def _gather(self, piece: Any) -> Mapping[str, Any]:
        """Take a piece in; the piece for the caller, without what of its text cannot be shown."""
        try:
            shown = self._answer.add(piece)
        except FailedAnswerError as error:
            raise self._interrupted(self._redact(str(error))) from None
        except Exception as error:  # noqa: BLE001 - however odd it is, what came before it is kept
            raise self._translate(error if isinstance(error, ValueError) else ValueError(str(error))) from None
        if shown and self.first_token_ms is None:
            self.first_token_ms = (self._arrived - self._started) * 1000.0
        usual = self._answer.usual
        first = usual["choices"][0] if len(usual["choices"]) == 1 else {}
        if shown is not None and isinstance(first["delta"].get("content") if first else None, str):
            first["delta"]["content"] = self._redact(shown)
        return usual


def chunk_of(piece: Mapping[str, Any]) -> ChatCompletionChunk:
    """The client's own object, made without validation, as the client makes it."""
    from openai.types.chat import ChatCompletionChunk

    return ChatCompletionChunk.construct(**piece)
