"""How many tokens a call took: as the provider counted them, else an estimate from what was sent and written.

Leaves out prices. An estimate is marked as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from router_core.features import estimate_input_tokens, estimate_tokens, message_text
from router_core.types import Message, Usage
from router_core.validation import canonical_json

_MOST = 10**9  # tokens; whoever reports more did not count


def reported_usage(usage: Any) -> Usage | None:
    """The provider's own count of tokens, or None where it sent none that is complete and possible."""
    given, answered = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    if given is None or answered is None:
        return None
    cached = _count(getattr(usage, "prompt_tokens_details", None), "cached_tokens") or 0
    return Usage(given, answered, min(cached, given))


def estimated_usage(messages: Sequence[Message], params: Mapping[str, Any], written: Iterable[str]) -> Usage:
    """An estimate where the provider sent no count.

    Args:
        messages: the conversation.
        params: of the call; tools are read by the model, too.
        written: for each choice, everything that the model wrote (see ``written``).
    """
    tools = params.get("tools")
    described = estimate_tokens(canonical_json(tools)) if tools else 0
    return Usage(
        estimate_input_tokens(messages) + described, sum(estimate_tokens(text) for text in written), estimated=True
    )


def written(part: Any) -> str:
    """All that the model wrote of a message, or of a piece of one: text, refusal, reasoning and calls of tools."""
    texts = [message_text({"content": getattr(part, "content", None)}), getattr(part, "refusal", None)]
    texts.append(getattr(part, "reasoning_content", None) or getattr(part, "reasoning", None))
    for call in _listed(getattr(part, "tool_calls", None)):
        function = getattr(call, "function", None)
        texts += [getattr(function, "name", None), getattr(function, "arguments", None)]
    return "".join(text for text in texts if isinstance(text, str))


def only_text(messages: Sequence[Message]) -> bool:
    """Whether no message holds an image, a sound or a file, whose tokens nobody can tell from characters."""
    parts = (part for message in messages for part in _listed(message.get("content")))
    return all(isinstance(part, Mapping) and part.get("type") == "text" for part in parts)


def _count(counted: Any, name: str) -> int | None:
    value = getattr(counted, name, None)
    return value if type(value) is int and 0 <= value <= _MOST else None


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()
