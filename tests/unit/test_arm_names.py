"""Names of arms on screen: parameters in words, and each name once."""

from __future__ import annotations

from typing import Any

import pytest

from router_core.arm_names import arm_names, params_in_words
from router_core.settings import ArmSettings
from router_core.types import Arm


def arms(*models: tuple[str, dict[str, Any]]) -> list[Arm]:
    """Arms of the settings."""
    return [ArmSettings(model=model, params=params).arm() for model, params in models]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"temperature": 0}, "temperature 0"),
        ({"temperature": 0.7, "max_tokens": 2000}, "temperature 0.7, up to 2,000 tokens"),
        ({"reasoning_effort": "low"}, "low reasoning effort"),
        ({"response_format": {"type": "json_object"}}, "JSON"),
        ({"stop": ["\n", "END"]}, "stop \n, END"),
        ({"store": False, "logprobs": True, "user": None}, "no store, logprobs, no user"),
        ({"extra_body": {"top_k": 5, "thinking": {"type": "off"}}}, "extra body: top-k 5, thinking: type off"),
        ({"note": "x" * 100}, "note " + "x" * 54 + "…"),
    ],
)
def test_parameters_in_words(params: dict[str, Any], said: str) -> None:
    """No braces, no quotes."""
    assert params_in_words(params) == said


def test_each_name_once() -> None:
    """A provider is named where two have a model of one name; a number where words do not tell arms apart."""
    long = {"note": "x" * 100}
    found = arms(
        ("openai/gpt-4o", {}),
        ("openai/gpt-4o", {"temperature": 0}),
        ("azure/gpt-4o", {"temperature": 0}),
        ("local/team/tiny", {}),
        ("local/a", {**long, "seed": 1}),
        ("local/a", {**long, "seed": 2}),
    )
    names = arm_names(found)
    assert list(names.values()) == [
        "gpt-4o",
        "openai/gpt-4o (temperature 0)",
        "azure/gpt-4o (temperature 0)",
        "team/tiny",
        f"local/a (note {'x' * 54}…), no. 1",
        f"local/a (note {'x' * 54}…), no. 2",
    ]
    assert list(names) == [arm.id for arm in found]
    assert arm_names([found[0], found[0]]) == {"openai/gpt-4o": "gpt-4o"}
    assert arm_names([Arm("odd", "odd")]) == {"odd": "odd"}
