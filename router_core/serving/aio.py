"""The router for programs under asyncio: the same requests, decisions and outcomes as ``Router``, awaited.

All of it is written once, in base.py and below; this is its other shell. Playground and panel stand elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, overload

from router_core import finalisers
from router_core.arguments import require_flag
from router_core.client_arguments import INSTEAD, Elsewhere
from router_core.models.event_loop import EventLoop
from router_core.models.waiting import Waiting
from router_core.routing.streams import AsyncRoutedStream, OpenCall
from router_core.serving.base import BaseRouter
from router_core.types import Decision, Message, Outcome

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion
    from pydantic import BaseModel


class AsyncRouter(BaseRouter):
    """Sends each request to one of several models and learns from what becomes of it, without holding a thread
    while it waits. Its arguments and its errors are those of ``Router``.

    Making one opens the store and keeps the thread waiting for that: make it where a program starts. Use it from
    one event loop at a time, and ``await router.close()``, or ``async with``, at the end. A task that is cancelled
    while a model answers leaves a request of unknown cost in the log; what it had read of a stream is kept.
    """

    @overload
    async def completion(
        self,
        messages: Sequence[Message | BaseModel],
        *,
        return_request_id: Literal[False] = ...,
        stream: Literal[False] = ...,
        task_type: str | None = ...,
        timeout: Any = ...,
        session: str | None = ...,
        metadata: Mapping[str, str] | None = ...,
        **params: Any,
    ) -> ChatCompletion: ...

    @overload
    async def completion(
        self,
        messages: Sequence[Message | BaseModel],
        *,
        return_request_id: Literal[True],
        stream: Literal[False] = ...,
        task_type: str | None = ...,
        timeout: Any = ...,
        session: str | None = ...,
        metadata: Mapping[str, str] | None = ...,
        **params: Any,
    ) -> tuple[ChatCompletion, str]: ...

    @overload
    async def completion(
        self,
        messages: Sequence[Message | BaseModel],
        *,
        return_request_id: Literal[False] = ...,
        stream: Literal[True],
        task_type: str | None = ...,
        timeout: Any = ...,
        session: str | None = ...,
        metadata: Mapping[str, str] | None = ...,
        **params: Any,
    ) -> AsyncRoutedStream: ...

    @overload
    async def completion(
        self,
        messages: Sequence[Message | BaseModel],
        *,
        return_request_id: Literal[True],
        stream: Literal[True],
        task_type: str | None = ...,
        timeout: Any = ...,
        session: str | None = ...,
        metadata: Mapping[str, str] | None = ...,
        **params: Any,
    ) -> tuple[AsyncRoutedStream, str]: ...

    @overload
    async def completion(
        self,
        messages: Sequence[Message | BaseModel],
        *,
        return_request_id: bool = ...,
        stream: bool = ...,
        task_type: str | None = ...,
        timeout: Any = ...,
        session: str | None = ...,
        metadata: Mapping[str, str] | None = ...,
        **params: Any,
    ) -> ChatCompletion | AsyncRoutedStream | tuple[ChatCompletion | AsyncRoutedStream, str]: ...

    async def completion(
        self,
        messages: Sequence[Message | BaseModel],
        *,
        return_request_id: bool = False,
        stream: bool = False,
        task_type: str | None = None,
        timeout: Any = None,
        session: str | None = None,
        metadata: Mapping[str, str] | None = None,
        **params: Any,
    ) -> ChatCompletion | AsyncRoutedStream | tuple[ChatCompletion | AsyncRoutedStream, str]:
        """Answer a conversation with the model that the policy draws.

        Args:
            messages: the conversation, as the Chat Completions API takes it; an answer's own message may be in it.
            return_request_id: give ``(response, request_id)``; outcomes are reported under that id.
            stream: give the chunks as they come, as an ``AsyncRoutedStream`` to read by ``async for``.
            task_type, timeout, session, metadata, params: as for ``Router.completion``.

        Returns:
            The openai client's own response, or its chunks.

        Raises:
            RouterError: as ``Router.completion`` does.
        """
        require_flag("return_request_id", return_request_id)
        answer, request_id = await self._completion(
            messages,
            stream=stream,
            task_type=task_type,
            timeout=timeout,
            session=session,
            metadata=metadata,
            params=params,
        )
        response = AsyncRoutedStream(answer) if isinstance(answer, OpenCall) else answer
        return (response, request_id) if return_request_id else response

    async def decide(
        self,
        messages: Sequence[Message | BaseModel],
        *,
        task_type: str | None = None,
        prompt_id: str | None = None,
        decision_id: str | None = None,
        log: bool = False,
        session: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Decision:
        """The decision that would be taken on this conversation now; see ``Router.decide``.

        Raises:
            RouterError: as ``Router.decide`` does.
        """
        return await self._decide(
            messages,
            task_type=task_type,
            prompt_id=prompt_id,
            decision_id=decision_id,
            log=log,
            session=session,
            metadata=metadata,
        )

    async def report_outcome(
        self,
        request_id: str,
        outcome: Outcome | str | float | bool | None,
        comment: str = "",
        *,
        cost_usd: float | Decimal | None = None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        latency_ms: float | None = None,
        text: str | None = None,
        error: str | None = None,
    ) -> None:
        """Say what became of a request; when this has been awaited, it is stored. See ``Router.report_outcome``.

        Raises:
            RouterError: as ``Router.report_outcome`` does.
        """
        await self._report_outcome(
            request_id, outcome, comment,
            cost_usd=cost_usd, input_tokens=input_tokens, output_tokens=output_tokens,
            latency_ms=latency_ms, text=text, error=error,
        )  # fmt: skip

    async def close(self) -> None:
        """End and store open streams, close connections, and close the store if this router opened it."""
        await self._models.waiting.read(finalisers.finish)
        await self._close()

    aclose = close

    async def __aenter__(self) -> AsyncRouter:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    @staticmethod
    def _waiting() -> Waiting:
        return EventLoop()


for _name, _instead in INSTEAD.items():
    setattr(AsyncRouter.completion, _name, Elsewhere(f"completion.{_name}", _instead))
