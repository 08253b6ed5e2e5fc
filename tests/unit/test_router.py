"""The router that production code calls: it decides, calls over a real socket, logs everything, and learns."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from router_core import Outcome, Router
from router_core.errors import (
    InvalidOutcomeError,
    UnknownRequestError,
)
from router_core.routing.streams import RoutedStream
from router_core.sampling import draw
from router_core.settings import ProviderSettings, Settings
from router_core.store.base import Store
from router_core.types import Decision, Posterior, TeachingRule
from tests.servers import ChatServer, Reply, Request, answered, usual
from tests.unit.routing import CHEAP, HELLO, KEYS, ONLY, PATHS, STRONG, Make, asked, last


def test_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines that a reader copies: decide, call, report; simulated, as ROUTER_SIMULATED=1 asks for."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROUTER_SIMULATED", "1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("ROUTER_STORE", raising=False)
    router = Router(
        paths=[{"model": "openai/gpt-4o-mini", "weight": 0.8}, {"model": "openai/gpt-4o", "weight": 0.2}],
        success_when="response.choices[0].finish_reason == 'stop'",
        goal_id="spam_classification",
    )
    messages = [{"role": "user", "content": "Is this spam: you won a prize?"}]
    response, request_id = router.completion(messages, return_request_id=True)
    assert response.choices[0].message.content.startswith("[simulated gpt-4o")
    router.report_outcome(request_id, Outcome.SUCCESS)
    assert sum(one.observations for one in router.posteriors().values()) == 1
    router.close()
    assert (tmp_path / "data" / "router.simulated.duckdb").is_file()
    assert not (tmp_path / "data" / "router.duckdb").exists()


def test_weights_hold_before_evidence(make_router: Make, store: Store) -> None:
    """0.8 and 0.2 (with a fiftieth of the traffic spread evenly): exactly in the log, and nearly in the draws."""
    router = make_router()
    decisions = [router.decide(HELLO) for _ in range(2_000)]
    expected = decisions[0].probabilities
    assert expected == pytest.approx((0.8, 0.2), abs=0.02)
    share = Counter(decision.chosen for decision in decisions)[CHEAP] / 2_000
    assert abs(share - expected[0]) < 4.5 * (0.16 / 2_000) ** 0.5
    assert list(store.decisions()) == []


def test_everything_about_a_request_is_stored(make_router: Make, server: ChatServer, store: Store) -> None:
    """Prompt, decision and answer with tokens, price and cost; the provider's own object comes back."""
    response, request_id = make_router(ONLY).completion(HELLO, return_request_id=True, temperature=0.3, user="u1")
    assert response.choices[0].message.content == "I am gpt-4o-mini"
    sent = server.requests[0].body
    assert (sent["temperature"], sent["user"], sent["model"]) == (0.3, "u1", "gpt-4o-mini")
    found = last(store)
    (decision,), (completion,) = found.decisions, found.completions
    assert found.prompt.messages == tuple(HELLO)
    assert found.prompt.params == {"temperature": 0.3}  # texts among the parameters are sent, but not kept
    assert (decision.origin, decision.policy, decision.propensity) == ("library", "thompson", 1.0)
    assert decision.completion_id == completion.id == request_id
    assert (completion.text, completion.finish_reason, completion.error) == ("I am gpt-4o-mini", "stop", None)
    assert completion.cost_usd == Decimal("0.00000585")  # 11 x $0.15 + 7 x $0.60 a million
    assert found.outcomes == ()


def test_two_arms_may_share_a_model(make_router: Make, server: ChatServer, store: Store) -> None:
    """They differ in their parameters, and learn apart; what the request says goes before the arm's own."""
    paths = [{"model": CHEAP, "params": {"temperature": t}} for t in (0.0, 1.0)]
    router = make_router(paths)
    for _ in range(12):
        router.report_outcome(asked(router, max_tokens=5), True)
    temperatures = Counter(request.body["temperature"] for request in server.requests)
    arms = {f'{CHEAP}?{{"temperature":{t}}}': t for t in (0.0, 1.0)}
    assert temperatures.keys() == {0.0, 1.0}
    assert {arms[arm]: one.observations for arm, one in router.posteriors().items()} == temperatures
    asked(router, temperature=0.7)
    assert server.requests[-1].body["temperature"] == 0.7


def test_without_an_id_the_response_alone_comes_back(make_router: Make) -> None:
    """As the openai client would give it."""
    response: Any = make_router(ONLY).completion(HELLO)
    assert response.choices[0].message.content == "I am gpt-4o-mini"


def test_a_streamed_request(make_router: Make, store: Store) -> None:
    """Chunks as they come, the request's id, one completion, and the condition judged once."""
    judged: list[str] = []

    def good(response: Any) -> bool:
        judged.append(response.choices[0].message.content)
        return True

    stream = make_router(ONLY, success_when=good).completion(HELLO, stream=True)
    assert isinstance(stream, RoutedStream)
    assert judged == []
    text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert list(stream) == []
    stream.close()
    assert text == stream.text == "Iamgpt-4o-mini"
    assert judged == [text]
    found = last(store)
    (completion,), (outcome,) = found.completions, found.outcomes
    assert completion == stream.completion
    assert (completion.id, completion.finish_reason) == (stream.request_id, "stop")
    assert completion.first_token_ms is not None
    assert completion.usage is not None
    assert not completion.usage.estimated
    assert (outcome.source, outcome.reward) == ("condition", 1.0)


def test_reports_late_repeated_corrected_and_withdrawn(make_router: Make, store: Store) -> None:
    """In any order and again: of each request the last report counts, once."""
    router = make_router(ONLY)
    first, second = asked(router), asked(router)
    steps: list[tuple[str, Any, tuple[float, float, int]]] = [
        (second, Outcome.SUCCESS, (2, 1, 1)),
        (first, "failure", (2, 2, 2)),
        (first, "failure", (2, 2, 2)),
        (first, True, (3, 1, 2)),
        (second, 0.25, (2.25, 1.75, 2)),
        (second, Outcome.UNKNOWN, (2, 1, 1)),
        (first, None, (1, 1, 0)),
    ]
    for request_id, outcome, expected in steps:
        router.report_outcome(request_id, outcome, comment="said")
        assert router.posteriors() == {CHEAP: Posterior(*expected)}
    assert [one.reward for one in store.outcome_history(second)] == [1.0, 0.25, None]


def test_reports_that_are_none(make_router: Make) -> None:
    """An unknown request and a word that is not an outcome are refused."""
    router = make_router(ONLY)
    with pytest.raises(UnknownRequestError, match="never made"):
        router.report_outcome("00000000-0000-0000-0000-000000000000", Outcome.SUCCESS)
    with pytest.raises(InvalidOutcomeError, match="'great' is not an outcome"):
        router.report_outcome(asked(router), "great")


def test_a_report_goes_before_the_condition(make_router: Make, store: Store) -> None:
    """The automatic outcome teaches until somebody says otherwise, and again when that is withdrawn."""
    router = make_router(ONLY, success_when="finish_reason == 'stop'")
    request_id = asked(router)
    assert router.posteriors() == {CHEAP: Posterior(2, 1, 1)}
    router.report_outcome(request_id, Outcome.FAILURE)
    assert router.posteriors() == {CHEAP: Posterior(1, 2, 1)}
    router.report_outcome(request_id, Outcome.UNKNOWN)
    assert router.posteriors() == {CHEAP: Posterior(2, 1, 1)}


@pytest.mark.parametrize(
    ("condition", "rewards"),
    [
        (lambda response: response.choices[0].finish_reason == "stop", [1.0]),
        (lambda response: 0.25, [0.25]),
        (lambda response: Outcome.FAILURE, [0.0]),
        (lambda response: 1 / 0, [None]),
        (lambda response: "splendid", [None]),
        ("content == 'something else'", [0.0]),
        ("response.choices[7].message.content == ''", [None]),
    ],
)
def test_conditions(make_router: Make, store: Store, condition: Any, rewards: list[float | None]) -> None:
    """Text or callable; one that raises, or says what is not an outcome, is unknown and never a success."""
    router = make_router(ONLY, success_when=condition)
    request_id = asked(router)
    history = store.outcome_history(request_id)
    assert [one.reward for one in history] == rewards
    assert bool(history[0].comment) == (rewards == [None])
    assert router.posteriors()[CHEAP].observations == (0 if rewards == [None] else 1)


def test_the_classifier_policy(make_router: Make, server: ChatServer, store: Store) -> None:
    """Its own call goes over the wire, and its cost and milliseconds stand in the decision."""

    def reply(request: Request) -> Reply:
        if "response_format" in request.body:
            return answered('{"complexity": "COMPLEX", "reason": "several steps"}')
        return usual(request)

    server.usual = reply
    make_router(policy="classifier").completion(HELLO)
    (decision,) = last(store).decisions
    assert (decision.policy, decision.chosen, decision.probabilities) == ("classifier", STRONG, (0.0, 1.0))
    assert decision.reason.summary == "COMPLEX: “several steps”"
    assert decision.decision_cost_usd == Decimal("0.00000585")
    assert decision.decision_ms > 0
    assert [request.body["model"] for request in server.requests] == ["gpt-4o-mini", "gpt-4o"]


def test_every_stored_decision_can_be_drawn_again(make_router: Make, server: ChatServer, store: Store) -> None:
    """Seed, id and probabilities in the log give the same model, while learning and falling back go on."""
    router = make_router(settings={"seed": 42})
    for number in range(30):
        router.report_outcome(asked(router), number % 3 == 0)
    decisions: list[Decision] = list(store.decisions())
    assert len(decisions) == 30
    assert {decision.chosen for decision in decisions} == {CHEAP, STRONG}
    for decision in decisions:
        assert sum(decision.probabilities) == pytest.approx(1.0, abs=1e-12)
        assert decision.arms[draw(decision.probabilities, decision.seed, decision.id)] == decision.chosen


def test_eight_threads(make_router: Make, store: Store) -> None:
    """Requests and reports from everywhere at once: each stored once, each counted once."""
    router = make_router()

    def work(thread: int) -> None:
        for _ in range(5):
            router.report_outcome(asked(router), Outcome.SUCCESS)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert sum(one.observations for one in router.posteriors().values()) == 40
    assert len(list(store.decisions())) == 40
    assert store.evidence("default", TeachingRule()) == store.rebuild_evidence("default", TeachingRule())


def test_goals_learn_apart(make_router: Make) -> None:
    """What one goal has learned does not reach the other."""
    first, second = make_router(ONLY, goal_id="spam"), make_router(ONLY, goal_id="memos")
    first.report_outcome(asked(first), Outcome.SUCCESS)
    assert first.posteriors() == {CHEAP: Posterior(2, 1, 1)}
    assert second.posteriors() == {CHEAP: Posterior(1, 1, 0)}


def test_the_posterior_is_the_same_after_reopening(tmp_path: Path, server: ChatServer) -> None:
    """To the bit: it is nothing but the fold of the stored outcomes."""
    settings = Settings(providers={"openai": ProviderSettings(base_url=server.base_url)})
    environ = {**KEYS, "ROUTER_STORE": str(tmp_path / "kept.duckdb")}
    learned = []
    for turn in range(2):
        router = Router(PATHS, settings=settings, environ=environ)
        if turn == 0:
            for number in range(20):
                router.report_outcome(asked(router), number / 30)
        learned.append(router.posteriors())
        router.close()
        router.close()
    assert learned[0] == learned[1]
    assert sum(one.observations for one in learned[0].values()) == 20
