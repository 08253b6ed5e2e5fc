"""The router that production code calls: decide, call, log, learn. In coroutines: aio.py.

Comparing routers with each other stands in playground.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, overload

from router_core import finalisers
from router_core.arguments import require_flag
from router_core.at_once import at_once
from router_core.client_arguments import INSTEAD, Elsewhere
from router_core.models.waiting import Blocking, Waiting
from router_core.routing.streams import OpenCall, RoutedStream
from router_core.serving.base import BaseRouter
from router_core.types import Decision, Message, Outcome

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion
    from pydantic import BaseModel


class Router(BaseRouter):
    """Sends each request to one of several models and learns from what becomes of it. Thread-safe.

    Args:
        paths: the models to choose from, cheap to strong: ``{"model": "openai/gpt-4o-mini", "weight": 0.8,
            "params": {"temperature": 0}}``. Weight (default 1) is the share of traffic before any evidence.
            Left out: the models of the goal in ``settings``.
        success_when: a condition that judges every answer: a line of text (see
            ``router_core.outcomes.conditions``), or a callable that takes the response and returns a bool, an
            ``Outcome`` or a number in [0, 1].
        goal_id: the kind of traffic; each goal learns by itself.
        policy: which router decides; by default the goal's own setting (Thompson sampling).
        settings: everything else; by default the defaults.
        store: where decisions and outcomes are kept; by default the file that ``open_store`` finds. A store
            handed in stays open when the router is closed.
        simulated: answer with simulated models; by default only where ROUTER_SIMULATED asks for them.
        environ: where API keys and ROUTER_* variables are found; by default the process's environment.
        prices: model -> price, taken as they are (None: unknown) before settings and price book.

    Raises:
        SettingsError: a path or a setting is not valid.
        ConditionError: ``success_when`` is not valid.
        ArgumentError: another argument is of the wrong kind; the sentence names it.
        StoreError: the store cannot be opened.
    """

    @overload
    def completion(
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
    def completion(
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
    def completion(
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
    ) -> RoutedStream: ...

    @overload
    def completion(
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
    ) -> tuple[RoutedStream, str]: ...

    @overload
    def completion(
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
    ) -> ChatCompletion | RoutedStream | tuple[ChatCompletion | RoutedStream, str]: ...

    def completion(
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
    ) -> ChatCompletion | RoutedStream | tuple[ChatCompletion | RoutedStream, str]:
        """Answer a conversation with the model that the policy draws.

        When that model's provider fails, the next likeliest model answers; the log says so. A turn that answers
        calls of tools stays with the model that made them, and so does what follows in a ``session``: such
        decisions are logged with probability 1 and the origin "continued", and are of no off-policy use.

        Args:
            messages: the conversation, as the Chat Completions API takes it; an answer's own message may be in it.
            return_request_id: give ``(response, request_id)``; outcomes are reported under that id.
            stream: give the chunks as they come, as a ``RoutedStream`` (which has the ``request_id`` too).
            task_type: what kind of task it is, in a word of your own such as "classification". The rules know some
                words; the router by task learns for each which model is the best value.
            timeout: seconds for a model's answer, its retries included, in place of the setting
                ``calls.deadline_s``; a model that answers in another's place has them anew. Of an httpx.Timeout
                its longest part.
            session: names a conversation of yours: all its requests go to one model, as long as that answers and
                belongs to the goal.
            metadata: what you want to find the request by (trace, user ...): at most 16 names with texts of up to
                512 characters, kept in the log and not sent to the provider. To send some, use ``extra_body``.
            params: further parameters for the provider, on top of the arm's own. Where ``response_format`` is a
                class (a Pydantic model, a dataclass), its schema is sent, and ``message.parsed`` of a whole answer
                holds the object, None where the answer is not one.

        Returns:
            The openai client's own response, or its chunks.

        Raises:
            PromptError: the prompt is empty or too long.
            ArgumentError: another argument cannot be used; the sentence names it.
            MissingKeyError: an API key that one of the models needs is not set.
            RequestRejectedError: the value of a parameter given here is not allowed; no other model is asked.
            NoEligibleArmError: no model answered; ``reasons`` and ``causes`` tell why, model by model.
            StoreError: the decision or the answer could not be stored.
        """
        require_flag("return_request_id", return_request_id)
        routed = self._completion(
            messages,
            stream=stream,
            task_type=task_type,
            timeout=timeout,
            session=session,
            metadata=metadata,
            params=params,
        )
        answer, request_id = at_once(routed)
        response = RoutedStream(answer) if isinstance(answer, OpenCall) else answer
        return (response, request_id) if return_request_id else response

    def decide(
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
        """The decision that would be taken on this conversation now; no model is called but a classifier's own.

        The same ``decision_id`` on the same state gives the same model. Without ``log`` nothing is stored.

        With ``log`` the decision is one that you carry out yourself: it is stored, and ``report_outcome`` takes
        its ``id``, with what the call took. Its propensity is exact, so it serves to judge other policies. Where a
        ``decision_id`` was logged before, that decision is given again: a repeated request is logged once.

        Args:
            messages, task_type, session, metadata: as for ``completion``; metadata needs ``log``.
            prompt_id, decision_id: by default new ones; a logged one must be a UUID.
            log: whether to store it.

        Raises:
            PromptError: the prompt is empty or too long.
            ArgumentError: another argument cannot be used; the sentence names it.
            UnknownPolicyError: there is no such policy.
            StoreError: what was learned cannot be read, or the decision cannot be stored.
        """
        decision = self._decide(
            messages,
            task_type=task_type,
            prompt_id=prompt_id,
            decision_id=decision_id,
            log=log,
            session=session,
            metadata=metadata,
        )
        return at_once(decision)

    def report_outcome(
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
        """Say what became of a request; when this returns, it is stored.

        Every later decision knows it. While other threads write, too, the contextual router may lack the outcomes
        of the last 250 ms, or the last 100; how far a decision was behind is logged with it.

        May come late, in any order and again: the last report on a request counts. ``Outcome.UNKNOWN`` (or None)
        withdraws what was reported before.

        Of a decision that you carried out yourself (``decide(..., log=True)``, whose ``id`` is the request's) the
        first report says what the call took, too: what it leaves out stays unknown. Without ``cost_usd`` the
        tokens are charged at the model's price. Where the outcome is not known yet, report None, and the outcome
        later.

        Args:
            request_id: from ``completion``, or a logged decision's id.
            outcome: an ``Outcome``, its name, or a number from 0 to 1.
            comment: in words of your own.
            cost_usd, input_tokens, output_tokens, latency_ms: what the call took.
            text: the answer; kept as the privacy settings say.
            error: what went wrong, where the call failed.

        Raises:
            InvalidOutcomeError: neither an outcome nor a number in [0, 1].
            ArgumentError: the id is not a text, the comment is not one or is too long, a figure cannot be one, or
                what the call took is known already.
            UnknownRequestError: no request of that id was ever made.
            StoreError: it could not be stored.
        """
        reported = self._report_outcome(
            request_id, outcome, comment,
            cost_usd=cost_usd, input_tokens=input_tokens, output_tokens=output_tokens,
            latency_ms=latency_ms, text=text, error=error,
        )  # fmt: skip
        at_once(reported)

    @finalisers.queued_in_collection
    def close(self) -> None:
        """End and store open streams, close connections, and close the store if this router opened it."""
        finalisers.finish()
        at_once(self._close())

    def __enter__(self) -> Router:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @staticmethod
    def _waiting() -> Waiting:
        return Blocking()


for _name, _instead in INSTEAD.items():
    setattr(Router.completion, _name, Elsewhere(f"completion.{_name}", _instead))
