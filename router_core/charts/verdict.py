"""The chart beside a verdict: models and routers as points of quality against dollars. Report in, Vega-Lite out.

A plain specification, written without a library: it is redrawn at every move of a slider. charts/evidence.py draws
the same figures in full, with every ranking's curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from router_core.charts.common import ACCENT, BACKGROUND, MUTED, Spec, Theme, model_color
from router_core.charts.labels import Labelling, Line, places
from router_core.evaluation.results import Report, Row
from router_core.words import dollars, share

HEIGHT: Final = 260
_WIDTHS: Final = (230.0, 760.0)  # of the plot, in the narrowest and the widest window
_DRAWN: Final = ("fixed", "rule", "ranking")
_MOST_ROUTERS: Final = 3

Point = dict[str, Any]


def verdict_chart(report: Report, theme: Theme) -> Spec | None:
    """Models (filled) and the best few routers (hollow) with their intervals; None where no price is known.

    The thin line is what random mixes of the models buy. The dashed one is what is as good a buy as the best model
    at the report's worth of a good answer: above it lies what would be a better one.

    Args:
        report: of ``evaluate``.
        theme: for the colours.
    """
    rows = _rows(report)
    if not rows:
        return None
    points = [_point(report, row, theme) for row in rows]
    x_domain = [0.0, 1.08 * max(one["dear"] for one in points) or 1.0]
    low, high = min(one["low"] for one in points), max(one["high"] for one in points)
    room = 0.1 * (high - low) or 0.02
    y_domain = [max(0.0, low - room), min(1.0, high + room)]
    x = {
        "field": "cost",
        "type": "quantitative",
        "title": "dollars per 1,000 prompts",
        "scale": {"domain": x_domain, "nice": False},
        "axis": {"format": "$,~r", "grid": False, "tickCount": 5},
    }
    y = {
        "field": "accuracy",
        "type": "quantitative",
        "title": "good answers",
        "scale": {"domain": y_domain, "nice": False},
        "axis": {
            "labelExpr": f"format(100 * datum.value, '.{0 if high - low > 0.05 else 1}f') + ' %'",
            "tickCount": 5,
        },
    }
    color = {"field": "color", "type": "nominal", "scale": None}
    hull = [one for one in points if one["name"] in report.hull]
    layers: list[dict[str, Any]] = []
    datasets: dict[str, list[Point]] = {"points": points, "written": _written(points, hull, x_domain, y_domain)}
    for name, rows_, look in (
        ("mixes", hull, {"color": MUTED[theme], "strokeWidth": 1.5}),
        (
            "even",
            _even(report, x_domain, y_domain),
            {"color": ACCENT[theme], "strokeDash": [3, 4], "strokeWidth": 1.5},
        ),
    ):
        if len(rows_) > 1:
            datasets[name] = [{"cost": one["cost"], "accuracy": one["accuracy"]} for one in rows_]
            layers.append(_layer(name, {"type": "line", **look}, {"x": x, "y": y}))
    rule = {"type": "rule", "strokeWidth": 1.5, "opacity": 0.7}
    layers += [
        _layer("points", rule, {"x": x, "y": {"field": "low", "type": "quantitative", "title": "good answers"},
                                "y2": {"field": "high"}, "color": color}),
        _layer("points", rule, {"x": {"field": "cheap", "type": "quantitative"}, "x2": {"field": "dear"}, "y": y,
                                "color": color}),
        _layer("points", {"type": "point", "size": 110, "strokeWidth": 2, "opacity": 1}, {
            "x": x, "y": y, "color": color, "fill": {"field": "fill", "type": "nominal", "scale": None},
            "tooltip": [{"field": "label", "title": " "}, {"field": "said", "title": "good answers"},
                        {"field": "paid", "title": "per 1,000 prompts"}],
        }),
    ]  # fmt: skip
    where = {name: {"expr": f"datum.{name}"} for name in ("dx", "dy", "align")}
    text = {"type": "text", "baseline": "middle", "fontSize": 12, **where}
    halo = {**text, "stroke": BACKGROUND[theme], "strokeWidth": 4, "strokeJoin": "round"}
    said = {"x": x, "y": y, "text": {"field": "text", "type": "nominal"}, "color": color}
    layers += [_layer("written", halo, said), _layer("written", text, said)]
    return {"datasets": datasets, "height": HEIGHT, "layer": layers}


def _layer(rows: str, mark: dict[str, Any], encoding: dict[str, Any]) -> dict[str, Any]:
    return {"data": {"name": rows}, "mark": mark, "encoding": encoding}


def _rows(report: Report) -> list[Row]:
    """The models, and the routers that bring the most."""
    priced = [row for row in report.rows if row.cost_usd is not None and row.kind in _DRAWN]
    routers = [row for row in priced if row.kind != "fixed" and row.advantage_usd is not None]
    routers.sort(key=lambda row: -row.advantage_usd.value if row.advantage_usd else 0.0)
    return [row for row in priced if row.kind == "fixed"] + routers[:_MOST_ROUTERS]


def _point(report: Report, row: Row, theme: Theme) -> Point:
    """One row in dollars per 1,000 prompts."""
    assert row.cost_usd is not None
    fixed, cost, good = row.kind == "fixed", row.cost_usd, row.accuracy
    color = model_color(report.models.index(row.name), theme) if fixed else ACCENT[theme]
    return {
        "name": row.name, "label": row.label, "color": color, "fill": color if fixed else BACKGROUND[theme],
        "cost": 1000 * cost.value, "cheap": 1000 * cost.low, "dear": 1000 * cost.high,
        "accuracy": good.value, "low": good.low, "high": good.high,
        "said": f"{share(good.value)} ({100 * good.low:.1f} to {100 * good.high:.1f})",
        "paid": dollars(1000 * cost.value),
    }  # fmt: skip


def _even(report: Report, x_domain: Sequence[float], y_domain: Sequence[float]) -> list[Point]:
    """Two ends of the line of equal value through the best model, within the plot; none where it is not known."""
    worth, best = report.objective.success_value_usd, report.row(report.best_fixed)
    if not worth or best.cost_usd is None:
        return []
    slope = 1.0 / (1000.0 * worth)  # share of good answers for a dollar per 1,000 prompts
    start = best.accuracy.value - slope * 1000.0 * best.cost_usd.value
    ends = (max(x_domain[0], (y_domain[0] - start) / slope), min(x_domain[1], (y_domain[1] - start) / slope))
    return [{"cost": cost, "accuracy": start + slope * cost} for cost in ends]


def _written(
    points: Sequence[Point], hull: Sequence[Point], x_domain: Sequence[float], y_domain: Sequence[float]
) -> list[Point]:
    """Names beside their points where they cover neither each other nor a line."""

    def part(cost: float, accuracy: float) -> tuple[float, float]:
        return cost / x_domain[1], (y_domain[1] - accuracy) / (y_domain[1] - y_domain[0])

    lines: list[Line] = []
    for one in points:
        lines.append((*part(one["cost"], one["low"]), *part(one["cost"], one["high"])))
    for start, end in pairwise(hull):
        lines.append((*part(start["cost"], start["accuracy"]), *part(end["cost"], end["accuracy"])))
    asked = [Labelling(one["label"].rsplit("/", 1)[-1], *part(one["cost"], one["accuracy"])) for one in points]
    found = zip(points, asked, places(asked, _WIDTHS, float(HEIGHT), lines), strict=True)
    return [
        {"text": name.text, "cost": one["cost"], "accuracy": one["accuracy"], "color": one["color"],
         "dx": place.dx, "dy": place.dy, "align": place.align}
        for one, name, place in found
        if place is not None
    ]  # fmt: skip
