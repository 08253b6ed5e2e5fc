"""Chat completions over HTTP, by the openai client as it is and byte by byte."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import openai
import pytest
from pydantic import BaseModel

from router_core.errors import (
    ArgumentError,
    AuthenticationError,
    ModelNotFoundError,
    NoEligibleArmError,
    ProviderError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RateLimitError,
    RequestRejectedError,
    StoreError,
)
from router_core.serving.gateway import bodies, completions
from router_core.serving.gateway.failures import failure
from router_core.serving.gateway.reading import wanted
from router_core.settings import GoalSettings, ProviderSettings
from router_core.store.base import Store
from tests.gateways import Gateway, gateway
from tests.servers import USAGE, ChatServer, Reply, answered, as_json, events, refused, usual, wait_for
from tests.unit.routing import CHEAP, HELLO, ONLY, STRONG, last, only_completion
from tests.unit.test_continuing import ASSISTANT, CALL, RESULT, calling, question

EVEN = [{"model": CHEAP}, {"model": STRONG}]
Start = Callable[..., Gateway]


@pytest.fixture
def start(server: ChatServer, store: Store) -> Iterator[Start]:
    """Starts gateways over the server and the store."""
    running: list[Any] = []

    def started(**more: Any) -> Gateway:
        running.append(gateway(store, server.base_url, **more))
        made: Gateway = running[-1].__enter__()
        return made

    yield started
    for one in running:
        one.__exit__(None, None, None)


def post(at: Gateway, body: Any, **headers: str) -> httpx2.Response:
    """One request, as it is."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.post(f"{at.base_url}/chat/completions", content=content, headers=named, timeout=60)


def hello(**more: Any) -> dict[str, Any]:
    """The body of a usual request."""
    return {"model": "auto", "messages": HELLO, **more}


def test_a_plain_answer(start: Start, server: ChatServer, store: Store) -> None:
    """What the provider answers, with the request's id and the model's name; the rest stands in headers."""
    at = start(paths=ONLY)
    raw = at.client.chat.completions.with_raw_response.create(model="auto", messages=HELLO, temperature=0.5)  # type: ignore[arg-type]
    answer = raw.parse()
    (decision,) = last(store).decisions
    assert answer.choices[0].message.content == "I am gpt-4o-mini"
    assert answer.usage is not None
    assert answer.usage.total_tokens == USAGE["total_tokens"]
    assert (answer.id, answer.model) == (decision.completion_id, CHEAP)
    assert raw.headers["x-router-request-id"] == answer.id
    assert raw.headers["x-router-model"] == CHEAP
    assert raw.headers["x-router-policy"] == "thompson"
    assert float(raw.headers["x-router-probability"]) == 1.0
    assert raw.headers["x-router-reason"]
    assert wait_for(lambda: bool(last(store).completions))
    completion = only_completion(store)
    assert float(raw.headers["x-router-cost-usd"]) == pytest.approx(float(completion.cost_usd or 0))
    assert (completion.id, decision.origin) == (answer.id, "gateway")
    (sent,) = server.requests
    assert sent.headers["authorization"] == "Bearer sk-test-0123456789"
    assert "sk-of-the-client" not in str(sent)


def test_everything_is_passed_on(start: Start, server: ChatServer) -> None:
    """Known and unknown fields, and headers that providers understand; what is the gateway's own is left out."""
    odd = {"type": "house_extension", "strength": 0.25}
    body = hello(
        seed=7, n=2, logprobs=True, reasoning_effort="low", user="u-1", house_option=odd,
        parallel_tool_calls=False,
        tools=[{"type": "function", "function": {"name": "weather", "parameters": {}}}],
        metadata={"session_id": "s", "task_type": "spam", "goal": "default", "trace": "t-1"}, timeout=30,
    )  # fmt: skip
    answer = {
        "id": "c", "object": "chat.completion", "model": "m", "house": [1.5, None, "ü"],
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi", "mood": "ok"}}
        ],
        "usage": {**USAGE, "house_tokens": 3},
    }  # fmt: skip
    server.usual = as_json(answer)
    at = start(paths=[{"model": CHEAP, "params": {"top_p": 0.5, "seed": 1}}])
    got = post(at, body, openai_beta="assistants=v2", x_secret="no", cookie="c=1")
    (sent,) = server.requests
    expected = {**body, "model": "gpt-4o-mini", "top_p": 0.5, "metadata": {"trace": "t-1"}}
    del expected["timeout"]
    assert sent.body == expected
    assert sent.headers["openai-beta"] == "assistants=v2"
    assert not {"x-secret", "cookie"} & set(sent.headers)
    assert got.json() == {**answer, "id": got.headers["x-router-request-id"], "model": CHEAP}


def test_a_stream(start: Start, server: ChatServer, store: Store) -> None:
    """Chunks with one id and the role first, usage only where it was asked for, [DONE] at the end."""
    at = start(paths=ONLY)
    text = post(at, hello(stream=True)).text
    data = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert data[-1] == "[DONE]"
    chunks = [json.loads(one) for one in data[:-1]]
    assert {(one["id"], one["model"]) for one in chunks} == {(last(store).decisions[0].completion_id, CHEAP)}
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert all(one["choices"] for one in chunks)
    assert wait_for(lambda: bool(last(store).completions))
    assert not only_completion(store).usage.estimated  # type: ignore[union-attr]
    data = post(at, hello(stream=True, stream_options={"include_usage": True})).text.split("\n\n")
    usage = json.loads(data[-3].removeprefix("data: "))
    assert (usage["choices"], usage["usage"]) == ([], USAGE)


def test_the_official_client_in_coroutines(start: Start, store: Store) -> None:
    """Plain and streamed."""
    at = start(paths=ONLY)

    async def run() -> None:
        async with openai.AsyncOpenAI(base_url=at.base_url, api_key="none") as asynchronous:
            ask = asynchronous.chat.completions.create
            answer: Any = await ask(model="auto", messages=HELLO)  # type: ignore[call-overload]
            assert answer.choices[0].message.content == "I am gpt-4o-mini"
            stream: Any = await ask(model="auto", messages=HELLO, stream=True)  # type: ignore[call-overload]
            assert "".join([c.choices[0].delta.content or "" async for c in stream]) == "Iamgpt-4o-mini"

    asyncio.run(run())


class City(BaseModel):
    """A structured answer."""

    name: str


def test_structured_output_and_tools(start: Start, server: ChatServer, store: Store) -> None:
    """The client's own ``parse``; a tool turn goes to the model that called."""
    at = start(paths=EVEN)
    server.script = [answered('{"name": "Paris"}')]
    parsed = at.client.chat.completions.parse(model="auto", messages=HELLO, response_format=City)  # type: ignore[arg-type]
    assert parsed.choices[0].message.parsed == City(name="Paris")
    server.usual = calling
    for number in range(6):
        first: Any = at.client.chat.completions.create(model="auto", messages=question(number))  # type: ignore[call-overload]
        assert first.choices[0].message.tool_calls[0].function.name == CALL["function"]["name"]  # type: ignore[index]
        turn: Any = at.client.chat.completions.create(
            model="auto", messages=[*question(number), ASSISTANT, RESULT]
        )  # type: ignore[call-overload]
        assert turn.model == first.model


def test_goals_and_models_of_the_pool(start: Start, server: ChatServer, store: Store) -> None:
    """``goal:NAME`` chooses the goal; a named model is asked alone, and its row is of no off-policy use."""
    goals = {"default": GoalSettings(arms=ONLY), "hard": GoalSettings(arms=[{"model": STRONG}])}
    at = start(goals=goals)
    assert post(at, hello(model="goal:hard")).json()["model"] == STRONG
    assert last(store).decisions[0].goal == "hard"
    assert post(at, hello(), x_router_goal="hard").json()["model"] == STRONG
    assert post(at, hello(metadata={"goal": "hard"})).json()["model"] == STRONG
    for name in (STRONG, "gpt-4o"):
        got = post(at, hello(model=name))
        assert got.json()["model"] == STRONG
        (decision,) = last(store).decisions
        assert (decision.origin, decision.goal, got.headers["x-router-policy"]) == ("forced", "hard", "forced")
    server.usual = refused(500)
    assert post(at, hello(model=STRONG)).status_code == 502
    assert wait_for(lambda: len(last(store).completions) == 1)
    assert len(server.requests) == 6
    for name in ("goal:none", "gpt-9"):
        error = post(at, hello(model=name))
        assert (error.status_code, error.json()["error"]["code"]) == (404, "model_not_found")


def test_sessions(start: Start, server: ChatServer) -> None:
    """By header, metadata or user, a conversation stays with its model."""
    at = start(paths=EVEN)
    number = 0
    while number < 60 and len({one.body["model"] for one in server.requests}) < 2:  # until both were drawn
        post(at, hello(), x_router_session=f"s{number}")
        post(at, hello(metadata={"session_id": f"s{number}"}))
        post(at, hello(user=f"s{number}"))
        number += 1
    models = [one.body["model"] for one in server.requests]
    assert all(len(set(models[at : at + 3])) == 1 for at in range(0, len(models), 3))
    assert len(set(models)) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_fallback_before_the_first_byte(start: Start, server: ChatServer, store: Store, stream: bool) -> None:
    """The other model answers, and the headers say so."""
    server.script = [refused(500, "out of order ü")]
    got = post(start(), hello(stream=stream))
    assert got.status_code == 200
    assert got.headers["x-router-policy"] == "fallback"
    assert "out of order ?" in got.headers["x-router-reason"]
    assert got.headers["x-router-model"] == last(store).decisions[-1].chosen


def test_an_error_after_the_first_byte(start: Start, server: ChatServer, store: Store) -> None:
    """An event says so; no second answer follows."""
    server.usual = events("one ", "two ", broken=True)
    data = post(start(), hello(stream=True)).text.split("\n\n")
    error = json.loads(data[-3].removeprefix("data: "))["error"]
    assert "broke off" in error["message"]
    assert data[-2] == "data: [DONE]"
    assert len(server.requests) == 1
    with pytest.raises(openai.APIError, match="broke off"):
        list(start().client.chat.completions.create(model="auto", messages=HELLO, stream=True))  # type: ignore[call-overload]


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_hangs_up_while_it_waits(
    start: Start, server: ChatServer, store: Store, stream: bool
) -> None:
    """The provider's connection is closed at once, and the cost is unknown."""
    server.usual = Reply(200, (b" ", *[b" "] * 5_000), pause_s=0.01)
    at = start(paths=ONLY)
    _hung_up(at, hello(stream=stream), lambda connection: wait_for(lambda: bool(server.requests)))
    assert server.hung_up.wait(60)
    assert wait_for(lambda: bool(last(store).completions))
    completion = only_completion(store)
    assert completion.cost_usd is None
    assert completion.error == f"{CHEAP} was not waited for: the request was cancelled"


@pytest.mark.parametrize("silent", [False, True])
def test_a_client_that_hangs_up_in_a_stream(start: Start, server: ChatServer, store: Store, silent: bool) -> None:
    """The same, whether the provider writes or thinks; what came is stored, with what it cost."""
    server.usual = events("one ", *["more "] * 5_000, pause_s=30 if silent else 0.01)
    at = start(paths=ONLY)
    _hung_up(at, hello(stream=True), lambda connection: b"one " in connection.recv(65536) + connection.recv(65536))
    assert wait_for(lambda: bool(last(store).completions))
    completion = only_completion(store)
    assert (completion.text or "").startswith("one ")
    assert (completion.finish_reason, completion.error) == ("stopped", None)
    assert completion.cost_usd
    if not silent:
        assert server.hung_up.wait(60)


def _hung_up(at: Gateway, body: Any, until: Callable[[socket.socket], bool]) -> None:
    """Ask, read until something holds, and go."""
    content = json.dumps(body).encode()
    port = int(at.base_url.split(":")[2].split("/")[0])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(content)}\r\n\r\n"
        connection.sendall(head.encode() + content)
        assert until(connection)


def test_comments_while_a_provider_thinks(
    start: Start, server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody between would take a silent stream for dead; clients skip comments."""
    monkeypatch.setattr(completions, "QUIET_S", 0.05)
    server.usual = events("one ", "two ", pause_s=0.3)
    at = start(paths=ONLY)
    assert ": still here\n\n" in post(at, hello(stream=True)).text
    stream: Any = at.client.chat.completions.create(model="auto", messages=HELLO, stream=True)  # type: ignore[call-overload]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "one two "


def test_what_cannot_serve_is_not_drawn(start: Start, server: ChatServer, store: Store) -> None:
    """Propensities are over the models that can; where none can, a sentence says why, and nothing is logged."""
    providers = {
        "openai": ProviderSettings(base_url=server.base_url),
        "plain": ProviderSettings(base_url=server.base_url, json_mode=False, api_key_env=None),
    }
    arms = [{"model": "plain/tiny", "weight": 1000}, {"model": STRONG}]
    at = start(providers=providers, paths=arms, calls={"max_retries": 0, "max_prompt_characters": 1_000_000})
    for _ in range(8):
        got = post(at, hello(response_format={"type": "json_object"}))
        assert (got.json()["model"], got.headers["x-router-probability"]) == (STRONG, "1.0")
        assert last(store).decisions[0].arms == (STRONG,)
    long = [{"role": "user", "content": "word " * 150_000}]
    assert {post(at, hello(messages=long)).json()["model"] for _ in range(4)} == {"plain/tiny"}
    before = len(store.recent_prompts(100))
    error = post(at, hello(messages=long, response_format={"type": "json_object"}))
    assert (error.status_code, error.json()["error"]["code"]) == (503, "no_eligible_model")
    assert "its context holds 128,000 tokens" in error.json()["error"]["message"]
    assert "does not honour JSON mode" in error.json()["error"]["message"]
    assert len(store.recent_prompts(100)) == before


def test_a_model_that_refuses_images_is_asked_once(start: Start, server: ChatServer, store: Store) -> None:
    """What it has refused it is not drawn for again; plain texts still go to it."""

    def no_images(request: Any) -> Reply:
        if request.body["model"] == "gpt-4o-mini" and isinstance(request.body["messages"][0]["content"], list):
            return refused(400, "This model does not support image input")
        return usual(request)

    server.usual = no_images
    at = start(paths=[{"model": CHEAP, "weight": 10_000}, {"model": STRONG}])
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": "data:,x"}}]
    for _ in range(4):
        assert post(at, hello(messages=[{"role": "user", "content": parts}])).json()["model"] == STRONG
    assert [one.body["model"] for one in server.requests].count("gpt-4o-mini") == 1
    assert post(at, hello()).json()["model"] == CHEAP


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"not json", "not JSON"),
        (b'"a"', "send a JSON object"),
        (b"[" * 100_000, "nested deeper"),
        ({"model": "auto"}, "messages is"),
        ({"model": 5, "messages": HELLO}, "model is '5'"),
        (hello(messages=[]), "messages is"),
        (hello(messages=["x"]), "message"),
        (hello(messages=[{"role": "user", "content": ""}]), "empty"),
        (hello(stream="yes"), "stream is 'yes'"),
        (hello(timeout="x"), "timeout"),
        (hello(metadata=5), "metadata is '5'"),
        (hello(metadata={"task_type": 5}), "task_type is '5'"),
    ],
)
def test_what_cannot_be_used_is_a_400(start: Start, server: ChatServer, body: Any, said: str) -> None:
    """In OpenAI's form, with a sentence, before anything is sent."""
    error = post(start(), body)
    assert error.status_code == 400
    assert said in error.json()["error"]["message"]
    assert error.json()["error"]["type"] == "invalid_request_error"
    assert server.requests == []


def test_a_body_that_is_too_large(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether its size is announced or not."""
    monkeypatch.setattr(bodies, "MOST_BYTES", 1000)
    at = start()
    assert post(at, hello(x="y" * 2000)).status_code == 413
    pieces = (b"x" * 100 for _ in range(30))
    assert httpx2.post(f"{at.base_url}/chat/completions", content=pieces).status_code == 413


def test_the_cause_gives_the_status(start: Start, server: ChatServer) -> None:
    """Behind "no model answered" stands what the provider said; its 401 is not the client's."""
    at = start(paths=ONLY)
    for reply, status, code in (
        (refused(429, "slow down", retry_after="7"), 429, "rate_limit_exceeded"),
        (refused(401, "wrong key"), 502, "upstream_error"),
        (refused(404, "no such model"), 404, "model_not_found"),
        (refused(400, "max_tokens is too large"), 400, "upstream_refused"),
        (refused(503, "overloaded"), 503, "upstream_unavailable"),
        (refused(500, "broken"), 502, "upstream_unavailable"),
        (Reply(200, (b"<html>",)), 502, "upstream_error"),
    ):
        server.usual = reply
        error = post(at, hello())
        assert (error.status_code, error.json()["error"]["code"]) == (status, code)
        assert error.headers.get("retry-after") == ("7" if status == 429 else None)
    server.usual = Reply(200, (b" ", b" "), pause_s=60)
    assert post(at, hello(), x_router_timeout="0.3").status_code == 504


def _failed(*causes: ProviderError) -> NoEligibleArmError:
    return NoEligibleArmError("no model answered", {}, {str(at): cause for at, cause in enumerate(causes)})


def _with_status(error: ProviderError, status: int) -> ProviderError:
    error.status = status
    return error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (_failed(RateLimitError("a", 9), RateLimitError("b", 2.5)), 429),
        (_failed(_with_status(RequestRejectedError("a"), 400), ProviderTimeoutError("b")), 504),
        (_failed(AuthenticationError("a"), ModelNotFoundError("b")), 502),
        (_with_status(RequestRejectedError("no credit"), 402), 502),
        (ProviderUnavailableError("gone", 3.0), 502),
        (StoreError("full"), 503),
        (ArgumentError("odd"), 400),
        (ValueError("secret"), 500),
    ],
)
def test_statuses(error: Exception, status: int) -> None:
    """Of several causes the one that passes with time; what is none of ours is not told."""
    told = failure(error)
    assert told.status == status
    assert "secret" not in json.dumps(told.body)
    if status == 429:
        assert told.headers == {"retry-after": "3"}


def test_what_is_noted(start: Start, store: Store) -> None:
    """Texts of the caller are kept with the prompt; what cannot be kept goes to the provider alone."""
    at = start(paths=ONLY)
    post(at, hello(user="u-1", metadata={"trace": "t", "big": "x" * 600, "list": ["a"], "session_id": "s"}))
    assert last(store).prompt.metadata == {"user": "u-1", "trace": "t", "session": "s"}


def test_who_may_use_which_goal() -> None:
    """A caller's own goals are all that there is for it."""
    asked = wanted(hello(model="goal:hard"), {}, goals={"default"})
    assert asked.goals == {"default"}


@pytest.mark.parametrize("stream", [False, True])
def test_stored_first(server: ChatServer, store: Store, start: Start, stream: bool) -> None:
    """The last byte waits for the commit, so the answer is there at once."""
    server.usual = events("hel", "lo") if stream else usual
    at = start(calls={"stored_first": True})
    for _ in range(10):
        id_ = post(at, hello(stream=stream)).headers["x-router-request-id"]
        decision = store.decision_of(id_)
        assert decision is not None
        kept = store.comparison(decision.prompt_id)
        assert kept is not None
        assert [one.id for one in kept.completions] == [id_]
