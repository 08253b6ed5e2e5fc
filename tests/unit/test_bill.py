"""The bill of the last days: sums by hand, what one model would have cost, and what is unknown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from click.testing import CliRunner

from router_core.evaluation.from_log.bill import Bill, bill
from router_core.settings import Settings
from router_core.shell.main import main
from router_core.store import open_store
from router_core.store.base import Batch, Store
from router_core.types import Price, Usage
from tests.store_rows import CHEAP, STRONG, a_completion, a_decision, a_prompt, at, ident

PRICES = {CHEAP: Price(Decimal(1), Decimal(10)), STRONG: Price(Decimal(2), Decimal(20))}
GOAL = Settings().goal("default")


@pytest.fixture
def store() -> Iterator[Store]:
    """An empty one."""
    opened = open_store(":memory:")
    yield opened
    opened.close()


def a_call(store: Store, number: int, arm: str, usage: Usage | None, cost: str | None, **more: object) -> None:
    """One prompt that one model answered."""
    store.write(
        Batch(
            [a_prompt(number)],
            [a_decision(number, chosen=arm)],
            [a_completion(number, arm=arm, usage=usage, cost_usd=None if cost is None else Decimal(cost), **more)],
        )
    )


def found(store: Store) -> Bill:
    """The bill."""
    one = bill(store, "default", GOAL, PRICES)
    assert one is not None
    return one


def test_sums_by_hand(store: Store) -> None:
    """Costs as stored; with one model its price for the same tokens; a call of unknown cost is told, not added."""
    a_call(store, 1, STRONG, Usage(1_000_000, 100_000), "4")
    a_call(store, 2, STRONG, Usage(500_000, 0), "1")
    a_call(store, 3, STRONG, None, None)
    one = found(store)
    assert (one.calls, one.usd, one.unknown, one.counted) == (3, 5.0, 1, 2)
    cheap, strong = one.instead
    assert cheap.usd is not None
    assert strong.usd is not None
    assert cheap.usd.value == pytest.approx(1.0 + 1.0 + 0.5)
    assert strong.usd.value == pytest.approx(2.0 + 2.0 + 1.0)
    assert cheap.usd.low < cheap.usd.value < cheap.usd.high
    assert cheap.assumed == (STRONG,)
    assert one.lines[0] == "Your last 30 days cost $5.00 (3 calls; 1 of unknown cost not in it)."
    assert "its answers taken to be as long" in one.lines[1]
    assert "leave out 1 of unknown size" in one.lines[-1]


def test_answers_are_as_much_longer_as_they_were_on_the_same_prompts(store: Store) -> None:
    """Ten prompts that both answered, the cheap model with twice the words."""
    for number in range(1, 21, 2):
        both = {"prompt_id": ident(number)}
        store.write(
            Batch(
                [a_prompt(number)],
                [a_decision(number, chosen=STRONG), a_decision(number + 1, chosen=CHEAP, **both)],
                [
                    a_completion(number, arm=STRONG, usage=Usage(10, 100), **both),
                    a_completion(number + 1, arm=CHEAP, usage=Usage(10, 200), **both),
                ],
            )
        )
    cheap = found(store).instead[0]
    assert cheap.assumed == ()
    assert cheap.usd is not None
    assert cheap.usd.value == pytest.approx(20 * (10 + 10 * 200) / 1e6)


def test_only_the_last_days_count(store: Store) -> None:
    """They end with the last call, however long ago that is."""
    a_call(store, 1, STRONG, Usage(10, 10), "7", created_at=at(0) - timedelta(days=31))
    a_call(store, 2, STRONG, Usage(10, 10), "1", created_at=at(0))
    assert (found(store).calls, found(store).usd) == (1, 1.0)


def test_no_calls_and_no_price(store: Store) -> None:
    """None, and a sentence instead of a zero."""
    assert bill(store, "default", GOAL, PRICES) is None
    a_call(store, 1, STRONG, Usage(10, 10), "1")
    unknown = bill(store, "default", GOAL, {})
    assert unknown is not None
    assert unknown.lines[1] == f"With {CHEAP} for everything: its price is unknown."


def test_in_the_shell(tmp_path: object) -> None:
    """The same lines; and a sentence where there is nothing."""
    place = f"{tmp_path}/bill.duckdb"
    empty = CliRunner().invoke(main, ["bill", "--store", place])
    assert empty.exit_code == 1
    assert "there are no calls in goal 'default'" in empty.output
    store = open_store(place)
    a_call(store, 1, STRONG, Usage(1000, 1000), "0.5")
    store.close()
    said = CliRunner().invoke(main, ["bill", "--store", place])
    assert said.exit_code == 0
    assert "Your last 30 days cost $0.50 (1 call)." in said.output
    assert '"usd": 0.5' in CliRunner().invoke(main, ["bill", "--store", place, "--json"]).output
