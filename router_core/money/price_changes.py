"""What has changed between two snapshots of prices, as events.

Does not cover where prices come from (pricing.py) and where events are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from router_core.money.pricing import same_rates
from router_core.types import Price

PriceEvent = Literal["became known", "became unknown", "changed"]


@dataclass(frozen=True, slots=True)
class PriceChange:
    """The price of one model is another than before; None means unknown, never zero."""

    model: str
    before: Price | None
    after: Price | None

    @property
    def event(self) -> PriceEvent:
        """What happened, in two words."""
        if self.before is None:
            return "became known"
        return "became unknown" if self.after is None else "changed"

    @property
    def input_times(self) -> float | None:
        """The new price of input tokens as a multiple of the old one; None where that is not defined."""
        if self.before is None or self.after is None:
            return None
        return _times(self.before.input_usd_per_million_tokens, self.after.input_usd_per_million_tokens)

    @property
    def output_times(self) -> float | None:
        """The same for output tokens."""
        if self.before is None or self.after is None:
            return None
        return _times(self.before.output_usd_per_million_tokens, self.after.output_usd_per_million_tokens)


def price_changes(
    before: Mapping[str, Price | None], after: Mapping[str, Price | None]
) -> tuple[PriceChange, ...]:
    """One event per model whose price differs, ordered by model.

    Only models in both snapshots are compared: one that joins or leaves is no change of price. Prices are compared
    as numbers: 0.150 is 0.15.

    Args:
        before: model id -> price, None where unknown.
        after: the same, later.
    """
    return tuple(
        PriceChange(model, before[model], after[model])
        for model in sorted(before.keys() & after.keys())
        if not same_rates(before[model], after[model])
    )


def _times(old: Decimal, new: Decimal) -> float | None:
    return float(new / old) if old > 0 else None
