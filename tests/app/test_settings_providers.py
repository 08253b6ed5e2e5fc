"""The settings page, models and providers: known ones, servers of this machine, a connection tried."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages import provider_form
from pages.resources import resources
from router_core.models.reaching import LocalServer
from router_core.settings import ProviderSettings
from router_core.validation import short_hash
from tests.app.panel import QUICK, field, forget, now, opened, save, texts
from tests.servers import chat_server, refused

KEY = "Zq81never0123456789shown"
pytestmark = pytest.mark.usefixtures("place")


def test_a_known_provider_and_its_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Address and variable are filled in; its models can be picked afterwards."""
    at = opened("settings", tab="Models & providers")
    field(at, "new-provider").set_value("mistral").run()
    assert field(at, "provider-mistral.base_url").value == "https://api.mistral.ai/v1"
    assert "MISTRAL_API_KEY is not set" in texts(at).replace("\\", "")
    monkeypatch.setenv("MISTRAL_API_KEY", "never-shown-0123")
    at.run()
    assert "MISTRAL_API_KEY is set" in texts(at).replace("\\", "")
    assert "never-shown" not in texts(at)
    save(at)
    assert now().providers["mistral"].api_key_env == "MISTRAL_API_KEY"
    goals = opened("settings")
    assert [one for one in field(goals, "goal-default.arms.model.0").options if one.startswith("mistral/")]


def test_a_server_of_this_machine_is_found_tried_and_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for, found, filled in, called once for real although the app simulates, and then live."""
    with chat_server() as server:
        found = [LocalServer("ollama", server.base_url, ("tiny", "big"))]
        monkeypatch.setattr(provider_form, "local_servers", lambda: found)
        at = opened("settings", tab="Models & providers")
        at.button(key="find-local").click().run()
        assert "2 models" in texts(at)
        at.button(key="use-ollama").click().run()
        assert field(at, "provider-ollama.base_url").value == server.base_url
        assert at.selectbox(key="try-model-ollama").value == "ollama/tiny"
        at.button(key="test-ollama").click().run()
        assert "ollama/tiny answered in" in at.success[0].value.replace("\\", "")
        assert "for price unknown" in at.success[0].value
        assert [one.body["model"] for one in server.requests] == ["tiny"]
        save(at)
        at.segmented_control(key="tab").set_value("Goals").run()
        arms = "goal-default.arms"
        assert "ollama/big · price unknown" in field(at, f"{arms}.model.0").options
        field(at, f"{arms}.model.0").set_value("ollama/tiny").run()
        field(at, f"{arms}.model.1").set_value("ollama/big").run()
        save(at)
        assert not resources().simulated
        assert "Live" in texts(at.run())


def test_a_provider_of_ones_own_lists_its_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its /models is asked, and no model of it is called."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with chat_server() as server:
        own = ProviderSettings(base_url=server.base_url, api_key_env="OPENAI_API_KEY")
        settings = QUICK.model_copy(update={"providers": {**QUICK.providers, "house": own}})
        (Path(os.environ["ROUTER_SETTINGS"])).write_text(settings.document())
        forget()
        at = opened("settings")
        models = field(at, "goal-default.arms.model.0")
        assert {"house/tiny · price unknown", "house/big · price unknown"} <= set(models.options)
        models.set_value("house/tiny").run()
        assert field(at, "goal-default.arms.model.0").value.startswith("house/tiny")
        assert not at.error
        assert server.requests == []


def test_no_server_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said, with the ports that were asked."""
    monkeypatch.setattr(provider_form, "local_servers", list)
    at = opened("settings", tab="Models & providers")
    at.button(key="find-local").click().run()
    assert "None answers on the usual ports (11434, 1234," in texts(at)


def test_test_connection_says_what_is_missing() -> None:
    """Without a key nothing is simulated behind one's back; with ROUTER_SIMULATED it is, and it is said."""
    at = opened("settings", tab="Models & providers")
    at.button(key="test-openai").click().run()
    assert "no API key for openai" in at.error[0].value
    os.environ["ROUTER_SIMULATED"] = "1"
    try:
        at.button(key="test-openai").click().run()
    finally:
        del os.environ["ROUTER_SIMULATED"]
    assert "answered in" in at.success[0].value
    assert "(simulated: ROUTER_SIMULATED is set)" in at.success[0].value


def test_what_a_model_refuses_is_shown_until_the_settings_are_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection tried teaches it, the settings show it, and saving forgets it."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with chat_server() as server:
        at = opened("settings", tab="Models & providers")
        field(at, "provider-openai.base_url").set_value(server.base_url).run()
        variable_at(at, server.base_url).set_value("OPENAI_API_KEY").run()
        save(at)
        server.script = [refused(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")]
        at.button(key="test-openai").click().run()
        assert "answered in" in at.success[0].value
        assert [sorted({"max_tokens", "max_completion_tokens"} & set(one.body)) for one in server.requests] == [
            ["max_tokens"],
            ["max_completion_tokens"],
        ]
        shown = texts(at).replace("\\", "")
        assert "refused parameters: max_tokens is sent as max_completion_tokens." in shown
        field(at, "provider-openai.stream_usage").set_value(False).run()
        save(at)
        assert "refused parameters" not in texts(at.run())


def test_another_address_asks_for_the_variable_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key goes to no address for which nobody named it: neither with a test nor with a save."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with chat_server() as server:
        at = opened("settings", tab="Models & providers")
        field(at, "provider-openai.base_url").set_value(server.base_url).run()
        variable = variable_at(at, server.base_url)
        assert variable.value == ""
        assert "OPENAI_API_KEY is not sent there" in texts(at).replace("\\", "")
        at.button(key="test-openai").click().run()
        assert [one.headers["authorization"] for one in server.requests] == ["Bearer none"]
        variable_at(at, server.base_url).set_value("OPENAI_API_KEY").run()
        field(at, "provider-openai.base_url").set_value(f"{server.base_url}/other").run()
        assert variable_at(at, f"{server.base_url}/other").value == ""
        save(at)
        assert now().providers["openai"] == ProviderSettings(base_url=f"{server.base_url}/other", api_key_env=None)


def test_the_variable_named_anew_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of one's own that takes the same key."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with chat_server() as server:
        at = opened("settings", tab="Models & providers")
        field(at, "provider-openai.base_url").set_value(server.base_url).run()
        variable_at(at, server.base_url).set_value("OPENAI_API_KEY").run()
        at.button(key="test-openai").click().run()
        assert [one.headers["authorization"] for one in server.requests] == [f"Bearer {KEY}"]
        save(at)
        assert now().providers["openai"] == ProviderSettings(base_url=server.base_url)


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "DATABASE_URL"])
def test_another_secret_is_neither_tested_nor_saved(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent, nothing is saved, and the page does not say whether it is set."""
    monkeypatch.setenv(name, KEY)
    with chat_server() as server:
        at = opened("settings", tab="Models & providers")
        field(at, "new-provider").set_value("mistral").run()
        field(at, "provider-mistral.base_url").set_value(server.base_url).run()
        variable_at(at, server.base_url, "mistral").set_value(name).run()
        assert f"{name} may not hold a key" in texts(at).replace("\\", "")
        assert f"{name} is set" not in texts(at).replace("\\", "")
        at.button(key="test-mistral").click().run()
        assert all(f"{name} may not hold a provider's key" in one.value.replace("\\", "") for one in at.error)
        assert len(at.error) == 2  # what the test says, and what stands in place of the button that saves
        assert not [one for one in at.button if one.key == "save-settings"]
        assert server.requests == []


def variable_at(at: AppTest, address: str, provider: str = "openai") -> Any:
    """The field of the key's variable at an address that is not the one in force."""
    return field(at, f"provider-{provider}@{short_hash(address)}.api_key_env")


def test_a_model_behind_a_proxy_is_priced_as_another() -> None:
    """Its price stands in the table; a name that the book does not know is told; both are kept."""
    proxy = ProviderSettings(base_url="http://127.0.0.1:1/v1", api_key_env=None)
    settings = QUICK.model_copy(
        update={
            "providers": {**QUICK.providers, "proxy": proxy},
            "priced_as": {"proxy/fast": "openai/gpt-4o-mini", "proxy/odd": "openai/nonesuch"},
        }
    )
    Path(os.environ["ROUTER_SETTINGS"]).write_text(settings.document())
    forget()
    at = opened("settings", tab="Models & providers")
    table = at.dataframe[-1].value.set_index("model")
    assert list(table.loc[["proxy/fast", "proxy/odd"], "book"]) == ["$0.15 / $0.6", "price unknown"]
    assert "does not know openai/nonesuch" in at.warning[0].value.replace("\\", "")
    field(at, "provider-proxy.base_url").set_value("http://127.0.0.1:2/v1").run()
    save(at)
    assert now().providers["proxy"].base_url == "http://127.0.0.1:2/v1"
    assert now().priced_as == settings.priced_as
