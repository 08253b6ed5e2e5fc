"""What every store must do with an attribution window: the same everywhere that outcomes teach, to the bit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_core.settings import GoalSettings
from router_core.store import open_store
from router_core.store.base import Batch, Store
from router_core.types import Decision, Evidence, OutcomeRecord, Source, TeachingRule
from router_core.views.learning import posterior_through_time
from tests.store_rows import CHEAP, STRONG, a_completion, a_decision, a_prompt, a_request, an_outcome, at, ident

HOUR = timedelta(hours=1)
RULE = TeachingRule(window_s=3600.0)
GOOD = {CHEAP: Evidence(1, 1_000_000)}
WHO: dict[str, Any] = {"at": datetime(2026, 6, 1, tzinfo=UTC), "author": "tester"}


def said(number: int, after: timedelta, reward: float | None = 1.0, source: Source = "thumb") -> OutcomeRecord:
    """An outcome of the first request, so long after its decision."""
    return an_outcome(number, 1, reward, source=source, created_at=at(1) + after)


def teaches(store: Store, *outcomes: OutcomeRecord, rule: TeachingRule = RULE) -> dict[str, Evidence]:
    """What is taught after these outcomes, one batch each; in memory as in the log at every step."""
    assert store.evidence("default", rule) == store.rebuild_evidence("default", rule)
    for outcome in outcomes:
        store.write(Batch(outcomes=[outcome]))
        assert store.evidence("default", rule) == store.rebuild_evidence("default", rule)
    return dict(store.evidence("default", rule))


@pytest.mark.parametrize(
    ("after", "expected"),
    [(HOUR, GOOD), (HOUR + timedelta(microseconds=1), {}), (timedelta(seconds=-5), GOOD), (HOUR * 900, {})],
)
def test_the_end_of_the_window_still_counts(store: Store, after: timedelta, expected: Any) -> None:
    """A microsecond later no longer; before the decision (clocks that differ) counts as at once."""
    a_request(store)
    assert teaches(store, said(1, after)) == expected
    assert store.evidence("default", TeachingRule()) == GOOD


def test_what_came_in_time_can_be_corrected_whenever(store: Store) -> None:
    """Withdrawn, given again and changed by another source, all after the window."""
    a_request(store)
    assert teaches(store, said(1, HOUR / 2, 0.0, "condition"), said(2, HOUR * 30)) == GOOD
    assert teaches(store, said(3, HOUR * 40, None)) == {CHEAP: Evidence(1, 0)}
    assert teaches(store, said(4, HOUR * 50, None, "condition")) == {}
    assert teaches(store, said(5, HOUR * 60, 0.25)) == {CHEAP: Evidence(1, 250_000)}


def test_what_came_too_late_stays_too_late(store: Store) -> None:
    """Neither a correction nor another source makes it count; only a word that was given in time, heard late."""
    a_request(store)
    assert teaches(store, said(1, HOUR * 2), said(2, HOUR * 3, 0.0, "api")) == {}
    assert teaches(store, said(3, HOUR / 2, 0.5, "condition")) == {CHEAP: Evidence(1, 1_000_000)}


def test_a_word_that_says_nothing_is_no_judgement(store: Store) -> None:
    """Unknown in time, a reward too late; likewise a source that does not teach."""
    a_request(store)
    assert teaches(store, said(1, HOUR / 2, None), said(2, HOUR * 2)) == {}
    only = TeachingRule(("thumb",), window_s=3600.0)
    assert teaches(store, said(3, HOUR / 2, 1.0, "condition"), rule=only) == {}


def test_the_earliest_decision_counts(store: Store) -> None:
    """An answer that was decided for twice was decided for when the first router chose it."""
    a_request(store, created_at=at(1) + HOUR)
    assert teaches(store, said(1, HOUR * 2)) == GOOD
    earlier = a_decision(2, prompt_id=ident(1), completion_id=ident(1), created_at=at(1))
    store.write(Batch(decisions=[earlier]))
    assert teaches(store) == {}


def test_a_reset_does_not_make_an_answer_late(store: Store) -> None:
    """First judged in time and before the reset, corrected after it: the correction teaches."""
    a_request(store)
    assert teaches(store, said(1, HOUR / 2, 0.0)) == {CHEAP: Evidence(1, 0)}
    store.reset_learning("default", **WHO)
    assert teaches(store) == {}
    assert teaches(store, said(2, HOUR * 5)) == GOOD


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(("say", "say", "say", "say", "decide", "reset", "undo")),
        st.integers(1, 4),  # which answer
        st.sampled_from(("thumb", "api", "condition")),
        st.sampled_from((None, 0.0, 1 / 3, 1.0)),
        st.integers(-3, 12),  # seconds after the first answer was decided for: in no order
        st.booleans(),  # whether the batch ends here
    ),
    max_size=14,
)
_RULES = (
    TeachingRule(),
    TeachingRule(window_s=4.0),
    TeachingRule(("condition", "api"), window_s=6.0),
    TeachingRule(learn_from="own", window_s=2.000001),
)


@pytest.fixture(scope="module")
def crowded() -> Iterator[tuple[Store, Iterator[int]]]:
    """One store for all examples, and a fresh hundred of ids for each, which is also the name of its goal."""
    opened = open_store(":memory:")
    yield opened, count(100, 100)
    opened.close()


def _told(store: Store, goal: str, rule: TeachingRule) -> dict[str, Evidence]:
    """What the lessons of the contextual router add up to."""
    sums: dict[str, Evidence] = {}
    for lesson in store.lessons(goal, rule, 0, 1_000)[1]:
        if lesson.reward is not None:
            had = sums.get(lesson.arm, Evidence())
            sums[lesson.arm] = Evidence(had.count + 1, had.reward_micro + round(lesson.reward * 1e6))
    return sums


def _through_time(store: Store, goal: str, rule: TeachingRule) -> dict[str, Evidence]:
    """What the steps of the learning page add up to."""
    chosen = GoalSettings(
        teaching_precedence=rule.precedence,
        learn_from=rule.learn_from,
        attribution_hours=None if rule.window_s is None else rule.window_s / 3600,
    )
    steps = posterior_through_time(store, goal, chosen).groupby("arm")[["judged", "good"]].sum()
    return {str(arm): Evidence(int(one.judged), round(one.good * 1e6)) for arm, one in steps.iterrows()}


@settings(deadline=None, derandomize=True, max_examples=60)
@given(steps=_STEPS)
def test_every_place_that_teaches_agrees(
    crowded: tuple[Store, Iterator[int]],
    steps: list[tuple[str, int, Source, float | None, int, bool]],
) -> None:
    """Late, in no order, corrected, decided for twice, reset and undone: kept = the log, the page = kept."""
    store, hundreds = crowded
    base = next(hundreds)
    goal = str(base)

    def check() -> None:
        for rule in _RULES:
            kept = store.evidence(goal, rule)
            assert kept == store.rebuild_evidence(goal, rule)
            if rule.learn_from == "all":  # the two routers do not mean the same by their own
                assert _told(store, goal, rule) == kept
            assert _through_time(store, goal, rule) == kept

    check()
    for number, (policy, run_all) in enumerate(
        (("thompson", False), ("heuristic", False), ("forced", True), ("thompson", True)), start=base + 1
    ):
        arm = (CHEAP, STRONG)[number % 2]
        prompt, answer = a_prompt(number, run_all=run_all, goal=goal), a_completion(number, goal=goal, arm=arm)
        store.write(Batch([prompt], [a_decision(number, goal=goal, policy=policy, chosen=arm)], [answer]))
    outcomes: list[OutcomeRecord] = []
    decisions: list[Decision] = []
    resets = 0
    for place, (kind, answer_, source, reward, second, ends) in enumerate(steps):
        number, when = base + answer_, at(base + second)
        if kind == "say":
            outcomes.append(an_outcome(base + place, number, reward, source=source, created_at=when))
        elif kind == "decide":
            changes = {"prompt_id": ident(number), "completion_id": ident(number), "created_at": when}
            arm = (CHEAP, STRONG)[number % 2]
            decisions.append(a_decision(base + 20 + place, goal=goal, chosen=arm, **changes))
        elif kind == "reset":
            store.reset_learning(goal, **WHO)
            resets += 1
            check()
        elif resets:
            store.undo_learning(goal, **WHO)
            check()
        if ends:
            store.write(Batch(decisions=decisions, outcomes=outcomes))
            outcomes, decisions = [], []
            check()
    store.write(Batch(decisions=decisions, outcomes=outcomes))
    check()
