"""An answer that arrives piece by piece, and what is known of it so far.

Leaves out starting it (llm.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from router_core.errors import (
    InterruptedStreamError,
    MalformedResponseError,
    ProviderError,
    ProviderTimeoutError,
)
from router_core.features import estimate_input_tokens, estimate_tokens, message_text
from router_core.types import Message, Usage

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionChunk


class AnswerStream:
    """Iterates over the openai client's own chunks, and gathers them.

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
        self._started = started
        self._deadline = deadline
        self._clock = clock
        self._translate = translate
        self._pieces: list[str] = []
        self._usage: Usage | None = None
        self._ended: float | None = None

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._pieces)

    @property
    def usage(self) -> Usage:
        """The provider's count of tokens; until it comes, or where it does not, an estimate marked as one."""
        if self._usage is not None:
            return self._usage
        return Usage(estimate_input_tokens(self._messages), estimate_tokens(self.text), estimated=True)

    @property
    def total_ms(self) -> float:
        """Milliseconds from the call to the end, or until now."""
        return ((self._clock() if self._ended is None else self._ended) - self._started) * 1000.0

    def __iter__(self) -> Iterator[ChatCompletionChunk]:
        return self

    def __next__(self) -> ChatCompletionChunk:
        try:
            chunk = self._advance()
            self._gather(chunk)
        except BaseException:
            self.close()
            raise
        return chunk

    def __enter__(self) -> AnswerStream:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the call; the provider stops writing."""
        if self._ended is None:
            self._ended = self._clock()
            self._chunks.close()

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
            if getattr(choice, "index", 0) != 0:
                continue
            piece = message_text({"content": getattr(getattr(choice, "delta", None), "content", None)})
            if piece:
                if self.first_token_ms is None:
                    self.first_token_ms = (self._arrived - self._started) * 1000.0
                self._pieces.append(piece)
            self.finish_reason = getattr(choice, "finish_reason", None) or self.finish_reason


def reported_usage(usage: Any) -> Usage | None:
    """The provider's own count of tokens, or None where it sent none that is complete."""
    given, written = getattr(usage, "prompt_tokens", None), getattr(usage, "completion_tokens", None)
    if not isinstance(given, int) or not isinstance(written, int):
        return None
    details = getattr(usage, "prompt_tokens_details", None)
    return Usage(given, written, getattr(details, "cached_tokens", None) or 0)
