"""The calculator against the money figures of the documentation and sums done by hand, to the last digit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from router_core.errors import RouterError
from router_core.money.calculator import (
    BreakEven,
    CalculatorError,
    ClassifierCall,
    Estimate,
    Money,
    RequestCost,
    Workload,
    classifier_break_even,
    estimate,
)
from router_core.money.pricing import PriceBook, cost_usd
from router_core.types import Price, Usage
from tests.builders import CHEAP, STRONG

MINI = Price(Decimal("0.15"), Decimal("0.60"))
FULL = Price(Decimal("2.50"), Decimal("10.00"))
CLASSIFICATION = Workload(10_000, 200, 10, 1)
SYNTHESIS = Workload(10_000, 2_000, 400, 0)
CALL = ClassifierCall(Decimal("0.000015"))


def test_the_prices_are_those_of_the_book() -> None:
    """What the figures below start from is what the app looks up."""
    for model, price in ((CHEAP, MINI), (STRONG, FULL)):
        found = PriceBook().price(model)
        assert found is not None
        assert found.input_usd_per_million_tokens == price.input_usd_per_million_tokens
        assert found.output_usd_per_million_tokens == price.output_usd_per_million_tokens


def test_the_two_example_requests() -> None:
    """200 in + 10 out, and 2,000 in + 400 out: dollars for one, and 16.7 times (exactly 50/3) between models."""
    small, large = estimate([CLASSIFICATION, SYNTHESIS], MINI, FULL).requests
    assert small == RequestCost(Decimal("0.000036"), Decimal("0.000600"))
    assert large == RequestCost(Decimal("0.000540"), Decimal("0.009000"))
    for request in (small, large):
        assert request.times is not None
        assert round(request.times, 1) == Decimal("16.7")
        assert round(request.times * 3, 20) == 50


def test_strong_synthesis_over_cheap_classification() -> None:
    """250.0 times."""
    small, large = estimate([CLASSIFICATION, SYNTHESIS], MINI, FULL).requests
    assert small.cheap_usd is not None
    assert large.strong_usd is not None
    assert large.strong_usd / small.cheap_usd == Decimal("250.0")


def test_a_classifier_call_of_100_tokens() -> None:
    """About $0.000015 plus its output; 60 tokens of it make $0.000051."""
    assert cost_usd(Usage(100, 0), MINI) == CALL.cost_usd == Decimal("0.000015")
    assert cost_usd(Usage(100, 60), MINI) == Decimal("0.000051")


def test_ten_thousand_requests_a_day() -> None:
    """Half classification, half synthesis, told apart for nothing."""
    rows = [Workload(5_000, 200, 10, 1), Workload(5_000, 2_000, 400, 0)]
    found = estimate(rows, MINI, FULL)
    assert found.all_cheap == Money(Decimal("2.88"))  # 0.18 + 2.70
    assert found.all_strong == Money(Decimal("48.00"))  # 3 + 45
    assert found.routed == Money(Decimal("45.18"))  # 0.18 + 45
    assert found.saved == Money(Decimal("2.82"))
    assert found.classifier == Money(Decimal(0))


def test_the_gap_over_a_month_and_a_year() -> None:
    """Only classification at 10,000 a day: $6.00 against $0.36 a day; 365/12 days a month, 365 a year."""
    found = estimate([CLASSIFICATION], MINI, FULL)
    assert found.all_strong is not None
    assert found.routed == found.all_cheap == Money(Decimal("0.36"))
    assert (found.all_strong.per_day, found.all_strong.per_month, found.all_strong.per_year) == (
        Decimal("6.00"),
        Decimal("182.5"),
        Decimal(2190),
    )
    assert found.saved is not None
    assert (found.saved.per_day, found.saved.per_month, found.saved.per_year) == (
        Decimal("5.64"),
        Decimal("171.55"),
        Decimal("2058.6"),
    )


def test_a_month_is_a_twelfth_of_a_year() -> None:
    """A dollar a day is $30.41666... a month."""
    assert Money(Decimal(1)).per_month == Decimal("30.41666666666666666666666667")
    assert Money(Decimal(12)).per_month == 365


def test_a_classifier_is_paid_for_every_request() -> None:
    """10,000 calls at $0.000015 are 15 cents a day, off the saving."""
    found = estimate([Workload(10_000, 200, 10, 0.6)], MINI, FULL, CALL)
    assert found.classifier == Money(Decimal("0.15"))
    assert found.routed == Money(Decimal("2.766"))  # 6,000 x 0.000036 + 4,000 x 0.0006 + 0.15
    assert found.saved == Money(Decimal("3.234"))


def test_a_classifier_may_cost_more_than_it_saves() -> None:
    """Then saved is below zero, not hidden."""
    found = estimate([Workload(1_000, 200, 10, 0.02)], MINI, FULL, CALL)
    assert found.saved == Money(Decimal("-0.00372"))  # 20 x 0.000564 - 1,000 x 0.000015


def test_break_even_on_classification() -> None:
    """One moved request saves $0.000564, so 15/564 of them must move: 2.66 %."""
    found = classifier_break_even([Workload(10_000, 200, 10, 0.6)], MINI, FULL, CALL)
    assert found.saved_per_moved_usd == Decimal("0.000564")
    assert found.share == Decimal(15) / Decimal(564)
    assert round(found.share, 4) == Decimal("0.0266")
    assert found.net_per_call_usd == Decimal("0.0003234")  # 0.6 x 0.000564 - 0.000015


def test_break_even_on_synthesis() -> None:
    """One moved request saves $0.00846: 0.18 % must move. Nothing is simple there, so each call is lost."""
    assert classifier_break_even([SYNTHESIS], MINI, FULL, CALL) == BreakEven(
        Decimal(15) / Decimal(8460), Decimal("0.00846"), Decimal("-0.000015")
    )


def test_break_even_counts_the_requests_that_move() -> None:
    """Of two rows, their simple requests: 1,000 at $0.000564 and 500 at $0.00846."""
    rows = [Workload(1_000, 200, 10, 1), Workload(1_000, 2_000, 400, 0.5)]
    found = classifier_break_even(rows, MINI, FULL, CALL)
    assert found.saved_per_moved_usd == Decimal("0.003196")  # (0.564 + 4.23) / 1,500
    assert found.share == Decimal(15) / Decimal(3196)
    assert found.net_per_call_usd == Decimal("0.002382")  # (0.564 + 4.23) / 2,000 - 0.000015


def test_break_even_passes_over_what_never_moves() -> None:
    """Beside simple requests a row without any saves nothing and costs its calls."""
    rows = [Workload(1_000, 200, 10, 0.6), Workload(1_000, 2_000, 400, 0)]
    found = classifier_break_even(rows, MINI, FULL, CALL)
    assert found.saved_per_moved_usd == Decimal("0.000564")
    assert found.net_per_call_usd == Decimal("0.0001542")  # 600 x 0.000564 / 2,000 - 0.000015


def test_break_even_and_estimate_agree() -> None:
    """At the break-even share routing with the classifier costs what the strong model alone costs."""
    share = Decimal("0.0266")
    call = ClassifierCall(share * Decimal("0.000564"))
    rows = [Workload(10_000, 200, 10, share)]
    assert classifier_break_even(rows, MINI, FULL, call).share == share
    assert classifier_break_even(rows, MINI, FULL, call).net_per_call_usd == 0
    assert estimate(rows, MINI, FULL, call).saved == Money(Decimal(0))


@pytest.mark.parametrize(
    ("cheap", "strong", "call", "share"),
    [
        (FULL, MINI, "0.000015", "Infinity"),  # the "cheap" one is more expensive
        (MINI, MINI, "0.000015", "Infinity"),
        (MINI, FULL, "0.000564", "1"),
        (MINI, FULL, "0.001128", "2"),  # twice what moving all of them saves
        (MINI, FULL, "0", "0"),
        (FULL, MINI, "0", "0"),
    ],
)
def test_break_even_at_its_ends(cheap: Price, strong: Price, call: str, share: str) -> None:
    """Above 1 a call never pays; for nothing it always does."""
    found = classifier_break_even([CLASSIFICATION], cheap, strong, ClassifierCall(Decimal(call)))
    assert found.share == Decimal(share)


@pytest.mark.parametrize(
    ("cheap", "strong", "call", "unknown"),
    [
        (None, FULL, CALL, {"all_cheap", "routed", "saved"}),
        (MINI, None, CALL, {"all_strong", "routed", "saved"}),
        (MINI, FULL, ClassifierCall(None), {"routed", "classifier", "saved"}),
        (None, None, None, {"all_cheap", "all_strong", "routed", "saved"}),
        (MINI, FULL, None, set()),
    ],
)
def test_an_unknown_price_is_none_not_zero(
    cheap: Price | None, strong: Price | None, call: ClassifierCall | None, unknown: set[str]
) -> None:
    """Exactly the figures that need it are unknown, even for rows without a request."""
    for rows in ([CLASSIFICATION, SYNTHESIS], []):
        found: Estimate = estimate(rows, cheap, strong, call)
        names = ("all_cheap", "all_strong", "routed", "classifier", "saved")
        assert {name for name in names if getattr(found, name) is None} == unknown


def test_unknown_prices_have_no_break_even() -> None:
    """Nor has traffic without a request; of an unknown call, what moving saves is still known."""
    nothing = BreakEven(None, None, None)
    assert classifier_break_even([CLASSIFICATION], None, FULL, CALL) == nothing
    assert classifier_break_even([CLASSIFICATION], MINI, None, CALL) == nothing
    assert classifier_break_even([], MINI, FULL, CALL) == nothing
    assert classifier_break_even([Workload(0, 1, 1, 1)], MINI, FULL, CALL) == nothing
    assert classifier_break_even([CLASSIFICATION], MINI, FULL, ClassifierCall(None)) == BreakEven(
        None, Decimal("0.000564"), None
    )


def test_the_multiple_of_an_unknown_or_free_model_is_not_defined() -> None:
    """No division by zero, no invented number."""
    assert RequestCost(None, Decimal(1)).times is None
    assert RequestCost(Decimal(1), None).times is None
    assert RequestCost(Decimal(0), Decimal(1)).times is None


def test_fractions_are_taken_as_written() -> None:
    """A tenth is a tenth: no digits of binary arithmetic show up."""
    found = estimate([Workload(10, 0.1, 0.2, 0.3)], Price(Decimal(1_000_000), Decimal(0)), MINI)
    assert found.all_cheap == Money(Decimal("1.0"))
    assert found.routed == Money(Decimal("0.300000945"))  # 3 x 0.1 + 7 x 0.000000135


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ((-1, 1, 1, 0.5), "requests_per_day is -1; give a number from 0 to 1,000,000,000,000"),
        ((1, -0.5, 1, 0.5), "input_tokens is -0.5; give a number from 0 to 1,000,000,000,000"),
        ((1, 1, 10**12 + 1, 0.5), "output_tokens is 1000000000001; give a number from 0 to 1,000,000,000,000"),
        ((1, 1, 1, 1.01), "simple_share is 1.01; give a number from 0 to 1"),
        ((1, 1, 1, Decimal("-0.01")), "simple_share is -0.01; give a number from 0 to 1"),
        ((1, 1, 1, float("nan")), "simple_share is nan; give a number from 0 to 1"),
        ((1, 1, 1, Decimal("sNaN")), "simple_share is sNaN; give a number from 0 to 1"),
        ((float("inf"), 1, 1, 0), "requests_per_day is inf; give a number from 0 to 1,000,000,000,000"),
        ((True, 1, 1, 0), "requests_per_day is True; give a number from 0 to 1,000,000,000,000"),
        (("5", 1, 1, 0), "requests_per_day is '5'; give a number from 0 to 1,000,000,000,000"),
    ],
)
def test_impossible_rows_are_refused(row: tuple[Any, Any, Any, Any], expected: str) -> None:
    """The name, the value and what is allowed."""
    with pytest.raises(CalculatorError) as caught:
        Workload(*row)
    assert str(caught.value) == expected
    assert isinstance(caught.value, RouterError)


def test_an_impossible_call_is_refused() -> None:
    """A classifier that pays back does not exist."""
    with pytest.raises(CalculatorError, match=r"^the cost of a classifier call is -0\.1; give a number from 0 to"):
        ClassifierCall(Decimal("-0.1"))


def test_the_ends_are_allowed() -> None:
    """Nothing at all, and as much as there may be."""
    assert estimate([Workload(0, 0, 0, 0)], MINI, FULL).all_strong == Money(Decimal(0))
    assert estimate([Workload(10**12, 10**12, 0, 1)], MINI, FULL).all_cheap == Money(Decimal("1.5e17"))
