"""Events from two snapshots of prices."""

from __future__ import annotations

from decimal import Decimal

import pytest

from router_core.money.price_changes import PriceChange, price_changes
from router_core.types import Price


def price(given: str, answered: str, cached: str | None = None) -> Price:
    """Dollars per million tokens."""
    return Price(Decimal(given), Decimal(answered), None if cached is None else Decimal(cached))


MINI = price("0.15", "0.60")


def test_only_what_differs_is_told() -> None:
    """In the order of the models; what joins or leaves is no change of price."""
    before = {"b": MINI, "a": MINI, "same": MINI, "left": MINI, "none": None}
    after = {"a": price("0.30", "0.60"), "b": None, "same": MINI, "joined": MINI, "none": None}
    assert price_changes(before, after) == (
        PriceChange("a", MINI, price("0.30", "0.60")),
        PriceChange("b", MINI, None),
    )


@pytest.mark.parametrize(
    ("before", "after", "event", "times"),
    [
        (MINI, price("0.30", "0.30"), "changed", (2.0, 0.5)),
        (None, MINI, "became known", (None, None)),
        (MINI, None, "became unknown", (None, None)),
        (price("0", "0"), MINI, "changed", (None, None)),
        (MINI, price("0", "0"), "changed", (0.0, 0.0)),
    ],
)
def test_what_happened(
    before: Price | None, after: Price | None, event: str, times: tuple[float | None, float | None]
) -> None:
    """Two words, and how many times the old price; unknown and free have no multiple."""
    (change,) = price_changes({"m": before}, {"m": after})
    assert change.event == event
    assert (change.input_times, change.output_times) == times


def test_prices_are_compared_as_numbers() -> None:
    """0.150 is 0.15, and cached tokens without a rate cost as much as others."""
    assert price_changes({"m": MINI}, {"m": price("0.150", "0.6", "0.15")}) == ()


def test_a_change_of_cached_tokens_alone() -> None:
    """Is a change."""
    (change,) = price_changes({"m": MINI}, {"m": price("0.15", "0.60", "0.075")})
    assert (change.event, change.input_times) == ("changed", 1.0)
