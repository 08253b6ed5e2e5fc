"""Stores as a killed process leaves them, and what can become of the files beside them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

_FILL = """
import os, sys
from router_core.store import open_store
from router_core.store.base import Batch
from tests.store_rows import a_completion, a_decision, a_prompt, an_outcome

store = open_store(sys.argv[1])
for number in range(1, 21):
    if number == 11:
        store.file.require_open().execute("CHECKPOINT")
    answer, outcome = a_completion(number), an_outcome(number, number)
    store.write(Batch([a_prompt(number)], [a_decision(number)], [answer], [outcome]))
if sys.argv[2:]:
    print("ready", flush=True)
    sys.stdin.read()
    store.close()
else:
    os._exit(9)
"""

PROMPTS, CHECKPOINTED = 20, 10
"""Prompts that were acknowledged; and those of them that are in the file itself."""


def fill(path: Path) -> None:
    """A store whose process was killed: half of its prompts are in the write-ahead log alone."""
    found = subprocess.run([sys.executable, "-c", _FILL, str(path)], check=False)
    assert found.returncode == 9
    assert log_of(path).stat().st_size > 1_000


def held(path: Path) -> subprocess.Popen[str]:
    """The same store, held by a process until its standard input is closed."""
    child = subprocess.Popen(
        [sys.executable, "-c", _FILL, str(path), "hold"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def log_of(path: Path) -> Path:
    """The write-ahead log of a store."""
    return Path(f"{path}.wal")


def copy_files(path: Path, folder: Path) -> Path:
    """Everything of a store that lies in its folder, in another folder."""
    folder.mkdir(exist_ok=True)
    for file in path.parent.iterdir():
        if file.is_file() and file.name.startswith(path.name):
            shutil.copy2(file, folder)
    return folder / path.name
