"""What every store must count: of each answer one outcome, in memory as in the log."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_core.store import open_store
from router_core.store.base import Batch, Store
from router_core.types import Evidence, OutcomeRecord, OutputTokens, Source, TeachingRule, Usage
from tests.store_rows import (
    ALL,
    CHEAP,
    OWN,
    STRONG,
    a_completion,
    a_decision,
    a_prompt,
    a_request,
    an_outcome,
    ident,
)


def test_a_correction_replaces_and_never_counts_twice(store: Store) -> None:
    """Down, then up: one outcome, a good one, and both records stay in the history."""
    a_request(store)
    store.write(Batch(outcomes=[an_outcome(1, reward=0.0)]))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 0)}
    store.write(Batch(outcomes=[an_outcome(2, reward=1.0)]))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 1_000_000)}
    assert [record.reward for record in store.outcome_history(ident(1))] == [0.0, 1.0]


def test_a_withdrawn_outcome_no_longer_teaches(store: Store) -> None:
    """None takes it back: no evidence, no current outcome, but the history remembers both."""
    a_request(store)
    store.write(Batch(outcomes=[an_outcome(1)]))
    store.write(Batch(outcomes=[an_outcome(2, reward=None)]))
    found = store.comparison(ident(1))
    assert found is not None
    assert found.outcomes == ()
    assert store.evidence("default", ALL) == {} == store.rebuild_evidence("default", ALL)
    assert len(store.outcome_history(ident(1))) == 2


def test_the_last_stored_counts_whatever_its_time_says(store: Store) -> None:
    """Clocks differ between machines; the order of acknowledgement decides."""
    a_request(store)
    store.write(Batch(outcomes=[an_outcome(9, reward=1.0)]))
    store.write(Batch(outcomes=[an_outcome(2, reward=0.0)]))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 0)}


@pytest.mark.parametrize(
    ("precedence", "reward_micro"),
    [(("thumb", "api", "condition"), 0), (("api", "thumb", "condition"), 1_000_000), (("condition",), 250_000)],
)
def test_the_first_source_in_the_precedence_teaches(
    store: Store, precedence: tuple[str, ...], reward_micro: int
) -> None:
    """Three sources judge one answer: one outcome counts, that of the first source named."""
    a_request(store)
    rule = TeachingRule(precedence)  # type: ignore[arg-type]
    store.evidence("default", rule)
    store.write(Batch(outcomes=[an_outcome(1, reward=0.25, source="condition")]))
    store.write(Batch(outcomes=[an_outcome(2, reward=0.0)]))
    store.write(Batch(outcomes=[an_outcome(3, reward=1.0, source="api")]))
    assert store.evidence("default", rule) == {CHEAP: Evidence(1, reward_micro)}
    assert store.rebuild_evidence("default", rule) == {CHEAP: Evidence(1, reward_micro)}


def test_a_withdrawn_thumb_lets_the_next_source_teach(store: Store) -> None:
    """Unknown has no say: the condition's outcome counts again."""
    a_request(store)
    store.write(Batch(outcomes=[an_outcome(1, reward=1.0, source="condition"), an_outcome(2, reward=0.0)]))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 0)}
    store.write(Batch(outcomes=[an_outcome(3, reward=None)]))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 1_000_000)}


def test_a_source_outside_the_precedence_teaches_nothing(store: Store) -> None:
    """A rule that does not name thumbs ignores them, but they are kept."""
    a_request(store)
    store.write(Batch(outcomes=[an_outcome(1)]))
    assert store.evidence("default", TeachingRule(("api",))) == {}
    assert len(store.outcome_history(ident(1))) == 1


@pytest.mark.parametrize(
    ("decision", "run_all", "teaches"),
    [
        ({"policy": "thompson"}, False, True),
        ({"policy": "heuristic"}, False, False),
        ({"policy": "classifier"}, False, False),
        ({"policy": "forced", "origin": "forced"}, False, False),
        ({"policy": "fallback", "origin": "fallback"}, False, False),
        ({"policy": "thompson", "origin": "fallback"}, False, False),
        ({"policy": "heuristic"}, True, True),
        ({"policy": "forced", "origin": "forced"}, True, True),
    ],
)
def test_learn_from_own(store: Store, decision: dict[str, Any], run_all: bool, teaches: bool) -> None:
    """ "own" keeps what Thompson sampling drew and what every model answered; "all" keeps everything."""
    a_request(store, run_all=run_all, **decision)
    store.evidence("default", OWN)
    store.write(Batch(outcomes=[an_outcome(1)]))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 1_000_000)}
    assert store.evidence("default", OWN) == ({CHEAP: Evidence(1, 1_000_000)} if teaches else {})
    assert store.rebuild_evidence("default", OWN) == store.evidence("default", OWN)


def test_an_answer_that_thompson_shared_with_the_rules_is_its_own(store: Store) -> None:
    """One answer chosen by three routers counts once, in either rule, because Thompson sampling drew it too."""
    named = ("heuristic", "classifier", "thompson")
    shared = {"prompt_id": ident(1), "completion_id": ident(1)}
    decisions = [a_decision(number, policy=policy, **shared) for number, policy in enumerate(named, start=1)]
    store.write(Batch([a_prompt()], decisions, [a_completion()], [an_outcome(1)]))
    for rule in (ALL, OWN):
        assert store.evidence("default", rule) == {CHEAP: Evidence(1, 1_000_000)}
    found = store.comparison(ident(1))
    assert found is not None
    assert (len(found.decisions), len(found.completions), len(found.outcomes)) == (3, 1, 1)


def test_a_decision_that_comes_later_can_make_an_answer_thompsons_own(store: Store) -> None:
    """The kept evidence moves when a decision names an answer that was judged before."""
    a_request(store, policy="heuristic")
    store.write(Batch(outcomes=[an_outcome(1)]))
    assert store.evidence("default", OWN) == {}
    store.write(Batch(decisions=[a_decision(2, prompt_id=ident(1), completion_id=ident(1))]))
    assert store.evidence("default", OWN) == {CHEAP: Evidence(1, 1_000_000)}


def test_an_outcome_may_come_before_its_completion(store: Store) -> None:
    """A decision that names the answer is enough, in the store or in the same batch."""
    store.write(Batch([a_prompt()], [a_decision()], outcomes=[an_outcome(1)]))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 1_000_000)}
    store.write(Batch(completions=[a_completion()]))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 1_000_000)}


def test_goals_and_arms_are_told_apart(store: Store) -> None:
    """Evidence is kept per goal and per arm; partial rewards add up as whole millionths."""
    a_request(store, 1)
    a_request(store, 2, chosen=STRONG)
    a_request(store, 3, goal="other")
    a_request(store, 4)
    rewards = {1: 0.1, 2: 1.0, 3: 0.5, 4: 0.2}
    store.write(Batch(outcomes=[an_outcome(n, n, reward) for n, reward in rewards.items()]))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(2, 300_000), STRONG: Evidence(1, 1_000_000)}
    assert store.evidence("other", ALL) == {CHEAP: Evidence(1, 500_000)}
    assert store.evidence("nobody", ALL) == {}


_RECORDS = st.lists(
    st.tuples(
        st.integers(1, 4),  # which completion
        st.sampled_from(("thumb", "api", "condition")),
        st.sampled_from((None, 0.0, 0.1, 1 / 3, 1.0)),
        st.booleans(),  # whether the batch ends here
    ),
    max_size=12,
)
_TRAFFIC = (("thompson", False), ("heuristic", False), ("forced", True), ("thompson", True))
_RULES = (ALL, OWN, TeachingRule(("condition", "api")))
_examples = settings(deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def crowded() -> Iterator[tuple[Store, Iterator[int]]]:
    """One store for all examples, and a fresh hundred of ids for each, which is also the name of its goal."""
    opened = open_store(":memory:")
    yield opened, count(100, 100)
    opened.close()


@settings(_examples, max_examples=30)
@given(drawn=_RECORDS)
def test_kept_evidence_is_the_log_folded(
    crowded: tuple[Store, Iterator[int]], drawn: list[tuple[int, Source, float | None, bool]]
) -> None:
    """Whatever was said, changed, withdrawn and repeated: the kept evidence equals that of the log to the bit."""
    store, hundreds = crowded
    base = next(hundreds)
    goal = str(base)

    def check() -> None:
        for rule in _RULES:
            assert store.evidence(goal, rule) == store.rebuild_evidence(goal, rule)

    check()
    for number, (policy, run_all) in enumerate(_TRAFFIC, start=base + 1):
        a_request(store, number, run_all=run_all, goal=goal, policy=policy, chosen=(CHEAP, STRONG)[number % 2])
    waiting: list[OutcomeRecord] = []
    for place, (completion, source, reward, ends) in enumerate(drawn):
        waiting.append(an_outcome(base + place, base + completion, reward, source=source))
        if ends:
            store.write(Batch(outcomes=waiting))
            waiting = waiting[-1:]  # sent once more with the next batch
            check()
    store.write(Batch(outcomes=waiting))
    check()


@settings(_examples, max_examples=10)
@given(order=st.permutations(range(8)), rewards=st.lists(st.floats(0, 1), min_size=8, max_size=8))
def test_evidence_does_not_depend_on_the_order_of_first_words(
    crowded: tuple[Store, Iterator[int]], order: list[int], rewards: list[float]
) -> None:
    """Eight answers judged once each, in any order: the sum of their rewards in whole millionths."""
    store, hundreds = crowded
    base = next(hundreds)
    goal = str(base)
    store.write(Batch(decisions=[a_decision(base + n, goal=goal) for n in range(8)]))
    for number in order:
        store.write(Batch(outcomes=[an_outcome(base + number, base + number, rewards[number])]))
    expected = {CHEAP: Evidence(8, sum(round(reward * 1_000_000) for reward in rewards))}
    assert store.evidence(goal, ALL) == expected


def test_output_tokens_count_complete_answers_only(store: Store) -> None:
    """Stopped, failed and uncounted answers say nothing about a model's usual length."""
    store.write(
        Batch(
            completions=[
                a_completion(1, usage=Usage(1, 20)),
                a_completion(2, usage=Usage(1, 30), finish_reason="length"),
                a_completion(3, usage=Usage(1, 500), finish_reason="stopped"),
                a_completion(4, usage=Usage(1, 500), error="broke off"),
                a_completion(5, usage=None),
                a_completion(6, usage=Usage(1, 7), arm=STRONG),
                a_completion(7, usage=Usage(1, 9), goal="other"),
            ]
        )
    )
    assert store.output_tokens("default") == {CHEAP: OutputTokens(2, 50), STRONG: OutputTokens(1, 7)}
    assert store.output_tokens("other") == {CHEAP: OutputTokens(1, 9)}
    assert store.output_tokens("nobody") == {}
