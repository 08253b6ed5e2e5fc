"""Where settings send prompts and keys, and what of that is new."""

from __future__ import annotations

import pytest

from router_core.settings import ProviderSettings, Settings
from router_core.settings.endpoints import Endpoint, new_endpoints

EVIL = "https://evil.example/v1"


def settings(base_url: str = "https://api.openai.com/v1", api_key_env: str | None = "OPENAI_API_KEY") -> Settings:
    """With one provider."""
    return Settings(providers={"openai": ProviderSettings(base_url=base_url, api_key_env=api_key_env)})


@pytest.mark.parametrize(
    ("wanted", "new"),
    [
        (settings(), False),
        (settings("https://api.openai.com/v1/"), False),
        (settings(EVIL), True),
        (settings("http://api.openai.com/v1"), True),
        (settings(api_key_env="OTHER_API_KEY"), True),
        (settings(api_key_env=None), True),
    ],
)
def test_address_and_variable_are_known_together(wanted: Settings, new: bool) -> None:
    """Another address, another variable, or a known one of each that did not belong together."""
    assert bool(new_endpoints(wanted, Settings())) is new


def test_known_apart_is_new_together() -> None:
    """A key that is known goes to an address that is known, but not there."""
    both = Settings(
        providers={
            "openai": ProviderSettings(),
            "local": ProviderSettings(base_url="http://127.0.0.1:1/v1", api_key_env="LOCAL_API_KEY"),
        }
    )
    swapped = settings("http://127.0.0.1:1/v1", "OPENAI_API_KEY")
    assert new_endpoints(swapped, both) == [Endpoint("openai", "http://127.0.0.1:1/v1", "OPENAI_API_KEY")]
    assert new_endpoints(both, Settings(), allowed={"http://127.0.0.1:1/v1/": "LOCAL_API_KEY"}) == []


def test_in_words() -> None:
    """The provider, the address, and the key that goes there."""
    assert Endpoint("a", EVIL, None).in_words() == f"a: {EVIL}, without a key"
    assert Endpoint("a", EVIL, "A_API_KEY").in_words() == f"a: {EVIL}, with the key in A_API_KEY"
