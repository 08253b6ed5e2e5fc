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

_EVENTS: Final = (b"data:", b"event:", b"id:", b"retry:", b":")


class Chunks:
    """Iterates over the pieces, and closes the response behind the last.

    ``headers`` are those of the response. ``done``: the provider said that nothing more follows. ``turn`` at the
    provider ends with it.
    """

    def __init__(self, response: httpx2.Response) -> None:
        self.headers: Mapping[str, str] = response.headers
        self.done = False
        self.turn = Turn()
        self._response = response
        self._pieces = self._read()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._pieces)

    def close(self) -> None:
        """End the response; the provider stops writing."""
        try:
            self._response.close()
        finally:
            self.turn.end()

    def _read(self) -> Iterator[Any]:
        import httpx2
        from openai import APIConnectionError, APITimeoutError

        try:
            for event in self._events():
                if event is DONE:
                    self.done = True
                    return
                self._require_no_error(event)
                yield event
        except httpx2.TimeoutException as error:
            raise APITimeoutError(request=self._response.request) from error
        except httpx2.RequestError as error:
            raise APIConnectionError(request=self._response.request) from error
        finally:
            self._response.close()

    def _events(self) -> Iterator[Any]:
        pieces = self._response.iter_bytes()
        head = b""
        for piece in pieces:
            head += piece
            if is_json(head) is not None:
                break
        if is_json(head):
            body = json.loads(b"".join((head, *pieces)))
            AnsweredWithError.require_none(body)
            whole_answer(body, (), {})  # raises what is wrong with it
            yield body
            yield DONE
            return
        decoder = EventDecoder()
        for piece in chain((head,), pieces):
            yield from decoder.feed(piece)
        yield from decoder.end()

    def _require_no_error(self, event: Any) -> None:
        """An error in place of a piece becomes the client's own."""
        from openai import APIError

        event = event[0] if isinstance(event, list) and len(event) == 1 else event
        error = event.get("error") if isinstance(event, Mapping) else None
        if error:
            said = error.get("message") if isinstance(error, Mapping) else error
            shown = said if isinstance(said, str) and said else "An error occurred during streaming"
            raise APIError(shown, self._response.request, body=error)


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
