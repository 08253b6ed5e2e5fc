"""What all visits share: settings, store, models and the calls under way. Made once per process."""

from __future__ import annotations

import gc
import os
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from router_core.comparison import Playground
from router_core.errors import SettingsError
from router_core.llm import Models
from router_core.running import RunningCalls
from router_core.settings import Settings
from router_core.store import open_store


@dataclass(frozen=True)
class Resources:
    """The playground and its calls; ``missing`` names the unset variables that made the models simulated."""

    playground: Playground
    running: RunningCalls
    simulated: bool
    missing: tuple[str, ...]


_opened: list[Resources] = []  # at most one; the cache itself cannot be asked outside a visit


@st.cache_resource(show_spinner="Opening the store ...")
def resources() -> Resources:
    """Open everything.

    Raises:
        RouterError: the settings or the store cannot be used; the sentence says what to do.
    """
    settings = _settings()
    missing = Models(settings).missing_keys()
    used = {arm.model.split("/", 1)[0] for goal in settings.goals.values() for arm in goal.arms}
    unset = tuple(sorted({missing[name] for name in used if name in missing}))
    simulated = os.environ.get("ROUTER_SIMULATED") == "1" or bool(unset)
    store = open_store(kind="simulated" if simulated else "live")
    models = Models(settings, simulated=simulated)
    shared = Resources(Playground(settings, store, models), RunningCalls(), simulated, unset)
    _opened.append(shared)
    return shared


def release() -> None:
    """Close what ``resources`` opened."""
    for opened in _opened:
        opened.playground.store.close()
    _opened.clear()


@st.cache_resource(show_spinner=False)
def settle_memory() -> None:
    """Take what the imports made out of the garbage collector's sight: it looks at everything after each run."""
    gc.collect()
    gc.freeze()


def _settings() -> Settings:
    """The settings file that ROUTER_SETTINGS names, else the defaults."""
    place = os.environ.get("ROUTER_SETTINGS")
    if not place:
        return Settings()
    try:
        document = Path(place).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"the settings file {place} (ROUTER_SETTINGS) cannot be read: {error}; correct the path or unset it"
        ) from None
    return Settings.from_document(document)
