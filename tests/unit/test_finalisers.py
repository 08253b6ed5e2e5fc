"""Streams that are dropped, and collected where a thread holds a lock: nothing hangs and nothing is lost."""

from __future__ import annotations

import asyncio
import gc
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import uvicorn
from httpcore2._sync import connection_pool
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

import router_core.store.duckdb
from router_core import finalisers
from router_core.models.calls import Models
from router_core.serving.library import Router
from router_core.settings import CallSettings, ProviderSettings, Settings
from router_core.store import open_store
from router_core.store.base import Store
from tests.servers import ChatServer, answered, events, wait_for
from tests.unit import asking
from tests.unit.routing import HELLO, KEYS, ONLY, Make

STORE = str(Path(router_core.store.duckdb.__file__).parent)
PIECES = ["word "] * 30
LONG = 120.0
"""Seconds after which something hangs, on the busiest machine."""


@pytest.fixture(autouse=True)
def a_long_answer(server: ChatServer) -> None:
    """Thirty pieces where a stream is asked for: whoever reads one or two has read half."""
    server.usual = lambda asked: events(*PIECES) if asked.body.get("stream") else answered("Yes.")


class Ring:
    """Garbage that only the collector finds."""

    def __init__(self, dropped: Any) -> None:
        self.itself, self.dropped = self, dropped


def the_stream(router: Router) -> Any:
    """As it is given."""
    return router.completion(HELLO, stream=True)


def in_a_with(router: Router) -> Iterator[Any]:
    """In a generator, as a web server's handler reads it."""
    with router.completion(HELLO, stream=True) as stream:
        yield from iter(lambda: next(stream), None)


def delegated(router: Router) -> Iterator[Any]:
    """Python itself then calls ``close``."""
    yield from router.completion(HELLO, stream=True)


def in_a_finally(router: Router) -> Iterator[Any]:
    """Closed by name, and rated."""
    stream = router.completion(HELLO, stream=True)
    try:
        yield from iter(lambda: next(stream), None)
    finally:
        stream.close()
        router.report_outcome(stream.request_id, 1.0)


def with_a_router(router: Router) -> Iterator[Any]:
    """A router of its own over the same store is closed with it."""
    models = router._models
    own = Router(ONLY, settings=router._settings, store=router._store, environ=models._environ, prices={})
    with own, own.completion(HELLO, stream=True) as stream:
        yield from iter(lambda: next(stream), None)


WAYS: list[Callable[[Router], Any]] = [the_stream, in_a_with, delegated, in_a_finally, with_a_router]


def half_read(router: Router, way: Callable[[Router], Any]) -> Ring:
    """A stream of which one piece was read, as garbage of tomorrow."""
    stream = way(router)
    next(stream)
    return Ring(stream)


def concludes(action: Callable[[], object]) -> None:
    """Run something in a thread of its own: one that waits for itself fails the test and does not stop it."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            action()
        except BaseException as error:  # noqa: BLE001 - raised below
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(LONG)
    assert not thread.is_alive(), "it hangs"
    if failed:
        raise failed[0]


@contextmanager
def collecting(rings: list[Ring], folder: str, places: set[tuple[str, int]]) -> Iterator[None]:
    """In this thread, one more ring is dropped and collected at each line under the folder that makes a call, the
    first time that it is reached. ``places`` are the lines that were reached.
    """  # fmt: skip

    def collect(frame: FrameType, event: str, arg: object) -> None:
        place = (frame.f_code.co_filename, frame.f_lineno)
        if rings and event in ("call", "c_call") and place[0].startswith(folder) and place not in places:
            places.add(place)
            rings.pop()
            gc.collect()

    gc.collect()
    gc.freeze()  # what is old need not be looked through each time
    sys.setprofile(collect)
    try:
        yield
    finally:
        sys.setprofile(None)
        gc.unfreeze()


def all_are_stored(store: Store, requests: int) -> bool:
    """Each prompt has its one answer."""
    prompts = store.recent_prompts(requests + 1)
    found = [store.comparison(prompt.id) for prompt in prompts]
    return len(prompts) == requests and all(one is not None and len(one.completions) == 1 for one in found)


@pytest.mark.parametrize("way", WAYS)
def test_collected_anywhere_in_a_commit(make_router: Make, store: Store, way: Callable[[Router], Any]) -> None:
    """At every line of the store that a request, its rating and a contextual decision after it come through."""
    router = make_router(ONLY, policy="contextual")
    rings = [half_read(router, way) for _ in range(150)]
    places: set[tuple[str, int]] = set()

    def request() -> None:
        _, request_id = router.completion(HELLO, return_request_id=True)
        router.report_outcome(request_id, 1.0)
        router.decide(HELLO)

    def requests() -> None:
        with collecting(rings, STORE, places):
            for _ in range(3):
                request()

    concludes(requests)
    dropped = 150 - len(rings)
    assert dropped == len(places) > 60
    rings.clear()
    concludes(gc.collect)
    concludes(router.close)
    assert wait_for(lambda: all_are_stored(store, 153), LONG)
    if way is in_a_finally:
        finalisers.finish()
        assert store.evidence("default", router._goal.teaching_rule())[ONLY[0]["model"]].count == 153


@pytest.mark.parametrize("way", WAYS[:3])
def test_collected_while_the_client_holds_its_lock(
    make_router: Make, store: Store, way: Callable[[Router], Any]
) -> None:
    """Connections are shared: closing a stream takes the lock that is held while another call is started."""
    router = make_router(ONLY)
    rings = [half_read(router, way) for _ in range(30)]
    places: set[tuple[str, int]] = set()

    def request() -> None:
        with collecting(rings, connection_pool.__file__, places):
            router.completion(HELLO)

    concludes(request)
    assert places
    rings.clear()
    concludes(router.close)
    assert wait_for(lambda: all_are_stored(store, 31), LONG)


def test_a_client_s_own_stream_is_collected_while_the_client_holds_its_lock(server: ChatServer) -> None:
    """Without a router round it."""
    settings = Settings(providers={"openai": ProviderSettings(base_url=server.base_url)}, calls=CallSettings())
    models = Models(settings, environ={"OPENAI_API_KEY": asking.KEY})
    rings = [Ring(models.stream(asking.MODEL, HELLO, {})) for _ in range(30)]
    places: set[tuple[str, int]] = set()

    def request() -> None:
        with collecting(rings, connection_pool.__file__, places):
            models.complete(asking.MODEL, HELLO, {})

    concludes(request)
    assert places
    rings.clear()
    concludes(gc.collect)
    concludes(models.close)


def test_four_threads_that_drop_what_they_read(make_router: Make, store: Store) -> None:
    """Through a generator, with the collector's usual settings."""
    router = make_router(ONLY)

    def drop() -> None:
        for _ in range(50):
            half_read(router, in_a_with)

    threads = [threading.Thread(target=drop, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert not any(thread.is_alive() for thread in threads), "it hangs"
    gc.collect()
    concludes(router.close)
    assert wait_for(lambda: all_are_stored(store, 200), LONG)


@contextmanager
def web_server(router: Router) -> Iterator[int]:
    """Streams the answers on to its own clients; its port."""

    def answer(request: Request) -> StreamingResponse:
        chunks = in_a_with(router)
        return StreamingResponse(str(chunk.choices[0].delta.content) * 20_000 for chunk in chunks)

    config = uvicorn.Config(
        Starlette(routes=[Route("/", answer)]), port=0, log_level="critical", loop="asyncio", ws="none", http="h11"
    )
    running = uvicorn.Server(config)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        thread = threading.Thread(
            target=lambda: asyncio.run(running.serve(sockets=[listening])), name="web server", daemon=True
        )
        thread.start()
        assert wait_for(lambda: running.started, LONG)
        yield listening.getsockname()[1]
        running.should_exit = True
        thread.join(LONG)
    assert not thread.is_alive(), "it hangs"


def test_clients_that_hang_up(make_router: Make, store: Store, server: ChatServer) -> None:
    """Two hundred, after the first bytes, while others rate and read to the end."""
    slow = events(*PIECES, pause_s=0.0005)
    server.usual = lambda asked: slow if asked.body.get("stream") else answered("Yes.")
    router = make_router(ONLY)

    def hang_up(port: int) -> None:
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
                while b"word" not in connection.recv(1000):
                    pass

    with web_server(router) as port:
        threads = [threading.Thread(target=hang_up, args=(port,), daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(50):
            _, request_id = router.completion(HELLO, return_request_id=True)
            router.report_outcome(request_id, 1.0)
        for thread in threads:
            thread.join(LONG)
        assert not any(thread.is_alive() for thread in threads), "it hangs"
    gc.collect()
    concludes(router.close)
    assert wait_for(lambda: all_are_stored(store, 250), LONG)


def test_a_stream_is_stored_when_its_router_is_closed(make_router: Make, store: Store) -> None:
    """Also where somebody still holds it; dropped later, it ends in silence."""
    router = make_router(ONLY)
    rings = [half_read(router, way) for way in WAYS[:3]]
    router.close()
    assert all_are_stored(store, 3)
    assert [one.completions[0].finish_reason for one in comparisons(store)] == ["stopped"] * 3
    rings.clear()
    gc.collect()
    finalisers.finish()
    assert all_are_stored(store, 3)


def comparisons(store: Store) -> Any:
    """All of the store."""
    return [store.comparison(prompt.id) for prompt in store.recent_prompts(1000)]


@pytest.mark.parametrize("way", WAYS[:3])
def test_after_the_store_is_closed_a_dropped_stream_ends_in_silence(
    server: ChatServer, tmp_path: Path, way: Callable[[Router], Any], capfd: pytest.CaptureFixture[str]
) -> None:
    """Its answer can no longer be stored, and nobody waits for it: no thread complains."""
    store = open_store(tmp_path / "own.duckdb")
    settings = Settings(providers={"openai": ProviderSettings(base_url=server.base_url)})
    router = Router(ONLY, settings=settings, store=store, environ=KEYS, prices={})
    ring = half_read(router, way)
    store.close()
    del ring
    gc.collect()
    finalisers.finish()
    assert wait_for(lambda: not any(one.name == "dropped stream" for one in threading.enumerate()), LONG)
    router.close()
    assert capfd.readouterr().err == ""


def test_a_store_that_fails_is_heard_of(make_router: Make, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no caller to raise it to, so it is reported as in any thread; later streams are stored."""
    heard: list[str] = []
    monkeypatch.setattr(finalisers, "excepthook", lambda args: heard.append(str(args.exc_value)))
    router = make_router(ONLY)

    def full(batch: Any) -> None:
        raise OSError("no room")

    with monkeypatch.context() as failing:
        failing.setattr(router._caller, "_store", type("Full", (), {"write": staticmethod(full)}))
        stream = the_stream(router)
        next(stream)
        del stream
        assert wait_for(lambda: heard == ["no room"], LONG)
    stream = the_stream(router)
    del stream
    assert wait_for(lambda: len(store.recent_prompts(9)) == 2 and bool(comparisons(store)[0].completions), LONG)


_ENDS = """
import sys
from router_core.serving.library import Router
from router_core.settings import Settings, SimulationSettings

settings = Settings(simulation=SimulationSettings(latency_scale=0))
router = Router(settings=settings, simulated=True, environ={"ROUTER_STORE": sys.argv[1]})
stream = router.completion([{"role": "user", "content": "Tell me a long story."}], stream=True)
next(stream)
"""


def test_a_program_that_ends_leaves_no_answer_behind(tmp_path: Path) -> None:
    """It closed neither stream nor router."""
    path = tmp_path / "router.simulated.duckdb"
    run = subprocess.run(
        [sys.executable, "-c", _ENDS, str(path)], capture_output=True, text=True, check=False, timeout=LONG
    )
    assert (run.returncode, run.stderr) == (0, "")
    with closing(open_store(path, kind="simulated")) as store:
        assert all_are_stored(store, 1)


def test_what_is_held_is_let_go(make_router: Make, store: Store) -> None:
    """Read to the end, closed, broken or dropped: nothing stays in memory for it."""
    before = len(finalisers._work.held)
    router = make_router(ONLY)
    list(the_stream(router))
    with the_stream(router) as stream:
        next(stream)
    half_read(router, in_a_with)
    gc.collect()
    assert wait_for(lambda: all_are_stored(store, 3), LONG)
    assert wait_for(lambda: len(finalisers._work.held) == before, LONG)
