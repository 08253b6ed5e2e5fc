"""Table in, Altair chart out.

Leaves out reading data. Colours belong to models and are the same on every page: ``MODEL_COLORS`` runs from cheap
to strong, told apart by colour-blind eyes (after Okabe & Ito 2008), with a variant for dark backgrounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from router_core.posterior import density, interval
from router_core.types import Posterior

if TYPE_CHECKING:
    import altair as alt

Theme = Literal["light", "dark"]

MODEL_COLORS: Final[Mapping[Theme, Sequence[str]]] = {
    "light": ("#0067a3", "#b34700", "#8a3f78", "#00745a", "#7a5c00"),
    "dark": ("#5cb8f0", "#f2994a", "#d993c4", "#3cc9a0", "#e3c34d"),
}
ACCENT: Final[Mapping[Theme, str]] = {"light": "#0b111a", "dark": "#e6eaf0"}
BACKGROUND: Final[Mapping[Theme, str]] = {"light": "#ffffff", "dark": "#12161c"}
MUTED: Final[Mapping[Theme, str]] = {"light": "#5b6675", "dark": "#9aa5b4"}
"""The text's colour, for what belongs to no model; what it stands on; and a quieter one."""
BADGES: Final = ("blue", "orange", "violet", "green", "yellow")
"""Names under which .streamlit/config.toml gives widgets the same colours, in the same order."""


def model_color(index: int, theme: Theme) -> str:
    """The colour of the model at this place among its goal's models, cheap to strong."""
    colors = MODEL_COLORS[theme]
    return colors[index % len(colors)]


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

    theta = np.linspace(0.002, 0.998, 250)
    frames = []
    for state, posteriors in (("before", before or {}), ("now", now)):
        for label, posterior in posteriors.items():
            if state == "before" and posterior == now.get(label):
                continue
            frames.append(
                pd.DataFrame(
                    {"share": theta, "density": density(posterior, theta), "model": label, "state": state}
                )
            )
    table = pd.concat(frames, ignore_index=True)
    labels = list(now)
    colors = [model_color(index, theme) for index in range(len(labels))]
    base = alt.Chart(table).encode(
        x=alt.X("share:Q", title="share of good answers", axis=alt.Axis(format="%", grid=False, tickCount=5)),
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


def posterior_description(now: Mapping[str, Posterior]) -> str:
    """The chart in words, for screen readers."""
    parts = []
    for label, posterior in now.items():
        low, high = interval(posterior)
        parts.append(f"{label}: {low:.0%} to {high:.0%} with {posterior.observations} ratings")
    return "Share of good answers, 95 % interval. " + "; ".join(parts)
