"""``python -m benchmarks.soak``: load and faults for minutes, then what is in the store beside what was promised.

Browsers compare and rate on the playground, raters ask, rate and correct, clients hang up in mid-stream, and
once a minute the server gets a signal 9 and is started again. The provider trickles and breaks. Everything
runs on loopback and stops by itself.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import click
import duckdb
import httpx2
from playwright.async_api import Browser, async_playwright
from playwright.async_api import Error as BrowserError

from router_core.settings import Settings
from tests.conftest import find_browser

ROOT = Path(__file__).parents[2]
THINKS_S = 2.0
"""Seconds that a person takes between two ratings, and a client before its next stream."""
RAISED = re.compile(r"^(?:[\w.]+)?(?:Error|Exception|Interrupt|Exit|Group)\b.*$", re.MULTILINE)
"""The last line of a traceback."""
PATIENCE_MS = 120_000
"""Milliseconds that a browser waits: twenty of them and the server share the machine."""
PROMPTS = (
    "Spam or not? You won a prize.",
    "Prove that there are infinitely many primes.",
    "Name a colour.",
    "2 + 2?",
)


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@dataclass
class Life:
    """The server between two kills: memory (MB), descriptors and threads as sampled, and how it ended."""

    megabytes: list[float] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    idle: tuple[float, int, int] | None = None


@dataclass
class Seen:
    """What clients were promised, and what they saw."""

    rated: list[str] = field(default_factory=list)  # comments of acknowledged outcomes, unique
    asked: list[str] = field(default_factory=list)  # request ids of acknowledged answers
    clicked: int = 0
    hung_up: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    rate_ms: list[float] = field(default_factory=list)
    ask_ms: list[float] = field(default_factory=list)


class Server:
    """The app in a process of its own, killed and started again."""

    def __init__(self, folder: Path, settings: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.store = folder / "soak.duckdb"
        self.environ = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "ROUTER_STORE": str(self.store),
            "ROUTER_SETTINGS": str(settings),
            "ROUTER_SIMULATED": "",
        }
        self.lives: list[Life] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.up = asyncio.Event()

    async def start(self) -> None:
        """A new process; returns when it answers."""
        command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "benchmarks" / "soak" / "app.py")]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--server.port", str(self.port)], cwd=ROOT, env=self.environ, stdout=log, stderr=log
            )
        self.lives.append(Life())
        async with httpx2.AsyncClient() as client:
            for _ in range(600):
                try:
                    if (await client.get(f"{self.url}/_stcore/health", timeout=2)).status_code == 200:
                        self.up.set()
                        return
                except httpx2.HTTPError:
                    await asyncio.sleep(0.1)
        raise click.ClickException(f"The server did not start: {(self.folder / 'server.log').read_text()[-2000:]}")

    async def kill(self) -> None:
        """Signal 9, and a new life."""
        assert self.process is not None
        self.up.clear()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        await self.start()

    def sample(self) -> tuple[float, int, int]:
        """Memory in MB, descriptors and threads of the process."""
        assert self.process is not None
        place = Path(f"/proc/{self.process.pid}")
        status = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines() if ":" in line)
        return (
            int(status["VmRSS"].split()[0]) / 1024,
            len(list((place / "fd").iterdir())),
            int(status["Threads"]),
        )

    async def watch(self) -> None:
        """Sample for ever."""
        while True:
            await asyncio.sleep(5)
            if self.up.is_set():
                try:
                    megabytes, descriptors, threads = self.sample()
                except OSError:
                    continue
                life = self.lives[-1]
                life.megabytes.append(megabytes)
                life.descriptors.append(descriptors)
                life.threads.append(threads)


async def post(client: httpx2.AsyncClient, server: Server, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """A route of the soak's app; an error of the server is an exception here."""
    reply = await client.post(f"{server.url}/soak/{path}", json=body, timeout=60)
    if reply.status_code != 200:
        raise ValueError(reply.json().get("error", reply.status_code) if reply.content else reply.status_code)
    found: dict[str, Any] = reply.json()
    return found


async def rater(number: int, server: Server, seen: Seen) -> None:
    """Ask, rate, correct, and again."""
    count = 0
    async with httpx2.AsyncClient() as client:
        while True:
            await server.up.wait()
            try:
                began = time.perf_counter()
                prompt = f"{random.choice(PROMPTS)} ({number}-{count})"
                request_id = (await post(client, server, "ask", {"text": prompt}))["request_id"]
                seen.ask_ms.append((time.perf_counter() - began) * 1000)
                seen.asked.append(request_id)
                for _ in range(3):
                    count += 1
                    comment = f"rater {number} rating {count}"
                    began = time.perf_counter()
                    body = {"request_id": request_id, "reward": random.random(), "comment": comment}
                    await post(client, server, "rate", body)
                    seen.rate_ms.append((time.perf_counter() - began) * 1000)
                    seen.rated.append(comment)
                    await asyncio.sleep(random.uniform(0, 2 * THINKS_S))
            except (httpx2.HTTPError, ValueError, KeyError) as error:
                if server.up.is_set():
                    seen.refused[f"{type(error).__name__}: {str(error)[:60]}"] += 1
                await asyncio.sleep(0.5)
                count += 1


async def hanger_up(number: int, server: Server, seen: Seen) -> None:
    """Begin a stream, read some of it, leave."""
    while True:
        await server.up.wait()
        try:
            async with (
                httpx2.AsyncClient() as client,
                client.stream(
                    "POST", f"{server.url}/soak/stream", json={"text": f"Tell a story ({number})"}, timeout=60
                ) as reply,
            ):
                wanted = random.randrange(1, 200)
                async for piece in reply.aiter_bytes():
                    wanted -= len(piece)
                    if wanted < 0:
                        break
            seen.hung_up += 1
            await asyncio.sleep(random.uniform(0, THINKS_S))
        except (httpx2.HTTPError, RuntimeError):
            await asyncio.sleep(0.5)


async def visitor(number: int, browser: Browser, server: Server, seen: Seen) -> None:
    """Compare on the playground and rate what comes, in a browser's page of its own."""
    while True:
        await server.up.wait()
        context = await browser.new_context()
        page = await context.new_page()
        try:
            await page.goto(f"{server.url}/try", timeout=PATIENCE_MS)
            for turn in range(20):
                box = page.locator(".st-key-prompt textarea").first
                await box.fill(f"{random.choice(PROMPTS)} (page {number}, turn {turn})", timeout=PATIENCE_MS)
                await box.press("Control+Enter")
                thumb = page.locator('[class*="st-key-thumb-"] button:not([disabled])').first
                await thumb.click(timeout=PATIENCE_MS)
                seen.clicked += 1
                await asyncio.sleep(THINKS_S)
        except BrowserError as error:
            if server.up.is_set():
                seen.refused[f"browser: {str(error)[:60]}"] += 1
        finally:
            await context.close()


async def soak(
    folder: Path, minutes: float, browsers: int, raters: int, hangers: int, kill_s: float
) -> tuple[Server, Seen]:
    """Everything at once, then half a minute of quiet."""
    port = free_port()
    settings = folder / "settings.json"
    arms = [{"model": "local/cheap", "weight": 0.5}, {"model": "local/strong", "weight": 0.5}]
    free = {"input_usd_per_million_tokens": 1, "output_usd_per_million_tokens": 2}
    document = {
        "providers": {"local": {"base_url": f"http://127.0.0.1:{port}/v1", "api_key_env": None}},
        "goals": {"default": {"arms": arms}},
        "classifier": {"model": "local/cheap"},
        "calls": {"deadline_s": 5, "first_token_s": 3},
        "prices": {"local/cheap": free, "local/strong": free},
    }
    settings.write_text(json.dumps(document))
    Settings.from_document(settings.read_text())
    provider = subprocess.Popen([sys.executable, "-m", "benchmarks.soak.provider", str(port)], cwd=ROOT)
    server, seen = Server(folder, settings), Seen()
    clients: list[asyncio.Task[None]] = []

    def begin(work: Callable[..., Coroutine[Any, Any, None]], count: int, *more: Any) -> None:
        clients.extend(asyncio.create_task(work(number, *more, server, seen)) for number in range(count))

    try:
        await server.start()
        watch = asyncio.create_task(server.watch())
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=find_browser(), args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
            begin(rater, raters)
            begin(hanger_up, hangers)
            begin(visitor, browsers, browser)
            end = time.monotonic() + minutes * 60
            while (left := end - time.monotonic()) > 0:
                await asyncio.sleep(min(left, kill_s))
                if kill_s < left:
                    await server.kill()
                    click.echo(f"killed; {len(seen.rated)} outcomes acknowledged so far", err=True)
            for task in clients:
                task.cancel()
            await asyncio.gather(*clients, return_exceptions=True)
            await browser.close()
        await asyncio.sleep(30)
        server.lives[-1].idle = server.sample()
        watch.cancel()
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(30)
    finally:
        provider.kill()
        if server.process is not None and server.process.poll() is None:
            server.process.kill()
    return server, seen


def count(store: Path, query: str) -> list[Any]:
    """The rows of a question to the store's file."""
    with duckdb.connect(str(store), read_only=True) as connection:
        return connection.execute(query).fetchall()


@click.command()
@click.option("--minutes", type=click.FloatRange(0.2, 120), default=10, show_default=True)
@click.option("--browsers", type=click.IntRange(0, 100), default=20, show_default=True)
@click.option("--raters", type=click.IntRange(0, 500), default=64, show_default=True)
@click.option("--hangers", type=click.IntRange(0, 100), default=8, show_default=True)
@click.option("--kill-every", type=click.FloatRange(5), default=60, show_default=True, help="Seconds.")
def main(minutes: float, browsers: int, raters: int, hangers: int, kill_every: float) -> None:
    """Run the app under load and faults, and say what was lost, stored twice, stuck or grown (exit code 1)."""
    with tempfile.TemporaryDirectory() as folder:
        server, seen = asyncio.run(soak(Path(folder), minutes, browsers, raters, hangers, kill_every))
        stored = Counter(row[0] for row in count(server.store, "SELECT comment FROM outcome WHERE source = 'api'"))
        answered = {str(row[0]) for row in count(server.store, "SELECT id FROM completion")}
        (thumbs,) = count(server.store, "SELECT count(*) FROM outcome WHERE source = 'thumb'")[0]
        log = (Path(folder) / "server.log").read_text(errors="replace")
    lost = [one for one in seen.rated if stored[one] == 0]
    twice = [one for one in seen.rated if stored[one] > 1]
    gone = [one for one in seen.asked if one not in answered]
    click.echo(
        f"{len(server.lives)} lives, {len(seen.rated)} outcomes acknowledged: {len(lost)} lost, {len(twice)} twice"
    )
    click.echo(f"{len(seen.asked)} answers acknowledged: {len(gone)} lost; {seen.hung_up} streams hung up on")
    click.echo(f"{seen.clicked} thumbs clicked in browsers, {thumbs} stored")
    for what, times in (("ask", seen.ask_ms), ("rate", seen.rate_ms)):
        if times:
            ordered = sorted(times)
            click.echo(f"{what}: median {median(ordered):.0f} ms, p95 {ordered[int(len(ordered) * 0.95)]:.0f} ms")
    for place, life in enumerate(server.lives):
        if life.megabytes:
            click.echo(
                f"life {place + 1}: memory {life.megabytes[0]:.0f} to {life.megabytes[-1]:.0f} MB (at most"
                f" {max(life.megabytes):.0f}), descriptors at most {max(life.descriptors)},"
                f" threads at most {max(life.threads)}"
            )
    last = server.lives[-1]
    if last.idle is not None:
        click.echo(
            f"after 30 s of quiet: {last.idle[0]:.0f} MB, {last.idle[1]} descriptors, {last.idle[2]} threads"
        )
    for sentence, times_seen in seen.refused.most_common(12):
        click.echo(f"refused {times_seen} x {sentence}")
    raised = Counter(RAISED.findall(log))
    click.echo(f"tracebacks in the server's log: {log.count('Traceback')}")
    for sentence, times_seen in raised.most_common(12):
        click.echo(f"raised {times_seen} x {sentence[:200]}")
    if raised:
        click.echo(log[log.rindex("Traceback") :][:6000])
    if lost or twice or gone:
        sys.exit(1)


if __name__ == "__main__":
    main()
