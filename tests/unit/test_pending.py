"""Ratings that wait, come late or never come: the store's counts against counting one answer at a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_core.settings import GoalSettings
from router_core.store import open_store
from router_core.store.base import Batch
from router_core.views.learning import Pending, pending_now
from tests.store_rows import CHEAP, STRONG, a_completion, a_decision, a_prompt, an_outcome, at, ident

HOUR, DAY = 3600, 86_400  # seconds


def standing(decided: datetime, judged: datetime | None, now: datetime, window: timedelta | None) -> str:
    """What can be said of one answer: when it was decided for, when it was first judged, as of which moment."""

    def too_late(moment: datetime) -> bool:
        return window is not None and moment - decided > window

    if judged is not None and judged <= now:
        return "late" if too_late(judged) else "rated"
    return "missing" if too_late(now) else "waiting"


@pytest.mark.parametrize(
    ("judged", "now", "hours", "expected"),
    [
        (None, 2 * HOUR, 24, "waiting"),
        (None, DAY, 24, "waiting"),  # the end of the window still counts
        (None, DAY + 1, 24, "missing"),
        (HOUR, 2 * HOUR, 24, "rated"),
        (HOUR, 9 * DAY, 24, "rated"),
        (DAY, 2 * DAY, 24, "rated"),
        (DAY + 1, 2 * DAY, 24, "late"),
        (3 * HOUR, 2 * HOUR, 24, "waiting"),  # judged later than the moment looked at
        (3 * DAY, 2 * DAY, 24, "missing"),
        (-5, HOUR, 24, "rated"),  # clocks that differ
        (None, 999 * DAY, None, "waiting"),  # without a window an answer waits for ever
        (300 * DAY, 999 * DAY, None, "rated"),
    ],
)
def test_the_standing_of_one_answer(judged: int | None, now: int, hours: float | None, expected: str) -> None:
    """By hand: as of any moment, what is judged later has not been judged yet."""
    goal = GoalSettings(attribution_hours=hours)
    store = open_store(":memory:")
    outcomes = [] if judged is None else [an_outcome(1, 1, 1.0, created_at=at(judged))]
    decided = a_decision(1, chosen=CHEAP, created_at=at(0))
    store.write(Batch([a_prompt(1)], [decided], [a_completion(1, arm=CHEAP)], outcomes))
    assert pending_now(store, "default", goal, at(now)) == {CHEAP: Pending(**{expected: 1}), STRONG: Pending()}
    store.close()


_ANSWERS = st.lists(
    st.tuples(
        st.sampled_from((CHEAP, STRONG)),
        st.integers(0, 20),  # decided, in seconds
        st.booleans(),  # decided for a second time, a second earlier
        st.lists(st.tuples(st.integers(-1, 25), st.sampled_from((None, 0.0, 1.0))), max_size=3),  # (after, reward)
    ),
    max_size=8,
)


@pytest.mark.slow
@settings(deadline=None, derandomize=True, max_examples=60)
@given(drawn=_ANSWERS, now=st.integers(0, 40), window=st.sampled_from((None, 1.0, 5.0, 12.000001)))
def test_the_store_counts_the_same(drawn: list[Any], now: int, window: float | None) -> None:
    """Whatever was said when, of the sources that teach; one answer may answer two decisions."""
    goal = GoalSettings(
        teaching_precedence=("api", "condition"), attribution_hours=None if window is None else window / 3600
    )
    store = open_store(":memory:")
    expected: dict[str, dict[str, int]] = {CHEAP: {}, STRONG: {}}
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
        known = standing(at(second - twice), min(told, default=None), at(now), goal.teaching_rule().window)
        expected[arm][known] = expected[arm].get(known, 0) + 1
    batch[2].append(a_completion(99, error="broke off"))  # no answer
    batch[2].append(a_completion(98, goal="other"))
    store.write(Batch(*batch))
    counted = {arm: Pending(**counts) for arm, counts in expected.items()}
    assert pending_now(store, "default", goal, at(now)) == counted
    store.close()
