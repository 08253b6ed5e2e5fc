"""Ratings that wait, come late or never come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_core.errors import SettingsError
from router_core.learning_view import pending_now
from router_core.pending import Awaited, Pending, pending, standing, teaches
from router_core.settings import GoalSettings
from router_core.store import open_store
from router_core.store.base import Batch
from tests.store_rows import CHEAP, STRONG, a_completion, a_decision, a_prompt, an_outcome, at, ident

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("after", "window", "expected"),
    [
        (timedelta(hours=1), DAY, True),
        (DAY, DAY, True),
        (DAY + timedelta(microseconds=1), DAY, False),
        (timedelta(days=400), None, True),
        (timedelta(0), timedelta(0), True),
        (timedelta(seconds=-5), timedelta(0), True),  # clocks that differ
    ],
)
def test_what_comes_too_late_does_not_teach(after: timedelta, window: timedelta | None, expected: bool) -> None:
    """The end of the window still counts; without a window everything does."""
    assert teaches(NOON, NOON + after, window) is expected


def test_a_negative_window() -> None:
    """Is refused with the value and what is allowed."""
    with pytest.raises(SettingsError, match=r"attribution window is -1 day, 0:00:00; give a time of at least 0"):
        teaches(NOON, NOON, -DAY)


@pytest.mark.parametrize(
    ("judged", "now", "expected"),
    [
        (None, timedelta(hours=2), "waiting"),
        (None, DAY, "waiting"),
        (None, DAY * 2, "missing"),
        (timedelta(hours=1), timedelta(hours=2), "rated"),
        (timedelta(hours=1), DAY * 9, "rated"),
        (DAY * 2, DAY * 3, "late"),
        (timedelta(hours=3), timedelta(hours=2), "waiting"),
        (DAY * 3, DAY * 2, "missing"),
    ],
)
def test_the_standing_of_one_answer(judged: timedelta | None, now: timedelta, expected: str) -> None:
    """As of any moment: what is judged later has not been judged yet."""
    answer = Awaited("m", NOON, None if judged is None else NOON + judged)
    assert standing(answer, NOON + now, DAY) == expected


def test_counts_per_arm() -> None:
    """Every answer is counted once, in its arm."""
    answers = [
        Awaited("b", NOON, NOON + timedelta(hours=1)),
        Awaited("a", NOON, None),
        Awaited("b", NOON, NOON + DAY * 2),
        Awaited("b", NOON + DAY * 3, None),
        Awaited("a", NOON + DAY * 3, NOON + DAY * 3),
    ]
    counted = pending(answers, NOON + DAY * 3, DAY)
    assert list(counted) == ["b", "a"]
    assert counted == {"b": Pending(rated=1, late=1, waiting=1), "a": Pending(rated=1, missing=1)}


def test_without_a_window_an_answer_waits_for_ever() -> None:
    """Nothing is missing and nothing is late."""
    answers = [Awaited("m", NOON, None), Awaited("m", NOON, NOON + DAY * 300)]
    assert pending(answers, NOON + DAY * 999, None) == {"m": Pending(rated=1, waiting=1)}


_ANSWERS = st.lists(
    st.tuples(
        st.sampled_from((CHEAP, STRONG)),
        st.integers(0, 20),  # decided, in seconds
        st.booleans(),  # decided for a second time, a second earlier
        st.lists(st.tuples(st.integers(-1, 25), st.sampled_from((None, 0.0, 1.0))), max_size=3),  # (after, reward)
    ),
    max_size=8,
)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(drawn=_ANSWERS, now=st.integers(0, 40), window=st.sampled_from((None, 1.0, 5.0, 12.000001)))
def test_the_store_counts_the_same(drawn: list[Any], now: int, window: float | None) -> None:
    """The question "pending" is this module's function, whatever was said when, of the sources that teach."""
    goal = GoalSettings(
        teaching_precedence=("api", "condition"), attribution_hours=None if window is None else window / 3600
    )
    store = open_store(":memory:")
    answers = []
    batch: tuple[list[Any], ...] = ([], [], [], [])
    for number, (arm, second, twice, words) in enumerate(drawn, start=1):
        batch[0].append(a_prompt(number))
        batch[2].append(a_completion(number, arm=arm))
        batch[1].append(a_decision(number, chosen=arm, created_at=at(second)))
        if twice:
            same = {"prompt_id": ident(number), "completion_id": ident(number)}
            batch[1].append(a_decision(100 + number, chosen=arm, created_at=at(second - 1), **same))
        told = []
        for place, (after, reward) in enumerate(words):
            when, source = at(second + after), ("api", "condition", "thumb")[place]
            batch[3].append(an_outcome(10 * number + place, number, reward, source=source, created_at=when))
            if reward is not None and source != "thumb":
                told.append(when)
        answers.append(Awaited(arm, at(second - twice), min(told, default=None)))
    batch[2].append(a_completion(99, error="broke off"))  # no answer
    batch[2].append(a_completion(98, goal="other"))
    store.write(Batch(*batch))
    expected = pending(answers, at(now), goal.teaching_rule().window)
    assert pending_now(store, "default", goal, at(now)) == {CHEAP: Pending(), STRONG: Pending()} | expected
    store.close()
