"""Fixtures of the tests that talk to a server: the server, a store, and makers of models and routers over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from router_core.models.calls import Models
from router_core.serving.library import Router
from router_core.settings import CallSettings, ProviderSettings, Settings
from router_core.store import open_store
from router_core.store.base import Store
from tests.servers import ChatServer, chat_server
from tests.unit import asking, routing


@pytest.fixture
def server() -> Iterator[ChatServer]:
    """A server that answers with the model's name unless told otherwise."""
    with chat_server() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty file."""
    opened = open_store(tmp_path / "router.duckdb")
    yield opened
    opened.close()


@pytest.fixture
def make_models(server: ChatServer) -> Iterator[asking.Make]:
    """Makes models whose provider is the server; closes them at the end."""
    made: list[Models] = []

    def models(sleep: Callable[[float], None] = lambda seconds: None, **calls: Any) -> Models:
        settings = Settings(
            providers={"openai": ProviderSettings(base_url=server.base_url)}, calls=CallSettings(**calls)
        )
        made.append(Models(settings, environ={"OPENAI_API_KEY": asking.KEY}, sleep=sleep))
        return made[-1]

    yield models
    for one in made:
        one.close()


@pytest.fixture
def make_router(server: ChatServer, store: Store) -> Iterator[routing.Make]:
    """Makes routers over the server and the store, without retries; closes them at the end."""
    made: list[Router] = []

    def router(paths: Any = routing.PATHS, settings: dict[str, Any] | None = None, **more: Any) -> Router:
        values: dict[str, Any] = {
            "providers": {"openai": ProviderSettings(base_url=server.base_url)},
            "calls": {"max_retries": 0},
        }
        made.append(
            Router(
                paths, settings=Settings(**(values | (settings or {}))), store=store, environ=routing.KEYS, **more
            )
        )
        return made[-1]

    yield router
    for one in made:
        one.close()
