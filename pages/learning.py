"""What has it learned, and how sure is it? Posteriors, the split, the past; reset, snapshot, restore, undo."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from pages.resources import Resources, resources
from pages.shown import badge, escaped, labels
from pages.traffic import offer_traffic
from router_core.analytics import extent
from router_core.charts import Theme, posterior_chart, posterior_description
from router_core.comparison import USUAL
from router_core.errors import RouterError
from router_core.features import context
from router_core.learning_charts import split_parts_chart, through_time_chart
from router_core.learning_view import ArmSplit, posterior_through_time, split_now
from router_core.posterior import interval, mean
from router_core.settings import GoalSettings

_WORTH = (0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 20.0, float("inf"))

_SOURCES = {"thumb": "thumbs", "api": "reported by code", "condition": "success condition"}


def _theme() -> Theme:
    return "dark" if st.context.theme.type == "dark" else "light"


def _densities(shared: Resources, goal: str, names: Mapping[str, str]) -> None:
    now = {names[arm]: one for arm, one in shared.playground.posteriors(goal).items()}
    st.markdown("**Share of good answers, as far as is known**")
    spec = posterior_chart(now, None, _theme()).to_dict()
    st.vega_lite_chart(spec, alt=posterior_description(now), key="posterior")
    for index, (label, posterior) in enumerate(now.items()):
        low, high = interval(posterior)
        st.markdown(
            f"{badge(label, index)} expected {mean(posterior):.1%} ({low:.1%} to {high:.1%}),"
            f" {posterior.observations:,} rating{'s' * (posterior.observations != 1)}"
        )


def _split(shared: Resources, goal: str, settings: GoalSettings, names: Mapping[str, str]) -> None:
    """The split, now and at another worth of a good answer."""
    worth = settings.success_value_usd
    steps = sorted({*_WORTH, worth})
    chosen = st.select_slider(
        "What is one good answer worth?",
        steps,
        value=worth,
        key=f"worth-{goal}",
        format_func=lambda value: "any price" if value == float("inf") else f"${value:g}",
        help="The split redraws at once; nothing is saved. Save it in Settings, Goals.",
    )
    seen = context([{"role": "user", "content": USUAL}], goal)
    draft = settings.model_copy(update={"success_value_usd": chosen})
    rows = split_now(draft, seen, shared.playground.candidates(seen))
    st.markdown("**Traffic" + (" now**" if chosen == worth else f" at {_money(chosen)} per good answer**"))
    st.vega_lite_chart(split_parts_chart(rows, names, _theme()), alt=_words(rows, names), key="split-now")
    st.caption(_words(rows, names))


def _money(value: float) -> str:
    return "any price" if value == float("inf") else f"\\${value:g}"


def _words(rows: list[ArmSplit], names: Mapping[str, str]) -> str:
    parts = [
        f"{names[row.arm]} {row.best:.1%} likely to be the better buy, {row.probability:.1%} sent" for row in rows
    ]
    kept = rows[0].starting + sum(row.starting for row in rows[1:])
    return escaped("; ".join(parts) + f". Starting weights still count for {kept:.1%}.")


@st.cache_data(max_entries=16, show_spinner=False)
def _past(
    _shared: Resources, place: str, revision: int, version: str, goal: str, theme: Theme
) -> tuple[dict[str, Any] | None, Any, Any, Any]:
    playground = _shared.playground
    settings = playground.settings.goal(goal)
    base, after = playground.store.learning_base(goal)
    table = posterior_through_time(playground.store, goal, settings, base, after)
    names = labels([arm.arm() for arm in settings.arms])
    chart = through_time_chart(table, names, theme) if len(table) else None
    wanted = {"goal": goal}
    return chart, table, playground.store.table("sources", wanted), playground.store.table("answered", wanted)


def _history(shared: Resources, goal: str) -> None:
    playground = shared.playground
    chart, table, sources, answered = _past(
        shared, playground.store.location, playground.store.revision, playground.settings.version, goal, _theme()
    )
    st.markdown("**Through time**")
    if chart is None:
        st.caption("No ratings yet; rate answers in the playground or in the history.")
    else:
        st.vega_lite_chart(
            chart, alt="Posterior mean and 95 % band of each model through time.", key="through-time"
        )
    if st.toggle("Tables", key="tables", bind="query-params"):
        st.dataframe(table, hide_index=True, key="table-through-time")
    st.markdown("**Where the ratings come from**")
    answers = dict(zip(answered["arm"], answered["answers"], strict=True))
    rows = [
        (arm, source, "blind" if blind else "names shown", count)
        for arm, source, blind, count in sources.itertuples(index=False)
    ]
    if not rows:
        st.caption("Nobody has rated anything yet.")
        return
    st.table(
        {
            "Model": [escaped(arm) for arm, *_ in rows],
            "Source": [
                {"thumb": "thumbs", "api": "reported by code", "condition": "condition"}[s] for _, s, *_ in rows
            ],
            "Seen": [seen for *_, seen, _ in rows],
            "Ratings": [f"{count:,}" for *_, count in rows],
            "Of its answers": [f"{count / max(1, answers.get(arm, 0)):.1%}" for arm, *_, count in rows],
        }
    )


def _events(shared: Resources, goal: str) -> None:
    """Every change asks first, is logged, and can be undone."""
    store = shared.playground.store
    past = store.learning_events(goal)
    who: dict[str, Any] = {"at": datetime.now(UTC), "author": getpass.getuser()}
    with st.container(horizontal=True, vertical_alignment="center", key="learning-tools"):
        with st.popover("Snapshot", icon=":material/photo_camera:", type="tertiary", key="snapshot"):
            note = st.text_input("Name", key="snapshot-note")
            _do("Keep it", "do-snapshot", lambda: store.snapshot_learning(goal, note=note, **who), "Kept.")
        snapshots = [event for event in past if event.kind == "snapshot"]
        with st.popover(
            "Restore", icon=":material/restore:", type="tertiary", key="restore", disabled=not snapshots
        ):
            if snapshots:
                named = {f"{e.created_at:%Y-%m-%d %H:%M:%S} {e.note}": e.seq for e in reversed(snapshots)}
                chosen = named[st.selectbox("Snapshot", list(named), key="restored")]
                st.caption("What came after it is set aside, not deleted.")
                _do("Restore it", "do-restore", lambda: store.restore_learning(goal, chosen, **who), "Restored.")
        with st.popover("Reset", icon=":material/delete_sweep:", type="tertiary", key="reset"):
            st.caption("Everything learned is set aside: the models begin at their priors. It can be undone.")
            reason = st.text_input("Note", key="reset-note")
            _do("Reset it", "do-reset", lambda: store.reset_learning(goal, note=reason, **who), "Reset.")
        undone = [event for event in past if event.kind != "snapshot"]
        with st.popover("Undo", icon=":material/undo:", type="tertiary", key="undo", disabled=not undone):
            if undone:
                st.caption(f"Takes the last {undone[-1].kind} back; ratings given since then count too.")
                _do("Undo it", "do-undo", lambda: store.undo_learning(goal, **who), "Undone.")
        st.page_link("settings.py", label="Edit priors and objective", icon=":material/tune:")
    if past:
        with st.expander(f"What was changed ({len(past)})", key="events"):
            st.table(
                {
                    "Time": [f"{event.created_at:%Y-%m-%d %H:%M:%S} UTC" for event in reversed(past)],
                    "What": [event.kind for event in reversed(past)],
                    "By": [escaped(event.author) for event in reversed(past)],
                    "Note": [escaped(event.note) for event in reversed(past)],
                }
            )


def _do(label: str, key: str, change: Callable[[], None], said: str) -> None:
    if st.button(label, key=key, type="primary"):
        change()
        st.session_state["learning-said"] = said
        st.rerun()


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
        left, right = st.columns(2, gap="large")
        with left:
            _densities(shared, goal, names)
        with right:
            _split(shared, goal, settings, names)
        _events(shared, goal)
        _history(shared, goal)
    except RouterError as error:
        st.error(str(error), icon=":material/error:")


page()
