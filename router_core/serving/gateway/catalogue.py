"""The models that a request may name: ``auto``, one for each goal, and every model of the goals."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from router_core.serving.aio_forwarding import AUTO, GOAL, UnknownModelError
from router_core.serving.gateway.callers import caller_of
from router_core.serving.gateway.routers import Routers


class Catalogue:
    """``GET /v1/models`` and ``GET /v1/models/{id}``."""

    def __init__(self, routers: Routers) -> None:
        self._routers = routers

    async def models(self, request: Request) -> Response:
        """All of them."""
        return JSONResponse({"object": "list", "data": [_model(name) for name in self._names(request)]})

    async def model(self, request: Request) -> Response:
        """One; its id may hold slashes."""
        name = request.path_params["id"]
        if name not in self._names(request):
            raise UnknownModelError(f"There is no model {name[:100]!r}; GET /v1/models lists them")
        return JSONResponse(_model(name))

    def _names(self, request: Request) -> list[str]:
        """What the caller may use."""
        caller, goals = caller_of(request.scope), dict(self._routers.settings().goals)
        if caller is not None and caller.goals is not None:
            goals = {name: goal for name, goal in goals.items() if name in caller.goals}
        pool = dict.fromkeys(arm.model for goal in goals.values() for arm in goal.arms)
        if caller is not None and caller.models is not None:
            pool = {name: None for name in pool if name in caller.models}
        return [AUTO, *(f"{GOAL}{name}" for name in goals), *pool]


def _model(name: str) -> dict[str, Any]:
    owner = name.partition("/")[0] if "/" in name and not name.startswith(GOAL) else "router"
    return {"id": name, "object": "model", "created": 0, "owned_by": owner}
