"""What the gateway adds to a call, and how many it carries: over sockets, beside direct calls of the provider.

Provider, gateway and client are a process each. The provider answers at once, so that everything seen is ours.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

CHUNKS = 50
ONE_BY_ONE, TOGETHER, STREAMS = 400, 1_500, 200
USAGE = {"prompt_tokens": 11, "completion_tokens": 50, "total_tokens": 61}
HEAD = {"id": "c1", "created": 1, "model": "m"}
WHOLE = json.dumps({
    **HEAD, "object": "chat.completion", "usage": USAGE,
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "word " * CHUNKS}, "finish_reason": "stop"},
    ],
}).encode()  # fmt: skip
Address = tuple[str, int]


def _events() -> list[bytes]:
    choices: list[dict[str, Any]] = [
        {"index": 0, "delta": {"content": "word "}, "finish_reason": None} for _ in range(CHUNKS)
    ]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    chunks: list[dict[str, Any]] = [
        {**HEAD, "object": "chat.completion.chunk", "choices": [one]} for one in choices
    ]
    chunks.append({**HEAD, "object": "chat.completion.chunk", "choices": [], "usage": USAGE})
    return [f"data: {json.dumps(one)}\n\n".encode() for one in chunks] + [b"data: [DONE]\n\n"]


EVENTS = _events()


async def _provider(scope: Any, receive: Any, send: Any) -> None:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    streamed = json.loads(body).get("stream")
    kind = b"text/event-stream" if streamed else b"application/json"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    for one in EVENTS if streamed else [WHOLE]:
        await send({"type": "http.response.body", "body": one, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _serve(application: Any, tell: Connection) -> None:
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="error", lifespan="off"))

    async def run() -> None:
        task = asyncio.ensure_future(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        tell.send(server.servers[0].sockets[0].getsockname())
        await task

    asyncio.run(run())


def _serve_provider(tell: Connection) -> None:
    _serve(_provider, tell)


def _serve_gateway(tell: Connection, provider: Address, router: str, folder: str) -> None:
    from router_core.serving.aio_forwarding import Forwarding, Wanted
    from router_core.serving.gateway.completions import ChatCompletions
    from router_core.settings import ClassifierSettings, GoalSettings, ProviderSettings, Settings
    from router_core.store import open_store

    arms: Any = [{"model": "local/small"}, {"model": "local/large"}]
    settings = Settings(
        providers={"local": ProviderSettings(base_url=f"http://127.0.0.1:{provider[1]}/v1", api_key_env=None)},
        goals={"default": GoalSettings(arms=arms, router=router)},
        classifier=ClassifierSettings(model="local/small"),
    )
    forwarding = Forwarding(settings, open_store(f"{folder}/router.duckdb"), environ={})

    @asynccontextmanager
    async def using(wanted: Wanted) -> AsyncIterator[Forwarding]:
        yield forwarding

    _serve(ChatCompletions(using), tell)


@contextmanager
def _process(target: Callable[..., None], *args: Any) -> Iterator[Address]:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=target, args=(there, *args), daemon=True)
    process.start()
    try:
        there.close()
        yield here.recv()
    finally:
        process.terminate()
        process.join()


async def _request(line: tuple[asyncio.StreamReader, asyncio.StreamWriter], body: bytes) -> float:
    """One request on a connection that is kept; its seconds to the last byte."""
    reader, writer = line
    started = time.perf_counter()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    found = (await reader.readuntil(b"\r\n\r\n")).lower()
    assert found.startswith(b"http/1.1 200"), found
    if b"content-length:" in found:
        await reader.readexactly(int(found.split(b"content-length:")[1].split(b"\r\n")[0]))
    else:
        size = -1
        while size:
            size = int(await reader.readline(), 16)
            await reader.readexactly(size + 2)
    return time.perf_counter() - started


async def _asked(at: Address, body: bytes, requests: int, together: int) -> list[float]:
    """The seconds of each of so many requests, on so many connections."""
    seconds: list[float] = []

    async def one() -> None:
        line = await asyncio.open_connection(*at[:2])
        for _ in range(requests // together):
            seconds.append(await _request(line, body))
        line[1].close()

    await asyncio.gather(*(one() for _ in range(together)))
    return seconds


def _body(number: int, **more: Any) -> bytes:
    messages = [{"role": "user", "content": f"Please tell me about shipment {number}. " * 8}]
    return json.dumps({"model": "auto", "messages": messages, **more}).encode()


def _timed(work: Callable[[], Awaitable[list[float]]]) -> tuple[list[float], float]:
    started = time.perf_counter()

    async def run() -> list[float]:
        return await work()

    seconds = asyncio.run(run())
    return seconds, time.perf_counter() - started


@pytest.fixture(scope="module")
def provider() -> Iterator[Address]:
    """A process that answers at once."""
    with _process(_serve_provider) as at:
        yield at


@pytest.mark.parametrize("router", ["thompson", "contextual"])
def test_gateway(benchmark: BenchmarkFixture, provider: Address, router: str) -> None:
    """Added seconds one by one, then requests and streams a second, in one run beside direct calls."""
    with (
        tempfile.TemporaryDirectory() as folder,
        _process(_serve_gateway, provider, router, folder) as gateway,
    ):
        for at in (provider, gateway):
            asyncio.run(_asked(at, _body(0), 50, 1))
        direct, _ = _timed(lambda: _asked(provider, _body(1), ONE_BY_ONE, 1))
        through, _ = _timed(lambda: _asked(gateway, _body(1), ONE_BY_ONE, 1))
        many, took_s = _timed(lambda: _asked(gateway, _body(2), TOGETHER, 32))
        streams, streams_s = _timed(lambda: _asked(gateway, _body(3, stream=True), STREAMS, 16))
        plain_rate, stream_rate = len(many) / took_s, len(streams) / streams_s
    added = [one - median(direct) for one in through]
    label = f"gateway adds ({router}); {plain_rate:,.0f} requests/s, {stream_rate:,.0f} streams/s"
    benchmark.extra_info.update(label=label, target="2 ms", seconds=added)
    benchmark.pedantic(lambda: None)
