"""The memory of the router: what was decided, answered and judged.

``open_store`` is the way in; base.py says, part by part, what a store can do.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from time import monotonic, sleep
from typing import TYPE_CHECKING, get_args
from weakref import WeakValueDictionary

from router_core.arguments import require_flag, require_kind, require_one_of, require_path, require_seconds
from router_core.errors import StoreError, StoreLockedError, StoreReadOnlyError
from router_core.types import StoreKind
from router_core.validation import printable, shown

if TYPE_CHECKING:
    from router_core.store.base import Backup, Store
    from router_core.store.duckdb.store import DuckDBStore

__all__ = ["backup_store", "open_store", "repair_store", "store_path"]

DEFAULT = Path("data") / "router.duckdb"
MEMORY = ":memory:"
_RETRY_SECONDS = 0.1

# One object per file: two would each count the evidence that only the other has seen.
_open: WeakValueDictionary[Path, DuckDBStore] = WeakValueDictionary()
_lock = Lock()


def open_store(
    location: str | Path | None = None,
    *,
    kind: StoreKind = "live",
    environ: Mapping[str, str] | None = None,
    read_only: bool = False,
    wait: float | None = None,
) -> Store:
    """Open the store, making it where there is none. Opened twice in one process it is the same object, which
    stays open until each opener has closed it.

    Args:
        location: a path, an address (``duckdb:///relative/path``, ``duckdb:////absolute/path``) or
            ``:memory:``; by default the environment variable ROUTER_STORE, else ``data/router.duckdb`` under the
            current folder.
        kind: live and simulated traffic never share a file: simulated traffic goes to the file
            ``<name>.simulated.<suffix>`` beside the live one.
        environ: the environment; by default that of the process.
        read_only: open a file that is there for reading alone, as one on a read-only disk must be; every change
            then raises StoreReadOnlyError. Several processes can read at once. What is already open for writing
            in this process is given as it is.
        wait: seconds to wait for another process to let go of the file; by default the environment variable
            ROUTER_STORE_WAIT, else 0.

    Raises:
        StoreError: the place is not one that can be opened; the subclass and the sentence say why.
        ArgumentError: another argument is of the wrong kind.
    """
    path = store_path(location, kind=kind, environ=environ)
    require_flag("read_only", read_only)
    require_seconds("wait", wait)
    if path is None:
        from router_core.store.duckdb.store import DuckDBStore

        return DuckDBStore(MEMORY, kind)
    seconds = _seconds(os.environ if environ is None else environ) if wait is None else wait
    until = monotonic() + seconds
    while True:
        try:
            return _opened(path, kind, read_only)
        except StoreLockedError as error:
            left = until - monotonic()
            if left <= 0:
                waited = (
                    f" (waited {seconds:g} s)" if seconds > 0 else "; or wait for it (ROUTER_STORE_WAIT, --wait)"
                )
                raise StoreLockedError(f"{error}{waited}") from error
            sleep(min(_RETRY_SECONDS, left))


def backup_store(
    target: str | Path,
    location: str | Path | None = None,
    *,
    kind: StoreKind = "live",
    environ: Mapping[str, str] | None = None,
) -> Backup:
    """Copy a store whole into a new file, whether it is stopped or in use, in this process or in another.

    Args:
        target: the new file; its folder must be there, the file must not.
        location, kind, environ: which store, as for ``open_store``; it must be there.

    Raises:
        StoreError: the store cannot be read, or the copy cannot be written; the sentence says why.
    """
    from router_core.store.duckdb.backup import backup

    path = store_path(location, kind=kind, environ=environ)
    require_path("target", target)
    if path is None:
        raise StoreError("A store in memory is copied by the program that uses it: store.backup(path)")
    with _lock:
        known = _open.get(path.resolve())
        known = known if known is not None and known.share() else None
    if known is None:
        return backup(os.path.realpath(path), kind, target)
    try:
        return known.backup(target)
    finally:
        known.close()


def repair_store(
    location: str | Path | None = None, *, kind: StoreKind = "live", environ: Mapping[str, str] | None = None
) -> list[str]:
    """Make a store that was refused as damaged or incomplete one that opens; nothing is deleted.

    Returns:
        What was done, a sentence each; empty where nothing was to be done.

    Raises:
        StoreError: a process has it open, or its own file is damaged.
    """
    from router_core.store.duckdb.repair import repair

    path = store_path(location, kind=kind, environ=environ)
    if path is None or not path.exists():
        return []
    with _lock:
        known = _open.get(path.resolve())
        if known is not None and known.share():
            known.close()
            raise StoreError(f"The store {path} is open in this process; close it before it is repaired")
        return repair(os.path.realpath(path))


def _opened(path: Path, kind: StoreKind, read_only: bool) -> DuckDBStore:
    """That store, opened now or open already in this process."""
    from router_core.store.duckdb.opening import other_kind
    from router_core.store.duckdb.store import DuckDBStore

    with _lock:
        known = _open.get(path.resolve())
        if known is not None and known.share():
            if known.kind == kind and (read_only or not known.read_only):
                return known
            known.close()
            if known.kind != kind:
                raise other_kind(known.location, known.kind, kind)
            raise StoreReadOnlyError(
                f"The store {path} is open for reading alone in this process; close it there before writing"
            )
        opened = DuckDBStore(str(path), kind, read_only)
        _open[path.resolve()] = opened
        return opened


def _seconds(environ: Mapping[str, str]) -> float:
    """How long to wait for the file, as the environment says."""
    said = environ.get("ROUTER_STORE_WAIT") or "0"
    try:
        seconds = float(said)
    except (ArithmeticError, TypeError, ValueError):
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise StoreError(f"ROUTER_STORE_WAIT is {shown(said)}; give seconds, 0 or more")
    return seconds


def store_path(
    location: str | Path | None = None, *, kind: StoreKind = "live", environ: Mapping[str, str] | None = None
) -> Path | None:
    """The file that ``open_store`` would open, whether it is there or not; None for ``:memory:``.

    Raises:
        StoreError: the address is of no kind that is known, or no file can have that name.
        ArgumentError: an argument is of the wrong kind.
    """
    require_one_of("kind", kind, get_args(StoreKind))
    require_kind("environ", environ, Mapping, "a mapping of variables, or None for the process's own")
    environ = os.environ if environ is None else environ
    given = "" if location is None else require_path("location", location)
    place = given or require_path("ROUTER_STORE", environ.get("ROUTER_STORE") or DEFAULT)
    if place == MEMORY:
        return None
    for wrong, what in (("\0" in place, "a NUL character"), (printable(place) != place, "half a character")):
        if wrong:
            raise StoreError(f"The store {shown(place)} has {what} in its name; no file can (ROUTER_STORE)")
    scheme, separator, rest = place.partition("://")
    if separator:
        if scheme != "duckdb":
            raise StoreError(
                f"a store of the kind {scheme!r} is not supported; give a path or duckdb:///path (ROUTER_STORE)"
            )
        place = rest.removeprefix("/")
    path = Path(place).expanduser()
    if kind == "simulated" and not path.stem.endswith(".simulated"):
        path = path.with_name(f"{path.stem}.simulated{path.suffix}")
    return path.absolute()  # also after the process changes its folder; and sentences say where it is
