"""Take the router with you, and bring one in: files of every format, and an import that asks first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from pages.differences import show_changes
from pages.endpoints import agreed
from pages.formatting import escaped
from pages.resources import Resources, change_settings, resources
from router_core.errors import RouterError
from router_core.exports import Export, Learned, dump, dump_evidence, dump_yaml, load_any
from router_core.exports.diff import changes
from router_core.exports.keys import refuse_keys
from router_core.exports.litellm import litellm_config
from router_core.exports.snippet import http_snippet, python_snippet
from router_core.exports.transfer import (
    ContextualChange,
    LearnedChange,
    contextual_changes,
    goals_of,
    learned_changes,
    settings_in,
    take_over_learned,
    text_of_bytes,
    whoami,
)
from router_core.registry import CONTEXTUAL
from router_core.serving.playground import Playground
from router_core.settings import Settings
from router_core.store import MEMORY
from router_core.store.base import Store
from router_core.types import MICRO, Evidence
from router_core.words import good_of


def show_files(shared: Resources) -> None:
    """Everything as a file, with a checksum: to decide the same elsewhere, to review, to keep."""
    playground = shared.playground
    _refuse_keys(playground)
    st.caption("Settings, prices and what was learned, with a checksum; never a key.")
    files: tuple[tuple[str, str, Callable[[], str]], ...] = (
        ("router.json", "all of it, to decide the same elsewhere", lambda: dump(playground.export())),
        ("router.yaml", "the same, to read and to review", lambda: dump_yaml(playground.export())),
        ("evidence.json", "only what was learned", lambda: dump_evidence(playground.export().learned)),
    )
    for name, what, made in files:
        _file(name, what, made)
    st.page_link("history.py", label="The log as CSV, JSONL or Parquet", icon=":material/history:")
    if playground.store.location != MEMORY and not playground.store.read_only:
        _backup(playground.store)


def show_python(shared: Resources) -> None:
    """A program that uses router.json."""
    _refuse_keys(shared.playground)
    program = python_snippet(shared.playground.settings, st.session_state["goal"])
    _file("router.py", "a program that uses router.json, which lies beside it", lambda: program)
    st.code(program, language="python")


def show_http(shared: Resources) -> None:
    """A program that asks this server, and what it may ask."""
    parts = urlsplit(st.context.url or "")
    base_url = f"{parts.scheme or 'http'}://{parts.netloc or '127.0.0.1:8501'}/v1"
    st.markdown(
        f"This server answers programs at **{escaped(base_url)}**, with what is in force now: OpenAI's clients by"
        " their base URL, and whoever calls the models itself by asking which. What they send is on these pages."
    )
    program = http_snippet(base_url, st.session_state["goal"])
    _file("client.py", "a program that asks this server", lambda: program)
    st.code(program, language="python")
    st.caption("Without the panel, over the same store:")
    st.code("router-core serve", language="sh")


def show_litellm(shared: Resources) -> None:
    """The settings of a LiteLLM proxy."""
    playground = shared.playground
    settings = playground.settings
    _refuse_keys(playground)
    split = {name: playground.split(name) for name in settings.goals}
    config = litellm_config(settings, split, playground.export().prices)
    _file("config.yaml", "a LiteLLM proxy, split as now; it does not learn", lambda: config)
    st.code(config, language="yaml", height=420)


def _refuse_keys(playground: Playground) -> None:
    refuse_keys(playground.settings, {"settings": playground.settings.model_dump(mode="json")})


def _file(name: str, what: str, made: Callable[[], str]) -> None:
    """A file is made when it is asked for, not each time the page is drawn."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"take-{name}"):
        st.download_button(
            name, lambda: made().encode(), name, key=f"download-{name}", on_click="ignore", width=140
        )
        st.markdown(f":small[{escaped(what)}]", width="stretch")


def _backup(store: Store) -> None:
    """The whole log, for the owner of this machine: written beside the store, never sent to the browser."""
    if st.button("Back up the store", key="backup", help="Copies every prompt, answer and rating into one file."):
        place = Path(store.location)
        made = store.backup(place.with_name(f"backup-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{place.name}"))
        st.success(escaped(f"{made.path}: {made.rows['prompt']:,} prompts, up to change {made.change.number:,}."))


def show_import(shared: Resources) -> None:
    """Bring a router in: checked, shown, asked about."""
    st.header("Import", anchor=False)
    _offer_undo()
    given = st.file_uploader("router.json, router.yaml or evidence.json", key="import-file", max_upload_size=10)
    if given is None:
        st.caption("It is checked first, shown, and asked about; what it changes can be undone.")
        return
    trust = st.checkbox("Accept a file that was edited by hand", key="trust-edited")
    playground = shared.playground
    try:
        found = load_any(text_of_bytes(given.getvalue()), playground.settings, trust_edited=trust)
        wanted = settings_in(found) if isinstance(found, Export) else playground.settings
    except RouterError as error:
        st.error(escaped(str(error)), icon=":material/error:")
        return
    learned = found.learned if isinstance(found, Export) else found
    st.caption(_origin(learned))
    differs = changes(playground.settings.document(), wanted.document())
    with_settings = bool(differs) and st.checkbox(
        f"Take over its settings ({len(differs)} change{'s' * (len(differs) != 1)})", True, key="take-settings"
    )
    if differs:
        show_changes(differs)
    elif isinstance(found, Export):
        st.caption("Its settings are those in force.")
    target = wanted if with_settings else playground.settings
    moved = learned_changes(playground.store, target, learned)
    contextual = contextual_changes(playground.learned, playground.settings, learned)
    with_learning = bool(moved or contextual) and st.checkbox(
        "Take over what it has learned", True, key="take-learning"
    )
    if moved or contextual:
        _show_learned(moved, contextual)
        st.caption("What is known here is set aside, not deleted.")
    else:
        st.caption("What it has learned is what is known here.")
    trusted = not with_settings or agreed(wanted, playground.settings, "trust-endpoints")
    nothing = not (with_settings or with_learning)
    if st.button("Import", type="primary", key="do-import", disabled=nothing or not trusted):
        goals = goals_of(target, learned) if with_learning else []
        _take_over(playground.settings, target if with_settings else None, learned, goals, given.name)


def _origin(learned: Learned) -> str:
    source = learned.provenance
    kind = {"live": "live traffic", "simulated": "simulated traffic", None: "unknown traffic"}[source.store]
    note = f" ({escaped(source.note)})" if source.note else ""
    return (
        f"Exported {learned.created_at:%Y-%m-%d %H:%M} UTC by router_core {escaped(source.router_core)} from"
        f" {kind} with {source.outcomes:,} outcomes{note}."
    )


def _show_learned(moved: Sequence[LearnedChange], contextual: Sequence[ContextualChange]) -> None:
    def said(one: Evidence) -> str:
        return f"{good_of(one.reward_micro / MICRO, one.count)} good"

    st.table(
        {
            "Goal": [escaped(one.goal) for one in (*moved, *contextual)],
            "Model or router": [escaped(one.arm) for one in moved] + [CONTEXTUAL.label] * len(contextual),
            "Now": [said(one.before) for one in moved] + [escaped(one.before) for one in contextual],
            "Then": [said(one.after) for one in moved] + [escaped(one.after) for one in contextual],
        }
    )


def _take_over(
    before: Settings, settings: Settings | None, learned: Learned, goals: Sequence[str], name: str
) -> None:
    if settings is not None:
        change_settings(settings, _note(name))
    store = resources().playground.store
    words = {goal: (store.gain_version(goal) or "", store.gain(goal) or ("", "null")) for goal in goals}
    take_over_learned(store, learned, goals, _note(name))
    st.session_state["imported"] = (name, before if settings is not None else None, words)
    st.session_state["saved"] = f"{name} was imported."
    st.rerun()


def _note(name: str) -> str:
    return f"imported {name}"


def _offer_undo() -> None:
    """Take the last import of this visit back; later, that is done under Versions and on the learning page."""
    name, before, words = st.session_state.get("imported", ("", None, {}))
    if not name or not st.button(f"Undo the import of {escaped(name)}", icon=":material/undo:", key="undo-import"):
        return
    if before is not None:
        change_settings(before, f"undid the import of {name}")
    store = resources().playground.store
    for goal, (version, (origin, document)) in words.items():
        events = [one for one in store.learning_events(goal) if one.kind != "snapshot"]
        if events and events[-1].note == _note(name):  # else something came after it, which is not taken back
            store.undo_learning(goal, at=datetime.now(UTC), author=whoami())
            if (store.gain_version(goal) or "") != version:
                store.save_gain(goal, version, origin, document, at=datetime.now(UTC))
    del st.session_state["imported"]
    st.session_state["saved"] = f"The import of {name} was undone."
    st.rerun()
