"""What only the environment says: the settings file, who may look, where keys are, which folder is read.

None of it can be changed on a page or by an imported file, so that neither widens what the person who starts the
process has allowed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from pydantic import Field, field_validator

from router_core.errors import SettingsError
from router_core.settings.declaration import Settings
from router_core.settings.hosts import AllowedHost
from router_core.validation import Declaration, validated

SETTINGS_FILE: Final = "ROUTER_SETTINGS"
ALLOWED_HOSTS: Final = "ROUTER_ALLOWED_HOSTS"
KEY_VARIABLES: Final = "ROUTER_KEY_VARIABLES"
DATA_FOLDER: Final = "ROUTER_DATA_FOLDER"

USUAL_KEY_VARIABLES: Final = "*API_KEY"
"""Names that may hold a provider's key unless ROUTER_KEY_VARIABLES says otherwise; ``*`` stands for anything."""


class AccessSettings(Declaration):
    """Who may look. Read when the server starts, from the file of `ROUTER_SETTINGS` alone; no version has it."""

    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        title="Allowed hosts",
        description="Names and addresses at which the app answers, besides those of this machine itself:"
        " `name`, `name:port`, `*.domain`. `ROUTER_ALLOWED_HOSTS` (separated by commas) adds others.",
    )

    @field_validator("allowed_hosts")
    @classmethod
    def _readable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            AllowedHost.read(one)
        return value


def settings_file(environ: Mapping[str, str]) -> tuple[Settings, AccessSettings]:
    """What the file that ROUTER_SETTINGS names says; the defaults where it names none.

    Raises:
        SettingsError: the file cannot be read, or is not a settings document.
    """
    place = environ.get(SETTINGS_FILE)
    if not place:
        return Settings(), AccessSettings()
    try:
        document = Path(place).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise SettingsError(
            f"The settings file {place} ({SETTINGS_FILE}) cannot be read: {error}; correct the path or unset it"
        ) from None
    try:
        raw = json.loads(document)
    except (ValueError, RecursionError):
        raw = None
    access = AccessSettings()
    if isinstance(raw, dict) and "access" in raw:
        access = validated(AccessSettings, raw.pop("access"), "access")
        document = json.dumps(raw)
    return Settings.from_document(document), access


def allowed_hosts(environ: Mapping[str, str]) -> tuple[AllowedHost, ...]:
    """The hosts that the environment and the settings file allow, besides this machine's own names.

    A settings file that cannot be read allows none; the pages say what is wrong with it.

    Raises:
        SettingsError: ROUTER_ALLOWED_HOSTS names something that is not a host.
    """
    try:
        in_file = settings_file(environ)[1].allowed_hosts
    except SettingsError:
        in_file = ()
    try:
        return tuple(AllowedHost.read(one) for one in (*in_file, *_listed(environ, ALLOWED_HOSTS)))
    except ValueError as error:
        raise SettingsError(f"{ALLOWED_HOSTS}: {error}") from None


def may_hold_key(variable: str, environ: Mapping[str, str]) -> bool:
    """Whether a provider's key may be read from this environment variable.

    Other secrets of the environment are not for providers: without this rule, settings could name any of them and
    an address that receives it.
    """
    patterns = _listed(environ, KEY_VARIABLES) or [USUAL_KEY_VARIABLES]
    return any(fnmatchcase(variable, pattern) for pattern in patterns)


def why_no_key(variable: str, environ: Mapping[str, str]) -> str:
    """Why the key is not read from this variable, and what to do; for one that ``may_hold_key`` turns down."""
    allowed = ", ".join(_listed(environ, KEY_VARIABLES) or [USUAL_KEY_VARIABLES])
    return (
        f"{variable} may not hold a provider's key; allowed names: {allowed}. Choose one of them, or start with"
        f" {KEY_VARIABLES}={allowed.replace(', ', ',')},{variable} to allow it"
    )


def require_key_variables(wanted: Settings, now: Settings, environ: Mapping[str, str]) -> None:
    """Make sure that settings to be saved name no variable, besides those in force, that may not hold a key.

    Raises:
        SettingsError: names the first, and what is allowed.
    """
    in_force = {provider.api_key_env for provider in now.providers.values()}
    for name, provider in wanted.providers.items():
        variable = provider.api_key_env
        if variable is not None and variable not in in_force and not may_hold_key(variable, environ):
            raise SettingsError(f"providers.{name}.api_key_env: {why_no_key(variable, environ)}")


def data_folder(environ: Mapping[str, str]) -> Path | None:
    """The folder whose files a page may read by their path; None: no file of the server is read."""
    named = environ.get(DATA_FOLDER, "").strip()
    return Path(named).resolve() if named else None


def within(folder: Path, path: str) -> Path:
    """The file of that path inside the folder, with links and ``..`` resolved.

    Args:
        folder: as ``data_folder`` gives it.
        path: absolute, or relative to the folder.

    Raises:
        SettingsError: it leads out of the folder, whether or not something is there.
    """
    try:
        found = (folder / path).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise SettingsError(f"The path {path[:80]!r} cannot be followed ({error}); correct it") from None
    if not found.is_relative_to(folder):
        raise SettingsError(
            f"The path {path[:80]!r} leads out of the folder {folder}; only files inside it are read"
            f" ({DATA_FOLDER} names the folder)"
        )
    return found


def _listed(environ: Mapping[str, str], name: str) -> list[str]:
    return [one.strip() for one in environ.get(name, "").split(",") if one.strip()]
