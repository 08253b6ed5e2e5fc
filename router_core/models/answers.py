"""An answer from what a provider sent: whole, or gathered piece by piece. Pure: plain data in, plain data out.

Whatever a provider sends in a place is read as far as it makes sense there; only what is not a chat completion at
all is refused. Nothing here knows of connections, clocks or the openai client, so that any shell can use it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from router_core.features import message_text
from router_core.models.error_bodies import read_error
from router_core.models.usage import estimated_usage, plausible, reported_usage, written
from router_core.types import Message, Received, Usage

MOST_CHOICES: Final = 1_000


class NotAnAnswerError(ValueError):
    """What a provider sent is not a chat completion, or not a chunk of one."""


def whole_answer(body: Any, messages: Sequence[Message], params: Mapping[str, Any]) -> tuple[Received, Usage]:
    """What a response says, and the tokens that it took.

    Args:
        body: the response, from JSON.
        messages, params: of the call, for an estimate of its tokens where the provider does not count them.

    Raises:
        NotAnAnswerError: it is not a chat completion; the sentence says what it lacks.
    """
    choices = _mapping(body).get("choices")
    if not isinstance(choices, list) or not choices:
        raise NotAnAnswerError(f"it has no choices, but: {read_error(body).text or 'nothing'}")
    if len(choices) > MOST_CHOICES:
        raise NotAnAnswerError(f"it has {len(choices):,} choices")
    first = _mapping(choices[0])
    if not isinstance(first.get("message"), Mapping):
        raise NotAnAnswerError("it has no message")
    texts = [written(_mapping(one).get("message")) for one in choices]
    usage = _counted(reported_usage(body.get("usage")), messages, params, texts)
    return Received(_whole_text(message_text(first["message"])), ending(first), usage), usage


def received_anyway(body: Any, messages: Sequence[Message], params: Mapping[str, Any]) -> Received:
    """What can be told of a response that is not a chat completion: at best its text and the tokens it counts."""
    choices = _mapping(body).get("choices")
    first = _mapping(choices[0]) if isinstance(choices, list) and choices else {}
    text = _whole_text(message_text(_mapping(first.get("message")))) or None
    usage = reported_usage(_mapping(body).get("usage"))
    known = usage is not None and plausible(usage, messages, params, [text or ""])
    return Received(text, None, usage if known else None)


class Accumulator:
    """Gathers the pieces of a streamed answer. ``text`` is what has come so far, ``finish_reason`` None until the
    provider said why it ended; of several choices the first is gathered.

    Args:
        messages, params: of the call, for an estimate of its tokens where the provider does not count them.
    """

    def __init__(self, messages: Sequence[Message], params: Mapping[str, Any]) -> None:
        self.finish_reason: str | None = None
        self._messages = messages
        self._params = params
        self._content = Joined()
        self._refusal = Joined()
        self._calls: dict[int, dict[str, Any]] = {}
        self._arguments: dict[int, Joined] = {}
        self._written: dict[Any, list[str]] = {}  # choice -> all that the model wrote of it
        self._reported: Usage | None = None

    @property
    def text(self) -> str:
        """The answer so far."""
        return self._content.text

    @property
    def counted(self) -> bool:
        """Whether the provider's count of tokens has come."""
        return self._reported is not None

    @property
    def usage(self) -> Usage:
        """The provider's count of tokens; until it comes, or where it cannot be true, an estimate."""
        texts = ["".join(pieces) for pieces in list(self._written.values())]
        return _counted(self._reported, self._messages, self._params, texts)

    @property
    def message(self) -> dict[str, Any]:
        """The answer so far, as it would have come in one piece."""
        calls = [
            {**call, "function": {**call["function"], "arguments": self._arguments[place].text}}
            for place, call in sorted(self._calls.items())
        ]
        return {
            "role": "assistant",
            "content": self._content.text if self._content.begun else None,
            "refusal": self._refusal.text or None,
            "tool_calls": calls or None,
        }

    def add(self, chunk: Any) -> str | None:
        """Take in one chunk.

        Returns:
            The text of the answer that it brings, as it can be shown: half a character waits for its other half.
            None: it brings none.

        Raises:
            NotAnAnswerError: it is not a chunk of a chat completion.
        """
        choices = chunk.get("choices") if isinstance(chunk, Mapping) else ...
        if choices is not None and not isinstance(choices, list):
            raise NotAnAnswerError(f"a piece of the stream is {str(chunk)[:80]!r}")
        self._reported = reported_usage(chunk.get("usage")) or self._reported
        shown: str | None = None
        for choice in map(_mapping, choices or ()):
            index, delta = choice.get("index", 0), _mapping(choice.get("delta"))
            index = index if isinstance(index, int) else 0
            self._written.setdefault(index, []).append(written(delta))
            if index == 0:
                shown = self._add_first(choice, delta)
        return shown

    def end(self) -> None:
        """Nothing more will come: a half of a character that still waits is replaced."""
        for joined in (self._content, self._refusal, *self._arguments.values()):
            joined.end()

    def _add_first(self, choice: Mapping[str, Any], delta: Mapping[str, Any]) -> str | None:
        content, refusal = delta.get("content"), delta.get("refusal")
        piece = message_text({"content": content})
        shown = self._content.add(piece) if piece or isinstance(content, str) else None
        if isinstance(refusal, str):
            self._refusal.add(refusal)
        calls = delta.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            self._add_call(_mapping(call))
        self.finish_reason = ending(choice) or self.finish_reason
        return shown

    def _add_call(self, piece: Mapping[str, Any]) -> None:
        """Put the pieces of a call of a tool together: names come whole, arguments in parts or as an object."""
        function, place = _mapping(piece.get("function")), piece.get("index", 0)
        place = place if isinstance(place, int) else 0
        made: dict[str, Any] = {"id": None, "type": "function", "function": {"name": None}}
        call = self._calls.setdefault(place, made)
        call["id"] = piece.get("id") or call["id"]
        call["function"]["name"] = function.get("name") or call["function"]["name"]
        arguments = function.get("arguments")
        text = arguments if isinstance(arguments, str) else "" if arguments is None else json.dumps(arguments)
        self._arguments.setdefault(place, Joined()).add(text)


class Joined:
    """Text from pieces. A character beyond the basic plane may come as two halves (surrogates) in two pieces: the
    first waits until the second is there. A half that stays alone becomes U+FFFD.
    """  # fmt: skip

    def __init__(self) -> None:
        self.begun = False
        self._pieces: list[str] = []
        self._half = ""

    @property
    def text(self) -> str:
        """What has come and is whole."""
        return "".join(self._pieces)

    def add(self, piece: str) -> str:
        """Take in a piece; what of it can be shown."""
        self.begun = True
        text, self._half = self._half + piece, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        text = _whole_text(text)
        self._pieces.append(text)
        return text

    def end(self) -> None:
        """Nothing more will come."""
        if self._half:
            self._half = ""
            self._pieces.append("\ufffd")


def ending(choice: Any) -> str | None:
    """Why a choice ended, in the provider's word, whatever it sent as one; None: it did not say."""
    reason = _mapping(choice).get("finish_reason")
    return None if reason is None else _whole_text(str(reason)[:100])


def _counted(
    reported: Usage | None, messages: Sequence[Message], params: Mapping[str, Any], texts: Sequence[str]
) -> Usage:
    if reported is not None and plausible(reported, messages, params, texts):
        return reported
    return estimated_usage(messages, params, texts)


def _whole_text(text: str) -> str:
    """The text with halves of characters put together, or replaced where they are alone."""
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
