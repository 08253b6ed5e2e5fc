"""The router that production code calls: decide, call, log, learn.

Comparing routers with each other stands in playground.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload
from uuid import UUID

from router_core import finalisers
from router_core.arguments import (
    require_comment,
    require_flag,
    require_name,
    require_request_id,
    require_timeout,
    require_uuid,
)
from router_core.client_arguments import CLIENT, INSTEAD, Elsewhere, plain_params, seconds, with_parsed
from router_core.errors import ArgumentError
from router_core.features import checked_messages, context, plain_messages
from router_core.models.calls import Models
from router_core.noted import require_metadata, require_session
from router_core.registry import PolicyName
from router_core.routing.answering import Call, answered
from router_core.routing.calling import Caller, RoutedStream
from router_core.routing.deciding import Decider
from router_core.routing.handing_over import HandedOver, Took
from router_core.routing.reporting import report
from router_core.routing.retention import remove_expired
from router_core.serving.paths import with_paths
from router_core.settings import Settings
from router_core.settings.system import simulation_asked
from router_core.store import open_store
from router_core.store.base import Store
from router_core.types import Decision, Message, Outcome, Posterior, Price

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion
    from pydantic import BaseModel


class Router:
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
        StoreError: the store cannot be opened.
    """

    def __init__(
        self,
        paths: Sequence[Mapping[str, Any]] | None = None,
        *,
        success_when: str | Callable[[Any], Any] | None = None,
        goal_id: str = "default",
        policy: PolicyName | None = None,
        settings: Settings | None = None,
        store: Store | None = None,
        simulated: bool | None = None,
        environ: Mapping[str, str] | None = None,
        prices: Mapping[str, Price | None] | None = None,
    ) -> None:
        require_name("goal_id", goal_id, "the name of a goal", optional=False)
        require_name("policy", policy, "the name of a router")
        environ = os.environ if environ is None else environ
        if simulated is None:
            simulated = simulation_asked(environ)
        self._settings = with_paths(settings or Settings(), goal_id, paths)
        self._goal = self._settings.goal(goal_id)
        self._goal_id = goal_id
        self._policy: str = policy or self._goal.router
        self._models = Models(self._settings, simulated=simulated, environ=environ)
        self._owns_store = store is None
        self._store = store or open_store(kind="simulated" if simulated else "live", environ=environ)
        try:
            self._decider = Decider(self._settings, self._store, self._models, prices=prices)
            self._caller = Caller(self._decider, self._store, self._models, success_when)
            self._handed_over = HandedOver(self._decider, self._store)
            remove_expired(self._store, self._settings.privacy, self._decider.now())
        except BaseException:
            self.close()
            raise

    @classmethod
    def from_settings(
        cls,
        path: str | Path,
        *,
        goal_id: str = "default",
        success_when: str | Callable[[Any], Any] | None = None,
        policy: PolicyName | None = None,
        store: Store | None = None,
        simulated: bool | None = None,
        environ: Mapping[str, str] | None = None,
        allow_endpoints: Mapping[str, str | None] | None = None,
    ) -> Router:
        """The router that a ``router.json`` (or its YAML) describes: on the same prompt and decision id it draws
        the same model as where the file was exported.

        What the file has learned is taken over the first time it is opened with a store; from then on that store
        learns by itself. Opening the same file again changes nothing.

        Args:
            path: the exported file.
            goal_id: which of its goals this router serves.
            success_when, policy, store, simulated, environ: as for ``Router``.
            allow_endpoints: address -> variable that holds its key (None: no key), as in
                ``{"http://127.0.0.1:11434/v1": None}``: endpoints that the file may name besides those of the
                default settings and of the file in ROUTER_SETTINGS. A file decides where prompts and keys go, so
                every other endpoint is refused.

        Raises:
            ImportFileError: the file is broken, foreign, edited or too new.
            SettingsError: it cannot be read, has no such goal, names an endpoint that nobody allowed, or the store
                has learned something else already.
            StoreError: the store cannot be opened.
        """
        from router_core.exports.transfer import adopt, read_export, require_endpoints

        export = read_export(path)
        export.settings.goal(goal_id)
        require_endpoints(export.settings, path, allow_endpoints, os.environ if environ is None else environ)
        router = cls(
            success_when=success_when,
            goal_id=goal_id,
            policy=policy,
            settings=export.settings,
            store=store,
            simulated=simulated,
            environ=environ,
            prices=export.prices,
        )
        try:
            adopt(router._store, export, goal_id)
        except BaseException:
            router.close()
            raise
        return router

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
        self._models.require_keys(arm.model for arm in self._goal.arms)
        limit_s = seconds(timeout)
        require_timeout(limit_s)
        require_flag("stream", stream)
        require_flag("return_request_id", return_request_id)
        require_name("task_type", task_type, "a word such as 'classification'")
        wanted = params.get("response_format")
        params = plain_params(params)
        noted, session = require_metadata(metadata), require_session(session)
        plain = plain_messages(messages)
        prompt = self._decider.prompt(
            plain, self._goal_id, "library", task_type=task_type, params=params, metadata=noted, session=session
        )
        decision = self._decider.bound(self._decided(plain, task_type, session, prompt.id), session)
        self._decider.log([decision], [prompt])
        call: Call[ChatCompletion | RoutedStream] = self._caller.stream if stream else self._caller.complete
        response, request_id = answered(self._decider, call, prompt, plain, decision, params, limit_s)
        self._handed_over.carried_out(request_id)
        if isinstance(wanted, type) and not isinstance(response, RoutedStream):
            response = with_parsed(response, wanted)
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
        require_name("task_type", task_type, "a word such as 'classification'")
        require_name("prompt_id", prompt_id, "a text")
        require_name("decision_id", decision_id, "a text")
        require_flag("log", log)
        noted, session = require_metadata(metadata), require_session(session)
        checked = checked_messages(plain_messages(messages), self._settings.calls.max_prompt_characters)
        if not log:
            if noted:
                raise ArgumentError("metadata is stored with a decision, and this one is not; say log=True")
            return self._decided(checked, task_type, session, prompt_id or self._decider.new_id(), decision_id)
        for name, given in (("prompt_id", prompt_id), ("decision_id", decision_id)):
            if given is not None:
                require_uuid(name, given)
        decision_id = str(UUID(decision_id)) if decision_id else self._decider.new_id()
        prompt = self._decider.prompt(
            checked,
            self._goal_id,
            "library",
            task_type=task_type,
            id_=str(UUID(prompt_id)) if prompt_id else decision_id,
            metadata=noted,
            session=session,
        )
        before = self._handed_over.logged(decision_id, prompt)
        if before is not None:
            return before
        decided = self._decided(checked, task_type, session, prompt.id, decision_id)
        decision = replace(self._decider.bound(decided, session), id=decision_id, completion_id=decision_id)
        self._decider.log([decision], [prompt])
        return self._handed_over.logged(decision_id, prompt) or decision

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
        require_request_id(request_id)
        require_comment(comment)
        took = Took.reported(
            cost_usd=cost_usd, input_tokens=input_tokens, output_tokens=output_tokens,
            latency_ms=latency_ms, text=text, error=error,
        )  # fmt: skip
        answer = self._handed_over.reported(request_id, took)
        judged = self._caller.judged(answer, text) if answer is not None and text is not None else ()
        report(
            self._store,
            request_id,
            "api",
            outcome,
            new_id=self._decider.new_id,
            now=self._decider.now,
            comment=comment,
            answers=() if answer is None else [answer],
            judged=judged,
        )

    def posteriors(self) -> dict[str, Posterior]:
        """Arm id -> what has been learned about it in this goal."""
        return self._decider.posteriors(self._goal_id)

    @finalisers.queued_in_collection
    def close(self) -> None:
        """End and store open streams, close connections, and close the store if this router opened it."""
        finalisers.finish()
        if hasattr(self, "_caller"):
            self._caller.close()
        if hasattr(self, "_decider"):  # else it was never made
            self._decider.memory.close()
        self._models.close()
        if self._owns_store:
            self._owns_store = False  # another router may hold the same store
            self._store.close()

    def __getattr__(self, name: str) -> Elsewhere:
        if name in CLIENT:
            return Elsewhere(name, CLIENT[name])
        raise AttributeError(f"'Router' object has no attribute {name!r}")

    def __enter__(self) -> Router:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _decided(
        self,
        messages: Sequence[Message],
        task_type: str | None,
        session: str | None,
        prompt_id: str,
        decision_id: str | None = None,
    ) -> Decision:
        """The decision on a conversation: it stays with its model, or the policy draws one."""
        seen = context(messages, self._goal_id, task_type)
        kept = self._decider.continued(seen, messages, session, prompt_id=prompt_id)
        return kept or self._decider.decide(
            seen,
            self._policy,
            prompt_id=prompt_id,
            origin="library",
            completion_id=lambda arm: self._decider.new_id(),
            decision_id=decision_id,
        )


for _name, _instead in INSTEAD.items():
    setattr(Router.completion, _name, Elsewhere(f"completion.{_name}", _instead))
