"""How an arm is called on screen: its model, and its parameters in words. Pure.

In the log and in files an arm is named by its id, whose parameters are JSON.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from router_core.types import Arm

_MOST: Final = 60  # characters of parameters
_KNOWN: Final = {
    "max_tokens": "up to {} tokens",
    "max_completion_tokens": "up to {} tokens",
    "top_p": "top-p {}",
    "top_k": "top-k {}",
    "reasoning_effort": "{} reasoning effort",
}
_FORMATS: Final = {"json_object": "JSON", "json_schema": "JSON by a schema", "text": "plain text"}


def arm_names(arms: Sequence[Arm]) -> dict[str, str]:
    """Arm id -> a short name that no other of these arms has: "gpt-4o (temperature 0)".

    The provider is named only where two of them have a model of one name.
    """
    known = {arm.id: arm for arm in arms}
    names = {id_: _name(arm, arm.model.partition("/")[2] or arm.model) for id_, arm in known.items()}
    for id_, _ in _repeated(names):
        names[id_] = _name(known[id_], known[id_].model)
    counted: Counter[str] = Counter()
    for id_, name in _repeated(names):
        counted[name] += 1
        names[id_] = f"{name}, no. {counted[name]}"
    return names


def with_names(text: str, names: Mapping[str, str]) -> str:
    """A text with the names of arms in place of their ids."""
    for arm_id in sorted(names, key=len, reverse=True):
        text = text.replace(arm_id, names[arm_id])
    return text


def params_in_words(params: Mapping[str, Any]) -> str:
    """Parameters as a person would say them: "temperature 0, up to 200 tokens"."""
    said = ", ".join(_said(name, value) for name, value in params.items())
    return said if len(said) <= _MOST else f"{said[: _MOST - 1].rstrip(', ')}…"


def _name(arm: Arm, model: str) -> str:
    return f"{model} ({params_in_words(arm.params)})" if arm.params else model


def _repeated(names: Mapping[str, str]) -> list[tuple[str, str]]:
    times = Counter(names.values())
    return [(id_, name) for id_, name in names.items() if times[name] > 1]


def _said(name: str, value: Any) -> str:
    words = name.replace("_", " ")
    if name == "response_format" and isinstance(value, Mapping) and value.get("type") in _FORMATS:
        return _FORMATS[value["type"]]
    if value is None:
        return f"no {words}"
    if isinstance(value, bool):
        return words if value else f"no {words}"
    if isinstance(value, Mapping):
        return f"{words}: {', '.join(_said(str(inner), one) for inner, one in value.items())}"
    if isinstance(value, list | tuple):
        return f"{words} {', '.join(str(one) for one in value)}"
    if name in _KNOWN:
        return _KNOWN[name].format(f"{value:,}" if isinstance(value, int) else value)
    return f"{words} {f'{value:g}' if isinstance(value, float) else value}"
