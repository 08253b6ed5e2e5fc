"""Server-sent events, cut anywhere, in every line ending; and the calls of tools that they bring in pieces."""

from __future__ import annotations

import random
from typing import Any

import pytest

from router_core.models.events import DONE, EventDecoder, events, is_json
from router_core.models.tool_calls import ToolCalls


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('data: {"a": 1}\n\ndata: [DONE]\n\ndata: {"b": 2}\n\n', [{"a": 1}, DONE]),
        ('retry: 3000\n\ndata: {"a": 1}\n\nid: 7\n\n: ping\n\nevent: ping\n\ndata:\n\ndata: 2\n\n', [{"a": 1}, 2]),
        ('event: x\nid: 1\ndata:{"a":\ndata: 1}\n\n', [{"a": 1}]),
        ('data: {"a": 1}\ndata: {"b": 2}\n', [{"a": 1}, {"b": 2}]),  # without the blank lines
        ('\ufeffdata: {"a": "é😀"}\n\n', [{"a": "é😀"}]),
        ('data: {"a": 1}\n\ndata: {"b', [{"a": 1}]),
        ("data: [DONE]", [DONE]),
        ("", []),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_events(text: str, found: list[Any], ending: str) -> None:
    """Whole, byte by byte and at random: the same."""
    content = text.replace("\n", ending).encode()
    assert list(events(content)) == found
    rng = random.Random(1)
    for size in (lambda: 1, lambda: rng.randint(1, 9)):
        decoder, read, at = EventDecoder(), [], 0
        while at < len(content):
            step = size()
            read += decoder.feed(content[at : at + step])
            at += step
        read += decoder.end()
        assert read[: len(found)] == found


def test_data_that_is_not_json() -> None:
    """Where an event has one line; it is not skipped in silence."""
    with pytest.raises(ValueError, match="Expecting"):
        list(EventDecoder().feed(b"data: {not json\n\n"))


def test_json_and_events() -> None:
    """By the first byte that says something."""
    assert [is_json(one) for one in (b"", b" \n", b' {"a"', b"\xef\xbb\xbf[1", b"data: {", b": hi")] == [
        None, None, True, True, False, False,
    ]  # fmt: skip


def piece(index: Any = 0, id_: Any = None, name: Any = None, arguments: Any = None) -> dict[str, Any]:
    """A piece of a call."""
    return {"index": index, "id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}


@pytest.mark.parametrize(
    ("pieces", "calls"),
    [
        ([piece(0, "a", "f", '{"x":'), piece(0, None, None, "1}")], [("a", "f", '{"x":1}')]),
        ([piece(0, "a", "f", "1"), piece(0, "b", "f", "2")], [("a", "f", "1"), ("b", "f", "2")]),
        (
            [
                piece(0, "a", "f", "1"),
                piece(0, None, None, "2"),
                piece(0, "b", "g", "3"),
                piece(0, None, None, "4"),
            ],
            [("a", "f", "12"), ("b", "g", "34")],
        ),
        ([piece(0, "a", "f", "1"), piece(0, "a", "f", "2")], [("a", "f", "12")]),  # id and name repeated
        ([piece(0, "a", "f", "1"), piece(1, "a", "f", "2")], [("a", "f", "1"), ("a", "f", "2")]),
        ([piece(None, "a", "f", "1"), piece(None, None, None, "2")], [("a", "f", "12")]),
        ([piece(None, "a", "f", "1"), piece(None, "b", "f", "2")], [("a", "f", "1"), ("b", "f", "2")]),
        ([piece(0, "a", "f", "1"), piece(5, None, None, "2")], [("a", "f", "12")]),
        (
            [piece(0, "a", "f"), piece(1, "b", "g"), piece(0, None, None, "1"), piece(1, None, None, "2")],
            [("a", "f", "1"), ("b", "g", "2")],
        ),
        ([piece(0, "a", "f", {"x": [1, None]})], [("a", "f", '{"x": [1, null]}')]),
        ([piece(0, None, "f", "1"), piece(0, "a", None, "2")], [("a", "f", "12")]),
    ],
)
def test_calls_of_tools(pieces: list[dict[str, Any]], calls: list[tuple[str, str, str]]) -> None:
    """Gathered here, and by a caller who puts them together by the index in the usual form."""
    gathered, theirs = ToolCalls(), {}
    for one in pieces:
        usual = gathered.add(one)
        mine = theirs.setdefault(usual["index"], ["", "", ""])
        mine[0], mine[1] = usual["id"] or mine[0], usual["function"]["name"] or mine[1]
        mine[2] += usual["function"]["arguments"] or ""
    found = [(c["id"], c["function"]["name"], c["function"]["arguments"]) for c in gathered.calls or ()]
    assert found == calls == [tuple(one) for one in theirs.values()]
