"""What the gateway refuses before it looks into a body, and how it deals with programs that are slow or gone."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
import uvicorn
from starlette.testclient import TestClient

from router_core.errors import SettingsError
from router_core.routing.deciding import now
from router_core.serving.gateway import bodies, server
from router_core.serving.gateway.application import Gateway
from router_core.serving.gateway.at_once import AtOnce
from router_core.serving.gateway.in_force import InForce
from router_core.serving.gateway.routers import Traffic
from router_core.settings import GoalSettings, Settings
from router_core.store import open_store
from router_core.store.base import SettingsVersion, Store

PATHS = ("chat/completions", "responses", "embeddings", "decide", "record", "outcomes", "feedback")
BODY = b'{"messages": [{"role": "user", "content": "Spam or not?"}]}'


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """In memory."""
    opened = open_store(":memory:", kind="simulated")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def application(store: Store) -> Any:
    """The gateway alone."""
    return Gateway(Settings, lambda goal: Traffic(Settings(), store, True)).alone()


@pytest.fixture(scope="module")
def client(application: Any) -> Iterator[TestClient]:
    """A program on this machine."""
    with TestClient(application, base_url="http://127.0.0.1:8600", client=("127.0.0.1", 5)) as opened:
        yield opened


def called(
    application: Any, path: str, pieces: list[MutableMapping[str, Any]], *, length: str = "64"
) -> list[MutableMapping[str, Any]]:
    """What an application sends to a program whose body comes in pieces, and then no more."""
    sent: list[MutableMapping[str, Any]] = []

    async def run() -> None:
        waiting = iter(pieces)

        async def receive() -> MutableMapping[str, Any]:
            piece = next(waiting, None)
            return piece if piece is not None else await asyncio.Future()

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        headers = [(b"host", b"127.0.0.1:8600"), (b"content-length", length.encode())]
        scope = {
            "type": "http",
            "method": "POST",
            "path": f"/v1/{path}",
            "headers": headers,
            "query_string": b"",
            "client": ("127.0.0.1", 5),
        }
        await application(scope, receive, send)

    asyncio.run(run())
    return sent


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/jsonp"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
def test_another_content_type(client: TestClient, path: str, headers: dict[str, str]) -> None:
    """Status 415 in OpenAI's form, with what to send."""
    answer = client.post(f"/v1/{path}", content=BODY, headers=headers)
    assert answer.status_code == 415
    assert answer.json()["error"]["code"] == "unsupported_media_type"


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json; charset="UTF8"',
        "application/vnd.api+json",
        None,
    ],
)
def test_json_by_its_names(client: TestClient, kind: str | None) -> None:
    """What says that it is JSON, or says nothing, is read."""
    headers = {} if kind is None else {"content-type": kind}
    assert client.post("/v1/decide", content=BODY, headers=headers).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_a_body_that_does_not_come(application: Any, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Status 408 once its time is up, and the connection is closed."""
    monkeypatch.setattr(bodies, "FIRST_S", 0.02)
    head, body = called(application, path, [{"type": "http.request", "body": b'{"mess', "more_body": True}])
    assert head["status"] == 408
    assert (b"connection", b"close") in head["headers"]
    assert b"6 bytes came in time" in body["body"]


@pytest.mark.parametrize("path", PATHS)
def test_a_program_that_hangs_up(application: Any, path: str, caplog: pytest.LogCaptureFixture) -> None:
    """In the midst of its body: nothing fails, and the log says nothing."""
    with caplog.at_level(logging.WARNING):
        called(
            application,
            path,
            [{"type": "http.request", "body": b'{"mess', "more_body": True}, {"type": "http.disconnect"}],
        )
    assert caplog.text == ""


@pytest.mark.parametrize("path", ["/v1/models", "/v1/decide", "/v1/nothing"])
def test_a_host_that_is_refused(client: TestClient, path: str) -> None:
    """Programs read why in OpenAI's form, other addresses in plain words."""
    answer = client.get(path, headers={"host": "evil.example"})
    assert answer.status_code == 403
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert "evil.example" in answer.json()["error"]["message"]
    assert client.get("/health", headers={"host": "evil.example"}).headers["content-type"].startswith("text/plain")


def test_so_many_at_once() -> None:
    """One more than allowed is sent away with the time to come back; the next one is served again."""

    async def run() -> list[int]:
        going, statuses = asyncio.Event(), []

        async def application(scope: Any, receive: Any, send: Any) -> None:
            await going.wait()
            await send({"type": "http.response.start", "status": 200})

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                if message["status"] == 503:
                    assert (b"retry-after", b"1") in message["headers"]

        limited = AtOnce(application, 2)
        running = [asyncio.ensure_future(limited({"type": "http"}, lambda: going.wait(), send)) for _ in range(3)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        going.set()
        await asyncio.gather(*running)
        await limited({"type": "http"}, lambda: going.wait(), send)
        return statuses

    assert asyncio.run(run()) == [503, 200, 200, 200]


def test_headers_that_trickle(application: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection whose headers do not come is closed, a silent one too; a whole request is answered."""
    monkeypatch.setattr(server, "HEADERS_S", 0.2)
    config = uvicorn.Config(application, port=0, http=server.InTime, log_level="error", lifespan="off")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(running.serve()), daemon=True)
    thread.start()
    while not running.started:
        threading.Event().wait(0.005)
    address = running.servers[0].sockets[0].getsockname()
    try:
        for begun in (b"", b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\nx"):
            with socket.create_connection(address, timeout=60) as slow:
                slow.sendall(begun)
                assert slow.recv(100) == b""
        with socket.create_connection(address, timeout=60) as whole:
            whole.sendall(b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
            assert whole.recv(100).startswith(b"HTTP/1.1 200")
    finally:
        running.should_exit = True
        thread.join(60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    """Half a body is on its way: the store is closed all the same, and the exit code says that all is well."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    place = tmp_path / "router.simulated.duckdb"
    program = (  # under nohup, and so in what it starts, SIGHUP is ignored: here it is not
        "import signal, sys; signal.signal(signal.SIGHUP, signal.SIG_DFL);"
        " from router_core.shell.main import main; main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", program, "--store", str(place), "serve", "--port", str(port)]
    with subprocess.Popen(command, env={**os.environ, "ROUTER_SETTINGS": ""}, stderr=subprocess.PIPE) as process:
        try:
            assert process.stderr is not None
            assert b"Serving" in process.stderr.readline()
            with connected(port) as slow:
                slow.sendall(b"POST /v1/decide HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 99\r\n\r\n{")
                with connected(port) as other:  # answered, so that the half body has arrived before the signal
                    other.sendall(b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
                    assert other.recv(100).startswith(b"HTTP/1.1 200")
                process.send_signal(number)
                assert process.wait(120) == 0
            assert process.stderr.read() == b""
        finally:
            process.kill()
    assert not Path(f"{place}.wal").exists()
    duckdb.connect(str(place), read_only=True).close()


def connected(port: int) -> socket.socket:
    """A connection to a server that may still be starting."""
    for _ in range(2_000):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=60)
        except ConnectionRefusedError:
            threading.Event().wait(0.02)
    raise AssertionError("the server does not listen")


def test_saved_settings_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a second: those saved in the store, else those of the file; broken ones leave those of before."""
    file = tmp_path / "settings.json"
    file.write_text(Settings(seed=1).document())
    monkeypatch.setenv("ROUTER_SETTINGS", str(file))
    at = [0.0]
    store = open_store(":memory:", kind="simulated")
    try:
        in_force = InForce(store, lambda: at[0])
        assert in_force().seed == 1
        file.write_text(Settings(seed=2).document())
        assert in_force().seed == 1
        at[0] = 1.0
        assert in_force().seed == 2
        assert in_force() is in_force()
        file.write_text("{")
        at[0] = 2.0
        assert in_force().seed == 2
        saved = Settings(seed=3, goals={"mail": GoalSettings()})
        store.save_settings(SettingsVersion(saved.version, now(), "a test", "", saved.document()))
        at[0] = 3.0
        assert in_force() == saved
        file.unlink()
        at[0] = 4.0
        assert in_force() == saved
    finally:
        store.close()
    with pytest.raises(SettingsError):
        InForce(open_store(":memory:", kind="simulated"))
