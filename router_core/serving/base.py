"""What both routers of the library do, written once: ``Router`` runs it at once, ``AsyncRouter`` awaits it.

Nothing here blocks or needs an event loop; what waits does so by ``Waiting`` (models/waiting.py).
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from router_core.arguments import (
    require_comment,
    require_flag,
    require_kind,
    require_name,
    require_request_id,
    require_timeout,
    require_uuid,
)
from router_core.client_arguments import CLIENT, Elsewhere, plain_params, seconds, with_parsed
from router_core.errors import ArgumentError
from router_core.features import checked_messages, context, plain_messages
from router_core.models.calls import Models
from router_core.models.waiting import Waiting
from router_core.money.pricing import require_prices
from router_core.noted import require_metadata, require_session
from router_core.registry import PolicyName
from router_core.routing.answering import Call, answered
from router_core.routing.calling import Caller
from router_core.routing.deciding import Decider
from router_core.routing.handing_over import HandedOver, Took
from router_core.routing.reporting import outcome_record
from router_core.routing.retention import remove_expired
from router_core.routing.streams import OpenCall
from router_core.serving.paths import with_paths
from router_core.settings import Settings
from router_core.settings.system import simulation_asked
from router_core.store import open_store
from router_core.store.base import Batch, Store
from router_core.types import Decision, Message, Origin, Outcome, OutcomeRecord, Posterior, Price, Source
from router_core.validation import shown

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion
    from pydantic import BaseModel

UNSAID: Final[Any] = object()
"""In place of an outcome: nothing is said about the answer."""


class BaseRouter(ABC):
    """Sends each request to one of several models and learns from what becomes of it.

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

    origin: ClassVar[Origin] = "library"
    """As what its requests are logged."""

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
        require_kind("settings", settings, Settings, "a Settings object, or None for the defaults")
        if store is not None and not callable(getattr(store, "evidence", None)):
            raise ArgumentError(f"store is {shown(store)}; give what open_store(...) gave, or None")
        require_kind("environ", environ, Mapping, "a mapping of variables, or None for the process's own")
        require_prices(prices)
        require_flag("simulated", simulated)
        environ = os.environ if environ is None else environ
        if simulated is None:
            simulated = simulation_asked(environ)
        self._settings = with_paths(settings or Settings(), goal_id, paths)
        self._goal = self._settings.goal(goal_id)
        self._goal_id = goal_id
        self._policy: str = policy or self._goal.router
        self._models = Models(self._settings, simulated=simulated, environ=environ, waiting=self._waiting())
        self._owns_store = store is None
        self._store = store or open_store(kind="simulated" if simulated else "live", environ=environ)
        try:
            self._decider = Decider(self._settings, self._store, self._models, prices=prices)
            self._caller = Caller(self._decider, self._store, self._models, success_when)
            self._handed_over = HandedOver(self._decider, self._store)
            remove_expired(self._store, self._settings.privacy, self._decider.now())
        except BaseException:
            self._give_up()
            raise

    @staticmethod
    @abstractmethod
    def _waiting() -> Waiting:
        """How requests wait."""

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
    ) -> Self:
        """The router that a ``router.json`` (or its YAML) describes: on the same prompt and decision id it draws
        the same model as where the file was exported.

        What the file has learned is taken over the first time it is opened with a store; from then on that store
        learns by itself. Opening the same file again changes nothing.

        Args:
            path: the exported file.
            goal_id: which of its goals this router serves.
            success_when, policy, store, simulated, environ: as for the router itself.
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
            router._give_up()
            raise
        return router

    def posteriors(self) -> dict[str, Posterior]:
        """Arm id -> what has been learned about it in this goal."""
        return self._decider.posteriors(self._goal_id)

    def __getattr__(self, name: str) -> Elsewhere:
        if name in CLIENT:
            return Elsewhere(name, CLIENT[name])
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    async def _completion(
        self,
        messages: Sequence[Message | BaseModel],
        *,
        stream: bool,
        task_type: str | None,
        timeout: Any,
        session: str | None,
        metadata: Mapping[str, str] | None,
        params: Mapping[str, Any],
    ) -> tuple[ChatCompletion | OpenCall, str]:
        """The answer and the id of its request."""
        self._models.require_keys(arm.model for arm in self._goal.arms)
        limit_s = seconds(timeout)
        require_timeout(limit_s)
        require_flag("stream", stream)
        require_name("task_type", task_type, "a word such as 'classification'")
        wanted = params.get("response_format")
        params = plain_params(params)
        noted, session = require_metadata(metadata), require_session(session)
        plain = plain_messages(messages)
        prompt = self._decider.prompt(
            plain, self._goal_id, self.origin, task_type=task_type, params=params, metadata=noted, session=session
        )
        decision = self._decider.bound(
            await self._decided(plain, task_type, session, prompt.id, params=params), session
        )
        await self._decider.alog([decision], [prompt])
        call: Call[ChatCompletion | OpenCall] = self._caller.astream if stream else self._caller.acomplete
        response, led = await answered(self._decider, call, prompt, plain, decision, params, limit_s)
        request_id = led.completion_id
        self._handed_over.carried_out(request_id)
        if isinstance(wanted, type) and not isinstance(response, OpenCall):
            response = with_parsed(response, wanted)
        return response, request_id

    async def _decide(
        self,
        messages: Sequence[Message | BaseModel],
        *,
        task_type: str | None,
        prompt_id: str | None,
        decision_id: str | None,
        log: bool,
        session: str | None,
        metadata: Mapping[str, str] | None,
    ) -> Decision:
        require_name("task_type", task_type, "a word such as 'classification'")
        require_name("prompt_id", prompt_id, "a text")
        require_name("decision_id", decision_id, "a text")
        require_flag("log", log)
        noted, session = require_metadata(metadata), require_session(session)
        checked = checked_messages(plain_messages(messages), self._settings.calls.max_prompt_characters)
        if not log:
            if noted:
                raise ArgumentError("metadata is stored with a decision, and this one is not; say log=True")
            return await self._decided(
                checked, task_type, session, prompt_id or self._decider.new_id(), decision_id
            )
        prompt_id = prompt_id and require_uuid("prompt_id", prompt_id)
        decision_id = require_uuid("decision_id", decision_id) if decision_id else self._decider.new_id()
        prompt = self._decider.prompt(
            checked,
            self._goal_id,
            self.origin,
            task_type=task_type,
            id_=prompt_id or decision_id,
            metadata=noted,
            session=session,
        )

        async def decided() -> Decision:
            found = await self._decided(checked, task_type, session, prompt.id, decision_id)
            return self._decider.bound(found, session)

        return await self._handed_over.once(decision_id, prompt, decided)

    async def _report_outcome(
        self,
        request_id: str,
        outcome: Outcome | str | float | bool | None,
        comment: str,
        source: Source = "api",
        **figures: Any,
    ) -> None:
        require_request_id(request_id)
        require_comment(comment)
        took, text = Took.reported(**figures), figures.get("text")
        answer = await self._models.waiting.read(self._handed_over.reported, request_id, took)
        judged = self._caller.judged(answer, text) if answer is not None and text is not None else ()
        said: tuple[OutcomeRecord, ...] = ()
        if outcome is not UNSAID:
            new_id, now = self._decider.new_id, self._decider.now
            said = (outcome_record(request_id, source, outcome, new_id=new_id, now=now, comment=comment),)
        new = [one for one in said if not await self._is_known(one)]
        batch = Batch(completions=() if answer is None else [answer], outcomes=[*judged, *new])
        await self._models.waiting.write(self._store, batch)

    async def _is_known(self, said: OutcomeRecord) -> bool:
        """Whether an outcome is to be left out, because it says nothing new; every report is stored here."""
        return False

    async def _close(self) -> None:
        if hasattr(self, "_caller"):
            await self._caller.aclose()
        if hasattr(self, "_decider"):  # else it was never made
            await self._models.waiting.read(self._decider.memory.close)
        await self._models.aclose()
        await self._models.waiting.end()
        if self._owns_store:
            self._owns_store = False  # another router may hold the same store
            await self._models.waiting.read(self._store.close)

    def _give_up(self) -> None:
        """Close what was opened for a router that could not be made; nothing was asked yet."""
        if hasattr(self, "_decider"):
            self._decider.memory.close()
        if self._owns_store:
            self._owns_store = False
            self._store.close()

    async def _decided(
        self,
        messages: Sequence[Message],
        task_type: str | None,
        session: str | None,
        prompt_id: str,
        decision_id: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Decision:
        """The decision on a conversation: it stays with its model, or the policy draws one."""
        seen = context(messages, self._goal_id, task_type, params)
        kept = await self._decider.acontinued(seen, messages, session, prompt_id=prompt_id)
        return kept or await self._decider.adecide(
            seen,
            self._policy,
            prompt_id=prompt_id,
            origin=self.origin,
            completion_id=lambda arm: self._decider.new_id(),
            decision_id=decision_id,
        )
