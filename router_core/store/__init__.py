"""The memory of the router: what was decided, answered and judged.

``open_store`` is the way in; ``base.Store`` says what a store can do. Leaves out everything that is computed
from the log (posteriors, charts, estimates).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from router_core.errors import StoreError

if TYPE_CHECKING:
    from router_core.store.base import Store
    from router_core.store.duckdb.store import DuckDBStore
    from router_core.types import StoreKind

__all__ = ["open_store", "store_path"]

DEFAULT = Path("data") / "router.duckdb"

# One object per file: two would each count the evidence that only the other has seen.
_open: WeakValueDictionary[Path, DuckDBStore] = WeakValueDictionary()
_lock = Lock()


def open_store(
    location: str | Path | None = None,
    *,
    kind: StoreKind = "live",
    environ: Mapping[str, str] | None = None,
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

    Raises:
        StoreError: the place is not one that can be opened; the subclass and the sentence say why.
    """
    from router_core.store.duckdb.store import DuckDBStore

    path = store_path(location, kind=kind, environ=environ)
    if path is None:
        return DuckDBStore(":memory:", kind)
    with _lock:
        known = _open.get(path.resolve())
        if known is not None and known.kind == kind and known.share():
            return known
        opened = DuckDBStore(str(path), kind)
        _open[path.resolve()] = opened
        return opened


def store_path(
    location: str | Path | None = None, *, kind: StoreKind = "live", environ: Mapping[str, str] | None = None
) -> Path | None:
    """The file that ``open_store`` would open, whether it is there or not; None for ``:memory:``.

    Raises:
        StoreError: the address is of no kind that is known.
    """
    environ = os.environ if environ is None else environ
    place = str(location or environ.get("ROUTER_STORE") or DEFAULT)
    if place == ":memory:":
        return None
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
