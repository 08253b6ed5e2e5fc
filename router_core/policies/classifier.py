"""A call to a cheap model that says SIMPLE or COMPLEX; when it does not, the rules decide.

Leaves out learning: a classifier never hears whether people were satisfied.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from threading import Lock
from typing import Any

from cachetools import LRUCache

from router_core.errors import ProviderError, RouterError
from router_core.policies.base import Policy, all_on, require_candidates, tier_index
from router_core.registry import CLASSIFIER
from router_core.sampling import mix_uniform
from router_core.settings import ClassifierSettings
from router_core.types import (
    NO_VERDICT,
    ActionDistribution,
    Candidate,
    Context,
    Message,
    Reason,
    ReasonLine,
    Usage,
)
from router_core.validation import short_hash


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back from the classifier's call. ``cost_usd`` None: its price is unknown."""

    text: str
    usage: Usage
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The classifier's word. ``usage`` and ``cost_usd`` are those of the call that produced it."""

    simple: bool
    reason: str
    usage: Usage
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class Heard:
    """What asking for a verdict brought. ``verdict`` None: none came, and ``failure`` says why.

    ``cost_usd`` and ``waited_ms`` are those of this call; both 0 where the verdict was remembered.
    """

    verdict: Verdict | None
    cost_usd: Decimal | None
    waited_ms: float
    cached: bool = False
    failure: str = ""


Ask = Callable[[Sequence[Message], ClassifierSettings], Reply]
"""Puts messages to the classifier's model within its time-out; raises RouterError where that fails."""


class VerdictCache:
    """Verdicts by (settings, text), shared by all threads; the least recently used leave first."""

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


class ClassifierPolicy:
    """Sends what a cheap model calls simple to one arm and the rest to another."""

    name: str = CLASSIFIER.name

    def __init__(
        self,
        settings: ClassifierSettings,
        simple_arm: str,
        complex_arm: str,
        ask: Ask,
        instead: Policy,
        cache: VerdictCache | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._settings = settings
        self._simple_arm = simple_arm
        self._complex_arm = complex_arm
        self._ask = ask
        self._instead = instead
        self._cache = cache or VerdictCache(settings.cache_size)
        self._clock = clock
        asked = settings.model_dump_json(exclude={"cache_size"})
        self._asked_version = short_hash(asked)
        self.version = short_hash(f"{asked}|{simple_arm}|{complex_arm}|{instead.version}")

    def remembered(self, context: Context) -> Verdict | None:
        """The verdict on this text from an earlier call, or None; asks nobody."""
        return self._cache.get(self._key(context))

    def heard(self, context: Context) -> Heard:
        """The verdict: remembered, else asked for."""
        verdict = self.remembered(context)
        if verdict is not None:
            return Heard(verdict, Decimal(0), 0.0, cached=True)
        started = self._clock()
        cost: Decimal | None = Decimal(0)
        key = self._key(context)
        try:
            reply = self._ask(messages(self._settings.prompt, key[1]), self._settings)
            cost = reply.cost_usd
            simple, why = parse(reply.text)
        except (RouterError, ValueError, RecursionError) as error:
            if isinstance(error, ProviderError) and error.maybe_billed:
                cost = None
            return Heard(None, cost, (self._clock() - started) * 1000.0, failure=str(error))
        verdict = Verdict(simple, why, reply.usage, cost)
        self._cache.put(key, verdict)
        return Heard(verdict, cost, (self._clock() - started) * 1000.0)

    def probabilities(self, context: Context, candidates: Sequence[Candidate]) -> ActionDistribution:
        """1 for the arm of the tier that the classifier names (less the exploration share)."""
        require_candidates(context, candidates)
        heard = self.heard(context)
        if heard.verdict is None:
            return self._rules_instead(context, candidates, heard.failure, heard.cost_usd, heard.waited_ms)
        return self._distribution(heard.verdict, candidates, heard.cost_usd, heard.waited_ms, cached=heard.cached)

    def _key(self, context: Context) -> tuple[str, str]:
        return self._asked_version, excerpt(context.text, self._settings.max_characters)

    def _distribution(
        self,
        verdict: Verdict,
        candidates: Sequence[Candidate],
        cost: Decimal | None,
        waited: float,
        cached: bool,
    ) -> ActionDistribution:
        wanted = self._simple_arm if verdict.simple else self._complex_arm
        chosen = all_on(tier_index(candidates, wanted, verdict.simple), len(candidates))
        share = self._settings.exploration
        return ActionDistribution(
            mix_uniform(chosen, share) if share else chosen,
            partial(_explain, verdict, self._settings.model, cached, share),
            cost_usd=cost,
            latency_ms=waited,
            cached=cached,
        )

    def _rules_instead(
        self,
        context: Context,
        candidates: Sequence[Candidate],
        why: str,
        cost: Decimal | None,
        waited: float,
    ) -> ActionDistribution:
        rules = self._instead.probabilities(context, candidates)

        def explain() -> Reason:
            reason = rules.reason
            note = ReasonLine(NO_VERDICT, why)
            return Reason(f"Classifier failed, rules decided. {reason.summary}", (note, *reason.lines))

        return ActionDistribution(rules.probabilities, explain, cost_usd=cost, latency_ms=waited, fallback=why)


def messages(prompt: str, text: str) -> tuple[Message, ...]:
    """What is put to the classifier: its instructions, and the prompt fenced off as data."""
    return (
        {"role": "system", "content": prompt},
        {"role": "user", "content": f"<request>\n{_FENCE.sub('[request]', text)}\n</request>"},
    )


def excerpt(text: str, limit: int) -> str:
    """The text where it is short enough, else its beginning and its end: instructions stand at either."""
    if len(text) <= limit:
        return text
    head = limit * 2 // 3
    return f"{text[:head]}\n[...]\n{text[len(text) - (limit - head) :]}"


_FENCE = re.compile(r"<\s*/?\s*request\s*>", re.IGNORECASE)  # in a prompt it would end the fence
_OBJECT = re.compile(r"\{[^{}]*\}", re.DOTALL)
_FIELD = re.compile(r"""["']?complexity["']?\s*[:=]\s*["']?([A-Za-z]+)""", re.IGNORECASE)


def parse(text: str) -> tuple[bool, str]:
    """(simple?, reason) from a classifier's answer: its JSON, wherever it stands in the text and in any case.

    Raises:
        ValueError: nothing was said, or no label that is SIMPLE or COMPLEX; the sentence quotes the answer.
    """
    if not text.strip():
        raise ValueError("the classifier answered nothing")
    for found in _OBJECT.findall(text):
        try:
            value = json.loads(found)
        except (json.JSONDecodeError, RecursionError):
            continue
        lowered: dict[str, Any] = {str(key).lower(): entry for key, entry in value.items()}
        if "complexity" in lowered:
            return _label(str(lowered["complexity"]), text), str(lowered.get("reason") or "").strip()
    named = _FIELD.search(text)  # JSON cut short by the token limit still names its label first
    if named:
        return _label(named.group(1), text), ""
    raise ValueError(f"the classifier answered {text.strip()[:120]!r}, which holds no complexity label")


def _label(value: str, text: str) -> bool:
    label = value.strip().upper()
    if label not in ("SIMPLE", "COMPLEX"):
        raise ValueError(f"the classifier answered {text.strip()[:120]!r}; the label must be SIMPLE or COMPLEX")
    return label == "SIMPLE"


def _explain(verdict: Verdict, model: str, cached: bool, exploration: float) -> Reason:
    label = "SIMPLE" if verdict.simple else "COMPLEX"
    summary = f"{label}: “{verdict.reason}”" if verdict.reason else label
    if exploration:
        summary += f"; {exploration:.1%} of traffic explores"
    usage = verdict.usage
    estimated = "~" if usage.estimated else ""
    asked = f"asked {model}" if not cached else f"remembered from an earlier call to {model}"
    return Reason(
        summary,
        (ReasonLine(asked, f"{estimated}{usage.input_tokens} + {usage.output_tokens} tokens"),),
    )
