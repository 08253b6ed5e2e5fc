"""API keys that were pasted: kept in memory alone, each for one provider at one address, until forgotten.

They are never part of settings, store, log or exports, and no error says one. Keys of the environment are read
where models are called (calls.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from router_core.errors import SettingsError
from router_core.settings import ProviderSettings, Settings
from router_core.settings.environment import may_hold_key

_LONGEST: Final = 1_000


class PastedKeys:
    """Provider -> its key, as long as the provider is reached at the address for which the key was pasted."""

    def __init__(self) -> None:
        self._keys: dict[str, tuple[str, str]] = {}

    def paste(self, provider: str, base_url: str, key: str) -> None:
        """Keep a key; one that was pasted before for this provider is forgotten.

        Args:
            provider: its name in the settings.
            base_url: the only address that the key may be sent to.
            key: as it was copied; white space around it does not count.

        Raises:
            SettingsError: it cannot be a key; the sentence does not show it.
        """
        key = key.strip()
        if not key:
            raise SettingsError(f"Nothing was pasted for {provider}; paste the API key.")
        if len(key) > _LONGEST or not (key.isascii() and key.isprintable()) or " " in key:
            raise SettingsError(
                f"What was pasted for {provider} cannot be an API key: a key is one word of at most {_LONGEST:,}"
                " letters, digits and signs. Copy it again."
            )
        self._keys[provider] = (base_url, key)

    def forget(self, provider: str) -> None:
        """Forget the key of this provider, if there is one."""
        self._keys.pop(provider, None)

    def of(self, settings: Settings) -> dict[str, str]:
        """Provider -> key, for the providers that these settings reach where the key was pasted for."""
        return {
            name: key
            for name, (base_url, key) in self._keys.items()
            if name in settings.providers and settings.providers[name].base_url == base_url
        }

    def __repr__(self) -> str:
        return f"PastedKeys({', '.join(sorted(self._keys))})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Pasted keys stay in memory; they cannot be copied or stored.")


@dataclass(frozen=True, slots=True)
class KeyState:
    """Where the key of a provider comes from. ``variable`` None: it needs none; ``allowed``: it may hold a key."""

    provider: str
    variable: str | None
    pasted: bool
    is_set: bool
    allowed: bool = True

    @property
    def is_missing(self) -> bool:
        """Whether its models cannot be asked."""
        return self.variable is not None and not self.pasted and not self.is_set


def key_state(
    name: str, provider: ProviderSettings, environ: Mapping[str, str], pasted: Mapping[str, str]
) -> KeyState:
    """Where the key of this provider comes from."""
    variable = provider.api_key_env
    allowed = variable is None or may_hold_key(variable, environ)
    is_set = variable is not None and allowed and bool(environ.get(variable, "").strip())
    return KeyState(name, variable, name in pasted, is_set, allowed)


def key_of(name: str, provider: ProviderSettings, environ: Mapping[str, str], pasted: Mapping[str, str]) -> str:
    """The key of this provider, or nothing; a line break at its end comes from the file it was read from.

    The only place where keys are read: whatever the settings name, another secret of the environment is not sent.
    """
    variable = provider.api_key_env
    allowed = variable is not None and may_hold_key(variable, environ)
    return pasted.get(name) or (environ.get(variable or "", "").strip() if allowed else "")


def key_states(
    settings: Settings, models: Iterable[str], environ: Mapping[str, str], pasted: Mapping[str, str]
) -> list[KeyState]:
    """Where the keys of these models' providers come from, each provider once. Of others nothing is said: whether
    a goal can be asked depends on its own models alone.
    """  # fmt: skip
    names = dict.fromkeys(model.partition("/")[0] for model in models)
    return [
        key_state(name, settings.providers[name], environ, pasted) for name in names if name in settings.providers
    ]
