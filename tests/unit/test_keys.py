"""Keys that were pasted: in memory alone, for one provider at one address."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable

import pytest

from router_core.errors import MissingKeyError, ProviderError, SettingsError
from router_core.models.calls import Models
from router_core.models.keys import PastedKeys, key_states
from router_core.settings import ArmSettings, ClassifierSettings, GoalSettings, ProviderSettings, Settings
from tests.servers import chat_server, refused

SECRET = "sk-pasted-0123456789abcdef"
GOALS = {"default": GoalSettings(arms=(ArmSettings(model="one/a"),))}
JUDGE = ClassifierSettings(model="one/a")
SETTINGS = Settings(
    providers={
        "one": ProviderSettings(base_url="http://127.0.0.1:9/v1", api_key_env="ONE_API_KEY"),
        "two": ProviderSettings(base_url="http://127.0.0.1:9/v1", api_key_env="ONE_API_KEY"),
        "local": ProviderSettings(base_url="http://127.0.0.1:8/v1", api_key_env=None),
    },
    goals=GOALS,
    classifier=JUDGE,
)
MESSAGES = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def pasted() -> PastedKeys:
    """With a key for one of the providers."""
    keys = PastedKeys()
    keys.paste("one", SETTINGS.providers["one"].base_url, f"  {SECRET}\n")
    return keys


def at(address: str) -> Settings:
    """Settings whose provider "one" is at this address."""
    return SETTINGS.model_copy(
        update={"providers": {"one": ProviderSettings(base_url=address, api_key_env="ONE_API_KEY")}}
    )


def test_a_key_belongs_to_its_provider_and_address(pasted: PastedKeys) -> None:
    """Another provider with the same variable does not get it, nor the same one at another address."""
    assert pasted.of(SETTINGS) == {"one": SECRET}
    assert pasted.of(at("http://elsewhere.example/v1")) == {}
    assert pasted.of(Settings()) == {}
    pasted.forget("one")
    pasted.forget("one")
    assert pasted.of(SETTINGS) == {}


@pytest.mark.parametrize("write", [repr, str, "{}".format, lambda keys: json.dumps({"keys": keys}, default=repr)])
def test_a_key_is_not_written(pasted: PastedKeys, write: Callable[[object], str]) -> None:
    """Not even by accident."""
    assert SECRET not in write(pasted)


@pytest.mark.parametrize("store", [pickle.dumps, copy.copy, copy.deepcopy])
def test_keys_cannot_be_stored(pasted: PastedKeys, store: Callable[[object], object]) -> None:
    """They stay in this process's memory."""
    with pytest.raises(TypeError, match="stay in memory"):
        store(pasted)


@pytest.mark.parametrize("wrong", ["", "  \n", f"{SECRET} {SECRET}", f"{SECRET}é", f"{SECRET}\x00", SECRET * 50])
def test_what_cannot_be_a_key_is_refused(wrong: str) -> None:
    """By a sentence that does not show it, and the key of before stays."""
    keys = PastedKeys()
    keys.paste("one", "http://127.0.0.1:9/v1", "before")
    with pytest.raises(SettingsError) as refusal:
        keys.paste("one", "http://127.0.0.1:9/v1", wrong)
    assert SECRET not in str(refusal.value)
    assert keys.of(SETTINGS) == {"one": "before"}


def test_where_keys_come_from() -> None:
    """Of the providers that these models have; one that was pasted goes before the environment's."""
    models = ["one/a", "one/b", "local/c", "unknown/d"]
    found = key_states(SETTINGS, models, {"ONE_API_KEY": " "}, {})
    assert [(one.provider, one.is_missing) for one in found] == [("one", True), ("local", False)]
    assert not key_states(SETTINGS, models, {"ONE_API_KEY": "x"}, {})[0].is_missing
    assert not key_states(SETTINGS, models, {}, {"one": SECRET})[0].is_missing


def test_a_pasted_key_is_sent_and_never_repeated() -> None:
    """It goes before the environment's; where a provider repeats it in an error, the sentence does not."""
    with chat_server() as server:
        models = Models(at(server.base_url), environ={"ONE_API_KEY": "from-the-environment"}, keys={"one": SECRET})
        models.complete("one/a", MESSAGES, {})
        assert server.requests[0].headers["authorization"] == f"Bearer {SECRET}"
        server.script.append(refused(401, f"wrong key {SECRET}"))
        with pytest.raises(ProviderError) as failure:
            models.complete("one/a", MESSAGES, {})
        assert SECRET not in str(failure.value)


def test_without_it_the_key_is_missing() -> None:
    """Once it is forgotten nothing is sent."""
    with pytest.raises(MissingKeyError, match="ONE_API_KEY"):
        Models(SETTINGS, environ={}, keys={}).complete("one/a", MESSAGES, {})
