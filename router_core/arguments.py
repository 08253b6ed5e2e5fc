"""What programs hand over: checked, and told by its own name in a sentence, not by a traceback from within.

Pure. Settings are checked where they are declared (settings/), messages in features.py.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from router_core.errors import ArgumentError
from router_core.validation import shown

LONGEST_TIMEOUT_S: Final = 86_400
MOST_COMMENT: Final = 100_000
MOST_DEPTH: Final = 100
"""Levels of lists and mappings inside each other: deeper data cannot be encoded or copied everywhere."""
_MOST_NAME: Final = 200
_LONGEST_PATH: Final = 4_096
_WHOLE_NUMBERS: Final = range(-(2**63), 2**64)

_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


def json_problem(value: Any, place: str) -> str | None:
    """Why plain data cannot be sent as JSON, with the place where it cannot; None: it can.

    Args:
        value: the data.
        place: what it is called.
    """
    waiting = [(value, place, 0)]
    while waiting:
        one, where, depth = waiting.pop()
        if depth > MOST_DEPTH:
            return f"{place} is nested more than {MOST_DEPTH} deep"
        if isinstance(one, str):
            if not _encodable(one):
                return f"{where} holds half a character (a lone surrogate)"
        elif isinstance(one, Mapping):
            for name, item in one.items():
                if not isinstance(name, str) or not _encodable(name):
                    return f"{where} has the name {shown(name)}, which is not a text that can be sent"
                waiting.append((item, f"{where}.{name[:40]}", depth + 1))
        elif isinstance(one, list | tuple):
            waiting += [(item, f"{where}[{index}]", depth + 1) for index, item in enumerate(one)]
        elif isinstance(one, float):
            if not math.isfinite(one):
                return f"{where} is {one}, which is not a number that can be sent"
        elif isinstance(one, int):
            if one not in _WHOLE_NUMBERS:
                return f"{where} is a number of more than 64 bits"
        elif one is not None:
            return f"{where} is {shown(one)}, a {type(one).__name__}, which is not JSON"
    return None


def require_params(params: Any) -> None:
    """Make sure that the parameters of a call can be sent.

    Raises:
        ArgumentError: names the first that cannot.
    """
    if not isinstance(params, Mapping):
        raise ArgumentError(f"params is {shown(params)}; give a mapping such as {{'temperature': 0}}")
    for name, value in params.items():
        if not isinstance(name, str) or not name or not _encodable(name):
            raise ArgumentError(f"{shown(name)} is not the name of a parameter; give a name such as 'temperature'")
        if name == "extra_headers":
            _require_headers(value)
            continue
        if name in ("extra_body", "extra_query") and value is not None and not isinstance(value, Mapping):
            raise ArgumentError(f"{name} is {shown(value)}; give a mapping of names and values")
        problem = json_problem(value, name)
        if problem is not None:
            raise ArgumentError(f"{problem}; correct it or leave it out")


def require_timeout(timeout: Any) -> None:
    """Make sure that a time-out is a number of seconds, or None.

    Raises:
        ArgumentError: it is neither.
    """
    number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if timeout is not None and not (number and 0 < timeout <= LONGEST_TIMEOUT_S):
        raise ArgumentError(
            f"timeout is {shown(timeout)}; give seconds, more than 0 and at most {LONGEST_TIMEOUT_S:,}"
        )


def require_flag(name: str, value: Any) -> None:
    """Make sure that an argument is True or False; 1, 0 and None pass for them.

    Raises:
        ArgumentError: it is none of them.
    """
    if value is not None and not (isinstance(value, int) and value in (0, 1)):
        raise ArgumentError(f"{name} is {shown(value)}; give True or False")


def require_name(name: str, value: Any, example: str, *, optional: bool = True) -> None:
    """Make sure that an argument is a short text, or (where it is ``optional``) None.

    Raises:
        ArgumentError: names it, its value, and an example.
    """
    if value is None and optional:
        return
    if not isinstance(value, str) or not value or len(value) > _MOST_NAME or not _encodable(value):
        raise ArgumentError(f"{name} is {shown(value)}; give {example}, of at most {_MOST_NAME} characters")


def require_kind(name: str, value: Any, kind: type, example: str) -> None:
    """Make sure that an argument is of a kind, or None.

    Raises:
        ArgumentError: names it, its value, and what to give.
    """
    if value is not None and not isinstance(value, kind):
        raise ArgumentError(f"{name} is {shown(value)}; give {example}")


def require_one_of(name: str, value: Any, allowed: Collection[str]) -> None:
    """Make sure that an argument is one of a few words.

    Raises:
        ArgumentError: names it, its value, and the words.
    """
    if not isinstance(value, str) or value not in allowed:
        raise ArgumentError(f"{name} is {shown(value)}; choose one of {sorted(allowed)}")


def require_seconds(name: str, value: Any) -> None:
    """Make sure that an argument is a number of seconds, 0 or more, or None.

    Raises:
        ArgumentError: names it and its value.
    """
    if value is not None and not _in_range(value, math.inf):
        raise ArgumentError(f"{name} is {shown(value)}; give seconds, 0 or more")


def require_path(name: str, value: Any) -> str:
    """The text of a path, which may lead nowhere.

    Raises:
        ArgumentError: neither a text nor a path, or one that no file can have.
    """
    try:
        text = os.fspath(value)
        os.fsencode(text)
    except (TypeError, ValueError):
        text = b""
    if not isinstance(text, str) or len(text) > _LONGEST_PATH:
        raise ArgumentError(
            f"{name} is {shown(value)}; give the path of a file, a text of at most {_LONGEST_PATH:,} characters"
        )
    return text


def is_figure(value: Any, most: float, *, whole: bool = False) -> bool:
    """Whether a value is a number from 0 to ``most``: a whole one, or any that is finite."""
    return not (whole and not isinstance(value, int)) and _in_range(value, most)


def require_request_id(value: Any) -> None:
    """Make sure that an id may be one.

    Raises:
        ArgumentError: it is not a text.
    """
    if not isinstance(value, str):
        raise ArgumentError(
            f"request_id is {shown(value)}; give the text that completion(..., return_request_id=True) gave"
        )


def require_text(name: str, value: Any) -> None:
    """Make sure that an argument is a text that can be stored.

    Raises:
        ArgumentError: it is not.
    """
    if not isinstance(value, str) or not _encodable(value):
        raise ArgumentError(f"{name} is {shown(value)}; give a text")


def require_uuid(name: str, value: Any) -> str:
    """An id as the log writes it.

    Raises:
        ArgumentError: it can be none of the log's.
    """
    try:
        return str(UUID(value))
    except (ValueError, AttributeError, TypeError):
        raise ArgumentError(
            f"{name} is {shown(value)}, which is no id of the log; give a UUID, or leave it out"
        ) from None


def require_comment(comment: Any, chips: Any = ()) -> None:
    """Make sure that what a person or program says beside an outcome is text, and not a book.

    Raises:
        ArgumentError: names the comment or the reasons.
    """
    if not isinstance(comment, str):
        raise ArgumentError(f"comment is {shown(comment)}; give a text, '' for none")
    if len(comment) > MOST_COMMENT:
        raise ArgumentError(
            f"comment has {len(comment):,} characters; at most {MOST_COMMENT:,} are kept: shorten it"
        )
    several = isinstance(chips, Sequence) and not isinstance(chips, str | bytes)
    if not several or not all(
        isinstance(one, str) and len(one) <= _MOST_NAME and _encodable(one) for one in chips
    ):
        raise ArgumentError(f"chips is {shown(chips)}; give a list of words")


def _require_headers(headers: Any) -> None:
    if headers is None:
        return
    if not isinstance(headers, Mapping):
        raise ArgumentError(f"extra_headers is {shown(headers)}; give a mapping of names and texts")
    for name, value in headers.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise ArgumentError(f"extra_headers has the name {shown(name)}; give letters, digits and dashes")
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        omitted = type(value).__name__ == "Omit"  # the openai client's word for a header that is not to be sent
        if not omitted and not (isinstance(text, str) and _HEADER_VALUE.fullmatch(text)):  # it may be a key
            kind = (
                "a text with a character that no header has"
                if isinstance(text, str)
                else f"a {type(value).__name__}"
            )
            raise ArgumentError(f"extra_headers[{name!r}] is {kind}; give a text of printable ASCII characters")


def _in_range(value: Any, most: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return False
    try:
        return math.isfinite(value) and 0 <= value <= most
    except (ArithmeticError, ValueError):  # more digits than a float has; a NaN that signals
        return False


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
