"""The posterior's chart as data: colours by model, earlier curves only where something changed, and its words."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from router_core.charts.common import (
    MODEL_COLORS,
    Theme,
    legend_columns,
    model_color,
    posterior_chart,
    posterior_description,
)
from router_core.types import Posterior

UNIFORM = Posterior(1.0, 1.0, 0)
RISING = Posterior(2.0, 1.0, 1)  # density 2 x
THEMES: tuple[Theme, ...] = ("light", "dark")


def drawn(
    now: Mapping[str, Posterior], before: Mapping[str, Posterior] | None = None, theme: Theme = "light"
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The chart's specification and its rows."""
    spec = posterior_chart(now, before, theme).to_dict()
    (rows,) = spec["datasets"].values()
    return spec, rows


def curves(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """(state, model) of each curve, in order."""
    return list(dict.fromkeys((row["state"], row["model"]) for row in rows))


@pytest.mark.parametrize("theme", THEMES)
def test_models_have_their_colours_by_place(theme: Theme) -> None:
    """The five of the theme, and from the sixth model on the same again."""
    assert [model_color(index, theme) for index in range(7)] == [*MODEL_COLORS[theme], *MODEL_COLORS[theme][:2]]
    assert len(set(MODEL_COLORS[theme])) == 5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("count", [1, 2, 5, 6])
def test_domain_and_range_name_each_model(theme: Theme, count: int) -> None:
    """Both layers colour the models in the order given, not by the alphabet, and without a legend."""
    labels = [f"model {9 - i}" for i in range(count)]
    spec, _ = drawn(dict.fromkeys(labels, UNIFORM), None, theme)
    colors = [MODEL_COLORS[theme][i % 5] for i in range(count)]
    assert len(spec["layer"]) == 2
    for layer in spec["layer"]:
        assert layer["encoding"]["color"]["field"] == "model"
        assert layer["encoding"]["color"]["scale"] == {"domain": labels, "range": colors}
        assert layer["encoding"]["color"]["legend"] is None


def test_a_rating_changes_no_colour() -> None:
    """With earlier curves the domain is the same as without."""
    now = {"b": RISING, "a": UNIFORM}
    plain, _ = drawn(now)
    changed, _ = drawn(now, {"b": UNIFORM, "a": UNIFORM})
    for one, other in zip(plain["layer"], changed["layer"], strict=True):
        assert one["encoding"]["color"] == other["encoding"]["color"]
        assert other["encoding"]["color"]["scale"]["domain"] == ["b", "a"]


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (None, []),
        ({}, []),
        ({"a": UNIFORM, "b": RISING}, []),
        ({"a": UNIFORM, "b": UNIFORM}, ["b"]),
        ({"a": RISING, "b": RISING}, ["a"]),
        ({"a": RISING, "b": UNIFORM}, ["a", "b"]),
        ({"b": Posterior(2.0, 1.0, 2)}, ["b"]),
    ],
)
def test_earlier_curves_only_where_something_changed(
    before: Mapping[str, Posterior] | None, expected: list[str]
) -> None:
    """A model whose posterior is what it was has one curve."""
    _, rows = drawn({"a": UNIFORM, "b": RISING}, before)
    assert curves(rows) == [*[("before", label) for label in expected], ("now", "a"), ("now", "b")]


def test_the_curves_are_the_densities() -> None:
    """250 points each from 0.2 % to 99.8 %: 1 for the uniform, 2 x for one good answer."""
    _, rows = drawn({"a": RISING}, {"a": UNIFORM})
    assert len(rows) == 500
    before, now = rows[:250], rows[250:]
    assert [row["density"] for row in before] == pytest.approx([1.0] * 250, abs=1e-12)
    assert [row["density"] for row in now] == pytest.approx([2 * row["share"] for row in now], abs=1e-12)
    shares = [row["share"] for row in now]
    assert (shares[0], shares[-1]) == (0.002, 0.998)
    assert shares == sorted(shares)
    assert shares == [row["share"] for row in before]


@pytest.mark.parametrize(("posterior", "top"), [(UNIFORM, 2.0), (RISING, 2.0), (Posterior(3.0, 1.0, 2), 2.988)])
def test_a_flat_density_is_no_wall(posterior: Posterior, top: float) -> None:
    """The axis reaches to 2 at least: the uniform's density of 1 stands at half the height."""
    spec, _ = drawn({"a": posterior})
    for layer in spec["layer"]:
        assert layer["encoding"]["y"]["scale"]["domain"] == [0, pytest.approx(top, abs=1e-3)]


def test_narrow_densities_are_drawn_close_up() -> None:
    """Thousands of ratings: the axis holds all of the mass, and each curve has points enough to be smooth."""
    now = {"a": Posterior(8_500, 1_500, 10_000), "b": Posterior(9_000, 1_000, 10_000)}
    spec, rows = drawn(now)
    low, high = spec["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert 0.8 < low < 0.84
    assert 0.91 < high < 0.93
    for label, posterior in now.items():
        curve = [(row["share"], row["density"]) for row in rows if row["model"] == label]
        assert curve == sorted(curve)
        area = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(curve))
        assert area == pytest.approx(1.0, abs=0.001)
        top = max(density for _, density in curve)
        assert sum(density > top / 2 for _, density in curve) > 12
        assert posterior.alpha / 10_000 == pytest.approx(max(curve, key=lambda point: point[1])[0], abs=0.002)


def test_a_narrow_density_beside_a_wide_one() -> None:
    """The whole axis is shown; the narrow curve still has points at its top."""
    spec, rows = drawn({"old": Posterior(85_000, 15_000, 100_000), "new": UNIFORM})
    assert spec["layer"][0]["encoding"]["x"]["scale"]["domain"] == [0, 1]
    old = [row for row in rows if row["model"] == "old"]
    assert max(row["density"] for row in old) == pytest.approx(353.3, rel=0.01)
    assert sum(row["density"] > 100 for row in old) > 12
    assert len([row for row in rows if row["model"] == "new"]) == 250


def test_now_is_filled_and_before_is_dashed() -> None:
    """Each layer shows its own state, over the same axes."""
    spec, _ = drawn({"a": RISING}, {"a": UNIFORM})
    filled, dashed = spec["layer"]
    assert filled["transform"] == [{"filter": "datum.state == 'now'"}]
    assert filled["mark"]["type"] == "area"
    assert filled["mark"]["opacity"] == 0.18
    assert dashed["transform"] == [{"filter": "datum.state == 'before'"}]
    assert (dashed["mark"]["type"], dashed["mark"]["strokeDash"]) == ("line", [4, 3])
    for layer in (filled, dashed):
        assert (layer["encoding"]["x"]["field"], layer["encoding"]["y"]["field"]) == ("share", "density")
        assert layer["encoding"]["x"]["title"] == "share of good answers"
        assert layer["encoding"]["x"]["axis"]["format"] == "%"
        assert layer["encoding"]["y"]["stack"] is None
        assert layer["encoding"]["y"]["axis"] is None


def test_labels_are_text() -> None:
    """Whatever a model is called, its curve and its colour find each other."""
    labels = ["a.b[0]", "it's", 'p/m?{"temperature":0}', "日本"]
    spec, rows = drawn(dict.fromkeys(labels, UNIFORM))
    assert spec["layer"][0]["encoding"]["color"]["scale"]["domain"] == labels
    assert curves(rows) == [("now", label) for label in labels]


def test_the_chart_in_words() -> None:
    """Each model's interval and ratings: Beta(1, b) ends where 1 - (1 - x)^b is 2.5 % and 97.5 %."""
    assert posterior_description({"cheap": Posterior(1, 2, 0), "strong": Posterior(3, 1, 2)}) == (
        "Share of good answers, 95 % interval. cheap: 1% to 84% with 0 ratings; strong: 29% to 99% with 2 ratings"
    )


def test_a_legend_has_as_many_columns_as_have_room() -> None:
    """All in a row where their widths fit, else as many as the widest allows, at least one."""
    assert legend_columns(["mini", "a" * 10, "big"], 2).to_dict() == {
        "expr": "width < 146 ? max(1, min(2, floor(width / 94))) : 2"
    }
    assert legend_columns(["a" * 99], limit=200).to_dict()["expr"].startswith("width < 224 ?")
    assert legend_columns([]).to_dict()["expr"].endswith(": 1")
