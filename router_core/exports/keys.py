"""Looks for API keys in what is about to be exported, so that none ever leaves in a file.

Does not cover keys of unknown shape in texts of one's own: what looks like any other word cannot be recognised.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from router_core.errors import SettingsError
from router_core.settings import Settings
from router_core.validation import KEY_SHAPE

_NAMES = frozenset(
    {
        "apikey",
        "xapikey",
        "accesstoken",
        "authtoken",
        "authorization",
        "bearertoken",
        "clientsecret",
        "password",
        "proxyauthorization",
        "secret",
        "secretkey",
        "token",
    }
)


def refuse_keys(settings: Settings, document: Mapping[str, Any]) -> None:
    """Check that a document made of these settings holds no API key.

    Raises:
        SettingsError: a parameter is named like a key, or a text looks like one; says where, never what.
    """
    remedy = "put it into an environment variable and name that in the provider's api_key_env, then export"
    for goal, chosen in settings.goals.items():
        for arm in chosen.arms:
            for name in _names(arm.params):
                if re.sub(r"[^a-z]", "", name.lower()) in _NAMES:
                    raise SettingsError(
                        f"a model {arm.model} of goal {goal!r} has the parameter {name!r}, which is a key or a"
                        f" password and must not be exported; {remedy}"
                    )
    for place, text in _texts(document, ""):
        if KEY_SHAPE.search(text):
            raise SettingsError(f"{place} looks like it holds an API key or a password; {remedy}")


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield str(name)
            yield from _names(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _names(item)


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            shown = "(its name)" if KEY_SHAPE.search(str(name)) else str(name)
            here = f"{place}.{shown}".lstrip(".")
            yield here, str(name)
            yield from _texts(item, here)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _texts(item, f"{place}[{index}]")
