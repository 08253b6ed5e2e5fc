"""Takes out of a store what has been there longer than the settings allow.

When: the app does it when it starts, when settings are saved and once an hour; a router when it
starts; ``router-core prune`` when it is called.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from router_core.settings import PrivacySettings
from router_core.store.base import Search, Store


def remove_expired(store: Store, privacy: PrivacySettings, now: datetime) -> int:
    """Remove the texts of what has expired, or all of it, as the settings say; nothing where nothing expires.

    Args:
        store: the log.
        privacy: for how long, and what goes.
        now: the present; requests older than ``privacy.expire_after_days`` days have expired.

    Returns:
        How many requests lost something.

    Raises:
        StoreError: the store cannot be changed.
    """
    if privacy.expire_after_days is None:
        return 0
    old = Search(until=now - timedelta(days=privacy.expire_after_days))
    if not store.count(old):
        return 0
    return store.strip(old) if privacy.expire == "texts" else store.erase(old)
