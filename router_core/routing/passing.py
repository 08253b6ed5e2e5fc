"""A call of another API than chat completions, passed through byte by byte, and stored whatever becomes of it."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from router_core.errors import InterruptedStreamError, ProviderError
from router_core.models.events import DONE, EventDecoder
from router_core.models.responses import ResponsesAnswer
from router_core.types import Completion

if TYPE_CHECKING:
    import httpx2

Finish = Callable[["PassedCall", ProviderError | None, str | None], Awaitable[Completion]]
"""Stores a call, given its error and why it ended."""


class PassedCall:
    """An answer of the Responses API that is being read, in an event loop.

    Args:
        response: it is not read yet.
        answer: reads what it says on the way.
        model: who answers, for sentences.
        finish: stores what came.
    """

    def __init__(self, response: httpx2.Response, answer: ResponsesAnswer, model: str, finish: Finish) -> None:
        self.response = response
        self.answer = answer
        self.streamed = response.headers.get("content-type", "").startswith("text/event-stream")
        self.first_token_ms: float | None = None
        self.completion: Completion | None = None
        self._model = model
        self._finish: Finish | None = finish
        self._started = time.perf_counter()
        self._decoder = EventDecoder()
        self._pieces = response.aiter_bytes()
        self._whole: list[bytes] = []

    @property
    def total_ms(self) -> float:
        """Milliseconds since its headers came."""
        return (time.perf_counter() - self._started) * 1000.0

    async def piece(self) -> bytes | None:
        """The bytes that come next; None: nothing more. What became of the call is then queued for the log.

        Raises:
            ProviderError: the connection broke; what came is stored.
        """
        try:
            piece: bytes | None = await anext(self._pieces, None)
        except ProviderError as error:
            await self._end(error, None)
            raise
        except Exception:  # noqa: BLE001 - whatever the connection raises
            broken = InterruptedStreamError(
                f"the answer of {self._model} broke off after {len(self.answer.text):,} characters; try again"
            )
            await self._end(broken, None)
            raise broken from None
        if piece is None:
            await self._complete()
        else:
            self._read(piece)
        return piece

    async def close(self, reason: str) -> None:
        """Stop where it is; the provider stops writing, and what came is stored."""
        await self.response.aclose()
        await self._end(None, self.answer.finish_reason or reason)

    def _read(self, piece: bytes) -> None:
        if not self.streamed:
            self._whole.append(piece)
            return
        with suppress(ValueError):  # passed on all the same
            for event in self._decoder.feed(piece):
                if event is not DONE:
                    self.answer.event(event)
        if self.answer.text and self.first_token_ms is None:
            self.first_token_ms = self.total_ms

    async def _complete(self) -> None:
        if not self.streamed:
            with suppress(ValueError, RecursionError):
                self.answer.whole(json.loads(b"".join(self._whole)))
        error: ProviderError | None = None
        if self.answer.failed is not None:
            error = InterruptedStreamError(f"{self._model} failed while answering: {self.answer.failed}")
        elif self.answer.finish_reason is None:
            error = InterruptedStreamError(f"the answer of {self._model} ended without saying so")
        await self._end(error, self.answer.finish_reason)

    async def _end(self, error: ProviderError | None, reason: str | None) -> None:
        finish, self._finish = self._finish, None
        if finish is not None:
            self.completion = await finish(self, error, reason)
