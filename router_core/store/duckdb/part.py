"""What the parts of a store share: its file and its projection."""

from __future__ import annotations

from contextlib import AbstractContextManager

import duckdb

from router_core.store.duckdb.connected import Connected
from router_core.store.duckdb.projection import Projection


class Part:
    """Base of the classes that each do one part of ``router_core.store.base.Store``."""

    file: Connected
    projection: Projection

    def change(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A transaction under the next number; the caller holds the lock."""
        return self.file.transaction(self.file.next_change())
