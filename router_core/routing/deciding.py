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
from router_core.errors import ProviderError, ProviderTimeoutError, UnknownPolicyError
from router_core.features import checked_messages, context, estimate_tokens, fingerprint, two_digits
from router_core.learning.beta import from_evidence
from router_core.models.calls import Models
from router_core.models.thinking import THINKING_TOKENS, token_limit
from router_core.models.waiting import Waiting
from router_core.money.pricing import PriceBook, expected_cost_usd, is_free
from router_core.noted import SESSION, marked
from router_core.policies import build_policies
from router_core.policies.asking import Asking, Reply, adecided
from router_core.policies.base import Known, Policy
from router_core.reading import without_thinking
from router_core.registry import BY_TASK, CLASSIFIER, CONTEXTUAL, POLICIES
from router_core.routing.continuing import Conversations, session_fingerprint, tool_turn
from router_core.routing.memory import Memory
from router_core.routing.spending import Spending
from router_core.sampling import draw, is_distribution
from router_core.settings import ClassifierSettings, GoalSettings, Settings
from router_core.store.base import Batch, Store
from router_core.types import (
    CONTINUED,
    FALLBACK,
    NO_VERDICT,
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

_ASSUMED_ANSWERS = (
    1  # that an output length counts for which was not seen: the goal's for an arm, the set one for it
)

_NOTHING_SEEN = OutputTokens()
_REMEMBERED = 256  # sizes of prompts, per goal
_Known = tuple[Mapping[str, Evidence], Mapping[str, OutputTokens], tuple[Price | None, ...], tuple[Candidate, ...]]

_STORED_PARAMS = frozenset(
    {
        "temperature",
        "top_p",
        "max_tokens",
        "max_completion_tokens",
        "presence_penalty",
        "frequency_penalty",
        "seed",
        "n",
    }
)

USUAL = "a prompt of usual length " * 16

UNUSABLE = "the router's figures cannot be used (not numbers from 0 to 1), so every model is as likely"

NOT_KEPT = "not kept (privacy.keep_texts is hash)"


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
        self.prices = PriceBook(settings.prices, prices)
        self.new_id = new_id
        self.now = now
        self._store = store
        self._models = models
        self._timer = timer
        self._version = settings.version
        self._asking = Asking(settings.classifier, self.aask)
        self._policies: dict[str, dict[str, Policy]] = {}
        self.memory = Memory(settings, store, usual_costs(settings, self.prices), now, gains=gains)
        self.spending = Spending(settings, store)
        self.conversations = Conversations(store)
        self._candidates: LRUCache[tuple[str, int], _Known] = LRUCache(_REMEMBERED)
        self._lock = Lock()
        self._thinking: set[str] = set()  # models whose answers showed that they think first

    @property
    def waiting(self) -> Waiting:
        """How its callers wait."""
        return self._models.waiting

    def using(self, models: Models) -> Decider:
        """The same decider, asking other models: it shares all that was learned and read."""
        other = copy(self)
        other._models = models
        other._asking = self._asking.using(other.aask)
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
            {name: value for name, value in (params or {}).items() if _storable(name, value)},
            noted if full else marked(noted),
            "" if session is None else session_fingerprint(session),
        )

    def posteriors(self, goal: str) -> dict[str, Posterior]:
        """Arm id -> what is known of its share of good answers: the prior and every outcome that teaches."""
        chosen = self.settings.goal(goal)
        return _posteriors(chosen, self._store.evidence(goal, chosen.teaching_rule()))

    def candidates(self, context: Context) -> tuple[Candidate, ...]:
        """The arms of the prompt's goal, cheap to strong as the settings order them.

        The same object as before where nothing changed, which policies recognise.
        """
        chosen = self.settings.goal(context.goal)
        input_tokens = two_digits(context.input_tokens)
        evidence = self._store.evidence(context.goal, chosen.teaching_rule())
        lengths = self._store.output_tokens(context.goal)
        prices = tuple(self.prices.price(arm.model, input_tokens) for arm in chosen.arms)  # of this moment
        key = (context.goal, input_tokens)
        with self._lock:
            known = self._candidates.get(key)
        if known is not None and known[0] == evidence and known[1] == lengths and known[2] == prices:
            return known[3]
        candidates = candidates_for(chosen, input_tokens, evidence, lengths, self.prices.price)
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
        return Batch(prompts=prompts, decisions=[self.loggable(one) for one in decisions])

    async def _known(self, context: Context, policy: str) -> Known:
        """``known``; what the contextual router knows may have to be folded from the log first."""
        if policy == CONTEXTUAL.name:
            return await self._models.waiting.read(self.known, context, policy)
        return self.known(context, policy)

    def loggable(self, decision: Decision) -> Decision:
        """The decision as it may be stored: where texts are not kept, without the prompt or words about it."""
        if self.settings.privacy.keep_texts == "full":
            return decision
        private = replace(decision, context=replace(decision.context, text=""))
        if decision.policy in (
            CLASSIFIER.name,
            FALLBACK,
        ):  # a paraphrase of the prompt; an error that may quote it
            failed = None if decision.fallback is None else NOT_KEPT
            return replace(private, reason=Reason(NOT_KEPT), fallback=failed)
        lines = [replace(one, value=NOT_KEPT) if one.text == NO_VERDICT else one for one in decision.reason.lines]
        return replace(private, reason=Reason(decision.reason.summary, tuple(lines)))

    def _policy(self, goal: str, name: str) -> Policy:
        if name not in POLICIES:
            raise UnknownPolicyError(f"{name!r} is not a router; choose one of {sorted(POLICIES)}")
        with self._lock:
            if goal not in self._policies:
                self._policies[goal] = build_policies(self.settings, goal)
            return self._policies[goal][name]

    def ask(self, messages: Sequence[Message], settings: ClassifierSettings) -> Reply:
        """``aask``, where nothing is awaited."""
        return at_once(self.aask(messages, settings))

    async def aask(self, messages: Sequence[Message], settings: ClassifierSettings) -> Reply:
        """Put messages to the classifier's model, once, within its time-out.

        Raises:
            ProviderError: it did not answer.
        """
        limit = token_limit(settings.model, settings.max_tokens)
        if settings.model in self._thinking:
            limit = max(limit, THINKING_TOKENS)
        params: dict[str, object] = {"temperature": 0, "max_tokens": limit}
        if self._models.json_mode(settings.model):
            params["response_format"] = {"type": "json_object"}
        try:
            answer = await self._models.acomplete(
                settings.model, messages, params, deadline_s=settings.timeout_s, max_retries=0
            )
        except ProviderError as error:
            error.maybe_billed = error.maybe_billed and not is_free(self.prices.price(settings.model))
            if isinstance(error, ProviderTimeoutError) and error.status is None:
                late = ProviderTimeoutError(
                    f"{settings.model} did not answer within {settings.timeout_s:g} s; raise classifier.timeout_s,"
                    " or ask a faster model"
                )
                late.maybe_billed = error.maybe_billed
                raise late from None
            raise
        cut = answer.finish_reason == "length" and not answer.text.strip()
        if cut or without_thinking(answer.text) != answer.text:
            self._thinking.add(settings.model)  # it has room to think the next time
        charge = self.prices.charge(settings.model, answer.usage)
        return Reply(answer.text, charge.usage, charge.cost_usd)


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


def _storable(name: str, value: Any) -> bool:
    return name in _STORED_PARAMS and isinstance(value, int | float)


def usual_costs(settings: Settings, prices: PriceBook | None = None) -> Callable[[str], dict[str, float | None]]:
    """Goal -> arm id -> cost of a call for a prompt of usual length and an answer of the length assumed."""
    book = prices or PriceBook(settings.prices)
    tokens = two_digits(context([{"role": "user", "content": USUAL}], "").input_tokens)

    def of(goal: str) -> dict[str, float | None]:
        found = candidates_for(settings.goal(goal), tokens, {}, {}, book.price)
        return {one.arm.id: one.expected_cost_usd for one in found}

    return of


def verdict_usd(settings: Settings, seen: Context, prices: PriceBook) -> float | None:
    """At most what asking the classifier about a prompt costs; None: its price is unknown."""
    asked = settings.classifier
    shown = estimate_tokens(asked.prompt) + min(seen.characters, asked.max_characters) // 3
    return expected_cost_usd(shown, token_limit(asked.model, asked.max_tokens), prices.price(asked.model, shown))


def candidates_for(
    goal: GoalSettings,
    input_tokens: int,
    evidence: Mapping[str, Evidence],
    lengths: Mapping[str, OutputTokens],
    price: Callable[[str, float], Price | None],
) -> tuple[Candidate, ...]:
    """The arms of a goal with what is known of each.

    Args:
        goal: its settings.
        input_tokens: of the prompt, rounded by ``features.two_digits``.
        evidence: arm id -> outcomes that teach it.
        lengths: arm id -> output tokens seen.
        price: model and input tokens -> the price of such a call.
    """
    posteriors, outputs = _posteriors(goal, evidence), expected_outputs(goal, lengths)
    return tuple(
        Candidate(
            arm.arm(),
            posteriors[arm.id],
            expected_cost_usd(input_tokens, outputs[arm.id], price(arm.model, input_tokens)),
        )
        for arm in goal.arms
    )


def _posteriors(goal: GoalSettings, evidence: Mapping[str, Evidence]) -> dict[str, Posterior]:
    return {
        arm.id: from_evidence(evidence.get(arm.id, Evidence()), goal.prior_alpha, goal.prior_beta)
        for arm in goal.arms
    }


def expected_outputs(goal: GoalSettings, lengths: Mapping[str, OutputTokens]) -> dict[str, int]:
    """Arm id -> output tokens expected of its next answer, to two digits.

    The mean of its own answers, shrunk towards that of the goal's models together, and that towards the length in
    the settings; each counts as one answer. So a model that was not asked yet is expected to answer as the others
    do, and a wrong assumption is outweighed by a few answers. None is longer than the limit in its parameters.

    Args:
        goal: its settings.
        lengths: arm id -> output tokens seen in this goal.
    """
    seen = {arm.id: lengths.get(arm.id, _NOTHING_SEEN) for arm in goal.arms}
    usual = _shrunk(
        sum(one.total for one in seen.values()),
        sum(one.count for one in seen.values()),
        float(goal.expected_output_tokens),
    )
    found = {arm: two_digits(_shrunk(one.total, one.count, usual)) for arm, one in seen.items()}
    return {arm.id: min([found[arm.id], *_limits(arm.params)]) for arm in goal.arms}


def _limits(params: Mapping[str, Any]) -> list[int]:
    """The limits of an answer in the parameters of an arm, in tokens."""
    given = [params.get(name) for name in ("max_tokens", "max_completion_tokens")]
    return [limit for limit in given if type(limit) is int and limit > 0]


def _shrunk(total: int, count: int, towards: float) -> float:
    return (total + _ASSUMED_ANSWERS * towards) / (count + _ASSUMED_ANSWERS)
