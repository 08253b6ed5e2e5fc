"""Mending a store whose write-ahead log is damaged or gone: what can be read is kept, what is lost is recorded.

Nothing is deleted. A log that is moved or changed keeps a copy of itself under a name with the date.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import duckdb

from router_core.errors import StoreDamagedError
from router_core.store.duckdb.changes import LastChange, note_end, numbered, record_missing
from router_core.store.duckdb.copying import write_ahead_logs
from router_core.store.duckdb.database import database, workspace
from router_core.store.duckdb.faults import is_damage, store_error
from router_core.store.duckdb.integrity import alone, has_log, missing_from, sentence
from router_core.store.private import guard, mode_of

_WHOLE_UP_TO: Final = re.compile(r"entry at byte position (\d+)")


def repair(location: str) -> list[str]:
    """Make a store that was refused as damaged or incomplete one that opens.

    A damaged log is moved aside; what stands before its damage is taken over. Changes that are missing all the
    same are recorded in the store, and ``router-core doctor`` goes on naming them.

    Args:
        location: the store's file; nobody may have it open.

    Returns:
        What was done, a sentence each; empty where nothing was to be done.

    Raises:
        StoreError: another process holds it, or the file itself is damaged.
    """
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    try:
        done = _readable_log(location, stamp)
        with closing(database(location, read=True)) as connection:
            known = numbered(connection)
        missing = None if known is None else missing_from(known, location)
        if known is None or missing is None:
            return done
        done.append(sentence(missing, location))
        if has_log(location) and not done[:-1]:
            done.append(_aside(location, "incomplete", stamp, shutil.copy2))
        with closing(database(location, workspace(location))) as connection:
            record_missing(connection, missing)
            note_end(connection)
    except duckdb.Error as error:
        raise store_error(error, location) from error
    LastChange(location, known.store, mode_of(location)).close(needed=False)
    done.append("The store opens again without them; router-core doctor goes on naming them.")
    return done


def _readable_log(location: str, stamp: str) -> list[str]:
    """Move a log that cannot be read aside, and leave what stands before its damage in its place."""
    try:
        database(location, read=True).close()
        return []
    except duckdb.Error as error:
        said = str(error)
        if not is_damage(said) or not has_log(location):
            raise
    try:
        with alone(location):
            pass
    except duckdb.Error as error:
        raise StoreDamagedError(
            f"The store {location} itself is damaged ({store_error(error, location)}); it cannot be repaired here."
            " Restore a backup"
        ) from error
    done = [_aside(location, "damaged", stamp, shutil.move)]
    whole = _WHOLE_UP_TO.search(said)
    if whole is not None:
        log, old = Path(f"{location}.wal"), Path(f"{location}.wal.damaged-{stamp}")
        guard(str(log), mode_of(location))
        log.write_bytes(old.read_bytes()[: int(whole.group(1))])
        try:
            database(location, read=True).close()
            done.append(f"What stands before the damage, {int(whole.group(1)):,} bytes, was kept.")
        except duckdb.Error:
            log.unlink()
    return done


def _aside(location: str, why: str, stamp: str, how: Callable[[Path, Path], object]) -> str:
    """Move or copy every log under a name with the date; what was done."""
    names = []
    for log in write_ahead_logs(location):
        if log.exists():
            aside = log.with_name(f"{log.name}.{why}-{stamp}")
            how(log, aside)
            names.append(str(aside))
    return f"The log {'was moved' if how is shutil.move else 'is kept'} as {', '.join(names)}."
