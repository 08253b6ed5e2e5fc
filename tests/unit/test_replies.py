"""What a provider may send: so many bytes, unpacked, and no redirect that takes the prompt elsewhere."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import httpx2
import pytest

from router_core.errors import MalformedResponseError, ProviderError, RequestRejectedError
from router_core.models.calls import Models
from router_core.models.reaching import unreachable
from router_core.models.replies import MOST_BYTES, read_within_limits
from router_core.settings import CallSettings, ProviderSettings, Settings
from tests.raw_server import Line, RawServer, completion, event, raw_server, reply

MODEL = "openai/gpt-4o"
HELLO = [{"role": "user", "content": "the secret prompt"}]
SSE = "text/event-stream"
EVENTS = event({"content": "Hi"}) + event({}, "stop") + b"data: [DONE]\n\n"


@contextmanager
def models_at(server: RawServer) -> Iterator[Models]:
    """Models at that server, asked once."""
    settings = Settings(
        providers={"openai": ProviderSettings(base_url=server.base_url)}, calls=CallSettings(max_retries=0)
    )
    models = Models(settings, environ={"OPENAI_API_KEY": "some-key"})
    try:
        yield models
    finally:
        models.close()


def ask(models: Models, stream: bool) -> str:
    """The text of one answer."""
    if not stream:
        return models.complete(MODEL, HELLO, {}).text
    with models.stream(MODEL, HELLO, {}) as answer:
        for _ in answer:
            pass
        return answer.text


@cache
def bomb(begun: bytes, layers: int = 1) -> bytes:
    """Sixty-four megabytes of blanks, packed as often as asked: some kilobytes."""
    data = begun + b" " * 2**26
    for _ in range(layers):
        data = gzip.compress(data, mtime=0)
    return data


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_packed_reply_does_not_fill_the_memory(stream: bool, layers: int) -> None:
    """Packed once or several times: refused in a sentence after the first sixteen megabytes."""
    body = bomb(b'{"choices": "', layers)
    whole = reply(body, f"content-encoding: {', '.join(['gzip'] * layers)}")
    with raw_server(lambda line: line.send(whole)) as server, models_at(server) as models:
        tracemalloc.start()
        try:
            with pytest.raises(MalformedResponseError, match="larger than 16 MB unpacked") as caught:
                ask(models, stream)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert caught.value.maybe_billed
    assert most < 3 * MOST_BYTES


def test_a_stream_is_limited_in_all_and_event_by_event() -> None:
    """Many small events are counted together; one without an end is refused when it is too large."""

    def many(line: Line) -> None:
        line.send(reply(b"", content_type=SSE), *[event({"content": "x" * 2**19})] * 200)

    def one(line: Line) -> None:
        line.send(reply(event({"content": "Hi"}), content_type=SSE), b"data: ", *[b"x" * 2**20] * 40)

    with raw_server(many) as server, models_at(server) as models, pytest.raises(MalformedResponseError) as caught:
        ask(models, stream=True)
    assert "The answer is larger than 64 MB" in str(caught.value)
    with raw_server(one) as server, models_at(server) as models, pytest.raises(MalformedResponseError) as caught:
        ask(models, stream=True)
    assert "One event of the answer is larger than 16 MB" in str(caught.value)


@pytest.mark.parametrize("parts", [1, 2, 3, 5, 7, 2**16])
@pytest.mark.parametrize("end", [b"\n\n", b"\r\r", b"\r\n\r\n"])
def test_the_end_of_an_event_is_found_wherever_the_pieces_are_cut(parts: int, end: bytes) -> None:
    """Sixty events of half a megabyte are no event of thirty."""
    body = (b"data: " + b"x" * 2**19 + end) * 60
    step = 2**19 + len(end) + parts
    response = httpx2.Response(
        200,
        headers={"content-type": SSE},
        stream=Pieces(body[i : i + step] for i in range(0, len(body), step)),
        request=httpx2.Request("POST", "http://a.example/v1"),
    )
    read_within_limits(response)
    assert response.read() == body


class Pieces(httpx2.SyncByteStream):
    """A body in given pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_what_is_packed_is_read(encoding: str, stream: bool) -> None:
    """Plain, zipped or deflated, whole or in a stream."""
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "identity": bytes}[encoding]
    body = pack(EVENTS if stream else completion())
    whole = reply(body, f"content-encoding: {encoding}", content_type=SSE if stream else "application/json")
    with raw_server(lambda line: line.send(whole)) as server, models_at(server) as models:
        assert ask(models, stream) == ("Hi" if stream else "Hello")


@pytest.mark.parametrize("status", ["400 Bad", "401 No", "429 Slow", "500 Oops"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_an_error_keeps_its_status_however_long_it_is(status: str, stream: bool) -> None:
    """Only its beginning is read."""

    whole = reply(bomb(b'{"error": {"message": "oops, '), "content-encoding: gzip", status=status)
    with raw_server(lambda line: line.send(whole)) as server, models_at(server) as models:
        with pytest.raises(ProviderError, match=status[:3]) as caught:
            ask(models, stream)
        assert not isinstance(caught.value, MalformedResponseError)
        assert not caught.value.maybe_billed


def redirect(status: int, place: str) -> bytes:
    """A redirect and nothing else."""
    return (
        f"HTTP/1.1 {status} There\r\nlocation: {place}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode()
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_redirect_to_another_host_never_carries_the_prompt(status: int, stream: bool) -> None:
    """Nothing reaches the other one, neither prompt nor key; the sentence names it, without what may be a key."""

    def talk(line: Line) -> None:
        line.send(redirect(status, f"http://user:hush@127.0.0.1:{other.port}/v1/chat/completions?key=hush"))

    with raw_server(lambda line: line.send(reply(completion()))) as other, raw_server(talk) as server:
        with models_at(server) as models, pytest.raises(RequestRejectedError, match="is not sent there") as caught:
            ask(models, stream)
        assert other.asked == []
        assert f"127.0.0.1:{other.port}/v1/chat/completions" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert not caught.value.maybe_billed


@pytest.mark.parametrize(
    "place",
    [
        "//evil.example/v1/chat/completions",
        "http://localhost/v1",
        "https://127.0.0.1/v1",
        "http://127.0.0.1@evil.example/v1",
        "http://[::1]/v1",
        "http://127.0.0.1.evil.example/v1",
        "file:///etc/passwd",
        "http://[::1/v1",
    ],
)
def test_other_ways_to_another_place(place: str) -> None:
    """Another port, scheme, name or no address at all."""
    with raw_server(lambda line: line.send(redirect(307, place))) as server, models_at(server) as models:
        with pytest.raises(RequestRejectedError, match="redirects"):
            ask(models, stream=False)
        assert len(server.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_within_a_host(status: int) -> None:
    """The prompt goes along where the method stays (307, 308); a redirect that drops it is told."""

    def talk(line: Line) -> None:
        line.send(reply(completion()) if b"POST /v2 " in line.asked else redirect(status, "/v2"))

    with raw_server(talk) as server, models_at(server) as models:
        if status in (307, 308):
            assert ask(models, stream=False) == "Hello"
            assert b"the secret prompt" in server.asked[-1]
        else:
            with pytest.raises(RequestRejectedError, match="leaves the prompt out"):
                ask(models, stream=False)


@pytest.mark.parametrize(
    ("here", "there", "follows"),
    [
        ("http://a.example/v1", "https://a.example/v1", True),
        ("https://a.example/v1", "http://a.example/v1", False),
        ("https://a.example/v1", "https://b.example/v1", False),
        ("https://a.example/v1", "https://a.example:8443/v1", False),
        ("https://a.example/v1", "https://a.example:443/v2", True),
    ],
)
def test_https_in_place_of_http_is_the_same_host(here: str, there: str, follows: bool) -> None:
    """The reverse is not: prompt and key would go unprotected."""
    response = httpx2.Response(
        308, headers={"location": there}, stream=Pieces(iter(())), request=httpx2.Request("POST", here)
    )
    if follows:
        read_within_limits(response)
    else:
        with pytest.raises(RequestRejectedError):
            read_within_limits(response)


def test_a_list_of_models_is_limited_too() -> None:
    """Looking whether a server answers does not read without an end."""
    with raw_server(lambda line: line.send(reply(bomb(b"["), "content-encoding: gzip"))) as server:
        assert "larger than 16 MB" in (unreachable(server.base_url) or "")
