"""The routes of the gateway as one application: mounted at /v1 in the panel, or served alone."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from router_core.errors import RouterError
from router_core.serving.access import API, AccessMiddleware
from router_core.serving.aio_forwarding import Wanted
from router_core.serving.gateway.at_once import AtOnce
from router_core.serving.gateway.bodies import HungUpError
from router_core.serving.gateway.callers import Admission, Callers, caller_of, limited
from router_core.serving.gateway.catalogue import Catalogue
from router_core.serving.gateway.completions import ChatCompletions, Scope
from router_core.serving.gateway.decisions import Deciding
from router_core.serving.gateway.failures import RefusedError, failure
from router_core.serving.gateway.passing import Embeddings, Responses
from router_core.serving.gateway.routers import Routers, Traffic
from router_core.settings import Settings
from router_core.settings.hosts import AllowedHost

_LOG = logging.getLogger(__name__)
_HUNG_UP = 499  # what servers write into their logs for it


class Gateway:
    """The gateway over what a process has open.

    Args:
        settings: those in force now.
        traffic: goal -> where its requests go now; may block while a store is opened.
    """

    def __init__(self, settings: Callable[[], Settings], traffic: Callable[[str], Traffic]) -> None:
        self._routers = Routers(settings, traffic)
        self._callers = Callers(self._routers.stores)

    def mount(self) -> Mount:
        """The routes below /v1, for an application that does more; it is to call ``close`` at its end."""
        return Mount(API, app=self._application())

    def alone(self, allowed_hosts: Sequence[AllowedHost] = ()) -> Starlette:
        """An application of its own, with the checks of who may call."""

        @asynccontextmanager
        async def lifespan(app: Starlette) -> AsyncIterator[None]:
            yield
            await self.close()

        async def health(request: Request) -> Response:
            return JSONResponse({"status": "ok"})

        return Starlette(
            routes=[Route("/health", health), self.mount()],
            middleware=[Middleware(AccessMiddleware, allowed_hosts=allowed_hosts)],
            exception_handlers={HTTPException: _told},
            lifespan=lifespan,
        )

    async def close(self) -> None:
        """End what is under way; stores stay open."""
        await self._routers.close()

    def _application(self) -> Starlette:
        deciding, catalogue = Deciding(self._routers), Catalogue(self._routers)
        return Starlette(
            routes=[
                Route("/chat/completions", ChatCompletions(self._routers.forwarding, _limited), methods=["POST"]),
                Route("/responses", Responses(self._routers.forwarding, _limited), methods=["POST"]),
                Route("/embeddings", Embeddings(self._routers.forwarding, _limited), methods=["POST"]),
                Route("/models", catalogue.models),
                Route("/models/{id:path}", catalogue.model),
                Route("/decide", deciding.decide, methods=["POST"]),
                Route("/record", deciding.record, methods=["POST"]),
                Route("/outcomes", deciding.outcomes, methods=["POST"]),
                Route("/feedback", deciding.outcomes, methods=["POST"]),
                Route("/requests/{id}", deciding.look_up),
            ],
            middleware=[Middleware(AtOnce), Middleware(Admission, callers=self._callers)],
            exception_handlers=dict.fromkeys(
                (HTTPException, RouterError, RefusedError, HungUpError, Exception), _told
            ),
        )


def _limited(wanted: Wanted, scope: Scope) -> Wanted:
    return limited(wanted, caller_of(scope))


async def _told(request: Request, error: Exception) -> Response:
    """The response to a request that raised, in OpenAI's form. Nobody reads it who has hung up."""
    if isinstance(error, HungUpError):
        return Response(status_code=_HUNG_UP)
    told = failure(error)
    if told.status == 500:
        _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return JSONResponse(told.body, told.status, dict(told.headers))
