"""Changes of prices from what the calls in the log were paid with, in words, and kept by the settings."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from router_core.money.price_changes import PriceChange
from router_core.money.pricing import PriceBook
from router_core.settings import Settings
from router_core.store import open_store
from router_core.store.base import Batch, Store
from router_core.types import Price
from router_core.views.prices import in_words, latest, price_events, with_price
from tests.store_rows import CHEAP, START, STRONG, a_completion, a_decision, a_prompt

OLD, NEW = Price(Decimal("0.10"), Decimal("0.4")), Price(Decimal("0.1"), Decimal("0.8"))


def paid(store: Store, *calls: tuple[str, Price | None, float], failed: bool = False) -> None:
    """Answers of a model, at a price, so many hours after the start."""
    for number, (model, price, hours) in enumerate(calls, 100 if failed else 1):
        moment = START + timedelta(hours=hours)
        answer = a_completion(number, arm=model, model=model, price=price, created_at=moment)
        if failed:
            answer = a_completion(
                number, arm=model, model=model, price=price, created_at=moment, text=None, error="no answer"
            )
        store.write(Batch([a_prompt(number)], [a_decision(number, chosen=model)], [answer]))


def test_nothing_paid_nothing_changed() -> None:
    store = open_store(":memory:")
    assert price_events(store, [CHEAP], lambda model: OLD) == []
    paid(store, (CHEAP, OLD, 0), (CHEAP, Price(Decimal("0.1"), Decimal("0.40")), 1))
    assert price_events(store, [CHEAP], lambda model: OLD) == []


def test_changes_in_the_order_of_time() -> None:
    """More expensive, back again, now another one: three events of the model, the newest first; others not."""
    store = open_store(":memory:")
    paid(
        store, (CHEAP, OLD, 0), (CHEAP, OLD, 5), (CHEAP, NEW, 5.1), (CHEAP, NEW, 9), (CHEAP, OLD, 30),
        (STRONG, NEW, 1), (STRONG, OLD, 2), ("openai/other", OLD, 1), ("openai/other", NEW, 2),
    )  # fmt: skip
    found = price_events(store, [CHEAP, STRONG], lambda model: NEW if model == CHEAP else OLD)
    assert [(one.change.model, one.change.before, one.change.after) for one in found] == [
        (CHEAP, OLD, NEW),
        (CHEAP, NEW, OLD),
        (CHEAP, OLD, NEW),
        (STRONG, NEW, OLD),
    ]
    hours = [None if one.at is None else (one.at - START) / timedelta(hours=1) for one in found]
    assert hours == [None, 30.0, 5.1, 2.0]
    assert found[0].last == (START + timedelta(hours=30))
    assert latest(found) == {CHEAP: found[0], STRONG: found[3]}


def test_a_price_that_becomes_known() -> None:
    """An answer at an unknown price counts, a failed call does not."""
    store = open_store(":memory:")
    paid(store, (CHEAP, None, 0), (CHEAP, NEW, 1))
    paid(store, (CHEAP, OLD, 2), failed=True)
    (event,) = price_events(store, [CHEAP], lambda model: NEW)
    assert (event.change.event, event.change.after) == ("became known", NEW)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (("1", "5"), ("1", "10"), "became 2x more expensive for output ($5 to $10) per million tokens"),
        (
            ("2", "4"),
            ("1", "5"),
            "became 50 % cheaper for input ($2 to $1) and 25 % more expensive for output ($4 to $5) per million"
            " tokens",
        ),
        (("10", "5"), ("0.03", "5"), "became 99.7 % cheaper for input ($10 to $0.03) per million tokens"),
        (("1", "5"), ("0", "5"), "became free for input ($1 to $0) per million tokens"),
        (("0", "5"), ("1", "5"), "became $1, previously free, for input ($0 to $1) per million tokens"),
        (
            ("1", "5", "0.5"),
            ("1", "5"),
            "became 2x more expensive for cached input ($0.5 to $1) per million tokens",
        ),
        (("1", "5"), None, "has no known price any more; it was ($1 in, $5 out per million tokens)"),
        (None, ("1", "5"), "has a price now ($1 in, $5 out per million tokens)"),
    ],
)
def test_in_words(before: tuple[str, ...] | None, after: tuple[str, ...] | None, said: str) -> None:
    """Only what changed, with both prices."""

    def price(rates: tuple[str, ...] | None) -> Price | None:
        return None if rates is None else Price(*map(Decimal, rates))

    assert in_words(PriceChange(CHEAP, price(before), price(after))) == said


def test_an_old_price_is_kept() -> None:
    """It goes before the price book, the rest of the settings as it was."""
    settings = with_price(Settings(), CHEAP, NEW)
    assert PriceBook(settings.prices).price(CHEAP) == NEW
    assert settings.model_copy(update={"prices": {}}) == Settings()
