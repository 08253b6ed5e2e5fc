"""Many threads on one store: nothing is lost, nothing counts twice, and readers never see half of a write."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from router_core.store.base import Batch, Store
from router_core.types import Evidence, OutputTokens
from tests.store_rows import ALL, CHEAP, OWN, a_completion, a_decision, a_prompt, an_outcome, ident

THREADS = 8
EACH = 25


@pytest.fixture
def store(store: Store) -> Store:
    """A fresh one whose evidence is in memory."""
    for rule in (ALL, OWN):
        store.evidence("default", rule)
    return store


def _everything(number: int) -> Batch:
    return Batch([a_prompt(number)], [a_decision(number)], [a_completion(number)], [an_outcome(number, number)])


def test_different_answers(store: Store) -> None:
    """Eight threads write their own requests and outcomes: every one of them counts once."""

    def work(thread: int) -> None:
        for place in range(EACH):
            store.write(_everything(1 + thread * EACH + place))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    total = THREADS * EACH
    for rule in (ALL, OWN):
        assert store.evidence("default", rule) == {CHEAP: Evidence(total, total * 1_000_000)}
        assert store.rebuild_evidence("default", rule) == store.evidence("default", rule)
    assert store.output_tokens("default") == {CHEAP: OutputTokens(total, 20 * total)}
    assert {decision.id for decision in store.decisions()} == {ident(n) for n in range(1, total + 1)}


def test_the_same_answer(store: Store) -> None:
    """Eight threads rate one answer again and again: one outcome counts, the one stored last; all are kept."""
    store.write(Batch([a_prompt()], [a_decision()], [a_completion()]))

    def work(thread: int) -> None:
        for place in range(EACH):
            reward = (0.0, 1.0, None)[(thread + place) % 3]
            store.write(Batch(outcomes=[an_outcome(thread * EACH + place, 1, reward)]))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    history = store.outcome_history(ident(1))
    assert len({record.id for record in history}) == THREADS * EACH
    last = history[-1].reward
    expected = {} if last is None else {CHEAP: Evidence(1, round(last * 1_000_000))}
    assert store.evidence("default", ALL) == expected == store.rebuild_evidence("default", ALL)


def test_the_same_rows(store: Store) -> None:
    """Eight threads store the same requests at the same time: each counts once."""

    def work(thread: int) -> None:
        for number in range(1, EACH + 1):
            store.write(_everything(number))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(EACH, EACH * 1_000_000)}
    assert store.rebuild_evidence("default", ALL) == store.evidence("default", ALL)
    assert store.output_tokens("default") == {CHEAP: OutputTokens(EACH, 20 * EACH)}


def test_readers_see_whole_writes(store: Store) -> None:
    """While four threads write, four read: a prompt is there with its decision, completion and outcome, or not."""
    numbers = range(1, 61)

    def write(first: int) -> int:
        for number in numbers[first::4]:
            store.write(_everything(number))
        return 0

    def read(thread: int) -> int:
        whole = 0
        for number in numbers:
            found = store.comparison(ident(number))
            if found is not None:
                assert (len(found.decisions), len(found.completions), len(found.outcomes)) == (1, 1, 1)
                whole += 1
            seen = store.evidence("default", ALL).get(CHEAP, Evidence())
            assert seen.reward_micro == seen.count * 1_000_000
        return whole

    with ThreadPoolExecutor(8) as pool:
        work = [pool.submit(write, first) for first in range(4)] + [pool.submit(read, n) for n in range(4)]
        found = [done.result() for done in work]
    assert found[:4] == [0] * 4
    assert store.evidence("default", ALL) == {CHEAP: Evidence(60, 60_000_000)}
