"""What a policy may look at in a prompt: messages in, Context out. Pure.

Does not cover exact token counts: they depend on the provider's tokenizer and need a download. They are
estimated from characters here, and replaced by the usage that the provider reports once an answer is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from router_core.arguments import json_problem
from router_core.errors import PromptError
from router_core.types import Context, Message
from router_core.validation import canonical_json, shown
from router_core.word_count import word_count

CHARACTERS_PER_TOKEN = 4.0
TOKENS_PER_MESSAGE = 4  # role and separators
_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")


def message_text(message: Message) -> str:
    """The text of one message; of a list of content parts, the text parts joined by line breaks."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "\n".join(part for part in parts if isinstance(part, str))
    return ""


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has: one per 4 characters of Latin script, one per character beyond it."""
    if text.isascii():
        return -int(-len(text) // CHARACTERS_PER_TOKEN)
    wide = sum(1 for character in text if ord(character) > 0x2E80)
    return wide - int(-(len(text) - wide) // CHARACTERS_PER_TOKEN)


def estimate_input_tokens(messages: Sequence[Message]) -> int:
    """About how many input tokens a list of messages costs."""
    return sum(estimate_tokens(message_text(message)) + TOKENS_PER_MESSAGE for message in messages)


def plain_messages(messages: Iterable[Any]) -> Any:
    """The messages with the openai client's own objects, such as an answer put back into the conversation, as
    plain data. What is no list of messages stays as it is: ``checked_messages`` tells.
    """  # fmt: skip
    if isinstance(messages, str | Mapping) or not isinstance(messages, Iterable):
        return messages
    return [_sendable(one) if hasattr(one, "model_dump") else one for one in messages]


def _sendable(message: Any) -> Any:
    """A message of the client without what it was parsed into, which is the caller's alone."""
    plain = message.model_dump(exclude_unset=True)
    plain.pop("parsed", None)
    for call in plain.get("tool_calls") or ():
        if isinstance(call.get("function"), dict):
            call["function"].pop("parsed_arguments", None)
    return plain


def checked_messages(messages: Sequence[Message], max_characters: int) -> tuple[Message, ...]:
    """The messages as a tuple, refused where nobody could answer them.

    Raises:
        PromptError: no message, a message that is no mapping with a role, no user message with content, or more
            than ``max_characters`` characters in all.
    """
    given: object = messages
    if not given:
        raise PromptError("the list of messages is empty; give at least one with role 'user'")
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise PromptError(f"{shown(messages)} is not a list of messages; give [{{'role': 'user', ...}}]")
    messages = tuple(messages)
    if not messages:
        raise PromptError("the list of messages is empty; give at least one with role 'user'")
    for message in messages:
        if not isinstance(message, Mapping) or "role" not in message:
            raise PromptError(
                f"{shown(message)} is not a message; a message looks like {{'role': 'user', 'content': '...'}}"
            )
    size = sum(len(message_text(message)) for message in messages)
    if size > max_characters:
        raise PromptError(
            f"the prompt has {size:,} characters; at most {max_characters:,} are allowed"
            " (setting calls.max_prompt_characters): shorten it or raise the limit"
        )
    asked = [message for message in messages if message["role"] == "user"]
    if not asked or not any(message.get("content") for message in asked):
        raise PromptError("the prompt is empty; write something for the model to answer")
    if all(isinstance(m.get("content"), str) and not m["content"].strip() for m in asked):
        raise PromptError("the prompt is blank; write something for the model to answer")
    problem = json_problem(messages, "messages")
    if problem is not None:
        raise PromptError(f"{problem}; correct it")
    return messages


def output_limit(params: Mapping[str, Any]) -> int | None:
    """The limit of an answer, in tokens, among the parameters of a call: the least given; None: no limit."""
    given = [params.get(name) for name in _LIMITS]
    return min((limit for limit in given if type(limit) is int and limit > 0), default=None)


def context(
    messages: Sequence[Message], goal: str, task_type: str | None = None, params: Mapping[str, Any] | None = None
) -> Context:
    """What a policy may look at. The text judged is that of the last user message; of ``params``, those of the
    call, only the limit of its answer counts.
    """  # fmt: skip
    text = next((message_text(m) for m in reversed(messages) if m.get("role") == "user"), "")
    return Context(
        goal=goal,
        text=text,
        task_type=task_type,
        words=word_count(text),
        characters=len(text),
        input_tokens=estimate_input_tokens(messages),
        output_limit=output_limit(params or {}),
    )


def fingerprint(messages: Sequence[Message]) -> str:
    """SHA-256 of the canonical JSON of the messages, in hex: tells equal prompts without keeping them."""
    return hashlib.sha256(canonical_json(list(messages)).encode()).hexdigest()


def two_digits(tokens: float) -> int:
    """A token count rounded to two significant digits (at least 1).

    Expected costs are estimates; rounding them lets equal-sized prompts share one computed distribution.
    """
    whole = max(1, round(tokens))
    scale: int = 10 ** max(0, len(str(whole)) - 2)
    nearest: int = round(whole / scale)
    return nearest * scale
