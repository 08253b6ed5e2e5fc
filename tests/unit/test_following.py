"""Decisions while many rate: none waits for the fold, how far each is behind is bounded and logged with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from threading import Event, Thread
from threading import enumerate as threads
from typing import Any

import pytest

from router_core.routing.following import MOST_BEHIND, MOST_BEHIND_S
from router_core.serving.library import Router
from router_core.settings import Settings
from router_core.store import open_store
from router_core.store.arrivals import RECENT_S, Arrivals
from router_core.store.base import Lesson, Store
from router_core.types import TeachingRule
from router_core.validation import validated
from tests.servers import wait_for

LONG = 120.0
ASKED = [{"role": "user", "content": "Explain why the theorem fails."}]
GOALS = ("default", "other")


@pytest.fixture
def store() -> Iterator[Store]:
    """In memory."""
    opened = open_store(":memory:", kind="simulated")
    yield opened
    opened.close()


@pytest.fixture
def clock(store: Store) -> list[float]:
    """The time in seconds that the store goes by; it stands still unless it is changed."""
    now = [1000.0]
    store.arrivals._clock = lambda: now[0]
    return now


def a_router(store: Store, goal: str = "default") -> Router:
    """Contextual, without a classifier."""
    document = {
        "goals": {goal: {"router": "contextual"} for goal in GOALS},
        "contextual": {"ask_classifier": "never", "gain_every": 0},
        "simulation": {"latency_scale": 0},
    }
    return Router(settings=validated(Settings, document), store=store, simulated=True, goal_id=goal)


def requests(router: Router, count: int) -> list[str]:
    """So many answers that nobody has rated."""
    return [str(router.completion(ASKED, return_request_id=True)[1]) for _ in range(count)]  # type: ignore[index]


def elsewhere(action: Callable[[], object]) -> Thread:
    """In another thread."""
    thread = Thread(target=action, daemon=True)
    thread.start()
    return thread


def rated_elsewhere(router: Router, ids: list[str]) -> None:
    """By another thread, one after the other."""
    thread = elsewhere(lambda: [router.report_outcome(one, 1.0) for one in ids])
    thread.join(LONG)
    assert not thread.is_alive()


def rating(router: Router, ids: list[str], threads: int) -> list[Thread]:
    """So many threads that share the answers."""

    def rate(part: list[str]) -> None:
        for one in part:
            router.report_outcome(one, 1.0)

    return [elsewhere(partial(rate, ids[place::threads])) for place in range(threads)]


class Gate:
    """Keeps whoever folds a goal waiting while it is shut."""

    def __init__(self, store: Store, goal: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open, self.reached = Event(), Event()
        read = store.lessons

        def lessons(of: str, rule: TeachingRule, after: int, limit: int) -> tuple[int, list[Lesson]]:
            if of == goal:
                self.reached.set()
                assert self.open.wait(LONG)
            return read(of, rule, after, limit)

        monkeypatch.setattr(store, "lessons", lessons)


def outcomes(router: Router) -> int:
    """How many the decided state knows of, when a decision waits for nothing."""
    return router._decider.memory.standing("default").outcomes


def test_a_decision_beside_others_takes_the_last_finished_state(
    store: Store, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a fold is under way the decision is the one of before, to the bit; its row says how far it is behind.
    Later the state has caught up.
    """  # fmt: skip
    with a_router(store) as router:
        ids = requests(router, 20)
        for one in ids[:10]:
            router.report_outcome(one, 0.0)
        before = router.decide(ASKED, decision_id="1")
        gate = Gate(store, "default", monkeypatch)
        rated_elsewhere(router, ids[10:15])
        assert gate.reached.wait(LONG)
        clock[0] += 0.1
        beside = router.decide(ASKED, decision_id="1")
        assert before.seen is not None
        assert beside.seen is not None
        assert (beside.probabilities, beside.chosen) == (before.probabilities, before.chosen)
        assert beside.seen.upto == before.seen.upto == store.mark[1] - 5
        assert (before.seen.outcomes_behind, before.seen.behind_ms) == (0, 0.0)
        assert (beside.seen.outcomes_behind, round(beside.seen.behind_ms)) == (5, 100)
        (request_id,) = requests(router, 1)
        gate.open.set()
        assert wait_for(lambda: outcomes(router) == 15, LONG)
        after = router.decide(ASKED, decision_id="1")
        assert after.seen is not None
        assert (after.seen.upto, after.seen.outcomes_behind) == (store.mark[1], 0)
        assert after.probabilities != before.probabilities
        assert noted(store, request_id) == (before.seen.upto, 5, 100)


def noted(store: Any, request_id: str) -> tuple[int, int, int]:
    """What the row of the decision that led to this answer says."""
    with store.file.cursor() as cursor:
        found = cursor.execute(
            "SELECT upto, outcomes_behind, round(behind_ms)::INTEGER FROM seen JOIN decision USING (id)"
            " WHERE completion_id = ?",
            [request_id],
        ).fetchall()
    (row,) = found
    return (int(row[0]), int(row[1]), int(row[2]))


def test_alone_the_next_decision_knows(store: Store, clock: list[float]) -> None:
    """One thread that rates and asks in turn; one that asks after another has rated."""
    with a_router(store) as router:
        ids = requests(router, 12)
        for number, one in enumerate(ids[:10], start=1):
            router.report_outcome(one, 1.0)
            assert outcomes(router) == number
        rated_elsewhere(router, [ids[10]])
        assert outcomes(router) == 11
        clock[0] += 2 * RECENT_S
        rated_elsewhere(router, [ids[11]])
        assert outcomes(router) == 12


def test_folding_one_goal_never_blocks_another(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its outcomes are stored, and known to the decisions after them."""
    with a_router(store) as router, a_router(store, "other") as other:
        ids = requests(other, 4)
        router.report_outcome(requests(router, 1)[0], 1.0)
        other.report_outcome(ids.pop(), 1.0)
        for goal in GOALS:
            router._decider.memory.state(goal)
        router.report_outcome(requests(router, 1)[0], 1.0)
        gate = Gate(store, "default", monkeypatch)
        waiting = elsewhere(lambda: router._decider.memory.state("default"))
        assert gate.reached.wait(LONG)
        memory = router._decider.memory
        found: list[int] = []

        def decide() -> None:
            for one in ids:
                other.report_outcome(one, 1.0)
                found.append(memory.state("other").outcomes)

        thread = elsewhere(decide)
        thread.join(LONG)
        assert found == [2, 3, 4]
        assert waiting.is_alive()
        gate.open.set()
        waiting.join(LONG)
        assert memory.state("default").outcomes == 2


def test_who_rates_waits_where_the_fold_cannot_keep_up(
    store: Store, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the state that decides lacks at most a hundred outcomes however long its fold takes; nothing is lost."""
    with a_router(store) as router:
        ids = requests(router, 400)
        router.decide(ASKED)
        gate = Gate(store, "default", monkeypatch)
        raters = rating(router, ids, 40)
        assert gate.reached.wait(LONG)
        assert wait_for(lambda: store.mark[1] > 25, LONG)
        clock[0] += 2 * MOST_BEHIND_S
        for _ in range(50):
            seen = router.decide(ASKED).seen
            assert seen is not None
            assert seen.upto == 0
            assert 25 < seen.outcomes_behind <= MOST_BEHIND
            assert seen.behind_ms >= 1000 * MOST_BEHIND_S
        gate.open.set()
        for rater in raters:
            rater.join(LONG)
        assert not any(rater.is_alive() for rater in raters)
        assert router._decider.memory.state("default").outcomes == 400


def test_closing_waits_for_nobody_who_folds(store: Store) -> None:
    """A router that is closed while others rate leaves no thread behind, and no rater waiting."""
    router = a_router(store)
    ids = requests(router, 100)
    router.decide(ASKED)
    raters = rating(router, ids, 4)
    router.close()
    for rater in raters:
        rater.join(LONG)
    assert not any(rater.is_alive() for rater in raters)
    assert not any(thread.name == "contextual fold" for thread in threads())


def test_how_far_behind() -> None:
    """Counted in outcomes, and in seconds since the first that is missing was stored."""
    now = [10.0]
    arrivals = Arrivals(lambda: now[0])
    for last, at in ((3, 11.0), (4, 12.0), (9, 14.0)):
        now[0] = at
        arrivals.committed(last)
    now[0] = 15.0
    assert arrivals.behind(9, 9) == (0, 0.0)
    assert arrivals.behind(8, 9) == (1, 1.0)
    assert arrivals.behind(4, 9) == (5, 1.0)
    assert arrivals.behind(3, 9) == (6, 3.0)
    assert arrivals.behind(0, 9) == (9, 4.0)
