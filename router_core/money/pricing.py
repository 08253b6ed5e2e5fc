"""Tokens times price: what a call cost, and what one is expected to cost.

Prices come from the settings' overrides, else from the bundled price book (genai-prices). A price that neither
knows stays unknown: None, never zero. A price is that of one call: of its size, its moment and its service tier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from router_core.arguments import is_figure, require_kind
from router_core.errors import ArgumentError
from router_core.money.book import LIST_TIERS, book_price
from router_core.settings import PriceSettings, Settings
from router_core.types import Price, Usage
from router_core.validation import shown

MILLION = Decimal(1_000_000)
TOO_MUCH_USD = Decimal(1_000_000)
"""No call costs so much: where tokens times price comes to that, one of them is wrong, and the cost unknown."""


MOST_USD = 100_000
"""Per million tokens, as in the settings."""


def require_prices(prices: Any) -> None:
    """Make sure that prices of one's own can be charged: a rate that cannot is heard of before an answer is paid.

    Raises:
        ArgumentError: no mapping of model names to prices, or a rate that is neither a ``Decimal`` nor a whole
            number from 0 to 100,000.
    """
    example = "model -> Price, or None where it is not known"
    require_kind("prices", prices, Mapping, example)
    for model, price in (prices or {}).items():
        if not isinstance(model, str) or not isinstance(price, Price | None):
            raise ArgumentError(f"prices has {shown(price)} for {shown(model)}; give {example}")
        for name in () if price is None else (one.name for one in fields(price) if one.name != "applies"):
            rate = getattr(price, name)
            may_lack = rate is None and name not in _NEEDED
            if not may_lack and not (isinstance(rate, Decimal | int) and is_figure(rate, MOST_USD)):
                raise ArgumentError(
                    f"prices[{shown(model)}].{name} is {shown(rate)}; give a Decimal from 0 to {MOST_USD:,}"
                )


_NEEDED = ("input_usd_per_million_tokens", "output_usd_per_million_tokens", "request_usd")


class PriceBook:
    """Looks prices up by model id (``provider/model``): what was pinned, else the overrides, else the book."""

    def __init__(
        self,
        overrides: Mapping[str, PriceSettings] | None = None,
        pinned: Mapping[str, Price | None] | None = None,
        priced_as: Mapping[str, str] | None = None,
    ) -> None:
        """``pinned``: prices of an export, taken as they are before everything else; None there is unknown.

        A pinned price that is the book's own is left to the book, which knows its tiers and dates. ``priced_as``:
        a model behind a proxy -> the model of the book whose price it has.
        """
        self._priced_as = dict(priced_as or {})
        self._fixed: dict[str, Price | None] = {model: price.price() for model, price in (overrides or {}).items()}
        for model, price in (pinned or {}).items():
            if price is None or not same_rates(price, self.price(model)):
                self._fixed[model] = price

    @classmethod
    def of(cls, settings: Settings, pinned: Mapping[str, Price | None] | None = None) -> PriceBook:
        """The prices that hold by these settings; ``pinned`` as above."""
        return cls(settings.prices, pinned, settings.priced_as)

    def price(
        self,
        model: str,
        input_tokens: float = 0,
        at: datetime | None = None,
        service_tier: str | None = None,
    ) -> Price | None:
        """The price of a call, or None where nobody knows it. The arguments are those of ``book_price``; a price
        of one's own holds for every call.
        """
        if model in self._fixed:
            return self._fixed[model]
        return book_price(self._priced_as.get(model, model), input_tokens, at, service_tier)

    def charge(self, model: str, usage: Usage, at: datetime | None = None, *, countable: bool = True) -> Charge:
        """What a call cost.

        Args:
            model: ``provider/model``.
            usage: its tokens, as they were reported or estimated.
            at: the moment of the call (aware); by default now.
            countable: whether an estimate of its tokens is possible; not with images, for instance.
        """
        price = self.price(model, usage.input_tokens, at, usage.service_tier or None)
        cost = cost_usd(usage, price) if countable or not usage.estimated else None
        if price is None or cost is None:
            return Charge(usage, price, usage.provider_cost_usd)
        if usage.service_tier not in ("", *LIST_TIERS) and usage.service_tier not in price.applies:
            usage = replace(usage, estimated=True)
        return Charge(usage, price, cost)


@dataclass(frozen=True, slots=True)
class Charge:
    """What a call cost. ``usage`` is its own, marked as estimated where the price may not be that of its service
    tier; ``cost_usd`` is what the provider says where the book does not know.
    """  # fmt: skip

    usage: Usage
    price: Price | None
    cost_usd: Decimal | None


def is_free(price: Price | None) -> bool:
    """Whether a call costs nothing, whatever it takes."""
    return price is not None and not any(rate for rate in astuple(price) if isinstance(rate, Decimal))


def same_rates(one: Price | None, other: Price | None) -> bool:
    """Whether two prices charge the same for plain text: input, output and cached input."""
    return _rates(one) == _rates(other)


def _rates(price: Price | None) -> tuple[Decimal, ...] | None:
    if price is None:
        return None
    given, cached = price.input_usd_per_million_tokens, price.cached_input_usd_per_million_tokens
    return given, price.output_usd_per_million_tokens, given if cached is None else cached


def cost_usd(usage: Usage, price: Price | None) -> Decimal | None:
    """What a call cost in US dollars, exactly; None where a rate that it needs is unknown, or from TOO_MUCH_USD.

    Tokens read from a cache and written to one have their own rates, as sound has; the rest have the usual ones.
    Of images that a model draws no rate is known.
    """
    if price is None:
        return None
    given, answered = price.input_usd_per_million_tokens, price.output_usd_per_million_tokens
    heard, spoken = usage.input_audio_tokens, usage.output_audio_tokens
    heard_rate, spoken_rate = price.input_audio_usd_per_million_tokens, price.output_audio_usd_per_million_tokens
    if (heard and heard_rate is None) or (spoken and spoken_rate is None) or usage.output_image_tokens:
        return None
    cached = min(usage.cached_tokens, usage.input_tokens)
    written = min(usage.cache_write_tokens, usage.input_tokens - cached)
    heard = min(heard, usage.input_tokens - cached - written)
    spoken = min(spoken, usage.output_tokens)
    parts = (
        (usage.input_tokens - cached - written - heard, given),
        (cached, price.cached_input_usd_per_million_tokens),
        (written, price.cache_write_usd_per_million_tokens),
        (heard, heard_rate),
        (usage.output_tokens - spoken, answered),
        (spoken, spoken_rate),
    )
    try:
        tokens_usd = (
            sum((tokens * (given if rate is None else rate) for tokens, rate in parts), Decimal(0)) / MILLION
        )
        total = tokens_usd + price.request_usd
        return total if total < TOO_MUCH_USD else None
    except ArithmeticError:  # beyond what decimals hold
        return None


def expected_cost_usd(input_tokens: float, output_tokens: float, price: Price | None) -> float | None:
    """What a call of this size would cost in US dollars; None where the price is unknown."""
    if price is None:
        return None
    return (
        input_tokens * float(price.input_usd_per_million_tokens)
        + output_tokens * float(price.output_usd_per_million_tokens)
    ) / 1e6 + float(price.request_usd)
