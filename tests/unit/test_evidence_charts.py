"""The charts of a report as data: what is drawn where, in which colour, and in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from router_core.charts.common import ACCENT, MODEL_COLORS, MUTED, Theme
from router_core.charts.evidence import money_chart, money_description, regret_chart, regret_description
from router_core.evaluation.by_file.report import evaluate
from router_core.evaluation.results import Objective, RegretPath, Report
from tests.labelled import labelled

THEMES: tuple[Theme, ...] = ("light", "dark")
HALVES = ["short"] * 100 + ["a much longer prompt that asks for more"] * 100


def report(scores: list[list[float]] | None = None, costs: tuple[float, ...] = (0.001, 0.01)) -> Report:
    """Both models answer the short half, only the strong one the long half."""
    given = scores or [[1, 1]] * 100 + [[0, 1]] * 100
    names = ["random", "length", "heuristic", "thompson", "oracle"]
    data = labelled(given, costs, HALVES)
    return evaluate(names, data, objective=Objective(0.05), shuffles=3, draws=100)


def drawn(of: Report, theme: Theme = "light") -> dict[str, Any]:
    """The specification."""
    spec = money_chart(of, theme)
    assert spec is not None
    return spec


def rows(spec: dict[str, Any], layer: int) -> list[dict[str, Any]]:
    """The data of a layer; layers: hull, rankings, two intervals, points, leaders, halo, labels."""
    found: list[dict[str, Any]] = spec["datasets"][spec["layer"][layer]["data"]["name"]]
    return found


def point(spec: dict[str, Any], name: str) -> dict[str, Any]:
    """One row's mark."""
    (found,) = [one for one in rows(spec, 4) if one["name"] == name]
    return found


def test_points_are_the_rows() -> None:
    """Every row once, in dollars per 1,000 prompts, with its interval."""
    found = report()
    spec = drawn(found)
    assert [one["name"] for one in rows(spec, 4)] == [row.name for row in found.rows]
    strong = point(spec, "strong")
    assert (strong["cost"], strong["accuracy"]) == (pytest.approx(10.0), 1.0)
    cheap = found.row("cheap").accuracy
    assert [point(spec, "cheap")[end] for end in ("low", "accuracy", "high")] == [cheap.low, 0.5, cheap.high]


@pytest.mark.parametrize("theme", THEMES)
def test_models_keep_their_colours(theme: Theme) -> None:
    """By place, cheap to strong, filled; routers are hollow, in the text's colour, each kind with its shape."""
    spec = drawn(report(), theme)
    assert [point(spec, name)["color"] for name in ("cheap", "strong")] == list(MODEL_COLORS[theme][:2])
    assert [point(spec, name)["fill"] for name in ("cheap", "strong")] == list(MODEL_COLORS[theme][:2])
    for name, shape in (("heuristic", "square"), ("length", "triangle-up"), ("thompson", "diamond")):
        one = point(spec, name)
        assert (one["color"], one["fill"], one["shape"]) == (ACCENT[theme], "transparent", shape)


@pytest.mark.parametrize("theme", THEMES)
def test_a_dominated_model_is_grey(theme: Theme) -> None:
    """It is more expensive and worse: no part of the line of random mixes, and without a colour of its own."""
    found = report([[1, 0, 1]] * 100 + [[0, 0, 1]] * 100, (0.001, 0.005, 0.01))
    spec = drawn(found, theme)
    assert found.hull == ("cheap", "third")
    assert [one["name"] for one in rows(spec, 0)] == ["cheap", "third"]
    assert point(spec, "strong")["color"] == MUTED[theme]
    assert point(spec, "third")["color"] == MODEL_COLORS[theme][2]


def test_rankings_are_lines_of_eleven_points() -> None:
    """The random mix first and undashed, then prompt length; the rules as set have no order."""
    found = report()
    lines = rows(drawn(found), 1)
    assert [(one["label"], one["dash"]) for one in lines[::11]] == [
        ("Random mix, half each", 0),
        ("Prompt length", 1),
    ]
    assert [one["accuracy"] for one in lines[11:]] == [one.accuracy for one in found.row("length").curve]


def test_each_point_has_its_label_once() -> None:
    """Models by name, routers in short; a ranking is named at its curve, in the middle."""
    spec = drawn(report())
    labels = {one["text"]: one for one in rows(spec, 7)}
    assert list(labels) == [
        "cheap", "strong", "Random mix", "Rules as set", "Oracle", "Thompson sampling", "Prompt length",
    ]  # fmt: skip
    assert labels["Prompt length"]["accuracy"] == pytest.approx(1.0)
    assert labels["cheap"]["color"] == MODEL_COLORS["light"][0]


def test_providers_are_left_out_of_labels() -> None:
    """Where the names stay different without them."""
    found = report()
    new = {"cheap": "lab/small", "strong": "lab/large"}
    renamed = replace(
        found,
        models=("lab/small", "lab/large"),
        hull=("lab/small", "lab/large"),
        rows=tuple(
            replace(row, name=new.get(row.name, row.name), label=new.get(row.label, row.label))
            for row in found.rows
        ),
    )
    assert [one["text"] for one in rows(drawn(renamed), 7)][:2] == ["small", "large"]


def test_what_has_no_price_is_not_drawn() -> None:
    """The model without a price is missing; without any price there is no chart."""
    half = report(costs=(0.001, float("nan")))
    assert "strong" not in [one["name"] for one in rows(drawn(half), 4)]
    assert money_chart(report(costs=(float("nan"), float("nan"))), "light") is None


def test_everything_lies_within_the_axes() -> None:
    """From $0 to beyond the most expensive, and around all intervals."""
    spec = drawn(report())
    x, y = (spec["layer"][4]["encoding"][axis]["scale"]["domain"] for axis in "xy")
    assert x[0] == 0.0
    for one in rows(spec, 4):
        assert x[0] <= one["cheap"] <= one["dear"] <= x[1]
        assert y[0] < one["low"] <= one["high"] < y[1]


def test_the_chart_in_words() -> None:
    """Every way of choosing, with both figures."""
    words = money_description(report())
    assert words.startswith(
        "Share of good answers against dollars per 1,000 prompts. cheap: 50.0 % good answers at $1.00; strong: 100"
    )
    assert "Prompt length: 100.0 % good answers at $5.50" in words


PATH = RegretPath("thompson", True, (1, 50, 100), (0.0, 0.5, 0.75), (0.0, 0.1, 0.2), (0.0, 1.0, 2.0))


@pytest.mark.parametrize("in_dollars", [True, False])
def test_regret_is_a_line_in_a_band(in_dollars: bool) -> None:
    """Mean over prompts seen, low to high around it; dollars only where losses are money."""
    spec = regret_chart([replace(PATH, in_dollars=in_dollars)], "light")
    band, line = spec["layer"]
    (values,) = spec["datasets"].values()
    assert values[1] == {"learner": "Thompson sampling", "seen": 50, "mean": 0.5, "low": 0.1, "high": 1.0}
    assert (band["encoding"]["y"]["field"], band["encoding"]["y2"]["field"]) == ("low", "high")
    assert line["encoding"]["y"]["field"] == "mean"
    assert ("$" in line["encoding"]["y"]["axis"]["format"]) is in_dollars
    assert line["encoding"]["y"]["title"].startswith("dollars" if in_dollars else "good answers")


def test_regret_in_words() -> None:
    """The end of the path."""
    assert regret_description([PATH]) == (
        "Lost so far against the best fixed model."
        " Thompson sampling had lost $0.75 ($0.20 to $2.00) after 100 prompts."
    )
    assert "0.8 good answers (0.2 good answers to 2.0 good answers)" in regret_description(
        [replace(PATH, in_dollars=False)]
    )
