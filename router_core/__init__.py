"""Route each prompt to the model that is the best value, learn from outcomes, and know whether it pays.

Importing this package opens, reads and connects to nothing; its parts are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from router_core.errors import RouterError
    from router_core.serving.aio import AsyncRouter
    from router_core.serving.library import Router
    from router_core.settings import Settings
    from router_core.store import open_store
    from router_core.types import Outcome

__all__ = ["AsyncRouter", "Outcome", "Router", "RouterError", "Settings", "open_store"]
__version__ = "0.1.0"

_HOMES = {
    "AsyncRouter": "router_core.serving.aio",
    "Outcome": "router_core.types",
    "Router": "router_core.serving.library",
    "RouterError": "router_core.errors",
    "Settings": "router_core.settings",
    "open_store": "router_core.store",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'router_core' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
