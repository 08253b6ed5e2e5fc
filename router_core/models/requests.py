"""What is sent to a model: the client's arguments from a caller's parameters. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from router_core.types import Message

_SECRET: Final = re.compile("auth|key|token|secret|cookie", re.IGNORECASE)
_NOT_PARAMETERS: Final = {"model", "messages", "stream", "timeout", "extra_body", "extra_headers", "extra_query"}


def body_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that stand in the body of a request."""
    own = {name: value for name, value in params.items() if name not in _NOT_PARAMETERS}
    return {**own, **(params.get("extra_body") or {})}


def request(
    model: str, messages: Sequence[Message], body: Mapping[str, Any], params: Mapping[str, Any]
) -> dict[str, Any]:
    """The client's arguments. Parameters travel as the body's extras: the client refuses names it does not know,
    and servers have many of their own.
    """  # fmt: skip
    return {
        "model": model.partition("/")[2],
        "messages": list(messages),
        "extra_body": dict(body),
        "extra_headers": params.get("extra_headers"),
        "extra_query": params.get("extra_query"),
    }


def posted(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of ``chat.completions.with_raw_response.create`` as those of the client's ``post``: what that
    method does besides is to look for files and models of pydantic in plain data, a sixth of a call's time.
    """  # fmt: skip
    from openai.types.chat import ChatCompletion

    streamed = bool(arguments.get("stream"))
    body = {name: arguments[name] for name in ("messages", "model", "stream") if name in arguments}
    options = {
        "headers": {**(arguments["extra_headers"] or {}), "X-Stainless-Raw-Response": "true"},
        "extra_json": arguments["extra_body"],
        "timeout": arguments["timeout"],
        "security": {"bearer_auth": True},
    }
    if arguments["extra_query"] is not None:
        options["params"] = arguments["extra_query"]
    return {
        "path": "/chat/completions",
        "cast_to": ChatCompletion,
        "body": body,
        "options": options,
        "stream": streamed,
    }


def secrets(headers: Any) -> list[str]:
    """What the caller's own headers may hold of keys, without the word before it ("Bearer")."""
    named = headers.items() if isinstance(headers, Mapping) else ()
    return [
        value.rpartition(" ")[2] for name, value in named if isinstance(value, str) and _SECRET.search(str(name))
    ]


def wants_usage(own: Mapping[str, Any]) -> bool:
    """Whether the caller asked for the count of tokens in a stream, and so for chunks without a choice."""
    options = own.get("stream_options")
    return isinstance(options, Mapping) and bool(options.get("include_usage"))
