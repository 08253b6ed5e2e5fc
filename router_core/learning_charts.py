"""The charts of the learning page: table in, Vega-Lite specification out. Leaves out reading data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from router_core.charts import Theme, model_color
from router_core.learning_view import ArmSplit

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

Spec = dict[str, Any]
_PARTS = {"learned": "learned", "explored": "always explored", "starting": "starting weights"}


def through_time_chart(table: pd.DataFrame, arms: Mapping[str, str], theme: Theme) -> Spec:
    """Posterior mean and 95 % band per model through time, the outcomes as marks whose size is their number.

    Args:
        table: ``learning_view.posterior_through_time``.
        arms: arm id -> label, cheap to strong.
        theme: for the colours.
    """
    import altair as alt

    rows = table[table["arm"].isin(list(arms))].assign(model=lambda one: one["arm"].map(arms))
    rows = rows.assign(rate=rows["good"] / rows["judged"]).drop(columns="arm")
    base = alt.Chart(rows).encode(
        x=alt.X("time:T", title=None),
        color=alt.Color("model:N", scale=_scale(arms, theme), legend=alt.Legend(orient="top", title=None)),
    )
    share = alt.Y("mean:Q", title="share of good answers", scale=alt.Scale(zero=False), axis=alt.Axis(format="%"))
    band = base.mark_area(opacity=0.18).encode(y=alt.Y("low:Q", title="share of good answers"), y2="high:Q")
    line = base.mark_line(strokeWidth=2).encode(y=share)
    marks = base.mark_point(filled=True, opacity=0.35).encode(
        y="rate:Q",
        size=alt.Size("judged:Q", legend=None, scale=alt.Scale(range=[8, 90])),
        tooltip=["time:T", "model:N", "judged:Q", alt.Tooltip("rate:Q", format=".0%")],
    )
    return dict((band + line + marks).properties(height=240).to_dict())


def split_parts_chart(rows: Sequence[ArmSplit], arms: Mapping[str, str], theme: Theme) -> Spec:
    """Each model's share of the traffic as one bar: what is learned, explored, and left of starting weights."""
    import altair as alt
    import pandas as pd

    table = pd.DataFrame(
        [
            (arms[row.arm], label, max(0.0, getattr(row, name)), place)
            for row in rows
            for place, (name, label) in enumerate(_PARTS.items())
        ],
        columns=["model", "part", "share", "place"],
    )
    chart = (
        alt.Chart(table)
        .mark_bar(size=20)
        .encode(
            x=alt.X(
                "share:Q", title="share of the traffic", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])
            ),
            y=alt.Y("model:N", title=None, sort=list(arms.values())),
            color=alt.Color("model:N", scale=_scale(arms, theme), legend=None),
            opacity=alt.Opacity(
                "part:N",
                scale=alt.Scale(domain=list(_PARTS.values()), range=[1.0, 0.55, 0.3]),
                legend=alt.Legend(orient="top", title=None),
            ),
            order=alt.Order("place:Q"),
            tooltip=["model:N", "part:N", alt.Tooltip("share:Q", format=".1%")],
        )
    )
    return dict(chart.properties(height=110 + 34 * len(rows)).to_dict())


def _scale(arms: Mapping[str, str], theme: Theme) -> alt.Scale:
    import altair as alt

    return alt.Scale(domain=list(arms.values()), range=[model_color(index, theme) for index in range(len(arms))])
