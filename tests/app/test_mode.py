"""Live and simulated goals side by side: seen, chosen, connected by a pasted key, never lost from sight."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pages.resources import change_settings, resources
from router_core.exports import dump
from router_core.registry import LABELS
from router_core.settings import ArmSettings, ClassifierSettings, GoalSettings, ProviderSettings, Settings
from router_core.store import open_store, store_path
from router_core.store.base import Search
from tests.app.asking import EASY, settled, the_settings
from tests.app.panel import chosen, forget, opened, plain, texts, use
from tests.servers import ChatServer, chat_server, refused

SECRET = "sk-pasted-0123456789abcdef"


@pytest.fixture
def provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    """A provider that two goals use: one needs no key there, the other does; the classifier's key is missing."""
    for name in ("ONE_API_KEY", "TWO_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with chat_server() as server:
        use(tmp_path, monkeypatch, made(server.base_url))
        yield server
        forget()


def made(base_url: str) -> Settings:
    """The settings of these tests."""
    return the_settings(
        providers={
            "here": ProviderSettings(base_url=base_url, api_key_env=None),
            "one": ProviderSettings(base_url=base_url, api_key_env="ONE_API_KEY"),
            "two": ProviderSettings(base_url="http://127.0.0.1:9/v1", api_key_env="TWO_API_KEY"),
        },
        goals={
            "hosted": GoalSettings(arms=(ArmSettings(model="one/tiny"), ArmSettings(model="one/big"))),
            "local": GoalSettings(arms=(ArmSettings(model="here/tiny"), ArmSettings(model="here/big"))),
        },
        classifier=ClassifierSettings(model="two/judge"),
    )


def ask(at, prompt: str = EASY):  # type: ignore[no-untyped-def]
    """Send a prompt from this page and wait for the answers."""
    at.text_area(key="prompt").set_value(prompt)
    at.button(key="send").click().run()
    return settled(at)


def test_one_goal_is_live_beside_a_simulated_one(provider: ChatServer) -> None:
    """What is said of each, and what becomes of their prompts: two stores, real calls for the live one alone."""
    at = opened("playground")
    said = plain(texts(at))
    assert "Simulated models" in said
    assert "No key found in ONE_API_KEY" in said
    assert "local live" in said
    assert "hosted** simulated: no key in ONE_API_KEY" in said
    ask(at)
    assert provider.requests == []
    at.selectbox(key="goal").set_value("local").run()
    said = plain(texts(at))
    assert "Live: here" in said
    assert "The classifier asks two/judge, and no key is in TWO_API_KEY" in said
    ask(at)
    assert provider.requests
    assert "Iam" in texts(at)
    for kind, goal in (("live", "local"), ("simulated", "hosted")):
        store = open_store(kind=kind)  # type: ignore[arg-type]
        assert [one.prompt.goal for one in store.find(Search(), 9)] == [goal]
        store.close()


def test_what_is_in_the_other_store_is_one_click_away(provider: ChatServer) -> None:
    """The page says that it shows something else now, and leads back to it."""
    at = opened("playground")
    ask(at)
    at.selectbox(key="goal").set_value("local").run()
    assert "You see live traffic now" in at.info[0].value
    at.button(key="mode-back").click().run()
    assert "Simulated models" in texts(at)
    assert not [one for one in at.info if "You see" in one.value]
    at.selectbox(key="goal").set_value("hosted").run()
    assert chosen(at) == list(LABELS.values())


def test_a_link_into_the_other_store(provider: ChatServer) -> None:
    """It says that the prompt is not here, and the click that looks in the other one finds it."""
    at = opened("playground")
    ask(at)
    prompt_id = resources().playground.store.find(Search(), 1)[0].prompt.id
    at = opened("playground", prompt=prompt_id)
    at.segmented_control(key="mode-hosted").set_value("Live").run()
    assert "is not in this store" in at.warning[0].value
    at.button(key="look-in-other-store").click().run()
    assert chosen(at) == list(LABELS.values())


def test_live_without_a_key_is_a_sentence(provider: ChatServer) -> None:
    """Chosen all the same: nothing is decided, stored or sent; what was typed stays."""
    at = opened("playground")
    at.segmented_control(key="mode-hosted").set_value("Live").run()
    assert "Live, without a key" in texts(at)
    at.text_area(key="prompt").set_value(EASY)
    at.button(key="send").click().run()
    assert "no API key for one" in at.error[0].value
    assert at.text_area(key="prompt").value == EASY
    store = open_store(kind="live")
    assert store.count(Search()) == 0
    store.close()


def test_a_pasted_key_makes_the_goal_live_for_this_visit(provider: ChatServer, tmp_path: Path) -> None:
    """It is sent to its provider, is in no file, no export, no address, no error and no other visit, and can be
    forgotten.
    """  # fmt: skip
    at = opened("playground")
    at.text_input(key="paste-one").set_value(SECRET).run()
    said = plain(texts(at))
    assert "Live: one" in said
    assert "pasted for this session" in said
    provider.script.append(refused(401, f"wrong key {SECRET}"))
    ask(at)
    assert provider.requests[0].headers["authorization"] == f"Bearer {SECRET}"
    assert at.error
    ask(at, "Another one.")
    assert "Iam" in texts(at)
    everything = [SECRET in texts(at), SECRET in str(dict(at.query_params))]
    everything += [SECRET in str(one.value) for one in (*at.text_input, *at.code)]
    change_settings(made(provider.base_url).model_copy(update={"seed": 3}), "a note")
    at.run()
    assert "Live: one" in plain(texts(at))
    everything.append(SECRET in dump(resources().playground.export()))
    assert not any(everything)
    other = opened("playground")
    assert "Simulated models" not in texts(other)  # it has live traffic, so it stays live, without a key
    assert "No key found in ONE_API_KEY" in plain(texts(other))
    at.button(key="forget-one").click().run()
    assert "Live, without a key" in texts(at)
    forget()
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert len(files) >= 2
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]


def test_a_key_stays_with_its_address(provider: ChatServer) -> None:
    """The provider moves: the key that was pasted for its old address is not sent to the new one."""
    at = opened("playground")
    at.text_input(key="paste-one").set_value(SECRET).run()
    assert "Live: one" in plain(texts(at))
    with chat_server() as stranger:
        settings = made(provider.base_url)
        moved = settings.providers["one"].model_copy(update={"base_url": stranger.base_url})
        change_settings(settings.model_copy(update={"providers": {**settings.providers, "one": moved}}), "moved")
        at.run()
        assert "No key found in ONE_API_KEY" in plain(texts(at))
        ask(at)
        assert stranger.requests == []


def test_what_is_no_key_is_refused(provider: ChatServer) -> None:
    """By a sentence; the goal stays as it was."""
    at = opened("playground")
    at.text_input(key="paste-one").set_value("two words").run()
    assert "cannot be an API key" in at.error[0].value
    assert at.text_input(key="paste-one").value == ""
    assert "Simulated models" in texts(at)


def test_settings_hold_in_both_stores(provider: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Saved while one store is open, they are in force where the other is opened later, and after a new start."""
    opened("playground")
    change_settings(made(provider.base_url).model_copy(update={"seed": 5}), "another seed")
    at = opened("playground")
    at.selectbox(key="goal").set_value("local").run()
    assert "Live: here" in plain(texts(at))
    forget()
    for kind in ("live", "simulated"):
        assert store_path(kind=kind).exists()  # type: ignore[arg-type, union-attr]
        store = open_store(kind=kind)  # type: ignore[arg-type]
        saved = store.current_settings()
        store.close()
        assert saved is not None
        assert Settings.from_document(saved.document).seed == 5
    opened("playground")
    assert resources().playground.settings.seed == 5
