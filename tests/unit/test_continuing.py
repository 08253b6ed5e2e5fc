"""Conversations stay with their model: turns that answer calls of tools, and sessions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router_core.errors import ArgumentError
from router_core.routing.continuing import Conversations, calls_of, tool_turn
from router_core.store.base import Store
from router_core.types import Decision
from tests.servers import ChatServer, Reply, Request, as_json, refused, usual
from tests.store_rows import OWN
from tests.unit.routing import CHEAP, HELLO, STRONG, Make, last
from tests.unit.test_router_streams import streamed

EVEN = [{"model": CHEAP, "weight": 1}, {"model": STRONG, "weight": 1}]
CALL = {"id": "call_0", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
ASSISTANT = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_0", "content": "12 degrees"}
LOOPS = 40


def calling(request: Request) -> Reply:
    """A model that calls a tool first, with an id that every answer repeats, and then answers."""
    if request.body["messages"][-1]["role"] == "tool":
        return usual(request)
    if request.body.get("stream"):
        return streamed({"tool_calls": [{"index": 0, **CALL}]}, finish_reason="tool_calls")
    return as_json({"choices": [{"index": 0, "message": ASSISTANT, "finish_reason": "tool_calls"}]})


def question(number: int) -> list[dict[str, Any]]:
    """A conversation of one user."""
    return [{"role": "user", "content": f"How warm is it, {number}?"}]


def test_tool_turns_stay_with_their_model(make_router: Make, server: ChatServer, store: Store) -> None:
    """Whatever the ids: the model that called is asked, with probability 1, and no policy drew it."""
    server.usual = calling
    router, first = make_router(EVEN), {}
    for number in range(LOOPS):
        router.completion(question(number))
        first[number] = last(store).decisions[0]
    assert {one.chosen for one in first.values()} == {CHEAP, STRONG}
    for number in range(LOOPS):  # all conversations go on at once
        router.completion([*question(number), ASSISTANT, RESULT])
        (turn,) = last(store).decisions
        assert (turn.chosen, turn.policy, turn.origin) == (first[number].chosen, "continued", "continued")
        assert (turn.propensity, sum(turn.probabilities)) == (1.0, 1.0)
        assert turn.reason.summary == f"answers the tools that {turn.chosen} called"
    assert store.rows("loggers", {"goal": "default", "since": None, "until": None})[0]["decisions"] == LOOPS


@pytest.mark.parametrize("texts", ["full", "hash"])
@pytest.mark.parametrize("stream", [False, True])
def test_after_a_restart_and_without_texts(
    make_router: Make, server: ChatServer, store: Store, stream: bool, texts: str
) -> None:
    """What is known stands in the log, as fingerprints."""
    server.usual = calling
    settings = {"privacy": {"keep_texts": texts}}
    router, chosen = make_router(EVEN, settings=settings), {}
    for number in range(12):
        list(router.completion(question(number), stream=stream))
        chosen[number] = last(store).decisions[0].chosen
    again = make_router(EVEN, settings=settings)
    for number in range(12):
        again.completion([*question(number), ASSISTANT, RESULT])
        (turn,) = last(store).decisions
        assert (turn.chosen, turn.origin) == (chosen[number], "continued")
    assert set(chosen.values()) == {CHEAP, STRONG}


def test_a_stream_that_is_left_at_its_last_piece(make_router: Make, server: ChatServer, store: Store) -> None:
    """A program may answer the tools before it closes the stream."""
    server.usual = calling
    router = make_router(EVEN)
    for number in range(10):
        stream = router.completion(question(number), stream=True)
        for chunk in stream:
            if chunk.choices[0].finish_reason == "tool_calls":
                break
        chosen = last(store).decisions[0].chosen
        assert last(store).completions == ()
        router.completion([*question(number), ASSISTANT, RESULT])
        assert (last(store).decisions[0].chosen, last(store).decisions[0].origin) == (chosen, "continued")
        stream.close()


def test_the_arguments_may_be_written_otherwise() -> None:
    """Frameworks decode and encode them; another call, another id or no id is another matter."""
    spaced = {**CALL, "function": {"name": "weather", "arguments": '{ "city":"Paris" }'}}
    other = {**CALL, "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
    as_object = {**CALL, "function": {"name": "weather", "arguments": {"city": "Paris"}}}
    (mark,) = calls_of({"tool_calls": [CALL]})
    assert calls_of({"tool_calls": [spaced, as_object]}) == (mark, mark)
    assert mark not in calls_of({"tool_calls": [other, {**CALL, "id": "call_1"}]})
    assert calls_of({"tool_calls": [{**CALL, "id": ""}, {"function": {}}, None]}) == ()
    assert calls_of({"tool_calls": "none"}) == calls_of({}) == ()
    half = {**CALL, "function": {"name": "weather", "arguments": '{"city": "\ud800'}}
    assert len(calls_of({"tool_calls": [half]})) == 1
    custom = {"id": "c", "type": "custom", "custom": {"name": "code", "input": "x = 1"}}
    assert calls_of({"tool_calls": [custom]}) != calls_of({"tool_calls": [{**custom, "custom": {"name": "code"}}]})


def test_what_is_a_turn_that_answers_tools() -> None:
    """Results behind the last answer; a later question, or no call, is none."""
    asked = [{"role": "user", "content": "?"}]
    assert tool_turn([*asked, ASSISTANT, RESULT]) is not None
    assert tool_turn([*asked, ASSISTANT, RESULT, {"role": "user", "content": "in Celsius"}]) is not None
    done = {"role": "assistant", "content": "12 degrees"}
    assert tool_turn([*asked, ASSISTANT, RESULT, done, *asked]) is None
    assert tool_turn([*asked, ASSISTANT, *asked]) is None
    assert tool_turn([*asked, {"role": "assistant", "content": ""}, RESULT]) is None
    assert tool_turn(asked) is None


def test_a_model_that_fails_or_has_left(make_router: Make, server: ChatServer, store: Store) -> None:
    """Another one answers, logged as a fallback; without the model the policy decides anew."""
    server.usual = calling
    make_router([{"model": CHEAP}]).completion(HELLO)
    turn = [*HELLO, ASSISTANT, RESULT]
    server.usual = lambda one: refused(500) if one.body["model"] == "gpt-4o-mini" else usual(one)
    make_router(EVEN).completion(turn)
    kept, instead = last(store).decisions
    assert (kept.chosen, kept.origin, instead.chosen, instead.origin) == (CHEAP, "continued", STRONG, "fallback")
    make_router([{"model": STRONG}]).completion(turn)
    assert (last(store).decisions[0].chosen, last(store).decisions[0].origin) == (STRONG, "library")


def test_a_session_keeps_its_model(make_router: Make, server: ChatServer, store: Store) -> None:
    """The first request is drawn, what follows stays, after a restart too; what fails takes the session along."""
    router = make_router(EVEN)
    began: dict[str, Decision] = {}
    for number in range(20):
        router.completion(HELLO, session=f"chat {number}")
        began[f"chat {number}"] = last(store).decisions[0]
    assert {one.chosen for one in began.values()} == {CHEAP, STRONG}
    assert {one.origin for one in began.values()} == {"library"}
    for asked in (router, make_router(EVEN)):
        for session, first in began.items():
            asked.completion(HELLO, session=session)
            (turn,) = last(store).decisions
            assert (turn.chosen, turn.origin) == (first.chosen, "continued")
            assert turn.reason.summary == f"the session is with {turn.chosen}"
            assert asked.decide(HELLO, session=session).chosen == first.chosen
    moving = next(session for session, one in began.items() if one.chosen == CHEAP)
    server.usual = lambda one: refused(500) if one.body["model"] == "gpt-4o-mini" else usual(one)
    router.completion(HELLO, session=moving)
    assert [one.origin for one in last(store).decisions] == ["continued", "fallback"]
    server.usual = usual
    for asked in (router, make_router(EVEN)):
        asked.completion(HELLO, session=moving)
        assert [one.chosen for one in last(store).decisions] == [STRONG]


def test_a_session_that_two_requests_begin(make_router: Make, store: Store) -> None:
    """The first decision binds the second, although both were drawn before any was stored."""
    decider = make_router(EVEN)._decider
    drawn = [make_router(EVEN).decide(HELLO) for _ in range(30)]
    bound = [decider.bound(one, "one session") for one in drawn]
    assert {one.chosen for one in bound} == {drawn[0].chosen} != {one.chosen for one in drawn}
    assert bound[0] == drawn[0]
    moved = [one for one, other in zip(bound, drawn, strict=True) if one.chosen != other.chosen]
    assert {(one.origin, one.propensity) for one in moved} == {("continued", 1.0)}


@pytest.mark.parametrize("session", ["", 7, "x" * 513, "sk-" + "a1" * 20])
def test_a_session_is_a_text(make_router: Make, store: Store, session: Any) -> None:
    """What is none is refused before anything is asked or stored."""
    with pytest.raises(ArgumentError, match=r"^(session|metadata\['session'\]) "):
        make_router(EVEN).completion(HELLO, session=session)
    assert store.recent_prompts(1) == []


def test_what_stays_is_nobodys_draw(make_router: Make, store: Store) -> None:
    """Where a learner counts only what it drew itself, a kept turn teaches nothing."""
    router = make_router([{"model": CHEAP}])
    for taught in (1, 1):
        _, request_id = router.completion(HELLO, session="s", return_request_id=True)
        router.report_outcome(request_id, 1.0)
        assert store.evidence("default", OWN)[CHEAP].count == taught
        assert store.rebuild_evidence("default", OWN) == store.evidence("default", OWN)


def test_what_is_remembered_is_bounded(store: Store) -> None:
    """Old conversations are looked up in the log."""
    known = Conversations(store)
    for number in range(25_000):
        known.answered("g", "arm", [f"call {number}"], "sha", f"session {number}")
    assert len(known._calls) == len(known._sessions) == 10_000


def test_calls_of_tools_are_kept_as_the_answer(make_router: Make, server: ChatServer, store: Store) -> None:
    """Of a stream as of a whole answer, behind the text where there is some."""
    server.usual = calling
    router = make_router(EVEN)
    for stream in (False, True):
        list(router.completion(HELLO, stream=stream))
        text = last(store).completions[0].text
        assert text is not None
        assert json.loads(text) == {"tool_calls": [CALL]}
    server.usual = streamed({"content": "Let me see"}, {"tool_calls": [{"index": 0, **CALL}]})
    list(router.completion(HELLO, stream=True))
    said, _, calls = (last(store).completions[0].text or "").partition("\n")
    assert (said, json.loads(calls)) == ("Let me see", {"tool_calls": [CALL]})
