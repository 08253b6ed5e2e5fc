"""Server-sent events from bytes, as far as streams of chat completions need them. Pure.

Names, ids, comments and times to reconnect say nothing there: an event without data is skipped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

DONE: Final = object()
"""What the event ``[DONE]`` is read as: nothing follows."""

_LINE_END: Final = re.compile(rb"\r\n|\n|\r")


class EventDecoder:
    """Takes bytes as they come, cut anywhere, and gives the JSON of each event."""

    def __init__(self) -> None:
        self._line: list[bytes] = []
        self._data: list[str] = []
        self._cut = False  # whether the last byte was a carriage return, whose line feed may follow

    def feed(self, piece: bytes) -> Iterator[Any]:
        """The events that end in this piece.

        Raises:
            ValueError: the data of an event is not JSON, or not UTF-8.
        """
        if self._cut and piece.startswith(b"\n"):
            piece, self._cut = piece[1:], False
        if piece:
            self._cut = piece.endswith(b"\r")
        *whole, rest = _LINE_END.split(piece)
        for part in whole:
            line = b"".join((*self._line, part))
            self._line.clear()
            if line:
                self._add(line)
            else:
                yield from self._event()
        if rest:
            self._line.append(rest)

    def end(self) -> Iterator[Any]:
        """The last event where the blank line behind it is missing; one that is cut is nothing."""
        if self._line:
            self._add(b"".join(self._line))
        try:
            yield from list(self._event())
        except ValueError:
            return

    def _add(self, line: bytes) -> None:
        name, _, value = line.removeprefix(b"\xef\xbb\xbf").partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" ").decode())

    def _event(self) -> Iterator[Any]:
        data, self._data = self._data, []
        if not any(line.strip() for line in data):
            return
        try:
            read = [_read("\n".join(data))]
        except ValueError:
            if len(data) < 2:
                raise
            read = [_read(line) for line in data if line.strip()]  # some servers forget the blank lines
        yield from read


def events(content: bytes) -> Iterator[Any]:
    """The JSON of each event of a whole stream, up to [DONE].

    Raises:
        ValueError: the data of an event is not JSON, or not UTF-8.
    """
    decoder = EventDecoder()
    for event in (*decoder.feed(content), *decoder.end()):
        yield event
        if event is DONE:
            return


def is_json(content: bytes) -> bool | None:
    """Whether something begins like JSON and not like events; None: too little of it is there."""
    begun = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    return begun[:1] in (b"{", b"[") if begun else None


def _read(data: str) -> Any:
    return DONE if data.startswith("[DONE]") else json.loads(data)
