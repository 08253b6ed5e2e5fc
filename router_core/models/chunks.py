"""The pieces of one streamed response, as plain data, whatever form it comes in: events, or one whole JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

from router_core.models.answers import whole_answer
from router_core.models.events import DONE, EventDecoder, is_json

if TYPE_CHECKING:
    import httpx2


class Chunks:
    """Iterates over the pieces, and closes the response behind the last.

    ``headers`` are those of the response. ``done``: the provider said that nothing more follows.
    """

    def __init__(self, response: httpx2.Response) -> None:
        self.headers: Mapping[str, str] = response.headers
        self.done = False
        self._response = response
        self._pieces = self._read()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._pieces)

    def close(self) -> None:
        """End the response; the provider stops writing."""
        self._response.close()

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
            self._require_no_error(body)
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
