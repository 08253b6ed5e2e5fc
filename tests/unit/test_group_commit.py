"""Group commit by itself, with numbers for items: who is told what and in which groups, threads or coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from router_core.errors import InvalidOutcomeError, StoreError
from router_core.store.group_commit import GroupCommit
from tests.servers import wait_for

LONG = 60.0


class Journal:
    """Keeps numbers; refuses negative ones, is interrupted by zero. While it is shut, a commit does not end."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.open, self.entered = Event(), Event()
        self.open.set()

    def commit(self, group: Sequence[int]) -> None:
        self.entered.set()
        assert self.open.wait(LONG)
        if min(group) < 0:
            raise InvalidOutcomeError(f"{group} has a negative number")
        if 0 in group:
            raise KeyboardInterrupt
        self.groups.append(list(group))

    @property
    def kept(self) -> list[int]:
        return [number for group in self.groups for number in group]


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def commits(journal: Journal) -> GroupCommit[int]:
    return GroupCommit(journal.commit)


def shut(journal: Journal, commits: GroupCommit[int], pool: ThreadPoolExecutor) -> None:
    """A commit that does not end until the journal opens; what is queued meanwhile is the next group."""
    journal.open.clear()
    pool.submit(commits.write, 1)
    assert journal.entered.wait(LONG)


def test_a_thread_returns_once_its_item_is_kept(journal: Journal, commits: GroupCommit[int]) -> None:
    """Alone it commits for itself, one item after the other."""
    for number in (1, 2, 3):
        commits.write(number)
        assert journal.kept[-1] == number
    assert journal.groups == [[1], [2], [3]]


def test_coroutines_await_and_the_loop_goes_on(journal: Journal, commits: GroupCommit[int]) -> None:
    """Fifty coroutines write while a commit is under way: the loop runs meanwhile, and all fifty are one group."""

    async def write() -> None:
        futures = [asyncio.wrap_future(commits.submit(number)) for number in range(2, 52)]
        turns = 0
        while turns < 100:  # other coroutines have their turn while nothing is kept
            await asyncio.sleep(0)
            turns += 1
        assert not any(future.done() for future in futures)
        journal.open.set()
        await asyncio.wait_for(asyncio.gather(*futures), LONG)

    with ThreadPoolExecutor(1) as pool:
        shut(journal, commits, pool)
        asyncio.run(write())
    assert journal.groups == [[1], list(range(2, 52))]


def test_threads_and_coroutines_share_a_group(journal: Journal, commits: GroupCommit[int]) -> None:
    """Whoever comes first commits for both."""
    with ThreadPoolExecutor(3) as pool:
        shut(journal, commits, pool)
        threads = [pool.submit(commits.write, number) for number in (2, 3)]
        assert wait_for(lambda: len(commits._queue) == 2)
        coroutine = commits.submit(4)
        journal.open.set()
        for future in (*threads, coroutine):
            assert future.result(LONG) is None
    assert sorted(journal.groups[1]) == [2, 3, 4]


def test_only_the_guilty_item_fails(journal: Journal, commits: GroupCommit[int]) -> None:
    """A group that is refused is tried item by item."""
    with ThreadPoolExecutor(1) as pool:
        shut(journal, commits, pool)
        futures = [commits.submit(number) for number in (2, -3, 4)]
        journal.open.set()
        assert futures[0].result(LONG) is None
        with pytest.raises(InvalidOutcomeError, match="negative"):
            futures[1].result(LONG)
        assert futures[2].result(LONG) is None
    assert journal.groups == [[1], [2], [4]]


def test_an_interrupted_commit_leaves_nobody_waiting(journal: Journal, commits: GroupCommit[int]) -> None:
    """The thread that committed is interrupted, the others are told to write again, and the next write is kept."""
    with ThreadPoolExecutor(1) as pool:
        shut(journal, commits, pool)
        futures = [commits.submit(number) for number in (2, 0)]
        journal.open.set()
        for future in futures:
            with pytest.raises(StoreError, match="was interrupted; write it again"):
                future.result(LONG)
    with pytest.raises(KeyboardInterrupt):
        commits.write(0)
    commits.write(5)
    assert journal.kept == [1, 5]


def test_what_is_cancelled_in_time_is_not_kept(journal: Journal, commits: GroupCommit[int]) -> None:
    """A request that is given up before its commit began; the turn is free afterwards."""
    with ThreadPoolExecutor(1) as pool:
        shut(journal, commits, pool)
        future = commits.submit(2)
        assert future.cancel()
        journal.open.set()
    commits.write(3)
    assert journal.kept == [1, 3]
