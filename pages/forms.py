"""Widgets made from the declaration of a setting: type, range, title and help say which; nothing is said twice.

Does not cover checking (the declaration does it) and saving.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

HALF = 282
"""Pixels of a widget that shares its row with another."""

_DROPPED = "forms-dropped"
_LONG = 80  # characters from which a text gets several lines


def edit(
    model: BaseModel,
    key: str,
    version: str,
    *,
    only: Sequence[str] = (),
    choices: Mapping[str, Mapping[str, str]] | None = None,
    half: int = HALF,
) -> dict[str, Any]:
    """One widget per field, two short ones to a row; the values as plain data, for the declaration to check.

    Args:
        model: the present values.
        key: prefix of the widgets' keys.
        version: of the settings, by ``mark``. Part of the keys: what somebody else saves shows at once, never an
            old value.
        only: the fields that are shown, in this order; by default all. The others come back as they are.
        choices: field -> value -> label, for fields whose values are known ("": none); where none is not allowed,
            other values may be written by hand.
        half: pixels of a widget that shares its row.
    """
    values = model.model_dump(mode="json")
    row = None
    for name in only or type(model).model_fields:
        declared = type(model).model_fields[name]
        known = (choices or {}).get(name)
        wide = _is_wide(declared, values[name], known)
        if wide:
            row = None
            values[name] = _widget(declared, values[name], field_key(key, name, version), known, "stretch")
            continue
        if row is None:
            row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
        with row:
            values[name] = _widget(declared, values[name], field_key(key, name, version), known, half)
    return values


def mark(version: str) -> str:
    """What stands for this version in the keys of the forms' widgets; another one after ``drop_edits``."""
    dropped = st.session_state.get(_DROPPED, 0)
    return version[:6] if not dropped else f"{version[:6]}-{dropped}"


def drop_edits() -> None:
    """Show every form anew, without what was typed and not saved."""
    st.session_state[_DROPPED] = st.session_state.get(_DROPPED, 0) + 1


def field_key(key: str, name: str, version: str) -> str:
    """The key of a field's widget."""
    return f"{key}.{name}.{mark(version)}"


def _is_wide(declared: FieldInfo, value: Any, known: Mapping[str, str] | None) -> bool:
    kind, _ = _plain_type(declared.annotation)
    return get_origin(kind) is tuple or (kind is str and known is None)


def _widget(
    declared: FieldInfo,
    value: Any,
    key: str,
    known: Mapping[str, str] | None,
    width: int | Literal["stretch"],
) -> Any:
    kind, optional = _plain_type(declared.annotation)
    extra = declared.json_schema_extra if isinstance(declared.json_schema_extra, dict) else {}
    label, help_ = declared.title or "", declared.description
    common: dict[str, Any] = {"key": key, "help": help_, "width": width, "persist_state": "session"}
    if known is not None:
        present = value or ""
        options = [*known, *([present] if present not in known else [])]
        chosen = st.selectbox(
            label,
            options,
            options.index(present),
            format_func=lambda option: known.get(option, option),
            accept_new_options=not optional,
            **common,
        )
        return (chosen or None) if optional else chosen
    if get_origin(kind) is Literal:
        labels = extra.get("labels") or {}
        choices = list(get_args(kind))
        return st.selectbox(
            label,
            choices,
            choices.index(value),
            format_func=lambda choice: labels.get(choice, str(choice)),  # type: ignore[union-attr]
            **common,
        )
    if kind is bool:
        return st.toggle(label, value, **common)
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        options = list(get_args(inner)) if get_origin(inner) is Literal else value
        free = get_origin(inner) is not Literal
        return st.multiselect(label, options, value, accept_new_options=free, wrap=True, **common)
    if kind in (int, float):
        empty = str(extra.get("empty", "never")) if optional else None
        return _number(label, declared, kind, value, empty, extra.get("infinite"), common)
    if len(str(value or "")) > _LONG:
        said = st.text_area(label, value, height="content", **common)
    else:
        said = st.text_input(label, value or "", placeholder="none" if optional else None, **common)
    return (said.strip() or None) if optional else said


def _number(
    label: str,
    declared: FieldInfo,
    kind: type,
    value: Any,
    empty: str | None,
    infinite: Any,
    common: dict[str, Any],
) -> Any:
    """A number within its range; one that may be infinite has a switch for that, ``empty`` is what none means."""
    low, high = _range(declared, kind)
    form = {"step": 1} if kind is int else {"format": "%g"}
    if not infinite:
        if empty is None:
            return st.number_input(label, low, high, kind(value), **form, **common)
        given = None if value is None else kind(value)
        st.session_state.setdefault(common["key"], given)  # a widget with a default could not be emptied
        return st.number_input(label, low, high, None, **form, placeholder=empty, **common)
    unlimited = math.isinf(float(value))
    switch = f"{common['key']}.infinite"
    usual = float(declared.default) if unlimited else float(value)
    ignored = st.session_state.get(switch, unlimited)
    number = st.number_input(label, low, high, usual, **form, disabled=ignored, **common)
    st.toggle(str(infinite), unlimited, key=switch, width=common["width"], persist_state="session")
    return "Infinity" if ignored else number


def _plain_type(annotation: Any) -> tuple[Any, bool]:
    """The type without None, and whether None was allowed."""
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [one for one in get_args(annotation) if one is not type(None)]
        return (inner[0] if len(inner) == 1 else Any), len(inner) < len(get_args(annotation))
    if hasattr(annotation, "__metadata__"):
        return _plain_type(annotation.__origin__)
    return annotation, False


def _range(declared: FieldInfo, kind: type) -> tuple[Any, Any]:
    low = high = None
    for rule in declared.metadata:
        bound = getattr(rule, "ge", None)
        low = bound if bound is not None else low
        bound = getattr(rule, "le", None)
        high = bound if bound is not None else high
    return (None if low is None else kind(low)), (None if high is None else _within(kind(high)))


def _within(high: Any) -> Any:
    return min(high, 2**53 - 1) if isinstance(high, int) else high  # what a browser can count to
