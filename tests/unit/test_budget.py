"""The price on cost, by hand: how it moves, what it does to a decision, and its limits."""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest

from router_core.errors import SettingsError
from router_core.learning.beta import best_probabilities
from router_core.money.budget import (
    Budget,
    BudgetState,
    allowance_usd,
    highest_price,
    new_day,
    success_value_usd,
    surcharge,
    update,
)
from router_core.types import Posterior

TWO = Budget(limit_usd=2.0, step=0.1)
"""$2 per 1,000 requests: $0.002 each."""


def test_the_price_moves_with_the_deviation() -> None:
    """Twice what is allowed raises it by a step, nothing spent lowers it by one, never below 0."""
    dear = update(BudgetState(), TWO, 0.004)
    assert dear == BudgetState(pytest.approx(0.1), 0.004, 0.002, 1)
    assert update(dear, TWO, 0.002).price == pytest.approx(0.1)
    assert update(dear, TWO, 0.0).price == pytest.approx(0.0)
    assert update(BudgetState(), TWO, 0.0).price == 0.0


def test_while_the_budget_binds_the_price_is_the_sum_of_deviations() -> None:
    """So that mean spending over n requests is off by price / (step * n) of the budget."""
    spent = np.random.default_rng(1).uniform(0.002, 0.004, 500)
    state = BudgetState()
    for usd in spent.tolist():
        state = update(state, TWO, usd)
    assert state.price / (0.1 * 500) == pytest.approx(spent.mean() / 0.002 - 1.0)
    assert (state.spent_usd, state.allowed_usd) == (pytest.approx(spent.sum()), pytest.approx(1.0))


def test_a_price_of_nothing_changes_nothing() -> None:
    """Not even an infinite value."""
    for value in (0.0, 0.05, inf):
        assert success_value_usd(BudgetState(), TWO, value) == value
        assert surcharge(BudgetState(), TWO, value) == 0.0


def test_the_success_value_is_v_over_one_plus_lambda() -> None:
    """price 0.1, V = $0.05: lambda = 0.05 * 0.1 / 0.002 = 2.5, so V counts $0.05 / 3.5."""
    state = BudgetState(price=0.1)
    assert surcharge(state, TWO, 0.05) == pytest.approx(2.5)
    assert success_value_usd(state, TWO, 0.05) == pytest.approx(0.05 / 3.5)


def test_value_and_surcharge_order_models_alike() -> None:
    """V theta - (1 + lambda) c and V / (1 + lambda) theta - c are the same utility up to a factor."""
    state, random = BudgetState(price=0.07), np.random.default_rng(2)
    theta, cost = random.random((50, 4)), random.uniform(0, 0.01, (50, 4))
    extra, value = surcharge(state, TWO, 0.05), success_value_usd(state, TWO, 0.05)
    charged = 0.05 * theta - (1.0 + extra) * cost
    np.testing.assert_allclose(charged, (1.0 + extra) * (value * theta - cost), rtol=1e-12)


def test_where_cost_plays_no_part_the_budget_alone_prices_it() -> None:
    """An infinite V becomes what the price says: $0.002 / 0.1 per good answer."""
    assert success_value_usd(BudgetState(price=0.1), TWO, inf) == pytest.approx(0.02)
    assert surcharge(BudgetState(price=0.1), TWO, inf) == inf
    assert success_value_usd(BudgetState(price=0.1), TWO, 0.0) == 0.0


def test_propensities_stay_exact_and_move_to_the_cheap_model() -> None:
    """The same integral with another success value: they sum to 1 and the dear model's falls with the price."""
    beliefs, costs = [Posterior(75, 25), Posterior(90, 10)], [0.0005, 0.008]
    shares = []
    for price in (0.0, 0.01, 0.05, 0.2):
        value = success_value_usd(BudgetState(price=price), TWO, 0.1)
        chance = best_probabilities(beliefs, costs, value)
        assert chance.sum() == pytest.approx(1.0, abs=1e-12)
        shares.append(float(chance[1]))
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.7
    assert shares[-1] < 0.01


def test_the_highest_price_makes_the_cheapest_model_win() -> None:
    """Even against one that is always right, while the cheapest is never; 1,000 requests can be owed on top."""
    costs = [0.001, 0.003, 0.010]
    most = highest_price(TWO, costs)
    assert most == pytest.approx(0.002 / 0.002 + 1000 * 0.1)
    value = success_value_usd(BudgetState(price=1.0 + 1e-9), TWO, inf)
    assert (
        max((value * good - cost, -cost) for good, cost in zip((0.0, 1.0, 1.0), costs, strict=True))[1] == -0.001
    )
    assert highest_price(TWO, [0.001, 0.001]) == pytest.approx(100.0)


def test_a_budget_that_cannot_be_kept_does_not_raise_the_price_for_ever() -> None:
    """And once the model becomes cheap, the price is gone after about as many requests as could be owed."""
    state = BudgetState()
    for _ in range(50_000):
        state = update(state, TWO, 0.004, highest_price(TWO, [0.004, 0.008]))
    assert state.price == pytest.approx(0.5 + 100.0)
    for _ in range(2_100):
        state = update(state, TWO, 0.001, highest_price(TWO, [0.001, 0.008]))
    assert state.price == 0.0


def test_a_day_shares_out_what_is_left() -> None:
    """$10 for 100 requests: 10 cents each; after $6 for 50 of them, 8 cents; after all of it, nothing."""
    day = Budget(10.0, per="day", requests=100)
    assert allowance_usd(BudgetState(), day) == pytest.approx(0.1)
    assert allowance_usd(BudgetState(spent_usd=6.0, requests=50), day) == pytest.approx(0.08)
    assert allowance_usd(BudgetState(spent_usd=11.0, requests=90), day) == 0.0


def test_more_requests_than_expected_share_the_rest() -> None:
    """Always at least one in a hundred is taken to be still to come, so that the limit is approached, not met."""
    day = Budget(10.0, per="day", requests=500)
    assert allowance_usd(BudgetState(spent_usd=9.0, requests=600), day) == pytest.approx(1.0 / 5)
    assert allowance_usd(BudgetState(spent_usd=0.0, requests=7), Budget(1.0, "day", 1.0)) == 1.0


def test_a_new_day_keeps_the_price() -> None:
    """And forgets what was spent."""
    assert new_day(BudgetState(0.3, 9.0, 10.0, 90)) == BudgetState(0.3, 0.0, 0.0, 0)


@pytest.mark.parametrize("name", ["limit_usd", "requests", "step"])
@pytest.mark.parametrize("value", [0.0, -1.0, nan, inf])
def test_numbers_out_of_range(name: str, value: float) -> None:
    """Are refused with the value and what is allowed."""
    with pytest.raises(SettingsError, match=f"{name} of the budget is {value}; give a number above 0"):
        Budget(**{"limit_usd": 1.0, name: value})  # type: ignore[arg-type]
