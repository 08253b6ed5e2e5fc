"""The charts of the costs page: table in, Vega-Lite specification out.

Models keep their colours (charts.py). Routers are told apart by the dash of a line, for colour belongs to models.
Leaves out reading data (analytics.py) and the tables shown behind the charts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from router_core.charts import ACCENT, Theme, model_color

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

_HEIGHT: Final = 210
Spec = dict[str, Any]


def spend_chart(by_time: pd.DataFrame, cheap: str, strong: str, theme: Theme) -> Spec:
    """Cumulative dollars: actual, and what always asking the cheapest or the strongest model would have cost.

    Args:
        by_time: ``CostReport.by_time``; a column that is unknown is left out.
        cheap: label of the cheapest model.
        strong: label of the strongest model.
        theme: for the colours.
    """
    import altair as alt

    names = {"spent_usd": "actual", "cheap_usd": f"always {cheap} (~)", "strong_usd": f"always {strong} (~)"}
    shown = [name for name in names if not by_time[name].isna().any()]
    running = by_time.set_index("time")[shown].cumsum().rename(columns=names).reset_index()
    table = running.melt("time", var_name="line", value_name="dollars")
    colors = {"spent_usd": ACCENT[theme], "cheap_usd": model_color(0, theme), "strong_usd": model_color(1, theme)}
    scale = alt.Scale(domain=[names[name] for name in shown], range=[colors[name] for name in shown])
    chart = (
        alt.Chart(table)
        .mark_line(interpolate="step-after")
        .encode(
            x=alt.X("time:T", title=None),
            y=alt.Y("dollars:Q", title="dollars, added up", axis=alt.Axis(format="$,~r")),
            color=alt.Color("line:N", scale=scale, legend=alt.Legend(orient="top", title=None)),
            tooltip=["time:T", "line:N", alt.Tooltip("dollars:Q", format="$.4f")],
        )
    )
    return _spec(chart)


def same_prompts_chart(same_prompts: pd.DataFrame, names: Mapping[str, str]) -> Spec:
    """Cumulative dollars of each router on the prompts that several of them decided.

    Args:
        same_prompts: ``CostReport.same_prompts``.
        names: router -> label.
    """
    import altair as alt

    table = same_prompts.pivot_table(index="time", columns="policy", values="cost_usd", aggfunc="sum")
    running = table.fillna(0.0).cumsum().rename(columns=dict(names)).reset_index()
    long = running.melt("time", var_name="router", value_name="dollars")
    dashes = alt.Scale(domain=list(names.values()), range=[[1, 0], [6, 3], [2, 2]])
    chart = (
        alt.Chart(long)
        .mark_line(interpolate="step-after")
        .encode(
            x=alt.X("time:T", title=None),
            y=alt.Y("dollars:Q", title="dollars, added up", axis=alt.Axis(format="$,~r")),
            strokeDash=alt.StrokeDash("router:N", scale=dashes, legend=alt.Legend(orient="top", title=None)),
            tooltip=["time:T", "router:N", alt.Tooltip("dollars:Q", format="$.4f")],
        )
    )
    return _spec(chart)


def split_charts(
    split: pd.DataFrame, arms: Mapping[str, str], names: Mapping[str, str], theme: Theme
) -> dict[str, Spec]:
    """Share of each model in each router's decisions through time: router -> a small chart of its own.

    Args:
        split: ``CostReport.split``.
        arms: arm id -> label, cheap to strong.
        names: router -> label.
        theme: for the colours.
    """
    import altair as alt

    charts = {}
    place = {label: index for index, label in enumerate(arms.values())}
    for policy in names:
        table = split[split["policy"] == policy].assign(
            model=lambda rows: rows["arm"].map(arms).fillna(rows["arm"]),
            place=lambda rows: rows["model"].map(place).fillna(len(place)),
        )
        if not len(table):
            continue
        chart = (
            alt.Chart(table[["time", "model", "requests", "place"]])
            .mark_area(interpolate="step-after")
            .encode(
                x=alt.X("time:T", title=None, axis=alt.Axis(tickCount=4)),
                y=alt.Y(
                    "requests:Q", stack="normalize", title=None, axis=alt.Axis(format="%", values=[0, 0.5, 1])
                ),
                color=alt.Color("model:N", scale=_models(arms, theme), legend=None),
                order=alt.Order("place:Q"),
                tooltip=["time:T", "model:N", alt.Tooltip("requests:Q", format=",")],
            )
        )
        charts[policy] = dict(chart.properties(height=96).to_dict())
    return charts


def per_call_chart(per_call: pd.DataFrame, arms: Mapping[str, str], theme: Theme) -> Spec:
    """How many calls cost how much, on a logarithmic scale, per model."""
    import altair as alt

    table = per_call.assign(model=per_call["arm"].map(arms).fillna(per_call["arm"]))
    chart = (
        alt.Chart(table)
        .mark_bar(opacity=0.75, orient="vertical")
        .encode(
            x=alt.X(
                "from_usd:Q", scale=alt.Scale(type="log"), title="dollars a call", axis=alt.Axis(format="$,~r")
            ),
            x2="to_usd:Q",
            y=alt.Y("calls:Q", title="calls", stack=None),
            color=alt.Color("model:N", scale=_models(arms, theme), legend=alt.Legend(orient="top", title=None)),
            tooltip=["model:N", alt.Tooltip("from_usd:Q", format="$.2e"), alt.Tooltip("calls:Q", format=",")],
        )
    )
    return _spec(chart)


def latency_chart(latency: pd.DataFrame, arms: Mapping[str, str], theme: Theme) -> Spec:
    """Median (dot) to 95th percentile (end of the line) of the first word and of the whole answer, per model."""
    import altair as alt

    table = latency.assign(model=latency["arm"].map(arms).fillna(latency["arm"])).drop(columns="arm")
    table["row"] = table["model"] + ", " + table["measure"]
    base = alt.Chart(table).encode(
        x=alt.X("p50_ms:Q", title="milliseconds: median to 95th percentile"),
        y=alt.Y("row:N", title=None, sort=list(table["row"]), axis=alt.Axis(labelLimit=150)),
        color=alt.Color("model:N", scale=_models(arms, theme), legend=None),
        tooltip=[
            alt.Tooltip("row:N"),
            alt.Tooltip("p50_ms:Q", format=",.0f"),
            alt.Tooltip("p95_ms:Q", format=",.0f"),
        ],
    )
    lines = base.mark_rule(strokeWidth=3, opacity=0.5).encode(x2="p95_ms:Q")
    chart = lines + base.mark_point(filled=True, size=80, opacity=1)
    return dict(chart.properties(height=_HEIGHT).to_dict())


def _models(arms: Mapping[str, str], theme: Theme) -> alt.Scale:
    import altair as alt

    labels = list(arms.values())
    return alt.Scale(domain=labels, range=[model_color(index, theme) for index in range(len(labels))])


def _spec(chart: alt.Chart) -> Spec:
    return dict(chart.properties(height=_HEIGHT).to_dict())
