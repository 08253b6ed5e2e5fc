"""Ratings that wait, come late or never come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from router_core.errors import SettingsError
from router_core.pending import Awaited, Pending, pending, standing, teaches

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
    assert counted["b"].share_rated == 0.5


def test_without_a_window_an_answer_waits_for_ever() -> None:
    """Nothing is missing and nothing is late."""
    answers = [Awaited("m", NOON, None), Awaited("m", NOON, NOON + DAY * 300)]
    assert pending(answers, NOON + DAY * 999, None) == {"m": Pending(rated=1, waiting=1)}


def test_nothing_settled_has_no_share() -> None:
    """No answer, or none whose window has closed."""
    assert pending([], NOON, DAY) == {}
    assert Pending(waiting=3).share_rated is None
