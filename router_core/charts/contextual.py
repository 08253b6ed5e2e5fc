"""The chart of what each feature is worth to the contextual router."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import ceil, exp, floor, log10

from router_core.charts.common import MUTED, Spec, Theme, blank, filled, legend_columns, model_scale
from router_core.views.contextual import Weight, step_of

_KEPT = 64
_DECADES = 4  # up to so many powers of ten each has three ticks
_AROUND = 180  # pixels of legend, axis and title, which the height of a chart holds too


def weights_chart(rows: Sequence[Weight], arms: Mapping[str, str], theme: Theme) -> Spec:
    """Odds of a good answer against the first rated model's, a point and its 95 % per feature; above 1: the other.

    Args:
        rows: at least one.
        arms: arm id -> label, cheap to strong.
        theme: for the colours.
    """
    import pandas as pd

    table = pd.DataFrame(
        [
            (
                step_of(row, arms),
                arms[row.towards],
                exp(row.difference),
                exp(row.low),
                exp(row.high),
                place,
            )
            for place, row in enumerate(rows)
        ],
        columns=["feature", "towards", "odds", "low", "high", "place"],
    )
    ticks = odds_ticks(min(1.0, table["low"].min()), max(1.0, table["high"].max()))
    others = {row.arm for row in rows}
    other = arms[rows[0].arm] if len(others) == 1 else "each model"
    title = f"odds of a good answer, {other} against {arms[rows[0].against]}"
    return filled(_weights(tuple(arms.items()), title, len(rows), ticks, theme), table)


def odds_ticks(low: float, high: float) -> tuple[float, ...]:
    """Round odds from at most ``low`` to at least ``high``: 1, 2, 5 of every power of ten; of many 1 alone."""
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    steps = (1, 2, 5) if len(powers) <= _DECADES else (1,)
    marks = [float(f"{step}e{power}") for power in powers for step in steps]
    first = max(place for place, mark in enumerate(marks) if mark <= low)
    last = min(place for place, mark in enumerate(marks) if mark >= high)
    return tuple(marks[first : max(last, first + 1) + 1])


@lru_cache(_KEPT)
def _weights(
    arms: tuple[tuple[str, str], ...], title: str, rows: int, ticks: tuple[float, ...], theme: Theme
) -> Spec:
    import altair as alt

    scale = alt.Scale(type="log", nice=False, domain=[ticks[0], ticks[-1]])
    names = alt.Y(
        "feature:N",
        title=None,
        sort=alt.EncodingSortField("place", order="ascending"),
        axis=alt.Axis(labelLimit=260),
    )
    model = alt.Color(
        "towards:N",
        scale=model_scale(dict(arms), theme),
        legend=alt.Legend(
            orient="top",
            title="speaks for",
            symbolType="square",
            symbolOpacity=1,
            columns=legend_columns(list(dict(arms).values())),
        ),
    )
    said = [
        alt.Tooltip("feature:N"),
        alt.Tooltip("towards:N", title="speaks for"),
        alt.Tooltip("odds:Q", title="odds, times", format=".3"),
        alt.Tooltip("low:Q", title="2.5 %", format=".3"),
        alt.Tooltip("high:Q", title="97.5 %", format=".3"),
    ]
    base = blank().encode(y=names, color=model, tooltip=said)
    whole = alt.X(
        "low:Q", title=title, scale=scale, axis=alt.Axis(format="~g", values=list(ticks), titleAnchor="end")
    )
    interval = base.mark_rule(strokeWidth=3, opacity=0.55).encode(x=whole, x2="high:Q")
    point = base.mark_point(filled=True, size=70, opacity=1).encode(x=alt.X("odds:Q", scale=scale))
    even = blank().mark_rule(color=MUTED[theme], strokeDash=[3, 3]).encode(x=alt.XDatum(1, scale=scale))
    return dict((even + interval + point).properties(height=_AROUND + 30 * rows).to_dict())
