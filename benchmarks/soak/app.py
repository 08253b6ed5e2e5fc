"""The app as it is, with three routes more: a program in the same process that asks, streams and rates.

One process holds a store's file, so a program that shares it with the panel runs in the panel's process. Served
by ``streamlit run``, like app.py.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from router_core import Router, RouterError, Settings
from router_core.serving.access import AccessMiddleware

ROOT = Path(__file__).parents[2]
_routers: list[Router] = []


def router() -> Router:
    """One for the process, opened at the first request."""
    if not _routers:
        settings = Settings.from_document(Path(os.environ["ROUTER_SETTINGS"]).read_text())
        _routers.append(Router(settings=settings, policy="contextual"))
    return _routers[0]


async def ask(request: Request) -> Response:
    """An answer, whole: its request id is told once it is stored."""
    text = (await request.json())["text"]

    def answer() -> str:
        _, request_id = router().completion(messages=[{"role": "user", "content": text}], return_request_id=True)
        return str(request_id)

    try:
        return JSONResponse({"request_id": await run_in_threadpool(answer)})
    except RouterError as error:
        return JSONResponse({"error": str(error)}, 502)


async def rate(request: Request) -> Response:
    """An outcome: 200 says that it is stored."""
    body = await request.json()
    await run_in_threadpool(router().report_outcome, body["request_id"], body["reward"], comment=body["comment"])
    return JSONResponse({"stored": True})


async def stream(request: Request) -> Response:
    """An answer as it comes; the client may hang up in the middle."""
    text = (await request.json())["text"]

    def pieces() -> Iterator[bytes]:
        try:
            for chunk in router().completion(messages=[{"role": "user", "content": text}], stream=True):
                for choice in chunk.choices:
                    yield (choice.delta.content or "").encode()
        except RouterError as error:
            yield f"\n{type(error).__name__}".encode()

    return StreamingResponse(pieces(), media_type="text/plain")


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Close the store in good order when the server stops."""
    yield
    from pages.resources import release

    release()
    for opened in _routers:
        opened.close()


ROUTES = [
    Route("/soak/ask", ask, methods=["POST"]),
    Route("/soak/rate", rate, methods=["POST"]),
    Route("/soak/stream", stream, methods=["POST"]),
]
app = st.App(
    ROOT / "pages" / "main.py", lifespan=lifespan, routes=ROUTES, middleware=[Middleware(AccessMiddleware)]
)
