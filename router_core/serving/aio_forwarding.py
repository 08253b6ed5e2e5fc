"""Requests of any program, forwarded: which model answers, by which policy, and its answer as plain data.

One for all goals of one settings version over one store, used from one event loop. HTTP stands in gateway/.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, Generic, TypeVar

from router_core.arguments import require_uuid
from router_core.errors import ArgumentError, NoEligibleArmError, ProviderError
from router_core.features import checked_messages, context, plain_messages
from router_core.models.calls import Answer, Models
from router_core.models.event_loop import EventLoop
from router_core.registry import CLASSIFIER
from router_core.routing.answering import Call, answered
from router_core.routing.calling import Caller
from router_core.routing.deciding import Decider
from router_core.routing.eligible import Abilities, Needs
from router_core.routing.handing_over import HandedOver
from router_core.routing.passing import PassedCall
from router_core.routing.streams import OpenCall
from router_core.settings import Settings
from router_core.store.base import Store
from router_core.types import BACKGROUND, FORCED, Arm, Completion, Context, Decision, Message, Price, Prompt

AUTO: Final = "auto"
GOAL: Final = "goal:"
"""Before the name of a goal, in the place of a model."""


class UnknownModelError(ArgumentError):
    """A request names a model that is none of the pool, or a goal that is not set up."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One request, as a program made it.

    Args:
        model: ``auto``, ``goal:NAME``, or a model of the pool.
        messages: the conversation.
        params: everything else of the body that goes to the provider, unchanged.
        stream: whether the answer is wanted piece by piece.
        goal: where ``model`` is ``auto``; "": the default goal.
        task_type, session, metadata: as for ``Router.completion``.
        headers: further headers for the provider.
        timeout_s: for each model that is asked; None: as the settings say.
        goals, models: those that the caller may use; None: all.
        background: a title, tags: the first model that can serve it answers, and nothing is learned from it.
        features: what is known of the messages where they are not sent: ``input_tokens`` of them all, ``words``
            and ``characters`` of the last one of the user. ``messages`` is what stands for them.
    """

    model: str
    messages: Any
    params: Mapping[str, Any] = field(default_factory=dict)
    stream: bool = False
    goal: str = ""
    task_type: str | None = None
    session: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float | None = None
    goals: Collection[str] | None = None
    models: Collection[str] | None = None
    background: bool = False
    features: Mapping[str, int] | None = None


Came = tuple[Answer, Completion] | OpenCall
"""A whole answer with what is stored of it, or a call whose first piece is there."""

What = TypeVar("What")


@dataclass(frozen=True, slots=True)
class Forwarded(Generic[What]):
    """What came, the decision that led to it, and the model that answered (``provider/model``)."""

    decision: Decision
    model: str
    came: What

    @property
    def request_id(self) -> str:
        """Under which outcomes are reported."""
        return self.decision.completion_id


class Forwarding:
    """Decides, calls, logs. Its store stays open when it is closed.

    Args:
        settings: goals, models, providers and everything else in force.
        store: where decisions, answers and outcomes are kept.
        simulated: answer with simulated models.
        environ: where API keys are found; by default the process's environment.
        keys: provider -> its key, in place of the environment's.
        prices: model -> price, taken as they are, before settings and price book.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        simulated: bool = False,
        environ: Mapping[str, str] | None = None,
        keys: Mapping[str, str] | None = None,
        prices: Mapping[str, Price | None] | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        self.settings = settings
        self.store = store
        self.waiting = EventLoop()
        self.models = Models(settings, simulated=simulated, environ=environ, keys=keys, waiting=self.waiting)
        self.decider = Decider(settings, store, self.models, prices=prices)
        self.caller = Caller(self.decider, store, self.models, patient=settings.calls.stored_first)
        self.handed_over = HandedOver(self.decider, store)
        self.abilities = Abilities(settings)
        for name in settings.goals:
            self.decider.posteriors(name)  # counts the log once, before a loop would wait for it

    async def chat(self, wanted: Wanted) -> Forwarded[Came]:
        """Answer a conversation: with the model that the policy draws, or with the one that was named.

        The decision is stored while the provider works, and is stored when this returns.

        Raises:
            UnknownModelError: there is no such model or goal.
            PromptError, ArgumentError: what was given cannot be used.
            NoEligibleArmError: no model can serve the request (no causes), or none answered (its causes).
            ProviderError: the named model did not answer, or what the caller gave is wrong.
            StoreError: the decision could not be stored.
        """

        async def ask(
            prompt: Prompt,
            messages: Sequence[Message],
            arm: Arm,
            completion_id: str,
            params: Mapping[str, Any],
            deadline_s: float | None,
        ) -> Came:
            asked = self.caller.astream if wanted.stream else self.caller.aanswer
            return await asked(prompt, messages, arm, completion_id, params, deadline_s)

        return await self.answered(wanted, ask)

    async def responses(self, wanted: Wanted) -> Forwarded[PassedCall]:
        """The same for a request of the Responses API, passed through; its answer's headers are there when this
        returns. An answer that follows a former one stays with the model that gave that.
        """  # fmt: skip
        return await self.answered(wanted, partial(self.caller.apass, path="/responses"))

    async def decide(self, wanted: Wanted, request_id: str | None = None) -> Decision:
        """A logged decision that somebody else carries out, over the models that can serve the request. What its
        call takes and its outcome are reported under its id.

        Args:
            wanted: the request; its model is ``auto`` or ``goal:NAME``.
            request_id: a UUID of the caller's own: asked again for the same, the same decision is given.

        Raises:
            UnknownModelError: there is no such goal.
            PromptError, ArgumentError: what was given cannot be used, or the id was logged for another request.
            NoEligibleArmError: no model can serve the request.
            StoreError: the decision could not be stored.
        """  # fmt: skip
        goal, _ = meant(self.settings, wanted)
        plain = checked_messages(plain_messages(wanted.messages), self.settings.calls.max_prompt_characters)
        id_ = require_uuid("request_id", request_id) if request_id else self.decider.new_id()
        prompt = self.decider.prompt(
            plain,
            goal,
            "gateway",
            task_type=wanted.task_type,
            id_=id_,
            metadata=wanted.metadata,
            session=wanted.session,
        )
        needs = Needs.of(plain, wanted.params)
        if wanted.features is not None:
            prompt = replace(prompt, messages=None)
            needs = replace(needs, input_tokens=wanted.features["input_tokens"])
            if self.settings.goal(goal).router == CLASSIFIER.name:
                raise ArgumentError(f"The router of goal {goal!r} has the prompt classified; send its messages")

        async def decided() -> Decision:
            return await self._decided(wanted, goal, None, prompt, plain, needs, id_)

        return await self.handed_over.once(id_, prompt, decided, repeated=request_id is not None)

    async def answered(self, wanted: Wanted, call: Call[What]) -> Forwarded[What]:
        """What calling a model comes to: the one that the policy draws, else another one that answers."""
        goal, pinned = meant(self.settings, wanted)
        plain = plain_messages(wanted.messages)
        prompt = self.decider.prompt(
            plain,
            goal,
            "gateway",
            task_type=wanted.task_type,
            params=wanted.params,
            metadata=wanted.metadata,
            session=wanted.session,
        )
        needs = Needs.of(plain, wanted.params)
        decision = await self._decided(wanted, goal, pinned, prompt, plain, needs)
        logged = self.decider.alog([decision], [prompt])
        params = {"extra_body": dict(wanted.params), "extra_headers": dict(wanted.headers) or None}

        async def ask(
            prompt: Prompt,
            messages: Sequence[Message],
            arm: Arm,
            completion_id: str,
            params: Mapping[str, Any],
            deadline_s: float | None,
        ) -> What:
            try:
                return await call(prompt, messages, arm, completion_id, params, deadline_s)
            except ProviderError as error:
                self.abilities.learn(arm.model, needs, error)
                raise

        try:
            came, led = await answered(self.decider, ask, prompt, plain, decision, params, wanted.timeout_s)
        finally:
            await logged
        return Forwarded(led, self.settings.arm(goal, led.chosen).model, came)

    async def close(self) -> None:
        """End and store what is open, and close connections; the store stays open."""
        await self.caller.aclose()
        await self.waiting.read(self.decider.memory.close)
        await self.models.aclose()
        await self.waiting.end()

    async def _decided(
        self,
        wanted: Wanted,
        goal: str,
        pinned: str | None,
        prompt: Prompt,
        plain: Sequence[Message],
        needs: Needs,
        decision_id: str | None = None,
    ) -> Decision:
        """The decision on a request: over the models that can serve it, unless it names one."""
        if wanted.features is None:
            seen = context(plain, goal, wanted.task_type, wanted.params)
        else:
            seen = Context(goal, "", wanted.task_type, **wanted.features)
        arms = [arm.arm() for arm in self.settings.goal(goal).arms]
        if pinned is not None:
            self.models.require_keys([next(arm.model for arm in arms if arm.id == pinned)])
            return self.decider.settle(
                seen,
                pinned,
                prompt_id=prompt.id,
                origin=FORCED,
                completion_id=self.decider.new_id(),
                why="the request names this model",
            )
        against = self.abilities.against(arms, needs)
        if wanted.models is not None:
            against |= {arm.id: "its caller may not use it" for arm in arms if arm.model not in wanted.models}
        eligible = [arm.id for arm in arms if arm.id not in against]
        if not eligible:
            said = "; ".join(f"{arm}: {why}" for arm, why in against.items())
            raise NoEligibleArmError(f"No model of goal {goal!r} can serve this request. {said}", against)
        if wanted.background:
            self.models.require_keys([next(arm.model for arm in arms if arm.id == eligible[0])])
            return self.decider.settle(
                seen,
                eligible[0],
                prompt_id=prompt.id,
                origin=BACKGROUND,
                completion_id=self.decider.new_id(),
                why="a background request, which the first model that can serve it answers",
                eligible=eligible,
            )
        self.models.require_keys(arm.model for arm in arms if arm.id in eligible)
        kept = await self.decider.acontinued(seen, plain, wanted.session, prompt_id=prompt.id, eligible=eligible)
        decision = kept or await self.decider.adecide(
            seen,
            self.settings.goal(goal).router,
            prompt_id=prompt.id,
            origin="gateway",
            completion_id=lambda arm: self.decider.new_id(),
            decision_id=decision_id,
            eligible=eligible,
        )
        return self.decider.bound(decision, wanted.session)


def default_goal(settings: Settings) -> str:
    """The goal of ``auto``."""
    return "default" if "default" in settings.goals else next(iter(settings.goals))


def meant(settings: Settings, wanted: Wanted) -> tuple[str, str | None]:
    """The goal that a request means, and the arm that it names; None: the policy decides.

    Raises:
        UnknownModelError: there is none, or the caller may not use it.
    """
    known = [one for one in settings.goals if wanted.goals is None or one in wanted.goals]
    usual, name = default_goal(settings), wanted.model
    if name == AUTO or name.startswith(GOAL):
        first = usual if usual in known or not known else known[0]
        goal = name.removeprefix(GOAL) if name != AUTO else wanted.goal or first
        if goal not in known:
            raise UnknownModelError(f"There is no goal {goal[:100]!r} here; the goals are {', '.join(known)}")
        return goal, None
    order = sorted(known, key=lambda one: one != (wanted.goal or usual))
    for same in (_is_id, _is_model, _is_bare):
        for goal in order:
            arms = [one for one in settings.goal(goal).arms if wanted.models is None or one.model in wanted.models]
            found = [arm.id for arm in arms if same(arm.arm(), name)]
            if found:
                return goal, found[0]
    models = sorted({arm.model for goal in known for arm in settings.goal(goal).arms})
    raise UnknownModelError(
        f"There is no model {name[:100]!r} here; ask for 'auto', for 'goal:' and one of {sorted(known)}, or for"
        f" one of {models}"
    )


def _is_id(arm: Arm, name: str) -> bool:
    return arm.id == name


def _is_model(arm: Arm, name: str) -> bool:
    return arm.model == name


def _is_bare(arm: Arm, name: str) -> bool:
    """As the provider itself calls it."""
    return arm.model.partition("/")[2] == name
