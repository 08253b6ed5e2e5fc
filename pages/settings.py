"""Change it and see what changes: every setting, every version."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.address import Address
from pages.caller_keys import show_caller_keys
from pages.differences import show_changes
from pages.formatting import escaped, labels
from pages.forms import drop_edits, edit, mark
from pages.goal_form import goal_form
from pages.models import model_options
from pages.provider_form import provider_form
from pages.resources import Resources, change_settings, resources
from pages.rules_form import rules_form
from pages.versions import show_versions
from router_core.errors import RouterError
from router_core.exports.diff import changes
from router_core.registry import CLASSIFIER, CONTEXTUAL, RULES
from router_core.settings import Settings
from router_core.settings.environment import require_key_variables
from router_core.validation import validated
from router_core.views.preview import condition_preview, split_preview

_TABS = (
    "Goals",
    "Models & providers",
    RULES.label,
    CLASSIFIER.label,
    CONTEXTUAL.short_label,
    "Calls & privacy",
    "Callers",
    "Versions",
)
_SPLIT = ("Goals", "Models & providers", RULES.label)  # what these change can be told from the log
_DRAFT = "settings-draft"  # of a visit: the version that it changes, and the whole settings as plain data
_CONTEXTUAL = (
    "How Contextual Thompson asks the classifier, learns words and notices that a model has changed, in all goals."
    " Budget, models and what a good answer is worth are set goal by goal."
)
_STYLE = """<style>
div:has(> .st-key-consequences) { position: sticky; top: 4.5rem; }
[data-testid="stTable"] td + td { min-width: 3.6rem; }
[data-testid="stTable"] td + td * { overflow-wrap: anywhere !important; white-space: normal !important; }
</style>"""


def _draft(shared: Resources, tab: str) -> tuple[dict[str, Any], str | None]:
    """The whole settings as plain data, with what was typed here and on other tabs; and the goal it is about."""
    settings = shared.playground.settings
    version = mark(settings.version)
    before = st.session_state.get(_DRAFT, (None, {}))  # with what was typed on other tabs
    draft = copy.deepcopy(before[1]) if before[0] == version else settings.model_dump(mode="json")
    goal = None
    if tab == "Goals":
        goal = goal_form(shared, draft)
    elif tab == "Models & providers":
        provider_form(shared, draft)
    elif tab == RULES.label:
        draft[RULES.name] = rules_form(settings)
    elif tab == CLASSIFIER.label:
        options: dict[str | None, str] = {**model_options(settings)}
        draft[CLASSIFIER.name] = edit(
            settings.classifier, CLASSIFIER.name, settings.version, choices={"model": options}
        )
    elif tab == CONTEXTUAL.short_label:
        st.caption(_CONTEXTUAL)
        draft[CONTEXTUAL.name] = edit(settings.contextual, CONTEXTUAL.name, settings.version)
    else:
        for part in ("calls", "privacy", "simulation"):
            st.header(part.capitalize(), anchor=False)
            draft[part] = edit(getattr(settings, part), part, settings.version)
        st.header("Draws", anchor=False)
        draft["seed"] = edit(settings, "top", settings.version, only=("seed",))["seed"]
    st.session_state[_DRAFT] = (version, draft)
    return draft, goal


def _consequences(shared: Resources, draft: Mapping[str, Any], tab: str, goal: str | None) -> None:
    """What saving would change, and the button that does it."""
    settings = shared.playground.settings
    try:
        wanted = validated(Settings, draft)
        require_key_variables(wanted, settings, os.environ)
    except RouterError as error:
        st.error(escaped(str(error)), icon=":material/error:")
        st.button("Discard", type="tertiary", key="discard-settings", on_click=drop_edits)
        return
    found = changes(settings.document(), wanted.document())
    if not found:
        st.caption("No unsaved changes. Edit to preview the effect.")
        return
    st.header(f"{len(found)} change{'s' * (len(found) != 1)}", anchor=False)
    show_changes(found)
    if goal is not None:
        _condition(shared, wanted, goal)
    if tab in _SPLIT:
        _split(shared, wanted)
    note = st.text_input(
        "Note",
        key=f"settings-note.{mark(settings.version)}",
        persist_state="session",
        placeholder="why (optional)",
    )
    if st.button("Save", type="primary", key="save-settings"):
        change_settings(wanted, note.strip())
        st.session_state["saved"] = f"Saved as version {wanted.version[:8]}; it is in force."
        st.rerun()
    st.button("Discard", type="tertiary", key="discard-settings", on_click=drop_edits)
    st.caption("Not in force until it is saved. It is kept for this visit while you look elsewhere.")


def _split(shared: Resources, wanted: Settings) -> None:
    """The routers on the last prompts, before and after, where that differs."""
    playground = shared.playground
    for goal in (name for name in wanted.goals if name in playground.settings.goals):
        learned = playground.contextual(goal).state
        rows = split_preview(playground.store, playground.settings, wanted, goal, learned)
        if not rows:
            continue
        if all(row.before == row.after for row in rows):
            st.caption(f"{escaped(goal)}: its last {rows[0].prompts} prompts would be split as they are now.")
            continue
        arms = {arm.id: arm.arm() for one in (playground.settings, wanted) for arm in one.goal(goal).arms}
        names = labels(list(arms.values()))
        st.caption(f"{escaped(goal)}: who would have got its last {rows[0].prompts} prompts")
        st.table(
            {
                "Router": [escaped(row.router) for row in rows],
                "Model": [escaped(names[row.arm]) for row in rows],
                "Now": [f"{row.before:.0%}" for row in rows],
                "Then": [f"{row.after:.0%}" for row in rows],
            }
        )


def _condition(shared: Resources, wanted: Settings, goal: str) -> None:
    """A changed success condition, tried on the last answers of the goal."""
    now = shared.playground.settings.goals[goal].success_when
    lines = {one.success_when for one in wanted.goals.values()} - {now, None}
    for line in lines:
        tried = condition_preview(shared.playground.store, goal, line or "")
        if not tried.rows:
            st.caption("The condition is valid; there is no answer yet to try it on.")
            continue
        agreed, rated = tried.agreement
        beside = f" Where a person rated, it agrees {agreed} of {rated} times." if rated else ""
        st.caption(
            f"The condition on the last {len(tried.rows)} answers: {tried.good} good, {tried.bad} bad,"
            f" {tried.unknown} unknown.{beside}"
        )
        st.dataframe(
            {
                "It says": [_word(row.reward) for row in tried.rows],
                "A person": ["" if row.thumb is None else _word(row.thumb) for row in tried.rows],
                "Answer": [" ".join(row.text.split())[:200] for row in tried.rows],
                "Why unknown": [row.why for row in tried.rows],
            },
            hide_index=True,
            height=210,
            key="tried-condition",
            column_order=("It says", "A person", "Answer") + (("Why unknown",) if tried.unknown else ()),
            column_config={"It says": st.column_config.TextColumn(width=65)},
            alt="The last answers, with what the condition says of each and what a person said.",
        )


def _word(reward: float | None) -> str:
    return "unknown" if reward is None else "good" if reward >= 0.5 else "bad"


def page() -> None:
    """The page, top to bottom."""
    shared = resources()
    version = shared.playground.settings.version
    saved = st.session_state.pop("saved", None)
    if saved:
        st.success(escaped(saved))
    elif st.session_state.get("settings-seen", version) != version:
        st.info("The settings were changed elsewhere; this page shows them as they are now.")
    st.session_state["settings-seen"] = version
    address = Address("settings")
    tab = st.segmented_control(
        "Settings",
        _TABS,
        key=address.choice("tab", _TABS, _TABS[0]),
        label_visibility="collapsed",
        required=True,
    )
    address.write()
    st.html(_STYLE)
    try:
        if tab == "Versions":
            show_versions(shared)
        elif tab == "Callers":
            show_caller_keys(shared)
        else:
            with st.container(horizontal=True, gap="medium", key="edit-and-see"):
                with st.container(width=580, key="form"):
                    draft, goal = _draft(shared, tab)
                with st.container(border=True, width=360, key="consequences"):
                    _consequences(shared, draft, tab, goal)
    except RouterError as error:
        st.error(escaped(str(error)), icon=":material/error:")


page()
