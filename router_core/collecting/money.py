"""The money of a batch: what it should cost, what one call can cost at most, and a limit that is never exceeded.

A call's bound is reserved before it begins and given back when its cost is known. Where that stays unknown (a call
that was cut off, a failed try that may be billed), the bound counts as spent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from router_core.features import message_text
from router_core.money.pricing import MILLION, PriceBook
from router_core.validation import canonical_json

_PER_MESSAGE = 16  # tokens of the chat template around a message, more than any model's takes


class LimitReachedError(Exception):
    """The next call could exceed the limit."""


def most_tokens(messages: Sequence[Mapping[str, Any]]) -> int:
    """Input tokens that messages can have at most: no tokenizer makes more tokens of a text than it has bytes."""
    total = 0
    for one in messages:
        text = message_text(one) if isinstance(one.get("content"), str) else canonical_json(dict(one))
        total += len(text.encode("utf-8", "surrogatepass")) + _PER_MESSAGE
    return total


def bound_usd(
    messages: Sequence[Mapping[str, Any]], model: str, max_tokens: int, prices: PriceBook
) -> Decimal | None:
    """What one try of a call can cost at most, in dollars; None where the price is unknown.

    Args:
        messages: the conversation.
        model: ``provider/model``.
        max_tokens: the limit that is sent with the call.
        prices: the prices in force.
    """
    tokens = most_tokens(messages)
    price = prices.price(model, tokens)
    if price is None:
        return None
    given = max(price.input_usd_per_million_tokens, price.cache_write_usd_per_million_tokens or Decimal(0))
    return (tokens * given + max_tokens * price.output_usd_per_million_tokens) / MILLION + price.request_usd


@dataclass
class Ledger:
    """What was spent and what is reserved, in dollars, against a limit; used from one event loop.

    ``spent_usd``: known costs; ``assumed_usd``: bounds of calls whose cost stays unknown, which count as well;
    ``unknown``: calls without a known cost, those of models without a price among them.
    """

    limit_usd: Decimal | None
    spent_usd: Decimal = Decimal(0)
    assumed_usd: Decimal = Decimal(0)
    reserved_usd: Decimal = Decimal(0)
    unknown: int = 0

    def __post_init__(self) -> None:
        self._changed = asyncio.Condition()

    def count(self, cost_usd: Decimal | None, tries: int, bound: Decimal | None) -> None:
        """Count a call: its known cost, and the bound for each try of unknown cost."""
        self.spent_usd += cost_usd or Decimal(0)
        unknown = tries + (cost_usd is None)
        self.unknown += unknown > 0
        self.assumed_usd += unknown * (bound or Decimal(0))

    async def reserve(self, usd: Decimal) -> None:
        """Put money aside; waits while calls that are under way may give some back.

        Raises:
            LimitReachedError: not even then is there enough.
        """
        if self.limit_usd is None:
            self.reserved_usd += usd
            return
        async with self._changed:
            while self.spent_usd + self.assumed_usd + self.reserved_usd + usd > self.limit_usd:
                if not self.reserved_usd:
                    raise LimitReachedError
                await self._changed.wait()
            self.reserved_usd += usd

    async def settle(self, reserved: Decimal, cost_usd: Decimal | None, tries: int, bound: Decimal | None) -> None:
        """Give back what was reserved for a call, and count it."""
        async with self._changed:
            self.reserved_usd -= reserved
            self.count(cost_usd, tries, bound)
            self._changed.notify_all()
