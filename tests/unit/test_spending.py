"""The price on cost follows what the contextual router spends, in this process and in the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from router_core.exports import Learned
from router_core.exports.contextual import packed
from router_core.exports.learned import Provenance
from router_core.exports.transfer import export_of, take_over, take_over_learned
from router_core.learning.contextual.state import ContextualState
from router_core.money.budget import Budget, BudgetState, highest_price, update
from router_core.routing.spending import Spending, Spent, budget_of, spent
from router_core.serving.library import Router
from router_core.settings import ContextualSettings, Settings
from router_core.store import open_store
from router_core.store.base import Batch, Store
from router_core.types import Seen
from router_core.validation import validated
from tests.builders import CHEAP, STRONG
from tests.store_rows import a_decision, a_prompt


def the_settings(**goal: Any) -> Settings:
    """Contextual, quick, without a classifier."""
    document = {
        "goals": {"default": {"router": "contextual", "exploration": 0.1, **goal}},
        "contextual": {"ask_classifier": "never", "gain_every": 0},
        "simulation": {"latency_scale": 0},
    }
    return validated(Settings, document)


TIGHT = the_settings(budget_usd=0.05, success_value_usd=5.0, starting_strength=0.0)


@pytest.fixture
def store() -> Iterator[Store]:
    """In memory."""
    opened = open_store(":memory:", kind="simulated")
    yield opened
    opened.close()


def live(router: Router, times: int) -> None:
    """Requests without ratings: both models look alike, so half of them go to the dear one."""
    for number in range(times):
        router.completion([{"role": "user", "content": f"Name colour {number}."}])


def test_it_is_a_fold_over_the_logged_decisions(store: Store) -> None:
    """By hand, and in a process that begins later."""
    with Router(settings=TIGHT, store=store, simulated=True) as router:
        live(router, 40)
        spending = router._decider.spending
        budget = budget_of(TIGHT.goals["default"])
        assert budget is not None
        state = BudgetState()
        for one in store.decisions():
            known = spent(one)
            state = update(state, budget, known.usd, highest_price(budget, known.costs_usd))
        assert spending.state("default").price == pytest.approx(state.price, rel=1e-12)
        assert state.price > 0
        assert state.requests == 40
        assert Spending(TIGHT, store).state("default") == spending.state("default")


def test_deciding_is_spent_too(store: Store) -> None:
    """The drawn model's expected cost and the classifier's call."""
    one = a_decision(1, chosen=CHEAP, expected_cost_usd=(0.01, None), decision_cost_usd=Decimal("0.002"))
    assert spent(one) == Spent(one.created_at, (0.01,), 0.012)
    assert spent(replace(one, chosen=STRONG, decision_cost_usd=None)).usd == 0.01
    asking = TIGHT.model_copy(update={"contextual": ContextualSettings(ask_classifier="always", gain_every=0)})
    with Router(settings=asking, store=store, simulated=True) as router:
        live(router, 3)
        state = router._decider.spending.state("default")
    decisions = list(store.decisions())
    paid = sum(float(one.decision_cost_usd or 0) for one in decisions)
    drawn = sum(one.expected_cost_usd[one.arms.index(one.chosen)] or 0 for one in decisions)
    assert paid > 0
    assert state.spent_usd == pytest.approx(drawn + paid)
    assert Spending(asking, store).state("default") == state


def test_a_model_of_unknown_price_is_not_free(store: Store) -> None:
    """It counts as the most expensive known one, live and in a later process; with none known as nothing."""
    told = [(0.01, None), (None, None), (0.01, 0.03)]
    seen = Seen((CHEAP, STRONG), (1.0, 1.0), "state", "absent", None)
    decisions = [
        a_decision(
            number,
            policy="contextual",
            chosen=STRONG,
            expected_cost_usd=costs,
            decision_cost_usd=Decimal(0),
            seen=seen,
        )
        for number, costs in enumerate(told)
    ]
    assert [spent(one).usd for one in decisions] == [0.01, 0.0, 0.03]
    spending = Spending(TIGHT, store)
    assert spending.state("default").requests == 0
    store.write(Batch([a_prompt(number) for number in range(3)], decisions))
    spending.decided(decisions)
    assert spending.state("default").spent_usd == pytest.approx(0.04)
    assert Spending(TIGHT, store).state("default") == spending.state("default")
    spent_usd = store.rows("spent", {"goal": None, "since": None, "until": None})[0]["expected_usd"]
    assert spent_usd == pytest.approx(0.04)


@pytest.mark.slow
def test_a_budget_that_binds_makes_a_good_answer_count_less(store: Store) -> None:
    """And the dear model rarer; a budget that is wide enough changes nothing."""
    with Router(settings=TIGHT, store=store, simulated=True) as router:
        first = router.decide([{"role": "user", "content": "Name a colour."}]).probabilities
        live(router, 300)
        value = router._decider.spending.value_usd("default")
        last = router.decide([{"role": "user", "content": "Name a colour."}]).probabilities
        assert value < 5.0
        assert last[1] < first[1] - 0.05
    wide = the_settings(budget_usd=1e6)
    assert Spending(wide, store).value_usd("default") == wide.goals["default"].success_value_usd


@pytest.mark.slow
@pytest.mark.parametrize("worth", [0.05, float("inf")])
def test_a_budget_holds_before_anything_is_rated(store: Store, worth: float) -> None:
    """The starting weights alone would spend $0.30 per 1,000; they give way."""
    tight = the_settings(budget_usd=0.15, success_value_usd=worth, exploration=0.02)
    with Router(settings=tight, store=store, simulated=True) as router:
        first = router.decide([{"role": "user", "content": "Name a colour."}]).probabilities
        live(router, 1_000)
    costs = [spent(one).usd for one in store.decisions()]
    assert first == pytest.approx((0.8, 0.2))
    assert 0.1 < 1000 * sum(costs[-600:]) / 600 < 0.2


def test_other_routers_do_not_spend_it(store: Store) -> None:
    """Only what this router draws counts."""
    with Router(settings=TIGHT, store=store, simulated=True, policy="heuristic") as router:
        live(router, 5)
        assert router._decider.spending.state("default") == BudgetState()


def test_a_day_begins_anew(store: Store) -> None:
    """Its spending counts from nothing; the price goes on."""
    daily = the_settings(budget_usd=0.01, budget_per="day", budget_requests=100)
    with Router(settings=daily, store=store, simulated=True) as router:
        live(router, 20)
        spending = router._decider.spending
        before = spending.state("default")
        decision = router.decide([{"role": "user", "content": "Name a colour."}])
        tomorrow = decision.created_at + timedelta(days=1)
        spending.decided([type(decision)(**{**_fields(decision), "created_at": tomorrow})])
        after = spending.state("default")
        assert before.requests == 20
        assert after.requests == 1
        assert after.spent_usd < before.spent_usd
        assert abs(after.price - before.price) < 0.05


def test_a_process_that_begins_late_in_a_busy_day(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Knows all that the day has spent, though it folds the last decisions alone."""
    daily = the_settings(budget_usd=0.01, budget_per="day", budget_requests=100)
    with Router(settings=daily, store=store, simulated=True) as router:
        live(router, 20)
        known = router._decider.spending.state("default")
    monkeypatch.setattr("router_core.routing.spending.MOST", 5)
    late = Spending(daily, store).state("default")
    assert late.requests == known.requests > 5
    assert late.spent_usd == pytest.approx(known.spent_usd, rel=1e-12)


def test_without_a_budget_nothing_is_counted(store: Store) -> None:
    """And a good answer counts what it is worth."""
    none = the_settings()
    assert budget_of(none.goals["default"]) is None
    with Router(settings=none, store=store, simulated=True) as router:
        live(router, 3)
        assert router._decider.spending.state("default") == BudgetState()
        assert router._decider.spending.value_usd("default") == none.goals["default"].success_value_usd


def test_the_limit_is_shared_out() -> None:
    """As the settings say."""
    goal = the_settings(budget_usd=3.0, budget_per="day", budget_requests=600).goals["default"]
    assert budget_of(goal) == Budget(3.0, "day", 600.0)


def _fields(decision: Any) -> dict[str, Any]:
    return {name: getattr(decision, name) for name in decision.__dataclass_fields__}


def test_a_budget_brought_in_counts_at_once_and_what_was_before_is_set_aside(store: Store) -> None:
    """In the process that runs and in the next; undone, the log counts again."""
    other = open_store(":memory:", kind="simulated")
    with Router(settings=TIGHT, store=other, simulated=True) as router:
        live(router, 60)
        theirs = router._decider.spending.state("default")
        export = export_of(other, TIGHT)
    other.close()
    with Router(settings=TIGHT, store=store, simulated=True) as router:
        live(router, 5)
        spending = router._decider.spending
        mine = spending.state("default")
        take_over(store, export)
        assert spending.state("default") == Spending(TIGHT, store).state("default") == theirs
        live(router, 3)
        assert spending.state("default").requests == 63
        assert Spending(TIGHT, store).state("default") == spending.state("default")
        store.undo_learning("default", at=datetime.now(UTC), author="ada")
        assert spending.state("default").requests == 8
        assert spending.state("default").price != mine.price
        assert Spending(TIGHT, store).state("default") == spending.state("default")


def test_a_day_that_was_brought_in_ends(store: Store) -> None:
    """What another machine spent on its day is nothing on the next."""
    daily = the_settings(budget_usd=5.0, budget_per="day", budget_requests=100)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    packed_state = packed(ContextualState(), BudgetState(0.5, 4.0, 4.0, 80))
    learned = Learned({}, {}, yesterday, Provenance.here("simulated", 0), {"default": packed_state})
    take_over_learned(store, learned, ["default"])
    assert Spending(daily, store).state("default").requests == 80
    with Router(settings=daily, store=store, simulated=True) as router:
        live(router, 1)
        state = router._decider.spending.state("default")
    assert state.requests == 1
    assert state.spent_usd < 1.0
    assert state.price > 0.4
