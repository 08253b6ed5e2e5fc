"""The money figures of the documentation, to the last digit, with prices from the bundled book."""

from __future__ import annotations

from decimal import Decimal

import pytest

from router_core.money.pricing import PriceBook, cost_usd
from router_core.types import Price, Usage
from tests.builders import CHEAP, STRONG

CLASSIFICATION = Usage(200, 10)
SYNTHESIS = Usage(2_000, 400)


def cost(model: str, usage: Usage) -> Decimal:
    """What the bundled book makes of a call."""
    dollars = cost_usd(usage, PriceBook().price(model))
    assert dollars is not None
    return dollars


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (CHEAP, Price(Decimal("0.15"), Decimal("0.60"), Decimal("0.075"))),
        (STRONG, Price(Decimal("2.50"), Decimal("10.00"), Decimal("1.25"))),
    ],
)
def test_bundled_prices(model: str, expected: Price) -> None:
    """Dollars per million tokens: input, output, cached input."""
    assert PriceBook().price(model) == expected


@pytest.mark.parametrize(
    ("model", "usage", "expected"),
    [
        (CHEAP, CLASSIFICATION, "0.000036"),
        (STRONG, CLASSIFICATION, "0.000600"),
        (CHEAP, SYNTHESIS, "0.000540"),
        (STRONG, SYNTHESIS, "0.009000"),
        (CHEAP, Usage(100, 0), "0.000015"),
    ],
)
def test_example_requests(model: str, usage: Usage, expected: str) -> None:
    """200 in + 10 out, 2,000 in + 400 out, and a classifier call's 100 tokens in."""
    assert cost(model, usage) == Decimal(expected)


@pytest.mark.parametrize("usage", [CLASSIFICATION, SYNTHESIS])
def test_strong_over_cheap_is_the_same_multiple(usage: Usage) -> None:
    """Both prices differ by the same factor, so the mix of tokens does not matter: exactly 50/3."""
    assert cost(STRONG, usage) * 3 == cost(CHEAP, usage) * 50
    assert round(cost(STRONG, usage) / cost(CHEAP, usage), 1) == Decimal("16.7")


def test_strong_synthesis_over_cheap_classification() -> None:
    """The widest gap of the example: 250 times, to the digit."""
    assert cost(STRONG, SYNTHESIS) / cost(CHEAP, CLASSIFICATION) == Decimal(250)
