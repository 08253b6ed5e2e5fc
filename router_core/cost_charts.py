"""The charts of the costs page: table in, Vega-Lite specification out.

Models keep their colours (charts.py). Routers are told apart by the dash of a line, for colour belongs to models.
Leaves out reading data (costing.py) and the tables shown behind the charts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from router_core.analytics import View
from router_core.charts import ACCENT, Theme, model_color, model_scale, time_x
from router_core.costing import CHEAP, STRONG

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

_HEIGHT: Final = 280
_SECONDS_FROM_MS: Final = 10_000
Spec = dict[str, Any]


def spend_chart(
    by_time: pd.DataFrame, view: View, ends: tuple[str, str], arms: Mapping[str, str], theme: Theme
) -> Spec:
    """Cumulative dollars: actual, and what always asking the cheapest or the strongest model would have cost.

    Args:
        by_time: ``CostReport.by_time``; a column that is unknown is left out.
        view: the part of the log.
        ends: what the cheapest and the strongest model are called here.
        arms: arm id -> label, cheap to strong.
        theme: for the colours.
    """
    import pandas as pd

    names = {"spent_usd": "actual", "cheap_usd": f"always {ends[0]} (~)", "strong_usd": f"always {ends[1]} (~)"}
    colors = dict(zip(names, (ACCENT[theme], *_end_colors(arms, theme)), strict=True))
    shown = [name for name in names if not by_time[name].isna().any()]
    added = by_time[shown].cumsum().assign(time=by_time["ends"])
    begin = pd.DataFrame({"time": by_time["time"].head(1), **dict.fromkeys(shown, 0.0)})
    running = pd.concat([begin, added], ignore_index=True).rename(columns=names)
    table = running.melt("time", var_name="line", value_name="dollars")
    lines = {names[name]: (colors[name], [1, 0]) for name in shown}
    return _added_up(table, view, lines)


def same_prompts_chart(
    same_prompts: pd.DataFrame,
    view: View,
    routers: Mapping[str, str],
    ends: tuple[str, str],
    arms: Mapping[str, str],
    theme: Theme,
) -> Spec:
    """Cumulative dollars of each router, and of always asking one model, on the prompts that all of them decided.

    Args:
        same_prompts: ``CostReport.same_prompts``.
        view: the part of the log.
        routers: router -> label.
        ends: what the cheapest and the strongest model are called here.
        arms: arm id -> label, cheap to strong.
        theme: for the colours.
    """
    import pandas as pd

    names = {**routers, CHEAP: f"always {ends[0]} (~)", STRONG: f"always {ends[1]} (~)"}
    looks = dict(zip(routers, ((ACCENT[theme], dash) for dash in ([1, 0], [7, 3], [2, 2])), strict=False))
    looks |= {name: (color, [1, 0]) for name, color in zip((CHEAP, STRONG), _end_colors(arms, theme), strict=True)}
    table = same_prompts.pivot_table(index="ends", columns="line", values="cost_usd", aggfunc="sum").fillna(0.0)
    shown = [name for name in names if name in table.columns]
    table.loc[same_prompts["time"].min()] = 0.0
    running = table[shown].sort_index().cumsum().rename(columns=names).rename_axis("time").reset_index()
    long = pd.DataFrame(running.melt("time", var_name="line", value_name="dollars"))
    return _added_up(long, view, {names[name]: looks.get(name, (ACCENT[theme], [4, 1])) for name in shown})


def split_charts(
    split: pd.DataFrame, view: View, arms: Mapping[str, str], routers: Mapping[str, str], theme: Theme
) -> dict[str, Spec]:
    """Share of each model in each router's decisions through time, stacked: router -> a small chart of its own.

    Args:
        split: ``CostReport.split``.
        view: the part of the log.
        arms: arm id -> label, cheap to strong.
        routers: router -> label.
        theme: for the colours.
    """
    import altair as alt

    charts = {}
    order = {label: index for index, label in enumerate(arms.values())}
    table = split.assign(model=_labels(split, arms))
    table = table.assign(place=table["model"].map(order).fillna(len(order))).sort_values(
        ["time", "place", "model"]
    )
    by = table.groupby(["policy", "time"])["requests"]
    table["share"] = table["requests"] / by.transform("sum")
    table["to"] = by.cumsum() / by.transform("sum")
    table["from"] = table["to"] - table["share"]
    scale = model_scale(arms, theme, table["model"])
    for policy in routers:
        rows = table[table["policy"] == policy][["time", "ends", "model", "requests", "share", "from", "to"]]
        if not len(rows):
            continue
        chart = (
            alt.Chart(_spanning(rows, view))
            .mark_rect()
            .encode(
                x=time_x(view.since, view.until, whole=False),
                x2="ends:T",
                y=alt.Y("from:Q", title=None, axis=alt.Axis(format="%", values=[0, 0.5, 1], grid=False)),
                y2="to:Q",
                color=alt.Color("model:N", scale=scale, legend=None),  # the page names the models in their colours
                tooltip=[
                    _when("time"),
                    alt.Tooltip("model:N"),
                    alt.Tooltip("share:Q", format=".1%"),
                    alt.Tooltip("requests:Q", format=","),
                ],
            )
        )
        charts[policy] = dict(chart.properties(height=120).to_dict())
    return charts


def _spanning(rows: pd.DataFrame, view: View) -> pd.DataFrame:
    """The rows, and one of no height at each end of the view, so that all routers have the same axis."""
    import pandas as pd

    at = [moment.replace(tzinfo=None) for moment in (view.since, view.until)]
    edge = {"model": rows["model"].iloc[0], "requests": 0, "share": 0.0, "from": 0.0, "to": 0.0}
    return pd.concat([rows, pd.DataFrame({"time": at, "ends": at, **edge})], ignore_index=True)


def per_call_chart(per_call: pd.DataFrame, arms: Mapping[str, str], theme: Theme) -> Spec:
    """How many calls cost how much, on a logarithmic scale, per model."""
    import altair as alt
    import numpy as np

    table = per_call.assign(model=_labels(per_call, arms))
    low, high = (float(table["from_usd"].min()), float(table["to_usd"].max())) if len(table) else (1e-6, 1.0)
    powers = [10.0**power for power in range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)]
    axis = alt.Axis(format="$,~r", values=powers, grid=False)
    chart = (
        alt.Chart(table)
        .mark_bar(opacity=0.75, orient="vertical")
        .encode(
            x=alt.X(
                "from_usd:Q",
                scale=alt.Scale(type="log", domain=[powers[0], powers[-1]], nice=False),
                title="dollars a call",
                axis=axis,
            ),
            x2="to_usd:Q",
            y=alt.Y("calls:Q", title="calls", stack=None),
            color=alt.Color("model:N", scale=model_scale(arms, theme, table["model"]), legend=_legend()),
            tooltip=[
                "model:N",
                alt.Tooltip("from_usd:Q", title="from", format="$,.2~r"),
                alt.Tooltip("to_usd:Q", title="to", format="$,.2~r"),
                alt.Tooltip("calls:Q", format=","),
            ],
        )
    )
    return dict(chart.properties(height=_HEIGHT).to_dict())


def latency_chart(latency: pd.DataFrame, arms: Mapping[str, str], theme: Theme) -> Spec:
    """Median (dot) to 95th percentile (end of the line) of the first word and of the whole answer, per model."""
    import altair as alt

    order = {arm: index for index, arm in enumerate(arms)}
    table = latency.assign(model=_labels(latency, arms))
    table = table.sort_values(["arm", "measure"], key=lambda c: c.map(order) if c.name == "arm" else c)
    table["row"] = table["model"] + ", " + table["measure"]
    scale = model_scale(arms, theme, table["model"])
    return _spans(
        table, alt.Color("model:N", scale=scale, legend=None), alt.Scale(), "median (dot) to 95th percentile"
    )


def deciding_time_chart(deciding: pd.DataFrame, routers: Mapping[str, str], theme: Theme) -> Spec:
    """Median (dot) to 95th percentile (end of the line) of what each router took to decide, on a log scale."""
    import altair as alt

    table = deciding[deciding["p50_ms"] > 0].assign(row=deciding["policy"].map(routers))
    table = table.sort_values("policy", key=lambda c: c.map({name: i for i, name in enumerate(routers)}))
    words = "median (dot) to 95th percentile, log scale"
    return _spans(table, alt.value(ACCENT[theme]), alt.Scale(type="log"), words)


def deciding_cost_chart(
    deciding: pd.DataFrame, routers: Mapping[str, str], words: Sequence[str], theme: Theme
) -> Spec:
    """What deciding cost each router in all; ``words`` (one per row of ``deciding``) stand at the bars."""
    import altair as alt

    table = deciding[["policy", "deciding_usd"]].assign(router=deciding["policy"].map(routers), words=list(words))
    room = max(float(table["deciding_usd"].max()), 1e-9) * 1.9  # the words stand behind the longest bar
    base = alt.Chart(table).encode(
        x=alt.X(
            "deciding_usd:Q",
            title="dollars for deciding, in all",
            axis=alt.Axis(format="$,~r", tickCount=4, grid=False),
            scale=alt.Scale(domain=[0, room], nice=False),
        ),
        y=alt.Y("router:N", title=None, sort=list(routers.values()), axis=alt.Axis(labelLimit=150)),
        tooltip=["router:N", "words:N"],
    )
    text = base.mark_text(align="left", dx=6, color=ACCENT[theme]).encode(text="words:N")
    chart = base.mark_bar(size=18, color=ACCENT[theme], opacity=0.6) + text
    return dict(chart.properties(height=_rows_height(len(table))).to_dict())


def _added_up(table: pd.DataFrame, view: View, lines: Mapping[str, tuple[str, list[int]]]) -> Spec:
    """Lines of dollars added up: label -> (colour, dash)."""
    import altair as alt

    labels = list(lines)
    colors = alt.Scale(domain=labels, range=[color for color, _ in lines.values()])
    dashes = alt.Scale(domain=labels, range=[dash for _, dash in lines.values()])
    chart = (
        alt.Chart(table)
        .mark_line(interpolate="linear", strokeWidth=2)
        .encode(
            x=time_x(view.since, view.until),
            y=alt.Y("dollars:Q", title="dollars, added up", axis=alt.Axis(format="$,~r", tickCount=5)),
            color=alt.Color("line:N", scale=colors, legend=_legend(len(labels))),
            strokeDash=alt.StrokeDash("line:N", scale=dashes, legend=_legend(len(labels))),
            tooltip=[_when("time"), "line:N", alt.Tooltip("dollars:Q", format="$,.4~r")],
        )
    )
    return dict(chart.properties(height=_HEIGHT).to_dict())


def _spans(table: pd.DataFrame, color: Any, scale: alt.Scale, words: str) -> Spec:
    """A row per ``row``: a dot at the median, a line to the 95th percentile; in milliseconds or seconds."""
    import altair as alt

    longest = float(table["p95_ms"].max()) if len(table) else 0.0
    unit, per = ("seconds", 1000.0) if longest > _SECONDS_FROM_MS else ("milliseconds", 1.0)
    shown = table.assign(p50=table["p50_ms"] / per, p95=table["p95_ms"] / per)
    base = alt.Chart(shown).encode(
        x=alt.X(
            "p50:Q", title=f"{unit}: {words}", scale=scale, axis=alt.Axis(tickCount=5, format=",~r", grid=True)
        ),
        y=alt.Y("row:N", title=None, sort=list(shown["row"]), axis=alt.Axis(labelLimit=190)),
        color=color,
        tooltip=[
            alt.Tooltip("row:N", title="of"),
            alt.Tooltip("p50:Q", title=f"median, {unit}", format=",.3~r"),
            alt.Tooltip("p95:Q", title=f"95th percentile, {unit}", format=",.3~r"),
        ],
    )
    chart = base.mark_rule(strokeWidth=3, opacity=0.5).encode(x2="p95:Q") + base.mark_point(
        filled=True, size=80, opacity=1
    )
    return dict(chart.properties(height=_rows_height(len(shown))).to_dict())


def _rows_height(rows: int) -> int:
    return 70 + 36 * max(1, rows)


def _labels(table: pd.DataFrame, arms: Mapping[str, str]) -> Any:
    """The label of each row's arm; the arm itself where the settings no longer have it."""
    return table["arm"].map(dict(arms)).fillna(table["arm"])


def _end_colors(arms: Mapping[str, str], theme: Theme) -> tuple[str, str]:
    return model_color(0, theme), model_color(max(1, len(arms) - 1), theme)


def _when(field: str) -> alt.Tooltip:
    import altair as alt

    return alt.Tooltip(f"{field}:T", title="UTC", format="%-d %b %H:%M")


def _legend(labels: int = 2) -> alt.Legend:
    import altair as alt

    return alt.Legend(orient="top", title=None, labelLimit=200, columns=3 if labels <= 3 else 2)
