"""The charts of the costs page: table in, Vega-Lite specification out.

Models keep their colours (charts.py). Routers differ by the dash of a line, for colour belongs to
models. What a chart looks like is built and checked once and remembered; each call only fills its rows in
(building takes ten times as long). Does not cover reading data (views/costs.py) and the tables shown behind the
charts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Any, Final

from router_core.charts.common import (
    ACCENT,
    DASHED,
    Spec,
    Theme,
    blank,
    filled,
    labelled,
    legend_columns,
    model_color,
    model_scale,
    time_x,
)
from router_core.registry import POLICIES
from router_core.views.costs import CHEAP, STRONG
from router_core.views.filters import View

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

_HEIGHT: Final = 280
_SECONDS_FROM_MS: Final = 10_000
_KEPT: Final = 64
_SOLID: Final = (1, 0)
_Line = tuple[str, str, tuple[int, ...]]  # label, colour, dash


def spend_chart(
    by_time: pd.DataFrame, view: View, ends: tuple[str, str], arms: Mapping[str, str], theme: Theme
) -> Spec:
    """Cumulative dollars: actual, and what always asking the cheapest or the strongest model would have cost,
    on the requests of which all of that is known.

    Args:
        by_time: ``CostReport.by_time``; a column that is unknown is left out.
        view: the part of the log.
        ends: what the cheapest and the strongest model are called here.
        arms: arm id -> label, cheap to strong.
        theme: for the colours.
    """
    import pandas as pd

    names = {
        "referenced_usd": "actual",
        "cheap_usd": f"always {ends[0]} (~)",
        "strong_usd": f"always {ends[1]} (~)",
    }
    colors = dict(zip(names, (ACCENT[theme], *_end_colors(arms, theme)), strict=True))
    shown = [name for name in names if not by_time[name].isna().any()]
    added = by_time[shown].cumsum().assign(time=by_time["ends"])
    begin = pd.DataFrame({"time": [_begin(by_time, view)], **dict.fromkeys(shown, 0.0)})[: len(by_time)]
    running = pd.concat([begin, added], ignore_index=True).rename(columns=names)
    table = running.melt("time", var_name="line", value_name="dollars")
    lines = tuple((names[name], colors[name], _SOLID) for name in shown)
    return filled(_added_up(lines, view.since, view.until), table)


def _begin(table: pd.DataFrame, view: View) -> pd.Timestamp:
    """Where its first step begins, or the view in the middle of it: left of that there is no room."""
    import pandas as pd

    return max(table["time"].min(), pd.Timestamp(view.since).tz_convert(None))


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
    names = {**routers, CHEAP: f"always {ends[0]} (~)", STRONG: f"always {ends[1]} (~)"}
    looks = {name: (ACCENT[theme], POLICIES[name].dash) for name in routers}
    looks |= {name: (color, _SOLID) for name, color in zip((CHEAP, STRONG), _end_colors(arms, theme), strict=True)}
    table = same_prompts.pivot_table(index="ends", columns="line", values="cost_usd", aggfunc="sum").fillna(0.0)
    shown = [name for name in names if name in table.columns]
    table.loc[_begin(same_prompts, view)] = 0.0
    running = table[shown].sort_index().cumsum().rename(columns=names).rename_axis("time").reset_index()
    lines = tuple((names[name], *looks[name]) for name in shown)
    long = running.melt("time", var_name="line", value_name="dollars")
    return filled(_added_up(lines, view.since, view.until), long)


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
    order = {label: index for index, label in enumerate(arms.values())}
    table = split.assign(model=labelled(split["arm"], arms))
    table["place"] = table["model"].map(order).fillna(len(order))
    table = table.sort_values(["time", "place", "model"])
    by = table.groupby(["policy", "time"])["requests"]
    table["share"] = table["requests"] / by.transform("sum")
    table["to"] = by.cumsum() / by.transform("sum")
    table["from"] = table["to"] - table["share"]
    look = _split(tuple(arms.items()), tuple(sorted(set(table["model"]))), view.since, view.until, theme)
    columns = ["time", "ends", "model", "requests", "share", "from", "to"]
    rows = {policy: table[table["policy"] == policy][columns] for policy in routers}
    return {policy: filled(look, _spanning(own, view)) for policy, own in rows.items() if len(own)}


def _spanning(rows: pd.DataFrame, view: View) -> pd.DataFrame:
    """The rows, and one of no height at each end of the view, so that all routers have the same axis."""
    import pandas as pd

    at = [moment.replace(tzinfo=None) for moment in (view.since, view.until)]
    edge = {"model": rows["model"].iloc[0], "requests": 0, "share": 0.0, "from": 0.0, "to": 0.0}
    return pd.concat([rows, pd.DataFrame({"time": at, "ends": at, **edge})], ignore_index=True)


def per_call_chart(per_call: pd.DataFrame, arms: Mapping[str, str], theme: Theme) -> Spec:
    """How many calls cost how much, on a logarithmic scale, per model."""
    table = per_call.assign(model=labelled(per_call["arm"], arms)).drop(columns="arm")
    low, high = (table["from_usd"].min(), table["to_usd"].max()) if len(table) else (1e-6, 1.0)
    powers = floor(log10(low) + 1e-9), ceil(log10(high) - 1e-9)
    return filled(_per_call(tuple(arms.items()), tuple(sorted(set(table["model"]))), powers, theme), table)


def latency_chart(latency: pd.DataFrame, arms: Mapping[str, str], theme: Theme) -> Spec:
    """Median (dot) to 95th percentile (end of the line) of the first word and of the whole answer, per model."""
    order = {label: index for index, label in enumerate(arms.values())}
    table = latency.assign(model=labelled(latency["arm"], arms))
    table["place"] = table["model"].map(order).fillna(len(order))
    table = table.sort_values(["place", "model", "measure"])
    table["row"] = table["model"] + ", " + table["measure"]
    present = tuple(sorted(set(table["model"])))
    color = ("model", tuple(arms.items()), present, theme)
    return _spans(table, color, "linear", "median (dot) to 95th percentile")


def deciding_time_chart(deciding: pd.DataFrame, routers: Mapping[str, str], theme: Theme) -> Spec:
    """Median (dot) to 95th percentile (end of the line) of what each router took to decide, on a log scale."""
    order = {name: index for index, name in enumerate(routers)}
    table = deciding[deciding["p50_ms"] > 0].assign(row=deciding["policy"].map(dict(routers)))
    table = table.sort_values("policy", key=lambda policy: policy.map(order))
    return _spans(table, ACCENT[theme], "log", "median (dot) to 95th percentile, log scale")


def deciding_cost_chart(
    deciding: pd.DataFrame, routers: Mapping[str, str], words: Sequence[str], theme: Theme
) -> Spec:
    """What deciding cost each router in all; ``words`` (one per row of ``deciding``) stand at the bars."""
    table = deciding[["policy", "deciding_usd"]].assign(
        router=deciding["policy"].map(dict(routers)), words=list(words)
    )
    longest = float(table["deciding_usd"].max()) if len(table) else 0.0
    return filled(_bars(tuple(routers.values()), len(table), _round_up(2.0 * longest), theme), table)


def _round_up(amount: float) -> float:
    """The next of 1, 2, 5, 10, 20, ...: an end of an axis that stays where it is for a while."""
    if amount <= 0:
        return 1e-6
    power = 10.0 ** floor(log10(amount))
    return next(step * power for step in (1, 2, 5, 10, 20) if step * power >= amount)


@lru_cache(_KEPT)
def _added_up(lines: tuple[_Line, ...], since: datetime, until: datetime) -> Spec:
    """Lines of dollars added up."""
    import altair as alt

    labels = [label for label, _, _ in lines]
    colors = alt.Scale(domain=labels, range=[color for _, color, _ in lines])
    looks = DASHED if any(dash != _SOLID for _, _, dash in lines) else {}
    dashes = alt.Scale(domain=labels, range=[list(dash) for _, _, dash in lines])
    chart = (
        blank()
        .mark_line(interpolate="linear", strokeWidth=2)
        .encode(
            x=time_x(since, until),
            y=alt.Y("dollars:Q", title="dollars, added up", axis=alt.Axis(format="$,~r", tickCount=5)),
            color=alt.Color("line:N", scale=colors, legend=_legend(labels, **looks)),
            strokeDash=alt.StrokeDash("line:N", scale=dashes, legend=_legend(labels, **looks)),
            tooltip=[_when(), "line:N", alt.Tooltip("dollars:Q", format="$,.4~r")],
        )
    )
    height = _HEIGHT + 22 * max(0, len(labels) - 3)  # many entries stand below each other on a narrow screen
    return dict(chart.properties(height=height).to_dict())


@lru_cache(_KEPT)
def _split(
    arms: tuple[tuple[str, str], ...], present: tuple[str, ...], since: datetime, until: datetime, theme: Theme
) -> Spec:
    """Shares of 100 % through time."""
    import altair as alt

    chart = (
        blank()
        .mark_rect()
        .encode(
            x=time_x(since, until, whole=False),
            x2="ends:T",
            y=alt.Y("from:Q", title=None, axis=alt.Axis(format="%", values=[0, 0.5, 1], grid=False)),
            y2="to:Q",
            color=alt.Color("model:N", scale=model_scale(dict(arms), theme, present), legend=None),
            tooltip=[
                _when(),
                "model:N",
                alt.Tooltip("share:Q", format=".1%"),
                alt.Tooltip("requests:Q", format=","),
            ],
        )
    )
    return dict(chart.properties(height=120).to_dict())  # the page names the models in their colours


@lru_cache(_KEPT)
def _per_call(
    arms: tuple[tuple[str, str], ...], present: tuple[str, ...], powers: tuple[int, int], theme: Theme
) -> Spec:
    """A histogram over powers of ten."""
    import altair as alt

    ticks = [10.0**power for power in range(powers[0], powers[1] + 1)]
    labels = list(dict.fromkeys([*dict(arms).values(), *present]))
    chart = (
        blank()
        .mark_bar(opacity=0.75, orient="vertical")
        .encode(
            x=alt.X(
                "from_usd:Q",
                scale=alt.Scale(type="log", domain=[ticks[0], ticks[-1]], nice=False),
                title="dollars a call",
                axis=alt.Axis(format="$,~r", values=ticks, grid=False),
            ),
            x2="to_usd:Q",
            y=alt.Y("calls:Q", title="calls", stack=None),
            color=alt.Color("model:N", scale=model_scale(dict(arms), theme, present), legend=_legend(labels)),
            tooltip=[
                "model:N",
                alt.Tooltip("from_usd:Q", title="from", format="$,.2~r"),
                alt.Tooltip("to_usd:Q", title="to", format="$,.2~r"),
                alt.Tooltip("calls:Q", format=","),
            ],
        )
    )
    return dict(chart.properties(height=_HEIGHT).to_dict())


def _spans(table: pd.DataFrame, color: Any, scale: str, words: str) -> Spec:
    """A row per ``row``: a dot at the median, a line to the 95th percentile; in milliseconds or seconds."""
    longest = float(table["p95_ms"].max()) if len(table) else 0.0
    unit, per = ("seconds", 1000.0) if longest > _SECONDS_FROM_MS else ("milliseconds", 1.0)
    shown = table.assign(p50=table["p50_ms"] / per, p95=table["p95_ms"] / per)
    columns = ["row", "p50", "p95", *(["model"] if "model" in shown else [])]
    return filled(_span_look(tuple(shown["row"]), color, scale, unit, words), shown[columns])


@lru_cache(_KEPT)
def _span_look(rows: tuple[str, ...], color: Any, scale: Any, unit: str, words: str) -> Spec:
    import altair as alt

    chosen = (
        alt.value(color)
        if isinstance(color, str)
        else alt.Color("model:N", scale=model_scale(dict(color[1]), color[3], color[2]), legend=None)
    )
    base = blank().encode(
        x=alt.X(
            "p50:Q",
            title=f"{unit}: {words}",
            scale=alt.Scale(type=scale),
            axis=alt.Axis(tickCount=5, format=",~r", grid=True),
        ),
        y=alt.Y("row:N", title=None, sort=list(rows), axis=alt.Axis(labelLimit=190)),
        color=chosen,
        tooltip=[
            alt.Tooltip("row:N", title="of"),
            alt.Tooltip("p50:Q", title=f"median, {unit}", format=",.3~r"),
            alt.Tooltip("p95:Q", title=f"95th percentile, {unit}", format=",.3~r"),
        ],
    )
    lines = base.mark_rule(strokeWidth=3, opacity=0.5).encode(x2="p95:Q")
    chart = lines + base.mark_point(filled=True, size=80, opacity=1)
    return dict(chart.properties(height=_rows_height(len(rows))).to_dict())


@lru_cache(_KEPT)
def _bars(routers: tuple[str, ...], rows: int, room: float, theme: Theme) -> Spec:
    """A bar per router with words behind it."""
    import altair as alt

    base = blank().encode(
        x=alt.X(
            "deciding_usd:Q",
            title="dollars for deciding, in all",
            axis=alt.Axis(format="$,~r", tickCount=4, grid=False),
            scale=alt.Scale(domain=[0, room], nice=False),
        ),
        y=alt.Y("router:N", title=None, sort=list(routers), axis=alt.Axis(labelLimit=150)),
        tooltip=["router:N", "words:N"],
    )
    text = base.mark_text(align="left", dx=6, color=ACCENT[theme]).encode(text="words:N")
    chart = base.mark_bar(size=18, color=ACCENT[theme], opacity=0.6) + text
    return dict(chart.properties(height=_rows_height(rows)).to_dict())


def _rows_height(rows: int) -> int:
    return 70 + 36 * max(1, rows)


def _end_colors(arms: Mapping[str, str], theme: Theme) -> tuple[str, str]:
    return model_color(0, theme), model_color(max(1, len(arms) - 1), theme)


def _when() -> alt.Tooltip:
    import altair as alt

    return alt.Tooltip("time:T", title="UTC", format="%-d %b %H:%M")


def _legend(labels: Sequence[str], **looks: Any) -> alt.Legend:
    import altair as alt

    columns = legend_columns(labels, 3 if len(labels) <= 3 else 2, symbol=34 if looks else 24, limit=200)
    return alt.Legend(orient="top", title=None, labelLimit=200, columns=columns, **looks)
