"""Take the router with you, and bring one in: files of every format, and an import that asks first."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime

import streamlit as st

from pages.resources import Resources, change_settings
from pages.shown import escaped
from router_core.errors import RouterError
from router_core.exports import Export, dump, dump_evidence, dump_yaml, load, load_evidence
from router_core.exports.diff import changes
from router_core.exports.litellm import litellm_config
from router_core.exports.snippet import python_snippet
from router_core.transfer import export_of, take_over


def show_takeaway(shared: Resources) -> None:
    """Out on the left, in on the right."""
    out, into = st.columns(2, gap="large")
    with out.container(border=True, key="export"):
        _out(shared)
    with into.container(border=True, key="import"):
        _in(shared)


def _out(shared: Resources) -> None:
    playground = shared.playground
    export = export_of(playground.store, playground.settings)
    goal = st.session_state["goal"]
    split = {name: playground.split(name) for name in playground.settings.goals}
    st.markdown("**Take it with you**")
    st.caption("Settings, prices and what was learned, with a checksum; never a key.")
    files = (
        ("router.json", "everything; Router.from_settings loads it and decides the same", dump(export)),
        ("router.yaml", "the same, to read and to review", dump_yaml(export)),
        ("evidence.json", "only what was learned", dump_evidence(export.learned)),
        ("router.py", "a program that uses router.json", python_snippet(playground.settings, goal)),
        ("config.yaml", "a LiteLLM proxy with the present split as weights", None),
    )
    for name, what, text in files:
        if text is None:
            text = litellm_config(playground.settings, split, export.prices)
        with st.container(horizontal=True, vertical_alignment="center", key=f"take-{name}"):
            st.download_button(name, text, name, key=f"download-{name}", on_click="ignore", width=150)
            st.caption(what)
    st.caption("Requests and outcomes as CSV, JSONL or Parquet: see History.")
    with st.expander("router.py", key="show-snippet"):
        st.code(python_snippet(playground.settings, goal), language="python")


def _in(shared: Resources) -> None:
    st.markdown("**Bring one in**")
    given = st.file_uploader("router.json, router.yaml or evidence.json", key="import-file", max_upload_size=10)
    if given is None:
        st.caption("It is checked first, shown, and asked about; what it changes can be undone.")
        return
    trust = st.checkbox("Accept a file that was edited by hand", key="trust-edited")
    try:
        text = given.getvalue().decode("utf-8")
    except UnicodeDecodeError:
        st.error("The file is not UTF-8 text; export it anew.", icon=":material/error:")
        return
    settings = shared.playground.settings
    try:
        learned = load_evidence(text, settings, trust_edited=trust) if "router-evidence" in text[:4000] else None
        export = load(text, trust_edited=trust) if learned is None else None
    except RouterError as error:
        st.error(str(error), icon=":material/error:")
        return
    counts = (learned or export).evidence  # type: ignore[union-attr]
    for goal, arms in counts.items():
        for arm, one in arms.items():
            st.caption(f"{escaped(goal)}, {escaped(arm)}: {one.reward_micro / 1e6:g} of {one.count:,} good")
    if export is not None:
        _settings_changes(shared, export)
    st.caption("What this store has learned is set aside, not deleted: undo it on the learning page.")
    if not st.button("Import", type="primary", key="do-import"):
        return
    if export is None:
        assert learned is not None
        export = export_of(shared.playground.store, settings)
        for goal in learned.evidence:
            shared.playground.store.import_learning(
                goal,
                learned.evidence[goal],
                learned.output_tokens.get(goal, {}),
                at=datetime.now(UTC),
                author=getpass.getuser(),
                note=f"evidence of {learned.created_at:%Y-%m-%d %H:%M}",
            )
    else:
        if export.settings != settings:
            change_settings(export.settings, f"imported {given.name}")
        from pages.resources import resources

        take_over(resources().playground.store, export)
    st.session_state["saved"] = f"{given.name} was imported."
    st.rerun()


def _settings_changes(shared: Resources, export: Export) -> None:
    found = changes(shared.playground.settings.document(), export.settings.document())
    if not found:
        st.caption("Its settings are those in force.")
        return
    st.table(
        {
            "Setting": [escaped(one.path) for one in found],
            "Now": [escaped(one.before or "–") for one in found],
            "Then": [escaped(one.after or "–") for one in found],
        }
    )
