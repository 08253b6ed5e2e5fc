"""A gateway on loopback, over a store and a provider of a test, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cached_property
from typing import Any

import openai
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from router_core.serving.aio_forwarding import Forwarding, Wanted
from router_core.serving.gateway.completions import ChatCompletions
from router_core.serving.gateway.passing import Embeddings, Responses
from router_core.settings import GoalSettings, ProviderSettings, Settings
from router_core.store.base import Store
from tests.unit.routing import KEYS, PATHS


class Gateway:
    """Where it listens, and what it forwards by."""

    def __init__(self, store: Store, settings: Settings, **more: Any) -> None:
        self._forwarding: Forwarding | None = None

        @asynccontextmanager
        async def life(app: Starlette) -> AsyncIterator[None]:
            self._forwarding = Forwarding(settings, store, environ=KEYS, **more)
            yield
            await self.forwarding.close()

        @asynccontextmanager
        async def forwarding(wanted: Wanted) -> AsyncIterator[Forwarding]:
            yield self.forwarding

        chat = ChatCompletions(forwarding)
        routes = [
            Route("/v1/chat/completions", endpoint=chat, methods=["POST"]),
            Route("/v1/responses", endpoint=Responses(forwarding), methods=["POST"]),
            Route("/v1/embeddings", endpoint=Embeddings(forwarding), methods=["POST"]),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes, lifespan=life), port=0, log_level="error", timeout_graceful_shutdown=10
        )
        self.server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self.server.serve()), daemon=True)

    @property
    def forwarding(self) -> Forwarding:
        """What decides and calls."""
        assert self._forwarding is not None
        return self._forwarding

    @property
    def base_url(self) -> str:
        """Its address, up to and including /v1."""
        port = self.server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}/v1"

    @cached_property
    def client(self) -> openai.OpenAI:
        """The official client, with a key that is nobody's."""
        return openai.OpenAI(base_url=self.base_url, api_key="sk-of-the-client-0123456789", max_retries=0)

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        while not self.server.started:
            assert self._thread.is_alive(), "the gateway did not start"
            threading.Event().wait(0.005)

    def stop(self) -> None:
        """Finish what runs, and end."""
        if "client" in vars(self):
            self.client.close()
        self.server.should_exit = True
        self._thread.join(60)


@contextmanager
def gateway(store: Store, address: str, *, paths: Any = PATHS, **settings: Any) -> Iterator[Gateway]:
    """A gateway whose provider "openai" is at an address, for the length of a ``with`` block."""
    values: dict[str, Any] = {
        "providers": {"openai": ProviderSettings(base_url=address)},
        "calls": {"max_retries": 0},
        "goals": {"default": GoalSettings(arms=paths)},
    }
    running = Gateway(store, Settings(**(values | settings)))
    running.start()
    try:
        yield running
    finally:
        running.stop()
