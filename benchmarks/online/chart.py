"""The chart of routers on a stream: what each has brought by then, with its band.

Models keep their colours (charts.py); learners differ by dash and by the name at their line's end. See
study.py for every figure that is not in the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from benchmarks.online.study import BLIND, FEATURES, MIX, WORDS, Online, Path
from router_core.charts.common import ACCENT, BACKGROUND, MUTED, Theme, model_color
from router_core.registry import RULES
from router_core.words import dollars

if TYPE_CHECKING:
    import altair as alt

Spec = dict[str, Any]
HEIGHT, WIDTH = 360, 620
_ROOM: Final = 0.06  # between two names at the right, of the height
_DASHES: Final[Mapping[str, list[int]]] = {
    WORDS: [1, 0], FEATURES: [7, 3], BLIND: [2, 3], MIX: [1, 2], RULES.name: [10, 3, 2, 3], "length": [4, 4]
}  # fmt: skip
_TITLE: Final = "dollars per 1,000 prompts so far"
_SHOWN: Final = (WORDS, FEATURES, BLIND, RULES.name, "length", MIX)


def online_chart(found: Online, theme: Theme) -> Spec:
    """Dollars per 1,000 prompts so far, through the stream; the band is the 95 % interval over shuffles.

    Args:
        found: of ``evaluation.online.online``.
        theme: for the colours.
    """
    return dict(_layers(found, theme).to_dict())


def save_chart(found: Online, theme: Theme, place: str) -> None:
    """Write the chart: .json (Vega-Lite) or .html need nothing else; .svg and .png need vl-convert-python.

    Raises:
        OSError: it cannot be written.
        ValueError: another ending, or that package is missing.
    """
    chart = _layers(found, theme).configure(background=BACKGROUND[theme])
    chart.save(place, scale_factor=2)


def online_description(found: Online) -> str:
    """The chart in words, for screen readers."""
    said = [
        f"{path.label} {dollars(path.final.value)} ({dollars(path.final.low)} to {dollars(path.final.high)})"
        for path in _drawn(found)
    ]
    return (
        f"Dollars per 1,000 prompts that each router had brought on {found.prompts:,} prompts where only the"
        f" chosen model's score is seen, a good answer worth {dollars(found.value_usd)}, {found.shuffles}"
        f" shuffles. At the end: {'; '.join(said)}."
    )


def _drawn(found: Online) -> list[Path]:
    by_name = {path.name: path for path in found.paths}
    return [by_name[name] for name in (*found.models, *_SHOWN) if name in by_name]


def _layers(found: Online, theme: Theme) -> alt.LayerChart:
    import altair as alt
    import pandas as pd

    colors = {name: model_color(at, theme) for at, name in enumerate(found.models)}
    colors |= {MIX: MUTED[theme], RULES.name: MUTED[theme], "length": MUTED[theme]}
    paths = _drawn(found)
    values = [
        {"name": path.name, "label": path.label, "seen": seen, "mean": mean, "low": low, "high": high,
         "color": colors.get(path.name, ACCENT[theme])}
        for path in paths
        for seen, mean, low, high in zip(found.seen, path.mean, path.low, path.high, strict=True)
    ]  # fmt: skip
    bottom, top = _domain(found, paths)
    x = alt.X("seen:Q", title="prompts seen", scale=alt.Scale(domain=[0, found.seen[-1]], nice=False),
              axis=alt.Axis(format=",d", grid=False, tickCount=6))  # fmt: skip
    scale = alt.Scale(domain=[bottom, top], nice=False, clamp=True)
    y = alt.Y("mean:Q", title=_TITLE, scale=scale,
              axis=alt.Axis(format="$,.4~r", tickCount=6))  # fmt: skip
    color = alt.Color("color:N", scale=None)
    base = alt.Chart(pd.DataFrame(values)).encode(x=x, color=color, detail="name:N")
    band = (
        base.transform_filter(f"datum.name == '{WORDS}' || datum.name == '{FEATURES}' || datum.name == '{BLIND}'")
        .mark_area(opacity=0.18, clip=True)
        .encode(y=alt.Y("low:Q", scale=scale, title=_TITLE), y2="high:Q", fill=alt.Fill("color:N", scale=None))
    )
    names = [path.name for path in paths]
    dash = alt.StrokeDash("name:N", legend=None, scale=alt.Scale(
        domain=names, range=[list(_DASHES.get(name, [1, 0])) for name in names]))  # fmt: skip
    line = base.mark_line(strokeWidth=2, clip=True).encode(
        y=y, strokeDash=dash,
        tooltip=[alt.Tooltip("label:N", title=" "), alt.Tooltip("seen:Q", format=",", title="prompts"),
                 *(alt.Tooltip(f"{name}:Q", format="$,.2f") for name in ("mean", "low", "high"))],
    )  # fmt: skip
    ends = [
        {"label": path.label, "at": at, "end": path.final.value, "seen": found.seen[-1],
         "color": colors.get(path.name, ACCENT[theme])}
        for path, at in zip(paths, _apart([path.final.value for path in paths], bottom, top), strict=True)
    ]  # fmt: skip
    text = alt.Chart(pd.DataFrame(ends)).mark_text(align="left", dx=6, fontSize=12).encode(
        x=x, y=alt.Y("at:Q", scale=scale, title=_TITLE), text="label:N", color=color)  # fmt: skip
    return cast("alt.LayerChart", alt.layer(band, line, text).properties(height=HEIGHT, width=WIDTH))


def _domain(found: Online, paths: list[Path]) -> tuple[float, float]:
    """From the third point on: at the beginning everything is noise; far-off fixed models end the axis."""
    late = [value for path in paths for value in (*path.low[2:], *path.high[2:])]
    best = found.path(found.best).final.value
    reach = 4.0 * max(abs(path.final.value - best) for path in paths if path.kind in ("learner", "mix")) or 1.0
    low, high = max(min(late), best - reach), min(max(late), best + reach)
    room = 0.08 * (high - low)
    return low - room, high + room


def _apart(values: list[float], low: float, high: float) -> list[float]:
    """Where to write names at these heights so that no two of them meet."""
    order = sorted(range(len(values)), key=values.__getitem__)
    step = _ROOM * (high - low)
    places = [min(max(values[at], low), high) for at in order]
    for _ in range(200):
        for at in range(len(places) - 1):
            short = step - (places[at + 1] - places[at])
            if short > 0:
                places[at] -= short / 2
                places[at + 1] += short / 2
    found = [0.0] * len(values)
    for at, place in zip(order, places, strict=True):
        found[at] = place
    return found
