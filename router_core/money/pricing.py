"""Tokens times price: what a call cost, and what one is expected to cost.

Prices come from the settings' overrides, else from the bundled price book (genai-prices). A price that neither
knows stays unknown: None, never zero. Leaves out time-of-day and batch discounts.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from router_core.settings import PriceSettings
from router_core.types import Price, Usage

MILLION = Decimal(1_000_000)
_NO_TEXT = (
    "audio",
    "embed",
    "image",
    "moderation",
    "realtime",
    "rerank",
    "transcribe",
    "tts",
    "whisper",
    "ft:",
    ".ft",
)
_PROBE = 1_000  # tokens; small enough to stay in the first tier of models priced by context length


class PriceBook:
    """Looks prices up by model id (``provider/model``), overrides first; each look-up is made once."""

    def __init__(
        self,
        overrides: Mapping[str, PriceSettings] | None = None,
        pinned: Mapping[str, Price | None] | None = None,
    ) -> None:
        """``pinned``: prices of an export, taken as they are before everything else; None there is unknown."""
        self._overrides: dict[str, Price | None] = {
            model: price.price() for model, price in (overrides or {}).items()
        }
        self._overrides |= pinned or {}

    def price(self, model: str) -> Price | None:
        """The price of a model, or None where nobody knows it."""
        if model in self._overrides:
            return self._overrides[model]
        return _bundled_price(model)


def cost_usd(usage: Usage, price: Price | None) -> Decimal | None:
    """What a call cost in US dollars, exactly; None where the price is unknown."""
    if price is None:
        return None
    cached = min(usage.cached_tokens, usage.input_tokens)
    cached_price = price.cached_input_usd_per_million_tokens
    if cached_price is None:
        cached_price = price.input_usd_per_million_tokens
    total = (
        (usage.input_tokens - cached) * price.input_usd_per_million_tokens
        + cached * cached_price
        + usage.output_tokens * price.output_usd_per_million_tokens
    )
    return total / MILLION


def expected_cost_usd(input_tokens: float, output_tokens: float, price: Price | None) -> float | None:
    """What a call of this size would cost in US dollars; None where the price is unknown."""
    if price is None:
        return None
    return (
        input_tokens * float(price.input_usd_per_million_tokens)
        + output_tokens * float(price.output_usd_per_million_tokens)
    ) / 1e6


@lru_cache(maxsize=64)
def book_models(provider: str) -> tuple[str, ...]:
    """The models of a provider that the price book knows and that answer with text, as ``provider/model``."""
    from genai_prices.data import providers

    now = datetime.now(UTC)
    found = []
    for listed in providers:
        if listed.id == provider:
            for model in listed.models:
                rates = model.get_prices(now)
                text = rates.input_mtok is not None and rates.output_mtok is not None
                named = model.is_match(model.id) and not any(word in model.id for word in _NO_TEXT)
                if text and named and not model.deprecated:
                    found.append(f"{provider}/{model.id}")
    return tuple(sorted(found))


@lru_cache(maxsize=4096)
def bundled_id(name: str) -> str | None:
    """``provider/name`` of a model named without its provider, where the bundled book can tell whose it is."""
    from genai_prices import Usage as BookUsage
    from genai_prices import calc_price

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return f"{calc_price(BookUsage(input_tokens=_PROBE), model_ref=name).provider.id}/{name}"
        except LookupError:
            return None


@lru_cache(maxsize=4096)
def _bundled_price(model: str) -> Price | None:
    from genai_prices import Usage as BookUsage
    from genai_prices import calc_price

    provider, _, name = model.partition("/")

    def rate(**tokens: int) -> Decimal | None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                calculated = calc_price(BookUsage(**tokens), model_ref=name, provider_id=provider)
            except LookupError:
                return None
        rates = calculated.model_price
        if rates.input_mtok is None and any(value is not None for value in vars(rates).values()):
            return None  # paid by the hour, the page or the character: what a token costs is not known
        return calculated.total_price * MILLION / _PROBE

    given = rate(input_tokens=_PROBE)
    if given is None:
        return None
    answered = rate(output_tokens=_PROBE)
    cached = rate(input_tokens=_PROBE, cache_read_tokens=_PROBE)
    if answered is None:
        return None
    return Price(given.normalize(), answered.normalize(), None if cached is None else cached.normalize())
