"""What has moved under the routers: models that no longer do what was predicted, and prices that changed.

Each is told as an event and can be taken back. See views/contextual.py and views/prices.py for finding them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from pages.changes import do_change
from pages.formatting import escaped
from pages.popovers import popover
from pages.resources import Resources, State, change_settings
from router_core.exports.transfer import whoami
from router_core.types import Price
from router_core.views.contextual import DriftEvent, in_words, ordinal
from router_core.views.prices import PriceEvent, latest, price_events, with_price
from router_core.views.prices import in_words as price_in_words

_SHOWN = 10


def show_news(shared: Resources, alarms: Sequence[DriftEvent], names: Mapping[str, str]) -> None:
    """A notice for each alarm that is news."""
    keep = shared.playground.settings.contextual.drift_keep
    for one in alarms:
        if one.active:
            said = in_words(one.alarm, names.get(one.alarm.arm, one.alarm.arm), keep)
            st.warning(
                f"{escaped(said)}. *Drift alarms*, below, takes it back.", icon=":material/notification_important:"
            )


def price_changes_of(shared: Resources, goal: str) -> list[PriceEvent]:
    """The changes of the prices of the goal's models, newest first."""
    return _price_changes(shared, shared.state, goal)


@st.cache_resource(max_entries=16, show_spinner=False)
def _price_changes(_shared: Resources, state: State, goal: str) -> list[PriceEvent]:
    playground = _shared.playground
    models = list(dict.fromkeys(arm.model for arm in playground.settings.goal(goal).arms))
    return price_events(playground.store, models, playground.price)


def show_moved(
    shared: Resources,
    goal: str,
    names: Mapping[str, str],
    alarms: Sequence[DriftEvent],
    prices: Sequence[PriceEvent],
) -> None:
    """Drift alarms, then changes of prices."""
    st.subheader(
        "Drift alarms",
        anchor=False,
        help="An alarm is raised when a model keeps answering worse or better than predicted. What was learned"
        " about it before then counts little, and it is learned anew.",
    )
    own = shared.playground.settings.contextual
    if not alarms:
        st.caption(
            f"None. An alarm is raised at evidence {own.drift_threshold:g}, after the first {own.drift_warm_up:,}"
            " ratings of a model."
        )
    for one in alarms[:_SHOWN]:
        _show_alarm(shared, goal, one, names)
    if len(alarms) > _SHOWN:
        st.caption(f"{len(alarms) - _SHOWN:,} earlier ones are not shown.")
    st.subheader("Changes of prices", anchor=False)
    if not prices:
        st.caption("None in the log: every answer was paid at the price that is in force.")
    newest = latest(prices)
    for place, event in enumerate(prices[:_SHOWN]):
        _show_price(shared, event, place, newest[event.change.model] is event)
    if len(prices) > _SHOWN:
        st.caption(f"{len(prices) - _SHOWN:,} earlier ones are not shown.")


def _show_alarm(shared: Resources, goal: str, event: DriftEvent, names: Mapping[str, str]) -> None:
    alarm = event.alarm
    model = names.get(alarm.arm, alarm.arm)
    at = "" if event.at is None else f"{event.at:%Y-%m-%d %H:%M} "
    said = in_words(alarm, model, shared.playground.settings.contextual.drift_keep)
    with st.container(horizontal=True, vertical_alignment="center", key=f"alarm-{alarm.place}"):
        st.markdown(
            f"{at}{escaped(said)}."
            f" :small[:gray[Noticed at its {ordinal(alarm.at)} rating, evidence {alarm.evidence:.1f}.]]",
            width="stretch",
        )
        if alarm.disregarded:
            return
        with popover("Take it back", icon=":material/undo:", type="tertiary", key=f"back-{alarm.place}"):
            st.caption(
                "What was learned before the alarm counts in full again; if the answers stay so, the next ratings"
                " set off another. It is logged, and *Undo* at the top of the page brings the alarm back."
            )
            note = st.text_input("Note", key=f"back-note-{alarm.place}").strip()
            about = f"alarm: {model} {alarm.direction}" + (f", {note}" if note else "")
            change = partial(
                shared.playground.store.disregard_alarm,
                goal,
                alarm.place,
                at=datetime.now(UTC),
                author=whoami(),
                note=about,
            )
            do_change("Take it back", f"do-back-{alarm.place}", change, "Taken back.")


def _show_price(shared: Resources, event: PriceEvent, place: int, newest: bool) -> None:
    settings, change = shared.playground.settings, event.change
    said = escaped(f"{change.model} {price_in_words(change)}")
    if event.at is not None:
        line = f"{event.at:%Y-%m-%d %H:%M} {said}."
    else:
        line = f"Since its last answer on {event.last:%Y-%m-%d %H:%M} {said}."
    if newest:
        line += (
            " The price is set in the settings."
            if change.model in settings.prices
            else " Decisions use the new price."
        )
    with st.container(horizontal=True, vertical_alignment="center", key=f"price-{place}"):
        st.markdown(line, width="stretch")
        if not newest or change.before is None or change.model in settings.prices:
            return
        key = change.model
        with popover("Keep the old price", icon=":material/undo:", type="tertiary", key=f"old-price-{key}"):
            st.caption(
                "For a contract that differs from the price book: the old price goes into the settings, which"
                " take precedence over the book. Settings, Versions restores what was there before."
            )
            note = st.text_input("Note", key=f"old-price-note-{key}").strip()
            do_change(
                "Keep it",
                f"do-old-price-{key}",
                partial(_keep, shared, key, change.before, note or f"old price of {key} kept"),
                "The old price is in force.",
            )


def _keep(shared: Resources, model: str, price: Price, note: str) -> None:
    change_settings(with_price(shared.playground.settings, model, price), note)
