"""The prompts that a router sent to the wrong model, one at a time, to read."""

from __future__ import annotations

import streamlit as st

from pages.formatting import badge, escaped, model_text
from router_core.evaluation.results import Mistake, Report


def show_mistakes(report: Report) -> None:
    """Choose a router, then turn the pages."""
    if not report.mistakes:
        return
    st.header("Prompts where routers went wrong", anchor=False)
    routers = list(dict.fromkeys(one.router for one in report.mistakes))
    with st.container(horizontal=True, vertical_alignment="center", key="mistakes"):
        router = st.segmented_control(
            "Router",
            routers,
            default=routers[0],
            format_func=escaped,
            key="mistakes-of",
            label_visibility="collapsed",
            required=True,
        )
        found = [one for one in report.mistakes if one.router == router]
        at = min(st.session_state.get("mistake", 0), len(found) - 1)
        with st.container(horizontal=True, vertical_alignment="center", width="content", key="mistake-pages"):
            for label, target, icon in (
                ("Before", at - 1, ":material/chevron_left:"),
                ("Next", at + 1, ":material/chevron_right:"),
            ):
                st.button(
                    label,
                    key=f"mistake-{label}",
                    icon=icon,
                    type="tertiary",
                    disabled=not 0 <= target < len(found),
                    on_click=lambda target=target: st.session_state.update({"mistake": target}),
                )
            st.caption(f"{at + 1} of {len(found)}")
    _one(report, found[at])


def _one(report: Report, mistake: Mistake) -> None:
    places = {model: index for index, model in enumerate(report.models)}
    with st.container(border=True, key="mistake-shown"):
        st.markdown(
            f"Sent to {badge(mistake.chosen, places[mistake.chosen])};"
            f" {badge(mistake.better, places[mistake.better])} was better by {100 * mistake.lost:.0f} points"
            f" :small[:gray[prompt {escaped(mistake.prompt_id)}]]"
        )
        st.code(mistake.prompt, language=None, wrap_lines=True)
        if not mistake.answers:
            st.caption("The file has no answers to read.")
            return
        for column, (model, answer) in zip(st.columns(len(mistake.answers)), mistake.answers, strict=True):
            with column:
                st.markdown(badge(model, places[model]))
                st.container(border=True).markdown(model_text(answer))
