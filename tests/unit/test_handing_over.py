"""Decisions that somebody else carries out: logged once, reported on, counted as what is known of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from router_core.errors import ArgumentError, UnknownRequestError
from router_core.evaluation.from_log.traffic import read_traffic
from router_core.money.known import spent_on
from router_core.store.base import Search, Store
from router_core.types import Outcome, Posterior, Usage
from router_core.views.filters import View
from tests.unit.routing import HELLO, ONLY, STRONG, Make, asked, last

REPORT: dict[str, Any] = {"cost_usd": 0.002, "input_tokens": 30, "output_tokens": 12, "latency_ms": 850.0}
EVER = View(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def test_a_decision_is_logged_and_reported(make_router: Make, store: Store) -> None:
    """It is in the log with its propensity; the report brings its answer with what it took, and teaches."""
    router = make_router()
    decision = router.decide(HELLO, log=True, task_type="label")
    (stored,) = last(store).decisions
    assert (stored.id, stored.chosen, stored.propensity) == (decision.id, decision.chosen, decision.propensity)
    assert (stored.origin, stored.policy) == ("library", "thompson")
    assert last(store).completions == ()
    assert last(store).prompt.task_type == "label"
    router.report_outcome(decision.id, Outcome.SUCCESS, text="It is spam.", **REPORT)
    (answer,) = last(store).completions
    assert (answer.id, answer.arm, answer.model) == (decision.id, decision.chosen, decision.chosen)
    assert (answer.usage, answer.cost_usd) == (Usage(30, 12), Decimal("0.002"))
    assert (answer.total_ms, answer.text, answer.error) == (850.0, "It is spam.", None)
    assert router.posteriors()[decision.chosen] == Posterior(2, 1, 1)
    assert store.output_tokens("default")[decision.chosen].total == 12
    assert store.rebuild_evidence("default", router._goal.teaching_rule()) == store.evidence(
        "default", router._goal.teaching_rule()
    )


def test_what_is_not_reported_is_unknown(make_router: Make, store: Store) -> None:
    """Cost, tokens and time are missing, and sums say so; tokens alone are charged at the model's price."""
    router = make_router(ONLY)
    bare = router.decide(HELLO, log=True)
    router.report_outcome(bare.id, 0.0)
    (answer,) = last(store).completions
    assert (answer.cost_usd, answer.usage, answer.total_ms, answer.text) == (None, None, None, None)
    assert spent_on(last(store)) == (Decimal(0), 1)
    counted = router.decide(HELLO, log=True)
    router.report_outcome(counted.id, None, input_tokens=1_000_000, output_tokens=1_000_000)
    (answer,) = last(store).completions
    assert answer.cost_usd == Decimal("0.75")  # gpt-4o-mini: 0.15 and 0.60 per million
    assert answer.price is not None
    calls = store.rows("calls", EVER.parameters())
    assert sum(row["calls"] for row in calls) == 2
    assert sum(row["unknown"] for row in calls) == 1
    assert sum(row["cost_usd"] for row in calls) == 0.75
    assert store.rows("latency", EVER.parameters(every=1))[0]["total_ms"] in (None, [None, None])
    rows = [row for block in store.log(Search()) for row in block.to_pylist()]
    assert {row["total_ms"] for row in rows} == {None}


def test_a_decision_that_nobody_reported_on_is_no_call(make_router: Make, store: Store) -> None:
    """It may never have been carried out: nothing is spent."""
    make_router().decide(HELLO, log=True)
    assert store.rows("calls", EVER.parameters()) == []
    assert sum(row["requests"] for row in store.rows("split", EVER.parameters())) == 1


def test_reports_are_kept_once(make_router: Make, store: Store) -> None:
    """The same report again changes nothing but the outcome; other figures are refused, the first ones stay."""
    router = make_router()
    decision = router.decide(HELLO, log=True)
    router.report_outcome(decision.id, 1.0, text="yes", **REPORT)
    router.report_outcome(decision.id, 0.0, text="yes", **REPORT)
    router.report_outcome(decision.id, 0.5)
    make_router().report_outcome(decision.id, 0.25, cost_usd=0.002)
    with pytest.raises(ArgumentError, match=r"was reported before, with other figures or none, and those stay"):
        router.report_outcome(decision.id, 1.0, cost_usd=0.003)
    (answer,) = last(store).completions
    assert answer.cost_usd == Decimal("0.002")
    assert [one.reward for one in store.outcome_history(decision.id)] == [1.0, 0.0, 0.5, 0.25]
    assert router.posteriors()[decision.chosen].observations == 1
    late = router.decide(HELLO, log=True)
    router.report_outcome(late.id, 1.0)
    with pytest.raises(ArgumentError, match=r"with the first report on it$"):
        router.report_outcome(late.id, 1.0, **REPORT)


def test_a_request_that_is_repeated_is_logged_once(make_router: Make, store: Store) -> None:
    """With an id of its own, also from eight threads at once and after learning; another prompt is refused."""
    router, id_ = make_router(), str(uuid4())
    with ThreadPoolExecutor(8) as threads:
        given = list(threads.map(lambda _: router.decide(HELLO, log=True, decision_id=id_), range(24)))
    assert {one.chosen for one in given} == {last(store).decisions[0].chosen}
    assert len(store.recent_prompts(10)) == len(last(store).decisions) == 1
    for _ in range(30):
        other = router.decide(HELLO, log=True)
        router.report_outcome(other.id, other.chosen == STRONG)
    assert make_router().decide(HELLO, log=True, decision_id=id_.upper()).probabilities == given[0].probabilities
    with pytest.raises(ArgumentError, match=r"^decision_id .* was logged for another request; give a new one$"):
        router.decide([{"role": "user", "content": "other"}], log=True, decision_id=id_)


def test_the_draw_is_that_of_an_unlogged_decision(make_router: Make) -> None:
    """The same id on the same state draws the same model, logged or not."""
    for _ in range(10):
        id_ = str(uuid4())
        router = make_router()
        assert (
            router.decide(HELLO, decision_id=id_).chosen == router.decide(HELLO, log=True, decision_id=id_).chosen
        )


def test_ids_that_cannot_be_reported_on(make_router: Make, store: Store) -> None:
    """A sentence says what to do: with a decision that was not logged, figures of a call made here, a wrong id."""
    router = make_router()
    unlogged = router.decide(HELLO)
    for id_ in (unlogged.id, unlogged.completion_id, "nonsense"):
        with pytest.raises(
            UnknownRequestError, match=r"or the id of a decision that decide\(\.\.\., log=True\) stored"
        ):
            router.report_outcome(id_, 1.0)
        with pytest.raises(ArgumentError, match=r"^The router has no decision .* that somebody else carries out"):
            router.report_outcome(id_, 1.0, cost_usd=1)
    called = asked(router)
    for one in (router, make_router()):
        with pytest.raises(ArgumentError, match=r"report the outcome alone, or the id of decide"):
            one.report_outcome(called, 1.0, **REPORT)
    with pytest.raises(ArgumentError, match=r"^decision_id is 'mine', which is no id of the log; give a UUID"):
        router.decide(HELLO, log=True, decision_id="mine")
    with pytest.raises(ArgumentError, match=r"^metadata is stored with a decision, and this one is not"):
        router.decide(HELLO, metadata={"user": "1"})


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({"cost_usd": -1}, r"^cost_usd is '-1'; give a number from 0 to 1,000,000, or None$"),
        ({"cost_usd": float("nan")}, r"^cost_usd is 'nan'; give a number"),
        ({"cost_usd": True}, r"^cost_usd is 'True'; give a number"),
        ({"input_tokens": 1.5, "output_tokens": 1}, r"^input_tokens is '1.5'; give a whole number"),
        ({"input_tokens": 5}, r"^Only one of input_tokens and output_tokens is given; give both, or neither$"),
        ({"latency_ms": "1 s"}, r"^latency_ms is '1 s'; give a number"),
        ({"text": 5}, r"^text is '5'; give a text$"),
        ({"error": "\ud800"}, r"^error is .*; give a text$"),
    ],
)
def test_figures_that_cannot_be_ones(make_router: Make, store: Store, figures: dict[str, Any], said: str) -> None:
    """Named, and nothing is stored."""
    router = make_router()
    decision = router.decide(HELLO, log=True)
    with pytest.raises(ArgumentError, match=said):
        router.report_outcome(decision.id, 1.0, **figures)
    assert (last(store).completions, last(store).outcomes) == ((), ())


def test_a_call_that_failed_elsewhere(make_router: Make, store: Store) -> None:
    """Its error is kept; its cost is what was reported, else unknown; its length teaches nothing."""
    router = make_router()
    decision = router.decide(HELLO, log=True)
    router.report_outcome(decision.id, Outcome.FAILURE, error="503 from the gateway")
    (answer,) = last(store).completions
    assert (answer.error, answer.cost_usd, answer.finish_reason) == ("503 from the gateway", None, None)
    assert store.output_tokens("default") == {}


def test_privacy_and_conditions(make_router: Make, store: Store) -> None:
    """The text is judged by the goal's condition, and kept only where texts are."""
    router = make_router(settings={"privacy": {"keep_texts": "hash"}}, success_when="'spam' in content")
    decision = router.decide(HELLO, log=True)
    router.report_outcome(decision.id, None, text="spam", **REPORT)
    router.report_outcome(decision.id, None, text="spam", **REPORT)
    assert last(store).completions[0].text is None
    assert [(one.source, one.reward) for one in last(store).outcomes] == [("condition", 1.0)]


def test_it_serves_to_judge_other_policies(make_router: Make, store: Store) -> None:
    """Logged decisions are rows of off-policy use, with propensity, reward and cost."""
    router = make_router()
    for number in range(20):
        decision = router.decide([{"role": "user", "content": f"{number}"}], log=True)
        router.report_outcome(decision.id, decision.chosen == STRONG, **REPORT)
    log = read_traffic(store, router._settings, "default").log
    assert len(log) == 20
    assert (log.reward == (log.action == 1)).all()
    assert (log.cost_usd == 0.002).all()
    assert (log.probabilities.sum(axis=1) == 1).all()


def test_in_a_session(make_router: Make, store: Store) -> None:
    """A logged decision keeps a session on its model, as a request does, and is still reported under its id."""
    router = make_router()
    first = router.decide(HELLO, log=True, session="s", metadata={"user": "7"})
    again = make_router().decide(HELLO, log=True, session="s")
    assert (again.chosen, again.origin, again.id) == (first.chosen, "continued", again.completion_id)
    router.report_outcome(again.id, 1.0, **REPORT)
    assert last(store).completions[0].cost_usd == Decimal("0.002")
    assert dict(last(store).prompt.metadata) == {"session": "s"}
