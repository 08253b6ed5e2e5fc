"""What only ``AsyncRouter`` can do wrong: cancellation, many requests at once, loops that come and go."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from router_core import AsyncRouter
from router_core.at_once import at_once
from router_core.settings import ProviderSettings, Settings
from router_core.store.base import Store
from tests.raw_server import completion, reply
from tests.servers import ChatServer, Reply, answered, events, usual, wait_for
from tests.unit.routing import CHEAP, HELLO, KEYS, ONLY, last, only_completion

Make = Callable[..., AsyncRouter]


@pytest.fixture
def make(server: ChatServer, store: Store) -> Iterator[Make]:
    """Makes routers over the server and the store, without retries."""

    def router(paths: Any = ONLY, **more: Any) -> AsyncRouter:
        values: dict[str, Any] = {"max_retries": 0}
        settings = Settings(providers={"openai": ProviderSettings(base_url=server.base_url)}, calls=values)
        return AsyncRouter(paths, settings=settings, store=store, environ=KEYS, **more)

    yield router
    gc.collect()


async def _asked(server: ChatServer) -> None:
    """Once the provider has a request."""
    while not server.requests:
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("stream", [False, True])
def test_a_task_that_is_cancelled_while_it_waits(
    make: Make, server: ChatServer, store: Store, stream: bool
) -> None:
    """The call is in the log before the task ends, its cost unknown; the provider's connection is closed."""
    server.usual = Reply(200, (b" ", *[b" "] * 2_000), pause_s=0.01)

    async def run() -> None:
        async with make() as router:
            task = asyncio.create_task(router.completion(HELLO, stream=stream))
            await _asked(server)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            completion = only_completion(store)
            assert (completion.cost_usd, completion.usage, completion.text) == (None, None, None)
            assert completion.error == f"{CHEAP} was not waited for: the request was cancelled"

    asyncio.run(run())
    assert server.hung_up.wait(60)


def test_a_time_limit_of_the_program_is_a_cancellation(make: Make, server: ChatServer, store: Store) -> None:
    """``asyncio.timeout`` around a request: its own error, and no other model is asked."""
    server.usual = Reply(200, (b" ", b" "), pause_s=60)

    async def run() -> None:
        async with make([{"model": CHEAP}, {"model": "openai/gpt-4o"}]) as router:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await router.completion(HELLO)

    asyncio.run(run())
    assert only_completion(store).cost_usd is None
    assert len(server.requests) == 1


def test_a_reader_that_is_cancelled(make: Make, server: ChatServer, store: Store) -> None:
    """What it had read of the stream is stored, stopped, before the task ends."""
    server.usual = events("one ", *["more "] * 5_000, pause_s=0.01)

    async def run() -> None:
        async with make() as router:
            stream = await router.completion(HELLO, stream=True)
            read = asyncio.Event()

            async def reading() -> None:
                async for _ in stream:
                    read.set()

            task = asyncio.create_task(reading())
            await read.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            completion = only_completion(store)
            assert (completion.finish_reason, completion.error) == ("stopped", None)
            assert (completion.text or "").startswith("one ")
            assert completion.cost_usd
            assert stream.completion == completion

    asyncio.run(run())
    assert server.hung_up.wait(60)


def test_a_cancelled_task_cannot_lose_its_decision(make: Make, server: ChatServer, store: Store) -> None:
    """Wherever the cancellation comes, a request that reached the provider has its decision and its answer in
    the log, once.
    """  # fmt: skip
    server.usual = answered("Hello")

    async def run() -> None:
        async with make() as router:
            tasks = [asyncio.create_task(router.completion(HELLO)) for _ in range(40)]
            for turns, task in enumerate(tasks):
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())
    logged = [found for one in store.recent_prompts(100) if (found := store.comparison(one.id))]
    assert all(len(one.decisions) == 1 and len(one.completions) <= 1 for one in logged)
    assert sum(len(one.completions) for one in logged) >= len(server.requests)


def test_many_at_once_without_a_thread_each(store: Store) -> None:
    """Two hundred requests wait for the provider together; none of them has a thread."""
    together = 200
    waiting: list[asyncio.StreamWriter] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.split(b":")[1]))
        waiting.append(writer)
        if len(waiting) == together:  # nobody is answered before all have asked
            for one in waiting:
                one.write(reply(completion()))
                one.close()

    async def run() -> None:
        provider = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=together)
        address = f"http://127.0.0.1:{provider.sockets[0].getsockname()[1]}/v1"
        settings = Settings(providers={"openai": ProviderSettings(base_url=address)})
        before = threading.active_count()
        async with AsyncRouter(ONLY, settings=settings, store=store, environ=KEYS) as router:
            answers = await asyncio.gather(*(router.completion(HELLO) for _ in range(together)))
            assert threading.active_count() - before < 20
        assert {one.choices[0].message.content for one in answers} == {"Hello"}
        provider.close()

    asyncio.run(run())
    assert len(store.recent_prompts(2 * together)) == together


def test_turns_at_a_server_that_answers_one_at_once(server: ChatServer, store: Store) -> None:
    """Tasks wait for their turn, whole answers and streams, and one that is cancelled gives its place up."""
    busy, most = [0], [0]

    def alone(request: Any) -> Reply:
        busy[0] += 1
        most[0] = max(most[0], busy[0])
        threading.Event().wait(0.02)
        busy[0] -= 1
        return usual(request)

    server.usual = alone

    async def run() -> None:
        provider = ProviderSettings(base_url=server.base_url, requests_at_once=1)
        settings = Settings(providers={"openai": provider})
        async with AsyncRouter(ONLY, settings=settings, store=store, environ=KEYS) as router:
            tasks = [asyncio.create_task(router.completion(HELLO)) for _ in range(6)]
            await _asked(server)
            tasks[3].cancel()
            stream = await router.completion(HELLO, stream=True)
            assert [piece async for piece in stream]
            done = await asyncio.gather(*tasks, return_exceptions=True)
            assert [isinstance(one, asyncio.CancelledError) for one in done].count(True) == 1
            assert (await router.completion(HELLO)).choices

    asyncio.run(run())
    assert most[0] == 1
    assert len(server.requests) == 7


def test_the_loop_goes_on_while_a_commit_is_under_way(make: Make, store: Any) -> None:
    """A store that is busy keeps a request waiting, not the loop."""

    async def run() -> None:
        async with make() as router:
            await router.completion(HELLO)
            with store.file.lock:
                task = asyncio.create_task(router.completion(HELLO))
                for _ in range(50):
                    await asyncio.sleep(0.001)
                assert not task.done()
            await task

    asyncio.run(run())


def test_one_loop_after_another(make: Make, server: ChatServer, store: Store) -> None:
    """A router outlives the loop that used it: connections belong to a loop, what was learned does not."""
    router = make()
    for _ in range(2):
        answer = asyncio.run(router.completion(HELLO))
        assert answer.choices[0].message.content
    asyncio.run(router.close())
    assert len(store.recent_prompts(5)) == 2


def test_a_stream_whose_loop_has_ended(make: Make, server: ChatServer, store: Store) -> None:
    """It is stored when it is dropped."""
    server.usual = events("one ", *["more "] * 500, pause_s=0.01)
    router = make()

    async def begun() -> Any:
        stream = await router.completion(HELLO, stream=True)
        await anext(stream)
        return stream

    stream = asyncio.run(begun())
    del stream
    gc.collect()
    assert wait_for(lambda: bool(last(store).completions))
    assert only_completion(store).finish_reason == "stopped"
    asyncio.run(router.close())


def test_outcomes_by_the_hundred(make: Make, store: Store) -> None:
    """Reported together, each is stored when its report has been awaited, and all of them teach."""

    async def run() -> None:
        async with make(policy="contextual") as router:
            decisions = await asyncio.gather(*(router.decide(HELLO, log=True) for _ in range(100)))
            await asyncio.gather(*(router.report_outcome(one.id, 1.0) for one in decisions))
            (posterior,) = router.posteriors().values()
            assert posterior.alpha == pytest.approx(101.0)

    asyncio.run(run())


def test_a_coroutine_that_waits_is_no_call() -> None:
    """What needs a loop says so, and is closed."""
    with pytest.raises(RuntimeError, match="await it there"):
        at_once(asyncio.sleep(0))
