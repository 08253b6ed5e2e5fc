"""The settings in force while a gateway runs: those saved last in its store, else those of the settings file."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from router_core.errors import RouterError
from router_core.exports.transfer import settings_in_force
from router_core.settings import Settings
from router_core.store.base import Store

_EVERY_S = 1.0

_LOG = logging.getLogger(__name__)


class InForce:
    """Looks again at most once a second. What cannot be used is logged once, and those of before stay in force.

    Args:
        store: where settings are saved.
        clock: seconds.

    Raises:
        SettingsError: those that are there at first cannot be used.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings_in_force(store)
        self._looked = clock()
        self._wrong = ""

    def __call__(self) -> Settings:
        """The settings now; the same object while they have not changed."""
        if self._clock() - self._looked >= _EVERY_S:
            self._looked = self._clock()
            try:
                found = settings_in_force(self._store)
            except RouterError as error:
                if str(error) != self._wrong:
                    self._wrong = str(error)
                    _LOG.warning("The settings of before stay in force: %s", error)
            else:
                self._wrong = ""
                if found.version != self._settings.version:
                    self._settings = found
        return self._settings
