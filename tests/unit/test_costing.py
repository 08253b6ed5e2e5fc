"""The costs report on a handful of rows that a person can add up; test_costing_by_hand.py has the rest."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from router_core.intervals import share_of_sums
from router_core.money.pricing import PriceBook
from router_core.settings import ArmSettings, GoalSettings, Settings
from router_core.store import open_store
from router_core.store.base import Batch, Store
from router_core.types import Usage
from router_core.views import costs as costing
from router_core.views.costs import costs
from router_core.views.filters import View
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
    assert (report.requests, report.calls, report.failed, report.unpriced) == (3, 4, 0, 0)
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
    assert report.good_interval == pytest.approx(tuple(float(end) for end in share_of_sums(2.5, 2.5, 3)))
    assert report.calls > 3
    assert report.good_at_worst == pytest.approx((2.5 / report.calls, 1 - 0.5 / report.calls))


def test_the_first_source_has_the_word(store: Store) -> None:
    """Where a condition and a person judged the same answer, the one that the goal puts first counts."""
    store.write(Batch(outcomes=[an_outcome(9, 1, 0.0, source="condition")]))
    condition_first = Settings().goal("default").model_copy(update={"teaching_precedence": ("condition", "thumb")})
    assert costs(store, Settings(), PRICE, VIEW).good == 2.5
    assert costs(store, Settings(goals={"default": condition_first}), PRICE, VIEW).good == 1.5


def test_routers(store: Store) -> None:
    """Per router: decisions, what deciding cost, and its median time; forced rows are no router's."""
    store.write(Batch(decisions=[a_decision(5, prompt_id=ident(1), policy="forced", origin="forced")]))
    deciding = costs(store, Settings(), PRICE, VIEW).deciding.set_index("policy")
    assert deciding["decisions"].to_dict() == {"classifier": 1, "heuristic": 1, "thompson": 2}
    assert deciding.loc["classifier", "deciding_usd"] == pytest.approx(0.001)
    assert deciding.loc["classifier", "p50_ms"] == 300.0
    assert deciding["versions"].to_dict() == {"classifier": 1, "heuristic": 1, "thompson": 1}
    assert deciding.loc["classifier", "each_usd"] == pytest.approx(0.001)
    assert deciding["judged"].to_dict() == {"classifier": 1, "heuristic": 0, "thompson": 2}


def test_times(store: Store) -> None:
    """Median and 95th percentile of each model; answers that were not streamed have no first word."""
    rows = costs(store, Settings(), PRICE, VIEW).latency.set_index(["arm", "measure"])
    assert list(rows.loc[(CHEAP, "whole answer")]) == [100.0, 300.0, 2]
    assert list(rows.loc[(STRONG, "whole answer")]) == [250.0, 250.0, 2]
    assert len(rows) == 2


def test_what_calls_cost(store: Store) -> None:
    """Six bars per power of ten; every answer lies within its bar."""
    bars = costs(store, Settings(), PRICE, VIEW).per_call
    assert bars["to_usd"].to_numpy() == pytest.approx(bars["from_usd"].to_numpy() * 10 ** (1 / 6))
    for arm, cost in ((CHEAP, 0.01), (CHEAP, 0.03), (STRONG, 0.2), (STRONG, 0.4)):
        (own,) = bars[(bars["arm"] == arm) & (bars["from_usd"] <= cost * 1.001) & (cost < bars["to_usd"])]["calls"]
        assert own == 1


def test_many_calls_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many calls, bars and times are read from some, and the bars speak for all; sums hold every call."""
    monkeypatch.setattr(costing, "SAMPLED", 5)
    store = open_store(":memory:")
    for number in range(1, 11):
        moment = START + timedelta(milliseconds=number)
        store.write(Batch([a_prompt(number)], [a_decision(number)], [a_completion(number, created_at=moment)]))
    report = costs(store, Settings(), PRICE, VIEW)
    assert (report.every, report.calls, list(report.per_call["calls"])) == (2, 10, [10])
    assert report.latency["calls"].sum() == 5


def test_same_prompts(store: Store) -> None:
    """Only the third prompt was decided by two routers; both of its models were called."""
    report = costs(store, Settings(), PRICE, VIEW)
    assert {row.line: (row.prompts, round(row.cost_usd, 9)) for row in report.same_prompts.itertuples()} == {
        "heuristic": (1, 0.4),
        "thompson": (1, 0.03),
        "cheap": (1, 0.03),
        "strong": (1, 0.4),
    }
    assert report.compared == 1


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
    """An unknown cost counts once per request, in no sum; a reference without a price is unknown, not zero."""
    store = open_store(":memory:")
    store.write(Batch([a_prompt(1)], [a_decision(1)], [a_completion(1, cost_usd=None)]))
    store.write(Batch(completions=[a_completion(2, prompt_id=ident(1), cost_usd=None)]))
    report = costs(store, Settings(), lambda model: None, VIEW)
    assert (report.unpriced, report.requests, report.spent_usd) == (1, 1, 0.0)
    assert (report.cheap_usd, report.strong_usd, report.saved_usd) == (None, None, None)
    assert report.left_out == ("default",)
    assert report.by_time[["cheap_usd", "strong_usd"]].isna().all().all()
    assert set(report.same_prompts["line"]) & {"cheap", "strong"} == set()


@pytest.mark.parametrize(
    ("decision", "completion"),
    [
        ({"decision_cost_usd": None}, {}),
        ({}, {"cost_usd": None}),
        ({}, {"retries": 2, "unpriced_retries": 1}),
        ({}, {"error": "timed out", "cost_usd": None}),
    ],
)
def test_what_makes_a_request_unpriced(decision: dict[str, Any], completion: dict[str, Any]) -> None:
    """A decision, a call, a retry that may have been billed, a failure of which nobody knows the cost."""
    store = open_store(":memory:")
    store.write(
        Batch(
            [a_prompt(1), a_prompt(2)],
            [a_decision(1, **decision), a_decision(2)],
            [a_completion(1, **completion), a_completion(2)],
        )
    )
    report = costs(store, Settings(), PRICE, VIEW)
    assert (report.requests, report.unpriced) == (2, 1)
    assert report.by_time["unpriced"].sum() == 1


def test_a_retry_that_was_refused_has_a_known_price() -> None:
    """It cost nothing; it is counted."""
    store = open_store(":memory:")
    store.write(Batch([a_prompt(1)], [a_decision(1)], [a_completion(1, retries=2)]))
    report = costs(store, Settings(), PRICE, VIEW)
    assert (report.retries, report.unpriced) == (2, 0)


def test_failed_calls_count_as_spend() -> None:
    """A failed call with a cost is spend and a request, and no answer that a reference could be estimated from."""
    store = open_store(":memory:")
    failed = a_completion(1, error="cut", cost_usd=Decimal("0.5"))
    store.write(Batch([a_prompt(1)], [a_decision(1)], [failed]))
    report = costs(store, Settings(), PRICE, VIEW)
    assert (report.spent_usd, report.failed, report.strong_usd) == (0.5, 1, 0.0)
    assert (report.requests, report.estimated) == (1, 0.0)


def test_goals_have_their_own_models() -> None:
    """Each goal is held against its own cheapest and strongest; one that the settings lost makes it unknown."""
    store = open_store(":memory:")
    turned = GoalSettings(arms=(ArmSettings(model=STRONG), ArmSettings(model=CHEAP)))
    for number, goal in ((1, "default"), (2, "turned")):
        store.write(
            Batch(
                [a_prompt(number, goal=goal)],
                [a_decision(number, goal=goal)],
                [a_completion(number, goal=goal, cost_usd=Decimal("0.01"), usage=Usage(1_000_000, 0))],
            )
        )
    both = Settings(goals={"default": Settings().goal("default"), "turned": turned})
    view = View(VIEW.since, VIEW.until)
    report = costs(store, both, PRICE, view)
    assert (report.cheap_usd, report.strong_usd) == (pytest.approx(0.01 + 2.5), pytest.approx(2.5 + 0.01))
    lost = costs(store, Settings(), PRICE, view)
    assert (lost.strong_usd, lost.left_out, lost.requests) == (None, ("turned",), 2)
    gone = costs(store, Settings(), PRICE, View(VIEW.since, VIEW.until, "turned"))
    assert (gone.strong_usd, gone.left_out, gone.requests) == (None, ("turned",), 1)


def compared(number: int, *routers: str, **completion: Any) -> Batch:
    """A prompt that these routers decided for the cheap model."""
    decisions = [
        a_decision(100 * number + at, prompt_id=ident(number), completion_id=ident(number), policy=name)
        for at, name in enumerate(routers)
    ]
    return Batch([a_prompt(number)], decisions, [a_completion(number, **completion)])


def test_routers_are_compared_on_the_prompts_that_all_of_them_decided() -> None:
    """The largest set of routers counts; prompts that fewer decided, or with an unknown cost, are left out."""
    store = open_store(":memory:")
    store.write(compared(1, "heuristic", "thompson"))
    store.write(compared(2, "heuristic", "thompson"))
    store.write(compared(3, "heuristic", "thompson", "classifier", cost_usd=Decimal("0.25")))
    store.write(compared(4, "heuristic", "thompson", "classifier", cost_usd=None))
    report = costs(store, Settings(), PRICE, View(VIEW.since, START + timedelta(hours=1), "default"))
    found = report.same_prompts.groupby("line")["cost_usd"].sum().to_dict()
    assert {name: round(usd, 9) for name, usd in found.items() if name != "strong"} == {
        "heuristic": 0.25, "thompson": 0.25, "classifier": 0.25, "cheap": 0.25,
    }  # fmt: skip
    assert report.compared == 1
    narrow = View(VIEW.since, START + timedelta(hours=1), "default", policy="thompson", arm=CHEAP)
    assert len(costs(store, Settings(), PRICE, narrow).same_prompts) == len(report.same_prompts)


def test_through_time(store: Store) -> None:
    """One row per step, without gaps; it adds up to the figures on top; the last step ends with the last entry."""
    report = costs(store, Settings(), PRICE, View(START, START + timedelta(hours=1), "default"))
    table = report.by_time
    assert set(table["time"].diff().dropna()) == {timedelta(minutes=2)}
    assert table["spent_usd"].sum() == pytest.approx(report.spent_usd)
    assert table["strong_usd"].sum() == pytest.approx(report.strong_usd)
    assert table["requests"].sum() == report.requests
    assert (table["ends"] > table["time"]).all()
    assert table["ends"].iloc[0].to_pydatetime() == (START + timedelta(seconds=4)).replace(tzinfo=None)


def test_cost_per_good_answer(store: Store) -> None:
    """0.641 for four calls, 2.5 of 3 judged good; None without a good one."""
    assert costs(store, Settings(), PRICE, VIEW).per_good_usd == pytest.approx(0.641 / 4 / (2.5 / 3))
    store.write(Batch(outcomes=[an_outcome(9, 1, 0.0), an_outcome(10, 2, 0.0), an_outcome(11, 3, 0.0)]))
    assert costs(store, Settings(), PRICE, VIEW).per_good_usd is None


def test_empty_store() -> None:
    """No rows: no figures, and nothing breaks."""
    report = costs(open_store(":memory:"), Settings(), PRICE, View(VIEW.since, VIEW.until))
    assert (report.requests, report.spent_usd, report.good_interval, report.compared) == (0, 0.0, None, 0)
    assert (report.per_good_usd, report.strong_usd, report.left_out) == (None, 0.0, ())
