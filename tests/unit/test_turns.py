"""Requests at once: who waits for a turn at a provider, for how long, and how that is told apart from answering.

The servers answer one request after the other, as those on one's own machine do.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from router_core.errors import NoEligibleArmError, ProviderError, ProviderTimeoutError
from router_core.models import turns
from router_core.models.calls import Models
from router_core.models.reaching import local_servers
from router_core.models.turns import Turns
from router_core.serving.library import Router
from router_core.settings import (
    ArmSettings,
    CallSettings,
    ClassifierSettings,
    GoalSettings,
    ProviderSettings,
    Settings,
)
from router_core.settings.providers import requests_at_once
from router_core.store import open_store
from router_core.store.base import Search
from tests.raw_server import Line, completion, event, raw_server, reply

HELLO = [{"role": "user", "content": "Say hello."}]
WHOLE = reply(completion())
STREAM = reply(
    event({"content": "Hi"}) + event({}, "stop") + b"data: [DONE]\n\n", content_type="text/event-stream"
)


class OneAtATime:
    """Answers each request when it is told to, and remembers how many it had at the same time."""

    def __init__(self) -> None:
        self.most = 0
        self.now = 0
        self.arrived = threading.Semaphore(0)
        self.go = threading.Semaphore(0)
        self._lock = threading.Lock()

    def __call__(self, line: Line) -> None:
        """One request."""
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.arrived.release()
        self.go.acquire(timeout=60)
        with self._lock:
            self.now -= 1
        line.send(STREAM if b'"stream":true' in line.asked.replace(b" ", b"") else WHOLE)


def settings_at(address: str, at_once: int | None, **calls: float) -> Settings:
    """Settings with one provider, at that address."""
    provider = ProviderSettings(base_url=address, api_key_env=None, requests_at_once=at_once)
    return Settings(providers={"house": provider, "openai": ProviderSettings()}, calls=CallSettings(**calls))  # type: ignore[arg-type]


@contextmanager
def models_at(address: str, at_once: int | None, **calls: float) -> Iterator[Models]:
    """Models at that address."""
    models = Models(settings_at(address, at_once, **calls), environ={})
    try:
        yield models
    finally:
        models.close()


def asked(models: Models, stream: bool) -> float:
    """One answer of any model of the provider; the milliseconds that it waited for its turn."""
    if not stream:
        return models.complete("house/a", HELLO, {}).waited_ms
    with models.stream("house/b", HELLO, {}) as answer:
        list(answer)
        return answer.waited_ms


def waiting_at(address: str) -> bool:
    """Whether somebody waits for a turn there."""
    return bool(turns._at[address]._waiting)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_server_is_sent_one_request_after_the_other(stream: bool) -> None:
    """All three are answered; the second and the third waited, the first did not."""
    server = OneAtATime()
    with raw_server(server) as raw, models_at(raw.base_url, 1) as models, ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(asked, models, stream) for _ in range(3)]
        for _ in answers:
            assert server.arrived.acquire(timeout=60)
            server.go.release()
        waited = sorted(one.result(60) for one in answers)
    assert server.most == 1
    assert waited[0] < waited[1] < waited[2]


def test_models_of_one_process_share_the_turns_of_a_server() -> None:
    """Two clients, as of two goals or of a page and a gateway, are one after the other, too."""
    server = OneAtATime()
    with (
        raw_server(server) as raw,
        models_at(raw.base_url, 1) as one,
        models_at(f"{raw.base_url}/", 1) as other,
        ThreadPoolExecutor(2) as pool,
    ):
        answers = [pool.submit(asked, models, False) for models in (one, other)]
        for _ in answers:
            assert server.arrived.acquire(timeout=60)
            server.go.release()
        assert [one.result(60) >= 0 for one in answers] == [True, True]
    assert server.most == 1


def test_without_a_limit_nobody_waits() -> None:
    """Both requests are there at the same time."""
    server = OneAtATime()
    with raw_server(server) as raw, models_at(raw.base_url, None) as models, ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(asked, models, False) for _ in range(2)]
        assert all(server.arrived.acquire(timeout=60) for _ in answers)
        server.go.release(2)
        assert [one.result(60) for one in answers] == [0.0, 0.0]
    assert server.most == 2


def test_waiting_is_no_part_of_the_longest_call() -> None:
    """A call that waited longer than a call may take is answered, and its time is that of its answer."""
    late = [0.0]
    with raw_server(lambda line: line.send(STREAM)) as raw, models_at(raw.base_url, 1) as holding:
        models = Models(settings_at(raw.base_url, 1), environ={}, clock=lambda: time.perf_counter() + late[0])
        with ThreadPoolExecutor(1) as pool:
            with holding.stream("house/a", HELLO, {}):
                second = pool.submit(models.complete, "house/a", HELLO, {})
                while not waiting_at(raw.base_url):
                    pass
                late[0] = 1000.0
            answer = second.result(60)
        models.close()
    assert answer.waited_ms >= 1_000_000
    assert 0 < answer.total_ms < 1_000_000


def test_the_wait_is_stored_and_exported_apart() -> None:
    """The log tells how long a call waited, and how long its answer took."""
    server = OneAtATime()
    store = open_store(":memory:")
    with raw_server(server) as raw:
        settings = settings_at(raw.base_url, 1)
        with (
            Router([{"model": "house/a"}], settings=settings, store=store, environ={}) as router,
            ThreadPoolExecutor(2) as pool,
        ):
            calls = [pool.submit(router.completion, HELLO) for _ in range(2)]
            for _ in calls:
                assert server.arrived.acquire(timeout=60)
                server.go.release()
            for call in calls:
                call.result(60)
    (block,) = store.log(Search())
    waited = sorted(block.column("waited_ms").to_pylist())
    assert waited[0] == 0 or waited[0] < waited[1]
    stored = [one for comparison in store.find(Search(), 9) for one in comparison.completions]
    assert sorted(one.waited_ms for one in stored) == waited
    assert all(one.total_ms for one in stored)
    store.close()


def test_who_gets_no_turn_is_told_so_and_pays_nothing() -> None:
    """Nothing was sent; the next call finds the server free again."""
    with raw_server(lambda line: line.send(STREAM)) as raw, models_at(raw.base_url, 1, queue_s=0.05) as models:
        with models.stream("house/a", HELLO, {}):
            with pytest.raises(ProviderTimeoutError, match=r"answers 1 at once.*calls\.queue_s") as caught:
                models.complete("house/a", HELLO, {})
            assert not caught.value.maybe_billed
            assert caught.value.waited_ms >= 50
            assert len(raw.asked) == 1
        assert models.complete("house/a", HELLO, {}).text == "Hi"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    "broken", [reply(b"{}", status="500 Broken"), reply(b"[]"), b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"]
)
def test_a_turn_ends_with_a_failure(broken: bytes, stream: bool) -> None:
    """However a call fails, the next one is sent."""
    with raw_server(lambda line: line.send(broken)) as raw, models_at(raw.base_url, 1, max_retries=0) as models:
        for _ in range(3):
            with pytest.raises(ProviderError) as caught:
                asked(models, stream)
            assert "turn" not in str(caught.value)


def test_a_stream_that_is_dropped_ends_its_turn() -> None:
    """Also where its reader only stopped at some piece, and never closed it."""
    with raw_server(lambda line: line.send(STREAM)) as raw, models_at(raw.base_url, 1, queue_s=60.0) as models:
        stream = models.stream("house/a", HELLO, {})
        next(stream)
        del stream
        assert asked(models, True) >= 0


def test_the_callers_own_timeout_holds_waiting_too() -> None:
    """``timeout=`` is all that a caller waits for one model."""
    server = OneAtATime()
    with raw_server(server) as raw:
        settings = settings_at(raw.base_url, 1)
        with (
            Router([{"model": "house/a"}], settings=settings, store=open_store(":memory:"), environ={}) as router,
            ThreadPoolExecutor(1) as pool,
        ):
            first = pool.submit(router.completion, HELLO)
            assert server.arrived.acquire(timeout=60)
            with pytest.raises(NoEligibleArmError, match=r"no turn came within 0\.1 s"):
                router.completion(HELLO, timeout=0.1)
            server.go.release()
            first.result(60)


def test_turns_are_given_in_order_and_not_to_who_left() -> None:
    """First come, first served; a raised limit holds at once."""
    queue = Turns()
    first, second, third = (queue.ask(1) for _ in range(3))
    assert (first.done(), second.done(), third.done()) == (True, False, False)
    assert second.cancel()
    queue.give_back()
    assert third.done()
    fourth = queue.ask(1)
    assert not fourth.done()
    assert queue.ask(3).done()
    assert fourth.done()


@pytest.mark.parametrize(
    ("address", "setting", "right"),
    [
        ("http://127.0.0.1:11434/v1", None, 1),
        ("http://localhost:1234/v1", None, 1),
        ("http://[::1]:8080/v1", None, 1),
        ("http://127.0.0.1:8000/v1", None, None),
        ("http://127.0.0.1:11434/v1", 4, 4),
        ("http://gpu.example:11434/v1", None, None),
        ("https://api.openai.com/v1", None, None),
        ("https://api.openai.com/v1", 8, 8),
    ],
)
def test_what_holds_where_nothing_is_set(address: str, setting: int | None, right: int | None) -> None:
    """Servers on this machine that answer one after the other are sent one request at a time."""
    assert requests_at_once(ProviderSettings(base_url=address, requests_at_once=setting)) == right


@pytest.mark.parametrize(
    ("owner", "props", "right"),
    [
        ("library", None, 1),
        ("me", None, 1),
        ("vllm", None, None),
        ("sglang", None, None),
        ("llamacpp", {"total_slots": 4}, 4),
        ("llamacpp", {"total_slots": "many"}, 1),
        ("llamacpp", None, 1),
    ],
)
def test_how_many_a_server_that_was_found_answers(owner: str, props: object, right: int | None) -> None:
    """It says what it is; llama.cpp says how many slots it has."""

    def talk(line: Line) -> None:
        if line.asked.startswith(b"GET /props "):
            line.send(reply(json.dumps(props).encode()) if props else reply(b"{}", status="404 Not Found"))
        else:
            line.send(reply(json.dumps({"data": [{"id": "m", "owned_by": owner}]}).encode()))

    with raw_server(talk) as raw:
        (found,) = local_servers([raw.port])
    assert found.requests_at_once == right


def test_a_classifier_that_is_late_names_its_own_setting() -> None:
    """Not that of a call: the rules decide, and say what to raise."""
    server = OneAtATime()
    with raw_server(server) as raw:
        settings = Settings(
            providers={"house": ProviderSettings(base_url=raw.base_url, api_key_env=None)},
            goals={"default": GoalSettings(arms=(ArmSettings(model="house/a"), ArmSettings(model="house/b")))},
            classifier=ClassifierSettings(model="house/judge", timeout_s=0.1),
        )
        store = open_store(":memory:")
        with Router(settings=settings, policy="classifier", store=store, environ={}) as router:
            decision = router.decide(HELLO)
            server.go.release()
        store.close()
    assert decision.fallback is not None
    assert "within 0.1 s; raise classifier.timeout_s" in decision.fallback
    assert "calls." not in decision.fallback
