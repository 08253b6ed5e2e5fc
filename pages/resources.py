"""What all visits share: settings, store, models, calls and evaluations under way. Made once per process."""

from __future__ import annotations

import gc
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import RLock
from typing import Literal

import streamlit as st

from router_core.errors import StoreError, StoreReadOnlyError
from router_core.evaluation.running import Jobs
from router_core.exports.transfer import first_settings, settings_of, whoami
from router_core.models.calls import Models
from router_core.models.keys import PastedKeys
from router_core.models.parameters import Refusals
from router_core.routing.retention import remove_expired
from router_core.serving.gateway.routers import Traffic
from router_core.serving.modes import Mode, goal_mode
from router_core.serving.playground import Playground
from router_core.serving.running import RunningCalls
from router_core.settings import Settings
from router_core.settings.environment import require_key_variables
from router_core.settings.system import simulation_asked
from router_core.store import open_store, store_path
from router_core.store.base import CallerKey, Search, SettingsVersion, Store
from router_core.types import StoreKind

_EVERY = timedelta(hours=1)
_CHOSEN, _OWN = "chosen-modes", "own-playground"  # of a visit


State = tuple[str, int, str]
"""Where the store is, how often it has changed, and the version of the settings."""


@dataclass(frozen=True)
class Resources:
    """A playground with live or with simulated models, its calls, and evaluations under way."""

    playground: Playground
    running: RunningCalls
    jobs: Jobs
    simulated: bool

    @property
    def state(self) -> State:
        """What is stored and set now, as a key for what is kept: equal keys, equal answers."""
        store = self.playground.store
        return store.location, store.revision, self.playground.settings.version


class _Shared:
    """What this process has opened: settings, and a playground per kind of traffic, each with a store of its own.

    The other kind is opened when it is first wanted. Settings are saved in every store that is open.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.running, self.jobs = RunningCalls(), Jobs()
        self.refusals = Refusals()
        self._playgrounds: dict[StoreKind, Playground] = {}
        self._lock = RLock()
        self._tidied = datetime.now(UTC)

    def playground(self, kind: StoreKind) -> Playground:
        """The playground of this kind.

        Raises:
            StoreError: its store cannot be opened.
        """
        with self._lock:
            if kind not in self._playgrounds:
                store = _store(kind)
                try:
                    if not store.read_only:
                        self._agree(store)
                    made = Playground(self.settings, store, self._models(self.settings, kind))
                except BaseException:
                    store.close()
                    raise
                if not store.read_only:
                    remove_expired(store, self.settings.privacy, datetime.now(UTC))
                self._playgrounds[kind] = made
            return self._playgrounds[kind]

    def has_store(self, kind: StoreKind) -> bool:
        """Whether there is a store of this kind, open or not."""
        if kind in self._playgrounds:
            return True
        path = store_path(kind=kind)
        return path is not None and path.exists()

    def change(self, settings: Settings, version: SettingsVersion) -> None:
        """Save the settings in every open store and use them.

        Raises:
            StoreError: they could not be saved; the settings are as before.
        """
        with self._lock:
            before = dict(self._playgrounds)
            self.refusals = Refusals()  # whoever saves settings may have changed what is there
            after: dict[StoreKind, Playground] = {
                kind: Playground(settings, one.store, self._models(settings, kind)) for kind, one in before.items()
            }
            for kind in sorted(before, reverse=True):  # live last: its settings are those of the next start
                before[kind].store.save_settings(version)
            for kind, one in after.items():
                one.adopt(before[kind])
            self.settings, self._playgrounds = settings, after
        for kind, one in before.items():
            one.close()
            remove_expired(after[kind].store, settings.privacy, version.created_at)

    def save_caller_key(self, key: CallerKey) -> None:
        """Keep it in every open store.

        Raises:
            StoreError: it could not be kept everywhere.
        """
        with self._lock:
            for one in self._playgrounds.values():
                one.store.save_caller_key(key)

    def tidy(self) -> None:
        """Take out what has expired, once an hour."""
        moment = datetime.now(UTC)
        if moment - self._tidied >= _EVERY:
            self._tidied = moment
            for one in list(self._playgrounds.values()):
                if not one.store.read_only:
                    remove_expired(one.store, self.settings.privacy, moment)

    def close(self) -> None:
        """Close what is open."""
        with self._lock:
            for one in self._playgrounds.values():
                one.close()
                one.store.close()
            self._playgrounds.clear()

    def _models(self, settings: Settings, kind: StoreKind) -> Models:
        return Models(settings, simulated=kind == "simulated", refusals=self.refusals)

    def _agree(self, store: Store) -> None:
        """Save settings and keys of callers in a store that is opened later and has others."""
        kept = {key.id: key for key in store.caller_keys()}
        for other in self._playgrounds.values():
            for key in other.store.caller_keys():
                if key.id not in kept or (kept[key.id].revoked_at is None and key.revoked_at is not None):
                    store.save_caller_key(key)
        if settings_of(store, first_settings()).version != self.settings.version:
            now = datetime.now(UTC)
            note = "in force where this store was opened"
            store.save_settings(
                SettingsVersion(self.settings.version, now, whoami(), note, self.settings.document())
            )


_opened: list[_Shared] = []  # at most one; the cache itself cannot be asked outside a visit


def resources() -> Resources:
    """Settings, store, models and calls for the goal that this visit looks at, as they are now.

    Raises:
        RouterError: the settings or the store cannot be used; the sentence says what to do.
    """
    shared = _shared()
    shared.tidy()
    simulated = mode_of(current_goal()).simulated
    playground = shared.playground("simulated" if simulated else "live")
    if not simulated:
        playground = _with_pasted_keys(playground)
    return Resources(playground, shared.running, shared.jobs, simulated)


def playground_for_imports(shared: Resources) -> Playground:
    """Where what happened elsewhere belongs: live traffic, unless simulation is asked for.

    Raises:
        RouterError: its store cannot be opened.
    """
    return shared.playground if simulation_asked(os.environ) else _shared().playground("live")


def settings_now() -> Settings:
    """The settings in force.

    Raises:
        RouterError: the settings or the store cannot be used; the sentence says what to do.
    """
    return _shared().settings


def traffic(goal: str) -> Traffic:
    """Where the requests of programs go that ask for this goal: like a visit that has chosen nothing.

    Raises:
        RouterError: the settings or the store cannot be used; the sentence says what to do.
    """
    shared = _shared()
    has_lived = partial(_is_live, shared, goal)
    simulated = goal_mode(shared.settings, goal, os.environ, {}, has_lived=has_lived).simulated
    playground = shared.playground("simulated" if simulated else "live")
    return Traffic(playground.settings, playground.store, simulated)


def _is_live(shared: _Shared, goal: str) -> bool:
    return shared.has_store("live") and _has_traffic(shared, goal)


def current_goal() -> str:
    """The goal that this visit looks at; the first, where it has not chosen one that there is."""
    goals = settings_now().goals
    chosen = st.session_state.get("goal")
    return chosen if chosen in goals else next(iter(goals))


def mode_of(goal: str) -> Mode:
    """Whether the models of a goal are live or simulated in this visit, and why."""
    shared = _shared()
    return goal_mode(
        shared.settings,
        goal,
        os.environ,
        pasted_keys().of(shared.settings),
        chosen=st.session_state.get(_CHOSEN, {}).get(goal),
        has_lived=partial(_is_live, shared, goal),
    )


def choose_mode(goal: str, mode: Literal["live", "simulated"]) -> None:
    """See and use live or simulated models of a goal from now on, in this visit."""
    st.session_state[_CHOSEN] = {**st.session_state.get(_CHOSEN, {}), goal: mode}


def other_store(simulated: bool) -> bool:
    """Whether there is a store of the other kind than this."""
    return _shared().has_store("live" if simulated else "simulated")


def pasted_keys() -> PastedKeys:
    """The keys that were pasted in this visit."""
    keys: PastedKeys = st.session_state.setdefault("pasted-keys", PastedKeys())
    return keys


def _with_pasted_keys(playground: Playground) -> Playground:
    """The playground of all visits, with the keys of this one where it has any."""
    keys = pasted_keys().of(playground.settings)
    if not keys:
        st.session_state.pop(_OWN, None)
        return playground
    held = st.session_state.get(_OWN)
    if held is None or held[0] is not playground or held[1] != keys:
        own_models = Models(playground.settings, keys=keys, refusals=playground.refusals)
        held = (playground, keys, playground.using(own_models))
        st.session_state[_OWN] = held
    own: Playground = held[2]
    return own


def _has_traffic(shared: _Shared, goal: str) -> bool:
    """Whether the live store has a prompt of this goal. One that cannot be opened says so when it is looked at."""
    try:
        store = shared.playground("live").store
        return bool(store.find(Search(goal=goal), 1))
    except StoreError:
        return False


@st.cache_resource(show_spinner="Opening the store ...")
def _shared() -> _Shared:
    """The settings in force: the newest version in the live store, else in that of simulated traffic, goes before
    the file and the defaults. Where simulation is asked for, the live store is not looked at.
    """  # fmt: skip
    settings = first_settings()
    kinds: tuple[StoreKind, ...] = ("simulated",) if simulation_asked(os.environ) else ("live", "simulated")
    for kind in kinds:
        path = store_path(kind=kind)
        if path is None or not path.exists():
            continue
        try:
            store = _store(kind)
        except StoreError:
            if kind == kinds[-1]:
                raise
            continue  # in use elsewhere: whoever wants it is told
        try:
            saved = store.current_settings()
            settings = settings_of(store, settings)
        finally:
            store.close()
        if saved is not None:
            break
    shared = _Shared(settings)
    _opened.append(shared)
    return shared


def change_settings(settings: Settings, note: str) -> None:
    """Save a version of the settings and use it from now on; calls under way end as they began.

    Raises:
        SettingsError: it names a variable that may not hold a key; the settings are as before.
        StoreError: it could not be saved; the settings are as before.
    """
    shared = _shared()
    require_key_variables(settings, shared.settings, os.environ)
    version = SettingsVersion(settings.version, datetime.now(UTC), whoami(), note, settings.document())
    shared.change(settings, version)


def save_caller_key(key: CallerKey) -> None:
    """Keep a key of a caller in every store that is open: programs reach all of them.

    Raises:
        StoreError: it could not be kept.
    """
    _shared().save_caller_key(key)


def release() -> None:
    """Close what ``resources`` opened."""
    for opened in _opened:
        opened.close()
    _opened.clear()


def _store(kind: StoreKind) -> Store:
    """The store of this kind; one that cannot be written to can still be read."""
    try:
        return open_store(kind=kind)
    except StoreReadOnlyError:
        if not (path := store_path(kind=kind)) or not path.exists():
            raise
        return open_store(kind=kind, read_only=True)


@st.cache_resource(show_spinner=False)
def settle_memory() -> None:
    """Take what the imports made out of the garbage collector's sight: it looks at everything after each run."""
    gc.collect()
    gc.freeze()
