"""What all visits share: settings, store, models, calls and evaluations under way. Made once per process."""

from __future__ import annotations

import gc
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import streamlit as st

from router_core.errors import RouterError
from router_core.evaluation.running import Jobs
from router_core.exports.transfer import first_settings, settings_of, whoami
from router_core.models.calls import Models
from router_core.routing.retention import remove_expired
from router_core.serving.playground import Playground
from router_core.serving.running import RunningCalls
from router_core.settings import Settings
from router_core.settings.environment import require_key_variables
from router_core.settings.system import simulation_asked
from router_core.store import open_store
from router_core.store.base import SettingsVersion, Store

_EVERY = timedelta(hours=1)


State = tuple[str, int, str]
"""Where the store is, how often it has changed, and the version of the settings."""


@dataclass(frozen=True)
class Resources:
    """The playground, its calls, and evaluations under way.

    ``missing`` names the unset variables that made the models simulated.
    """

    playground: Playground
    running: RunningCalls
    jobs: Jobs
    simulated: bool
    missing: tuple[str, ...]

    @property
    def state(self) -> State:
        """What is stored and set now, as a key for what is kept: equal keys, equal answers."""
        store = self.playground.store
        return store.location, store.revision, self.playground.settings.version


@dataclass
class _Shared:
    """The resources of this process; another object takes their place when the settings change."""

    now: Resources
    tidied: datetime

    def tidy(self) -> None:
        """Take out what has expired, once an hour."""
        moment = datetime.now(UTC)
        if moment - self.tidied >= _EVERY:
            self.tidied = moment
            playground = self.now.playground
            remove_expired(playground.store, playground.settings.privacy, moment)


_opened: list[_Shared] = []  # at most one; the cache itself cannot be asked outside a visit


def resources() -> Resources:
    """Settings, store, models and calls, as they are now.

    Raises:
        RouterError: the settings or the store cannot be used; the sentence says what to do.
    """
    shared = _shared()
    shared.tidy()
    return shared.now


@st.cache_resource(show_spinner="Opening the store ...")
def _shared() -> _Shared:
    """Open everything. The newest version in the store goes before the file and the defaults."""
    settings = first_settings()
    store, simulated, _ = _store_for(settings)
    try:
        settings = settings_of(store, settings)
    except RouterError:
        store.close()
        raise
    if _store_kind(settings)[0] != simulated:
        store.close()
        store, simulated, _ = _store_for(settings)
    shared = _Shared(_made(settings, store, RunningCalls(), Jobs()), datetime.min.replace(tzinfo=UTC))
    _opened.append(shared)
    return shared


def change_settings(settings: Settings, note: str) -> None:
    """Save a version of the settings and use it from now on; calls under way end as they began.

    Raises:
        SettingsError: it names a variable that may not hold a key; the settings are as before.
        StoreError: it could not be saved; the settings are as before.
    """
    shared = _shared()
    before = shared.now
    require_key_variables(settings, before.playground.settings, os.environ)
    version = SettingsVersion(settings.version, datetime.now(UTC), whoami(), note, settings.document())
    store, simulated, _ = _store_for(settings)
    try:
        after = _made(settings, store, before.running, before.jobs)
        before.playground.store.save_settings(version)
        if simulated != before.simulated:  # a key was found, or is now missing: the other store takes over
            store.save_settings(version)
        after.playground.adopt(before.playground)
    except BaseException:
        store.close()
        raise
    shared.now = after
    before.playground.close()
    before.playground.store.close()
    remove_expired(store, settings.privacy, version.created_at)


def release() -> None:
    """Close what ``resources`` opened."""
    for opened in _opened:
        opened.now.playground.close()
        opened.now.playground.store.close()
    _opened.clear()


def _store_kind(settings: Settings) -> tuple[bool, tuple[str, ...]]:
    """Whether the models are simulated, and the unset variables that make them so."""
    missing = Models(settings).missing_keys()
    used = {arm.model.split("/", 1)[0] for goal in settings.goals.values() for arm in goal.arms}
    unset = tuple(sorted({missing[name] for name in used if name in missing}))
    return simulation_asked(os.environ) or bool(unset), unset


def _store_for(settings: Settings) -> tuple[Store, bool, tuple[str, ...]]:
    simulated, unset = _store_kind(settings)
    return open_store(kind="simulated" if simulated else "live"), simulated, unset


def _made(settings: Settings, store: Store, running: RunningCalls, jobs: Jobs) -> Resources:
    simulated, unset = _store_kind(settings)
    playground = Playground(settings, store, Models(settings, simulated=simulated))
    return Resources(playground, running, jobs, simulated, unset)


@st.cache_resource(show_spinner=False)
def settle_memory() -> None:
    """Take what the imports made out of the garbage collector's sight: it looks at everything after each run."""
    gc.collect()
    gc.freeze()
