"""My data: a file is chosen, looked through, judged in the background, and found again by its address."""

from __future__ import annotations

import streamlit as st

from pages.address import Address
from pages.evidence_checks import prepared
from pages.evidence_file import chosen_table
from pages.evidence_jobs import ready
from pages.evidence_mapping import edited_mapping
from pages.evidence_result import forget_result, known_result, show_result
from pages.evidence_teaching import teach_from
from pages.evidence_wanted import wanted
from pages.formatting import escaped
from pages.popovers import close, popover
from pages.resources import Resources
from router_core.evaluation.by_file.work import Prepared, Wanted, judge, keep
from router_core.evaluation.progress import Watch
from router_core.routing.deciding import new_id

_EVALUATION = "evaluation"
_LISTED = 50
_NOTES = 6  # in plain sight


def show_data(shared: Resources, address: Address) -> None:
    """The evaluation that the address names, or the form that begins one."""
    store = shared.playground.store
    id_: str | None = st.session_state[address.text(_EVALUATION)] or None
    address.write()
    _tools(shared, id_)
    if id_ is None:
        _begin(shared)
        return
    if known_result(store, id_):
        show_result(store, id_)
        return
    job = shared.jobs.get(id_)
    if job is None:
        st.warning(f"The evaluation {escaped(repr(id_))} is not in this store; choose another, or judge a file.")
    elif ready(job, "evaluation"):
        st.rerun()


def _tools(shared: Resources, id_: str | None) -> None:
    """Earlier evaluations, a new one, and deleting the one that is shown."""
    store = shared.playground.store
    kept = [one for one in store.evaluations(_LISTED) if one.kind == "labelled"]
    if not kept and id_ is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="evaluation-tools"):
        if id_ is not None and st.button(
            "Judge a file", key="new-evaluation", type="tertiary", icon=":material/add:"
        ):
            _go(None)
        with popover(f"Earlier evaluations ({len(kept)})", type="tertiary", key="earlier", disabled=not kept):
            for one in kept:
                name = escaped(f"{one.name}, {one.created_at:%Y-%m-%d %H:%M}")
                if st.button(name, key=f"open-{one.id}", type="tertiary", disabled=one.id == id_):
                    _go(one.id)
        if id_ is not None and known_result(store, id_):
            with popover("Delete", type="tertiary", key="delete-evaluation", icon=":material/delete:"):
                st.caption("The result is deleted for good. Your file is not touched.")
                if st.button("Delete it", key="do-delete-evaluation", type="primary"):
                    forget_result(store, id_)
                    _go(None)


def _go(id_: str | None) -> None:
    """Show this evaluation, or the form."""
    st.session_state[_EVALUATION] = id_ or ""
    close()
    st.rerun()


def _begin(shared: Resources) -> None:
    """File, columns, problems, what is wanted; then the work starts."""
    table = chosen_table()
    if table is None:
        return
    goal = st.session_state["goal"]
    mapping = edited_mapping(table)
    found = prepared(shared, table, mapping, goal)
    if found is None or found.data is None:
        return
    _notes(found)
    asked = wanted(shared, found.data, goal)
    teach_from(shared, found.data, goal)
    if asked is not None:
        _go(_start(shared, found, asked))


def _notes(found: Prepared) -> None:
    """What was left out, changed or estimated."""
    said = [escaped(f"{note[:1].upper()}{note[1:]}.") for note in found.notes]
    if len(said) > _NOTES:
        with st.expander(f"What was left out, changed or estimated ({len(said)})", key="notes"):
            st.caption("  \n".join(said))
    elif said:
        st.caption("  \n".join(said))


def _start(shared: Resources, found: Prepared, asked: Wanted) -> str:
    """Begin the work; the id under which it will be kept."""
    playground, id_ = shared.playground, new_id()
    data, notes = found.data, found.notes
    assert data is not None

    def work(watch: Watch) -> str:
        judged = judge(data, asked, playground.settings, ask=playground.ask, notes=notes, watch=watch)
        keep(playground.store, id_, judged)
        return id_

    shared.jobs.start(id_, work)
    return id_
