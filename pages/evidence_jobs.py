"""Work that takes a while: started once, watched with its time left, stopped by a click."""

from __future__ import annotations

from collections.abc import Hashable

import streamlit as st

from pages.formatting import escaped
from router_core.evaluation.running import Job, Work
from router_core.words import wait

_LOOK_S = 0.5
_PATIENCE_S = 0.6  # what is ready sooner needs no bar


def background(name: str, signature: Hashable, work: Work) -> Job:
    """This visit's work of that name; started anew (and the old one stopped) when the signature changes."""
    held: tuple[Hashable, Job] | None = st.session_state.get(name)
    if held is None or held[0] != signature:
        if held is not None:
            held[1].cancel()
        held = st.session_state[name] = (signature, Job(work))
        held[1].wait(_PATIENCE_S)
    return held[1]


def ready(job: Job, name: str) -> bool:
    """Whether the work is done; else shows how far it is, or why it failed."""
    status = job.status
    if status.state == "done":
        return True
    if status.state == "failed":
        st.error(escaped(status.error or "it failed"), icon=":material/error:")
    elif status.state == "cancelled":
        st.info("Stopped as asked; nothing was kept.")
    else:
        st.fragment(_progress, run_every=_LOOK_S)(job, name)
    return False


def _progress(job: Job, name: str) -> None:
    status = job.status
    if status.ended:
        st.rerun()
    left = "" if status.seconds_left is None else f", {wait(status.seconds_left)} left"
    with st.container(border=True, key=f"progress-{name}"):
        st.progress(status.fraction, escaped(f"{status.words[:1].upper()}{status.words[1:]}{left}"))
        if st.button("Cancel", key=f"cancel-{name}", icon=":material/stop:", disabled=job.cancelling):
            job.cancel()
            st.rerun(scope="fragment")
        if job.cancelling:
            st.caption("Stopping ...")
