"""Calls of tools from the pieces of a streamed answer. Pure, on plain data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from router_core.models.joined import Joined


@dataclass(eq=False)
class _Call:
    index: int
    id: str | None = None
    name: str | None = None
    arguments: Joined = field(default_factory=Joined)


class ToolCalls:
    """Puts the calls of one answer together: names come whole, arguments in parts or as an object.

    A piece with a new id and a name begins a new call, whatever index it has. Other pieces belong to the latest
    call with their index, else to the latest of all.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []

    def add(self, piece: Any) -> dict[str, Any]:
        """Take in one piece; the same in the usual form: numbered by its call, with arguments as text."""
        piece = _mapping(piece)
        function = _mapping(piece.get("function"))
        call = self._call_of(piece.get("id"), piece.get("index"), function.get("name"))
        call.id = piece.get("id") or call.id
        call.name = function.get("name") or call.name
        text = arguments_text(function.get("arguments"))
        call.arguments.add(text or "")
        usual = {**piece, "index": self._calls.index(call)}
        if "function" in piece:
            usual["function"] = {**function, "arguments": text} if "arguments" in function else dict(function)
        return usual

    def end(self) -> None:
        """Nothing more will come."""
        for call in self._calls:
            call.arguments.end()

    @property
    def calls(self) -> list[dict[str, Any]] | None:
        """The calls so far, as they would have come in one piece; None where there are none."""
        return [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments.text},
            }
            for call in self._calls
        ] or None

    def _call_of(self, id_: Any, index: Any, name: Any) -> _Call:
        numbered = type(index) is int
        at = [call for call in self._calls if not numbered or call.index == index]
        if id_ and name:
            known = [call for call in at if call.id == id_ or call.id is None]
        else:
            known = at or ([] if id_ or name else self._calls)
        if known:
            return known[-1]
        call = _Call(index if numbered else len(self._calls))
        self._calls.append(call)
        return call


def arguments_text(arguments: Any) -> str | None:
    """The arguments of a call as text; some servers send them as an object."""
    return arguments if isinstance(arguments, str) or arguments is None else json.dumps(arguments)


def answer_with_calls(text: str, message: Mapping[str, Any]) -> str:
    """The text of an answer as it is kept: where it calls tools, the calls as JSON below it."""
    calls = message.get("tool_calls")
    if not calls:
        return text
    said = json.dumps({"tool_calls": calls}, ensure_ascii=False)
    return f"{text}\n{said}" if text else said


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
