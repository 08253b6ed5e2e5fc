"""The costs report on a handful of rows that a person can add up."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from router_core.analytics import View, choices, costs, extent, usual_tokens
from router_core.errors import StoreError
from router_core.pricing import PriceBook
from router_core.settings import Settings
from router_core.store import open_store
from router_core.store.base import Batch, Store
from router_core.types import Usage
from tests.store_rows import CHEAP, START, STRONG, a_completion, a_decision, a_prompt, an_outcome, ident

VIEW = View(START - timedelta(minutes=1), START + timedelta(minutes=1), "default")
PRICE = PriceBook({}).price


@pytest.fixture
def store() -> Store:
    """Three prompts: Thompson to the cheap model; the classifier to the strong one; both routers, both models."""
    opened = open_store(":memory:")
    opened.write(
        Batch(
            [a_prompt(1), a_prompt(2), a_prompt(3)],
            [
                a_decision(1),
                a_decision(
                    2, policy="classifier", chosen=STRONG, decision_cost_usd=Decimal("0.001"), decision_ms=300.0
                ),
                a_decision(3),
                a_decision(4, prompt_id=ident(3), policy="heuristic", chosen=STRONG),
            ],
            [
                a_completion(1, cost_usd=Decimal("0.01"), usage=Usage(1000, 2000), total_ms=100.0),
                a_completion(2, arm=STRONG, model=STRONG, cost_usd=Decimal("0.2"), usage=Usage(1000, 2000)),
                a_completion(3, cost_usd=Decimal("0.03"), usage=Usage(1000, 2000), total_ms=300.0),
                a_completion(4, prompt_id=ident(3), arm=STRONG, model=STRONG, cost_usd=Decimal("0.4")),
            ],
            [an_outcome(1, 1, 1.0), an_outcome(2, 2, 0.0), an_outcome(3, 2, 1.0), an_outcome(4, 3, 0.5)],
        )
    )
    return opened


def test_money(store: Store) -> None:
    """Spend holds every answer and decision; a model that was called counts as it cost, else its estimate."""
    report = costs(store, Settings(), PRICE, VIEW)
    assert (report.requests, report.calls, report.failed, report.unknown) == (3, 4, 0, 0)
    assert report.spent_usd == pytest.approx(0.01 + 0.2 + 0.001 + 0.03 + 0.4)
    assert report.deciding_usd == pytest.approx(0.001)
    strong_estimate = 1000 * 2.5e-6 + 2000 * 10e-6
    cheap_estimate = 1000 * 0.15e-6 + 2000 * 0.6e-6
    assert report.strong_usd == pytest.approx(strong_estimate + 0.2 + 0.4)
    assert report.cheap_usd == pytest.approx(0.01 + cheap_estimate + 0.03)
    assert report.saved_usd == pytest.approx(strong_estimate + 0.6 - 0.641)
    assert report.estimated == pytest.approx(1 / 3)


def test_ratings(store: Store) -> None:
    """The last word of a source counts once; a tie is half a good answer."""
    report = costs(store, Settings(), PRICE, VIEW)
    assert (report.judged, report.good) == (3, 2.5)
    assert report.good_interval is not None
    low, high = report.good_interval
    assert low < 2.5 / 3 < high


def test_routers(store: Store) -> None:
    """Per router: decisions, what deciding cost, and its median time; forced rows are no router's."""
    store.write(Batch(decisions=[a_decision(5, prompt_id=ident(1), policy="forced", origin="forced")]))
    deciding = costs(store, Settings(), PRICE, VIEW).deciding.set_index("policy")
    assert deciding["decisions"].to_dict() == {"classifier": 1, "heuristic": 1, "thompson": 2}
    assert deciding.loc["classifier", "deciding_usd"] == pytest.approx(0.001)
    assert deciding.loc["classifier", "p50_ms"] == 300.0
    assert deciding["judged"].to_dict() == {"classifier": 1, "heuristic": 0, "thompson": 2}


def test_same_prompts(store: Store) -> None:
    """Only the third prompt was decided by two routers."""
    rows = costs(store, Settings(), PRICE, VIEW).same_prompts
    assert {row.policy: (row.prompts, round(row.cost_usd, 9)) for row in rows.itertuples()} == {
        "heuristic": (1, 0.4),
        "thompson": (1, 0.03),
    }


@pytest.mark.parametrize(
    ("filters", "calls", "spent"),
    [
        ({"policy": "thompson"}, 2, 0.04),
        ({"policy": "classifier"}, 1, 0.201),
        ({"arm": STRONG}, 2, 0.601),
        ({"origin": "gateway"}, 0, 0.0),
        ({"goal": "other"}, 0, 0.0),
    ],
)
def test_filters(store: Store, filters: dict[str, str], calls: int, spent: float) -> None:
    """Each filter leaves its own rows."""
    values = {"goal": "default"} | filters
    settings = Settings(goals={"default": Settings().goal("default"), "other": Settings().goal("default")})
    report = costs(store, settings, PRICE, View(VIEW.since, VIEW.until, **values))
    assert (report.calls, report.spent_usd) == (calls, pytest.approx(spent))


def test_half_open(store: Store) -> None:
    """The first moment is in, the last is not."""
    moment = START + timedelta(seconds=1)
    assert costs(store, Settings(), PRICE, View(moment, moment + timedelta(seconds=1))).calls == 1


def test_unknown_prices() -> None:
    """An unknown cost is counted and in no sum; a reference without a price is unknown, not zero."""
    store = open_store(":memory:")
    store.write(Batch([a_prompt(1)], [a_decision(1)], [a_completion(1, cost_usd=None)]))
    report = costs(store, Settings(), lambda model: None, VIEW)
    assert (report.unknown, report.spent_usd, report.strong_usd, report.saved_usd) == (1, 0.0, None, None)


def test_failed_calls_count_as_spend() -> None:
    """A failed call with a cost is spend, and is no answer that a reference could be estimated from."""
    store = open_store(":memory:")
    failed = a_completion(1, error="cut", cost_usd=Decimal("0.5"))
    store.write(Batch([a_prompt(1)], [a_decision(1)], [failed]))
    report = costs(store, Settings(), PRICE, VIEW)
    assert (report.spent_usd, report.failed, report.strong_usd) == (0.5, 1, 0.0)


def test_empty_store() -> None:
    """No rows: no figures, and nothing breaks."""
    store = open_store(":memory:")
    report = costs(store, Settings(), PRICE, View(VIEW.since, VIEW.until))
    assert (report.requests, report.spent_usd, report.good_interval) == (0, 0.0, None)
    assert extent(store).since is None
    assert usual_tokens(store, VIEW) == (0, 0.0, 0.0)


def test_extent_choices_and_usual(store: Store) -> None:
    """What is there, what can be filtered for, and the mean size of an answered call."""
    held = extent(store)
    assert (held.prompts, held.completions, held.outcomes) == (3, 4, 4)
    assert held.since == START + timedelta(seconds=1)
    assert choices(store)["policy"] == ["classifier", "heuristic", "thompson"]
    assert choices(store)["arm"] == [STRONG, CHEAP]
    assert usual_tokens(store, VIEW) == (4, (3 * 1000 + 10) / 4, (3 * 2000 + 20) / 4)


def test_buckets() -> None:
    """Round numbers, about fifty to a view."""
    seconds = {hours: View(START, START + timedelta(hours=hours)).bucket_s for hours in (0.25, 1, 24, 168)}
    assert seconds == {0.25: 60.0, 1: 300.0, 24: 3600.0, 168: 21600.0}


def test_a_question_that_is_none(store: Store) -> None:
    """Named, with those there are."""
    with pytest.raises(StoreError, match="no question 'weather'"):
        store.table("weather", {})
