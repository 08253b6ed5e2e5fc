"""What a process that was forked must leave alone: the stores that were open in the one it comes from.

DuckDB does not survive a fork: its threads are gone, what is written is lost, and the lock on the file is not
inherited. Does not cover how the child goes on: it opens files of its own.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakSet

from router_core.errors import StoreLockedError

if TYPE_CHECKING:
    from router_core.store.duckdb.connected import Connected

_open: WeakSet[Connected] = WeakSet()
_left: list[int] = []  # the process that a connection was left to, once for each
_inherited: dict[str, int] = {}  # file -> the process that had it open when this one was forked from it


def watch(store: Connected) -> None:
    """Take this store from every process that is forked from here on."""
    _open.add(store)


def inherited(location: str, holder: int) -> StoreLockedError:
    """The error to raise where a process uses what was opened before it was forked."""
    return StoreLockedError(
        f"the store {location} was opened by process {holder}, of which this one is a fork, and cannot be used"
        " here: make the Router after forking (with gunicorn in post_fork, or without preload_app), and set"
        " ROUTER_STORE to another file in each process"
    )


def refuse_inherited(location: str) -> None:
    """Make sure that the file was not open when this process was forked: DuckDB would give what it remembers.

    Raises:
        StoreLockedError: it was.
    """
    holder = _inherited.get(os.path.realpath(location))
    if holder is not None:
        raise inherited(location, holder)


def _leave() -> None:
    """In the child, at once: nothing of these stores may be used, closed or taken down."""
    parent = os.getppid()
    for store in list(_open):
        connection = store.leave_to(parent)
        if connection is not None:
            _left.append(parent)
            # its destructor would wait for threads that are not there, and write to the file
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
            if store.location != ":memory:":
                _inherited[os.path.realpath(store.location)] = parent


@atexit.register
def _quiet() -> None:
    """In a child that leaves connections alone, DuckDB's binding would call them leaked in some sixty lines: what
    is written to standard error once Python has ended goes nowhere. Registered first, this runs last.
    """
    if _left:
        with suppress(OSError, ValueError):
            sys.stderr.flush()
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


if hasattr(os, "register_at_fork"):  # nothing forks on Windows
    os.register_at_fork(after_in_child=_leave)
