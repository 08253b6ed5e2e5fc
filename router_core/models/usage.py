"""How many tokens a call took: as the provider counted them, else an estimate from what was sent and written.

Pure, on plain data. An estimate is marked as one. What a provider reports is read in reported.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from router_core.features import estimate_input_tokens, estimate_tokens, message_text
from router_core.models.reported import reported_usage
from router_core.types import Message, Usage
from router_core.validation import canonical_json

HIDDEN_TOKENS: Final = 250_000
"""At most so many tokens of a call come from what cannot be seen here: thinking, a provider's own instructions,
pages that it searched. No model thinks longer today."""
_HIDDEN_IN_FILES: Final = 10_000_000  # images, sounds and files are as long as the longest context


def counted_usage(
    report: Any,
    messages: Sequence[Message],
    params: Mapping[str, Any],
    written: Sequence[str],
    template_tokens: int = 0,
) -> Usage:
    """The tokens of a call: as the provider reports them, and an estimate where that cannot be true.

    A zero beside something that was sent or written is no count; that side alone is then estimated.

    Args:
        report: ``usage`` of the answer.
        messages, params: of the call.
        written: for each choice, everything that the model wrote.
        template_tokens: what the model's chat template is known to add (templates.py).
    """
    read = reported_usage(report)
    if read is None or not plausible(read, messages, params, written):
        return estimated_usage(messages, params, written, template_tokens)
    if read.input_tokens and (read.output_tokens or not any(written)):
        return read
    guess = estimated_usage(messages, params, written, template_tokens)
    return replace(
        read,
        input_tokens=read.input_tokens or guess.input_tokens,
        output_tokens=read.output_tokens or guess.output_tokens,
        estimated=True,
    )


def plausible(
    usage: Usage, messages: Sequence[Message], params: Mapping[str, Any], written: Sequence[str]
) -> bool:
    """Whether a count can be true of such a call: a token is at least one byte of what was sent or written, but
    for so many that cannot be seen here.

    Args:
        usage: as the provider counted.
        messages, params: of the call.
        written: for each choice, everything that the model wrote.
    """  # fmt: skip
    if max(usage.input_tokens, usage.output_tokens) <= HIDDEN_TOKENS:
        return True
    sent = _bytes(canonical_json([list(messages), params.get("tools")]))
    hidden = HIDDEN_TOKENS if only_text(messages) else _HIDDEN_IN_FILES
    answered = sum(map(_bytes, written)) + HIDDEN_TOKENS * max(1, len(written))
    return usage.input_tokens <= sent + hidden and usage.output_tokens <= answered


def estimated_usage(
    messages: Sequence[Message], params: Mapping[str, Any], written: Iterable[str], template_tokens: int = 0
) -> Usage:
    """An estimate where the provider sent no count.

    Args:
        messages: the conversation.
        params: of the call; tools are read by the model, too.
        written: for each choice, everything that the model wrote (see ``written``).
        template_tokens: what the model's chat template is known to add; the estimate stays at 1 or more.
    """
    tools = params.get("tools")
    described = estimate_tokens(canonical_json(tools)) if tools else 0
    given = max(1, estimate_input_tokens(messages) + described + template_tokens) if messages else described
    return Usage(given, sum(estimate_tokens(text) for text in written), estimated=True)


def written(part: Any) -> str:
    """All that the model wrote of a message, or of a piece of one: text, refusal, reasoning and calls of tools."""
    if not isinstance(part, Mapping):
        return ""
    texts = [message_text({"content": part.get("content")}), part.get("refusal")]
    texts.append(part.get("reasoning_content") or part.get("reasoning"))
    for call in _listed(part.get("tool_calls")):
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(function, Mapping):
            texts += [function.get("name"), function.get("arguments")]
    return "".join(text if isinstance(text, str) else str(text) for text in texts if text is not None)


def only_text(messages: Sequence[Message]) -> bool:
    """Whether no message holds an image, a sound or a file, whose tokens nobody can tell from characters."""
    parts = (part for message in messages for part in _listed(message.get("content")))
    return all(isinstance(part, Mapping) and part.get("type") == "text" for part in parts)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()
