"""What has it learned, and how sure is it? Posteriors, the split, the past, who rated, and every change of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.address import Address
from pages.alarms import price_changes_of, show_moved, show_news
from pages.changes import show_changes
from pages.contextual_learning import show_contextual
from pages.figure import draw, packed, right_aligned, show_chart, theme_now, two_columns
from pages.formatting import badge, escaped, labels
from pages.pending_ratings import show_awaited
from pages.resources import Resources, State, resources
from pages.task_learning import show_tasks
from pages.traffic import offer_traffic
from router_core.charts.common import Spec, Theme, posterior_chart, posterior_description
from router_core.charts.learning import split_parts_chart, through_time_chart
from router_core.errors import RouterError
from router_core.features import context
from router_core.learning.beta import interval, mean
from router_core.policies.thompson import best_buy
from router_core.serving.playground import USUAL
from router_core.settings import GoalSettings
from router_core.types import Posterior
from router_core.views.contextual import drift_events
from router_core.views.filters import extent
from router_core.views.learning import (
    ArmSplit,
    at_worst_by_arm,
    chosen_by_others,
    posterior_through_time,
    ratings_by_source,
    split_now,
)

_WORTH = (0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 20.0, float("inf"))


def _densities(shared: Resources, goal: str, names: Mapping[str, str]) -> None:
    import pandas as pd

    now = {names[arm]: one for arm, one in shared.playground.posteriors(goal).items()}
    st.header("Share of good answers, as rated so far", anchor=False)
    rows = [(label, mean(one), *interval(one), one.observations) for label, one in now.items()]
    table = pd.DataFrame(rows, columns=["arm", "mean", "low", "high", "judged"])
    show_chart("posterior", _density_chart(tuple(now.items()), theme_now()), posterior_description(now), table)
    for index, (label, expected, low, high, count) in enumerate(rows):
        st.markdown(
            f"{badge(label, index)} expected {expected:.1%} ({low:.1%} to {high:.1%}),"
            f" {count:,} rating{'s' * (count != 1)}"
        )


@st.cache_resource(max_entries=64, show_spinner=False)
def _density_chart(now: tuple[tuple[str, Posterior], ...], theme: Theme) -> Spec:
    return packed(posterior_chart(dict(now), None, theme).to_dict())


def _split(shared: Resources, goal: str, settings: GoalSettings, names: Mapping[str, str]) -> None:
    """The split, now and at another worth of a good answer."""
    worth = settings.success_value_usd
    chosen = st.select_slider(
        "What is one good answer worth?",
        sorted({*_WORTH, worth}),
        value=worth,
        key=f"worth-{goal}",
        format_func=lambda value: "any price" if value == float("inf") else f"${value:g}",
        help="The split redraws at once; nothing is saved.",
    )
    seen = context([{"role": "user", "content": USUAL}], goal)
    draft = settings.model_copy(update={"success_value_usd": chosen})
    rows = split_now(draft, shared.playground.candidates(seen))
    best = best_buy(len(rows))
    st.header("Traffic" + (" now" if chosen == worth else f" at {_money(chosen)} per good answer"), anchor=False)
    chart = packed(split_parts_chart(rows, names, theme_now()))
    draw("chart-split-now", chart, _words(rows, names))  # its table is always there
    right_aligned(
        "split-table",
        ["Model", best.capitalize(), "Learned", "Explored", "Starting", "Traffic"],
        [
            [
                badge(names[row.arm], index),
                *(f"{part:.1%}" for part in (row.best, row.learned, row.explored, row.starting)),
                f"**{row.probability:.1%}**",
            ]
            for index, row in enumerate(rows)
        ],
        names=True,
    )
    st.caption(
        f"{best.capitalize()}: its chance of being that. Traffic: what is learned from that chance, what every"
        " model keeps so that it can still be judged, and your initial split, which fades with"
        " every rating."
    )
    if chosen != worth:
        st.page_link("settings.py", label="Save it in the settings", icon=":material/tune:")


def _money(value: float) -> str:
    return "any price" if value == float("inf") else f"\\${value:g}"


def _words(rows: list[ArmSplit], names: Mapping[str, str]) -> str:
    parts = [
        f"{names[row.arm]} {row.best:.1%} likely to be the {best_buy(len(rows))}, {row.probability:.1%} sent"
        for row in rows
    ]
    kept = sum(row.starting for row in rows)
    return "; ".join(parts) + f". Starting weights still count for {kept:.1%}."


@st.cache_resource(max_entries=16, show_spinner=False)
def _past(
    _shared: Resources, state: State, goal: str, theme: Theme
) -> tuple[Spec | None, Any, Any, tuple[int, int]]:
    playground = _shared.playground
    settings = playground.settings.goal(goal)
    table = posterior_through_time(playground.store, goal, settings)
    names = labels([arm.arm() for arm in settings.arms])
    chart = packed(through_time_chart(table, names, theme)) if len(table) else None
    others = chosen_by_others(playground.store, goal, settings)
    return chart, table, ratings_by_source(playground.store, goal, list(names)), others


def _history(shared: Resources, goal: str, names: Mapping[str, str]) -> None:
    playground = shared.playground
    chart, table, ratings, (answers, others) = _past(shared, shared.state, goal, theme_now())
    st.header("Through time", anchor=False)
    if chart is None:
        said = "No rating counts since the last change" if ratings["rated"].any() else "No ratings yet"
        st.caption(f"{said}; rate answers under Try or Rate.")
    else:
        now = table.groupby("arm")["mean"].last()
        words = ", ".join(f"{name} {now[arm]:.1%}" for arm, name in names.items() if arm in now)
        show_chart(
            "through-time", chart, f"Posterior mean and 95 % band of each model; in the end {words}.", table
        )
        st.caption("Lines: expected share with its 95 % band. Dots: the ratings of each step, larger where more.")
    st.header("Where the ratings come from", anchor=False)
    if not ratings["rated"].any():
        st.caption("Nobody has rated anything yet.")
        return
    sources = [name for name in ratings.columns if name not in ("arm", "answers", "rated", "share")]
    right_aligned(
        "ratings-table",
        ["Model", "Answers", "Rated", "Of its answers", *sources],
        [
            [
                escaped(names.get(row["arm"], row["arm"])),
                *(f"{row[name]:,}" for name in ("answers", "rated")),
                f"{row['share']:.1%}",
                *(f"{row[name]:,}" for name in sources),
            ]
            for row in ratings.to_dict("records")
        ],
        names=True,
    )
    counted = sum(one.observations for one in playground.posteriors(goal).values())
    st.caption(
        f"Of the {int(ratings['rated'].sum()):,} answers rated in the log, {counted:,} count now. An answer may be"
        " rated by several sources; one of them teaches."
    )
    worst = at_worst_by_arm(ratings, table)
    if worst:
        each = "; ".join(
            f"{escaped(names.get(arm, arm))}: {rated:.0%} rated, of which {good:.0%} good, so {low:.0%} to"
            f" {high:.0%} of all"
            for arm, (rated, good, low, high) in worst.items()
        )
        st.caption(
            f"Only rated answers teach. If people rate because an answer is good, or is not, what is learned is"
            f" tilted. At the worst (every other answer bad, or good): {each}."
        )
    if others:
        st.caption(
            f"{others:,} of the {answers:,} rated answers were chosen by other routers, which choose by the"
            " prompt: each model is then rated on prompts of another kind, and the difference that is learned"
            " between them is smaller or larger than it is. Settings, Learns from: what it drew itself can teach"
            " alone."
        )


def page() -> None:
    """The page, top to bottom."""
    shared = resources()
    goal = st.session_state["goal"]
    said = st.session_state.pop("learning-said", None)
    if said:
        st.toast(said)
    try:
        if not extent(shared.playground.store).completions:
            offer_traffic(shared, "Here you will see what the ratings teach.", goal)
        settings = shared.playground.settings.goal(goal)
        names = labels([arm.arm() for arm in settings.arms])
        with st.container(horizontal=True, vertical_alignment="center", key="learning-tools"):
            show_changes(shared, goal, settings)
            address = Address("learning")
            st.toggle("Tables", key=address.toggle("tables"), help="Show the figures behind every chart.")
            address.write()
        news = st.container(key="news")
        left, right = two_columns("learning-now")
        with left:
            _densities(shared, goal, names)
        with right:
            _split(shared, goal, settings, names)
        _history(shared, goal, names)
        show_awaited(shared, goal, settings, names)
        show_tasks(shared, goal, settings, names)
        with st.spinner("Reading what the contextual router learned ...", show_time=True):
            fold = shared.playground.contextual(goal)
        show_contextual(shared, goal, settings, names, fold, theme_now())
        alarms = drift_events(shared.playground.store, fold)
        with news:
            show_news(shared, alarms, names)
        show_moved(shared, goal, names, alarms, price_changes_of(shared, goal))
    except RouterError as error:
        st.error(escaped(str(error)), icon=":material/error:")


page()
