"""A process killed in mid-write: every acknowledged outcome is there, and the evidence is what they say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from router_core.store import open_store
from router_core.types import Evidence
from tests.store_rows import ALL, CHEAP

ROUNDS = 5

_WRITE = """
import sys
from threading import Thread
from router_core.store import open_store
from router_core.store.base import Batch
from tests.store_rows import ALL, a_completion, a_decision, a_prompt, an_outcome, ident

path, base = sys.argv[1], int(sys.argv[2])
store = open_store(path)
store.evidence("default", ALL)

def work(thread):
    for number in range(base + thread * 10_000, base + (thread + 1) * 10_000):
        store.write(Batch([a_prompt(number)], [a_decision(number)]))
        store.write(Batch(completions=[a_completion(number)], outcomes=[an_outcome(number, number, number % 2)]))
        sys.stdout.write(f"{ident(number)}\\n")
        sys.stdout.flush()

for thread in range(4):
    Thread(target=work, args=(thread,)).start()
"""


def test_no_acknowledged_outcome_is_lost(tmp_path: Path) -> None:
    """Killed again and again with SIGKILL, each time after another number of writes."""
    path = tmp_path / "router.duckdb"
    acknowledged: set[str] = set()
    for turn in range(ROUNDS):
        command = [sys.executable, "-c", _WRITE, str(path), str(1 + turn * 100_000)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for _ in range(5 + 7 * turn):
                acknowledged.add(child.stdout.readline().strip())
            child.kill()
            rest = child.stdout.read().split("\n")
            acknowledged.update(rest[:-1])  # the last line may be cut short
        store = open_store(path)
        try:
            rewards = {}
            for decision in store.decisions():
                for record in store.outcome_history(decision.completion_id):
                    rewards[record.completion_id] = record.reward
            assert acknowledged <= rewards.keys()
            good = sum(reward == 1.0 for reward in rewards.values())
            expected = {CHEAP: Evidence(len(rewards), good * 1_000_000)}
            assert store.evidence("default", ALL) == expected == store.rebuild_evidence("default", ALL)
        finally:
            store.close()
    assert len(acknowledged) >= sum(5 + 7 * turn for turn in range(ROUNDS))
