"""Prices of models as people's files name them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from router_core.evaluation.files.rates import Rate, Rates
from router_core.money.book import bundled_id
from router_core.money.pricing import PriceBook
from router_core.settings import GoalSettings, PriceSettings, Settings
from router_core.types import Price


def dollars(rate: Rate | None) -> tuple[str, float, float] | None:
    """Id, dollars per million tokens in and out."""
    if rate is None:
        return None
    return rate.id, float(rate.price.input_usd_per_million_tokens), float(rate.price.output_usd_per_million_tokens)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gpt-4o-mini-2024-07-18", ("openai/gpt-4o-mini-2024-07-18", 0.15, 0.6)),
        ("openai/gpt-4o", ("openai/gpt-4o", 2.5, 10)),
        ("gpt-4-1106-preview", ("openai/gpt-4-1106-preview", 10, 30)),
        ("claude-3-haiku-20240307", ("anthropic/claude-3-haiku-20240307", 0.25, 1.25)),
        ("gemini-2.0-flash-001", ("google/gemini-2.0-flash-001", 0.1, 0.4)),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", ("mistralai/Mixtral-8x7B-Instruct-v0.1", 0.7, 0.7)),
        (" Mixtral-8x7B-Instruct ", ("mistral/Mixtral-8x7B-Instruct", 0.7, 0.7)),
        ("WizardLM/WizardLM-13B-V1.2", ("together/WizardLM/WizardLM-13B-V1.2", 0.3, 0.3)),
        ("o1-mini-2031-01-01", ("openai/o1-mini", 1.1, 4.4)),
        ("our-own-model", None),
        ("owner/our-own-model-v2", None),
        ("", None),
    ],
)  # fmt: skip
def test_names_of_files(name: str, expected: tuple[str, float, float] | None) -> None:
    """With a date, with an owner, without a provider; of nobody."""
    assert dollars(Rates().find(name)) == expected


def test_endings_are_taken_off_where_the_whole_is_not_known() -> None:
    """A date, a version, "preview"; the id says as what it is priced."""
    ours = PriceBook(
        {"openai/ours": PriceSettings(input_usd_per_million_tokens=1, output_usd_per_million_tokens=2)}
    )
    for name in ("ours-2026-01-02", "ours-20260102", "me/ours-v1.5", "ours-v2-20260102", "ours-preview", "ours"):
        assert dollars(Rates(book=ours).find(name)) == ("openai/ours", 1.0, 2.0)


def test_what_is_given_comes_first() -> None:
    """A price before an id, an id before the name; an id that nobody knows leaves the price unknown."""
    price = Price(Decimal(3), Decimal(4))
    ids = {"gpt-4o": "openai/gpt-4o-mini", "cheap": "openai/gpt-4o-mini", "odd": "nobody/knows"}
    rates = Rates(prices={"gpt-4o": price}, price_ids=ids)
    assert rates.find("gpt-4o") == Rate("gpt-4o", price)
    assert dollars(rates.find("cheap")) == ("openai/gpt-4o-mini", 0.15, 0.6)
    assert rates.find("odd") is None


def test_as_the_settings_have_it() -> None:
    """Their prices, and the tokens they expect of an answer; a goal that they lack is one of defaults."""
    settings = Settings(
        prices={"local/llama": PriceSettings(input_usd_per_million_tokens=0, output_usd_per_million_tokens=0)},
        goals={"default": GoalSettings(expected_output_tokens=99)},
    )
    rates = Rates.of(settings)
    assert dollars(rates.find("local/llama")) == ("local/llama", 0.0, 0.0)
    assert rates.expected_output_tokens == 99
    assert Rates.of(settings, "another").expected_output_tokens == Rates().expected_output_tokens == 250


def test_whose_a_model_is() -> None:
    """The book can tell some by their name alone."""
    assert bundled_id("claude-3-haiku") == "anthropic/claude-3-haiku"
    assert bundled_id("our-own-model") is None
