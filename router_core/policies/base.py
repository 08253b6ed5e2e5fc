"""The one question every router answers: with what probability would you choose each arm?

Leaves out drawing, logging and learning: a policy is stateless towards traffic and can be asked about old
traffic as well as new.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from router_core.errors import NoEligibleArmError
from router_core.types import ActionDistribution, Candidate, Context


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

    def probabilities(self, context: Context, candidates: Sequence[Candidate]) -> ActionDistribution:
        """One probability per candidate, in their order, summing to 1, with a reason.

        Raises:
            NoEligibleArmError: there is no candidate.
        """
        ...


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


def all_on(index: int, count: int) -> tuple[float, ...]:
    """Probability 1 for one arm."""
    return tuple(1.0 if i == index else 0.0 for i in range(count))
