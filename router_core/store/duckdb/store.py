"""The store in one DuckDB file, put together from its parts. A file belongs to one process at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from router_core import finalisers
from router_core.errors import RouterError
from router_core.store.arrivals import Arrivals
from router_core.store.base import Backup, Batch, MissingChanges, Search, StoreChange
from router_core.store.duckdb import deletion as erasing
from router_core.store.duckdb.batch_rows import BatchRows
from router_core.store.duckdb.connected import Connected
from router_core.store.duckdb.contextual_learning import Learned
from router_core.store.duckdb.keeping import Keeping
from router_core.store.duckdb.projection import Projection, never_made
from router_core.store.duckdb.reading import Reading, uuid_of
from router_core.store.duckdb.resets import Resets
from router_core.store.group_commit import GroupCommit
from router_core.types import StoreKind


class DuckDBStore(Resets, Learned, Reading, Keeping):
    """See ``router_core.store.base.Store``.

    ``commits`` is what waits for its commit, ``file`` the open file, ``projection`` its tables and counts.

    Args:
        location: a path, or ``:memory:``.
        kind: whether the traffic is live or simulated.
        read_only: open it for reading alone.

    Raises:
        StoreError: see ``router_core.store.open_store``.
    """

    def __init__(self, location: str, kind: StoreKind, read_only: bool = False) -> None:
        finalisers.prepare()
        self.file = Connected(location, kind, read_only)
        try:
            self.projection = Projection(self.file)
        except BaseException:
            self.file.close()
            raise
        self.commits = GroupCommit(partial(_commit, self.file, self.projection))

    @property
    def kind(self) -> StoreKind:
        """Whether this store holds live or simulated traffic."""
        return self.file.kind

    @property
    def location(self) -> str:
        """The file."""
        return self.file.location

    @property
    def read_only(self) -> bool:
        """Whether it was opened for reading alone."""
        return self.file.read_only

    @property
    def revision(self) -> int:
        """How often this store has changed since it was opened."""
        return self.projection.revision

    @property
    def arrivals(self) -> Arrivals:
        """When outcomes were stored."""
        return self.projection.arrivals

    @property
    def last_change(self) -> StoreChange:
        """The last change that was acknowledged."""
        return self.file.last_change

    @property
    def missing_changes(self) -> Sequence[MissingChanges]:
        """Changes known to be missing."""
        return self.file.missing_changes

    @finalisers.queued_in_collection
    def write(self, batch: Batch) -> None:
        """Store a batch as one transaction, perhaps together with those of other threads."""
        rows = self._rows(batch)
        with self.arrivals.written() if batch.outcomes else nullcontext():
            self.commits.write(rows)

    def submit(self, batch: Batch) -> Future[None]:
        """Queue a batch for the next commit."""
        return self.commits.submit(self._rows(batch))

    def _rows(self, batch: Batch) -> BatchRows:
        self.file.require_open()
        for outcome in batch.outcomes:
            if uuid_of(outcome.completion_id) is None:
                raise never_made(outcome.completion_id)
        return BatchRows(batch)

    def load(self, blocks: Iterable[Mapping[str, Any]]) -> None:
        """Append whole tables, block by block."""
        try:
            for block in blocks:
                with self.file.lock:
                    self.projection.load(self.file.next_change(), block)
        finally:
            with self.file.lock:
                self.projection.recall()

    def erase(self, search: Search) -> int:
        """Delete the prompts found with all that followed."""
        with self.file.lock:
            return self.projection.rewrite(self.file.next_change(), partial(erasing.erase, search=search))

    def strip(self, search: Search) -> int:
        """Take the texts out of the prompts found."""
        with self.file.lock:
            return self.projection.rewrite(self.file.next_change(), partial(erasing.strip, search=search))

    def backup(self, path: str | Path) -> Backup:
        """Copy the store as it is now."""
        return self.file.backup(path)

    def share(self) -> bool:
        """Count one more holder, who will close it too; False where the store is already closed."""
        return self.file.share()

    def close(self) -> None:
        """Release the file once the last holder has closed it."""
        self.file.close()


def _commit(file: Connected, projection: Projection, group: Sequence[BatchRows]) -> None:
    """Keep a group as the next change of this file; or none of it."""
    with file.lock:
        try:
            projection.apply(file.next_change(), group, projection.last)
        except RouterError:
            raise
        except BaseException:
            projection.recall()  # nobody knows whether the commit still went through
            raise
