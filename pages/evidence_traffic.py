"""My traffic: what another router, or other settings, would have scored and cost on what was logged."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import streamlit as st

from pages.address import Address
from pages.evidence_jobs import background, ready
from pages.evidence_tables import figures_table
from pages.figure import draw, theme_now
from pages.formatting import escaped, labels
from pages.forms import edit
from pages.resources import Resources
from pages.traffic import offer_traffic
from router_core.charts.common import Theme
from router_core.charts.traffic import estimates_chart, estimates_description
from router_core.evaluation.from_log.offpolicy import Quantity
from router_core.evaluation.from_log.what_if import (
    ALWAYS,
    HEADINGS,
    WhatIf,
    lines,
    refusals,
    remarks,
    sentence,
    what_if,
)
from router_core.registry import LABELS, POLICIES
from router_core.settings import Settings
from router_core.validation import validated
from router_core.views.filters import extent, ranges

_IN_FORCE = "in force"
_DRAFT = "a draft"
_LEARNING = ("success_value_usd", "exploration", "starting_strength", "prior_alpha", "prior_beta")
_QUANTITIES: dict[Quantity, str] = {"reward": "Good answers", "cost_usd": "Cost"}


def show_traffic(shared: Resources, address: Address) -> None:
    """The question, and the log's answer."""
    goal = st.session_state["goal"]
    if not extent(shared.playground.store).completions:
        offer_traffic(shared, "Here you will see what other settings would have scored on your traffic.", goal)
        return
    settings = shared.playground.settings
    names = labels([arm.arm() for arm in settings.goal(goal).arms])
    targets = dict(LABELS) | {f"{ALWAYS}{arm}": f"Always {name}" for arm, name in names.items()}
    with st.container(horizontal=True, vertical_alignment="bottom", key="what-if"):
        key = address.choice("target", list(targets), next(iter(targets)))
        target = st.selectbox("What would this have done?", list(targets), format_func=targets.__getitem__,
                              key=key, width=260)  # fmt: skip
        version = _IN_FORCE
        if not target.startswith(ALWAYS):
            versions = _versions(shared)
            key = address.choice("target-settings", versions, _IN_FORCE)
            version = st.selectbox("with settings", versions, key=key, width=260)
        key = address.choice("target-range", list(ranges()), "all")
        span = st.segmented_control("Of the last", list(ranges()), key=key, required=True)
    address.write()
    right: Any = st.container(key="what-if-found")
    if version == _DRAFT:
        left, right = st.columns([2, 3], gap="large")
        with left:
            draft = _draft(shared, goal, target)
    else:
        draft = _saved(shared, version)
    length = ranges()[span]
    since = None if length is None else datetime.now(UTC) - length
    playground = shared.playground
    signature = (
        *shared.state, draft.version, goal, target, span,
    )  # fmt: skip
    job = background(
        "evidence-what-if",
        signature,
        lambda watch: what_if(playground.store, settings, draft, goal, target, since),
    )
    with right:
        if ready(job, "what-if"):
            _answer(job.result, targets[target], names, signature)


def _versions(shared: Resources) -> list[str]:
    saved = [
        f"{one.created_at:%Y-%m-%d %H:%M} {one.version}" for one in shared.playground.store.settings_versions()
    ]
    return [_IN_FORCE, _DRAFT, *saved]


def _draft(shared: Resources, goal: str, target: str) -> Settings:
    """The settings in force, with what is changed here."""
    settings = shared.playground.settings
    raw: dict[str, Any] = settings.model_dump(mode="json")
    with st.container(border=True, key="draft"):
        st.caption("Nothing here is saved; Settings is where it would be.")
        if POLICIES[target].learns:
            own = edit(settings.goal(goal), f"draft-{goal}", settings.version, only=_LEARNING)
            raw["goals"][goal] = own
        else:
            raw[target] = edit(getattr(settings, target), f"draft-{target}", settings.version)
    return validated(Settings, raw)


def _saved(shared: Resources, version: str) -> Settings:
    """The settings in force, or a saved version."""
    if version == _IN_FORCE:
        return shared.playground.settings
    wanted = version.rsplit(" ", 1)[-1]
    saved = {one.version: one.document for one in shared.playground.store.settings_versions()}
    return Settings.from_document(saved[wanted])


@st.cache_data(max_entries=16, show_spinner=False)
def _charts(_found: WhatIf, signature: Any, theme: Theme) -> dict[str, dict[str, Any] | None]:
    return {
        quantity: estimates_chart(_found.report.estimates, _found.logged(quantity), quantity, theme)
        for quantity in ("reward", "cost_usd")
    }


def _answer(found: WhatIf, name: str, names: dict[str, str], signature: Any) -> None:
    theme = theme_now()
    with st.container(border=True, key="what-if-answer"):
        st.header(escaped(sentence(found, name)), anchor=False)
        for refusal in refusals(found):
            st.info(escaped(refusal), icon=":material/info:")
        st.markdown("\n".join(f"- {escaped(remark)}" for remark in remarks(found, names)))
    charts = _charts(found, signature, theme)
    shown = [quantity for quantity in _QUANTITIES if charts[quantity] is not None]
    if not shown:
        return
    for column, quantity in zip(st.columns(2, gap="large"), shown, strict=False):
        with column:
            st.subheader(_QUANTITIES[quantity], anchor=False)
            alt = estimates_description(found.report.estimates, found.logged(quantity), quantity)
            draw(f"chart-{quantity}", charts[quantity], alt)
    figures_table(HEADINGS, lines(found), "table-what-if")
    st.caption(
        "DR uses what is known of similar prompts and corrects it by what was drawn; SNIPS and IPS only reweigh"
        " what was drawn. Where they disagree, trust none of them much. All hold 95 %. At the worst: if every"
        " unrated answer were bad, or every one good; given where fewer than 90 % are rated. The cost is that of"
        " the answers, deciding not included."
    )
