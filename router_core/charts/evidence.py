"""The charts of a report on labelled data: report in, Vega-Lite specification out.

Models keep their colours (charts.py); routers are told apart by shape and dash, for colour belongs to models.
Does not cover the log's charts (traffic.py) and every figure that is not in the report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from router_core.charts.common import ACCENT, BACKGROUND, DASHED, MUTED, Theme, legend_columns, model_color
from router_core.charts.labels import Labelling, Line, places
from router_core.evaluation.by_file.ways import LEARNERS
from router_core.evaluation.results import Estimate, RegretPath, Report, Row
from router_core.words import dollars, share

if TYPE_CHECKING:
    import altair as alt

Spec = dict[str, Any]
HEIGHT: Final = 380
_WIDTHS: Final = (400.0, 1250.0)  # of the plot, in the narrowest and the widest window
_SHAPES: Final = {"fixed": "circle", "mix": "stroke", "ranking": "triangle-up", "rule": "square",
                  "trained": "triangle-down", "learner": "diamond", "oracle": "cross"}  # fmt: skip
_DASHES: Final = ([1, 0], [6, 3], [2, 3], [8, 3, 2, 3], [1, 2])  # the first for random mixes
_TAILS: Final = (" (knows every score)", " as a ranking", ", learning as it goes", ", half each")


def money_chart(report: Report, theme: Theme) -> Spec | None:
    """Accuracy against dollars per 1,000 prompts, with intervals; None where no price is known.

    Fixed models are filled points in their colours (grey: not worth their money, however mixed), the line through
    them is what random mixes buy; thin lines are rankings cut at every share, other marks are routers as they are.

    Args:
        report: of ``evaluate``.
        theme: for the colours.
    """
    import altair as alt
    import pandas as pd

    priced = [row for row in report.rows if row.cost_usd is not None]
    if not priced:
        return None
    colors = _model_colors(report, theme)
    rows = [_point(row, colors.get(row.name, ACCENT[theme])) for row in priced]
    hull = [one for one in rows if one["name"] in report.hull]
    curves = [
        {"label": row.label, "dash": at, "cost": 1000.0 * point.cost_usd, "accuracy": point.accuracy,
         "share": point.share}
        for at, row in enumerate(_curved(report))
        for point in row.curve
        if point.cost_usd is not None
    ]  # fmt: skip
    x_domain, y_domain = _domain(rows, curves, "cost", zero=True), _domain(rows, curves, "accuracy")
    labelled = _labels(rows, hull, curves, x_domain, y_domain)
    x = alt.X("cost:Q", title="dollars per 1,000 prompts", scale=alt.Scale(domain=x_domain, nice=False),
              axis=alt.Axis(format="$,~r", grid=False, tickCount=6))  # fmt: skip
    y = alt.Y("accuracy:Q", title="good answers", scale=alt.Scale(domain=y_domain, nice=False),
              axis=alt.Axis(format=".0%", tickCount=6))  # fmt: skip
    tooltip = [alt.Tooltip("label:N", title=" "), alt.Tooltip("said:N", title="good answers"),
               alt.Tooltip("paid:N", title="per 1,000 prompts")]  # fmt: skip
    color = alt.Color("color:N", scale=None)
    layers = [
        alt.Chart(pd.DataFrame(hull)).mark_line(color=MUTED[theme], strokeWidth=1.5).encode(x=x, y=y),
        alt.Chart(pd.DataFrame(curves))
        .mark_line(color=MUTED[theme], strokeWidth=1)
        .encode(
            x=x,
            y=y,
            detail="label:N",
            strokeDash=alt.StrokeDash(
                "dash:O",
                legend=None,
                scale=alt.Scale(domain=list(range(len(_DASHES))), range=[list(dash) for dash in _DASHES]),
            ),
            tooltip=[alt.Tooltip("label:N", title=" "),
                     alt.Tooltip("share:Q", format=".0%", title="to the strong model"),
                     alt.Tooltip("accuracy:Q", format=".1%", title="good answers"),
                     alt.Tooltip("cost:Q", format="$.4r", title="per 1,000 prompts")],
        ),
    ]  # fmt: skip
    points = alt.Chart(pd.DataFrame(rows))
    bars = points.transform_filter("datum.kind != 'mix'")
    layers += [
        bars.mark_rule(strokeWidth=1.5, opacity=0.6).encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=color),
        bars.mark_rule(strokeWidth=1.5, opacity=0.6).encode(x=alt.X("cheap:Q"), x2="dear:Q", y=y, color=color),
        points.mark_point(strokeWidth=2, opacity=1).encode(
            x=x,
            y=y,
            color=color,
            fill=alt.Fill("fill:N", scale=None),
            shape=alt.Shape("shape:N", scale=None),
            size=alt.Size("size:Q", scale=None),
            tooltip=tooltip,
        ),
        *_written(labelled, x, y, color, theme),
    ]
    return dict(alt.layer(*layers).properties(height=HEIGHT).to_dict())


def money_description(report: Report) -> str:
    """The chart in words, for screen readers."""
    said = [
        f"{row.label}: {share(row.accuracy.value)} good answers at {dollars(1000 * row.cost_usd.value)}"
        for row in report.rows
        if row.cost_usd is not None
    ]
    return "Share of good answers against dollars per 1,000 prompts. " + "; ".join(said) + "."


def regret_chart(paths: Sequence[RegretPath], theme: Theme) -> Spec:
    """What each learner had lost against the best fixed model after so many prompts, with the band over shuffles.

    Args:
        paths: of the report, all in dollars or all in good answers.
        theme: for the colours.
    """
    import altair as alt
    import pandas as pd

    in_dollars = all(path.in_dollars for path in paths)
    values = [
        {"learner": LEARNERS.get(path.name, path.name), "seen": seen, "mean": mean, "low": low, "high": high}
        for path in paths
        for seen, mean, low, high in zip(path.seen, path.mean, path.low, path.high, strict=True)
    ]
    title = "dollars lost so far" if in_dollars else "good answers lost so far"
    base = alt.Chart(pd.DataFrame(values)).encode(
        x=alt.X(
            "seen:Q",
            title="prompts seen",
            scale=alt.Scale(nice=False),
            axis=alt.Axis(format=",d", grid=False, tickCount=8),
        ),
        detail="learner:N",
    )
    columns = legend_columns([LEARNERS.get(path.name, path.name) for path in paths], symbol=34)
    legend = alt.Legend(title=None, orient="top", columns=columns, **DASHED)
    several = legend if len(paths) > 1 else None
    axis = alt.Axis(format="$,~r" if in_dollars else ",~r")
    figures = [
        alt.Tooltip(f"{name}:Q", format="$,.3r" if in_dollars else ",.3r") for name in ("mean", "low", "high")
    ]
    band = base.mark_area(opacity=0.18, color=ACCENT[theme]).encode(y=alt.Y("low:Q", title=title), y2="high:Q")
    line = base.mark_line(color=ACCENT[theme], strokeWidth=2).encode(
        y=alt.Y("mean:Q", title=title, axis=axis),
        strokeDash=alt.StrokeDash("learner:N", legend=several, sort=list(LEARNERS.values())),
        tooltip=["learner:N", alt.Tooltip("seen:Q", format=","), *figures],
    )
    return dict((band + line).properties(height=240).to_dict())


def regret_description(paths: Sequence[RegretPath]) -> str:
    """The chart in words, for screen readers."""
    said = []
    for path in paths:
        name = LEARNERS.get(path.name, path.name)
        ends = (path.mean[-1], path.low[-1], path.high[-1])
        mean, low, high = (dollars(one) if path.in_dollars else f"{one:.1f} good answers" for one in ends)
        said.append(f"{name} had lost {mean} ({low} to {high}) after {path.seen[-1]:,} prompts")
    return "Lost so far against the best fixed model. " + "; ".join(said) + "."


def _model_colors(report: Report, theme: Theme) -> Mapping[str, str]:
    """Model -> its colour by place; grey where it is not worth its money."""
    return {
        model: model_color(at, theme) if model in report.hull or not report.hull else MUTED[theme]
        for at, model in enumerate(report.models)
    }


def _curved(report: Report) -> list[Row]:
    """The rows with a curve, the random mix first."""
    return sorted((row for row in report.rows if row.curve), key=lambda row: row.kind != "mix")


def _point(row: Row, color: str) -> dict[str, Any]:
    """One row of the report as the chart wants it, in dollars per 1,000 prompts."""
    assert row.cost_usd is not None
    cost, accuracy = row.cost_usd, row.accuracy
    fixed = row.kind == "fixed"
    return {
        "name": row.name, "label": row.label, "kind": row.kind, "color": color,
        "fill": color if fixed else "transparent", "shape": _SHAPES[row.kind], "size": 110 if fixed else 90,
        "cost": 1000 * cost.value, "cheap": 1000 * cost.low, "dear": 1000 * cost.high,
        "accuracy": accuracy.value, "low": accuracy.low, "high": accuracy.high,
        "said": f"{share(accuracy.value)} ({100 * accuracy.low:.1f} to {100 * accuracy.high:.1f})",
        "paid": _span(cost),
    }  # fmt: skip


def _span(cost: Estimate) -> str:
    value, low, high = (dollars(1000 * one) for one in (cost.value, cost.low, cost.high))
    return f"{value} ({low} to {high})"


def _domain(
    rows: Sequence[Mapping[str, Any]], curves: Sequence[Mapping[str, Any]], name: str, zero: bool = False
) -> list[float]:
    """From the least to the most that is drawn, with a little room."""
    ends = ("cheap", "dear") if name == "cost" else ("low", "high")
    drawn = [row[end] for row in rows for end in ends] + [one[name] for one in curves]
    low, high = (0.0 if zero else min(drawn)), max(drawn)
    room = 0.06 * (high - low) or 0.01
    return [low if zero else low - room, high + room]


def _labels(
    rows: Sequence[dict[str, Any]],
    hull: Sequence[dict[str, Any]],
    curves: Sequence[dict[str, Any]],
    x_domain: Sequence[float],
    y_domain: Sequence[float],
) -> list[dict[str, Any]]:
    """What is written where: fixed models first, then routers; a ranking's name stands by its curve."""

    def part(cost: float, accuracy: float) -> tuple[float, float]:
        return (
            (cost - x_domain[0]) / (x_domain[1] - x_domain[0]),
            (y_domain[1] - accuracy) / (y_domain[1] - y_domain[0]),
        )

    middles = {one["label"]: one for one in curves if abs(one["share"] - 0.5) < 0.01 and one["dash"]}
    wanted = [one for one in rows if one["kind"] == "fixed"]
    wanted += [one for one in rows if one["kind"] != "fixed" and one["label"] not in middles]
    wanted += [{**one, "color": None} for one in middles.values()]
    lines: list[Line] = []
    for one in rows:
        if one["kind"] != "mix":
            lines.append((*part(one["cost"], one["low"]), *part(one["cost"], one["high"])))
            lines.append((*part(one["cheap"], one["accuracy"]), *part(one["dear"], one["accuracy"])))
    for path in (hull, *([one for one in curves if one["label"] == label] for label in middles)):
        for start, end in pairwise(path):
            lines.append((*part(start["cost"], start["accuracy"]), *part(end["cost"], end["accuracy"])))
    names = _short([one["label"] for one in wanted])
    labels = [
        Labelling(name, *part(one["cost"], one["accuracy"])) for name, one in zip(names, wanted, strict=True)
    ]
    return [
        {"text": name, "cost": one["cost"], "accuracy": one["accuracy"], "color": one["color"],
         "dx": place.dx, "dy": place.dy, "align": place.align, "far": abs(place.dy) > 20}
        for name, one, place in zip(names, wanted, places(labels, _WIDTHS, HEIGHT, lines), strict=True)
        if place is not None
    ]  # fmt: skip


def _short(labels: Sequence[str]) -> list[str]:
    """Names without what the chart shows anyhow, and without their provider where they stay different."""
    plain = list(labels)
    for tail in _TAILS:
        plain = [label.removesuffix(tail) for label in plain]
    bare = [label.rsplit("/", 1)[-1] for label in plain]
    return [short if bare.count(short) == 1 else label for short, label in zip(bare, plain, strict=True)]


def _written(labelled: Sequence[dict[str, Any]], x: alt.X, y: alt.Y, color: alt.Color, theme: Theme) -> list[Any]:
    """The labels, and a thin line from a point to a label that stands far from it."""
    import altair as alt
    import pandas as pd

    values = [{**one, "color": one["color"] or ACCENT[theme]} for one in labelled]
    base = alt.Chart(pd.DataFrame(values))
    leader = (
        base.transform_filter("datum.far")
        .mark_rule(
            strokeWidth=0.75,
            opacity=0.7,
            x2Offset=alt.expr("datum.dx"),
            y2Offset=alt.expr("datum.dy > 0 ? datum.dy - 6 : datum.dy + 6"),
        )
        .encode(x=x, y=y, x2="cost:Q", y2="accuracy:Q", color=color)
    )
    where: dict[str, Any] = {"align": alt.expr("datum.align"), "dx": alt.expr("datum.dx")}
    where |= {"dy": alt.expr("datum.dy"), "baseline": "middle", "fontSize": 12}
    halo = base.mark_text(stroke=BACKGROUND[theme], strokeWidth=4, strokeJoin="round", **where)
    text = base.mark_text(**where)
    return [leader, *(one.encode(x=x, y=y, text="text:N", color=color) for one in (halo, text))]
