"""What DuckDB says went wrong, in our own words with a remedy.

DuckDB tells its failures apart by message more than by type, so this reads messages; each is tested against
the real thing where a test can cause it.
"""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryFile

from router_core.errors import (
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreReadOnlyError,
    StoreTooNewError,
)

_HOLDER = re.compile(r"held in (?:.+? )?\(?PID (\d+)\)?")
_REFUSED_LOCK = re.compile(
    r"could not set lock on file .*?: (.*?)\.? *(?:see also|$)", re.IGNORECASE | re.MULTILINE
)
_HELD = ("conflicting lock", "resource temporarily unavailable", "being used by another process")
_DAMAGE = (
    "wal does not match",
    "replaying wal",
    "not a valid duckdb",
    "could not read enough bytes",
    "corrupt",
    "checksum",
    "serializ",
    "invalidated",
)


def store_error(error: Exception, location: str) -> StoreError:
    """The error to raise in place of one of DuckDB's."""
    said = str(error)
    low = said.lower()
    if "could not set lock" in low or "conflicting lock" in low or "being used by another process" in low:
        holder = _HOLDER.search(said)
        nobody = holder is not None and holder.group(1) == "0"  # DuckDB found nobody who holds it
        if not any(sign in low for sign in _HELD) or (nobody and not _locks_work(location)):
            return _no_locks(location, said)
        who = "another process" if holder is None or nobody else f"process {holder.group(1)}"
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
            f" install the newer duckdb package, or set ROUTER_STORE to another file ({short(said)})"
        )
    if is_damage(said):
        return StoreDamagedError(
            f"the store {location} is not a readable database ({short(said)}); restore it from a copy, or move it"
            " away and start with a new one"
        )
    return StoreError(f"the store {location} cannot be used: {short(said)}")


def read_only(location: str) -> StoreReadOnlyError:
    """The file or its folder refuses writing."""
    return StoreReadOnlyError(
        f"the store {location} cannot be written; allow writing to the file and its folder,"
        " or set ROUTER_STORE to another place"
    )


def is_damage(said: str) -> bool:
    """Whether DuckDB speaks of a file whose contents are not what they should be."""
    low = said.lower()
    return any(sign in low for sign in _DAMAGE)


def _locks_work(location: str) -> bool:
    """Whether a file in the store's folder can be locked at all."""
    try:
        import fcntl
    except ImportError:  # Windows locks by opening
        return True
    try:
        with TemporaryFile(dir=Path(location).parent) as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _no_locks(location: str, said: str) -> StoreError:
    refused = _REFUSED_LOCK.search(said)
    why = f" ({refused.group(1)})" if refused and "conflicting" not in refused.group(1).lower() else ""
    return StoreError(
        f"The file system that holds the store {location} does not support locking files{why}, without which two"
        " processes could write into it at once; set ROUTER_STORE to a file on a local disk"
    )


def short(said: str) -> str:
    """The first line of what was said, cut where it is long."""
    first = said.strip().splitlines()[0] if said.strip() else "no reason given"
    return first[:200]
