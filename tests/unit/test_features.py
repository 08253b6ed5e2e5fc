"""What is read from messages: the context, token estimates, the fingerprint, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from router_core.errors import PromptError
from router_core.features import (
    checked_messages,
    context,
    estimate_input_tokens,
    estimate_tokens,
    fingerprint,
    message_text,
    two_digits,
)
from router_core.types import Context, Message

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}}


def user(content: Any) -> dict[str, Any]:
    """A user message."""
    return {"role": "user", "content": content}


def text_part(text: Any) -> dict[str, Any]:
    """A text among the parts of a content."""
    return {"type": "text", "text": text}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (user("as it is\n"), "as it is\n"),
        (user([text_part("one"), IMAGE, text_part("two")]), "one\ntwo"),
        (user([IMAGE]), ""),
        (user([]), ""),
        (user(["bare", 5, None]), ""),
        (user([text_part(5), text_part("x")]), "x"),
        (user(None), ""),
        (user(5), ""),
        ({"role": "user"}, ""),
    ],
)
def test_the_text_of_a_message(message: Message, expected: str) -> None:
    """Text parts are joined by line breaks; whatever is no text counts as none."""
    assert message_text(message) == expected


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a", 1),
        ("abcd", 1),
        ("abcde", 2),
        ("a" * 400, 100),
        ("éééé", 1),
        ("ééééé", 2),
        ("日本", 2),
        ("日本abcd", 3),
        ("日本abcde", 4),
        ("😀", 1),
        ("\u2e80", 1),  # the last character that counts a quarter
        ("\u2e80" * 4, 1),
        ("\u2e81" * 4, 4),
    ],
)
def test_estimated_tokens(text: str, tokens: int) -> None:
    """Four characters of Latin script make a token, one of Chinese or Japanese does, rounded up."""
    assert estimate_tokens(text) == tokens


def test_estimated_input_counts_every_message() -> None:
    """The text of each and four tokens around it."""
    assert estimate_input_tokens([]) == 0
    assert estimate_input_tokens([user("abcde")]) == 6
    assert estimate_input_tokens([{"role": "system", "content": "a" * 40}, user([text_part("abcd"), IMAGE])]) == 19


def test_a_context() -> None:
    """The last user message is judged; tokens are those of all messages."""
    messages = [
        {"role": "system", "content": "Be brief."},
        user("first question"),
        {"role": "assistant", "content": "an answer"},
        user("  Is this\tspam?\n"),
    ]
    assert context(messages, "mail", "label") == Context(
        goal="mail", text="  Is this\tspam?\n", task_type="label", words=3, characters=16, input_tokens=30
    )


def test_a_context_of_parts() -> None:
    """Of several parts the text is judged."""
    seen = context([user([text_part("what is"), IMAGE, text_part("this")])], "default")
    assert seen == Context("default", "what is\nthis", None, 3, 12, 7)


def test_a_context_without_a_user_message() -> None:
    """There is nothing to judge; the tokens still cost."""
    assert context([{"role": "system", "content": "Be brief."}], "default") == Context(
        "default", "", None, 0, 0, 7
    )


@pytest.mark.parametrize(
    "messages",
    [
        [user("x")],
        [user("x" * 10)],
        [user([text_part("x"), IMAGE])],
        [user([IMAGE])],
        [user(""), user("x")],
        [user("x"), user("")],
        [user("x"), {"role": "assistant", "content": None, "tool_calls": []}],
        ({"role": "system", "content": "12345"}, user("67890")),
    ],
)
def test_accepted_messages(messages: Any) -> None:
    """They come back unchanged, as a tuple."""
    assert checked_messages(messages, 10) == tuple(messages)


EMPTY_LIST = "the list of messages is empty; give at least one with role 'user'"
EMPTY = "the prompt is empty; write something for the model to answer"
BLANK = "the prompt is blank; write something for the model to answer"
SHAPE = "is not a message; a message looks like {'role': 'user', 'content': '...'}"
HUGE = (
    "the prompt has 1,001 characters; at most 1,000 are allowed"
    " (setting calls.max_prompt_characters): shorten it or raise the limit"
)


@pytest.mark.parametrize(
    ("messages", "sentence"),
    [
        ([], EMPTY_LIST),
        ((), EMPTY_LIST),
        (None, EMPTY_LIST),
        ("hello", "'hello' is not a list of messages; give [{'role': 'user', ...}]"),
        (user("hello"), f"'role' {SHAPE}"),
        (["hello"], f"'hello' {SHAPE}"),
        ([user("x"), None], f"'None' {SHAPE}"),
        ([5], f"'5' {SHAPE}"),
        ([{"content": "x"}], f'"{{\'content\': \'x\'}}" {SHAPE}'),
        (["y" * 200], f"'{'y' * 80}' {SHAPE}"),
        ([{"role": "system", "content": "x"}], EMPTY),
        ([{"role": "assistant", "content": "x"}], EMPTY),
        ([user("")], EMPTY),
        ([user(None)], EMPTY),
        ([user([])], EMPTY),
        ([{"role": "user"}], EMPTY),
        ([user(" \n\t")], BLANK),
        ([user(" "), {"role": "system", "content": "x"}, user("\n")], BLANK),
        ([user("x" * 1001)], HUGE),
        ([{"role": "system", "content": "x" * 501}, user([text_part("x" * 500)])], HUGE),
    ],
)  # fmt: skip
def test_refused_messages(messages: Any, sentence: str) -> None:
    """What is wrong, what is allowed, what to do."""
    with pytest.raises(PromptError, match=f"^{re.escape(sentence)}$"):
        checked_messages(messages, 1000)


def test_a_fingerprint() -> None:
    """SHA-256 of the canonical JSON: the order of keys does not matter, everything else does."""
    one = fingerprint([{"role": "user", "content": "é"}])
    assert one == "5b982d5fb9bbb395dedf893373894ed3f82f40d0b11980e29df209a2d4e76bb4"
    assert one == fingerprint(({"content": "é", "role": "user"},))
    others = [
        fingerprint([user("e")]),
        fingerprint([user("é ")]),
        fingerprint([{"role": "system", "content": "é"}]),
        fingerprint([user("é"), user("é")]),
        fingerprint([user([text_part("é")])]),
    ]
    assert len({one, *others}) == 6


@pytest.mark.parametrize(
    ("tokens", "rounded"),
    [
        (0, 1),
        (0.4, 1),
        (1, 1),
        (9, 9),
        (10.4, 10),
        (99, 99),
        (99.6, 100),
        (101, 100),
        (104.9, 100),
        (106, 110),
        (254, 250),
        (994, 990),
        (996, 1000),
        (12_345, 12_000),
        (987_654, 990_000),
    ],
)
def test_two_digits(tokens: float, rounded: int) -> None:
    """Two significant digits, and never nothing."""
    assert two_digits(tokens) == rounded


@pytest.mark.parametrize("messages", [5, "text", [{"role": "user", "content": "\ud800"}]])
def test_what_is_no_list_of_messages_or_no_text(messages: object) -> None:
    """A sentence, not a crash further on."""
    with pytest.raises(PromptError, match=r"not a list of messages|lone surrogate"):
        checked_messages(messages, 100)  # type: ignore[arg-type]


def test_messages_from_a_generator() -> None:
    """They are read once."""
    assert checked_messages((m for m in [{"role": "user", "content": "hi"}]), 100) == (  # type: ignore[arg-type]
        {"role": "user", "content": "hi"},
    )
