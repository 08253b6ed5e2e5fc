"""Finalisers queue, and a thread that may block does the work.

The garbage collector interrupts any thread at any allocation, also one that holds a lock or is in the middle of a
commit. What it runs there (``__del__``, and the ``finally`` and ``__exit__`` of a generator that nobody reads any
more) would wait for its own thread if it wrote, waited or took a lock. So whatever has to be closed is held here
until it is closed, and is never garbage itself; the handle that a program drops only queues the closing.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Callable
from functools import partial, wraps
from queue import SimpleQueue
from threading import Event, ExceptHookArgs, Lock, Thread, current_thread, excepthook, get_ident
from typing import Any, ParamSpec, Protocol

from router_core.errors import StoreClosedError

Parameters = ParamSpec("Parameters")


class Closable(Protocol):
    """Something to be closed, which may take a while; closing it again changes nothing."""

    def close(self) -> object:
        """Close it."""
        ...


class _Work:
    """What is queued and held in this process. Putting into a ``SimpleQueue`` takes no lock that could be held."""

    def __init__(self) -> None:
        self.jobs: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self.held: dict[int, Closable] = {}
        self.thread: Thread | None = None


_work = _Work()
_before_fork: list[_Work] = []
_preparing = Lock()
_collecting: int | None = None  # the thread that the collector has interrupted


def prepare() -> None:
    """Start the thread and watch the collector, where that was not done: before anything can be queued."""
    if _work.thread is None:
        with _preparing:
            if _work.thread is None:
                if _watch not in gc.callbacks:
                    gc.callbacks.append(_watch)
                _work.thread = Thread(target=_do, args=(_work,), name="work of finalisers", daemon=True)
                _work.thread.start()


def in_collection() -> bool:
    """Whether the garbage collector runs the calling code, in the middle of whatever its thread was doing."""
    return _collecting == get_ident()


def in_finaliser() -> bool:
    """The same, or whether the calling code ends a generator that was closed or dropped."""
    return in_collection() or isinstance(sys.exc_info()[1], GeneratorExit)


def queued_in_collection(method: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """A method that writes, waits or locks; where the collector runs it, it is queued."""

    @wraps(method)
    def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        if in_collection():
            _work.jobs.put(partial(method, *args, **kwargs))
        else:
            method(*args, **kwargs)

    return call


def hold(thing: Closable) -> None:
    """Keep something alive until it is released, so that the collector never finds it open."""
    prepare()
    _work.held[id(thing)] = thing


def release(thing: Closable) -> None:
    """It is closed."""
    _work.held.pop(id(thing), None)


def held() -> list[Closable]:
    """What is open, the oldest first."""
    return list(_work.held.values())


def drop(thing: Closable) -> None:
    """Have something closed and released by a thread of its own; where it is no longer held, nothing happens."""
    if id(thing) in _work.held:
        _work.jobs.put(partial(_aside, thing))


def later(job: Callable[[], object]) -> None:
    """Have something done by the thread that may block, which runs where a store is open."""
    _work.jobs.put(job)


def finish() -> None:
    """Wait until everything that was queued before this call is done or has its own thread."""
    if _work.thread is not None and current_thread() is not _work.thread:
        done = Event()
        _work.jobs.put(done.set)
        done.wait()


def _watch(phase: str, info: dict[str, Any]) -> None:
    global _collecting
    _collecting = get_ident() if phase == "start" else None


def _do(work: _Work) -> None:
    while True:
        job = work.jobs.get()
        _run(job)
        del job  # it may be all that keeps a router alive


def _run(job: Callable[[], object]) -> None:
    """What goes wrong is reported as in any thread, but for a store that was closed before: then nobody waits."""
    try:
        job()
    except StoreClosedError:
        pass
    except Exception:  # noqa: BLE001 - the next job is somebody else's
        excepthook(ExceptHookArgs((*sys.exc_info(), current_thread())))


def _aside(thing: Closable) -> None:
    """Closing may have to wait for a provider, and others must not wait for that."""
    Thread(target=_close, args=(thing,), name="dropped stream").start()


def _close(thing: Closable) -> None:
    _run(thing.close)
    release(thing)


@atexit.register
def close_all() -> None:
    """What is open when the program ends is closed as if it had been dropped; the newest first."""
    finish()
    for thing in reversed(held()):
        _close(thing)


def _begin_anew() -> None:
    """In a process that was just forked: what is open belongs to its parent and is left alone."""
    global _work, _preparing, _collecting
    _before_fork.append(_work)
    _work, _preparing, _collecting = _Work(), Lock(), None


if hasattr(os, "register_at_fork"):  # nothing forks on Windows
    os.register_at_fork(after_in_child=_begin_anew)
