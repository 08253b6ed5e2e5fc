"""Sums over costs of which some are unknown: an unknown cost is never zero.

The rule, for every figure on every page, in exports and in the shell: what was spent is the sum of what is known,
with the number of costs that are not. A mean or a saving is over those prompts alone of which everything in it is
known. The same rule for a whole log, in SQL: router_core/store/duckdb/unknown_costs.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from router_core.store.base import Comparison
from router_core.types import Completion


def call_usd(call: Completion) -> Decimal | None:
    """What a call cost in all; None: nobody knows, or a failed try before it may have been billed, too."""
    return None if call.unpriced_retries else call.cost_usd


def known_sum(costs: Iterable[Decimal | None]) -> tuple[Decimal, int]:
    """The sum of what is known in dollars, and how many costs are not."""
    all_costs = list(costs)
    known = [cost for cost in all_costs if cost is not None]
    return sum(known, Decimal(0)), len(all_costs) - len(known)


def spent_on(comparison: Comparison) -> tuple[Decimal, int]:
    """What is known to have been spent on a prompt, and how many of its calls and decisions have an unknown cost.

    A call with a failed try that may have been billed counts in both.
    """
    calls = comparison.completions
    known, _ = known_sum(
        [*(one.cost_usd for one in calls), *(one.decision_cost_usd for one in comparison.decisions)]
    )
    unknown = sum(call_usd(one) is None for one in calls)
    return known, unknown + sum(one.decision_cost_usd is None for one in comparison.decisions)
