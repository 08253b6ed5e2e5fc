"""The charts of the learning page: table in, Vega-Lite specification out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from router_core.charts.common import (
    OTHER_COLOR,
    Spec,
    Theme,
    blank,
    filled,
    labelled,
    legend_columns,
    model_scale,
    time_x,
)
from router_core.views.learning import ArmSplit

if TYPE_CHECKING:
    import pandas as pd

_PARTS = {"learned": "learned", "explored": "always explored", "starting": "starting weights"}
_OPACITY = (1.0, 0.6, 0.3)
_KEPT = 64
_Arms = tuple[tuple[str, str], ...]


def through_time_chart(table: pd.DataFrame, arms: Mapping[str, str], theme: Theme) -> Spec:
    """Posterior mean and 95 % band per model through time, the outcomes as marks whose size is their number.

    Args:
        table: ``learning_view.posterior_through_time``, with at least one row.
        arms: arm id -> label, cheap to strong.
        theme: for the colours.
    """
    rows = table.assign(model=labelled(table["arm"], arms), rate=table["good"] / table["judged"])
    first, last = table["time"].min().to_pydatetime(), table["time"].max().to_pydatetime()
    look = _through_time(tuple(arms.items()), tuple(sorted(set(rows["model"]))), first, last, theme)
    return filled(look, rows.drop(columns="arm"))


@lru_cache(_KEPT)
def _through_time(arms: _Arms, present: tuple[str, ...], first: datetime, last: datetime, theme: Theme) -> Spec:
    import altair as alt

    model = alt.Color(
        "model:N",
        scale=model_scale(dict(arms), theme, present),
        legend=alt.Legend(
            orient="top",
            title=None,
            symbolType="square",
            symbolOpacity=1,
            columns=legend_columns(list(dict.fromkeys([*dict(arms).values(), *present]))),
        ),
    )
    said = [
        alt.Tooltip("time:T", title="UTC", format="%-d %b %H:%M"),
        alt.Tooltip("model:N"),
        alt.Tooltip("mean:Q", title="expected", format=".1%"),
        alt.Tooltip("low:Q", title="2.5 %", format=".1%"),
        alt.Tooltip("high:Q", title="97.5 %", format=".1%"),
        alt.Tooltip("judged:Q", title="ratings then", format=","),
        alt.Tooltip("rate:Q", title="good of those", format=".0%"),
    ]
    base = blank().encode(x=time_x(first, last), color=model)
    share = alt.Y("mean:Q", title="share of good answers", scale=alt.Scale(zero=False), axis=alt.Axis(format="%"))
    band = base.mark_area(opacity=0.18).encode(y=alt.Y("low:Q", title="share of good answers"), y2="high:Q")
    line = base.mark_line(strokeWidth=2).encode(y=share)
    marks = base.mark_point(filled=True, opacity=0.4).encode(
        y="rate:Q", size=alt.Size("judged:Q", legend=None, scale=alt.Scale(range=[10, 90])), tooltip=said
    )
    return dict((band + line + marks).properties(height=300).to_dict())


def split_parts_chart(rows: Sequence[ArmSplit], arms: Mapping[str, str], theme: Theme) -> Spec:
    """Each model's share of the traffic as one bar: what is learned, explored, and left of starting weights."""
    import pandas as pd

    table = pd.DataFrame(
        [
            (arms[row.arm], label, max(0.0, getattr(row, name)), place)
            for row in rows
            for place, (name, label) in enumerate(_PARTS.items())
        ],
        columns=["model", "part", "share", "place"],
    )
    return filled(_split_parts(tuple(arms.items()), len(rows), theme), table)


@lru_cache(_KEPT)
def _split_parts(arms: _Arms, rows: int, theme: Theme) -> Spec:
    import altair as alt

    parts = list(_PARTS.values())
    legend = alt.Legend(
        orient="top",
        title=None,
        symbolFillColor=OTHER_COLOR[theme],
        symbolStrokeWidth=0,
        columns=legend_columns(parts),
    )
    chart = (
        blank()
        .mark_bar(size=22)
        .encode(
            x=alt.X(
                "share:Q", title="share of the traffic", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])
            ),
            y=alt.Y("model:N", title=None, sort=[label for _, label in arms]),
            color=alt.Color("model:N", scale=model_scale(dict(arms), theme), legend=None),
            opacity=alt.Opacity(
                "part:O", sort=parts, scale=alt.Scale(domain=parts, range=list(_OPACITY)), legend=legend
            ),
            order=alt.Order("place:Q"),
            tooltip=["model:N", "part:O", alt.Tooltip("share:Q", format=".1%")],
        )
    )
    return dict(chart.properties(height=120 + 36 * rows).to_dict())
