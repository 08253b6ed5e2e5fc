"""The charts of own traffic: off-policy estimates beside what was logged, and the evidence of pairs through time.

Models keep their colours (charts.py). See evaluation/ for the figures themselves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from router_core.charts.common import ACCENT, BACKGROUND, DASHED, MUTED, Theme, legend_columns, model_color
from router_core.evaluation.from_log.offpolicy import OffPolicyEstimate, Quantity
from router_core.evaluation.paired import PairedTest
from router_core.evaluation.results import Estimate
from router_core.words import dollars, share

Spec = dict[str, Any]
LOGGED: Final = "as logged"
_TITLES: Final = {"reward": "good answers", "cost_usd": "dollars per 1,000 requests"}
_FORMATS: Final = {"reward": ".0%", "cost_usd": "$,~r"}


def estimates_chart(
    estimates: Sequence[OffPolicyEstimate], logged: Estimate | None, quantity: Quantity, theme: Theme
) -> Spec | None:
    """What a target would have scored or cost, by every estimator that gives a figure; None where none does.

    Args:
        estimates: those of another quantity, and refused ones, are left out.
        logged: what was really scored or cost, drawn as a line through the chart.
        quantity: which is drawn; costs per 1,000 requests.
        theme: for the colours.
    """
    import altair as alt
    import pandas as pd

    found = [(one.estimator, one.figure) for one in estimates if one.quantity == quantity and one.figure]
    if not found:
        return None
    scale = 1000.0 if quantity == "cost_usd" else 1.0
    lines = [*([] if logged is None else [(LOGGED, logged)]), *found]
    table = pd.DataFrame(
        [
            {"what": name, "value": scale * one.value, "low": scale * one.low, "high": scale * one.high,
             "color": MUTED[theme] if name == LOGGED else ACCENT[theme]}
            for name, one in lines
        ]
    )  # fmt: skip
    axis = alt.Axis(format=_FORMATS[quantity], tickCount=5)
    base = alt.Chart(table).encode(
        y=alt.Y("what:N", title=None, sort=[name for name, _ in lines]),
        color=alt.Color("color:N", scale=None),
        tooltip=["what:N", *(alt.Tooltip(f"{name}:Q", format="$,.3r" if scale > 1 else ".1%")
                             for name in ("value", "low", "high"))],
    )  # fmt: skip
    bars = base.mark_rule(strokeWidth=2.5).encode(
        x=alt.X("low:Q", title=_TITLES[quantity], scale=alt.Scale(zero=False), axis=axis), x2="high:Q"
    )
    layers: list[Any] = [bars, base.mark_point(filled=True, size=90, opacity=1).encode(x="value:Q")]
    if logged is not None:
        at = alt.Chart(pd.DataFrame({"at": [scale * logged.value]}))
        layers.insert(0, at.mark_rule(strokeDash=[4, 3], color=MUTED[theme]).encode(x="at:Q"))
    return dict(alt.layer(*layers).properties(height=40 + 34 * len(lines)).to_dict())


def estimates_description(
    estimates: Sequence[OffPolicyEstimate], logged: Estimate | None, quantity: Quantity
) -> str:
    """The chart in words, for screen readers."""

    def said(name: str, one: Estimate) -> str:
        ends = (one.value, one.low, one.high)
        value, low, high = (
            [share(end) for end in ends] if quantity == "reward" else [dollars(1000 * end) for end in ends]
        )
        return f"{name}: {value} ({low} to {high})"

    lines = [] if logged is None else [said(LOGGED, logged)]
    lines += [said(one.estimator, one.figure) for one in estimates if one.quantity == quantity and one.figure]
    return f"Estimates of {_TITLES[quantity]}. " + "; ".join(lines) + "."


def evidence_chart(test: PairedTest, cheap: int, strong: int, theme: Theme) -> Spec:
    """Evidence for either conclusion through the pairs, on a logarithmic scale, with the lines "enough" and 1.

    Args:
        test: with at least one pair.
        cheap, strong: places of the models among their goal's, for the colours.
        theme: for the colours.
    """
    import altair as alt
    import pandas as pd

    points = f"{100 * test.tolerance:g} points"
    sides = {
        "within": (f"better by at most {points}", model_color(cheap, theme)),
        "worse": (f"better by more than {points}", model_color(strong, theme)),
    }
    table = pd.DataFrame(
        [
            {
                "pairs": one.pairs,
                "power": getattr(one, side),
                "side": label,
                "evidence": _factor(getattr(one, side)),
            }
            for side, (label, _) in sides.items()
            for one in test.path
        ]
    )
    enough = math.log10(test.needed)
    low = min(-1.0, math.floor(table["power"].min()))
    high = max(enough + 0.4, table["power"].max() + 0.2)
    y = alt.Y(
        "power:Q",
        title=f"evidence that {test.strong} is ...",
        scale=alt.Scale(domain=[low, high], nice=False),
        axis=alt.Axis(
            tickCount=6,
            tickMinStep=1,
            labelExpr="datum.value > 4 || datum.value < -3 ? '10^' + datum.value"
            " : format(pow(10, datum.value), ',~r')",
        ),
    )
    base = alt.Chart(table).encode(
        x=alt.X(
            "pairs:Q",
            title="pairs",
            scale=alt.Scale(nice=False),
            axis=alt.Axis(format=",d", tickMinStep=1, grid=False),
        ),
        color=alt.Color(
            "side:N",
            scale=alt.Scale(domain=[label for label, _ in sides.values()], range=[c for _, c in sides.values()]),
            legend=alt.Legend(
                orient="top",
                title=None,
                labelLimit=300,
                columns=legend_columns([label for label, _ in sides.values()], symbol=34, limit=300),
                **DASHED,
            ),
        ),
        strokeDash=alt.StrokeDash(
            "side:N",
            scale=alt.Scale(domain=[label for label, _ in sides.values()], range=[[1, 0], [6, 3]]),
        ),
        tooltip=[alt.Tooltip("pairs:Q", format=","), "side:N", "evidence:N"],
    )
    marks = pd.DataFrame(
        {"at": [enough, 0.0], "said": [f"{test.needed:,.0f}: enough to conclude", "1: nothing known"],
         "pairs": [int(table["pairs"].min())] * 2}
    )  # fmt: skip
    lines = alt.Chart(marks)
    around: dict[str, Any] = {"stroke": BACKGROUND[theme], "strokeWidth": 4, "strokeJoin": "round"}
    return dict(
        alt.layer(
            lines.mark_rule(strokeDash=[4, 3], color=MUTED[theme]).encode(y=alt.Y("at:Q")),
            base.mark_line(strokeWidth=2).encode(y=y),
            *(
                lines.mark_text(align="left", dx=6, dy=-8, fontSize=12, color=MUTED[theme], **halo).encode(
                    x="pairs:Q", y="at:Q", text="said:N"
                )
                for halo in (around, {})
            ),
        )
        .properties(height=260)
        .to_dict()
    )


def evidence_description(test: PairedTest) -> str:
    """The chart in words, for screen readers."""
    return (
        f"Evidence after {test.pairs:,} pairs: {_factor(test.within)} that {test.strong} is better by at most"
        f" {100 * test.tolerance:g} points, {_factor(test.worse)} that it is better by more; {test.needed:,.0f} is"
        " enough."
    )


def _factor(power: float) -> str:
    """10 to this power, in words: 20, 0.003, 10^12."""
    if abs(power) >= 6:
        return f"10^{power:.0f}"
    return f"{10.0**power:,.3g}" if power < 3 else f"{10.0**power:,.0f}"
