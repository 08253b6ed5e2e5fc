"""Simulated models: an httpx2 transport that speaks the Chat Completions API.

The openai client talks to it as it would to a provider, so the whole path of a call is exercised without a key
and without a network: streaming, usage, errors, latency. The same seed gives the same answers.

To see how a fault looks, put one of these words into a prompt: ``simulate:429``, ``simulate:500``,
``simulate:timeout``, ``simulate:cut``, ``simulate:empty``, ``simulate:filter``; with ``@model`` behind it
(``simulate:500@gpt-4o-mini``) only that model fails. Does not cover tools, images and several choices.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from router_core.features import estimate_input_tokens, estimate_tokens, message_text
from router_core.models.simulated_answers import answer, bare_name, is_cheap, judged, verdict
from router_core.sampling import uniform
from router_core.settings import SimulationSettings
from router_core.types import Message
from router_core.validation import short_hash

BASE_URL: Final = "http://simulated.invalid/v1"

_FAULT = re.compile(r"\bsimulate:(429|500|timeout|cut|empty|filter)\b(?:@([\w.:/-]*\w))?")
_PIECE = re.compile(r"\S+\s*|\s+")
_TOKENS_PER_S = {True: 110.0, False: 65.0}
_FIRST_TOKEN_S = {True: 0.25, False: 0.42}


@dataclass(frozen=True)
class _Reply:
    """What is sent, after so many seconds. ``events`` are bytes, and the seconds between them."""

    after_s: float
    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    events: Iterator[bytes | float] | None = None
    error: Exception | None = None


class SimulatedTransport(httpx2.BaseTransport):
    """Answers POST /v1/chat/completions; every other address is a 404."""

    def __init__(self, settings: SimulationSettings, sleep: Callable[[float], None] = time.sleep) -> None:
        self._script = _Script(settings)
        self._sleep = sleep

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request to one simulated model."""
        request.read()
        reply = self._script.reply(request)
        self._wait(reply.after_s)
        return _response(reply, None if reply.events is None else _Events(reply.events, self._wait))

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self._sleep(seconds)


class AsyncSimulatedTransport(httpx2.AsyncBaseTransport):
    """The same under an event loop."""

    def __init__(self, settings: SimulationSettings) -> None:
        self._script = _Script(settings)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request to one simulated model."""
        await request.aread()
        reply = self._script.reply(request)
        await _asleep(reply.after_s)
        return _response(reply, None if reply.events is None else _AsyncEvents(reply.events))


class _Script:
    """What the simulated models answer, and when. It neither waits nor sends."""

    def __init__(self, settings: SimulationSettings) -> None:
        self._seed = settings.seed
        self._scale = settings.latency_scale

    def reply(self, request: httpx2.Request) -> _Reply:
        """To a request that was read."""
        if request.method != "POST" or not request.url.path.endswith("/chat/completions"):
            return _refusal(404, f"no such address: {request.method} {request.url.path}")
        try:
            body = json.loads(request.content)
        except ValueError:
            return _refusal(400, "the body is not JSON")
        model, messages = body.get("model"), body.get("messages")
        if not isinstance(model, str) or not isinstance(messages, list) or not messages:
            return _refusal(400, "model and messages are required")
        if not all(isinstance(message, dict) for message in messages):
            return _refusal(400, "each message must be an object with a role and a content")
        text = _last_user_text(messages)
        fault = _fault(text, model)
        if fault == "timeout":
            return _Reply(0.0, error=httpx2.ReadTimeout("simulated: no answer came", request=request))
        if fault == "429":
            return _refusal(429, "simulated: too many requests", {"retry-after": "1"})
        if fault == "500":
            return _refusal(500, "simulated: the provider failed")
        said, reason = self._said(model, messages, text, body, fault)
        usage = _usage(estimate_input_tokens(messages), estimate_tokens(said))
        first_s = _FIRST_TOKEN_S[is_cheap(model)] * (0.75 + uniform(self._seed, f"first|{model}|{text}"))
        head = {
            "id": f"chatcmpl-simulated-{short_hash(f'{model}|{text}')}",
            "created": int(time.time()),
            "model": model,
        }
        if body.get("stream"):
            wanted = (body.get("stream_options") or {}).get("include_usage")
            events = self._events(head, said, reason, usage if wanted else None, fault == "cut")
            kind = {"content-type": "text/event-stream"}
            return _Reply(first_s * self._scale, headers=kind, events=events)
        if fault == "cut":
            broken = httpx2.RemoteProtocolError("simulated: the connection broke", request=request)
            return _Reply(first_s * self._scale, error=broken)
        message = {"role": "assistant", "content": said}
        choice = {"index": 0, "message": message, "finish_reason": reason, "logprobs": None}
        written_s = usage["completion_tokens"] / _TOKENS_PER_S[is_cheap(model)]
        answered = {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
        return _Reply((first_s + written_s) * self._scale, body=answered)

    def _said(
        self, model: str, messages: Sequence[Message], text: str, body: dict[str, Any], fault: str | None
    ) -> tuple[str, str]:
        """(text, finish reason)."""
        if fault == "empty":
            return "", "stop"
        if fault == "filter":
            return "", "content_filter"
        if _asks_for_verdict(messages):
            asked = re.sub(r"</?request>", "", text).strip()
            said = verdict(self._seed, model, asked)
            if (body.get("response_format") or {}).get("type") != "json_object":
                said = f"Here is my judgement: {said}"
        elif _asks_to_judge(messages):
            said = judged(self._seed, model, text)
        else:
            said = answer(self._seed, model, text)
        limit = body.get("max_completion_tokens") or body.get("max_tokens")
        if limit and estimate_tokens(said) > limit:
            return said[: limit * 4], "length"
        return said, "stop"

    def _events(
        self, head: dict[str, Any], said: str, reason: str, usage: dict[str, int] | None, cut: bool
    ) -> Iterator[bytes | float]:
        def event(choices: list[dict[str, Any]], **more: Any) -> bytes:
            chunk = {**head, "object": "chat.completion.chunk", "choices": choices, **more}
            return f"data: {json.dumps(chunk)}\n\n".encode()

        def choice(delta: dict[str, str], finished: str | None = None) -> list[dict[str, Any]]:
            return [{"index": 0, "delta": delta, "finish_reason": finished}]

        pace = _TOKENS_PER_S[is_cheap(head["model"])]
        pieces = _PIECE.findall(said)
        for number, piece in enumerate(pieces):
            if cut and number >= len(pieces) // 2:
                raise httpx2.RemoteProtocolError("simulated: the connection broke")
            yield event(choice({"role": "assistant", "content": piece} if number == 0 else {"content": piece}))
            yield estimate_tokens(piece) / pace * self._scale
        yield event(choice({}, reason))
        if usage is not None:
            yield event([], usage=usage)
        yield b"data: [DONE]\n\n"


class _Events(httpx2.SyncByteStream):
    def __init__(self, events: Iterator[bytes | float], wait: Callable[[float], None]) -> None:
        self._events = events
        self._wait = wait

    def __iter__(self) -> Iterator[bytes]:
        for one in self._events:
            if isinstance(one, bytes):
                yield one
            else:
                self._wait(one)


class _AsyncEvents(httpx2.AsyncByteStream):
    def __init__(self, events: Iterator[bytes | float]) -> None:
        self._events = events

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for one in self._events:
            if isinstance(one, bytes):
                yield one
            else:
                await _asleep(one)


async def _asleep(seconds: float) -> None:
    import asyncio

    await asyncio.sleep(max(0.0, seconds))


def _response(reply: _Reply, stream: httpx2.SyncByteStream | httpx2.AsyncByteStream | None) -> httpx2.Response:
    if reply.error is not None:
        raise reply.error
    if stream is not None:
        return httpx2.Response(reply.status, headers=dict(reply.headers), stream=stream)
    return httpx2.Response(reply.status, headers=dict(reply.headers), json=reply.body)


def _refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> _Reply:
    said = {"error": {"message": message, "code": str(status)}}
    return _Reply(0.0, status, said, headers or {})


def _usage(input_tokens: int, output_tokens: int) -> dict[str, int]:
    return {
        "prompt_tokens": input_tokens,
        "completion_tokens": output_tokens,
        "total_tokens": input_tokens + output_tokens,
    }


def _last_user_text(messages: Sequence[Any]) -> str:
    asked = (m for m in reversed(messages) if isinstance(m, dict) and m.get("role") == "user")
    return next((message_text(message) for message in asked), "")


def _asks_for_verdict(messages: Sequence[Message]) -> bool:
    first = messages[0]
    instructions = message_text(first) if first.get("role") == "system" else ""
    return "SIMPLE" in instructions and "COMPLEX" in instructions


def _asks_to_judge(messages: Sequence[Message]) -> bool:
    first = messages[0]
    instructions = message_text(first) if first.get("role") == "system" else ""
    return instructions.startswith("You judge ") and '"verdict"' in instructions


def _fault(text: str, model: str) -> str | None:
    found = _FAULT.search(text)
    if found is None or (found.group(2) and bare_name(found.group(2)) != bare_name(model)):
        return None
    return found.group(1)
