"""``POST /v1/responses`` and ``/v1/embeddings``: bodies and answers pass through as they are.

Requests of the Responses API are routed, logged and continued like chat completions. Embeddings go to the model
that the request names: no policy decides, and nothing is logged.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import replace
from typing import Any

from router_core.errors import ArgumentError, ProviderError
from router_core.models.responses import messages_of
from router_core.routing.passing import PassedCall
from router_core.serving.aio_forwarding import AUTO, Forwarded, Forwarding, UnknownModelError, Wanted
from router_core.serving.gateway.bodies import HungUpError, Receive, parsed, read
from router_core.serving.gateway.completions import Scope, Send, send_failure, start, told_of, while_there
from router_core.serving.gateway.failures import RefusedError, failure
from router_core.serving.gateway.reading import wanted
from router_core.types import STOPPED
from router_core.validation import shown

_log = logging.getLogger(__name__)

Using = Callable[[Wanted], AbstractAsyncContextManager[Forwarding]]
"""Gives what decides on a request and calls, as things are now."""


class _Passing:
    """What both addresses do: read, answer while the program is there, and tell what went wrong."""

    def __init__(
        self, forwarding: Using, limited: Callable[[Wanted, Scope], Wanted] = lambda wanted, scope: wanted
    ) -> None:
        self._forwarding = forwarding
        self._limited = limited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        with suppress(HungUpError):
            try:
                content = await read(receive, headers)
            except RefusedError as error:
                await send_failure(send, error.failure)
                return
            await while_there(receive, self._told(content, headers, scope, send))

    async def _told(self, content: bytes, headers: Mapping[str, str], scope: Scope, send: Send) -> None:
        async with AsyncExitStack() as until_sent:
            try:
                answer = await self._asked(_object(content), headers, scope, until_sent)
            except Exception as error:  # noqa: BLE001 - whatever it is, the program is told in the usual form
                told = failure(error)
                if told.status == 500:
                    _log.exception("a request that is passed through failed")
                await send_failure(send, told)
                return
            await answer(send)

    async def _asked(
        self,
        body: dict[str, Any],
        headers: Mapping[str, str],
        scope: Scope,
        until_sent: AsyncExitStack,
    ) -> Callable[[Send], Any]:
        raise NotImplementedError


class Responses(_Passing):
    """``/v1/responses``: ``auto``, ``goal:NAME`` or a model of the pool; whole or streamed."""

    async def _asked(
        self,
        body: dict[str, Any],
        headers: Mapping[str, str],
        scope: Scope,
        until_sent: AsyncExitStack,
    ) -> Callable[[Send], Any]:
        messages = messages_of(body)
        if not messages:
            raise ArgumentError(f"input is {shown(body.get('input'))}; give a text or a list of messages")
        asked = self._limited(wanted({**body, "messages": messages}, headers), scope)
        former = body.get("previous_response_id")
        streamed = {"stream": body["stream"]} if "stream" in body else {}
        asked = replace(asked, params={**asked.params, **streamed})
        if asked.session is None and isinstance(former, str) and former:
            asked = replace(asked, session=former)
        forwarding = await until_sent.enter_async_context(self._forwarding(asked))
        forwarded = await forwarding.responses(asked)
        if forwarded.came.streamed:
            return lambda send: _stream(forwarded, send)
        content = await _whole(forwarded.came)
        return lambda send: _send(forwarded, content, send)


class Embeddings(_Passing):
    """``/v1/embeddings``: a model of a provider that is set up, ``provider/model``."""

    async def _asked(
        self,
        body: dict[str, Any],
        headers: Mapping[str, str],
        scope: Scope,
        until_sent: AsyncExitStack,
    ) -> Callable[[Send], Any]:
        model = body.get("model")
        if not isinstance(model, str) or not model:
            raise ArgumentError(f"model is {shown(model)}; name a model, as in 'openai/text-embedding-3-small'")
        stands_for = {**body, "model": AUTO, "messages": [{"role": "user", "content": "-"}]}
        asked = self._limited(wanted(stands_for, headers), scope)
        if asked.models is not None and model not in asked.models:
            raise UnknownModelError(
                f"There is no model {model[:100]!r} for this key; it may use {list(asked.models)}"
            )
        forwarding = await until_sent.enter_async_context(self._forwarding(asked))
        providers = forwarding.settings.providers
        if model.partition("/")[0] not in providers or "/" not in model:
            raise UnknownModelError(
                f"There is no model {model[:100]!r} here; name its provider first, one of {sorted(providers)},"
                " as in 'openai/text-embedding-3-small'"
            )
        response = await forwarding.models.apass(
            model, "/embeddings", asked.params, asked.headers, asked.timeout_s
        )
        try:
            content = await response.aread()
        finally:
            await response.aclose()
        named = {"x-router-model": model.encode("ascii", "replace").decode()}
        return lambda send: _send_bytes(send, content, named)


async def _whole(call: PassedCall) -> bytes:
    """All bytes of an answer; one that is not waited for is stored."""
    parts: list[bytes] = []
    try:
        while (piece := await call.piece()) is not None:
            parts.append(piece)
    finally:
        await call.close(STOPPED)
    return b"".join(parts)


async def _send(forwarded: Forwarded[PassedCall], content: bytes, send: Send) -> None:
    completion = forwarded.came.completion
    cost = {}
    if completion is not None and completion.cost_usd is not None:
        cost = {"x-router-cost-usd": f"{completion.cost_usd:f}"}
    await _send_bytes(send, content, {**told_of(forwarded), **cost})


async def _send_bytes(send: Send, content: bytes, headers: Mapping[str, str]) -> None:
    sized = {"content-type": "application/json", "content-length": str(len(content)), **headers}
    await start(send, 200, sized)
    await send({"type": "http.response.body", "body": content, "more_body": False})


async def _stream(forwarded: Forwarded[PassedCall], send: Send) -> None:
    """Pass a stream on; an error in it is its last event."""
    call = forwarded.came
    headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
    try:
        await start(send, 200, {**headers, "x-accel-buffering": "no", **told_of(forwarded)})
        try:
            while (piece := await call.piece()) is not None:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except ProviderError as error:
            told = {"type": "error", **failure(error).body["error"]}
            event = f"event: error\ndata: {json.dumps(told)}\n\n"
            await send({"type": "http.response.body", "body": event.encode(), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        await call.close(STOPPED)


def _object(content: bytes) -> dict[str, Any]:
    body = parsed(content)
    if not isinstance(body, dict):
        raise ArgumentError(f"The body is {shown(body)}; send a JSON object")
    return body
