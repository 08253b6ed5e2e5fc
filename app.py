"""The entry point: one process, one port. ``streamlit run app.py`` finds ``app`` and serves it.

The script that Streamlit runs lives in pages/, so that no automatic pages arise and a first visit to a deep link
runs the shell (docs/decisions.md).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Close the store in good order when the server stops."""
    yield
    from pages.resources import release

    release()


app = st.App(Path(__file__).parent / "pages" / "main.py", lifespan=lifespan)
