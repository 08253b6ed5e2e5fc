"""API keys and passwords never leave in a file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from router_core.errors import SettingsError
from router_core.exports.document import Export, dump
from router_core.settings import ArmSettings, GoalSettings, ProviderSettings, Settings
from tests.builders import CHEAP
from tests.exported import an_export


def with_params(**params: Any) -> Export:
    """An export whose one model has these parameters."""
    goal = GoalSettings(arms=(ArmSettings(model=CHEAP, params=params),))
    return replace(an_export(), settings=Settings(goals={"default": goal}), evidence={}, output_tokens={})


@pytest.mark.parametrize(
    "params",
    [
        {"api_key": "x"},
        {"extra_headers": {"Authorization": "x"}},
        {"extra_body": [{"X-API-Key": "x"}]},
        {"user": "sk-" + "proj-4f9a8b7c6d5e4f3a2b1c"},
        {"extra_headers": {"x-custom": "Bearer abcdefghijklmnop"}},
        {"sk-" + "proj-4f9a8b7c6d5e4f3a2b1c": 1},
    ],
)
def test_keys_are_never_written(params: dict[str, Any]) -> None:
    """A parameter that is named or looks like a key stops the export; the sentence does not repeat it."""
    with pytest.raises(SettingsError, match=r"api_key_env, then export$") as caught:
        dump(with_params(**params))
    assert "4f9a8b7c" not in str(caught.value)
    assert "abcdefgh" not in str(caught.value)


def test_a_password_in_an_address_is_never_written() -> None:
    """Nor one that hides in a provider's address."""
    provider = ProviderSettings.model_construct(base_url="https://me:secret@proxy.example/v1")
    settings = Settings(providers={"openai": provider})
    with pytest.raises(SettingsError, match=r"^settings\.providers\.openai\.base_url looks like it holds"):
        dump(replace(an_export(), settings=settings, evidence={}, output_tokens={}))


def test_ordinary_words_are_no_keys() -> None:
    """Names of variables, token limits and long words with dashes may be exported."""
    dump(with_params(max_tokens=60, user="sk-learn-based-classification", stop=["token", "password"]))
