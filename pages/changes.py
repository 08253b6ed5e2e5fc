"""What changes what has been learned: snapshot, restore, reset, priors, undo. Each asks first and is logged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from pages.formatting import escaped
from pages.popovers import close, popover
from pages.resources import Resources, change_settings
from router_core.exports.transfer import first_settings, whoami
from router_core.settings import GoalSettings, Settings
from router_core.views.learning import Change, changes

_UNDOING = {
    "disregard": "The alarm counts again: what was learned before it fades. Later changes are taken back too.",
    "snapshot": "It leaves the list of snapshots. What counts stays as it is.",
    "priors": "The priors are what they were before. What was learned stays.",
}
_OTHERWISE = "What counted before it counts again, and every rating since. Later changes here are taken back too."


def show_changes(shared: Resources, goal: str, settings: GoalSettings) -> None:
    """The tools in a row; write them into a horizontal container."""
    store = shared.playground.store
    past = changes(store, goal, first_settings().document())
    who: dict[str, Any] = {"at": datetime.now(UTC), "author": whoami()}
    with popover("Snapshot", icon=":material/photo_camera:", type="tertiary", key="snapshot"):
        st.caption("Keeps what counts now under a name, to come back to it.")
        note = st.text_input("Name", key="snapshot-note")
        do_change("Keep it", "do-snapshot", lambda: store.snapshot_learning(goal, note=note, **who), "Kept.")
    snapshots = store.snapshots(goal)
    with popover("Restore", icon=":material/restore:", type="tertiary", key="restore", disabled=not snapshots):
        if snapshots:
            named = {f"{e.created_at:%Y-%m-%d %H:%M:%S} {e.note}".strip(): e.seq for e in reversed(snapshots)}
            chosen = named[st.selectbox("Snapshot", list(named), key=f"restored-{len(snapshots)}")]
            st.caption("What came after it is set aside, not deleted.")
            do_change("Restore it", "do-restore", lambda: store.restore_learning(goal, chosen, **who), "Restored.")
    with popover("Reset", icon=":material/delete_sweep:", type="tertiary", key="reset"):
        st.caption("Everything learned is set aside: the models begin at their priors. It can be undone.")
        reason = st.text_input("Note", key="reset-note")
        do_change("Reset it", "do-reset", lambda: store.reset_learning(goal, note=reason, **who), "Reset.")
    with popover("Priors", icon=":material/tune:", type="tertiary", key="priors"):
        _edit_priors(shared, goal, settings)
    with popover("Undo", icon=":material/undo:", type="tertiary", key="undo", disabled=not past):
        if past:
            _undo(shared, goal, past, who)
    if past:
        with popover(f"Changes ({len(past)})", icon=":material/history:", type="tertiary", key="events"):
            st.table(
                {
                    "Time (UTC)": [f"{one.at:%Y-%m-%d %H:%M:%S}" for one in past],
                    "What": [one.kind for one in past],
                    "By": [escaped(one.author) for one in past],
                    "Note": [escaped(one.note) for one in past],
                }
            )


def _edit_priors(shared: Resources, goal: str, settings: GoalSettings) -> None:
    """Good and bad answers assumed before any rating; saved as a version of the settings."""
    st.caption("What every model of this goal is assumed to have shown before any rating. 1 and 1: nothing.")
    alpha = st.number_input("Good answers", 0.01, 1e6, settings.prior_alpha, 1.0, key=f"prior-alpha-{goal}")
    beta = st.number_input("Bad answers", 0.01, 1e6, settings.prior_beta, 1.0, key=f"prior-beta-{goal}")
    note = st.text_input("Note", key="priors-note")
    if (alpha, beta) == (settings.prior_alpha, settings.prior_beta):
        st.button("Save them", key="do-priors", type="primary", disabled=True)
    else:
        do_change(
            "Save them", "do-priors", lambda: _set_priors(shared, goal, (alpha, beta), note.strip()), "Saved."
        )


def _set_priors(shared: Resources, goal: str, prior: tuple[float, float], note: str) -> None:
    now = shared.playground.settings
    changed = now.goals[goal].model_copy(update={"prior_alpha": prior[0], "prior_beta": prior[1]})
    change_settings(Settings.from_document(_with(now, goal, changed).document()), note)
    for name in (f"prior-alpha-{goal}", f"prior-beta-{goal}"):
        st.session_state.pop(name, None)


def _with(settings: Settings, goal: str, changed: GoalSettings) -> Settings:
    return settings.model_copy(update={"goals": {**settings.goals, goal: changed}})


def _undo(shared: Resources, goal: str, past: Sequence[Change], who: dict[str, Any]) -> None:
    named = {f"{one.at:%Y-%m-%d %H:%M:%S} {one.kind} {one.note}".strip(): one for one in past}
    chosen = named[st.selectbox("Change", list(named), key=f"undone-{len(past)}")]  # after each the newest again
    st.caption(_UNDOING.get(chosen.kind, _OTHERWISE))

    def undo() -> None:
        if chosen.seq is None:
            _set_priors(shared, goal, chosen.before, "undo")
        else:
            shared.playground.store.undo_learning(goal, chosen.seq, **who)

    do_change("Undo it", "do-undo", undo, "Undone.")


def do_change(label: str, key: str, change: Callable[[], None], said: str) -> None:
    """A button that makes a change of what was learned; the page then says so."""
    if st.button(label, key=key, type="primary"):
        change()
        close()
        st.session_state["learning-said"] = said
        st.rerun()
