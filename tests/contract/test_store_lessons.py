"""What the contextual router learns from: the whole log asked at once says what its answers say one by one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from router_core.store import open_store
from router_core.store.base import Batch, Lesson, Search, Store
from router_core.types import OutcomeRecord, Seen, Source, TeachingRule
from tests.store_rows import CHEAP, STRONG, a_completion, a_decision, a_prompt, an_outcome, at, ident

WHO: dict[str, Any] = {"at": datetime(2026, 6, 1, tzinfo=UTC), "author": "tester"}
RULES = (
    TeachingRule(window_s=4.0),
    TeachingRule(("condition", "api"), window_s=6.0),
    TeachingRule(learn_from="own"),
)
EVERYTHING = -1
"""As the place to go on from: every answer was touched since, so each is looked at by itself."""

_MADE = st.lists(
    st.tuples(
        st.sampled_from(("contextual", "contextual", "thompson", "heuristic", "forced")),
        st.sampled_from((CHEAP, STRONG)),
        st.booleans(),  # whether every model answered
        st.sampled_from(
            (None, None, (CHEAP, STRONG), (STRONG, CHEAP), (STRONG,))
        ),  # models whose features are there
        st.booleans(),  # whether another goal's prompt
        st.sampled_from(("library", "library", "library", "forced", "fallback")),
    ),
    min_size=2,
    max_size=4,
)
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ("say",) * 12 + ("decide", "see", "see", "reset", "snapshot", "restore", "undo", "strip", "erase")
        ),
        st.integers(0, 3),  # which answer
        st.sampled_from(("thumb", "api", "condition")),
        st.sampled_from((None, 0.0, 1 / 3, 1.0)),
        st.integers(-3, 12),  # seconds after the first answer was decided for: in no order
    ),
    min_size=10,
    max_size=30,
)


@pytest.fixture(scope="module")
def crowded() -> Iterator[tuple[Store, Iterator[int]]]:
    """One store for all examples, and a fresh hundred of ids for each, which is also the name of its goal."""
    opened = open_store(":memory:")
    yield opened, count(100, 100)
    opened.close()


def plain(lessons: list[Lesson]) -> list[tuple[Any, ...]]:
    """As values that can be compared."""
    return [
        (one.place, one.arm, one.reward, None if one.features is None else one.features.tolist(), one.context)
        for one in lessons
    ]


def seen_by(number: int, arms: tuple[str, ...]) -> Seen:
    """Three numbers of each model, which tell decision and model."""
    numbers = [number + place / 7 for place in range(3 * len(arms))]
    return Seen(arms, tuple(numbers), "0 -", "absent", None)


@settings(deadline=None, derandomize=True, max_examples=25)
@example(
    [("contextual", STRONG, False, (CHEAP, STRONG), False, "library")],
    [
        ("see", 0, "thumb", None, 1),
        ("say", 0, "thumb", 1.0, 2),
        ("say", 0, "api", 0.0, 3),
        ("see", 0, "thumb", None, 4),
    ],
)  # what was seen last counts
@example(
    [("thompson", CHEAP, False, None, False, "library")],
    [("decide", 0, "thumb", None, -3), ("say", 0, "thumb", 1.0, 3)],
)  # decided for earlier than was known, so judged too late
@example(
    [("thompson", CHEAP, True, None, False, "library")] * 4,
    [
        ("say", 0, "api", 1.0, 1),
        ("snapshot", 0, "thumb", None, 0),
        ("say", 1, "api", 1.0, 1),
        ("restore", 0, "thumb", None, 0),
        ("say", 2, "api", 1.0, 1),
    ],
)  # what was said between a snapshot and its restoring does not count
@given(made=_MADE, steps=_STEPS)
def test_the_whole_log_says_what_its_answers_say(
    crowded: tuple[Store, Iterator[int]],
    made: list[tuple[Any, str, bool, tuple[str, ...] | None, bool, Any]],
    steps: list[tuple[str, int, Source, float | None, int]],
) -> None:
    """Corrected, withdrawn, late, several sources, decided for or seen again, reset, undone, stripped, deleted."""
    store, hundreds = crowded
    base = next(hundreds)
    goals = (str(base), f"{base} beside")
    for number, (policy, arm, run_all, arms, beside, origin) in enumerate(made, start=base):
        goal = goals[beside]
        changes: dict[str, Any] = {"goal": goal, "policy": policy, "chosen": arm, "origin": origin}
        changes["seen"] = None if arms is None else seen_by(number, arms)
        prompt, answer = a_prompt(number, run_all=run_all, goal=goal), a_completion(number, goal=goal, arm=arm)
        store.write(Batch([prompt], [a_decision(number, **changes)], [answer]))
    for place, (kind, which, source, reward, second) in enumerate(steps):
        which %= len(made)
        number, when = base + which, at(base) + timedelta(seconds=second)
        goal, arm = goals[made[which][4]], made[which][1]
        again: dict[str, Any] = {"prompt_id": ident(number), "created_at": when, "goal": goal, "chosen": arm}
        outcomes: list[OutcomeRecord] = []
        if kind == "say" and store.comparison(ident(number)) is not None:
            outcomes.append(an_outcome(base + place, number, reward, source=source, created_at=when))
            store.write(Batch(outcomes=outcomes))
        elif kind == "decide":
            store.write(Batch(decisions=[a_decision(base + 20 + place, completion_id=ident(number), **again)]))
        elif kind == "see":
            again |= {"policy": "contextual", "seen": seen_by(base + 20 + place, (CHEAP, STRONG))}
            store.write(Batch(decisions=[a_decision(base + 20 + place, **again)]))
        elif kind == "reset":
            store.reset_learning(goals[0], **WHO)
        elif kind == "snapshot":
            store.snapshot_learning(goals[0], **WHO)
        elif kind == "restore" and (named := store.snapshots(goals[0])):
            store.restore_learning(goals[0], named[-1].seq, **WHO)
        elif kind == "undo" and store.learning_events(goals[0]):
            store.undo_learning(goals[0], store.learning_events(goals[0])[-1].seq, **WHO)
        elif kind in ("strip", "erase"):
            (store.strip if kind == "strip" else store.erase)(Search(ids=(ident(number),)))
    for goal in goals:
        for rule in RULES:
            last, together = store.lessons(goal, rule, 0, 1_000)
            singly = store.lessons(goal, rule, EVERYTHING, 1_000)
            assert (last, plain(together)) == (singly[0], plain(singly[1]))
            assert all(one.features is None or one.features.dtype == np.float64 for one in together)
        assert plain(store.lessons(goal, rule, 0, 2)[1]) == plain(together)[-2:]
