"""An answer from what a provider sent: whole, or gathered piece by piece. Pure: plain data in, plain data out.

Whatever a provider sends in a place is read as far as it makes sense there; only what is not a chat completion at
all is refused. Nothing here knows of connections, clocks or the openai client, so that any shell can use it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from router_core.features import message_text
from router_core.models.error_bodies import read_error
from router_core.models.events import DONE
from router_core.models.joined import Joined, whole_text
from router_core.models.reported import (
    found_report,
    merged,
    reported_cost_usd,
    reported_tier,
    reported_usage,
)
from router_core.models.tool_calls import ToolCalls, arguments_text
from router_core.models.usage import counted_usage, plausible, written
from router_core.types import NO_REASON, Message, Received, Usage

MOST_CHOICES: Final = 1_000


class NotAnAnswerError(ValueError):
    """What a provider sent is not a chat completion, or not a chunk of one."""


class FailedAnswerError(Exception):
    """The provider says that it failed while it was answering."""


def whole_answer(
    body: Any,
    messages: Sequence[Message],
    params: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
    template_tokens: int = 0,
) -> tuple[Received, Usage]:
    """What a response says, and the tokens that it took.

    Args:
        body: the response, from JSON.
        messages, params: of the call, for an estimate of its tokens where the provider does not count them.
        headers: of the response; some proxies put the cost there.
        template_tokens: what the model's chat template is known to add to an estimate.

    Raises:
        NotAnAnswerError: it is not a chat completion; the sentence says what it lacks.
        FailedAnswerError: it says that it failed.
    """
    choices = _mapping(body).get("choices")
    if not isinstance(choices, list) or not choices:
        raise NotAnAnswerError(f"it has no choices, but: {read_error(body).text or 'nothing'}")
    if len(choices) > MOST_CHOICES:
        raise NotAnAnswerError(f"it has {len(choices):,} choices")
    first = _mapping(choices[0])
    if not isinstance(first.get("message"), Mapping):
        raise NotAnAnswerError("it has no message")
    _require_success(first)
    texts = [written(_mapping(one).get("message")) for one in choices]
    usage = _usage(found_report(body), messages, params, texts, body, headers, template_tokens)
    text = whole_text(message_text(_with_text(first["message"])))
    return Received(text, ending(first) or NO_REASON, usage), usage


def received_anyway(body: Any, messages: Sequence[Message], params: Mapping[str, Any]) -> Received:
    """What can be told of a response that is not a chat completion: at best its text and the tokens it counts."""
    choices = _mapping(body).get("choices")
    first = _mapping(choices[0]) if isinstance(choices, list) and choices else {}
    text = whole_text(message_text(_with_text(_mapping(first.get("message"))))) or None
    report = found_report(body)
    read = reported_usage(report)
    known = read is not None and plausible(read, messages, params, [text or ""])
    return Received(text, None, _usage(report, messages, params, [text or ""], body, None) if known else None)


def usual_body(body: Any) -> Any:
    """A whole response with the arguments of its calls of tools as text; the same object where they are."""
    choices = _mapping(body).get("choices")
    if not isinstance(choices, list):
        return body
    usual = [_usual_choice(choice) for choice in choices]
    same = all(one is other for one, other in zip(usual, choices, strict=True))
    return body if same else {**body, "choices": usual}


def gathered_body(chunks: Iterable[Any], messages: Sequence[Message], params: Mapping[str, Any]) -> Any:
    """The whole response that a stream would have been.

    Raises:
        NotAnAnswerError: it is not a stream of a chat completion, or it ends in the middle.
        FailedAnswerError: it says that it failed.
    """
    answer = Accumulator(messages, params)
    named: dict[str, Any] = {}
    for chunk in chunks:
        if chunk is DONE:
            answer.done()
            break
        answer.add(chunk)
        named = named or {name: chunk[name] for name in ("id", "created", "model") if chunk.get(name)}
    answer.end()
    if answer.finish_reason is None:
        raise NotAnAnswerError(f"it is a stream that broke off after {len(answer.text):,} characters")
    choice = {"index": 0, "message": answer.message, "finish_reason": answer.finish_reason}
    tier = {"service_tier": answer.tier} if answer.tier else {}
    return {
        **named,
        "object": "chat.completion",
        "choices": [choice],
        "usage": answer.report,
        **tier,
    }


class Accumulator:
    """Gathers the pieces of a streamed answer. ``text`` is what has come so far, ``finish_reason`` None until the
    answer is complete; of several choices the first is gathered.

    ``report`` is what the provider reported of tokens, ``tier`` of its service tier, ``usual`` the last piece in
    the usual form: an only choice has the index 0 and a ``delta``, calls of tools are numbered and their arguments
    text.

    Args:
        messages, params: of the call, for an estimate of its tokens where the provider does not count them.
        headers: of the response; some proxies put the cost there.
        template_tokens: what the model's chat template is known to add to an estimate.
    """  # fmt: skip

    def __init__(
        self,
        messages: Sequence[Message],
        params: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
        template_tokens: int = 0,
    ) -> None:
        self._template_tokens = template_tokens
        self.finish_reason: str | None = None
        self.report: Mapping[str, Any] | None = None
        self.tier: str = ""
        self.usual: Mapping[str, Any] = {}
        self._messages = messages
        self._params = params
        self._headers = headers
        self._several = _several(params)
        self._content = Joined()
        self._refusal = Joined()
        self._calls = ToolCalls()
        self._written: dict[Any, list[str]] = {}  # choice -> all that the model wrote of it

    @property
    def text(self) -> str:
        """The answer so far."""
        return self._content.text

    @property
    def counted(self) -> bool:
        """Whether the provider's count of tokens has come."""
        read = reported_usage(self.report)
        return read is not None and bool(read.input_tokens or read.output_tokens)

    @property
    def usage(self) -> Usage:
        """The provider's count of tokens; until it comes, or where it cannot be true, an estimate."""
        texts = ["".join(pieces) for pieces in list(self._written.values())]
        told = {"service_tier": self.tier}
        more = self._template_tokens
        return _usage(self.report, self._messages, self._params, texts, told, self._headers, more)

    @property
    def message(self) -> dict[str, Any]:
        """The answer so far, as it would have come in one piece."""
        return {
            "role": "assistant",
            "content": self._content.text if self._content.begun else None,
            "refusal": self._refusal.text or None,
            "tool_calls": self._calls.calls,
        }

    def add(self, chunk: Any) -> str | None:
        """Take in one chunk.

        Returns:
            The text of the answer that it brings, as it can be shown: half a character waits for its other half.
            None: it brings none.

        Raises:
            NotAnAnswerError: it is not a chunk of a chat completion.
            FailedAnswerError: it says that the provider failed.
        """
        choices = chunk.get("choices") if isinstance(chunk, Mapping) else ...
        if choices is not None and not isinstance(choices, list):
            raise NotAnAnswerError(f"a piece of the stream is {str(chunk)[:80]!r}")
        self.report = merged(self.report, found_report(chunk))
        self.tier = reported_tier(chunk, None, {}) or self.tier
        shown: str | None = None
        usual: list[Any] = []
        alone = len(choices or ()) == 1
        for choice in choices or ():
            read = _mapping(choice)
            index = read.get("index", 0)
            if type(index) is not int or (alone and not self._several):
                index = 0
            if index == 0:
                read = {**read, "index": 0, "delta": self._delta(read)}
                shown = self._add_first(read)
            self._written.setdefault(index, []).append(written(read.get("delta") or read.get("message")))
            usual.append(read)
        self.usual = {**chunk, "choices": usual}
        for read in usual:
            if read.get("index") == 0:
                _require_success(read)
        return shown

    def done(self) -> None:
        """The provider said that nothing more follows; the answer is complete, with or without a reason."""
        self.finish_reason = self.finish_reason or NO_REASON

    def end(self) -> None:
        """Nothing more will come: a half of a character that still waits is replaced."""
        for joined in (self._content, self._refusal):
            joined.end()
        self._calls.end()

    def _delta(self, choice: Mapping[str, Any]) -> dict[str, Any]:
        """What a choice brings: some servers write ``message`` in its place, or repeat all of it at the end."""
        delta, message = _mapping(choice.get("delta")), choice.get("message")
        if not isinstance(message, Mapping) or any(delta.get(name) for name in ("content", "tool_calls")):
            return self._in_text(delta)
        if ending(choice) and any("".join(pieces) for pieces in self._written.values()):
            before, whole = self._content.text, message_text(_with_text(message))
            rest = whole[len(before) :] if whole.startswith(before) else ""
            return dict(delta) | ({"content": rest} if rest else {})
        return self._in_text({**message, **{name: value for name, value in delta.items() if value}})

    def _in_text(self, delta: Mapping[str, Any]) -> dict[str, Any]:
        """The same, with its text and its calls of tools in the usual form; these are gathered on the way."""
        delta = _with_text(delta)
        calls = delta.get("tool_calls")
        if not isinstance(calls, list):
            return dict(delta)
        return {**delta, "tool_calls": [self._calls.add(call) for call in calls]}

    def _add_first(self, choice: Mapping[str, Any]) -> str | None:
        delta = choice["delta"]
        content, refusal = delta.get("content"), delta.get("refusal")
        piece = message_text({"content": content})
        shown = self._content.add(piece) if piece or isinstance(content, str) else None
        if isinstance(refusal, str):
            self._refusal.add(refusal)
        self.finish_reason = ending(choice) or self.finish_reason
        return shown


def ending(choice: Any) -> str | None:
    """Why a choice ended, in the provider's word, whatever it sent as one; None: it did not say."""
    reason = _mapping(choice).get("finish_reason")
    return None if reason is None else whole_text(str(reason)[:100]).strip() or None


def _require_success(choice: Mapping[str, Any]) -> None:
    if ending(choice) == "error":
        error = choice.get("error")
        said = _mapping(error).get("message") or error or 'it ended with the finish reason "error"'
        raise FailedAnswerError(str(said)[:500])


def _usage(
    report: Any,
    messages: Sequence[Message],
    params: Mapping[str, Any],
    texts: Sequence[str],
    told: Mapping[str, Any],
    headers: Mapping[str, str] | None,
    template_tokens: int = 0,
) -> Usage:
    """Tokens, and what else the cost depends on; ``told`` has the service tier."""
    return replace(
        counted_usage(report, messages, params, texts, template_tokens),
        service_tier=reported_tier(told, report, params),
        provider_cost_usd=reported_cost_usd(report, headers),
    )


def _usual_choice(choice: Any) -> Any:
    message = _mapping(_mapping(choice).get("message"))
    if _with_text(message) is not message:
        message = _with_text(message)
        choice = {**choice, "message": message}
    calls = message.get("tool_calls")
    functions = [_mapping(_mapping(call).get("function")) for call in calls] if isinstance(calls, list) else []
    if all(isinstance(function.get("arguments"), str | None) for function in functions):
        return choice
    usual = [
        {**call, "function": {**function, "arguments": arguments_text(function.get("arguments"))}}
        if function
        else call
        for call, function in zip(calls or (), functions, strict=True)
    ]
    return {**choice, "message": {**message, "tool_calls": usual}}


def _with_text(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """A message, or a piece of one, whose content is text: models of Mistral that think send a list of parts, and
    servers that parse what the model wrote as JSON send a number or an object.
    """  # fmt: skip
    content = said.get("content")
    if content is None or isinstance(content, str):
        return said
    return {**said, "content": message_text(said) if isinstance(content, list) else json.dumps(content)}


def _several(params: Mapping[str, Any]) -> bool:
    """Whether the caller asked for several choices."""
    count = _mapping(params.get("extra_body")).get("n") or params.get("n")
    return isinstance(count, int) and count > 1


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
