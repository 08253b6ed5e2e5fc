"""docs/gateway.md tells the truth: its shell lines run, by curl, against a gateway."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from router_core.serving.gateway.application import Gateway
from router_core.serving.gateway.routers import Traffic
from router_core.settings import Settings
from router_core.store import open_store

TEXT = (Path(__file__).parents[2] / "docs" / "gateway.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where a gateway over simulated models listens."""
    store = open_store(":memory:", kind="simulated")
    application = Gateway(Settings, lambda goal: Traffic(Settings(), store, True)).alone()
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="error"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        threading.Event().wait(0.005)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join(60)
    store.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("block", BLOCKS)
def test_its_shell_lines_run(port: int, block: str) -> None:
    """Line by line, as they stand; the id of the first answer takes the place of ID."""
    lines = block.strip().splitlines()
    settings = [line for line in lines if not line.startswith("curl")]
    answers: list[dict[str, object]] = []
    for line in (line for line in lines if line.startswith("curl")):
        script = "\n".join([*settings, line]).replace("127.0.0.1:8501", f"127.0.0.1:{port}")
        if answers:
            script = script.replace('"ID"', json.dumps(answers[0]["id"]))
        ran = subprocess.run(["sh", "-c", script], capture_output=True, check=True, timeout=120)
        answers.append(json.loads(ran.stdout))
        assert "error" not in answers[-1], answers[-1]
    assert len(answers) == block.count("curl")


def test_every_address_is_named() -> None:
    """The document names each address that there is, but for the one that is for balancers."""
    store = open_store(":memory:", kind="simulated")
    mount = Gateway(Settings, lambda goal: Traffic(Settings(), store, True)).mount()
    store.close()
    paths = [re.sub(r"\{.*\}", "ID", route.path) for route in mount.routes]
    assert len(paths) > 5
    assert [path for path in paths if f"/v1{path}" not in TEXT] == []
