"""Where settings send prompts and keys, and what of that is new: an address, a variable, or the two together.

Settings that come from elsewhere (a file, an older version) may name a server that collects prompts and keys. What
is new is shown as that and asked for separately from everything else that they change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from router_core.settings.declaration import Settings


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a provider's prompts go, and which variable's key goes with them; None: no key."""

    provider: str
    base_url: str
    api_key_env: str | None

    def in_words(self) -> str:
        """For a list of them."""
        key = "without a key" if self.api_key_env is None else f"with the key in {self.api_key_env}"
        return f"{self.provider}: {self.base_url}, {key}"


def endpoints(settings: Settings) -> list[Endpoint]:
    """One per provider, in their order."""
    return [Endpoint(name, one.base_url, one.api_key_env) for name, one in settings.providers.items()]


def new_endpoints(
    wanted: Settings, *known: Settings, allowed: Mapping[str, str | None] | None = None
) -> list[Endpoint]:
    """The endpoints of ``wanted`` whose address and variable do not stand together in any of the others.

    Args:
        wanted: settings from elsewhere.
        known: settings that are trusted.
        allowed: address -> variable, trusted besides.
    """
    pairs = {(_plain(one.base_url), one.api_key_env) for settings in known for one in endpoints(settings)}
    pairs |= {(_plain(address), variable) for address, variable in (allowed or {}).items()}
    return [one for one in endpoints(wanted) if (_plain(one.base_url), one.api_key_env) not in pairs]


def _plain(address: str) -> str:
    return address.rstrip("/")
