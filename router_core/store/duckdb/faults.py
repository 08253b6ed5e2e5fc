"""What DuckDB says went wrong, in our own words with a remedy.

DuckDB tells its failures apart by message more than by type, so this reads messages; each is tested against
the real thing where a test can cause it.
"""

from __future__ import annotations

import re

from router_core.errors import (
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreReadOnlyError,
    StoreTooNewError,
)

_HOLDER = re.compile(r"held in (.+?) \(PID (\d+)\)")
_DAMAGE = ("not a valid duckdb", "could not read enough bytes", "corrupt", "checksum", "serializ", "invalidated")


def store_error(error: Exception, location: str) -> StoreError:
    """The error to raise in place of one of DuckDB's."""
    said = str(error)
    low = said.lower()
    if "could not set lock" in low or "conflicting lock" in low or "being used by another process" in low:
        holder = _HOLDER.search(said)
        who = f"process {holder.group(2)}" if holder else "another process"
        return StoreLockedError(
            f"the store {location} is in use by {who}; one process at a time can open it:"
            " stop that one, or set ROUTER_STORE to another file"
        )
    if "no space left" in low or "disk full" in low or "out of disk" in low:
        return StoreFullError(
            f"the disk that holds the store {location} is full; nothing of the last write was kept:"
            " free some space and try again"
        )
    if "permission denied" in low or "read-only" in low or "readonly" in low:
        return read_only(location)
    if "version number" in low or "newer version" in low:
        return StoreTooNewError(
            f"the store {location} was written by another version of DuckDB that this one cannot read;"
            f" install the newer duckdb package, or set ROUTER_STORE to another file ({_short(said)})"
        )
    if any(sign in low for sign in _DAMAGE):
        return StoreDamagedError(
            f"the store {location} is no readable database ({_short(said)}); restore it from a copy, or move it"
            " away and start with a new one"
        )
    return StoreError(f"the store {location} cannot be used: {_short(said)}")


def read_only(location: str) -> StoreReadOnlyError:
    """The file or its folder refuses writing."""
    return StoreReadOnlyError(
        f"the store {location} cannot be written; allow writing to the file and its folder,"
        " or set ROUTER_STORE to another place"
    )


def _short(said: str) -> str:
    first = said.strip().splitlines()[0] if said.strip() else "no reason given"
    return first[:200]
