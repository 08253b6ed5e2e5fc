"""One clock for everything that a call does: however slowly a server answers, the call ends at its deadline.

The servers here would keep a call busy for half a minute or more; that it ends is what is tested, not how fast.
Where a reply would come after the deadline, the call fails; a reply that is slow and in time is read.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpcore2
import pytest

from router_core.errors import ProviderError, ProviderTimeoutError, ProviderUnavailableError
from router_core.models import deadline as timing
from router_core.models.calls import Models
from router_core.models.reaching import unreachable
from router_core.settings import CallSettings, ProviderSettings, Settings
from tests.raw_server import Line, RawServer, Talk, completion, event, raw_server, reply

MODEL = "openai/gpt-4o"
HELLO = [{"role": "user", "content": "Say hello."}]
WHOLE = reply(completion())
STREAM = reply(
    event({"content": "Hi"}) + event({}, "stop") + b"data: [DONE]\n\n", content_type="text/event-stream"
)


@contextmanager
def models_at(server: RawServer, **calls: float) -> Iterator[Models]:
    """Models at that server."""
    settings = Settings(
        providers={"openai": ProviderSettings(base_url=server.base_url)},
        calls=CallSettings(**{"max_retries": 0, **calls}),
    )
    models = Models(settings, environ={"OPENAI_API_KEY": "some-key"})
    try:
        yield models
    finally:
        models.close()


def circle(line: Line) -> None:
    """A redirect after half a second, to itself."""
    line.send(b"", pause_s=0.5)
    line.send(
        b"HTTP/1.1 307 Gone\r\nlocation: /v1/chat/completions\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )


def just_in_time(line: Line) -> None:
    """All but the last byte, just before the end; then silence."""
    line.send(WHOLE[:-1], pause_s=0.9)
    line.send(b"", pause_s=60)


SLOW: dict[str, Talk] = {
    "headers byte by byte": lambda line: line.trickle(WHOLE, 0.3),
    "a status line byte by byte": lambda line: line.trickle(b"HTTP/1.1 200 " + b"O" * 200, 0.3),
    "one endless header": lambda line: line.send(b"HTTP/1.1 200 OK\r\nx: ", *[b"y"] * 200, pause_s=0.3),
    "1xx answers": lambda line: line.send(*[b"HTTP/1.1 102 Processing\r\n\r\n"] * 200, WHOLE, pause_s=0.3),
    "100 Continue without a pause": lambda line: line.send(*[b"HTTP/1.1 100 Continue\r\n\r\n" * 100] * 100_000),
    "redirects": circle,
    "a body byte by byte": lambda line: line.send(
        WHOLE[:-40], *(WHOLE[i : i + 1] for i in range(len(WHOLE) - 40, len(WHOLE))), pause_s=0.3
    ),
    "blanks without an end": lambda line: line.send(reply(b""), *[b" "] * 200, pause_s=0.3),
    "packed blanks": lambda line: line.send(
        reply(b"", "transfer-encoding: chunked"), *[b"1\r\n \r\n"] * 200, pause_s=0.3
    ),
    "the last byte": just_in_time,
    "nothing": lambda line: line.send(b"", pause_s=60),
}


def ask(models: Models, stream: bool, **more: float) -> str:
    """The text of one answer."""
    if not stream:
        return models.complete(MODEL, HELLO, {}, **more).text  # type: ignore[arg-type]
    with models.stream(MODEL, HELLO, {}, **more) as answer:  # type: ignore[arg-type]
        for _ in answer:
            pass
        return answer.text


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("talk", SLOW.values(), ids=SLOW.keys())
def test_a_slow_server_is_not_waited_for(talk: Talk, stream: bool) -> None:
    """The call ends as a time-out while the server is still busy with it. Its cost is unknown, unless it ended on
    the way to a server: what was answered with a redirect is not billed, and a busy machine may not even connect.
    """  # fmt: skip
    over = threading.Event()

    def busy(line: Line) -> None:
        talk(line)
        over.set()

    with raw_server(busy) as server, models_at(server) as models:
        with pytest.raises(ProviderTimeoutError) as caught:
            ask(models, stream, deadline_s=1.0)
        assert caught.value.maybe_billed or talk is circle or not server.asked
        assert not over.is_set() or talk is circle


def test_a_stream_that_trickles_ends_at_its_deadline_with_what_came() -> None:
    """Comments and single bytes are signs of life, but not for ever."""

    def talk(line: Line) -> None:
        line.send(reply(event({"content": "Hi"}), content_type="text/event-stream"), *[b": still here\n"] * 50)
        line.trickle(event({"content": " there"}) * 10, 0.1)

    with raw_server(talk) as server, models_at(server) as models:
        with models.stream(MODEL, HELLO, {}, deadline_s=1.0) as answer, pytest.raises(ProviderTimeoutError):
            for _ in answer:
                pass
        assert answer.text == "Hi"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_all_tries_share_one_clock(stream: bool) -> None:
    """Each try fails just before the end; the second has only what the first one left."""

    def talk(line: Line) -> None:
        line.send(b"", pause_s=0.6)
        line.send(reply(b"{}", "retry-after: 0", status="503 Busy"))

    with raw_server(talk) as server, models_at(server, max_retries=9) as models:
        with pytest.raises((ProviderTimeoutError, ProviderUnavailableError)):
            ask(models, stream, deadline_s=1.0)
        assert len(server.asked) <= 2


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_slow_answer_in_time_is_read(stream: bool) -> None:
    """Byte by byte, headers, 1xx answers and all."""

    def talk(line: Line) -> None:
        line.send(b"HTTP/1.1 102 Processing\r\n\r\n")
        line.trickle(STREAM if b'"stream":true' in line.asked.replace(b" ", b"") else WHOLE, 0.0)

    with raw_server(talk) as server, models_at(server) as models:
        assert ask(models, stream, deadline_s=60.0) == ("Hi" if stream else "Hello")


def test_a_server_that_reads_slowly_is_not_waited_for() -> None:
    """Sending counts as well: a prompt of some megabytes, read a little at a time."""

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            while not over.wait(0.05) and connection.recv(4096):
                pass

    over = threading.Event()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    thread = threading.Thread(target=serve, args=(listener,), daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    models = Models(Settings(providers={"openai": ProviderSettings(base_url=address, api_key_env=None)}))
    try:
        with pytest.raises(ProviderTimeoutError):
            models.complete(
                MODEL, [{"role": "user", "content": "x" * 20_000_000}], {}, deadline_s=1.0, max_retries=0
            )
        assert thread.is_alive()
    finally:
        over.set()
        thread.join(10)
        listener.close()
        models.close()


class Stuck(httpcore2.NetworkBackend):
    """A network in which looking up a name takes for ever; what comes too late is closed."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.closed = threading.Event()

    def connect_tcp(self, *place: object, **more: object) -> httpcore2.NetworkStream:
        """Wait until the test says so."""
        self.free.wait(60)
        stream = httpcore2.MockStream([])
        stream.close = self.closed.set  # type: ignore[method-assign]
        return stream


def test_a_name_that_is_looked_up_for_ever_is_not_waited_for() -> None:
    """The call ends, and the connection that comes later is closed."""
    stuck = Stuck()
    with timing.deadline(time.perf_counter() + 0.2), pytest.raises(httpcore2.ConnectTimeout):
        timing._TimedBackend(stuck).connect_tcp("a.example", 443, timeout=30.0)
    stuck.free.set()
    assert stuck.closed.wait(10)


@pytest.mark.parametrize(
    ("read", "too_late"),
    [
        (lambda stream: stream.read(1), httpcore2.ReadTimeout),
        (lambda stream: stream.write(b"x"), httpcore2.WriteTimeout),
        (lambda stream: stream.start_tls(None), httpcore2.ConnectTimeout),
    ],
    ids=["read", "write", "tls"],
)
def test_nothing_is_begun_after_the_deadline(
    read: Callable[[httpcore2.NetworkStream], object], too_late: type[Exception]
) -> None:
    """Whatever it is; and without a call under way there is no deadline."""
    stream = timing._TimedStream(httpcore2.MockStream([b"ab"]))
    with timing.deadline(time.perf_counter() - 1), pytest.raises(too_late):
        read(stream)
    read(stream)


def test_connections_through_a_proxy_are_under_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy named by the environment is used, and a slow one is not waited for."""
    with raw_server(SLOW["headers byte by byte"]) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        provider = ProviderSettings(base_url="http://provider.invalid/v1", api_key_env=None)
        models = Models(Settings(providers={"openai": provider}))
        with pytest.raises(ProviderTimeoutError):
            models.complete(MODEL, HELLO, {}, deadline_s=1.0, max_retries=0)
        models.close()
        assert proxy.asked[0].startswith(b"POST http://provider.invalid/v1/chat/completions ")


def test_looking_whether_a_server_answers_is_limited_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that trickles its headers counts as one that does not answer."""
    monkeypatch.setattr("router_core.models.reaching._REACH_S", 0.5)
    with raw_server(SLOW["headers byte by byte"]) as server:
        said = unreachable(server.base_url)
    assert said is not None
    assert "Timeout" in said


def test_a_failure_is_one_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Garbage in place of a status line breaks the connection, nothing else."""
    with raw_server(lambda line: line.send(b"SSH-2.0-OpenSSH\r\n")) as server, models_at(server) as models:
        for stream in (False, True):
            with pytest.raises(ProviderError, match="broke before the whole answer came"):
                ask(models, stream)
