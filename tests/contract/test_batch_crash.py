"""A batch that is killed again and again: nothing is asked twice, nothing that came is lost, the limit holds."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from router_core.collecting.batch import open_batches
from router_core.collecting.run import BatchRun
from router_core.collecting.standing import settled, standing, with_calls
from router_core.store import open_store
from tests.batches import prompts_file, settings_at, solver
from tests.servers import ChatServer, Reply, Request, chat_server, wait_for

PROMPTS, KILLS = 150, 20
LIMIT = Decimal(2)  # each call that was cut off counts with its bound, $0.01 and more


def start(store: Path, settings: Path, *words: str) -> subprocess.Popen[bytes]:
    """``router-core ask`` in a process of its own."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ROUTER_")}
    return subprocess.Popen(
        [sys.executable, "-m", "router_core", "--store", str(store), "ask", *words, "--yes", "--at-once", "4"],
        env={**environ, "ROUTER_SETTINGS": str(settings)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=store.parent,
    )


def asked(server: ChatServer) -> Counter[tuple[str, str]]:
    """How often each model was asked each prompt."""
    return Counter((one.body["model"], one.body["messages"][-1]["content"]) for one in server.requests)


@pytest.mark.slow
def test_killed_twenty_times(tmp_path: Path) -> None:
    """At random moments; then it is run to its end, and what was cut off is asked once more, as was said."""
    rng = random.Random(7)
    place, document = tmp_path / "router.duckdb", tmp_path / "settings.json"
    with chat_server() as server:
        settings = settings_at(server, max_retries=0)
        document.write_text(settings.document())

        def slowly(request: Request) -> Reply:
            reply = solver(request)
            return Reply(reply.status, reply.pieces, reply.content_type, reply.headers, delay_s=rng.random() / 50)

        server.usual = slowly
        prompts_file(tmp_path / "prompts.csv", PROMPTS)
        words = ["prompts.csv", "--check", "number", "--limit-usd", str(LIMIT)]
        for _ in range(KILLS):
            child = start(place, document, *words)
            enough = len(server.requests) + rng.randint(1, 12)
            assert wait_for(
                lambda enough=enough, child=child: len(server.requests) >= enough or child.poll() is not None
            )  # type: ignore[misc]
            child.send_signal(signal.SIGKILL)
            child.wait()
            store = open_store(place, wait=60)
            (batch,) = open_batches(store)
            store.close()
            words = ["--resume", batch.id]
        assert start(place, document, *words).wait() == 0
        assert set(asked(server).values()) == {1}
        store = open_store(place, wait=60)
        found = standing(store, batch)
        cut_off = sum(
            settled(made).state == "cut off" for _, calls in with_calls(store, batch) for made in calls.values()
        )
        assert (found.left, found.failed, found.cut_off) == (0, 0, cut_off)
        assert found.answered == 2 * PROMPTS - cut_off
        assert all(one.checked == one.answered for one in found.arms.values())
        assert cut_off <= 4 * KILLS
        arrived = len(asked(server))
        again = BatchRun(settings, store, batch, environ={}, again=("cut off",)).run()
        assert (again.standing.answered, again.standing.cut_off) == (2 * PROMPTS, 0)
        assert sum(count - 1 for count in asked(server).values()) == cut_off - (2 * PROMPTS - arrived)
        assert max(asked(server).values()) <= 2
        assert again.standing.spent_usd <= LIMIT
        store.close()
