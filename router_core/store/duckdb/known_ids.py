"""Which of the newest ids stand in the tables, so that ids that were just made need not be looked up.

New ids sort behind old ones (UUID version 7). Above the greatest id that the tables had at one moment, everything
that stands in them was written since, and is counted here. Ids that do not sort so are looked up, as are old ones:
that takes longer and gives the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final
from uuid import UUID

import duckdb

from router_core.store.duckdb import sql

_MOST: Final = 8192
_NOTHING, _EVERYTHING = UUID(int=0), UUID(int=2**128 - 1)


class KnownIds:
    """Rows by id, for the columns that writing looks into. The store's lock guards it."""

    def __init__(self) -> None:
        self._below = _EVERYTHING  # ids up to this one are looked up
        self._counts: Counter[tuple[str, UUID]] = Counter()
        self._new: Counter[tuple[str, UUID]] = Counter()  # of the transaction under way

    def forget(self) -> None:
        """Look up every id until ``recall``: something else was written or deleted."""
        self._below = _EVERYTHING
        self._counts.clear()
        self._new.clear()

    def recall(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Where all was forgotten, begin anew above the greatest id in the tables."""
        if self._below == _EVERYTHING:
            self._below = cursor.execute(sql.GREATEST_ID).fetchall()[0][0] or _NOTHING

    def count(self, column: str, id_: UUID) -> int | None:
        """How many rows have this id in the column ("table.column"); None: it has to be looked up."""
        return None if id_ <= self._below else self._counts[column, id_] + self._new[column, id_]

    def possible(self, column: str, ids: Iterable[UUID]) -> set[UUID]:
        """Those of some ids that may stand in the column."""
        return {id_ for id_ in ids if self.count(column, id_) != 0}

    def counts(self, cursor: duckdb.DuckDBPyConnection, column: str, ids: Iterable[UUID]) -> dict[UUID, int]:
        """How many rows have each of these ids in the column; those without a row are absent."""
        known = {id_: self.count(column, id_) for id_ in ids}
        found = {id_: count for id_, count in known.items() if count}
        old = [id_ for id_, count in known.items() if count is None]
        if old:
            found.update(cursor.execute(sql.counted(column, len(old)), old).fetchall())
        return found

    def add(self, column: str, ids: Iterable[UUID]) -> None:
        """Rows were written in the transaction under way."""
        self._new.update((column, id_) for id_ in ids if id_ > self._below)

    def keep(self) -> None:
        """The transaction was committed."""
        self._counts.update(self._new)
        self._new.clear()
        if len(self._counts) > _MOST:
            ids = sorted({id_ for _, id_ in self._counts})
            self._below = ids[len(ids) // 2]
            for key in [key for key in self._counts if key[1] <= self._below]:
                del self._counts[key]

    def drop(self) -> None:
        """The transaction was rolled back."""
        self._new.clear()
