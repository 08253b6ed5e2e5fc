"""The bundled price book: which model a name means, and what it costs in a tier, at a moment, as served."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest

from router_core.money.book import FREE, book_model, book_price, bundled_id
from router_core.money.pricing import PriceBook, cost_usd, same_rates
from router_core.settings import PriceSettings, ProviderSettings, Settings
from router_core.types import Price, Usage


@pytest.mark.parametrize(
    ("model", "usage", "expected"),
    [
        ("google/gemini-2.5-pro", Usage(250_000, 1_000), "0.640"),
        ("google/gemini-2.5-pro", Usage(200_000, 1_000), "0.260"),  # at the threshold, not beyond it
        ("openai/gpt-5.4", Usage(300_000, 1_000), "1.5225"),
        ("perplexity/sonar-pro", Usage(10_000, 1_000), "0.059"),  # a fee per request
        ("perplexity/sonar-pro", Usage(0, 0), "0.014"),
    ],
)
def test_cost_of_a_call_of_this_size(model: str, usage: Usage, expected: str) -> None:
    """Beyond a threshold every token costs more; a fee is paid once, not per token."""
    assert cost_usd(usage, PriceBook().price(model, usage.input_tokens)) == Decimal(expected)


def test_a_tier_says_to_which_calls_it_applies() -> None:
    """What is stored with a call explains itself, and comes back as it was."""
    price = book_price("google/gemini-2.5-pro", 250_000)
    assert price is not None
    assert price.applies == "above 200,000 input tokens"
    assert Price.of(price.as_stored()) == price
    usual = book_price("openai/gpt-4o-mini")
    assert usual is not None
    assert (usual.applies, Price.of(usual.as_stored())) == ("", usual)
    assert list(usual.as_stored()) == [
        "input_usd_per_million_tokens",
        "output_usd_per_million_tokens",
        "cached_input_usd_per_million_tokens",
    ]


def test_a_price_changes_on_its_day_in_a_process_that_has_run_for_long() -> None:
    """Nothing of the day before is remembered; the book's own dates are asked at every call."""
    from genai_prices.data import providers
    from genai_prices.types import StartDateConstraint

    seen = 0
    for provider in providers:
        for listed in provider.models:
            days = [
                one.constraint.start_date
                for one in (listed.prices if isinstance(listed.prices, list) else ())
                if isinstance(one.constraint, StartDateConstraint)
            ]
            name = f"{provider.id}/{listed.id}"
            if not days or book_model(name) is not listed:
                continue
            midnight = datetime.combine(max(days), time(), UTC)
            before = book_price(name, at=midnight - timedelta(hours=13))
            after = book_price(name, at=midnight + timedelta(hours=13))
            again = book_price(name, at=midnight - timedelta(hours=13))
            assert before == again
            seen += before != after
    assert seen > 0


def test_a_price_by_the_hour_is_that_of_the_call() -> None:
    """Where the book knows hours of the day, some hour has another price than another."""
    from genai_prices.data import providers
    from genai_prices.types import TimeOfDateConstraint

    listed = [
        f"{provider.id}/{model.id}"
        for provider in providers
        for model in provider.models
        if isinstance(model.prices, list)
        and any(isinstance(one.constraint, TimeOfDateConstraint) for one in model.prices)
        and book_model(f"{provider.id}/{model.id}") is model
    ]
    day = datetime(2025, 6, 2, tzinfo=UTC)
    for name in listed:
        hours = {book_price(name, at=day + timedelta(hours=hour)) for hour in range(24)}
        assert len(hours) > 1, name


@pytest.mark.parametrize(
    "model",
    [
        "deepseek/deepseek-r1-distill-qwen-7b",
        "openai/gpt-4o-mini-but-not-quite",
        "anthropic/claude-3-haiku-turbo",
        "google/gemini-2.5-pro-tuned",
        "mistral/mixtral-8x7b-dolphin",
        "openai/gpt-4o-mini/extra",
        "openrouter/deepseek/deepseek-r1:freely",
        "nobody/gpt-4o-mini",
    ],
)
def test_a_likeness_is_no_price(model: str) -> None:
    """A name that only begins like a model's, or holds it, is another model: its price is unknown."""
    assert PriceBook().price(model) is None


@pytest.mark.parametrize(
    ("model", "same_as"),
    [
        ("openai/gpt-4o-2024-08-06", "openai/gpt-4o"),
        ("anthropic/claude-3-haiku-20240307", "anthropic/claude-3-haiku"),
        ("anthropic/Claude-3-Haiku", "anthropic/claude-3-haiku"),
        ("google/gemini-2.0-flash-001", "google/gemini-2.0-flash"),
        ("bedrock/us.anthropic.claude-3-haiku-20240307-v1:0", "aws/anthropic.claude-3-haiku-20240307-v1:0"),
        ("mistral/Mixtral-8x7B-Instruct", "mistral/mixtral-8x7b"),
    ],
)
def test_dates_regions_and_versions_are_the_same_model(model: str, same_as: str) -> None:
    """What stands around a model's own name and says nothing about its weights."""
    assert book_price(model) is not None
    assert same_rates(book_price(model), book_price(same_as))


def test_models_that_are_given_away_are_free() -> None:
    """OpenRouter's ``:free``, whether the book lists the model or not; nobody else's."""
    assert book_price("openrouter/somebody/anything:free") == FREE
    assert book_price("openrouter/deepseek/deepseek-r1:free") == FREE
    assert book_price("openai/gpt-4o:free") is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openai:gpt-4o-mini", "openai/gpt-4o-mini"),
        ("anthropic:claude-3-haiku-20240307", "anthropic/claude-3-haiku-20240307"),
        ("us.anthropic.claude-3-haiku-20240307-v1:0", "aws/us.anthropic.claude-3-haiku-20240307-v1:0"),
        ("deepseek-r1-distill-qwen-7b", None),
        ("nobody:gpt-4o-mini", None),
    ],
)
def test_names_without_a_provider(name: str, expected: str | None) -> None:
    """As evaluation tools write them: found, or unknown."""
    assert bundled_id(name) == expected


def test_service_tiers() -> None:
    """Batch is cheaper and says so; a tier that the book lacks has no known price; "default" is the list price."""
    listed, batch = book_price("openai/gpt-5.4"), book_price("openai/gpt-5.4", service_tier="batch")
    assert listed is not None
    assert batch is not None
    assert batch.input_usd_per_million_tokens * 2 == listed.input_usd_per_million_tokens
    assert batch.applies == "batch"
    assert book_price("openai/gpt-5.4", service_tier="default") == listed
    assert book_price("openai/gpt-5.4", service_tier="made-up") is None


def test_a_pinned_price_that_is_the_books_keeps_its_tiers() -> None:
    """An export names today's price; a call beyond a threshold is still charged as the provider charges it."""
    listed = book_price("google/gemini-2.5-pro")
    pinned = PriceBook(pinned={"google/gemini-2.5-pro": listed})
    assert pinned.price("google/gemini-2.5-pro", 250_000) == book_price("google/gemini-2.5-pro", 250_000)
    other = Price(Decimal(1), Decimal(2))
    assert PriceBook(pinned={"google/gemini-2.5-pro": other}).price("google/gemini-2.5-pro", 250_000) == other
    assert PriceBook(pinned={"google/gemini-2.5-pro": None}).price("google/gemini-2.5-pro") is None


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (Usage(98_805, 5_120, cached_tokens=66_360, cache_write_tokens=32_435), "0.05742975"),
        (Usage(1_000, 0, cache_write_tokens=5_000), "0.00125"),  # more than was sent: all of it
        (Usage(100, 592, output_audio_tokens=482), None),  # its rate is not known
        (Usage(100, 0, input_audio_tokens=40), None),
    ],
)
def test_parts_have_rates_of_their_own(usage: Usage, expected: str | None) -> None:
    """Cache writes at theirs; sound at its own, or the cost is unknown."""
    price = Price(Decimal(1), Decimal(2), Decimal("0.10"), Decimal("1.25"))
    assert cost_usd(usage, price) == (None if expected is None else Decimal(expected))


def test_sound_at_its_own_rate() -> None:
    """20 of 100 tokens heard at $10, 482 of 592 spoken at $20 a million."""
    price = Price(
        Decimal(1), Decimal(2), None, None, input_audio_usd_per_million_tokens=Decimal(10),
        output_audio_usd_per_million_tokens=Decimal(20),
    )  # fmt: skip
    usage = Usage(100, 592, input_audio_tokens=20, output_audio_tokens=482)
    assert cost_usd(usage, price) == (80 * 1 + 20 * 10 + 110 * 2 + 482 * 20) / Decimal(1_000_000)


def test_a_model_behind_a_proxy_is_priced_as_the_model_that_it_is() -> None:
    """In its tiers, too; a price of one's own goes before it; a name that the book does not know stays unknown."""
    named = {"proxy/fast": "openai/gpt-4o-mini", "proxy/long": "google/gemini-2.5-pro", "proxy/odd": "openai/none"}
    own = {"proxy/own": PriceSettings(input_usd_per_million_tokens=1, output_usd_per_million_tokens=2)}
    settings = Settings(
        providers={"openai": ProviderSettings(), "proxy": ProviderSettings(base_url="http://127.0.0.1:1/v1")},
        prices=own,
        priced_as={**named, "proxy/own": "openai/gpt-4o"},
    )
    prices = PriceBook.of(Settings.from_document(settings.document()))
    assert prices.price("proxy/fast") is not None
    assert prices.price("proxy/fast") == book_price("openai/gpt-4o-mini")
    assert prices.price("proxy/long", 250_000) == book_price("google/gemini-2.5-pro", 250_000)
    assert prices.price("proxy/long") != prices.price("proxy/long", 250_000)
    assert prices.price("proxy/own") == own["proxy/own"].price()
    assert prices.price("proxy/odd") is prices.price("proxy/unnamed") is None
    assert prices.charge("proxy/fast", Usage(1_000_000, 0)).cost_usd == Decimal("0.15")
