"""Tokens times price: exact arithmetic, overrides before the bundled book, unknown stays unknown."""

from __future__ import annotations

from decimal import Decimal

import pytest

from router_core.money.book import book_models
from router_core.money.pricing import PriceBook, cost_usd, expected_cost_usd
from router_core.settings import PriceSettings
from router_core.types import Price, Usage
from tests.builders import CHEAP

PRICE = Price(Decimal("0.15"), Decimal("0.60"), Decimal("0.075"))


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (Usage(0, 0), "0"),
        (Usage(1, 0), "0.00000015"),
        (Usage(0, 1), "0.0000006"),
        (Usage(1_000_000, 1_000_000), "0.75"),
        (Usage(1_000, 0, cached_tokens=400), "0.00012"),  # 600 x 0.15 + 400 x 0.075
        (Usage(1_000, 0, cached_tokens=1_000), "0.000075"),
        (Usage(1_000, 0, cached_tokens=5_000), "0.000075"),  # more cached than sent: all of them cached
        (Usage(3, 7, estimated=True), "0.00000465"),
    ],
)
def test_cost_by_hand(usage: Usage, expected: str) -> None:
    """Dollars to the last digit, cached tokens at their own price."""
    assert cost_usd(usage, PRICE) == Decimal(expected)


def test_cached_tokens_without_a_price_of_their_own_cost_as_others() -> None:
    """No discount is invented."""
    assert cost_usd(Usage(1_000, 0, cached_tokens=400), Price(Decimal(2), Decimal(8))) == Decimal("0.002")


def test_a_cached_price_of_zero_is_a_price() -> None:
    """Zero is not taken for 'not given'."""
    price = Price(Decimal(2), Decimal(8), Decimal(0))
    assert cost_usd(Usage(1_000, 0, cached_tokens=1_000), price) == 0


def test_cost_is_exact_where_floats_are_not() -> None:
    """Ten calls at a tenth of a dollar make a dollar."""
    one = cost_usd(Usage(1, 0), Price(Decimal(100_000), Decimal(0)))
    assert one is not None
    assert one * 10 == Decimal(1)


def test_an_unknown_price_is_none_not_zero() -> None:
    """Neither what a call cost nor what it will cost is guessed."""
    assert cost_usd(Usage(10, 10), None) is None
    assert expected_cost_usd(10, 10, None) is None


def test_expected_cost_agrees_with_the_exact_one() -> None:
    """The float used for deciding is the Decimal used for the books, without the cached discount."""
    exact = cost_usd(Usage(1234, 567), PRICE)
    assert exact is not None
    assert expected_cost_usd(1234, 567, PRICE) == pytest.approx(float(exact), rel=1e-14)


def test_expected_cost_takes_fractional_tokens() -> None:
    """Running means of tokens are not whole."""
    assert expected_cost_usd(0.5, 2.5, PRICE) == pytest.approx(1.575e-6, rel=1e-14)


def test_overrides_come_first_and_only_for_their_model() -> None:
    """A price of one's own replaces the book's for that id and for no other."""
    own = PriceSettings(input_usd_per_million_tokens=Decimal(1), output_usd_per_million_tokens=Decimal(2))
    book = PriceBook({CHEAP: own, "local/tiny": own})
    assert book.price(CHEAP) == Price(Decimal(1), Decimal(2), None)
    assert book.price("local/tiny") == Price(Decimal(1), Decimal(2), None)
    assert book.price("openai/gpt-4o") == PriceBook().price("openai/gpt-4o")


@pytest.mark.parametrize("model", ["openai/no-such-model-xyz", "nobody/gpt-4o-mini", "local/tiny", "nameless"])
def test_unknown_models_have_no_price(model: str) -> None:
    """Neither an unknown name nor a known one at an unknown provider is given a price."""
    assert PriceBook().price(model) is None


@pytest.mark.parametrize("model", ["openai/whisper-1", "openai/tts-1", "mistral/mistral-ocr-latest"])
def test_a_model_paid_by_something_else_than_tokens_has_no_price_per_token(model: str) -> None:
    """By the hour, the character or the page: what a token costs is unknown, not zero."""
    assert PriceBook().price(model) is None


def test_a_model_that_the_book_calls_free_costs_nothing() -> None:
    """The book lists it without any price: that is known, not unknown."""
    assert PriceBook().price("openrouter/openai/gpt-oss-120b:free") == Price(Decimal(0), Decimal(0), Decimal(0))


@pytest.mark.parametrize("provider", ["openai", "voyageai", "mistral"])
def test_models_to_pick_from_answer_with_text(provider: str) -> None:
    """Listed by name, each with a price for what it answers: none that embeds (all of Voyage), speaks or
    transcribes."""
    models = book_models(provider)
    assert list(models) == sorted(models)
    assert bool(models) == (provider != "voyageai")
    for model in models:
        price = PriceBook().price(model)
        assert price is not None
        assert price.output_usd_per_million_tokens > 0


def test_a_free_model_of_ones_own_costs_nothing() -> None:
    """A local model may be declared free; that is known, not unknown."""
    free = PriceSettings(input_usd_per_million_tokens=Decimal(0), output_usd_per_million_tokens=Decimal(0))
    assert cost_usd(Usage(10, 10), PriceBook({"local/tiny": free}).price("local/tiny")) == Decimal(0)
