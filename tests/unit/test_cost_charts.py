"""The charts of the costs page as data: what they add up to, colours, ticks, and rows that were never there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from router_core.charts.common import MODEL_COLORS, OTHER_COLOR, time_x
from router_core.charts.costs import (
    ACCENT,
    deciding_cost_chart,
    deciding_time_chart,
    latency_chart,
    per_call_chart,
    same_prompts_chart,
    spend_chart,
    split_charts,
)
from router_core.registry import POLICIES
from router_core.views.filters import View, days, recent
from tests.store_rows import CHEAP, START, STRONG

ARMS = {CHEAP: "mini", STRONG: "big"}
ROUTERS = {"heuristic": "Rules", "classifier": "Classifier", "thompson": "Thompson sampling"}
VIEW = View(START, START + timedelta(hours=2))
TIMES = pd.to_datetime(["2026-03-01 12:00:00", "2026-03-01 13:00:00"])
ENDS = pd.to_datetime(["2026-03-01 13:00:00", "2026-03-01 13:30:00"])


def rows(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """What was filled in."""
    found: list[dict[str, Any]] = spec["datasets"]["rows"]
    return found


def scale(spec: dict[str, Any], channel: str = "color") -> dict[str, Any]:
    """Label -> what stands for it."""
    found = spec["encoding"][channel]["scale"]
    return dict(zip(found["domain"], found["range"], strict=True))


def by_time(**columns: list[float]) -> pd.DataFrame:
    """Two steps of an hour and of half an hour."""
    values = {"referenced_usd": [1.0, 2.0], "cheap_usd": [0.1, 0.1], "strong_usd": [3.0, 4.0]} | columns
    return pd.DataFrame({"time": TIMES, "ends": ENDS, **values})


def test_spend_adds_up_at_the_end_of_each_step() -> None:
    """From zero at the beginning; what is spent in a step is spent when it ends."""
    spec = spend_chart(by_time(), VIEW, ("mini", "big"), ARMS, "light")
    lines: dict[str, list[tuple[str, float]]] = {}
    for row in rows(spec):
        lines.setdefault(row["line"], []).append((row["time"][11:16], row["dollars"]))
    assert lines == {
        "actual": [("12:00", 0.0), ("13:00", 1.0), ("13:30", 3.0)],
        "always mini (~)": [("12:00", 0.0), ("13:00", 0.1), ("13:30", 0.2)],
        "always big (~)": [("12:00", 0.0), ("13:00", 3.0), ("13:30", 7.0)],
    }
    assert scale(spec) == {
        "actual": ACCENT["light"],
        "always mini (~)": MODEL_COLORS["light"][0],
        "always big (~)": MODEL_COLORS["light"][1],
    }
    assert spec["encoding"]["color"]["legend"]["orient"] == "top"


def test_lines_begin_where_the_axis_does() -> None:
    """A view may begin within a step: a line from the step's beginning would cross the figures of the axis."""
    view = View(START + timedelta(minutes=40), START + timedelta(hours=2))
    spec = spend_chart(by_time(), view, ("mini", "big"), ARMS, "light")
    assert min(row["time"][11:16] for row in rows(spec)) == "12:40"


def test_an_unknown_reference_is_no_line() -> None:
    """It is left out, not drawn at zero."""
    unknown = by_time(strong_usd=[float("nan")] * 2)
    spec = spend_chart(unknown, VIEW, ("mini", "big"), ARMS, "dark")
    assert {row["line"] for row in rows(spec)} == {"actual", "always mini (~)"} == set(scale(spec))


def test_the_strongest_of_three_has_its_own_colour() -> None:
    """The third model's, not the second's."""
    three = {CHEAP: "mini", "openai/middle": "middle", STRONG: "big"}
    spec = spend_chart(by_time(), VIEW, ("mini", "big"), three, "light")
    assert scale(spec)["always big (~)"] == MODEL_COLORS["light"][2]


def test_routers_have_dashes_and_models_colours() -> None:
    """Beside always-cheap and always-strong; a router that decided nothing there is no line."""
    table = pd.DataFrame(
        {
            "time": [TIMES[0]] * 4 + [TIMES[1]],
            "ends": [ENDS[0]] * 4 + [ENDS[1]],
            "line": ["heuristic", "thompson", "cheap", "strong", "heuristic"],
            "prompts": 1,
            "cost_usd": [1.0, 2.0, 0.5, 4.0, 1.5],
        }
    )
    spec = same_prompts_chart(table, VIEW, ROUTERS, ("mini", "big"), ARMS, "light")
    last = {row["line"]: row["dollars"] for row in rows(spec)}
    assert last == {"Rules": 2.5, "Thompson sampling": 2.0, "always mini (~)": 0.5, "always big (~)": 4.0}
    colors, dashes = scale(spec), scale(spec, "strokeDash")
    assert colors["Rules"] == colors["Thompson sampling"] == ACCENT["light"]
    assert dashes["Rules"] != dashes["Thompson sampling"]
    assert (colors["always mini (~)"], colors["always big (~)"]) == MODEL_COLORS["light"][:2]


def test_every_router_has_a_dash_of_its_own() -> None:
    """Told apart without colour, as many as there are; the legend's samples show each dash twice."""
    names = {policy: policy.capitalize() for policy in POLICIES}
    table = pd.DataFrame(
        {"time": TIMES[0], "ends": ENDS[0], "line": list(POLICIES), "prompts": 1, "cost_usd": 1.0}
    )
    spec = same_prompts_chart(table, VIEW, names, ("mini", "big"), ARMS, "light")
    dashes = scale(spec, "strokeDash")
    assert len({tuple(dashes[name]) for name in names.values()}) == len(POLICIES)
    legend = spec["encoding"]["strokeDash"]["legend"]
    assert legend["symbolType"] == "stroke"
    assert legend["symbolSize"] ** 0.5 >= 2 * max(sum(dash) for dash in dashes.values())
    assert spec["encoding"]["color"]["legend"] == legend  # else there would be two


def test_the_split_fills_each_step_from_cheap_to_strong() -> None:
    """Shares lie on each other and end at 1; a model that the settings no longer have is grey and on top."""
    split = pd.DataFrame(
        {
            "time": [TIMES[0]] * 3,
            "ends": [ENDS[0]] * 3,
            "policy": "thompson",
            "arm": ["openai/old", STRONG, CHEAP],
            "requests": [1, 2, 5],
        }
    )
    charts = split_charts(split, VIEW, ARMS, ROUTERS, "dark")
    assert list(charts) == ["thompson"]
    drawn = [row for row in rows(charts["thompson"]) if row["requests"]]
    assert [(row["model"], row["from"], row["to"]) for row in drawn] == [
        ("mini", 0.0, 0.625),
        ("big", 0.625, 0.875),
        ("openai/old", 0.875, 1.0),
    ]
    assert all(row["time"] < row["ends"] for row in drawn)  # one step alone is a bar, not a line without width
    assert scale(charts["thompson"])["openai/old"] == OTHER_COLOR["dark"]
    edges = [row["time"][:16] for row in rows(charts["thompson"]) if not row["requests"]]
    assert edges == [f"{VIEW.since:%Y-%m-%dT%H:%M}", f"{VIEW.until:%Y-%m-%dT%H:%M}"]


def test_calls_by_cost_stand_between_powers_of_ten() -> None:
    """The axis ends at whole powers and has a tick at each."""
    table = pd.DataFrame(
        {"arm": [CHEAP, STRONG], "from_usd": [2e-5, 3e-3], "to_usd": [3e-5, 4e-3], "calls": [5, 6]}
    )
    x = per_call_chart(table, ARMS, "light")["encoding"]["x"]
    assert x["scale"]["domain"] == pytest.approx([1e-5, 1e-2])
    assert x["axis"]["values"] == pytest.approx([1e-5, 1e-4, 1e-3, 1e-2])
    assert x["axis"]["grid"] is False


def test_no_paid_calls() -> None:
    """Free models only: an empty chart, no error."""
    table = pd.DataFrame({"arm": [], "from_usd": [], "to_usd": [], "calls": []})
    assert rows(per_call_chart(table, ARMS, "light")) == []


@pytest.mark.parametrize(
    ("p95", "unit", "shown"), [(3_000.0, "milliseconds", 3_000.0), (12_000.0, "seconds", 12.0)]
)
def test_times_have_the_unit_that_fits(p95: float, unit: str, shown: float) -> None:
    """Milliseconds, and seconds once an answer takes more than ten of them; rows from cheap to strong."""
    table = pd.DataFrame(
        {
            "arm": [STRONG, CHEAP],
            "measure": ["whole answer", "first word"],
            "p50_ms": [500.0, 100.0],
            "p95_ms": [p95, 200.0],
            "calls": [3, 3],
        }
    )
    spec = latency_chart(table, ARMS, "light")
    assert [row["row"] for row in rows(spec)] == ["mini, first word", "big, whole answer"]
    assert rows(spec)[1]["p95"] == shown
    assert spec["layer"][0]["encoding"]["x"]["title"].startswith(unit)


DECIDING = pd.DataFrame(
    {
        "policy": ["classifier", "heuristic", "thompson"],
        "deciding_usd": [0.031, 0.0, 0.0],
        "p50_ms": [300.0, 0.04, float("nan")],
        "p95_ms": [500.0, 0.09, float("nan")],
    }
)


def test_deciding_times_are_on_a_log_scale() -> None:
    """In the routers' order; one that was never timed is left out."""
    spec = deciding_time_chart(DECIDING, ROUTERS, "light")
    assert [row["row"] for row in rows(spec)] == ["Rules", "Classifier"]
    assert spec["layer"][0]["encoding"]["x"]["scale"] == {"type": "log"}


def test_deciding_costs_have_their_words() -> None:
    """Free is said; the axis leaves room for the words and is a round number."""
    spec = deciding_cost_chart(DECIDING, ROUTERS, ["$0.031", "free", "free"], "light")
    assert {row["router"]: row["words"] for row in rows(spec)} == {
        "Classifier": "$0.031", "Rules": "free", "Thompson sampling": "free",
    }  # fmt: skip
    assert spec["layer"][0]["encoding"]["x"]["scale"]["domain"] == [0, pytest.approx(0.1)]


def test_looks_are_built_once_and_filled_anew() -> None:
    """The same look with other rows shares everything but the rows."""
    one = spend_chart(by_time(), VIEW, ("mini", "big"), ARMS, "light")
    other = spend_chart(by_time(referenced_usd=[5.0, 5.0]), VIEW, ("mini", "big"), ARMS, "light")
    assert one["encoding"] is other["encoding"]
    assert rows(one) != rows(other)


@pytest.mark.parametrize(
    ("length", "form"),
    [
        (timedelta(minutes=15), "%H:%M"),
        (timedelta(hours=1), "%H:%M"),
        (timedelta(hours=24), "%H:%M"),
        (timedelta(days=7), "%-d %b"),
        (timedelta(days=30), "%-d %b"),
        (timedelta(days=900), "%b %Y"),
    ],
)
def test_ticks_are_few_and_tell_apart(length: timedelta, form: str) -> None:
    """Between three and nine, on round clock times, inside the view, no two with the same text."""
    until = datetime(2026, 3, 4, 13, 47, 12, tzinfo=UTC)
    view = recent(View(START, until), length)
    axis = time_x(view.since, view.until).to_dict()["axis"]
    ticks = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in axis["values"]]
    assert 3 <= len(ticks) <= 9
    assert view.since <= ticks[0]
    assert ticks[-1] <= view.until
    texts = [f"{tick:{form}}" for tick in ticks]
    assert axis["format"] == form
    assert len(set(texts)) == len(texts)
    assert all(tick.second == 0 for tick in ticks)


def test_whole_days_begin_at_midnight() -> None:
    """From-to: the first and the last tick are the ends."""
    view = days(View(START, START), datetime(2026, 3, 1).date(), datetime(2026, 3, 4).date())
    values = time_x(view.since, view.until).to_dict()["axis"]["values"]
    assert (values[0], values[-1]) == ("2026-03-01T00:00:00", "2026-03-05T00:00:00")
