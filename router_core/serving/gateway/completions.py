"""``POST /v1/chat/completions``: a request in, the answer of one model out, whole or piece by piece.

The provider's answer is passed on as it came but for ``id`` and ``model``. A program that hangs up ends its call:
the provider stops writing, and what came is stored.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from typing import Any, Final, TypeVar

from router_core.errors import ProviderError
from router_core.routing.streams import OpenCall
from router_core.serving.aio_forwarding import Forwarded, Forwarding, Wanted
from router_core.serving.gateway.bodies import HungUpError, Receive, parsed, read
from router_core.serving.gateway.failures import Failure, RefusedError, failure
from router_core.serving.gateway.reading import wanted

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Result = TypeVar("Result")

QUIET_S: Final = 15.0
"""After so many seconds without a piece a comment is sent, so that nobody between thinks the stream is dead."""
MOST_REASON: Final = 300  # characters in a header
_DONE: Final = b"data: [DONE]\n\n"

_log = logging.getLogger(__name__)


class ChatCompletions:
    """An ASGI application for one address.

    Args:
        forwarding: gives what decides on a request and calls, as things are now.
        limited: a request as its caller may make it.
    """

    def __init__(
        self,
        forwarding: Callable[[Wanted], AbstractAsyncContextManager[Forwarding]],
        limited: Callable[[Wanted, Scope], Wanted] = lambda wanted, scope: wanted,
    ) -> None:
        self._forwarding = forwarding
        self._limited = limited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            content = await read(receive, headers)
        except HungUpError:
            return
        except RefusedError as error:
            await send_failure(send, error.failure)
            return
        with suppress(HungUpError):
            await while_there(receive, self._answer(scope, content, headers, send))

    async def _answer(self, scope: Scope, content: bytes, headers: Mapping[str, str], send: Send) -> None:
        async with AsyncExitStack() as until_sent:
            try:
                asked = self._limited(wanted(parsed(content), headers), scope)
                forwarding = await until_sent.enter_async_context(self._forwarding(asked))
                forwarded = await forwarding.chat(asked)
            except Exception as error:  # noqa: BLE001 - whatever it is, the program is told in the usual form
                told = failure(error)
                if told.status == 500:
                    _log.exception("a chat completion failed")
                await send_failure(send, told)
                return
            if isinstance(forwarded.came, OpenCall):
                await _stream(forwarded, forwarded.came, send)
                return
            answer, completion = forwarded.came
            cost = {} if completion.cost_usd is None else {"x-router-cost-usd": f"{completion.cost_usd:f}"}
            body = {**answer.body, "id": forwarded.request_id, "model": forwarded.model}
            await send_json(send, 200, body, {**told_of(forwarded), **cost})


async def _stream(forwarded: Forwarded[Any], call: OpenCall, send: Send) -> None:
    """Pass a stream on, to its end or to an error, and never to a second answer."""
    named = {"id": forwarded.request_id, "model": forwarded.model}
    headers = {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
        "x-accel-buffering": "no",
        **told_of(forwarded),
    }
    quiet = _Quiet(send)
    try:
        await start(send, 200, headers)
        begun = False
        while True:
            try:
                piece = await call.apiece()
            except StopAsyncIteration:
                break
            except ProviderError as error:
                await quiet.send(_event(failure(error).body))
                break
            if not begun:
                piece, begun = _with_role(piece), True
            await quiet.send(_event({**piece, **named}))
        await send({"type": "http.response.body", "body": _DONE, "more_body": False})
    finally:
        quiet.end()
        await call.aclose()


class _Quiet:
    """Sends what comes, and a comment where nothing does for a while."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._sent = time.monotonic()
        self._task = asyncio.ensure_future(self._comments())

    async def send(self, body: bytes) -> None:
        self._sent = time.monotonic()
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    def end(self) -> None:
        self._task.cancel()

    async def _comments(self) -> None:
        while True:
            left_s = self._sent + QUIET_S - time.monotonic()
            if left_s > 0:
                await asyncio.sleep(left_s)
            else:
                with suppress(OSError):
                    await self.send(b": still here\n\n")


async def while_there(receive: Receive, work: Coroutine[Any, Any, Result]) -> Result:
    """What some work comes to; it is cancelled where the program that asked for it hangs up.

    Raises:
        HungUpError: it did.
    """
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise HungUpError
    finally:
        gone.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait((task,))


def told_of(forwarded: Forwarded[Any]) -> dict[str, str]:
    """The headers that say what was decided. They hold ASCII alone."""
    decision = forwarded.decision
    reason = " ".join(decision.reason.summary.split()).encode("ascii", "replace").decode()
    return {
        "x-router-request-id": forwarded.request_id,
        "x-router-model": forwarded.model.encode("ascii", "replace").decode(),
        "x-router-policy": decision.policy,
        "x-router-probability": repr(decision.propensity),
        "x-router-reason": reason[:MOST_REASON],
    }


async def send_failure(send: Send, told: Failure) -> None:
    """An error in OpenAI's form."""
    await send_json(send, told.status, told.body, told.headers)


async def send_json(send: Send, status: int, body: Any, headers: Mapping[str, str]) -> None:
    """A whole response."""
    content = json.dumps(body, separators=(",", ":")).encode()
    sized = {"content-type": "application/json", "content-length": str(len(content)), **headers}
    await start(send, status, sized)
    await send({"type": "http.response.body", "body": content, "more_body": False})


async def start(send: Send, status: int, headers: Mapping[str, str]) -> None:
    """The head of a response."""
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _event(body: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"


def _with_role(piece: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first piece, which says whose the answer is, also where the provider leaves that out."""
    choices = [
        {**one, "delta": {"role": "assistant", **one["delta"]}} if isinstance(one.get("delta"), dict) else one
        for one in piece["choices"]
    ]
    return {**piece, "choices": choices}
