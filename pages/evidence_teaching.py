"""Teaching the contextual router from a file: which models are whose, a button, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from pages.evidence_jobs import background, ready
from pages.formatting import escaped
from pages.resources import Resources
from router_core.evaluation.by_file.teaching import Taught, matched, teach
from router_core.evaluation.labelled import Labelled
from router_core.evaluation.progress import Watch

_JOB = "evidence-teaching"
_WANTED = "evidence-taught"
_NAMED = 6  # models that are named where they do not fit


def teach_from(shared: Resources, data: Labelled, goal: str) -> None:
    """Offer it where the file has two models of the goal."""
    playground = shared.playground
    settings = playground.settings.goal(goal)
    models = matched(data.models, settings)
    with st.expander("Teach the contextual router from this file", key="teach"):
        if len(models) < 2:
            st.caption(
                f"The file has {len(models)} of the models of {escaped(goal)}. Two are needed: give them the same"
                f" names there and in Settings. In the file: {_listed(data.models)}. In {escaped(goal)}:"
                f" {_listed([arm.id for arm in settings.arms])}."
            )
            return
        pairs = ", ".join(f"{name} as {arm}" if name != arm else name for name, arm in models.items())
        st.caption(
            f"It learns from the words of {len(data.prompts):,} prompts how much each gains from a stronger model:"
            f" {escaped(pairs)}. What {escaped(goal)} had learned of words before is replaced where this is better"
            " than chance; ratings stay."
        )
        signature = (data.sha256, len(data.prompts), goal, playground.settings.version)
        if st.button("Teach it", key="teach-it", icon=":material/school:"):
            st.session_state[_WANTED] = signature
        if st.session_state.get(_WANTED) != signature:
            return

        def work(watch: Watch) -> Taught:
            told = "learning words"
            return teach(
                playground.store, goal, settings, data, datetime.now(UTC), tick=lambda done: watch(done, told)
            )

        job = background(_JOB, signature, work)
        if ready(job, "teaching"):
            taught: Taught = job.result
            learned = f"learned from {taught.score.texts:,} prompts."
            if taught.in_force:
                st.success(f"In force: {learned}")
            else:
                st.info(f"Not put in force: {learned}", icon=":material/info:")
            st.caption(escaped(taught.sentence))


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return escaped(", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else ""))
