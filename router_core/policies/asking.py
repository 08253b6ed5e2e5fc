"""Asking the classifier's model for a policy: the input and output that policies themselves do not do.

Also the memory of what it said. Which model is called, and how, stands in models/ and routing/.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from threading import Lock

from cachetools import LRUCache

from router_core.at_once import at_once
from router_core.errors import ProviderError, RouterError
from router_core.policies.base import Answer, Ask, Known, Policy, Verdict
from router_core.policies.classifier import Questions
from router_core.policies.reading import parse
from router_core.registry import POLICIES
from router_core.settings import ClassifierSettings
from router_core.types import ActionDistribution, Context, Message, Usage


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back from the classifier's call. ``cost_usd`` None: its price is unknown."""

    text: str
    usage: Usage
    cost_usd: Decimal | None


AskModel = Callable[[Sequence[Message], ClassifierSettings], Reply]
"""Puts messages to the classifier's model within its time-out; raises RouterError where that fails."""

AwaitModel = Callable[[Sequence[Message], ClassifierSettings], Awaitable[Reply]]
"""The same, awaited."""


class VerdictCache:
    """Verdicts by question, shared by all threads; the least recently used leave first."""

    def __init__(self, size: int) -> None:
        self._entries: LRUCache[tuple[str, str], Verdict] = LRUCache(max(1, size))
        self._enabled = size > 0
        self._lock = Lock()

    def get(self, key: tuple[str, str]) -> Verdict | None:
        """The verdict remembered, or None."""
        with self._lock:
            return self._entries.get(key)

    def put(self, key: tuple[str, str], verdict: Verdict) -> None:
        """Remember a verdict."""
        if self._enabled:
            with self._lock:
                self._entries[key] = verdict


class Asking:
    """Answers what policies want to know, from memory or by a call. Thread-safe.

    Args:
        settings: the classifier's: model, prompt, limits and the size of the memory.
        ask: puts messages to its model; where it is awaited, so is ``aanswer``.
        cache: what it said before; by default a new memory.
        clock: seconds, for what was waited.
    """

    def __init__(
        self,
        settings: ClassifierSettings,
        ask: AskModel | AwaitModel,
        cache: VerdictCache | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._settings = settings
        self._questions = Questions(settings)
        self._ask = ask
        self._cache = cache or VerdictCache(settings.cache_size)
        self._clock = clock

    def using(self, ask: AskModel | AwaitModel) -> Asking:
        """The same, put to another model's client: what was said before is shared."""
        return Asking(self._settings, ask, self._cache, self._clock)

    def remembered(self, context: Context) -> Verdict | None:
        """What the classifier said of this text before; None: it was not asked. Calls nobody."""
        return self._cache.get(self._questions.key(context))

    def answer(self, ask: Ask) -> Answer:
        """``aanswer``, where nothing is awaited."""
        return at_once(self.aanswer(ask))

    async def aanswer(self, ask: Ask) -> Answer:
        """Ask, once. A failure is an answer without a verdict."""
        started = self._clock()
        cost: Decimal | None = Decimal(0)
        try:
            asked = self._ask(ask.messages, self._settings)
            reply = asked if isinstance(asked, Reply) else await asked
            cost = reply.cost_usd
            simple, why = parse(reply.text)
        except (RouterError, ValueError, RecursionError) as error:
            if isinstance(error, ProviderError) and error.maybe_billed:
                cost = None
            return Answer(None, cost, (self._clock() - started) * 1000.0, str(error))
        verdict = Verdict(simple, why, reply.usage, cost)
        self._cache.put(ask.key, verdict)
        return Answer(verdict, cost, (self._clock() - started) * 1000.0)


def decided(policy: Policy, context: Context, known: Known, asking: Asking | None = None) -> ActionDistribution:
    """``adecided``, where nothing is awaited."""
    return at_once(adecided(policy, context, known, asking))


async def adecided(
    policy: Policy, context: Context, known: Known, asking: Asking | None = None
) -> ActionDistribution:
    """Both phases of a policy: what it wants to know is asked in between.

    Args:
        policy: any of the registry, or one of your own.
        context: the prompt.
        known: what there is to decide by; a verdict that is remembered is added to it.
        asking: who asks; None: the classifier's model is not asked.

    Raises:
        NoEligibleArmError: there is no candidate.
    """
    entry = POLICIES.get(policy.name)
    if asking is not None and known.verdict is None and (entry is None or entry.asks):
        verdict = asking.remembered(context)
        if verdict is not None:
            known = replace(known, verdict=verdict)
    ask = policy.wants(context, known)
    answer = None if ask is None or asking is None else await asking.aanswer(ask)
    return policy.probabilities(context, known, answer)
