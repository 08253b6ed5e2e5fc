"""The limit of a batch holds whatever its calls come to, and calls go as fast as the provider takes them."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router_core.collecting.money import Ledger, LimitReachedError, bound_usd, most_tokens
from router_core.collecting.pace import Pace
from router_core.money.pricing import PriceBook
from router_core.settings import PriceSettings


def test_the_bound_of_a_call_by_hand() -> None:
    """A token per byte and 16 around a message, the whole limit of output; unknown where the price is."""
    messages = [{"role": "user", "content": "häh?"}]  # five bytes
    prices = PriceBook({"a/b": PriceSettings(input_usd_per_million_tokens=2, output_usd_per_million_tokens=10)})
    assert most_tokens(messages) == 5 + 16
    assert bound_usd(messages, "a/b", 100, prices) == Decimal("0.001042")
    assert bound_usd(messages, "a/unknown", 100, prices) is None
    parts = [
        {
            "role": "user",
            "content": [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "u" * 90}}],
        }
    ]
    assert most_tokens(parts) > 90


@given(
    st.lists(st.tuples(st.integers(1, 50), st.floats(0, 1), st.integers(0, 2)), min_size=1, max_size=60), st.data()
)
def test_no_order_of_calls_exceeds_the_limit(calls: list[tuple[int, float, int]], data: st.DataObject) -> None:
    """Calls that cost at most their bound, some of unknown cost; what is left would not have paid for the next."""
    limit = Decimal(data.draw(st.integers(1, 300)))

    async def spend() -> tuple[Ledger, int]:
        ledger, refused = Ledger(limit), 0

        async def one(bound: int, part: float, kind: int) -> None:
            nonlocal refused
            try:
                await ledger.reserve(Decimal(bound))
            except LimitReachedError:
                refused += 1
                return
            assert ledger.spent_usd + ledger.assumed_usd + ledger.reserved_usd <= limit
            await asyncio.sleep(0)
            cost = None if kind == 0 else Decimal(str(round(part * bound, 6)))
            await ledger.settle(Decimal(bound), cost, 0, Decimal(bound))

        await asyncio.gather(*(one(*call) for call in calls))
        return ledger, refused

    ledger, refused = asyncio.run(spend())
    assert ledger.spent_usd + ledger.assumed_usd <= limit
    assert ledger.reserved_usd == 0
    assert ledger.unknown <= len(calls) - refused


def test_without_a_limit_all_is_counted() -> None:
    """Known costs apart from those that are assumed."""
    ledger = Ledger(None)
    asyncio.run(ledger.reserve(Decimal(5)))
    asyncio.run(ledger.settle(Decimal(5), Decimal(2), 1, Decimal(5)))
    assert (ledger.spent_usd, ledger.assumed_usd, ledger.unknown, ledger.reserved_usd) == (2, 5, 1, 0)


def test_calls_at_once_grow_until_the_provider_asks_to_slow_down() -> None:
    """Never more than allowed; halved once for what was under way at that time."""

    async def calls() -> tuple[float, float, float]:
        pace = Pace(12)
        active = most = 0

        async def one() -> None:
            nonlocal active, most
            begun = await pace.begin()
            active += 1
            most = max(most, active)
            await asyncio.sleep(0)
            active -= 1
            await pace.end(begun)

        await asyncio.gather(*(one() for _ in range(300)))
        grown = pace.now
        begun = [await pace.begin() for _ in range(8)]
        for moment in begun:
            await pace.end(moment, slower=True)
        return most, grown, pace.now

    most, grown, now = asyncio.run(calls())
    assert most <= 12
    assert grown == 12
    assert now == 6


def test_a_minute_has_no_more_calls_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what a provider asks to wait is waited."""
    clock = [0.0]
    real = asyncio.sleep

    async def skip(seconds: float) -> None:
        clock[0] += seconds
        await real(0)

    monkeypatch.setattr(asyncio, "sleep", skip)

    async def calls() -> list[float]:
        pace, began = Pace(100, per_minute=10, clock=lambda: clock[0]), []
        for number in range(35):
            clock[0] += random.Random(number).random()
            moment = await pace.begin()
            began.append(moment)
            await pace.end(moment, wait_s=90.0 if number == 30 else 0.0)
        return began

    began = asyncio.run(calls())
    assert all(later - sooner >= 60.0 - 1e-9 for sooner, later in zip(began, began[10:], strict=False))
    assert began[31] >= began[30] + 90.0
