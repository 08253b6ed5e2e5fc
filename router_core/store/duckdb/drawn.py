"""Which decisions a policy drew, as conditions of SQL.

The origins of decisions that nobody drew are declared in router_core/types.py.
"""

from __future__ import annotations

from router_core.registry import PolicyEntry
from router_core.types import NOT_DRAWN


def was_drawn(column: str = "origin") -> str:
    """A condition: a policy drew the decision.

    Args:
        column: the origin, or the policy (a decision that was not drawn bears its origin as its policy).
    """
    return f"{column} NOT IN ({quoted(*NOT_DRAWN)})"


def drawn_by(policy: PolicyEntry | None, origin: str = "origin") -> str:
    """A condition: this policy drew the decision.

    Args:
        policy: whose draws; None: of the one that the parameter $learner names.
        origin: the column with the decision's origin.
    """
    name = "$learner" if policy is None else quoted(policy.name)
    return f"(policy = {name} AND {was_drawn(origin)})"


def quoted(*names: str) -> str:
    """Names as texts of SQL, separated by commas."""
    return ", ".join(f"'{name}'" for name in names)
