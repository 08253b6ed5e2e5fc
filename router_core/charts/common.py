"""Table in, Altair chart out.

Colours belong to models and are the same on every page: ``MODEL_COLORS`` runs from
cheap to strong, distinguishable by colour-blind eyes (after Okabe & Ito 2008), with a variant for dark
backgrounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from router_core.learning.beta import Array, density, interval
from router_core.types import Posterior

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

Theme = Literal["light", "dark"]
Spec = dict[str, Any]
"""A Vega-Lite specification; its rows stand apart, under ``datasets``."""

_ROWS: Final = "rows"

MODEL_COLORS: Final[Mapping[Theme, Sequence[str]]] = {
    "light": ("#0067a3", "#b34700", "#8a3f78", "#00745a", "#7a5c00"),
    "dark": ("#5cb8f0", "#f2994a", "#d993c4", "#3cc9a0", "#e3c34d"),
}
ACCENT: Final[Mapping[Theme, str]] = {"light": "#0b111a", "dark": "#e6eaf0"}
BACKGROUND: Final[Mapping[Theme, str]] = {"light": "#ffffff", "dark": "#12161c"}
MUTED: Final[Mapping[Theme, str]] = {"light": "#5b6675", "dark": "#9aa5b4"}
"""The text's colour, for what belongs to no model; what it stands on; and a quieter one."""
DASHED: Final[Mapping[str, Any]] = {
    "symbolType": "stroke",
    "symbolSize": 784,
    "symbolStrokeWidth": 2,
    "rowPadding": 0,
}
"""Looks of a legend whose lines differ by dash: samples long enough (its root, in pixels) to show two periods."""
BADGES: Final = ("blue", "orange", "violet", "green", "yellow")
"""Names under which .streamlit/config.toml gives widgets the same colours, in the same order."""


def model_color(index: int, theme: Theme) -> str:
    """The colour of the model at this place among its goal's models, cheap to strong."""
    colors = MODEL_COLORS[theme]
    return colors[index % len(colors)]


OTHER_COLOR: Final[Mapping[Theme, str]] = {"light": "#5b6675", "dark": "#9aa5b4"}
"""Of a model that is in the log and no longer in the settings."""

_TICKS: Final = 8
_HOUR: Final = timedelta(hours=1)
_STEPS: Final = (
    *(timedelta(minutes=count) for count in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=count) for count in (1, 2, 3, 6, 12)),
    *(timedelta(days=count) for count in (1, 2, 7, 14, 28, 91, 182, 364)),
)


_LETTER: Final = 7  # pixels, on average, of a legend's letters


def legend_columns(labels: Sequence[str], most: int = 9, *, symbol: int = 24, limit: int = 160) -> alt.ExprRef:
    """So many entries of a legend side by side, fewer where they have no room: Vega would cut the last ones off.

    Args:
        labels: of the entries, in order.
        most: entries side by side.
        symbol: pixels of what stands before a label, and between entries.
        limit: pixels from which a label is shortened.
    """
    import altair as alt

    widths = [min(limit, _LETTER * len(label)) + symbol for label in labels] or [symbol]
    most = min(most, len(widths))
    together = sum(max(widths[place::most]) for place in range(most))
    return alt.ExprRef(f"width < {together} ? max(1, min({most}, floor(width / {max(widths)}))) : {most}")


def blank() -> alt.Chart:
    """A chart whose rows are filled in later; every field must state its type."""
    import altair as alt

    return alt.Chart(alt.NamedData(_ROWS))


def filled(look: Spec, table: pd.DataFrame) -> Spec:
    """The look with these rows. Times become texts without a zone: a browser then shows the same clock."""
    times = [name for name in table if table[name].dtype.kind == "M"]
    plain = table.assign(**{name: table[name].dt.strftime("%Y-%m-%dT%H:%M:%S.%f") for name in times})
    plain = plain.astype(object).where(plain.notna(), None)
    return {**look, "datasets": {_ROWS: plain.to_dict("records")}}


def labelled(arms: pd.Series[Any], labels: Mapping[str, str]) -> pd.Series[Any]:
    """The label of each arm; the arm itself where the settings no longer have it."""
    return arms.map(dict(labels)).fillna(arms)


def model_scale(arms: Mapping[str, str], theme: Theme, present: Iterable[str] = ()) -> alt.Scale:
    """Each label in its model's colour; labels that are present and of no model in the settings are grey.

    Args:
        arms: arm id -> label, cheap to strong.
        theme: for the colours.
        present: the labels in the table.
    """
    import altair as alt

    labels = list(dict.fromkeys(arms.values()))
    others = sorted(set(present) - set(labels))
    colors = [model_color(index, theme) for index in range(len(labels))] + [OTHER_COLOR[theme]] * len(others)
    return alt.Scale(domain=labels + others, range=colors)


def time_x(since: datetime, until: datetime, whole: bool = True) -> alt.X:
    """The field "time" on an axis with at most about eight ticks that say which day or hour it is (UTC).

    Args:
        since: its beginning.
        until: its end.
        whole: span all of it whatever is in the table, and say UTC; False: for bars, which end at an ``x2``.
    """
    import altair as alt

    span = until - since
    step = next((one for one in _STEPS if one * _TICKS >= span), _STEPS[-1])
    form = "%H:%M" if step < 12 * _HOUR else "%-d %b" if step < timedelta(days=91) else "%b %Y"
    midnight = since.replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight - (midnight - since) // step * step  # the first multiple of the step, counted from midnight
    ticks = [first + index * step for index in range(1 + (until - first) // step)]
    axis = alt.Axis(format=form, values=[_clock(tick) for tick in ticks], labelOverlap="greedy", grid=False)
    if not whole:
        return alt.X("time:T", title=None, axis=axis)
    scale = alt.Scale(domain=[_clock(since), _clock(until)])
    return alt.X("time:T", title="UTC", axis=axis, scale=scale)


def _clock(moment: datetime) -> str:
    """Without a zone, as the tables have it: a browser then shows the same clock."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


def posterior_chart(
    now: Mapping[str, Posterior], before: Mapping[str, Posterior] | None, theme: Theme
) -> alt.LayerChart:
    """Densities of each model's share of good answers; what they were before as thin dashed lines.

    Args:
        now: label -> posterior, cheap to strong.
        before: the same before the last rating, or None.
        theme: for the colours.
    """
    import altair as alt
    import pandas as pd

    low, high = _shown_shares([*now.values(), *(before or {}).values()])
    theta = np.linspace(low, high, 250)
    frames = []
    for state, posteriors in (("before", before or {}), ("now", now)):
        for label, posterior in posteriors.items():
            if state == "before" and posterior == now.get(label):
                continue
            at = _points(posterior, theta)
            frames.append(
                pd.DataFrame({"share": at, "density": density(posterior, at), "model": label, "state": state})
            )
    table = pd.concat(frames, ignore_index=True)
    labels = list(now)
    colors = [model_color(index, theme) for index in range(len(labels))]
    base = alt.Chart(table).encode(
        x=alt.X(
            "share:Q",
            title="share of good answers",
            axis=alt.Axis(format="%" if high - low > 0.1 else ".1%", grid=False, tickCount=5),
            scale=alt.Scale(domain=[0, 1] if high - low > 0.99 else [low, high], nice=False),
        ),
        # Before any rating every share is equally likely: a line at half the height, not a wall.
        y=alt.Y("density:Q", axis=None, stack=None, scale=alt.Scale(domain=[0, max(2.0, table["density"].max())])),
        color=alt.Color(
            "model:N",
            scale=alt.Scale(domain=labels, range=colors),
            legend=None,  # the page names each model in its colour beside the chart
        ),
    )
    filled = base.transform_filter("datum.state == 'now'").mark_area(
        opacity=0.18, line={"strokeWidth": 2}, interpolate="monotone"
    )
    dashed = base.transform_filter("datum.state == 'before'").mark_line(strokeDash=[4, 3], strokeWidth=1.5)
    chart: alt.LayerChart = (filled + dashed).properties(height=190)
    return chart


def _shown_shares(posteriors: Sequence[Posterior]) -> tuple[float, float]:
    """From where to where the densities are drawn: everything, unless all of their mass lies close together."""
    ends = [interval(one, 0.9999) for one in posteriors]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    margin = 0.15 * (high - low)
    return (0.002, 0.998) if high - low > 0.3 else (max(0.0001, low - margin), min(0.9999, high + margin))


def _points(posterior: Posterior, theta: Array) -> Array:
    """Where a density is drawn: the common points, and more of them where it is narrow."""
    low, high = interval(posterior, 0.9999)
    if high - low > 0.1:
        return theta
    return np.union1d(theta, np.clip(np.linspace(low, high, 60), theta[0], theta[-1]))


def posterior_description(now: Mapping[str, Posterior]) -> str:
    """The chart in words, for screen readers."""
    parts = []
    for label, posterior in now.items():
        low, high = interval(posterior)
        parts.append(f"{label}: {low:.0%} to {high:.0%} with {posterior.observations} ratings")
    return "Share of good answers, 95 % interval. " + "; ".join(parts)
