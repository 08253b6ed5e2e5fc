"""Every figure of the costs report against plain Python over the same rows: simulated traffic, and random rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_core.demo.traffic import generate
from router_core.money.pricing import PriceBook
from router_core.settings import Settings
from router_core.store import open_store
from router_core.store.base import Batch, Comparison, Store
from router_core.types import OutcomeRecord, Usage
from router_core.views.costs import CostReport, costs
from router_core.views.filters import View, extent
from tests.costs_by_hand import ByHand, by_hand, everything, quantile
from tests.store_rows import CHEAP, START, STRONG, a_completion, a_decision, a_prompt, an_outcome, at, ident

PRICE = PriceBook({}).price
UNTIL = datetime(2026, 5, 20, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def demo() -> Iterator[tuple[Store, list[Comparison]]]:
    """1,500 simulated requests; some ratings corrected, some withdrawn."""
    store = open_store(":memory:", kind="simulated")
    generate(Settings(), store, 1_500, until=UNTIL)
    rated = [outcome for one in everything(store) for outcome in one.outcomes][:60]
    turned = [replace(old, reward=1.0 - old.reward) if n % 2 else replace(old, reward=None)
              for n, old in enumerate(rated) if old.reward is not None]  # fmt: skip
    store.write(Batch(outcomes=[_again(n, old) for n, old in enumerate(turned)]))
    yield store, everything(store)
    store.close()


def _again(number: int, record: OutcomeRecord) -> OutcomeRecord:
    return replace(record, id=ident(9_000_000 + number), created_at=UNTIL)


def agree(report: CostReport, expected: ByHand) -> None:
    """Every figure, to the last digit that floating point keeps."""
    for name in ("requests", "calls", "failed", "unpriced", "judged", "compared", "priced_calls", "referenced"):
        assert (name, getattr(report, name)) == (name, getattr(expected, name))
    for name in ("spent_usd", "deciding_usd", "priced_usd", "referenced_usd", "cheap_usd", "strong_usd", "good"):
        assert (name, getattr(report, name)) == (name, pytest.approx(getattr(expected, name), abs=1e-12))
    assert report.estimated * max(1, expected.referenced) == pytest.approx(expected.estimated)
    split = report.split.groupby(["policy", "arm"])["requests"].sum().to_dict()
    assert split == dict(expected.split)
    deciding = report.deciding.set_index("policy")
    assert deciding["judged"].to_dict() == {name: expected.labels[name] for name in expected.waited}
    for name, waited in expected.waited.items():
        assert deciding.loc[name, "p50_ms"] == quantile(waited, 0.5)
        assert deciding.loc[name, "p95_ms"] == quantile(waited, 0.95)
    shared = report.same_prompts.groupby("line")["cost_usd"].sum().to_dict()
    assert shared == pytest.approx(dict(expected.shared), abs=1e-12)
    by_time = report.by_time.sum(numeric_only=True)
    for name in (
        "spent_usd", "priced_usd", "priced_calls", "referenced", "referenced_usd", "cheap_usd", "strong_usd",
        "judged", "good", "requests", "calls", "unpriced",
    ):  # fmt: skip
        assert by_time[name] == pytest.approx(getattr(report, name), abs=1e-9)


FILTERS: list[dict[str, Any]] = [
    {},
    {"goal": "default"},
    {"policy": "heuristic"},
    {"policy": "classifier"},
    {"policy": "thompson"},
    {"arm": STRONG},
    {"arm": CHEAP, "policy": "thompson"},
    {"origin": "simulated"},
    {"origin": "fallback"},
    {"policy": "forced"},
    {"goal": "none"},
]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_all_of_simulated_traffic(demo: tuple[Store, list[Comparison]], filters: dict[str, Any]) -> None:
    """Spend, savings, split, ratings, times and the shared prompts, under each filter."""
    store, rows = demo
    held = extent(store)
    assert held.since is not None
    view = View(held.since, UNTIL + timedelta(seconds=1), **filters)
    if view.goal == "none":
        report = costs(store, Settings(), PRICE, view)
        assert (report.requests, report.calls, report.spent_usd) == (0, 0, 0.0)
        return
    agree(costs(store, Settings(), PRICE, view), by_hand(rows, Settings(), PRICE, view))


@pytest.mark.parametrize(("first", "last"), [(0, 3), (3, 9), (9, 14), (13, 14)])
def test_part_of_simulated_traffic(demo: tuple[Store, list[Comparison]], first: int, last: int) -> None:
    """The same for some days of it."""
    store, rows = demo
    begin = UNTIL - timedelta(days=14)
    view = View(begin + timedelta(days=first), begin + timedelta(days=last), "default")
    agree(costs(store, Settings(), PRICE, view), by_hand(rows, Settings(), PRICE, view))


ROUTERS = st.lists(
    st.sampled_from(["heuristic", "classifier", "thompson", "forced", "fallback"]),
    min_size=1,
    max_size=4,
    unique=True,
)
CALL = st.fixed_dictionaries(
    {
        "cost_usd": st.sampled_from([None, Decimal(0), Decimal("0.001"), Decimal("0.02")]),
        "usage": st.sampled_from([None, Usage(10, 20), Usage(1_000, 3)]),
        "error": st.sampled_from([None, None, "cut"]),
        "unpriced_retries": st.sampled_from([0, 0, 1]),
    }
)
PROMPT = st.tuples(
    ROUTERS,
    st.dictionaries(st.sampled_from([CHEAP, STRONG]), CALL, min_size=1),
    st.lists(
        st.tuples(st.sampled_from(["thumb", "api", "condition"]), st.sampled_from([None, 0.0, 0.5, 1.0])),
        max_size=4,
    ),
    st.booleans(),
)
FILTER = st.sampled_from([one for one in FILTERS if one.get("goal") != "none"])


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(PROMPT, min_size=1, max_size=7), FILTER, st.sampled_from([1, 3]))
def test_whatever_is_stored(prompts: list[Any], filters: dict[str, Any], pieces: int) -> None:
    """Any mixture of routers, models, failures and corrections, written in one piece or in several."""
    store = open_store(":memory:")
    serial = iter(range(1, 10_000))
    for number, (routers, calls, said, undecided) in enumerate(prompts, start=1):
        answers = {arm: next(serial) for arm in calls}
        order = list(answers)
        decisions = [
            a_decision(
                next(serial),
                prompt_id=ident(number),
                created_at=at(number),
                policy=router,
                origin=router if router in ("forced", "fallback") else "library",
                chosen=order[place % len(order)],
                completion_id=ident(answers[order[place % len(order)]]),
                decision_cost_usd=None if undecided and router == "classifier" else Decimal("0.00001"),
                decision_ms=float(number),
            )
            for place, router in enumerate(routers)
        ]
        completions = [
            a_completion(answers[arm], prompt_id=ident(number), created_at=at(number), arm=arm, model=arm, **call)
            for arm, call in calls.items()
        ]
        led = {decision.completion_id for decision in decisions}
        judged = [answers[arm] for arm in order if ident(answers[arm]) in led]
        outcomes = [
            an_outcome(next(serial), judged[place % len(judged)], reward, source=source, created_at=at(60))
            for place, (source, reward) in enumerate(said)
        ]
        if pieces == 1:
            store.write(Batch([a_prompt(number)], decisions, completions, outcomes))
        else:
            store.write(Batch([a_prompt(number)], decisions))
            for completion in completions:
                store.write(Batch(completions=[completion]))
            for outcome in outcomes:
                store.write(Batch(outcomes=[outcome]))
    view = View(START, START + timedelta(minutes=2), **filters)
    agree(costs(store, Settings(), PRICE, view), by_hand(everything(store), Settings(), PRICE, view))
    store.close()
