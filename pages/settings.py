"""Change it, see what changes, take it with me: every setting, every version, out and in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.forms import edit
from pages.resources import Resources, change_settings, resources
from pages.shown import dollars, duration, escaped
from pages.takeaway import show_takeaway
from router_core.declared import validated
from router_core.errors import RouterError
from router_core.exports.diff import changes
from router_core.preview import condition_preview, split_preview
from router_core.settings import PriceSettings, ProviderSettings, Settings

_TABS = ("Goals", "Models & providers", "Rules", "Classifier", "Calls & privacy", "Versions", "Export & import")


def _draft(shared: Resources, tab: str) -> dict[str, Any]:
    """The whole settings as plain data, with what stands in this tab's widgets."""
    settings = shared.playground.settings
    draft = settings.model_dump(mode="json")
    if tab == "Goals":
        _goals(shared, draft)
    elif tab == "Models & providers":
        _providers(shared, draft)
    elif tab == "Rules":
        draft["heuristic"] = edit(settings.heuristic, "heuristic")
    elif tab == "Classifier":
        draft["classifier"] = edit(settings.classifier, "classifier")
    elif tab == "Calls & privacy":
        for part in ("calls", "privacy", "simulation"):
            st.markdown(f"**{part.capitalize()}**")
            draft[part] = edit(getattr(settings, part), part)
    return draft


def _goals(shared: Resources, draft: dict[str, Any]) -> None:
    settings = shared.playground.settings
    with st.container(horizontal=True, vertical_alignment="bottom", key="goal-tools"):
        name = st.selectbox("Goal", list(settings.goals), key="edited-goal", width=220)
        new = st.text_input("New goal", key="new-goal", width=220, placeholder="its name")
    goal = settings.goals[name]
    st.caption("Models, cheap to strong; the weight is the share of traffic before any evidence.")
    rows = st.data_editor(
        [{"model": a.model, "weight": a.weight, "params": _text(a.params)} for a in goal.arms],
        num_rows="dynamic",
        hide_index=True,
        key=f"arms-{name}-{settings.version}",
        column_config={
            "model": st.column_config.TextColumn("Model", required=True, width=240),
            "weight": st.column_config.NumberColumn("Weight", min_value=0.0, required=True),
            "params": st.column_config.TextColumn("Parameters (JSON)", help='For example {"temperature": 0}'),
        },
    )
    found = edit(goal, f"goal-{name}", leave_out=("arms",))
    found["arms"] = [
        {"model": row.get("model") or "", "weight": row.get("weight") or 0, "params": _params(row.get("params"))}
        for row in rows
    ]
    draft["goals"][name] = found
    if new.strip():
        draft["goals"][new.strip()] = found
    elif len(settings.goals) > 1 and st.checkbox(f"Remove the goal {name}", key=f"remove-{name}"):
        del draft["goals"][name]


def _providers(shared: Resources, draft: dict[str, Any]) -> None:
    settings = shared.playground.settings
    st.caption("Keys are read from the environment and never stored; here only their variables are named.")
    for name, provider in settings.providers.items():
        with st.container(border=True, key=f"provider-{name}"):
            env = provider.api_key_env
            there = "needs no key" if env is None else f"{env} is {'set' if os.environ.get(env) else 'not set'}"
            st.markdown(f"**{escaped(name)}** :small[:gray[{escaped(there)}]]")
            draft["providers"][name] = edit(provider, f"provider-{name}")
            _test_connection(shared, name)
    new = st.text_input("Another provider", key="new-provider", placeholder="its name, for example local")
    if new.strip():
        address = st.text_input("Its address", "http://127.0.0.1:11434/v1", key="new-address")
        env = st.text_input("Its key's environment variable", key="new-env", placeholder="none")
        draft["providers"][new.strip()] = {
            **ProviderSettings().model_dump(mode="json"),
            "base_url": address,
            "api_key_env": env.strip() or None,
        }
    _prices(shared, draft)


def _test_connection(shared: Resources, provider: str) -> None:
    """One tiny call; what it took and cost."""
    models = sorted(
        arm.model
        for goal in shared.playground.settings.goals.values()
        for arm in goal.arms
        if arm.model.startswith(f"{provider}/")
    )
    if not models or not st.button("Test connection", key=f"test-{provider}", type="tertiary"):
        return
    try:
        answer = shared.playground.try_model(models[0])
    except RouterError as error:
        st.error(str(error), icon=":material/error:")
        return
    cost = escaped(dollars(answer.cost_usd))
    st.success(f"{escaped(models[0])} answered in {duration(answer.total_ms)} for {cost}.")


def _prices(shared: Resources, draft: dict[str, Any]) -> None:
    st.markdown(
        "**Prices of your own** :small[:gray[dollars per million tokens; others come from the price book]]"
    )
    fields = list(PriceSettings.model_fields)
    columns: dict[str, Any] = {
        name: st.column_config.NumberColumn(label, min_value=0.0, format="%g")
        for name, label in zip(fields, ("Input", "Output", "Cached input"), strict=True)
    }
    overrides = shared.playground.settings.prices
    rows = st.data_editor(
        [{"model": m, **{f: _number(getattr(p, f)) for f in fields}} for m, p in overrides.items()]
        or [{"model": None, **dict.fromkeys(fields)}],
        num_rows="dynamic",
        hide_index=True,
        key=f"prices-{shared.playground.settings.version}",
        column_config={"model": st.column_config.TextColumn("Model", width=240), **columns},
    )
    draft["prices"] = {
        row["model"]: {f: _price_text(row[f]) for f in fields if row.get(f) is not None}
        for row in rows
        if row.get("model")
    }


def _number(amount: Any) -> float | None:
    return None if amount is None else float(amount)


def _price_text(amount: float) -> str:
    return f"{amount:.9f}"


def _text(params: Mapping[str, Any]) -> str:
    import json

    return json.dumps(dict(params)) if params else ""


def _params(text: str | None) -> Any:
    import json

    try:
        return json.loads(text) if text else {}
    except ValueError:
        return text


def _consequences(shared: Resources, draft: Mapping[str, Any], tab: str) -> None:
    """What saving would change, and the button that does it."""
    settings = shared.playground.settings
    try:
        wanted = validated(Settings, draft)
    except RouterError as error:
        st.error(str(error), icon=":material/error:")
        return
    found = changes(settings.document(), wanted.document())
    if not found:
        st.caption("Nothing is changed. What a change would do will stand here.")
        return
    st.markdown(f"**{len(found)} change{'s' * (len(found) != 1)}**")
    st.table(
        {
            "Setting": [escaped(one.path) for one in found],
            "Now": [escaped(one.before or "–") for one in found],
            "Then": [escaped(one.after or "–") for one in found],
        }
    )
    if tab in ("Goals", "Rules"):
        _previews(shared, wanted)
    note = st.text_input("Note", key="settings-note", placeholder="why (optional)")
    if st.button("Save", type="primary", key="save-settings"):
        change_settings(wanted, note.strip())
        st.session_state["saved"] = f"Saved as version {wanted.version}; it is in force."
        st.rerun()


def _previews(shared: Resources, wanted: Settings) -> None:
    """The routers on the last prompts, before and after; a success condition on the last answers."""
    playground = shared.playground
    for goal in (name for name in wanted.goals if name in playground.settings.goals):
        rows = split_preview(playground.store, playground.settings, wanted, goal)
        if rows:
            st.caption(f"Goal {goal}: on its last {rows[0].prompts} prompts")
            st.table(
                {
                    "Router": [row.router for row in rows],
                    "Model": [escaped(row.arm) for row in rows],
                    "Now": [f"{row.before:.0%}" for row in rows],
                    "Then": [f"{row.after:.0%}" for row in rows],
                }
            )
        line = wanted.goals[goal].success_when
        if line and line != playground.settings.goals[goal].success_when:
            judged = condition_preview(playground.store, goal, line)
            st.caption(
                f"On the last {judged.answers} answers the condition says: {judged.good} good, {judged.bad} bad,"
                f" {judged.unknown} unknown."
            )


def _versions(shared: Resources) -> None:
    """Every saved version: compare it with the present, and bring it back."""
    versions = shared.playground.store.settings_versions()
    now = shared.playground.settings
    if not versions:
        st.caption("Nothing has been saved yet; the defaults (or the file in ROUTER_SETTINGS) are in force.")
        return
    st.table(
        {
            "Saved": [f"{one.created_at:%Y-%m-%d %H:%M:%S} UTC" for one in versions],
            "By": [escaped(one.author) for one in versions],
            "Version": [one.version + (" (in force)" if one.version == now.version else "") for one in versions],
            "Note": [escaped(one.note) for one in versions],
        }
    )
    names = {f"{one.created_at:%Y-%m-%d %H:%M:%S} {one.version}": one for one in versions}
    chosen = names[st.selectbox("Compare with the present", list(names), key="compared-version")]
    found = changes(now.document(), chosen.document)
    if not found:
        st.caption("It is the present one.")
        return
    st.table(
        {
            "Setting": [escaped(one.path) for one in found],
            "Now": [escaped(one.before or "–") for one in found],
            "Then": [escaped(one.after or "–") for one in found],
        }
    )
    if st.button("Bring it back", key="bring-back"):
        change_settings(Settings.from_document(chosen.document), f"back to {chosen.version}")
        st.session_state["saved"] = f"Version {chosen.version} is in force again."
        st.rerun()


def page() -> None:
    """The page, top to bottom."""
    shared = resources()
    saved = st.session_state.pop("saved", None)
    if saved:
        st.success(saved)
    tab = st.segmented_control(
        "Settings",
        _TABS,
        default=_TABS[0],
        key="tab",
        bind="query-params",
        label_visibility="collapsed",
        required=True,
    )
    try:
        if tab == "Versions":
            _versions(shared)
        elif tab == "Export & import":
            show_takeaway(shared)
        else:
            left, right = st.columns([3, 2], gap="large")
            with left:
                draft = _draft(shared, tab)
            with right.container(border=True, key="consequences"):
                _consequences(shared, draft, tab)
    except RouterError as error:
        st.error(str(error), icon=":material/error:")


page()
