"""An answer that arrives piece by piece, and what is known of it so far.

Leaves out starting it (llm.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from router_core import finalisers
from router_core.errors import (
    InterruptedStreamError,
    MalformedResponseError,
    ProviderError,
    ProviderTimeoutError,
)
from router_core.features import message_text
from router_core.models.usage import estimated_usage, reported_usage, written
from router_core.types import Message, Usage

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionChunk


class AnswerStream:
    """Iterates over the openai client's own chunks, and gathers them; one that brings nothing but the count of
    tokens is left out where the caller did not ask for it (``hide_usage``).

    ``text`` is what has come so far, ``finish_reason`` None until the answer is complete, ``first_token_ms``
    None until the first text came. Use it as a context manager, or ``close`` it to stop early.
    """

    def __init__(
        self,
        chunks: Any,
        first: ChatCompletionChunk,
        *,
        model: str,
        messages: Sequence[Message],
        params: Mapping[str, Any],
        hide_usage: bool,
        started: float,
        deadline: float,
        clock: Callable[[], float],
        translate: Callable[[Exception], ProviderError],
        retries: int,
        unpriced_retries: int = 0,
    ) -> None:
        self.finish_reason: str | None = None
        self.first_token_ms: float | None = None
        self.retries = retries
        self.unpriced_retries = unpriced_retries
        self._chunks = chunks
        self._next: ChatCompletionChunk | None = first
        self._arrived = clock()
        self._model = model
        self._messages = messages
        self._params = params
        self._hide_usage = hide_usage
        self._started = started
        self._deadline = deadline
        self._clock = clock
        self._translate = translate
        self._pieces: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[int, dict[str, Any]] = {}
        self._written: dict[int, list[str]] = {}  # choice -> all that the model wrote of it
        self._usage: Usage | None = None
        self._ended: float | None = None
        finalisers.hold(chunks)  # its own generators take the client's locks where they are collected

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._pieces)

    @property
    def usage(self) -> Usage:
        """The provider's count of tokens; until it comes, or where it does not, an estimate marked as one."""
        if self._usage is not None:
            return self._usage
        return estimated_usage(self._messages, self._params, map("".join, list(self._written.values())))

    @property
    def message(self) -> dict[str, Any]:
        """The answer so far, as it would have come in one piece."""
        return {
            "role": "assistant",
            "content": self.text if self._pieces else None,
            "refusal": "".join(self._refusal) or None,
            "tool_calls": [self._calls[place] for place in sorted(self._calls)] or None,
        }

    @property
    def total_ms(self) -> float:
        """Milliseconds from the call to the end, or until now."""
        return ((self._clock() if self._ended is None else self._ended) - self._started) * 1000.0

    def __iter__(self) -> Iterator[ChatCompletionChunk]:
        return self

    def __next__(self) -> ChatCompletionChunk:
        try:
            while True:
                chunk = self._advance()
                self._gather(chunk)
                if chunk.choices or chunk.usage is None or not self._hide_usage:
                    return chunk
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> AnswerStream:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_ended", 0.0) is None:
            finalisers.drop(self._chunks)

    def settle(self) -> bool:
        """End the call, as ``close`` does; whether the answer was complete. The count of tokens, which follows the
        last piece, is then read.
        """  # fmt: skip
        if self.finish_reason is not None and self._ended is None:
            with suppress(Exception):  # nothing but the count is missing
                while self._usage is None:
                    chunk = self._advance()
                    if chunk.choices:
                        break  # of another choice, which nobody reads
                    self._gather(chunk)
        self.close()
        return self.finish_reason is not None

    def close(self) -> None:
        """End the call; the provider stops writing."""
        if self._ended is None:
            self._ended = self._clock()
            chunks, self._chunks = self._chunks, None  # whose generators end here, not when the program does
            chunks.close()
            finalisers.release(chunks)

    def _advance(self) -> ChatCompletionChunk:
        if self._ended is not None:
            raise StopIteration
        if self._next is not None:
            chunk, self._next = self._next, None
            return chunk
        if self._clock() > self._deadline:
            raise ProviderTimeoutError(
                f"{self._model} was still writing at the deadline; raise calls.deadline_s or ask for less"
            )
        try:
            following: ChatCompletionChunk = next(self._chunks)
        except StopIteration:
            if self.finish_reason is None:
                raise self._interrupted("the connection was closed") from None
            raise
        except Exception as error:  # noqa: BLE001 - whatever the client raises becomes one of our errors
            if self.finish_reason is not None:  # nothing but the count of tokens is missing
                raise StopIteration from None
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

    def _gather(self, chunk: ChatCompletionChunk) -> None:
        choices = getattr(chunk, "choices", ...)
        if choices is not None and not isinstance(choices, list):
            raise self._translate(ValueError(f"a piece of the stream is {str(chunk)[:80]!r}"))
        reported = reported_usage(chunk.usage)
        if reported is not None:
            self._usage = reported
        for choice in choices or ():
            index, delta = getattr(choice, "index", 0), getattr(choice, "delta", None)
            self._written.setdefault(index, []).append(written(delta))
            if index != 0:
                continue
            content, refusal = getattr(delta, "content", None), getattr(delta, "refusal", None)
            piece = message_text({"content": content})
            if piece and self.first_token_ms is None:
                self.first_token_ms = (self._arrived - self._started) * 1000.0
            if piece or isinstance(content, str):
                self._pieces.append(piece)
            if isinstance(refusal, str):
                self._refusal.append(refusal)
            self._gather_calls(getattr(delta, "tool_calls", None))
            self.finish_reason = ending(choice) or self.finish_reason

    def _gather_calls(self, pieces: Any) -> None:
        """Put the pieces of calls of tools together: names come whole, arguments in parts."""
        for piece in pieces if isinstance(pieces, list) else ():
            function, place = getattr(piece, "function", None), getattr(piece, "index", 0)
            made = {"id": None, "type": "function", "function": {"name": None, "arguments": ""}}
            call = self._calls.setdefault(place if isinstance(place, int) else 0, made)
            call["id"] = getattr(piece, "id", None) or call["id"]
            call["function"]["name"] = getattr(function, "name", None) or call["function"]["name"]
            call["function"]["arguments"] += getattr(function, "arguments", None) or ""


def ending(choice: Any) -> str | None:
    """Why a choice ended, in the provider's word, whatever it sent as one; None: it did not say."""
    reason = getattr(choice, "finish_reason", None)
    return None if reason is None else str(reason)
