"""The entry point: one process, one port. ``streamlit run app.py`` finds ``app`` and serves it.

The script that Streamlit runs lives in pages/, so that no automatic pages arise and a first visit to a deep link
runs the shell (docs/decisions.md). Every request passes the middleware in router_core/serving/access.py first.
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
from router_core.serving.moved import MovedMiddleware
from router_core.settings.environment import allowed_hosts


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Close the store in good order when the server stops."""
    yield
    from pages.resources import release

    release()


try:
    _hosts = allowed_hosts(os.environ)
except SettingsError as error:
    sys.exit(str(error))
app = st.App(
    Path(__file__).parent / "pages" / "main.py",
    lifespan=lifespan,
    middleware=[Middleware(AccessMiddleware, allowed_hosts=_hosts), Middleware(MovedMiddleware)],
)
_why_not = why_not_listen(st.get_option("server.address"), _hosts)  # the options are complete once there is an app
if _why_not is not None:
    sys.exit(_why_not)
