"""The entry point: one process, one port. ``streamlit run app.py`` finds ``app`` and serves it.

The script that Streamlit runs lives in pages/, so that no automatic pages arise and a first visit to a deep link
runs the shell (docs/decisions.md). Every request passes the middleware in router_core/serving/access.py first.
Programs reach the same store at /v1 (router_core/serving/gateway/).
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from router_core.errors import SettingsError
from router_core.serving.access import AccessMiddleware, why_not_listen
from router_core.serving.gateway.application import Gateway
from router_core.serving.gateway.routers import Traffic
from router_core.serving.moved import MovedMiddleware
from router_core.settings import Settings
from router_core.settings.environment import allowed_hosts


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Close the store in good order when the server stops."""
    yield
    from pages.resources import release

    await _gateway.close()
    release()


def _settings() -> Settings:
    from pages.resources import settings_now

    return settings_now()


def _traffic(goal: str) -> Traffic:
    from pages.resources import traffic

    return traffic(goal)


try:
    _hosts = allowed_hosts(os.environ)
except SettingsError as error:
    sys.exit(str(error))
_gateway = Gateway(_settings, _traffic)
app = st.App(
    Path(__file__).parent / "pages" / "main.py",
    lifespan=lifespan,
    routes=[_gateway.mount()],
    middleware=[Middleware(AccessMiddleware, allowed_hosts=_hosts), Middleware(MovedMiddleware)],
)
_why_not = why_not_listen(st.get_option("server.address"), _hosts)  # the options are complete once there is an app
if _why_not is not None:
    sys.exit(_why_not)
