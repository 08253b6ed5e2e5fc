"""Logs of other tools: a file, what is in it and which models it means, and then its calls in the store."""

from __future__ import annotations

from collections.abc import Hashable

import streamlit as st

from pages.address import Address
from pages.formatting import escaped
from pages.resources import Resources, playground_for_imports
from router_core.collecting.logs.importing import arms_for, import_log
from router_core.collecting.logs.reading import FORMATS, ReadLog, read_log
from router_core.errors import EvaluationError
from router_core.evaluation.from_log.bill import bill
from router_core.money.pricing import PriceBook
from router_core.serving.playground import Playground
from router_core.settings import Settings
from router_core.store.base import Store
from router_core.words import dollars, listing

_MOST_MB = 1000
_DONE = "log-imported"


def show_logs(shared: Resources, address: Address) -> None:
    """The file, its calls, the models, the button."""
    goal = st.session_state["goal"]
    address.write()
    playground = playground_for_imports(shared)
    if _DONE in st.session_state:
        st.success(escaped(st.session_state.pop(_DONE)), icon=":material/check:")
    _bill(playground, goal)
    upload = st.file_uploader(
        "What another tool has logged: JSON or JSON lines, packed with gzip or not",
        key="log-file",
        max_upload_size=_MOST_MB,
    )
    if upload is None:
        _what_can_be_read()
        return
    try:
        log = _read(upload.getvalue(), upload.file_id, upload.name)
    except EvaluationError as error:
        st.error(escaped(str(error)), icon=":material/error:")
        return
    _what_is_in_it(log, playground.settings.privacy.keep_texts)
    arms = _models(log, [arm.id for arm in playground.settings.goal(goal).arms],
                   arms_for(log, playground.settings.goal(goal)))  # fmt: skip
    readable = playground.store.read_only
    if st.button(f"Import {len(log.calls):,} calls", key="import-log", type="primary", disabled=readable):
        bar = st.progress(0.0, "Importing ...")
        done = import_log(
            playground.store,
            playground.settings,
            log,
            goal,
            arms,
            progress=lambda calls: bar.progress(min(1.0, calls / len(log.calls)), "Importing ..."),
        )
        st.session_state[_DONE] = (
            f"{done.calls:,} calls on {done.prompts:,} prompts and {done.ratings:,} ratings were imported."
            " Costs and shares are on Costs, the answers on Rate; estimates of other routers refuse, for nobody"
            " logged with which chance another model would have been asked."
        )
        st.rerun()


def _bill(playground: Playground, goal: str) -> None:
    """What the last days cost, once there are calls."""
    store, settings = playground.store, playground.settings
    lines = _billed(store, (store.location, store.revision, settings.version), settings, goal)
    if lines:
        with st.container(border=True, key="bill"):
            st.header(escaped(lines[0]), anchor=False)
            for line in lines[1:]:
                st.markdown(escaped(line))
            st.caption("Of quality the verdict tells: judge or rate answers, or ask both models the same prompts.")


@st.cache_data(max_entries=8, show_spinner=False)
def _billed(_store: Store, state: Hashable, _settings: Settings, goal: str) -> tuple[str, ...]:
    own, book = _settings.goal(goal), PriceBook(_settings.prices)
    found = bill(_store, goal, own, {arm.id: book.price(arm.model) for arm in own.arms})
    return () if found is None else found.lines


@st.cache_resource(max_entries=2, show_spinner="Reading ...")
def _read(_content: bytes, file_id: Hashable, name: str) -> ReadLog:
    return read_log(_content, name=name)


def _what_is_in_it(log: ReadLog, keep_texts: str) -> None:
    days = "" if log.span is None else f", {log.span[0]:%Y-%m-%d} to {log.span[1]:%Y-%m-%d}"
    st.markdown(f"**{escaped(log.label)}**: {len(log.calls):,} calls{days}.")
    texts = sum(use.with_texts for use in log.models.values())
    notes = []
    if texts < len(log.calls):
        notes.append(f"{len(log.calls) - texts:,} come without the texts of their prompts and cannot be judged.")
    if keep_texts != "full" and texts:
        notes.append("Texts are not kept, as the settings say: fingerprints stand for them.")
    notes += [f"Left out, {count:,}: {why}." for why, count in log.left_out.items()]
    if notes:
        st.caption(escaped(" ".join(notes[:6])))


def _models(log: ReadLog, own: list[str], usual: dict[str, str]) -> dict[str, str]:
    """Each model of the log, what the log says of it, and which model of the use case it is."""
    found: dict[str, str] = {}
    with st.container(key="log-models"):
        for at, (model, use) in enumerate(log.models.items()):
            cost = dollars(use.cost_usd) if use.unknown < use.calls else "cost unknown"
            unknown = f", {use.unknown:,} of unknown cost" if 0 < use.unknown < use.calls else ""
            options = list(dict.fromkeys([*own, model]))
            found[model] = st.selectbox(
                f"{escaped(model)}: {use.calls:,} calls, {escaped(cost)}{unknown}, is",
                options,
                index=options.index(usual[model]),
                key=f"log-model-{at}-{model}",
                width=460,
            )
    return found


def _what_can_be_read() -> None:
    with st.container(border=True, key="what-logs"):
        st.header("Here you will see what your traffic cost, and can have it judged.", anchor=False)
        known = listing([one.LABEL for one in FORMATS.values()])
        st.markdown(f"{escaped(known[:1].upper() + known[1:])} are recognised by their shape.")
        st.caption(
            "The file does not leave this machine. Costs are taken as they are written; what it does not say stays"
            " unknown."
        )
