"""A request for a chat completion as the gateway reads it: what is its own, and what goes to the provider. Pure.

Everything that is not the gateway's own is passed on as it came, names that nobody knows too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, Final

from router_core.arguments import require_timeout
from router_core.errors import ArgumentError
from router_core.noted import MOST_NAMES, require_metadata, require_session
from router_core.serving.aio_forwarding import AUTO, Wanted
from router_core.types import BACKGROUND
from router_core.validation import shown

OWN: Final = frozenset({"session_id", "goal", "task_type", BACKGROUND})
"""Names in ``metadata`` that are for the gateway."""
_TAKEN: Final = frozenset({"model", "messages", "stream", "timeout", "metadata"})
_PASSED_ON: Final = frozenset({"openai-beta", "anthropic-beta", "http-referer", "x-title", "x-client-request-id"})
"""Headers that providers understand and that hold nobody's key."""


def wanted(body: Any, headers: Mapping[str, str], goals: Collection[str] | None = None) -> Wanted:
    """What a program asks for.

    Args:
        body: of its request, from JSON.
        headers: of its request, in lower case. ``x-router-goal``, ``x-router-session``, ``x-router-task-type``,
            ``x-router-background`` and ``x-router-timeout`` stand before what ``metadata`` and ``timeout`` in the
            body say.
        goals: those that it may use; None: all.

    Raises:
        ArgumentError: names what cannot be used.
    """
    if not isinstance(body, Mapping):
        raise ArgumentError(f"The body is {shown(body)}; send a JSON object with model and messages")
    model, messages, stream = body.get("model", AUTO), body.get("messages"), body.get("stream")
    if not isinstance(model, str) or not model:
        raise ArgumentError(f"model is {shown(model)}; give 'auto', 'goal:NAME' or a model's name")
    if not isinstance(messages, list) or not messages:
        raise ArgumentError(f"messages is {shown(messages)}; give a list of at least one message")
    if stream is not None and not isinstance(stream, bool):
        raise ArgumentError(f"stream is {shown(stream)}; give true or false")
    noted = body.get("metadata")
    if noted is not None and not isinstance(noted, Mapping):
        raise ArgumentError(f"metadata is {shown(noted)}; give an object of names and texts")
    noted = noted or {}
    params = {name: value for name, value in body.items() if name not in _TAKEN}
    for_provider = {name: value for name, value in noted.items() if name not in OWN}
    if for_provider:
        params["metadata"] = for_provider
    return Wanted(
        model=model,
        messages=messages,
        params=params,
        stream=bool(stream),
        goal=_text("goal", headers.get("x-router-goal") or noted.get("goal")) or "",
        task_type=_text("task_type", headers.get("x-router-task-type") or noted.get("task_type")),
        session=_session(headers, noted, body.get("user")),
        metadata=_kept(for_provider, body.get("user")),
        headers={name: value for name, value in headers.items() if name in _PASSED_ON},
        timeout_s=_timeout(headers.get("x-router-timeout"), body.get("timeout")),
        goals=goals,
        background=_flag(BACKGROUND, headers.get(f"x-router-{BACKGROUND}") or noted.get(BACKGROUND)),
    )


def _flag(name: str, value: Any) -> bool:
    """Metadata of some clients holds texts alone, as headers do."""
    word = value.strip().lower() if isinstance(value, str) else value
    if word is not None and word not in ("", "true", "1", "false", "0", True, False):
        raise ArgumentError(f"{name} is {shown(value)}; give true or false")
    return word in ("true", "1", True)


def _text(name: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > 200:
        raise ArgumentError(f"{name} is {shown(value)}; give a text of at most 200 characters")
    return value


def _session(headers: Mapping[str, str], noted: Mapping[str, Any], user: Any) -> str | None:
    """What names the conversation: the first of these that does."""
    for value in (headers.get("x-router-session"), noted.get("session_id"), user):
        if isinstance(value, str) and value:
            return require_session(value)
    return None


def _timeout(header: str | None, given: Any) -> float | None:
    if header is not None:
        try:
            given = float(header)
        except ValueError:
            raise ArgumentError(f"x-router-timeout is {shown(header)}; give seconds, such as 30") from None
    require_timeout(given)
    return None if given is None else float(given)


def _kept(noted: Mapping[str, Any], user: Any) -> dict[str, str]:
    """What of it can be kept in the log; the rest is for the provider alone."""
    kept: dict[str, str] = {}
    named = {**({"user": user} if isinstance(user, str) and user else {}), **noted}
    for name, value in named.items():
        with suppress(ArgumentError):
            kept |= require_metadata({name: value})
    return dict(list(kept.items())[: MOST_NAMES - 2])  # session and caller stand among them
