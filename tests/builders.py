"""Small makers of contexts, candidates and classifier fakes, so that a test states only what it is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router_core.features import context
from router_core.learning.contextual.state import ContextualState
from router_core.policies.asking import Asking, Reply, decided
from router_core.policies.base import Known, Policy
from router_core.policies.contextual import ContextualPolicy
from router_core.settings import ClassifierSettings
from router_core.types import ActionDistribution, Arm, Candidate, Context, Message, Posterior, Usage

CHEAP = "openai/gpt-4o-mini"
STRONG = "openai/gpt-4o"


def a_context(text: str = "Is this spam?", task_type: str | None = None, goal: str = "default") -> Context:
    """The context of one user message."""
    return context([{"role": "user", "content": text}], goal, task_type)


def words(count: int, word: str = "plain") -> str:
    """A text of exactly that many words, none of them a keyword."""
    return " ".join([word] * count)


def a_candidate(
    arm_id: str = CHEAP,
    alpha: float = 1.0,
    beta: float = 1.0,
    cost_usd: float | None = 0.0,
    observations: int = 0,
    weight: float = 1.0,
) -> Candidate:
    """An arm with its posterior and expected cost."""
    return Candidate(Arm(arm_id, arm_id, weight=weight), Posterior(alpha, beta, observations), cost_usd)


def some_candidates(count: int) -> list[Candidate]:
    """The default cheap and strong model and others between them, cheap to strong, with evidence."""
    names = [CHEAP, *(f"openai/middle-{i}" for i in range(count - 2)), STRONG][:count]
    return [
        a_candidate(name, alpha=20.0 + i, beta=10.0, cost_usd=0.0001 * (i + 1), observations=28 + i)
        for i, name in enumerate(names)
    ]


class Deciding:
    """A policy and all that it decides by: both phases are played as a router plays them.

    Args:
        policy: who decides.
        asking: who asks the classifier; None: nobody.
        known: fields of ``Known`` beside the candidates, read at every decision.
    """

    def __init__(
        self, policy: Policy, asking: Asking | None = None, known: Callable[[], dict[str, Any]] = dict
    ) -> None:
        self.policy, self.asking, self.known = policy, asking, known
        self.name, self.version = policy.name, policy.version

    def probabilities(self, context: Context, candidates: Sequence[Candidate]) -> ActionDistribution:
        """What the policy says of these candidates."""
        return decided(self.policy, context, Known(candidates, **self.known()), self.asking)

    def features(self, context: Context, arms: Sequence[str]) -> NDArray[np.float64]:
        """Of the contextual router: the prompt as each arm sees it, with a verdict where it is remembered."""
        assert isinstance(self.policy, ContextualPolicy)
        known = self.known()
        verdict = known.get("verdict")
        if verdict is None and self.asking is not None:
            verdict = self.asking.remembered(context)
        return self.policy.features(context, arms, known.get("contextual", ContextualState()), verdict)


class FakeAsk:
    """Answers a classifier's call with fixed texts in turn, or raises; remembers what was asked."""

    def __init__(self, *replies: str | Exception, cost_usd: Decimal | None = Decimal("0.00002")) -> None:
        self.replies = replies or ('{"complexity": "SIMPLE", "reason": "a label"}',)
        self.cost_usd = cost_usd
        self.asked: list[tuple[Message, ...]] = []

    def __call__(self, messages: Sequence[Message], settings: ClassifierSettings) -> Reply:
        reply = self.replies[len(self.asked) % len(self.replies)]
        self.asked.append(tuple(messages))
        if isinstance(reply, Exception):
            raise reply
        return Reply(reply, Usage(100, 12), self.cost_usd)


def ticking(step_s: float) -> Callable[[], float]:
    """A clock that advances by ``step_s`` seconds each time it is read."""
    now = 0.0

    def read() -> float:
        nonlocal now
        now += step_s
        return now

    return read
