"""The form of one goal: its models, what a good answer is, how it routes and learns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.formatting import escaped
from pages.forms import edit, mark
from pages.models import model_options
from pages.resources import Resources
from router_core.outcomes.conditions import NAMES
from router_core.settings import GoalSettings

ADVANCED = ("prior_alpha", "prior_beta", "expected_output_tokens", "teaching_precedence", "attribution_hours")
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "A good answer": ("success_value_usd", "success_when"),
    "Who decides": ("router", "simple_arm", "complex_arm"),
    "Budget": ("budget_usd", "budget_per", "budget_requests"),
    "Learning": ("learn_from", "exploration", "starting_strength"),
}


def goal_form(shared: Resources, draft: dict[str, Any]) -> str:
    """Put what stands in the form into the draft; the goal on whose log a change can be tried."""
    settings = shared.playground.settings
    version = mark(settings.version)
    edited = {name: goal for name, goal in draft["goals"].items() if name in settings.goals}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="goal-tools"):
        name = st.selectbox("Goal", list(settings.goals), key="edited-goal", width=200, persist_state="session")
        new = st.text_input(
            "Another goal",
            key=f"new-goal.{version}",
            width=200,
            placeholder="its name",
            help="A kind of traffic of your own. It begins with the settings shown here and learns by itself.",
            persist_state="session",
        ).strip()
        removed = st.checkbox(
            "Remove",
            key=f"remove-{name}.{version}",
            disabled=len(settings.goals) == 1,
            help="Its log and what it has learned stay: a goal of that name finds them again.",
            persist_state="session",
        )
    if removed:
        edited.pop(name, None)
        draft["goals"] = edited
        st.info(f"{escaped(name)} is removed when you save.")
        return str(name)
    if new in settings.goals:
        st.error(f"There is a goal {escaped(new)} already; choose it on the left, or give another name.")
        new = ""
    elif new:
        st.caption(f"What stands below is for {escaped(new)}; {escaped(name)} stays as it is.")
    edited[name] = fields = _fields(shared, settings.goals[name], name)
    if new:
        edited[name] = settings.goals[name].model_dump(mode="json")
    draft["goals"] = {one: edited[one] for one in settings.goals if one in edited} | ({new: fields} if new else {})
    return str(name)


def _fields(shared: Resources, goal: GoalSettings, name: str) -> dict[str, Any]:
    version = shared.playground.settings.version
    prefix = f"goal-{name}"
    st.header(
        "**Models** :small[:gray[cheap to strong; weights are the shares of traffic before any rating]]",
        anchor=False,
    )
    arms = _arms(shared, goal, f"{prefix}.arms", mark(version))
    found = goal.model_dump(mode="json")
    ids = _ids(arms)
    tiers = {id_: id_ for id_ in ids}
    choices = {"simple_arm": {"": "the first above", **tiers}, "complex_arm": {"": "the last above", **tiers}}
    for title, names in SECTIONS.items():
        st.header(title, anchor=False)
        values = edit(goal, prefix, version, only=names, choices=choices)
        found |= {one: values[one] for one in names}
        if "success_when" in names:
            _condition_help()
    with st.expander("Advanced", key=f"{prefix}-advanced"):
        values = edit(goal, prefix, version, only=ADVANCED)
        found |= {one: values[one] for one in ADVANCED}
    return {**found, "arms": arms}


def _condition_help() -> None:
    with st.popover("What a condition may say", type="tertiary", key="condition-help"):
        st.markdown("For example `finish_reason == 'stop' and len(content) > 10`. It is tried before you save.")
        st.table({"Name": [f"`{name}`" for name in NAMES], "Meaning": [escaped(text) for text in NAMES.values()]})
        st.markdown(
            "And `len`, `lower`, `contains`, `matches`, `is_json`, `and`, `or`, `not`, comparisons, numbers."
        )


def _arms(shared: Resources, goal: GoalSettings, prefix: str, version: str) -> list[dict[str, Any]]:
    """A row per model. Which rows there are is this visit's; what is in them is their widgets'."""
    key = f"{prefix}.rows.{version}"
    rows: list[dict[str, Any]] = st.session_state.setdefault(
        key,
        [
            {"id": n, "model": a.model, "weight": a.weight, "params": _text(a.params)}
            for n, a in enumerate(goal.arms)
        ],
    )
    options = model_options(shared.playground.settings)
    found = []
    for place, row in enumerate(rows):
        shown: Any = "visible" if place == 0 else "collapsed"
        with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", key=f"{prefix}-row-{place}"):
            names = list(options) if row["model"] in options or not row["model"] else [row["model"], *options]
            model = st.selectbox(
                "Model",
                names,
                names.index(row["model"]) if row["model"] else None,
                format_func=lambda one: options.get(one, one),
                accept_new_options=True,
                placeholder="search, or write provider/model",
                key=f"{prefix}.model.{row['id']}.{version}",
                label_visibility=shown,
                persist_state="session",
                width=250,
            )
            weight = st.number_input(
                "Weight",
                0.0,
                1e6,
                float(row["weight"]),
                format="%g",
                key=f"{prefix}.weight.{row['id']}.{version}",
                label_visibility=shown,
                persist_state="session",
                width=88,
            )
            params = st.text_input(
                "Parameters",
                row["params"],
                placeholder='{"temperature": 0}',
                key=f"{prefix}.params.{row['id']}.{version}",
                label_visibility=shown,
                persist_state="session",
                width=168,
            )
            st.button(
                ":material/arrow_upward:",
                help="Move up, towards the cheap end",
                type="tertiary",
                key=f"{prefix}.up.{row['id']}.{version}",
                disabled=place == 0,
                on_click=_up,
                args=(key, place),
            )
            st.button(
                ":material/close:",
                help="Take this model out",
                type="tertiary",
                key=f"{prefix}.remove.{row['id']}.{version}",
                disabled=len(rows) == 1,
                on_click=_remove,
                args=(key, place),
            )
        found.append({"model": model or "", "weight": weight, "params": _params(params)})
    st.button(
        "Add a model",
        icon=":material/add:",
        type="tertiary",
        key=f"{prefix}.add.{version}",
        on_click=_add,
        args=(key,),
    )
    return found


def _add(key: str) -> None:
    rows = st.session_state[key]
    new = {"id": max(row["id"] for row in rows) + 1, "model": None, "weight": 0.0, "params": ""}
    st.session_state[key] = [*rows, new]


def _remove(key: str, place: int) -> None:
    rows = st.session_state[key]
    st.session_state[key] = [*rows[:place], *rows[place + 1 :]]


def _up(key: str, place: int) -> None:
    rows = list(st.session_state[key])
    rows[place - 1], rows[place] = rows[place], rows[place - 1]
    st.session_state[key] = rows


def _ids(arms: list[dict[str, Any]]) -> list[str]:
    """The ids of the models as far as they can be read already."""
    ids = []
    for arm in arms:
        model, params = arm["model"], arm["params"]
        if model and isinstance(params, dict):
            ids.append(f"{model}?{json.dumps(params, sort_keys=True, separators=(',', ':'))}" if params else model)
    return ids


def _text(params: Mapping[str, Any]) -> str:
    return json.dumps(dict(params)) if params else ""


def _params(text: str) -> Any:
    """The parameters; a text that is no JSON as it is, for the declaration to refuse."""
    try:
        return json.loads(text) if text.strip() else {}
    except ValueError:
        return text
