"""The form of the rules: a rule set to begin with, one click away, and every field of it."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from pages.forms import edit, field_key
from router_core.registry import RULES
from router_core.settings import Settings
from router_core.settings.presets import rule_presets

_SAID = {
    "article": "the rules of the article: short, extracting and brief prompts are simple, from 3 points up",
    "balanced": "fitted to scored answers: a short prompt that asks for no reasoning is simple, from 2 points up",
}


def rules_form(settings: Settings) -> dict[str, Any]:
    """The rules as they stand in the form."""
    presets = rule_presets()
    tools = st.container(horizontal=True, vertical_alignment="center", gap="small", key="rule-presets")
    values = edit(settings.heuristic, RULES.name, settings.version)
    with tools:
        st.markdown("Rule set", width="content")
        for name, rules in presets.items():
            same = all(values[key] == value for key, value in rules.items())
            st.button(
                name.capitalize(),
                key=f"preset-{name}",
                type="primary" if same else "secondary",
                help=f"Puts it into the form: {_SAID[name]}.",
                on_click=partial(_fill, rules, settings.version),
            )
    return values


def _fill(rules: dict[str, Any], version: str) -> None:
    for name, value in rules.items():
        st.session_state[field_key(RULES.name, name, version)] = value
