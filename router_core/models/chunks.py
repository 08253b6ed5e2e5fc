"""One response as plain data, whole or in pieces, in whichever form it comes: events or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from router_core.models.answers import gathered_body, whole_answer
from router_core.models.errors import AnsweredWithError
from router_core.models.events import DONE, EventDecoder, events, is_json
from router_core.models.turns import Turn
from router_core.types import Message

if TYPE_CHECKING:
    import httpx2

    from router_core.models.waiting import Waiting

_NOTHING: Final = object()
_EVENTS: Final = (b"data:", b"event:", b"id:", b"retry:", b":")


class Chunks:
    """Gives the pieces of a streamed response, and closes it behind the last.

    ``headers`` are those of the response. ``done``: the provider said that nothing more follows. ``turn`` at the
    provider ends with it.

    Args:
        response: it is not read yet.
        waiting: how it is read.
    """

    def __init__(self, response: httpx2.Response, waiting: Waiting) -> None:
        self.headers: Mapping[str, str] = response.headers
        self.done = False
        self.turn = Turn()
        self._response = response
        self._waiting = waiting
        self._bytes = waiting.pieces(response)
        self._decoder = _Decoder()
        self._events: Iterator[Any] = iter(())
        self._ended = False

    def __aiter__(self) -> Chunks:
        return self

    async def __anext__(self) -> Any:
        import httpx2
        from openai import APIConnectionError, APITimeoutError

        try:
            event = await self._next()
            if event is _NOTHING or event is DONE:
                self.done = self.done or event is DONE
                self._ended = True
                await self.aclose()
                raise StopAsyncIteration
            self._require_no_error(event)
            return event
        except StopAsyncIteration:
            raise
        except httpx2.TimeoutException as error:
            await self.aclose()
            raise APITimeoutError(request=self._response.request) from error
        except httpx2.RequestError as error:
            await self.aclose()
            raise APIConnectionError(request=self._response.request) from error
        except GeneratorExit:  # the task was dropped with its loop
            raise
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """End the response; the provider stops writing."""
        try:
            await self._waiting.hang_up(self._response)
        finally:
            self.turn.end()

    def close(self) -> None:
        """The same, from a thread that may wait."""
        self._waiting.finish(self.aclose())

    async def _next(self) -> Any:
        """What comes next; ``_NOTHING`` at the end."""
        while True:
            event = next(self._events, _NOTHING)
            if event is not _NOTHING or self._ended:
                return event
            piece = await self._waiting.next_piece(self._bytes)
            if piece is None:
                self._ended = True
                self._events = self._decoder.end()
            else:
                self._events = self._decoder.feed(piece)

    def _require_no_error(self, event: Any) -> None:
        """An error in place of a piece becomes the client's own."""
        from openai import APIError

        event = event[0] if isinstance(event, list) and len(event) == 1 else event
        error = event.get("error") if isinstance(event, Mapping) else None
        if error:
            said = error.get("message") if isinstance(error, Mapping) else error
            shown = said if isinstance(said, str) and said else "An error occurred during streaming"
            raise APIError(shown, self._response.request, body=error)


class _Decoder:
    """Bytes as they come to pieces: events, or one whole answer that was sent in place of a stream."""

    def __init__(self) -> None:
        self._head = b""
        self._events: EventDecoder | None = None

    def feed(self, piece: bytes) -> Iterator[Any]:
        """The events that end in this piece."""
        if self._events is not None:
            return self._events.feed(piece)
        self._head += piece
        if is_json(self._head) is not False:
            return iter(())  # nothing but space so far, or JSON, which is read whole
        self._events = EventDecoder()
        return self._events.feed(self._head)

    def end(self) -> Iterator[Any]:
        """What the end brings."""
        if self._events is not None:
            return self._events.end()
        if is_json(self._head):
            return self._whole()
        decoder = EventDecoder()
        return chain(decoder.feed(self._head), decoder.end())

    def _whole(self) -> Iterator[Any]:
        body = json.loads(self._head)
        AnsweredWithError.require_none(body)
        whole_answer(body, (), {})  # raises what is wrong with it
        yield body
        yield DONE


def whole_body(content: bytes, messages: Sequence[Message], params: Mapping[str, Any]) -> Any:
    """A whole response, from JSON or from the events of a stream.

    Raises:
        ValueError: it is neither; or a stream that breaks off.
        AnsweredWithError, FailedAnswerError: it says that it failed.
    """
    if is_json(content) is False and (content.lstrip(b"\xef\xbb\xbf \r\n").startswith(_EVENTS)):
        return gathered_body(_checked(events(content)), messages, params)
    return json.loads(content)


def _checked(pieces: Iterable[Any]) -> Iterator[Any]:
    for piece in pieces:
        AnsweredWithError.require_none(piece)
        yield piece
