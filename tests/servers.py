"""A real HTTP server on the loopback interface that speaks Chat Completions and fails as told.

A script of replies is played in turn, one per request, the last one again and again; what was asked is kept.
Leaves out everything of the API but POST /v1/chat/completions, and any model.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

PATIENCE_S = 30.0
"""How long a reply that hangs waits for the test to end."""

USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 7,
    "total_tokens": 18,
    "prompt_tokens_details": {"cached_tokens": 3},
}


@dataclass(frozen=True)
class Asked:
    """One request as it came over the wire; header names in lower case."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """What a reply has to work with: the connection, the request, and the server's two signals."""

    connection: BaseHTTPRequestHandler
    asked: Asked
    closing: threading.Event
    hung_up: threading.Event

    def send(self, status: int, body: bytes, content_type: str, headers: Mapping[str, str] | None = None) -> None:
        """A whole response."""
        self._head(status, content_type, {**(headers or {}), "content-length": str(len(body))})
        self.connection.wfile.write(body)

    def start_events(self) -> None:
        """The head of a stream of server-sent events, in chunked encoding: its end is visible on the wire."""
        self._head(200, "text/event-stream", {"transfer-encoding": "chunked"})

    def send_event(self, data: str) -> None:
        """One server-sent event."""
        payload = f"data: {data}\n\n".encode()
        self.connection.wfile.write(f"{len(payload):x}\r\n".encode() + payload + b"\r\n")
        self.connection.wfile.flush()

    def end_events(self) -> None:
        """The proper end of the chunked encoding."""
        self.connection.wfile.write(b"0\r\n\r\n")

    def _head(self, status: int, content_type: str, headers: Mapping[str, str]) -> None:
        self.connection.send_response(status)
        for name, value in {"content-type": content_type, "connection": "close", **headers}.items():
            self.connection.send_header(name, value)
        self.connection.end_headers()


Reply = Callable[[Call], None]


class ChatServer:
    """Plays ``replies`` in turn on a free loopback port; use it as a context manager.

    ``url`` is the base URL for a client, ``asked`` what has been asked so far, ``hung_up`` is set when a client
    closed its connection before the end. An error inside a reply is raised when the server is left.
    """

    def __init__(self, *replies: Reply) -> None:
        self.asked: list[Asked] = []
        self.hung_up = threading.Event()
        self._replies = replies or (answers("Hello."),)
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._errors: list[Exception] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._play))
        self._http.daemon_threads = False  # so that leaving waits for every reply
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        """The base URL, up to and including /v1."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> ChatServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        if self._errors and error is None:
            raise self._errors[0]

    def _play(self, connection: BaseHTTPRequestHandler) -> None:
        size = int(connection.headers.get("content-length", 0))
        headers = {name.lower(): value for name, value in connection.headers.items()}
        asked = Asked(connection.path, headers, json.loads(connection.rfile.read(size)))
        with self._lock:
            reply = self._replies[min(len(self.asked), len(self._replies) - 1)]
            self.asked.append(asked)
        try:
            reply(Call(connection, asked, self._closing, self.hung_up))
        except ConnectionError:
            self.hung_up.set()
        except Exception as error:  # noqa: BLE001 - it happens in another thread and is raised when leaving
            self._errors.append(error)


def closed_port_url() -> str:
    """A base URL where nobody listens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as http:
        return f"http://127.0.0.1:{http.server_address[1]}/v1"


def answers(
    text: str | None = "Hello.", *, finish_reason: str = "stop", usage: bool = True, refuse_options: bool = False
) -> Reply:
    """A good answer, whole or streamed as the request wants it.

    ``usage`` False: a server that never counts tokens. ``refuse_options``: one that turns stream_options down.
    """

    def reply(call: Call) -> None:
        body = call.asked.body
        if refuse_options and "stream_options" in body:
            return refuses(400, "Unrecognized request argument supplied: stream_options")(call)
        if not body.get("stream"):
            return sends_json(completion(text, finish_reason, usage))(call)
        call.start_events()
        for piece in re.findall(r"\S+\s*", text or ""):
            call.send_event(chunk(piece))
        call.send_event(chunk(None, finish_reason))
        if usage and (body.get("stream_options") or {}).get("include_usage"):
            call.send_event(json.dumps({**json.loads(chunk(None)), "choices": [], "usage": USAGE}))
        call.send_event("[DONE]")
        return call.end_events()

    return reply


def refuses(
    status: int, message: str = "no", *, headers: Mapping[str, str] | None = None, code: str | None = None
) -> Reply:
    """An error as OpenAI words it."""
    error = {"error": {"message": message, "type": "error", "code": code}}
    return lambda call: call.send(status, json.dumps(error).encode(), "application/json", headers)


def echoes_the_key(status: int) -> Reply:
    """An error that quotes the request's whole Authorization header, as no provider should."""
    return lambda call: refuses(status, f"Incorrect key: {call.asked.headers['authorization']}")(call)


def sends(body: str, content_type: str = "application/json") -> Reply:
    """Status 200 and any text at all."""
    return lambda call: call.send(200, body.encode(), content_type)


def sends_json(value: Any) -> Reply:
    """Status 200 and any JSON."""
    return sends(json.dumps(value))


def sends_events(events: Sequence[str], *, cut: bool = False) -> Reply:
    """Server-sent events with this data; ``cut`` drops the connection after them, without a proper end."""

    def reply(call: Call) -> None:
        call.start_events()
        for event in events:
            call.send_event(event)
        if not cut:
            call.end_events()

    return reply


def hangs(*events: str) -> Reply:
    """Takes the request, streams ``events`` if there are any, and then says nothing more."""

    def reply(call: Call) -> None:
        if events:
            call.start_events()
        for event in events:
            call.send_event(event)
        call.closing.wait(PATIENCE_S)

    return reply


def never_ends(every_s: float = 0.01, data: str | None = None) -> Reply:
    """Streams a word (or ``data``) every so often for as long as the client listens."""

    def reply(call: Call) -> None:
        call.start_events()
        while not call.closing.wait(every_s):
            call.send_event(chunk("word ") if data is None else data)

    return reply


def completion(text: str | None, finish_reason: str = "stop", usage: bool = True) -> dict[str, Any]:
    """The body of a plain answer."""
    message = {"role": "assistant", "content": text}
    body = {
        "id": "chatcmpl-test",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "test",
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
    }
    return {**body, "usage": USAGE} if usage else body


def chunk(text: str | None, finish_reason: str | None = None) -> str:
    """The data of one event of a streamed answer."""
    delta = {} if text is None else {"content": text}
    return json.dumps(
        {
            "id": "chatcmpl-test",
            "object": "chat.completion.chunk",
            "created": 1_700_000_000,
            "model": "test",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
        }
    )


def _handler(play: Callable[[BaseHTTPRequestHandler], None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            play(self)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: the test reads ``asked``."""

    return Handler
