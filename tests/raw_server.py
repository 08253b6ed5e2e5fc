"""A server that writes its replies byte by byte, as slowly and as oddly as a test asks: nothing checks them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Talk = Callable[["Line"], None]


class Line:
    """One connection: what was asked, and what is sent in return."""

    def __init__(self, connection: socket.socket, closing: threading.Event) -> None:
        self.connection = connection
        self.asked = b""
        self._closing = closing

    def read(self) -> bytes:
        """One whole request: its head and as many bytes as it announces."""
        held = b""
        while b"\r\n\r\n" not in held:
            more = self.connection.recv(65536)
            if not more:
                raise ConnectionError("the client is gone")
            held += more
        head, _, body = held.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        wanted = int(lengths[0].split(b":")[1]) if lengths else 0
        while len(body) < wanted:
            body += self.connection.recv(65536)
        self.asked = head + b"\r\n\r\n" + body
        return self.asked

    def send(self, *pieces: bytes, pause_s: float = 0.0) -> None:
        """Write the pieces, with a pause after each; the pauses end when the server closes."""
        for piece in pieces:
            self.connection.sendall(piece)
            if self._closing.wait(pause_s) if pause_s else self._closing.is_set():
                raise ConnectionError("the test is over")

    def trickle(self, data: bytes, pause_s: float) -> None:
        """Write one byte after the other."""
        self.send(*(data[i : i + 1] for i in range(len(data))), pause_s=pause_s)


class RawServer:
    """Hands every connection to ``talk``, in a thread of its own, and keeps what was asked."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.asked: list[bytes] = []
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def base_url(self) -> str:
        """Its address, up to and including /v1."""
        return f"http://127.0.0.1:{self.port}/v1"

    def close(self) -> None:
        """Stop; what still pauses ends."""
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            line = Line(connection, self._closing)
            self.asked.append(line.read())
            self.talk(line)


@contextmanager
def raw_server(talk: Talk) -> Iterator[RawServer]:
    """A server for the length of a ``with`` block."""
    server = RawServer(talk)
    try:
        yield server
    finally:
        server.close()


def reply(body: bytes, *headers: str, status: str = "200 OK", content_type: str = "application/json") -> bytes:
    """A whole reply, after which the connection ends."""
    lines = [f"HTTP/1.1 {status}", f"content-type: {content_type}", "connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def completion(text: object = "Hello", **message: object) -> bytes:
    """The body of one whole answer."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    body = {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }
    return json.dumps(body).encode()


def event(delta: dict[str, object], finish_reason: str | None = None, **more: object) -> bytes:
    """One event of a streamed answer."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}
    return f"data: {json.dumps(chunk)}\n\n".encode()
