"""The router that production code calls: decide, call, log, learn.

Comparing routers with each other stands in playground.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from router_core import finalisers
from router_core.arguments import (
    require_comment,
    require_flag,
    require_name,
    require_params,
    require_request_id,
    require_timeout,
)
from router_core.errors import NoEligibleArmError, ProviderError, SettingsError
from router_core.features import checked_messages, context, plain_messages
from router_core.models.calls import Models
from router_core.registry import PolicyName
from router_core.routing.calling import Caller, RoutedStream
from router_core.routing.deciding import Decider
from router_core.routing.reporting import report
from router_core.routing.retention import remove_expired
from router_core.settings import ArmSettings, GoalSettings, Settings
from router_core.settings.system import simulation_asked
from router_core.store import open_store
from router_core.store.base import Store
from router_core.types import FALLBACK, Decision, Message, Outcome, Posterior, Price, Prompt
from router_core.validation import shown, validated

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
        timeout: float | None = ...,
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
        timeout: float | None = ...,
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
        timeout: float | None = ...,
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
        timeout: float | None = ...,
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
        timeout: float | None = ...,
        **params: Any,
    ) -> ChatCompletion | RoutedStream | tuple[ChatCompletion | RoutedStream, str]: ...

    def completion(
        self,
        messages: Sequence[Message | BaseModel],
        *,
        return_request_id: bool = False,
        stream: bool = False,
        task_type: str | None = None,
        timeout: float | None = None,
        **params: Any,
    ) -> ChatCompletion | RoutedStream | tuple[ChatCompletion | RoutedStream, str]:
        """Answer a conversation with the model that the policy draws.

        When that model's provider fails, the next likeliest model answers; the log says so.

        Args:
            messages: the conversation, as the Chat Completions API takes it; an answer's own message may be in it.
            return_request_id: give ``(response, request_id)``; outcomes are reported under that id.
            stream: give the chunks as they come, as a ``RoutedStream`` (which has the ``request_id`` too).
            task_type: what kind of task it is, in a word of your own such as "classification". The rules know some
                words; the router by task learns for each which model is the best value.
            timeout: seconds for a model's answer, its retries included, in place of the setting
                ``calls.deadline_s``; a model that answers in another's place has them anew.
            params: further parameters for the provider, on top of the arm's own.

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
        require_timeout(timeout)
        require_flag("stream", stream)
        require_flag("return_request_id", return_request_id)
        require_name("task_type", task_type, "a word such as 'classification'")
        require_params(params)
        plain = plain_messages(messages)
        prompt = self._decider.prompt(plain, self._goal_id, "library", task_type=task_type, params=params)
        decision = self.decide(plain, task_type=task_type, prompt_id=prompt.id)
        self._decider.log([decision], [prompt])
        response, request_id = self._answer(prompt, plain, decision, params, stream, timeout)
        return (response, request_id) if return_request_id else response

    def decide(
        self,
        messages: Sequence[Message | BaseModel],
        *,
        task_type: str | None = None,
        prompt_id: str | None = None,
        decision_id: str | None = None,
    ) -> Decision:
        """The decision that would be taken on this conversation now; nothing is called (but for a classifier's
        own model) and nothing is stored. The same ``decision_id`` on the same state gives the same model.

        Raises:
            PromptError: the prompt is empty or too long.
            ArgumentError: another argument cannot be used; the sentence names it.
            UnknownPolicyError: there is no such policy.
            StoreError: what was learned cannot be read.
        """  # fmt: skip
        require_name("task_type", task_type, "a word such as 'classification'")
        require_name("prompt_id", prompt_id, "a text")
        require_name("decision_id", decision_id, "a text")
        checked = checked_messages(plain_messages(messages), self._settings.calls.max_prompt_characters)
        return self._decider.decide(
            context(checked, self._goal_id, task_type),
            self._policy,
            prompt_id=prompt_id or self._decider.new_id(),
            origin="library",
            completion_id=lambda arm: self._decider.new_id(),
            decision_id=decision_id,
        )

    def report_outcome(
        self, request_id: str, outcome: Outcome | str | float | bool | None, comment: str = ""
    ) -> None:
        """Say what became of a request; when this returns, it is stored.

        Every later decision knows it. While other threads write, too, the contextual router may lack the outcomes
        of the last 250 ms, or the last 100; how far a decision was behind is logged with it.

        May come late, in any order and again: the last report on a request counts. ``Outcome.UNKNOWN`` (or None)
        withdraws what was reported before.

        Raises:
            InvalidOutcomeError: neither an outcome nor a number in [0, 1].
            ArgumentError: the id is not a text, or the comment is not one or is too long.
            UnknownRequestError: no request of that id was ever made.
            StoreError: it could not be stored.
        """
        require_request_id(request_id)
        require_comment(comment)
        report(
            self._store,
            request_id,
            "api",
            outcome,
            new_id=self._decider.new_id,
            now=self._decider.now,
            comment=comment,
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

    def __enter__(self) -> Router:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _answer(
        self,
        prompt: Prompt,
        messages: Sequence[Message],
        decision: Decision,
        params: Mapping[str, Any],
        stream: bool,
        timeout: float | None,
    ) -> tuple[ChatCompletion | RoutedStream, str]:
        """The drawn model's answer, else that of the next likeliest one that answers."""
        causes: dict[str, ProviderError] = {}
        for arm_id in _in_turn(decision):
            request_id = decision.completion_id
            if causes:
                request_id = self._log_fallback(prompt, decision, arm_id, causes)
            arm = self._settings.arm(self._goal_id, arm_id)
            call = self._caller.stream if stream else self._caller.complete
            try:
                return call(prompt, messages, arm, request_id, params, timeout), request_id
            except ProviderError as error:
                if error.parameter in params:
                    raise  # the caller's own mistake, which every other model would refuse, too
                causes[arm_id] = error
        reasons = {arm_id: str(error) for arm_id, error in causes.items()}
        said = "; ".join(f"{arm_id}: {why}" for arm_id, why in reasons.items())
        first = next(iter(causes.values()), None)
        raise NoEligibleArmError(
            f"no model of goal {self._goal_id!r} answered. {said}", reasons, causes
        ) from first

    def _log_fallback(
        self, prompt: Prompt, decision: Decision, arm_id: str, causes: Mapping[str, ProviderError]
    ) -> str:
        failed = list(causes)[-1]
        request_id = self._decider.new_id()
        settled = self._decider.settle(
            decision.context,
            arm_id,
            prompt_id=prompt.id,
            origin=FALLBACK,
            completion_id=request_id,
            why=f"{failed} failed: {causes[failed]}",
        )
        self._decider.log([settled])
        return request_id


def with_paths(settings: Settings, goal_id: str, paths: Sequence[Mapping[str, Any]] | None) -> Settings:
    """The settings with the goal's models replaced by ``paths``; a goal that is new gets the defaults.

    Raises:
        SettingsError: a path is not valid, or names a provider that the settings do not know.
    """
    if paths is None:
        settings.goal(goal_id)
        return settings
    if isinstance(paths, Mapping | str | bytes) or not isinstance(paths, Iterable):
        raise SettingsError(f"paths is {shown(paths)}; give a list such as [{{'model': 'openai/gpt-4o-mini'}}]")
    given = [dict(path) if isinstance(path, Mapping) else path for path in paths]
    arms = [validated(ArmSettings, path, f"paths.{index}").model_dump() for index, path in enumerate(given)]
    goal = settings.goals.get(goal_id) or GoalSettings()
    changed = {**goal.model_dump(exclude={"simple_arm", "complex_arm"}), "arms": arms}
    document = settings.model_dump()
    document["goals"] = {**document["goals"], goal_id: changed}
    return validated(Settings, document)


def _in_turn(decision: Decision) -> list[str]:
    """The arm drawn, then the others by falling probability."""
    chances = dict(zip(decision.arms, decision.probabilities, strict=True))
    others = sorted((arm for arm in decision.arms if arm != decision.chosen), key=lambda arm: -chances[arm])
    return [decision.chosen, *others]
