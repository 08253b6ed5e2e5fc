"""A process that is forked while a store is open: it may not use the store, nor harm it by ending."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from router_core.store import open_store

_FORK = """
import os, sys
from router_core.store import open_store
from router_core.store.base import Batch
from tests.store_rows import ALL, a_decision, a_prompt

path = sys.argv[1]
store = open_store(path)

def write(number):
    store.write(Batch([a_prompt(number)], [a_decision(number)]))

def attempt(name, use):
    try:
        use()
    except Exception as error:
        print(name, type(error).__name__, error, flush=True)
    else:
        print(name, "done", flush=True)

write(1)
child = os.fork()
if child == 0:
    attempt("write", lambda: write(2))
    attempt("read", lambda: store.evidence("default", ALL))
    attempt("open", lambda: open_store(path))
    attempt("another", lambda: open_store(path + ".other").close())
    attempt("memory", lambda: open_store(":memory:").close())
    attempt("close", store.close)
    sys.exit(0)  # with everything that an ending interpreter takes down
print("ended", os.waitpid(child, 0)[1], flush=True)
write(3)
store.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_process_leaves_the_store_alone(tmp_path: Path) -> None:
    """Used there, it says whose it is and what to do; the child ends well, and the parent loses nothing."""
    path = tmp_path / "router.duckdb"
    run = subprocess.run([sys.executable, "-c", _FORK, str(path)], capture_output=True, text=True, check=True)
    assert run.stderr == ""
    told = dict(line.split(" ", 1) for line in run.stdout.splitlines())
    for refused in ("write", "read", "open"):
        assert told[refused].startswith(f"StoreLockedError the store {path} was opened by process ")
        assert "make the Router after forking" in told[refused]
    assert [told[name] for name in ("another", "memory", "close", "ended")] == ["done", "done", "done", "0"]
    store = open_store(path)
    assert len(store.recent_prompts(5)) == 2
    store.close()
