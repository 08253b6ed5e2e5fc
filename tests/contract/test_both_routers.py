"""``Router`` and ``AsyncRouter``: the same requests, answers, faults and log, case by case over a real server."""

from __future__ import annotations

import asyncio
import gc
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from router_core import AsyncRouter, Outcome, Router
from router_core.errors import (
    ArgumentError,
    InterruptedStreamError,
    InvalidOutcomeError,
    MissingKeyError,
    NoEligibleArmError,
    ProviderTimeoutError,
    RequestRejectedError,
    StoreClosedError,
    UnknownRequestError,
)
from router_core.settings import ClassifierSettings, ProviderSettings, Settings
from router_core.store import open_store
from router_core.store.base import Store
from tests.raw_server import completion, raw_server, reply
from tests.servers import USAGE, ChatServer, Reply, answered, chat_server, events, refused, usual, wait_for
from tests.unit.routing import CHEAP, HELLO, KEYS, ONLY, PATHS, STRONG, last, only_completion
from tests.unit.test_continuing import ASSISTANT, RESULT, calling, question


class Shell(ABC):
    """One of the routers, with the same names for what a program does with it."""

    router: Any

    @abstractmethod
    def ask(self, *args: Any, **params: Any) -> Any:
        """A whole answer."""

    @abstractmethod
    def open(self, **params: Any) -> Any:
        """A stream."""

    @abstractmethod
    def next(self, stream: Any) -> Any:
        """Its next chunk; None at the end."""

    @abstractmethod
    def done(self, work: Any) -> Any:
        """What closing, deciding or reporting comes to."""

    def read(self, stream: Any) -> str:
        """The text of a stream that is read to its end."""
        chunks = iter(lambda: self.next(stream), None)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


class Threads(Shell):
    """``Router``."""

    def __init__(self, *args: Any, **more: Any) -> None:
        self.router = Router(*args, **more)

    def ask(self, *args: Any, **params: Any) -> Any:
        return self.router.completion(*(args or (HELLO,)), **params)

    def open(self, **params: Any) -> Any:
        return self.router.completion(HELLO, stream=True, **params)

    def next(self, stream: Any) -> Any:
        return next(stream, None)

    def done(self, work: Any) -> Any:
        return work

    def end(self) -> None:
        self.router.close()


class Loop(Shell):
    """``AsyncRouter``, in a loop that runs while something is awaited."""

    def __init__(self, *args: Any, **more: Any) -> None:
        self.runner = asyncio.Runner()
        self.router = AsyncRouter(*args, **more)

    def ask(self, *args: Any, **params: Any) -> Any:
        return self.runner.run(self.router.completion(*(args or (HELLO,)), **params))

    def open(self, **params: Any) -> Any:
        return self.runner.run(self.router.completion(HELLO, stream=True, **params))

    def next(self, stream: Any) -> Any:
        async def following() -> Any:
            return await anext(stream, None)

        return self.runner.run(following())

    def done(self, work: Any) -> Any:
        return self.runner.run(work)

    def end(self) -> None:
        self.runner.run(self.router.close())
        self.runner.close()


Make = Callable[..., Any]


@pytest.fixture
def server() -> Iterator[ChatServer]:
    """A provider."""
    with chat_server() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty file."""
    opened = open_store(tmp_path / "router.duckdb")
    yield opened
    opened.close()


@pytest.fixture(params=[Threads, Loop], ids=["Router", "AsyncRouter"])
def make(request: pytest.FixtureRequest, server: ChatServer, store: Store) -> Iterator[Make]:
    """Makes one of the two over the server and the store, without retries; closes it at the end."""
    made: list[Any] = []

    def router(paths: Any = PATHS, address: str = server.base_url, **more: Any) -> Any:
        values = {"providers": {"openai": ProviderSettings(base_url=address)}, "calls": {"max_retries": 0}}
        settings = Settings(**(values | more.pop("settings", {})))
        given: dict[str, Any] = {"settings": settings, "store": store, "environ": KEYS, **more}
        made.append(request.param(paths, **given))
        return made[-1]

    yield router
    for one in made:
        one.end()


def test_a_plain_answer(make: Make, server: ChatServer, store: Store) -> None:
    """The client's own response, one decision with its propensity, one completion with tokens and cost."""
    shell = make(ONLY)
    response, request_id = shell.ask(return_request_id=True, temperature=0)
    assert response.choices[0].message.content == "I am gpt-4o-mini"
    assert response.usage.total_tokens == USAGE["total_tokens"]
    (sent,) = server.requests
    assert (sent.body["model"], sent.body["temperature"]) == ("gpt-4o-mini", 0)
    (decision,) = last(store).decisions
    completion = only_completion(store)
    assert (decision.completion_id, decision.propensity, decision.origin) == (request_id, 1.0, "library")
    assert (completion.id, completion.text, completion.finish_reason) == (request_id, "I am gpt-4o-mini", "stop")
    assert completion.cost_usd
    assert completion.total_ms is not None


def test_a_stream(make: Make, store: Store) -> None:
    """Chunks as they come; stored at the end, with the time to the first token and the provider's count."""
    shell = make(ONLY)
    stream = shell.open()
    assert stream.completion is None
    assert shell.read(stream) == "Iamgpt-4o-mini" == stream.text
    completion = only_completion(store)
    assert stream.completion == completion
    assert (completion.id, completion.finish_reason) == (stream.request_id, "stop")
    assert completion.usage is not None
    assert not completion.usage.estimated
    assert completion.first_token_ms is not None


@pytest.mark.parametrize("stream", [False, True])
def test_fallback(make: Make, server: ChatServer, store: Store, stream: bool) -> None:
    """The likelier model fails, the other answers; the log has both calls and says why."""
    server.script = [refused(500, "out of order")]
    shell = make()
    if stream:
        assert shell.read(shell.open()).startswith("Iam")
    else:
        assert shell.ask().choices[0].message.content.startswith("I am")
    drawn, fallback = last(store).decisions
    assert (drawn.origin, fallback.origin) == ("library", "fallback")
    assert "out of order" in (fallback.fallback or "")
    assert [one.error is None for one in last(store).completions] == [False, True]
    assert {one.body["model"] for one in server.requests} == {"gpt-4o", "gpt-4o-mini"}


def test_when_nobody_answers(make: Make, server: ChatServer, store: Store) -> None:
    """Every cause is told."""
    server.usual = refused(500, "out of order")
    with pytest.raises(NoEligibleArmError) as raised:
        make().ask()
    assert set(raised.value.causes) == {CHEAP, STRONG}
    assert len(last(store).completions) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_retries(make: Make, server: ChatServer, store: Store, stream: bool) -> None:
    """A rate limit is waited out as the provider asks, and counted."""
    server.script = [refused(429, "slow down", retry_after="0.01")] * 2
    shell = make(ONLY, settings={"calls": {"max_retries": 2}})
    if stream:
        shell.read(shell.open())
    else:
        shell.ask()
    assert only_completion(store).retries == 2
    assert len(server.requests) == 3


def test_a_refused_parameter_is_left_out(make: Make, server: ChatServer) -> None:
    """What a model refuses by name is not sent again, and remembered."""

    def no_temperature(request: Any) -> Reply:
        if "temperature" in request.body:
            return refused(400, "Unsupported parameter: 'temperature'", "unsupported_parameter")
        return usual(request)

    server.usual = no_temperature
    shell = make(ONLY)
    shell.ask(temperature=0.5)
    shell.ask(temperature=0.5)
    assert ["temperature" in one.body for one in server.requests] == [True, False, False]


def test_a_mistake_of_the_caller_is_raised_once(make: Make, server: ChatServer) -> None:
    """No other model is asked."""
    server.usual = refused(400, "temperature must be at most 2, but 9 was given")
    with pytest.raises(RequestRejectedError):
        make().ask(temperature=9)
    assert len(server.requests) == 1


def test_a_deadline_around_the_headers(make: Make, store: Store) -> None:
    """A server that sends a byte now and then is not waited for beyond the time given; it may charge."""
    with raw_server(lambda line: line.trickle(reply(completion()), 0.05)) as slow:
        with pytest.raises(NoEligibleArmError) as raised:
            make(ONLY, slow.base_url).ask(timeout=0.3)
        assert isinstance(raised.value.causes[CHEAP], ProviderTimeoutError)
    assert only_completion(store).cost_usd is None


@pytest.mark.parametrize("stream", [False, True])
def test_a_deadline_around_the_body(make: Make, server: ChatServer, store: Store, stream: bool) -> None:
    """The same after the first byte: what came of a stream is kept, and no second answer is glued on."""
    server.usual = events("one ", "two ", pause_s=60) if stream else Reply(200, (b" ", b" "), pause_s=60)
    shell = make(PATHS if stream else ONLY)
    if not stream:
        with pytest.raises(NoEligibleArmError):
            shell.ask(timeout=0.3)
        return
    opened = shell.open(timeout=0.5)
    assert shell.next(opened).choices[0].delta.content == "one "
    with pytest.raises(ProviderTimeoutError):
        shell.next(opened)
    completion = only_completion(store)
    assert (completion.text, completion.error is not None) == ("one ", True)
    assert len(server.requests) == 1


def test_a_stream_that_breaks(make: Make, server: ChatServer, store: Store) -> None:
    """What came is kept with the error."""
    server.usual = events("one ", "two ", broken=True)
    shell = make()
    stream = shell.open()
    with pytest.raises(InterruptedStreamError):
        shell.read(stream)
    completion = only_completion(store)
    assert (completion.text, completion.finish_reason) == ("one two ", None)
    assert completion.error is not None
    assert completion.cost_usd


@pytest.mark.parametrize("how", ["closed", "dropped", "closed with the router"])
def test_a_stream_that_is_left(make: Make, server: ChatServer, store: Store, how: str) -> None:
    """The provider stops writing; what came is stored once, stopped, with a cost that is not nothing."""
    server.usual = events("one ", *["more "] * 5_000, pause_s=0.01)
    shell = make(ONLY)
    stream = shell.open()
    shell.next(stream)
    if how == "closed":
        shell.done(stream.close())
    elif how == "dropped":
        del stream
        gc.collect()
    else:
        shell.done(shell.router.close())
    assert wait_for(lambda: bool(last(store).completions))
    completion = only_completion(store)
    assert (completion.text or "").startswith("one ")
    assert completion.finish_reason == "stopped"
    assert completion.cost_usd
    assert server.hung_up.wait(60)


def test_calls_of_tools_stay_with_their_model(make: Make, server: ChatServer, store: Store) -> None:
    """Whole and streamed: who called answers the turn, with probability 1."""
    server.usual = calling
    shell = make([{"model": CHEAP}, {"model": STRONG}])
    chosen: list[str] = []
    while len(chosen) < 60 and len(set(chosen)) < 2:  # until both were drawn
        shell.ask(question(len(chosen)))
        chosen.append(last(store).decisions[0].chosen)
    for number in range(len(chosen)):
        shell.ask([*question(number), ASSISTANT, RESULT])
        (turn,) = last(store).decisions
        assert (turn.chosen, turn.origin, turn.propensity) == (chosen[number], "continued", 1.0)
    assert set(chosen) == {CHEAP, STRONG}


def test_sessions(make: Make, server: ChatServer) -> None:
    """All requests of a session go to one model."""
    shell = make([{"model": CHEAP}, {"model": STRONG}])
    sessions = 0
    while sessions < 60 and len({one.body["model"] for one in server.requests}) < 2:  # until both were drawn
        for _ in range(3):
            shell.ask(session=f"s{sessions}", metadata={"user": "42"})
        sessions += 1
    models = [one.body["model"] for one in server.requests]
    threes = [set(models[at : at + 3]) for at in range(0, len(models), 3)]
    assert all(len(one) == 1 for one in threes)
    assert len(set(models)) == 2


def test_the_classifier_is_asked(make: Make, server: ChatServer, store: Store) -> None:
    """Once for each text; its verdict decides, and a failure is no failure of the request."""
    server.script = [answered('{"complexity": "COMPLEX", "reason": "maths"}'), usual, usual, refused(500)]
    shell = make(policy="classifier", settings={"classifier": ClassifierSettings(model="openai/judge")})
    for _ in range(2):
        shell.ask()
    assert [one.body["model"] for one in server.requests] == ["judge", "gpt-4o", "gpt-4o"]
    shell.ask([{"role": "user", "content": "Another text"}])
    assert last(store).decisions[0].fallback is not None


@pytest.mark.parametrize("policy", ["heuristic", "thompson", "contextual", "by-task"])
def test_every_policy_decides(make: Make, store: Store, policy: str) -> None:
    """And learns from outcomes that are reported: the next decision knows them."""
    shell = make(policy=policy)
    for outcome in (Outcome.SUCCESS, 0.25, None):
        _, request_id = shell.ask(return_request_id=True, task_type="spam")
        shell.done(shell.router.report_outcome(request_id, outcome, "as said"))
    decision = shell.done(shell.router.decide(HELLO))
    assert sum(decision.probabilities) == pytest.approx(1.0)
    known = shell.router.posteriors().values()
    assert sum(one.alpha + one.beta for one in known) == pytest.approx(2 * 2 + 2)


def test_the_same_decision(make: Make) -> None:
    """The same id on the same state draws the same model."""
    shell = make()
    ids = [f"0190f3c2-0000-7000-8000-{number:012d}" for number in range(40)]
    drawn = [shell.done(shell.router.decide(HELLO, decision_id=one)).chosen for one in ids]
    assert drawn == [shell.done(shell.router.decide(HELLO, decision_id=one)).chosen for one in ids]
    with Router(PATHS, store=open_store(":memory:"), environ=KEYS) as other:
        assert drawn == [other.decide(HELLO, decision_id=one).chosen for one in ids]


def test_a_decision_that_somebody_else_carries_out(make: Make, server: ChatServer, store: Store) -> None:
    """Logged once for its id; the first report says what the call took."""
    shell = make()
    decision = shell.done(shell.router.decide(HELLO, log=True, metadata={"trace": "t"}))
    assert shell.done(shell.router.decide(HELLO, log=True, decision_id=decision.id)) == decision
    took = {"input_tokens": 10, "output_tokens": 5, "latency_ms": 12.5, "text": "Hello"}
    shell.done(shell.router.report_outcome(decision.id, "success", **took))
    completion = only_completion(store)
    assert (completion.id, completion.text, completion.total_ms) == (decision.id, "Hello", 12.5)
    assert completion.cost_usd
    with pytest.raises(ArgumentError, match="reported before"):
        shell.done(shell.router.report_outcome(decision.id, "success", latency_ms=1.0))
    assert server.requests == []


def test_conditions(make: Make, store: Store) -> None:
    """Every answer is judged, a streamed one when it is complete."""
    shell = make(ONLY, success_when="'gpt' in content")
    shell.ask()
    assert [one.reward for one in last(store).outcomes] == [1.0]
    shell.read(shell.open())
    assert [one.reward for one in last(store).outcomes] == [1.0]


class City(BaseModel):
    """What an answer is read as."""

    name: str


def test_a_class_as_response_format(make: Make, server: ChatServer) -> None:
    """Its schema is sent, and the answer is read."""
    server.usual = answered('{"name": "Paris"}')
    response = make(ONLY).ask(response_format=City)
    assert response.choices[0].message.parsed == City(name="Paris")
    assert server.requests[0].body["response_format"]["type"] == "json_schema"


def test_what_cannot_be_used_is_refused(make: Make, server: ChatServer, store: Store) -> None:
    """By the same errors, before anything is sent or stored."""
    shell = make()
    with pytest.raises(ArgumentError, match="stream"):
        shell.ask(stream="yes")
    with pytest.raises(ArgumentError, match="timeout"):
        shell.ask(timeout="soon")
    with pytest.raises(ArgumentError, match="metadata"):
        shell.ask(metadata={"a": 1})
    with pytest.raises(InvalidOutcomeError):
        shell.done(shell.router.report_outcome("0190f3c2-0000-7000-8000-000000000000", 7))
    for unknown in ("0190f3c2-0000-7000-8000-000000000000", "no id"):
        with pytest.raises(UnknownRequestError):
            shell.done(shell.router.report_outcome(unknown, 1.0))
    with pytest.raises(MissingKeyError):
        make(environ={}).ask()
    with pytest.raises(ArgumentError, match="call completion"):
        shell.router.chat.completions.create()
    assert server.requests == []
    assert store.recent_prompts(1) == []


def test_closing(make: Make, store: Store) -> None:
    """The store that was handed in stays open; one that was opened is closed, and then nothing is asked."""
    shell = make(ONLY, store=None, environ={**KEYS, "ROUTER_STORE": ":memory:"})
    shell.ask()
    shell.done(shell.router.close())
    with pytest.raises(StoreClosedError):
        shell.ask()
    other = make(ONLY)
    other.ask()
    other.done(other.router.close())
    assert len(store.recent_prompts(5)) == 1


def test_simulated_models(make: Make) -> None:
    """Without a key and without a network, whole and streamed."""
    shell = make(simulated=True, store=open_store(":memory:", kind="simulated"), environ={})
    assert shell.ask().choices[0].message.content
    assert shell.read(shell.open())


def test_a_file_that_was_exported(make: Make) -> None:
    """``from_settings`` makes the same router for both: the file's own probabilities."""
    path = Path(__file__).parents[1] / "golden" / "router_v1.json"
    given: dict[str, Any] = {
        "goal_id": "mail",
        "environ": KEYS,
        "allow_endpoints": {"http://127.0.0.1:8080/v1": None},
    }
    with Router.from_settings(path, store=open_store(":memory:"), **given) as one:
        expected = one.decide(HELLO, decision_id="d-1")
    shell = make()
    other = type(shell.router).from_settings(path, store=open_store(":memory:"), **given)
    decision = shell.done(other.decide(HELLO, decision_id="d-1"))
    assert (decision.chosen, decision.probabilities) == (expected.chosen, expected.probabilities)
    shell.done(other.close())
