"""A price on cost that keeps the spending to a budget, however the models and their costs change.

Primal-dual (Agrawal & Devanur 2014): every request may spend its share of the budget; the price rises while more
is spent and falls while less is. Does not cover choosing (a decision only takes another success value) and money
spent on deciding, unless the caller counts it in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import isfinite
from typing import Literal

from router_core.errors import SettingsError

STEP = 0.002
_OWED = 1000  # requests' worth of overspending
_TAIL = 0.01  # of a day's requests: so many are always taken to be still to come


@dataclass(frozen=True, slots=True)
class Budget:
    """At most ``limit_usd`` dollars per ``requests`` requests, or per day.

    ``requests``: with ``per`` "requests" the number that the limit is for (1,000); with "day" how many requests
    are expected in a day, to share the limit out; a wrong guess moves the price too fast or too slowly.
    ``step``: how much the price moves when one request spends twice what it may. Larger follows jumps of cost
    sooner and makes the decisions noisier.

    Raises:
        SettingsError: a number is out of its range.
    """

    limit_usd: float
    per: Literal["requests", "day"] = "requests"
    requests: float = 1000.0
    step: float = STEP

    def __post_init__(self) -> None:
        for name, value in (("limit_usd", self.limit_usd), ("requests", self.requests), ("step", self.step)):
            if not (isfinite(value) and value > 0.0):
                raise SettingsError(f"{name} of the budget is {value!r}; give a number above 0")

    @property
    def request_usd(self) -> float:
        """What one request may spend, in the mean: the unit in which the price is counted."""
        return self.limit_usd / self.requests


@dataclass(frozen=True, slots=True)
class BudgetState:
    """The price now and what led to it.

    ``price`` >= 0: by how much the chance of a good answer must rise for spending ``Budget.request_usd`` more, on
    top of what the money itself is worth. 0 while the budget does not bind. ``spent_usd``, ``allowed_usd`` and
    ``requests`` add up since the start (with a daily budget, since the day began).
    """

    price: float = 0.0
    spent_usd: float = 0.0
    allowed_usd: float = 0.0
    requests: int = 0


def allowance_usd(state: BudgetState, budget: Budget) -> float:
    """What the next request may spend.

    Per requests: always the same. Per day: what is left of the limit, shared among the requests still expected.
    """
    if budget.per == "requests":
        return budget.request_usd
    left = max(0.0, budget.limit_usd - state.spent_usd)
    return left / max(budget.requests - state.requests, _TAIL * budget.requests, 1.0)


def update(state: BudgetState, budget: Budget, spent_usd: float, most: float = float("inf")) -> BudgetState:
    """The state after one more request that cost ``spent_usd``.

    price <- max(0, price + step * (spent - allowed) / request_usd). While the price is above 0 all deviations add
    up in it, so over n requests the mean spending differs from the budget by at most price / (step * n).

    Args:
        state: before the request.
        budget: the limit.
        spent_usd: what the request cost; an expected cost where the true one is not known yet.
        most: the price is never raised above this; see ``highest_price``.
    """
    allowed = allowance_usd(state, budget)
    price = max(0.0, state.price + budget.step * (spent_usd - allowed) / budget.request_usd)
    return BudgetState(
        min(price, max(most, 0.0)),
        state.spent_usd + spent_usd,
        state.allowed_usd + allowed,
        state.requests + 1,
    )


def new_day(state: BudgetState) -> BudgetState:
    """The price goes on, the counts begin again."""
    return replace(state, spent_usd=0.0, allowed_usd=0.0, requests=0)


def highest_price(budget: Budget, costs_usd: Iterable[float]) -> float:
    """Beyond this price nothing can be saved, so that ``update`` need not raise it further.

    Where 1 / (gap between the two cheapest models) is the price of cost, the cheapest model wins however good
    the others are. On top of that, what 1,000 requests may spend can be owed: debts are paid back, but a budget
    that even the cheapest model breaks does not raise the price for ever, to take as long to come down again.

    Args:
        budget: the limit.
        costs_usd: expected cost of one call of each model that may be chosen.
    """
    costs = sorted(set(costs_usd))
    decisive = budget.request_usd / (costs[1] - costs[0]) if len(costs) > 1 else 0.0
    return decisive + _OWED * budget.step


def success_value_usd(state: BudgetState, budget: Budget, success_value_usd: float) -> float:
    """What a good answer counts in the decision, so that it keeps to the budget: V / (1 + lambda).

    V * theta - (1 + lambda) * cost orders models as V / (1 + lambda) * theta - cost does. Given as the success
    value, this makes every policy keep to the budget, with its propensities as exact as before. Where V is
    infinite (cost plays no part) only the budget prices cost.
    """
    if state.price == 0.0:
        return success_value_usd
    if success_value_usd == 0.0:
        return 0.0
    return 1.0 / (1.0 / success_value_usd + state.price / budget.request_usd)


def surcharge(state: BudgetState, budget: Budget, success_value_usd: float) -> float:
    """lambda: a dollar spent counts as 1 + lambda dollars. Infinite where V is and the budget binds."""
    return success_value_usd * state.price / budget.request_usd if state.price > 0.0 else 0.0
