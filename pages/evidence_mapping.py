"""What the columns of a file mean: guessed, and corrected here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from router_core.evaluation.files.mapping import Form, Mapping, ModelColumns
from router_core.evaluation.files.tables import Table

_FORMS: dict[Form, str] = {"long": "One row per prompt and model", "wide": "One row per prompt"}
_SHARED = {
    "prompt": ("Prompt", "The text. Needed."),
    "prompt_id": ("Prompt id", "Without one the text itself tells prompts apart."),
    "task": ("Task", "Results are also shown by task."),
    "verdict": ("Classifier's verdict", "SIMPLE or COMPLEX, as a classifier said."),
}
_LONG = {
    "model": ("Model", "Needed."),
    "score": ("Score", "Of the answer. Needed."),
    "cost_usd": ("Cost in dollars", "Of the answer."),
    "input_tokens": ("Input tokens", ""),
    "output_tokens": ("Output tokens", ""),
    "response": ("Answer", "Its text, to read where routers went wrong."),
}
_PARTS = {
    "score": "Score column",
    "cost_usd": "Cost column",
    "input_tokens": "Input tokens",
    "output_tokens": "Output tokens",
    "response": "Answer",
}


def edited_mapping(table: Table) -> Mapping:
    """The guess, as corrected."""
    key = table.sha256[:12]
    known: dict[str, Mapping] = st.session_state.setdefault("evidence-mapping", {})
    start = known.get(key, table.guess)
    complete = start.prompt and (start.model and start.score if start.form == "long" else len(start.models) > 1)
    with st.expander("What the columns mean", expanded=not complete, key="columns-meant"):
        form: Form | None = st.segmented_control(
            "Form",
            list(_FORMS),
            default=start.form,
            format_func=_FORMS.__getitem__,
            key=f"form-{key}",
            label_visibility="collapsed",
            required=True,
        )
        chosen = {**_columns(table, start, _SHARED, key)}
        models: tuple[ModelColumns, ...] = ()
        if form == "long":
            chosen |= _columns(table, start, _LONG, key)
        else:
            models = _model_columns(table, start, key)
        full = st.number_input(
            "A perfect answer scores",
            min_value=0.0,
            value=start.full_score,
            format="%g",
            key=f"full-{key}",
            width=220,
            help="Every score is divided by it: 10 where judges give up to ten points.",
        )
        st.caption("The first rows of the file")
        st.dataframe(list(table.head[:5]), hide_index=True, key=f"head-{key}", alt="The first rows of the file.")
    found = Mapping(form=form or start.form, **chosen, models=models, only=start.only, full_score=full)
    known[key] = found
    return found


def only_models(table: Table, mapping: Mapping, models: tuple[str, ...]) -> Mapping:
    """The mapping with the models that are to be compared.

    Args:
        table: the file.
        mapping: what its columns mean.
        models: those found, all or those chosen before.
    """
    key = table.sha256[:12]
    every: dict[str, tuple[str, ...]] = st.session_state.setdefault("evidence-models", {})
    if not mapping.only:
        every[key] = models
    names = every.get(key, models)
    if len(names) < 3:
        return mapping
    chosen = st.multiselect(
        "Models to compare", names, default=mapping.only or names, key=f"only-{key}-{hash(names)}"
    )
    only = () if len(chosen) == len(names) else tuple(chosen)
    if only != mapping.only:
        mapping = replace(mapping, only=only)
        st.session_state["evidence-mapping"][key] = mapping
        st.rerun()
    return mapping


def _columns(table: Table, start: Mapping, parts: dict[str, tuple[str, str]], key: str) -> dict[str, str | None]:
    """A choice of column for each part."""
    chosen: dict[str, str | None] = {}
    with st.container(horizontal=True, key=f"parts-{len(parts)}"):
        for part, (label, meaning) in parts.items():
            now = getattr(start, part)
            chosen[part] = st.selectbox(
                label,
                table.columns,
                index=table.columns.index(now) if now in table.columns else None,
                placeholder="none",
                key=f"column-{part}-{key}",
                help=meaning or None,
                width=200,
            )
    return chosen


def _model_columns(table: Table, start: Mapping, key: str) -> tuple[ModelColumns, ...]:
    """A row per model: its name, and which columns are its own."""
    column: Any = st.column_config.SelectboxColumn
    widget, base = f"models-{key}", f"models-base-{key}"
    if widget not in st.session_state:  # what the editor starts from may not change while it is there
        st.session_state[base] = [
            {"model": one.model, **{part: getattr(one, part) for part in _PARTS}} for one in start.models
        ] or [dict.fromkeys(("model", *_PARTS))]
    rows = st.data_editor(
        st.session_state[base],
        num_rows="dynamic",
        hide_index=True,
        placeholder="",
        key=widget,
        alt="The models of the file and the columns that are theirs.",
        column_config={
            "model": st.column_config.TextColumn("Model", required=True),
            **{
                part: column(label, options=list(table.columns), required=part == "score")
                for part, label in _PARTS.items()
            },
        },
    )
    return tuple(
        ModelColumns(str(row["model"]), str(row["score"]), *(row.get(part) or None for part in list(_PARTS)[1:]))
        for row in rows
        if row.get("model") and row.get("score")
    )
