"""The real LiteLLM proxy, in an environment of its own, with everything that is exported for it."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped, unused-ignore] # with or without its stubs installed

from router_core.exports.litellm import asked_as
from router_core.settings import ArmSettings, ClassifierSettings, GoalSettings, ProviderSettings, Settings
from router_core.store import open_store
from tests.installing import installed_or_skipped
from tests.servers import ChatServer, chat_server

pytestmark = pytest.mark.slow

PROXY = "litellm[proxy]==1.108.7"
PATIENCE_S = 300.0
GOALS = (
    "default",
    "邮件分类",
    "تصنيف البريد",
    "mail & spam 50%",
    "😀 emoji",
    "Größe: x",
    "a'b\"c\\d",
    "any*",
    "# no: comment",
)
MODELS = {"tiny": {"temperature": 0}, "team/tiny@v2": {"stop": ["。"]}}


@pytest.fixture(scope="module")
def provider() -> Iterator[ChatServer]:
    """A small server behind the proxy."""
    with chat_server() as server:
        yield server


def exported(folder: Path, provider: ChatServer) -> Path:
    """The file that the command writes, for goals with all sorts of names."""
    local = "lokal-本地"
    arms = tuple(ArmSettings(model=f"{local}/{name}", params=params) for name, params in MODELS.items())
    settings = Settings(
        providers={local: ProviderSettings(base_url=provider.base_url, api_key_env=None)},
        goals={name: GoalSettings(arms=arms) for name in GOALS},
        classifier=ClassifierSettings(model=f"{local}/tiny"),
    )
    (folder / "settings.json").write_text(settings.document(), encoding="utf-8")
    open_store(folder / "router.duckdb").close()
    environ = {
        **os.environ,
        "ROUTER_SETTINGS": str(folder / "settings.json"),
        "ROUTER_STORE": str(folder / "router.duckdb"),
    }
    command = [sys.executable, "-m", "router_core", "export", str(folder / "config.yaml"), "-f", "litellm"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "config.yaml"


@pytest.fixture(scope="module")
def proxy(provider: ChatServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path]]:
    """Address and key of the proxy, and its configuration."""
    folder = tmp_path_factory.mktemp("litellm")
    config = exported(folder, provider)
    assert "export LITELLM_MASTER_KEY=" in config.read_text(encoding="utf-8")
    programs = installed_or_skipped(folder / "venv", PROXY)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    key = f"sk-{secrets.token_hex(32)}"
    environ = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "DATABASE_URL")}
    command = [programs / "litellm", "--config", config, "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env={**environ, "LITELLM_MASTER_KEY": key}, stdout=log, stderr=log
        )
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + PATIENCE_S
    try:
        while True:
            try:
                urllib.request.urlopen(f"{url}/health/liveliness", timeout=5).read()
                break
            except OSError:
                running = process.poll() is None and time.monotonic() < deadline
                assert running, (folder / "log").read_text(encoding="utf-8")[-5_000:]
                time.sleep(0.2)
        yield url, key, config
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def asked(url: str, key: str, body: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    """Headers and body of an answer of the proxy."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}/v1/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        return dict(answer.headers), answer.read()


def test_every_goal_is_served(proxy: tuple[str, str, Path], provider: ChatServer) -> None:
    """Whatever its name, by each of its models, whole and as a stream, with the parameters of the model."""
    url, key, config = proxy
    ids = {model["model_info"]["id"] for model in yaml.safe_load(config.read_text(encoding="utf-8"))["model_list"]}
    served = set()
    for goal, name in asked_as(GOALS).items():
        models: set[str] = set()
        for turn in range(100):
            body = {"model": name, "messages": [{"role": "user", "content": goal}], "stream": turn == 0}
            headers, answer = asked(url, key, body)
            sent = provider.requests[-1].body
            assert sent["messages"][-1]["content"] == goal
            assert (b"data: [DONE]" in answer) == (turn == 0)
            assert {param: sent[param] for param in MODELS[sent["model"]]} == MODELS[sent["model"]]
            models.add(sent["model"])
            served.add(headers["x-litellm-model-id"])
            if models == MODELS.keys() and turn:
                break
        assert models == MODELS.keys()
    assert served == ids
