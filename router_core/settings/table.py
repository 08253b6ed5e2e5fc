"""The settings as a Markdown page, made from their declaration: `python -m router_core.settings.table`.

A setting without a title or a description fails here.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from router_core.registry import CLASSIFIER, CONTEXTUAL, RULES
from router_core.settings import (
    ArmSettings,
    CallSettings,
    ClassifierSettings,
    ContextualSettings,
    GoalSettings,
    HeuristicSettings,
    PriceSettings,
    PrivacySettings,
    ProviderSettings,
    Settings,
    SimulationSettings,
)
from router_core.settings.environment import AccessSettings

SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("(top level)", Settings),
    ("goals.<name>", GoalSettings),
    ("goals.<name>.arms[]", ArmSettings),
    (RULES.name, HeuristicSettings),
    (CLASSIFIER.name, ClassifierSettings),
    (CONTEXTUAL.name, ContextualSettings),
    ("providers.<name>", ProviderSettings),
    ("prices.<model>", PriceSettings),
    ("calls", CallSettings),
    ("privacy", PrivacySettings),
    ("simulation", SimulationSettings),
)

FILE_SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (("access (in the settings file alone)", AccessSettings),)


def markdown() -> str:
    """The page."""
    parts = [
        "# Settings",
        "Made by `python -m router_core.settings.table > docs/settings.md` from the one declaration in"
        " `router_core/settings/`. A settings file is this structure as JSON; what it leaves out keeps its"
        " default. Name the file in `ROUTER_SETTINGS` for the app, or pass `Settings.from_document(text)` to the"
        " library.",
    ]
    for title, declaration in (*SECTIONS, *FILE_SECTIONS):
        rows = "\n".join(_row(name, field) for name, field in declaration.model_fields.items())
        parts.append(
            f"## {title}\n\n{declaration.__doc__}\n\n"
            "| setting | on the page | default | allowed | meaning |\n| --- | --- | --- | --- | --- |\n"
            f"{rows}"
        )
    return "\n\n".join(parts) + "\n"


def _row(name: str, field: FieldInfo) -> str:
    if not field.description or not field.title:
        raise ValueError(f"the setting {name!r} has no title or no description")
    return f"| `{name}` | {field.title} | {_default(field)} | {_allowed(field)} | {field.description} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, BaseModel) or (isinstance(value, dict) and value):
        return "see below"
    if isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
        return ", ".join(f"`{one.id}`" for one in value if isinstance(one, ArmSettings))
    if isinstance(value, tuple):
        return ", ".join(f"`{one}`" for one in value)
    if value is None or value == {}:
        return "none"
    text = str(value)
    return "a text, see the code" if len(text) > 80 else f"`{text}`"


def _allowed(field: FieldInfo) -> str:
    choices = list(_choices(field.annotation))
    if choices:
        return ", ".join(f"`{choice}`" for choice in choices)
    limits = []
    for limit in field.metadata:
        for name, sign in (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<")):
            value = getattr(limit, name, None)
            if value is not None:
                limits.append(f"{sign} {value}" if isinstance(value, int) else f"{sign} {value:g}")
    return " and ".join(limits)


def _choices(annotation: Any) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield from (str(choice) for choice in get_args(annotation))
    elif get_origin(annotation) in (Union, types.UnionType, tuple):
        for part in get_args(annotation):
            yield from _choices(part)


if __name__ == "__main__":
    print(markdown(), end="")
