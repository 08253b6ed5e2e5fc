"""Group commit: what several writers queue at the same time is committed together.

Each item has a future that is done once the item is kept. A thread that waits for its own item commits for all
who have queued one meanwhile; for a coroutine, which must not wait, a helper thread does. Only the ``commit``
function knows what an item is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Condition, RLock
from typing import Generic, TypeVar

from router_core.errors import RouterError, StoreError

_GATHERING_SECONDS = 0.002  # at most, less than a commit takes

Item = TypeVar("Item")


class _Queued(Generic[Item]):
    def __init__(self, item: Item) -> None:
        self.item = item
        self.kept: Future[None] = Future()


class GroupCommit(Generic[Item]):
    """A queue that is committed group by group, in the order of arrival. Thread-safe.

    Args:
        commit: keeps all items of a group, or none and raises a RouterError; then each is tried by itself, so that
            only the guilty one fails. Never called by two threads at once.
    """

    def __init__(self, commit: Callable[[Sequence[Item]], object]) -> None:
        self._commit = commit
        self._queue: list[_Queued[Item]] = []
        lock = RLock()  # guards the queue and whose turn it is to commit
        self._turn, self._arrival = Condition(lock), Condition(lock)
        self._writers = 1  # how many had something to write at the last commit
        self._leading = False
        self._helper: ThreadPoolExecutor | None = None

    def write(self, item: Item) -> None:
        """Return once the item is kept.

        Raises:
            RouterError: it was not kept.
        """
        queued = self._put(item)
        try:
            self._see_through(queued)
            queued.kept.result()
        finally:
            del queued  # an error refers to this call, and would keep itself alive

    def submit(self, item: Item) -> Future[None]:
        """Queue the item without waiting; in a coroutine: ``await asyncio.wrap_future(commits.submit(item))``.

        An item can be cancelled until its commit begins.
        """
        queued = self._put(item)
        with self._turn:
            if self._helper is None:
                self._helper = ThreadPoolExecutor(1, "group commit")
        self._helper.submit(self._see_through, queued)
        return queued.kept

    def _put(self, item: Item) -> _Queued[Item]:
        queued = _Queued(item)
        with self._turn:
            self._queue.append(queued)
            self._arrival.notify()
        return queued

    def _see_through(self, own: _Queued[Item]) -> None:
        """Wait until this one is done; where nobody commits, do it for all that are queued."""
        with self._turn:
            self._turn.wait_for(lambda: own.kept.done() or not self._leading)
            if own.kept.done():
                return
            group = self._gathered(own)
        try:
            if group:
                self._keep(group)
        finally:
            for one in (*group, own):  # own is elsewhere where another thread took it and was interrupted
                if not one.kept.done():
                    one.kept.set_exception(StoreError("the write was interrupted; write it again"))
            with self._turn:
                self._writers = len(group) + len(self._queue)
                self._leading = False
                self._turn.notify_all()

    def _gathered(self, own: _Queued[Item]) -> list[_Queued[Item]]:
        """Take the turn, and what is queued; a moment later if the last commit's writers will soon be back.

        Otherwise whoever comes first would commit alone while all others wait, and they after it: everybody would
        wait for two commits instead of one.
        """
        self._leading = True
        try:
            self._arrival.wait_for(lambda: len(self._queue) >= self._writers, _GATHERING_SECONDS)
        except BaseException:
            self._leading = False
            self._queue.remove(own)
            self._turn.notify_all()
            raise
        queue, self._queue = self._queue, []
        return [one for one in queue if one.kept.set_running_or_notify_cancel()]

    def _keep(self, group: Sequence[_Queued[Item]]) -> None:
        try:
            self._commit([one.item for one in group])
        except RouterError as error:
            if len(group) > 1:
                for one in group:
                    self._keep([one])
            else:
                group[0].kept.set_exception(error)
        else:
            for one in group:
                one.kept.set_result(None)
