"""Tokens where the provider counts none: everything that was sent and written is in the estimate."""

from __future__ import annotations

from typing import Any

import pytest

from router_core.models.usage import estimated_usage, only_text, written
from router_core.types import Usage

HELLO = [{"role": "user", "content": "Hi there"}]  # 2 tokens, and 4 of the message


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": "Hello"}, "Hello"),
        ({"content": None, "refusal": "No."}, "No."),
        ({"content": "4", "reasoning_content": "2+2 "}, "42+2 "),
        ({"content": "4", "reasoning": "2+2 ", "reasoning_content": "2+2 "}, "42+2 "),
        ({"tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}, "f{}"),
        ({"content": [{"type": "text", "text": "Hi"}], "tool_calls": "none"}, "Hi"),
        ({}, ""),
    ],
)
def test_what_was_written(message: dict[str, Any], text: str) -> None:
    """Text, refusal, reasoning and calls of tools, each once."""
    assert written(message) == text
    assert written(None) == ""


def test_an_estimate_counts_every_choice_and_the_tools() -> None:
    """A token per four characters, rounded up for each choice; the description of tools is sent, too."""
    assert estimated_usage(HELLO, {}, ["a" * 8, "b" * 9]) == Usage(6, 5, estimated=True)
    assert estimated_usage(HELLO, {"tools": [{"type": "function"}]}, []) == Usage(12, 0, estimated=True)


def test_messages_that_are_text() -> None:
    """As a string, as parts, or none; anything else is not."""
    text, image = {"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": "x"}}
    assert only_text([*HELLO, {"role": "assistant", "content": None}, {"role": "user", "content": [text]}])
    assert not only_text([{"role": "user", "content": [text, image]}])
