"""One decision: settings, evidence and prices become candidates, a policy gives probabilities, a hash draws.

See calling.py for calling the chosen model, router.py and serving/playground.py for writing the decision down.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from threading import Lock
from typing import Any, Literal

import uuid_utils
from cachetools import LRUCache

from router_core.at_once import at_once
from router_core.errors import UnknownPolicyError
from router_core.features import checked_messages, fingerprint, two_digits
from router_core.models.calls import Models
from router_core.models.waiting import Waiting
from router_core.money.pricing import PriceBook
from router_core.noted import SESSION, marked
from router_core.policies import build_policies
from router_core.policies.asking import Asking, adecided
from router_core.policies.base import Known, Policy
from router_core.registry import BY_TASK, CONTEXTUAL, POLICIES
from router_core.routing.candidates import candidates_for, posteriors, usual_costs, verdict_usd
from router_core.routing.classifying import ClassifierCall
from router_core.routing.continuing import Conversations, session_fingerprint, tool_turn
from router_core.routing.memory import Memory
from router_core.routing.spending import Spending
from router_core.routing.storable import storable, storable_params
from router_core.sampling import draw, is_distribution
from router_core.settings import Settings
from router_core.store.base import Batch, Store
from router_core.types import (
    CONTINUED,
    FALLBACK,
    ActionDistribution,
    Candidate,
    Context,
    Decision,
    Evidence,
    Message,
    Origin,
    OutputTokens,
    Posterior,
    Price,
    Prompt,
    Reason,
    was_drawn,
)

_REMEMBERED = 256  # sizes of prompts, per goal
_Known = tuple[Mapping[str, Evidence], Mapping[str, OutputTokens], tuple[Price | None, ...], tuple[Candidate, ...]]

UNUSABLE = "the router's figures cannot be used (not numbers from 0 to 1), so every model is as likely"


def new_id() -> str:
    """A new identifier; identifiers sort by the time they were made (UUID version 7)."""
    return str(uuid_utils.uuid7())


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class Decider:
    """Asks the policies of one settings version. Thread-safe; changed settings need a new one."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        models: Models,
        *,
        new_id: Callable[[], str] = new_id,
        now: Callable[[], datetime] = now,
        timer: Callable[[], float] = time.perf_counter,
        prices: Mapping[str, Price | None] | None = None,
        gains: Literal["aside", "at once", "never"] = "aside",
    ) -> None:
        self.settings = settings
        self.prices = PriceBook.of(settings, prices)
        self.new_id = new_id
        self.now = now
        self._store = store
        self._models = models
        self._timer = timer
        self._version = settings.version
        self.classifier = ClassifierCall(models, self.prices)
        self._asking = Asking(settings.classifier, self.classifier)
        self._policies: dict[str, dict[str, Policy]] = {}
        self.memory = Memory(settings, store, usual_costs(settings, self.prices), now, gains=gains)
        self.spending = Spending(settings, store)
        self.conversations = Conversations(store)
        self._candidates: LRUCache[tuple[str, int, int | None], _Known] = LRUCache(_REMEMBERED)
        self._lock = Lock()

    @property
    def waiting(self) -> Waiting:
        """How its callers wait."""
        return self._models.waiting

    def using(self, models: Models) -> Decider:
        """The same decider, asking other models: it shares all that was learned and read."""
        other = copy(self)
        other._models = models
        other.classifier = ClassifierCall(models, self.prices)
        other._asking = self._asking.using(other.classifier)
        other._policies = {}  # these hold on to whom they ask
        return other

    def prompt(
        self,
        messages: Sequence[Message],
        goal: str,
        origin: Origin,
        *,
        task_type: str | None = None,
        params: Mapping[str, Any] | None = None,
        blind: bool = False,
        run_all: bool = False,
        id_: str | None = None,
        metadata: Mapping[str, str] | None = None,
        session: str | None = None,
    ) -> Prompt:
        """A new prompt, as it may be stored: where texts are not kept, its fingerprint alone.

        ``metadata`` is what the caller notes; the session stands among it. Where texts are not kept, marks stand
        for its values (noted.py). Of ``params`` only numbers of known names are stored: others may hold texts or
        keys (``extra_headers``).

        Raises:
            PromptError: it is empty, too large, or no list of messages.
        """
        checked = checked_messages(messages, self.settings.calls.max_prompt_characters)
        full = self.settings.privacy.keep_texts == "full"
        kept = checked if full else None
        noted = {**({} if session is None else {SESSION: session}), **(metadata or {})}
        return Prompt(
            id_ or self.new_id(),
            self.now(),
            goal,
            origin,
            task_type,
            kept,
            fingerprint(checked),
            blind,
            run_all,
            storable_params(params or {}),
            noted if full else marked(noted),
            "" if session is None else session_fingerprint(session),
        )

    def posteriors(self, goal: str) -> dict[str, Posterior]:
        """Arm id -> what is known of its share of good answers: the prior and every outcome that teaches."""
        chosen = self.settings.goal(goal)
        return posteriors(chosen, self._store.evidence(goal, chosen.teaching_rule()))

    def candidates(self, context: Context) -> tuple[Candidate, ...]:
        """The arms of the prompt's goal, cheap to strong as the settings order them.

        The same object as before where nothing changed, which policies recognise.
        """
        chosen = self.settings.goal(context.goal)
        input_tokens = two_digits(context.input_tokens)
        evidence = self._store.evidence(context.goal, chosen.teaching_rule())
        lengths = self._store.output_tokens(context.goal)
        prices = tuple(self.prices.price(arm.model, input_tokens) for arm in chosen.arms)  # of this moment
        limit = context.output_limit
        key = (context.goal, input_tokens, limit)
        with self._lock:
            known = self._candidates.get(key)
        if known is not None and known[0] == evidence and known[1] == lengths and known[2] == prices:
            return known[3]
        candidates = candidates_for(chosen, input_tokens, evidence, lengths, self.prices.price, limit)
        with self._lock:
            self._candidates[key] = (evidence, lengths, prices, candidates)
        return candidates

    def known(self, context: Context, policy: str) -> Known:
        """All that a policy may decide by, as it is now.

        Raises:
            StoreError: what was learned cannot be read.
        """
        candidates = self.candidates(context)
        if policy == BY_TASK.name:
            rule = self.settings.goal(context.goal).teaching_rule(BY_TASK.name)
            return Known(candidates, tasks=self._store.evidence_by_task(context.goal, rule))
        if policy != CONTEXTUAL.name:
            return Known(candidates)
        return Known(
            candidates,
            contextual=self.memory.standing(context.goal),
            value_usd=self.spending.value_usd(context.goal),
            verdict_usd=verdict_usd(self.settings, context, self.prices),
        )

    async def adecide(
        self,
        context: Context,
        policy: str,
        *,
        prompt_id: str,
        origin: Origin,
        completion_id: Callable[[str], str],
        decision_id: str | None = None,
        eligible: Collection[str] | None = None,
    ) -> Decision:
        """One policy's decision on one prompt.

        Args:
            context: what the policy may look at.
            policy: its name in the table of policies.
            prompt_id: the prompt it belongs to.
            origin: where the prompt came from.
            completion_id: arm id -> id of the answer that this decision leads to.
            decision_id: by default a new one; the same id on the same state draws the same arm.
            eligible: the arms that may be drawn; by default all of the goal's.

        Raises:
            UnknownPolicyError: no policy has that name.
            NoEligibleArmError: there is no arm to draw.
        """
        started = self._timer()
        asked = self._policy(context.goal, policy)
        known = _restricted(await self._known(context, policy), eligible)
        candidates = known.candidates
        distribution = _usable(await adecided(asked, context, known, self._asking))
        decision_id = decision_id or self.new_id()
        chosen = candidates[draw(distribution.probabilities, self.settings.seed, decision_id)].arm.id
        seen = None if distribution.seen is None else self.memory.with_lag(distribution.seen)
        elapsed_ms = (self._timer() - started) * 1000.0
        return Decision(
            id=decision_id,
            prompt_id=prompt_id,
            created_at=self.now(),
            goal=context.goal,
            policy=policy,
            policy_version=asked.version,
            context=context,
            arms=tuple(candidate.arm.id for candidate in candidates),
            probabilities=distribution.probabilities,
            chosen=chosen,
            seed=self.settings.seed,
            reason=distribution.reason,
            expected_cost_usd=tuple(candidate.expected_cost_usd for candidate in candidates),
            decision_cost_usd=distribution.cost_usd,
            decision_ms=elapsed_ms,
            origin=origin,
            completion_id=completion_id(chosen),
            fallback=distribution.fallback,
            cached=distribution.cached,
            settings_version=self._version,
            seen=seen,
        )

    def decide(
        self,
        context: Context,
        policy: str,
        *,
        prompt_id: str,
        origin: Origin,
        completion_id: Callable[[str], str],
        decision_id: str | None = None,
    ) -> Decision:
        """``adecide``, where nothing is awaited."""
        decision = self.adecide(
            context,
            policy,
            prompt_id=prompt_id,
            origin=origin,
            completion_id=completion_id,
            decision_id=decision_id,
        )
        return at_once(decision)

    async def acontinued(
        self,
        context: Context,
        messages: Sequence[Message],
        session: str | None,
        *,
        prompt_id: str,
        eligible: Collection[str] | None = None,
    ) -> Decision | None:
        """The decision that stays with the model of a conversation; None: there is none to stay with.

        A turn that answers calls of tools stays with the model that made them, a session with its model.

        Raises:
            StoreError: the log cannot be read.
        """
        turn = tool_turn(messages)
        if turn is None and session is None:
            return None
        named = "" if session is None else session_fingerprint(session)
        arms = [arm.id for arm in self.settings.goal(context.goal).arms if eligible is None or arm.id in eligible]
        kept = await self._models.waiting.read(self.conversations.kept, context.goal, turn, named, arms)
        if kept is None:
            return None
        return self.settle(
            context,
            kept.arm,
            prompt_id=prompt_id,
            origin=CONTINUED,
            completion_id=self.new_id(),
            why=kept.why,
            eligible=eligible,
        )

    def bound(self, decision: Decision, session: str | None) -> Decision:
        """The decision that is carried out: this one, unless another one began its session meanwhile."""
        if session is None or not was_drawn(decision.origin):
            return decision
        named, goal = session_fingerprint(session), decision.goal
        arm = self.conversations.begin(goal, named, decision.chosen, decision.arms)
        if arm == decision.chosen:
            return decision
        settled = self.settle(
            decision.context,
            arm,
            prompt_id=decision.prompt_id,
            origin=CONTINUED,
            completion_id=decision.completion_id,
            why=f"the session is with {arm}",
            eligible=decision.arms,
        )
        return replace(settled, decision_cost_usd=decision.decision_cost_usd, decision_ms=decision.decision_ms)

    def settle(
        self,
        context: Context,
        arm_id: str,
        *,
        prompt_id: str,
        origin: Origin,
        completion_id: str,
        why: str,
        eligible: Collection[str] | None = None,
    ) -> Decision:
        """A decision that nobody drew: forced by a person, or a fallback. Probability 1, so it is of no
        off-policy use.

        Raises:
            UnknownArmError: ``arm_id`` is no arm of the goal.
        """  # fmt: skip
        self.settings.arm(context.goal, arm_id)
        candidates = _restricted(Known(self.candidates(context)), eligible).candidates
        return Decision(
            id=self.new_id(),
            prompt_id=prompt_id,
            created_at=self.now(),
            goal=context.goal,
            policy=origin,
            policy_version=self._version,
            context=context,
            arms=tuple(candidate.arm.id for candidate in candidates),
            probabilities=tuple(1.0 if c.arm.id == arm_id else 0.0 for c in candidates),
            chosen=arm_id,
            seed=self.settings.seed,
            reason=Reason(why),
            expected_cost_usd=tuple(candidate.expected_cost_usd for candidate in candidates),
            decision_cost_usd=Decimal(0),
            decision_ms=0.0,
            origin=origin,
            completion_id=completion_id,
            fallback=why if origin == FALLBACK else None,
            settings_version=self._version,
        )

    def log(self, decisions: Sequence[Decision], prompts: Sequence[Prompt] = ()) -> None:
        """Store decisions as they may be stored, and count what they spend; keeps the thread waiting.

        Raises:
            StoreError: they could not be stored.
        """
        self._store.write(self._batch(decisions, prompts))
        self.spending.decided(decisions)

    def alog(self, decisions: Sequence[Decision], prompts: Sequence[Prompt] = ()) -> Awaitable[None]:
        """The same, queued at once; await the result until they are stored.

        Raises:
            StoreError: they could not be stored; when awaited, or at once.
        """
        written = self._models.waiting.write(self._store, self._batch(decisions, prompts))
        self.spending.decided(decisions)
        return written

    def _batch(self, decisions: Sequence[Decision], prompts: Sequence[Prompt]) -> Batch:
        return Batch(prompts=prompts, decisions=[storable(one, self.settings) for one in decisions])

    async def _known(self, context: Context, policy: str) -> Known:
        """``known``; what the contextual router knows may have to be folded from the log first."""
        if policy == CONTEXTUAL.name:
            return await self._models.waiting.read(self.known, context, policy)
        return self.known(context, policy)

    def _policy(self, goal: str, name: str) -> Policy:
        if name not in POLICIES:
            raise UnknownPolicyError(f"{name!r} is not a router; choose one of {sorted(POLICIES)}")
        with self._lock:
            if goal not in self._policies:
                self._policies[goal] = build_policies(self.settings, goal)
            return self._policies[goal][name]


def _restricted(known: Known, eligible: Collection[str] | None) -> Known:
    """What is known of the arms that may be chosen; the same object where all of them may."""
    if eligible is None or all(one.arm.id in eligible for one in known.candidates):
        return known
    return replace(known, candidates=tuple(one for one in known.candidates if one.arm.id in eligible))


def _usable(distribution: ActionDistribution) -> ActionDistribution:
    """The distribution; where it is none, every model alike: what is drawn and logged is always a propensity."""
    if is_distribution(distribution.probabilities):
        return distribution
    count = len(distribution.probabilities)
    return ActionDistribution(
        (1.0 / count,) * count,
        partial(Reason, UNUSABLE),
        distribution.cost_usd,
        distribution.latency_ms,
        fallback=UNUSABLE,
        cached=distribution.cached,
    )
