"""The part of the log that is looked at: its points in time, what there is, what can be filtered for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from router_core.errors import StoreError
from router_core.store import open_store
from router_core.store.base import Batch
from router_core.types import Usage
from router_core.views.filters import (
    UsualTraffic,
    View,
    choices,
    days,
    extent,
    ranges,
    recent,
    step_s,
    usual_traffic,
)
from tests.store_rows import CHEAP, START, STRONG, a_completion, a_decision, a_prompt, an_outcome, ident

NOW = datetime(2026, 3, 4, 13, 47, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "seconds"),
    [(0.25, 30.0), (1, 120.0), (24, 1_800.0), (168, 14_400.0), (720, 86_400.0), (24 * 365 * 4, 28 * 86_400.0 + 0)],
)
def test_steps_are_round(hours: float, seconds: float) -> None:
    """About fifty points to a view, each step a number that people count in."""
    assert View(START, START + timedelta(hours=hours)).bucket_s in (seconds, hours * 3600 / 48)
    if hours <= 720:
        assert step_s(timedelta(hours=hours)) == seconds


def test_points_leave_no_gap() -> None:
    """From the step that holds the first moment to the one before the end, all as long as each other."""
    points = View(NOW - timedelta(hours=1), NOW).points()
    assert str(points[0]) == "2026-03-04 12:46:00"
    assert str(points[-1]) == "2026-03-04 13:46:00"
    assert set(points[1:] - points[:-1]) == {timedelta(minutes=2)}


@pytest.mark.parametrize("name", ["15 min", "1 h", "24 h", "7 d", "30 d"])
def test_a_recent_view_stays_the_same_for_one_step(name: str) -> None:
    """Its end is the next point in time; a second later it is the same view, a step later the next one."""
    length = ranges()[name]
    assert length is not None
    found = recent(View(START, NOW), length)
    assert found.until - found.since == length
    assert NOW < found.until <= NOW + timedelta(seconds=found.bucket_s)
    assert str(found.points()[-1] + timedelta(seconds=found.bucket_s)) == str(found.until.replace(tzinfo=None))
    before_its_end = found.until - timedelta(microseconds=1)
    assert recent(View(START, before_its_end), length) == found
    assert recent(View(START, found.until), length).until == found.until + timedelta(seconds=found.bucket_s)


def test_everything_begins_with_the_first_entry() -> None:
    """The range "all"."""
    found = recent(View(START, NOW, "default"), ranges()["all"])
    assert (found.since, found.goal) == (START, "default")
    assert found.until > NOW


def test_days_are_whole() -> None:
    """From the first moment of the first to the last of the last."""
    found = days(View(START, NOW, policy="thompson"), date(2026, 3, 1), date(2026, 3, 2))
    assert (found.since, found.until) == (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))
    assert found.policy == "thompson"


def test_an_empty_store() -> None:
    """No first moment, no choices, no usual traffic."""
    store = open_store(":memory:")
    assert (extent(store).since, extent(store).prompts) == (None, 0)
    assert choices(store) == {"goal": [], "policy": [], "origin": [], "arm": []}
    assert usual_traffic(store, View(START, NOW, "default"), CHEAP) == []


def test_extent_and_choices() -> None:
    """How much there is, since when, and what can be filtered for."""
    store = open_store(":memory:")
    store.write(
        Batch(
            [a_prompt(1), a_prompt(2)],
            [a_decision(1), a_decision(2, policy="heuristic", chosen=STRONG)],
            [a_completion(1), a_completion(2, arm=STRONG)],
            [an_outcome(1, 1)],
        )
    )
    held = extent(store)
    assert (held.prompts, held.completions, held.outcomes) == (2, 2, 1)
    assert (held.since, held.until) == (START + timedelta(seconds=1), START + timedelta(seconds=2))
    assert choices(store)["policy"] == ["heuristic", "thompson"]
    assert choices(store)["arm"] == [STRONG, CHEAP]


def test_the_log_begins_with_its_first_decision() -> None:
    """Its answer takes a while: without the decision the first prompt would be missing from "all"."""
    store = open_store(":memory:")
    store.write(
        Batch([a_prompt(1)], [a_decision(1)], [a_completion(1, created_at=START + timedelta(seconds=9))], [])
    )
    assert extent(store).since == START + timedelta(seconds=1)


def test_usual_traffic() -> None:
    """Per task type: prompts (not calls), their mean tokens, and the share that rules and classifier gave away."""
    store = open_store(":memory:")
    store.write(
        Batch(
            [a_prompt(1, task_type="label"), a_prompt(2, task_type="label"), a_prompt(3)],
            [
                a_decision(1, policy="heuristic"),
                a_decision(2, policy="classifier", chosen=STRONG),
                a_decision(3, policy="thompson"),
            ],
            [
                a_completion(1, usage=Usage(100, 10)),
                a_completion(2, arm=STRONG, usage=Usage(300, 40)),
                a_completion(4, prompt_id=ident(2), usage=Usage(300, 20)),
                a_completion(3, usage=Usage(50, 5)),
            ],
        )
    )
    view = View(START, START + timedelta(minutes=1), "default")
    assert usual_traffic(store, view, CHEAP) == [
        UsualTraffic("label", 2, 200.0, 20.0, 0.5),
        UsualTraffic("", 1, 50.0, 5.0, None),
    ]


def test_a_question_that_is_none() -> None:
    """Named, with those there are."""
    with pytest.raises(StoreError, match="no question 'weather'"):
        open_store(":memory:").table("weather", {})
