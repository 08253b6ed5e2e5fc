"""The one question every policy answers: with what probability would you choose each arm?

It is answered in two phases, and neither reads, writes or calls anything: ``wants`` says what the policy would
like to ask the classifier's model first, ``probabilities`` decides on what is known and on the answer. The call is
made in between (asking.py). Drawing, logging and learning stand elsewhere: a policy can be asked about old traffic
as well as new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol, runtime_checkable

from router_core.errors import NoEligibleArmError
from router_core.learning.contextual.state import ContextualState
from router_core.sampling import mix_uniform
from router_core.types import ActionDistribution, ByTask, Candidate, Context, Message, Usage


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the classifier said. ``usage`` and ``cost_usd`` are those of the call that produced it."""

    simple: bool
    reason: str
    usage: Usage
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to the classifier's model. Equal ``key``s ask the same, so that an answer can be remembered."""

    key: tuple[str, str]
    messages: tuple[Message, ...] = field(compare=False, hash=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question. ``verdict`` None: none came, and ``failure`` says why.

    ``cost_usd`` (None: unknown) and ``waited_ms`` are those of the call.
    """

    verdict: Verdict | None
    cost_usd: Decimal | None = Decimal(0)
    waited_ms: float = 0.0
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known when a policy decides. It is read beforehand, so that deciding touches nothing.

    Args:
        candidates: the arms that may be chosen, each with its posterior in the goal and its expected cost.
        contextual: what the contextual router has learned in the goal.
        tasks: outcomes by task type (``pooling.ByTask``).
        value_usd: what a good answer counts now, where a budget makes it less than the settings say; None: as they
            say.
        verdict: what the classifier said of this text before; None: it was not asked.
        verdict_usd: at most what asking it now costs; None: unknown.
    """

    candidates: Sequence[Candidate]
    contextual: ContextualState = field(default_factory=ContextualState)
    tasks: ByTask = field(default_factory=dict)
    value_usd: float | None = None
    verdict: Verdict | None = None
    verdict_usd: float | None = None


@runtime_checkable
class Policy(Protocol):
    """A rule for choosing between arms."""

    @property
    def name(self) -> str:
        """The name it is registered under."""
        ...

    @property
    def version(self) -> str:
        """A hash of every setting that can change its answer."""
        ...

    def wants(self, context: Context, known: Known) -> Ask | None:
        """What to ask the classifier's model before deciding; None: nothing."""
        ...

    def probabilities(self, context: Context, known: Known, answer: Answer | None = None) -> ActionDistribution:
        """One probability per candidate, in their order, summing to 1, with a reason.

        Args:
            context: the prompt.
            known: what there is to decide by.
            answer: to what was wanted; None where nothing was wanted or nobody asked.

        Raises:
            NoEligibleArmError: there is no candidate.
        """
        ...


class AsksNothing:
    """The first phase of a policy that decides on what is known."""

    def wants(self, context: Context, known: Known) -> Ask | None:
        """Nothing."""
        return None


def require_candidates(context: Context, candidates: Sequence[Candidate]) -> None:
    """Refuse to choose from nothing.

    Raises:
        NoEligibleArmError: there is no candidate.
    """
    if not candidates:
        raise NoEligibleArmError(
            f"goal {context.goal!r} has no model left to choose from; add one in its settings"
        )


def tier_index(candidates: Sequence[Candidate], arm_id: str, simple: bool) -> int:
    """The index of the arm that serves a tier; where it is not eligible, the nearest end of the list."""
    for index, candidate in enumerate(candidates):
        if candidate.arm.id == arm_id:
            return index
    return 0 if simple else len(candidates) - 1


def on_tier(candidates: Sequence[Candidate], arm_id: str, simple: bool, exploration: float) -> tuple[float, ...]:
    """Probability 1 for the arm that serves a tier, less the share that is drawn evenly over all arms."""
    chosen = all_on(tier_index(candidates, arm_id, simple), len(candidates))
    return mix_uniform(chosen, exploration) if exploration else chosen


def all_on(index: int, count: int) -> tuple[float, ...]:
    """Probability 1 for one arm."""
    return tuple(1.0 if i == index else 0.0 for i in range(count))
