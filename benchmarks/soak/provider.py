"""A provider of two models with the faults of real ones: answers that trickle, streams that break, slow headers.

Run as a process of its own, ``python -m benchmarks.soak.provider PORT``: it goes on when the server under test is
killed.
"""

from __future__ import annotations

import json
import random
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TRICKLES = 0.04  # share of replies that send a byte now and then, for far longer than any deadline
BREAKS = 0.04  # share of streams that end in the middle
WORDS = 40


class Handler(BaseHTTPRequestHandler):
    """Chat completions, plain and streamed."""

    def do_POST(self) -> None:
        """One answer."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.close_connection = True
        try:
            if random.random() < TRICKLES:
                self._trickle()
            elif body.get("stream"):
                self._stream(body)
            else:
                self._plain(body)
        except OSError:
            pass  # the client hung up, as many here do

    def _head(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("connection", "close")
        self.end_headers()

    def _trickle(self) -> None:
        self._head("application/json")
        for _ in range(600):
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.1)

    def _plain(self, body: dict[str, Any]) -> None:
        message = {"role": "assistant", "content": f"I am {body['model']}"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 20, "completion_tokens": 6, "total_tokens": 26}
        reply = {"id": "c", "object": "chat.completion", "created": 1, "model": body["model"], "choices": [choice]}
        self._head("application/json")
        self.wfile.write(json.dumps({**reply, "usage": usage}).encode())

    def _stream(self, body: dict[str, Any]) -> None:
        head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
        broken = random.random() < BREAKS
        self._head("text/event-stream")
        for place in range(WORDS):
            if broken and place == WORDS // 2:
                return
            self._event({**head, "choices": [{"index": 0, "delta": {"content": f"word{place} "}}]})
            time.sleep(0.01)
        self._event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        usage = {"prompt_tokens": 20, "completion_tokens": WORDS, "total_tokens": 20 + WORDS}
        self._event({**head, "choices": [], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, chunk: dict[str, Any]) -> None:
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


class Server(ThreadingHTTPServer):
    """Many at once."""

    daemon_threads = True
    request_queue_size = 512


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
