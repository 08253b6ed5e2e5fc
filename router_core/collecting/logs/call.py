"""One logged call, whatever tool logged it, and how its parts are read from JSON that nobody promised.

A part that is missing, or that cannot be what it should be, is unknown: never zero, never guessed.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from router_core.types import Message, Source

Row = Mapping[str, Any]

_LAST_YEAR: Final = 2200


class NotACallError(ValueError):
    """A row is not a call of a model; the sentence says what it is instead."""


@dataclass(frozen=True, slots=True)
class Rating:
    """What was said of an answer: by whom (``who`` "": nobody in particular), how good in [0, 1], in words."""

    source: Source
    reward: float
    who: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """One call.

    Args:
        id: the tool's own, unique in its log.
        model: as the log names it.
        at: when it began; None where the log does not say.
        messages: what was asked; None where the log has no texts.
        text: the answer; None where it has none.
        input_tokens, output_tokens: None where unknown. cached_tokens are part of the input.
        cost_usd: None where unknown.
        total_ms, first_token_ms: how long it took.
        finish_reason: why the answer ended.
        error: why it failed; None: it did not.
        group: calls of one group answered the same prompt; "": it stands alone.
        session: what ties the calls of a conversation together; "".
        reference: the right answer, where the log has one; "".
        ratings: what was said of it.
    """

    id: str
    model: str
    at: datetime | None = None
    messages: tuple[Message, ...] | None = None
    text: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int = 0
    cost_usd: Decimal | None = None
    total_ms: float | None = None
    first_token_ms: float | None = None
    finish_reason: str | None = None
    error: str | None = None
    group: str = ""
    session: str = ""
    reference: str = ""
    ratings: tuple[Rating, ...] = field(default=())


def decoded(value: Any) -> Any:
    """The value, or what it holds where it is JSON in a text."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "[", '"'):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def part(row: Any, *names: str) -> Any:
    """What stands under these names, one in the other; None where there is none. Texts of JSON are looked into."""
    for name in names:
        row = decoded(row)
        if not isinstance(row, Mapping):
            return None
        row = row.get(name)
    return decoded(row) if names else row


def first(*values: Any) -> Any:
    """The first that is not None."""
    return next((one for one in values if one is not None), None)


def text(value: Any) -> str | None:
    """A text that is not empty."""
    return value if isinstance(value, str) and value else None


def required(value: Any, what: str) -> str:
    """The text.

    Raises:
        NotACallError: there is none.
    """
    found = text(value)
    if found is None:
        raise NotACallError(f"it has no {what}")
    return found


def number(value: Any) -> float | None:
    """A finite number, also where it stands in a text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def count(value: Any) -> int | None:
    """A number of tokens, from 0 up."""
    found = number(value)
    return int(found) if found is not None and 0 <= found < 1e12 else None


def dollars(value: Any) -> Decimal | None:
    """A cost, exactly as it is written, from 0 up."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() and found >= 0 else None


def moment(value: Any) -> datetime | None:
    """A point in time: ISO 8601 (UTC where no zone is said), or seconds to nanoseconds since 1970."""
    seconds = number(value)
    if seconds is not None:
        while seconds > 1e11:
            seconds /= 1000.0
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return found if 1971 <= found.year <= _LAST_YEAR else None


def between_ms(began: datetime | None, ended: datetime | None) -> float | None:
    """Milliseconds from one to the other."""
    if began is None or ended is None or ended < began:
        return None
    return (ended - began).total_seconds() * 1000.0


def messages(value: Any) -> tuple[Message, ...] | None:
    """A conversation: a list of messages, an object that holds one, or a text that stands for a user's message."""
    value = decoded(value)
    if isinstance(value, str):
        return ({"role": "user", "content": value},) if value.strip() else None
    if isinstance(value, Mapping):
        inner = first(value.get("messages"), value.get("prompt"), value.get("input"))
        if inner is not None:
            return messages(inner)
        value = [value] if "role" in value else None
    if not isinstance(value, Sequence):
        return None
    found = [_message(one) for one in value]
    kept = tuple(one for one in found if one is not None)
    return kept if kept and len(kept) == len(found) else None


def answer(value: Any) -> str | None:
    """The text of an answer: as it is, as a message, or as a response of the Chat Completions API."""
    value = decoded(value)
    if isinstance(value, str):
        return value or None
    if isinstance(value, Mapping):
        choices = value.get("choices")
        if isinstance(choices, Sequence) and choices and isinstance(choices[0], Mapping):
            return answer(first(choices[0].get("message"), choices[0].get("text")))
        said = first(value.get("content"), value.get("text"), value.get("completion"), value.get("output"))
        return joined(said)
    if isinstance(value, Sequence) and value:
        return answer(value[-1])
    return None


def joined(content: Any) -> str | None:
    """Content as text: parts that are texts, one after the other."""
    if isinstance(content, str):
        return content or None
    if not isinstance(content, Sequence):
        return None
    texts = [text(first(one.get("text"), one.get("content"))) for one in content if isinstance(one, Mapping)]
    return "\n".join(one for one in texts if one is not None) or None


def reward(value: Any) -> float | None:
    """A score in [0, 1], or the word of a person or a check; None where it is neither."""
    if isinstance(value, bool):
        return float(value)
    found = number(value)
    if found is not None:
        return found if 0.0 <= found <= 1.0 else None
    words = {
        "true": 1.0,
        "pass": 1.0,
        "passed": 1.0,
        "good": 1.0,
        "false": 0.0,
        "fail": 0.0,
        "failed": 0.0,
        "bad": 0.0,
    }
    return words.get(value.strip().lower()) if isinstance(value, str) else None


def contents(row: Row) -> str:
    """A hash of all that a row holds: the id of one that has none."""
    text = json.dumps(row, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=10).hexdigest()


def calls(rows: Iterable[Any]) -> Iterable[Row]:
    """The rows that are objects."""
    return (one for one in rows if isinstance(one, Mapping))


def _message(one: Any) -> Message | None:
    if not isinstance(one, Mapping) or not isinstance(one.get("role"), str):
        return None
    content = one.get("content")
    if content is None and isinstance(one.get("parts"), Sequence):
        content = joined(one["parts"])
    if isinstance(content, str) or content is None:
        return {"role": one["role"], "content": content or ""}
    said = joined(content)
    return {"role": one["role"], "content": said} if said is not None else None
