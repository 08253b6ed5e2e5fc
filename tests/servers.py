"""A real HTTP server on loopback that speaks the Chat Completions API, with scripted replies and faults.

Requests are recorded. Nothing of the client is patched: what is tested goes over a socket.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What is sent back. ``pieces`` are written one by one; then, where ``broken``, the connection just ends."""

    status: int = 200
    pieces: tuple[bytes, ...] = ()
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    broken: bool = False
    delay_s: float = 0.0
    pause_s: float = 0.0


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # of connections that nobody has accepted yet; by default 5, and others are refused


class ChatServer:
    """Gives the scripted replies in turn, then ``usual`` for every further request."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.script: list[Reply | Callable[[Request], Reply]] = []
        self.usual: Reply | Callable[[Request], Reply] = usual
        self.listing = as_json({"object": "list", "data": [{"id": "tiny"}, {"id": "big"}]})
        self.hung_up = threading.Event()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def base_url(self) -> str:
        """Its address, up to and including /v1."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        """Stop; replies that are still pausing end."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def next_reply(self, request: Request) -> Reply:
        """Record a request and choose its reply."""
        with self._lock:
            self.requests.append(request)
            reply = self.script.pop(0) if self.script else self.usual
        return reply(request) if callable(reply) else reply

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond closing."""
        self._closing.wait(seconds)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(server.listing if self.path == "/v1/models" else refused(404))

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                lowered = {name.lower(): value for name, value in self.headers.items()}
                self._send(server.next_reply(Request(self.path, lowered, body)))

            def _send(self, reply: Reply) -> None:
                self.close_connection = True
                server.pause(reply.delay_s)
                try:
                    self.send_response(reply.status)
                    for name, value in {"content-type": reply.content_type, **reply.headers}.items():
                        self.send_header(name, value)
                    if reply.broken:
                        self.send_header("content-length", str(10**9))
                    self.send_header("connection", "close")
                    self.end_headers()
                    for piece in reply.pieces:
                        self.wfile.write(piece)
                        self.wfile.flush()
                        server.pause(reply.pause_s)
                except OSError:
                    server.hung_up.set()

            def log_message(self, format: str, *args: Any) -> None:
                """Keep quiet."""

        return Handler


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    """A server for the length of a ``with`` block."""
    server = ChatServer()
    try:
        yield server
    finally:
        server.close()


def as_json(body: Any, status: int = 200, **headers: str) -> Reply:
    """A JSON reply; underscores in the names of headers stand for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, (json.dumps(body).encode(),), headers=named)


def answered(text: str | None = "Hello", finish_reason: str | None = "stop", usage: Any = USAGE) -> Reply:
    """One whole answer."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}
    body = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return as_json(body if usage is None else {**body, "usage": usage})


def refused(status: int, message: str = "no", code: str | None = None, **headers: str) -> Reply:
    """An error as OpenAI writes them."""
    return as_json({"error": {"message": message, "type": "error", "code": code}}, status, **headers)


def events(
    *texts: str, finish_reason: str | None = "stop", usage: Any = USAGE, broken: bool = False, **reply: Any
) -> Reply:
    """A streamed answer in pieces; ``broken``: the connection ends after the last text."""
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunks = [{**head, "choices": [{"index": 0, "delta": {"content": t}, "finish_reason": None}]} for t in texts]
    if not broken:
        chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish_reason}]})
        if usage is not None:
            chunks.append({**head, "choices": [], "usage": usage})
    pieces = [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks]
    end = () if broken else (b"data: [DONE]\n\n",)
    return Reply(200, (*pieces, *end), "text/event-stream", broken=broken, **reply)


def usual(request: Request) -> Reply:
    """Answer with the model's name, streamed where that was asked for, with usage where that was asked for."""
    text = f"I am {request.body['model']}"
    if not request.body.get("stream"):
        return answered(text)
    wanted = (request.body.get("stream_options") or {}).get("include_usage")
    return events(*text.split(" "), usage=USAGE if wanted else None)


def wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
