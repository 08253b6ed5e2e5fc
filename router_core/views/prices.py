"""When prices changed: what the calls in the log were paid with, and what the next one will be.

See price_changes.py for comparing two snapshots of prices, pricing.py for looking prices up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from router_core.money.price_changes import PriceChange, price_changes
from router_core.settings import PriceSettings, Settings
from router_core.store.base import Questions
from router_core.types import Price


@dataclass(frozen=True, slots=True)
class PriceEvent:
    """A change of one model's price. ``at``: the first answer at the new one; None: nothing was asked at it yet,
    and ``last`` is when the old one was last paid.
    """  # fmt: skip

    change: PriceChange
    at: datetime | None
    last: datetime


def price_events(
    store: Questions, models: Sequence[str], price: Callable[[str], Price | None]
) -> list[PriceEvent]:
    """Every change of these models' prices in the log, and from the last one paid to the present; newest first.

    Args:
        store: the log.
        models: whose prices; others are left out.
        price: model -> its price now; None: unknown.
    """
    used: dict[str, tuple[Price | None, datetime]] = {}
    found = []
    table = store.table("prices_used", {})
    for model, paid, *times in table[table["model"].isin(models)].itertuples(index=False):
        first, last = (time.to_pydatetime().replace(tzinfo=UTC) for time in times)
        new = _price(paid)
        if model in used:
            old, until = used[model]
            found += [PriceEvent(change, first, until) for change in price_changes({model: old}, {model: new})]
        used[model] = new, last
    found.sort(key=lambda one: one.at or one.last, reverse=True)
    now = price_changes(
        {model: paid for model, (paid, _) in used.items()}, {model: price(model) for model in used}
    )
    return [*(PriceEvent(change, None, used[change.model][1]) for change in now), *found]


def latest(events: Sequence[PriceEvent]) -> dict[str, PriceEvent]:
    """Model -> its newest change."""
    return {one.change.model: one for one in reversed(events)}


def with_price(settings: Settings, model: str, price: Price) -> Settings:
    """The settings with a price of their own for a model, which goes before the price book.

    Raises:
        SettingsError: they allow no such price.
    """
    kept = {
        **settings.prices,
        model: PriceSettings(
            input_usd_per_million_tokens=price.input_usd_per_million_tokens,
            output_usd_per_million_tokens=price.output_usd_per_million_tokens,
            cached_input_usd_per_million_tokens=price.cached_input_usd_per_million_tokens,
        ),
    }
    return Settings.from_document(settings.model_copy(update={"prices": kept}).document())


def in_words(change: PriceChange) -> str:
    """What happened to a price, for after the model's name: "became 2x more expensive for output ($10 to $20)"."""
    before, after = change.before, change.after
    if before is None or after is None:
        known = after or before
        rates = "" if known is None else f" ({_rates(known)} per million tokens)"
        return f"has a price now{rates}" if before is None else f"has no known price any more; it was{rates}"
    pairs = (
        ("input", change.input_times, before.input_usd_per_million_tokens, after.input_usd_per_million_tokens),
        ("output", change.output_times, before.output_usd_per_million_tokens, after.output_usd_per_million_tokens),
    )
    told = [
        f"{_times(times, new)} for {kind} ({_usd(old)} to {_usd(new)})"
        for kind, times, old, new in pairs
        if old != new
    ]
    cached = _cached(before), _cached(after)
    if not told:
        told = [f"{_times(float(cached[1] / cached[0]) if cached[0] else None, cached[1])} for cached input"
                f" ({_usd(cached[0])} to {_usd(cached[1])})"]  # fmt: skip
    return "became " + " and ".join(told) + " per million tokens"


def _times(ratio: float | None, new: Decimal) -> str:
    if ratio is None:
        return f"{_usd(new)}, previously free,"
    if ratio == 0:
        return "free"
    if ratio >= 1.95:
        return f"{ratio:.2g}x more expensive" if ratio < 10 else f"{ratio:,.0f}x more expensive"
    if ratio > 1:
        return f"{100 * (ratio - 1):.2g} % more expensive"
    less = 100 * (1 - ratio)
    return f"{less:.2g} % cheaper" if less < 99 else f"{min(less, 99.9):.1f} % cheaper"


def _rates(price: Price) -> str:
    return f"{_usd(price.input_usd_per_million_tokens)} in, {_usd(price.output_usd_per_million_tokens)} out"


def _usd(amount: Decimal) -> str:
    """Exactly: a price is compared with a price list."""
    return f"${amount.normalize():f}"


def _cached(price: Price) -> Decimal:
    given = price.cached_input_usd_per_million_tokens
    return price.input_usd_per_million_tokens if given is None else given


def _price(document: object) -> Price | None:
    """A price as the log has it; missing: unknown."""
    return Price.of(json.loads(document)) if isinstance(document, str) else None
