"""Small makers of contexts, candidates and classifier fakes, so that a test states only what it is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from router_core.features import context
from router_core.policies.classifier import Reply
from router_core.settings import ClassifierSettings
from router_core.types import Arm, Candidate, Context, Message, Posterior, Usage

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
