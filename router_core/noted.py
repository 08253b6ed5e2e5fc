"""What a caller notes beside a request (own trace, user, session ...): names and short texts, checked. Pure.

Where texts are not kept, values are stored as marks. A value always has the same mark, so it can still be looked
for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from router_core.errors import ArgumentError
from router_core.validation import KEY_SHAPE, shown

MOST_NAMES: Final = 16
MOST_NAME: Final = 64
MOST_VALUE: Final = 512
SESSION: Final = "session"
"""The name under which the session stands among the metadata, unless the caller uses it for something else."""

CALLER: Final = "caller"
"""The name under which stands whose key a request came with; callers cannot use it themselves."""

MARK: Final = r"sha256:[0-9a-f]{16}"
_NAME: Final = re.compile(rf"[A-Za-z0-9_.-]{{1,{MOST_NAME}}}")


def require_metadata(metadata: Any) -> dict[str, str]:
    """The metadata as a dictionary; None is none.

    Raises:
        ArgumentError: it is no mapping of at most 16 names (letters, digits, ``_``, ``.``, ``-``) to texts of at
            most 512 characters, or a text looks like an API key.
    """
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping):
        raise ArgumentError(f"metadata is {shown(metadata)}; give names and texts, such as {{'user': '42'}}")
    if len(metadata) > MOST_NAMES:
        raise ArgumentError(f"metadata has {len(metadata)} names; at most {MOST_NAMES} are kept: leave some out")
    for name, value in metadata.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ArgumentError(
                f"metadata has the name {shown(name)}; give at most {MOST_NAME} letters, digits, '_', '.' or '-'"
            )
        if not isinstance(value, str) or len(value) > MOST_VALUE or not _encodable(value):
            raise ArgumentError(
                f"metadata[{name!r}] is {shown(value)}, a {type(value).__name__};"
                f" give a text of at most {MOST_VALUE} characters"
            )
        if KEY_SHAPE.search(value):
            raise ArgumentError(f"metadata[{name!r}] looks like an API key; keys are never stored: leave it out")
    return dict(metadata)


def require_session(session: Any) -> str | None:
    """The session as it was given, or None.

    Raises:
        ArgumentError: it is neither None nor a text of 1 to 512 characters, or it looks like an API key.
    """
    if session is None:
        return None
    if not isinstance(session, str) or not session:
        raise ArgumentError(f"session is {shown(session)}; give the text that names the conversation")
    return require_metadata({SESSION: session})[SESSION]


def mark(value: str) -> str:
    """What stands for a value that is not kept."""
    return f"sha256:{hashlib.sha256(value.encode()).hexdigest()[:16]}"


def marked(metadata: Mapping[str, str]) -> dict[str, str]:
    """The metadata with marks in place of its values."""
    return {name: mark(value) for name, value in metadata.items()}


def pairs(text: str) -> tuple[tuple[str, str], ...]:
    """Names and values from ``name=value, name=value``, as a person types a filter.

    Raises:
        ArgumentError: a part has no ``=``, or its name cannot be one.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for part in parts:
        if "=" not in part:
            raise ArgumentError(f"{shown(part)} is not a filter of metadata; write name=value, such as user=42")
    found = [(name.strip(), value.strip()) for name, _, value in (part.partition("=") for part in parts)]
    require_metadata(dict(found))
    return tuple(found)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
