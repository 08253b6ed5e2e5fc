"""Widgets made from the declaration of a setting: its type, range and help say which, nothing is said twice.

Leaves out checking (the declaration does it) and saving.
"""

from __future__ import annotations

import json
import types
from typing import Any, Literal, Union, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo


def edit(model: BaseModel, key: str, *, leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """One widget per field; the values as plain data, for the declaration to check.

    Args:
        model: the present values.
        key: prefix of the widgets' keys.
        leave_out: fields that are not shown, and come back as they are.
    """
    plain = model.model_dump(mode="json")
    values = dict(plain)
    for name, declared in type(model).model_fields.items():
        if name not in leave_out:
            values[name] = _widget(name, declared, plain[name], f"{key}.{name}")
    return values


def _widget(name: str, declared: FieldInfo, value: Any, key: str) -> Any:
    kind, optional = _plain_type(declared.annotation)
    label, help_ = name.replace("_", " ").replace(" usd", " in dollars").capitalize(), declared.description
    if get_origin(kind) is Literal:
        options = list(get_args(kind))
        return st.selectbox(label, options, index=options.index(value), key=key, help=help_)
    if kind is bool:
        return st.toggle(label, value, key=key, help=help_)
    if get_origin(kind) is tuple:
        return st.multiselect(label, value, value, key=key, help=help_, accept_new_options=True)
    if kind is int or (kind is float and isinstance(value, int | float) and not optional):
        low, high = _range(declared, kind)
        step = 1 if kind is int else None
        number = kind(value)
        return st.number_input(
            label, low, high, number, step=step, key=key, help=help_, format=None if kind is int else "%g"
        )
    if get_origin(kind) is dict:
        text = st.text_input(label, json.dumps(value), key=key, help=help_)
        return _json(text)
    text = "" if value is None else str(value)
    if len(text) > 80:
        said = st.text_area(label, text, key=key, help=help_, height="content")
    else:
        said = st.text_input(label, text, key=key, help=help_)
    return (said or None) if optional else said


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


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text  # the declaration says what is wrong with it
