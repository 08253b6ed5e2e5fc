"""The router that production code calls: it decides, calls over a real socket, logs everything, and learns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from router_core import Outcome, Router
from router_core.calling import RoutedStream
from router_core.errors import (
    InterruptedStreamError,
    InvalidOutcomeError,
    MissingKeyError,
    NoEligibleArmError,
    PromptError,
    SettingsError,
    StoreError,
    UnknownRequestError,
)
from router_core.sampling import draw
from router_core.settings import ClassifierSettings, GoalSettings, PrivacySettings, ProviderSettings, Settings
from router_core.store import open_store
from router_core.store.base import Comparison, Store
from router_core.types import Completion, Decision, Posterior, TeachingRule
from tests.servers import ChatServer, Reply, Request, answered, chat_server, events, refused, usual

CHEAP, STRONG = "openai/gpt-4o-mini", "openai/gpt-4o"
PATHS = [{"model": CHEAP, "weight": 0.8}, {"model": STRONG, "weight": 0.2}]
ONLY = [{"model": CHEAP}]
HELLO = [{"role": "user", "content": "Is this spam: free prize?"}]
KEYS = {"OPENAI_API_KEY": "sk-test-0123456789"}


@pytest.fixture
def server() -> Iterator[ChatServer]:
    """A server that answers with the model's name unless told otherwise."""
    with chat_server() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty file."""
    opened = open_store(tmp_path / "router.duckdb")
    yield opened
    opened.close()


Make = Callable[..., Router]


@pytest.fixture
def make(server: ChatServer, store: Store) -> Iterator[Make]:
    """Makes routers over the server and the store, without retries; closes them at the end."""
    made: list[Router] = []

    def router(paths: Any = PATHS, settings: dict[str, Any] | None = None, **more: Any) -> Router:
        values: dict[str, Any] = {
            "providers": {"openai": ProviderSettings(base_url=server.base_url)},
            "calls": {"max_retries": 0},
        }
        made.append(
            Router(paths, settings=Settings(**(values | (settings or {}))), store=store, environ=KEYS, **more)
        )
        return made[-1]

    yield router
    for one in made:
        one.close()


def asked(router: Router, **params: Any) -> str:
    """One request; its id."""
    _, request_id = router.completion(HELLO, return_request_id=True, **params)  # type: ignore[misc]
    return str(request_id)


def last(store: Store) -> Comparison:
    """Everything about the newest prompt."""
    found = store.comparison(store.recent_prompts(1)[0].id)
    assert found is not None
    return found


def only_completion(store: Store) -> Completion:
    """The one answer to the newest prompt."""
    (completion,) = last(store).completions
    return completion


def failing(model: str, reply: Reply) -> Callable[[Request], Reply]:
    """One model fails, the others answer."""
    return lambda request: reply if request.body["model"] == model else usual(request)


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
    response, request_id = router.completion(messages, return_request_id=True)  # type: ignore[misc]
    assert response.choices[0].message.content.startswith("[simulated gpt-4o")
    router.report_outcome(request_id, Outcome.SUCCESS)
    assert sum(one.observations for one in router.posteriors().values()) == 1
    router.close()
    assert (tmp_path / "data" / "router.simulated.duckdb").is_file()
    assert not (tmp_path / "data" / "router.duckdb").exists()


def test_weights_hold_before_evidence(make: Make, store: Store) -> None:
    """0.8 and 0.2 (with a fiftieth of the traffic spread evenly): exactly in the log, and nearly in the draws."""
    router = make()
    decisions = [router.decide(HELLO) for _ in range(2_000)]
    expected = decisions[0].probabilities
    assert expected == pytest.approx((0.8, 0.2), abs=0.02)
    share = Counter(decision.chosen for decision in decisions)[CHEAP] / 2_000
    assert abs(share - expected[0]) < 4.5 * (0.16 / 2_000) ** 0.5
    assert list(store.decisions()) == []


def test_everything_about_a_request_is_stored(make: Make, server: ChatServer, store: Store) -> None:
    """Prompt, decision and answer with tokens, price and cost; the provider's own object comes back."""
    response, request_id = make(ONLY).completion(HELLO, return_request_id=True, temperature=0.3, user="u1")  # type: ignore[misc]
    assert response.choices[0].message.content == "I am gpt-4o-mini"
    sent = server.requests[0].body
    assert (sent["temperature"], sent["user"], sent["model"]) == (0.3, "u1", "gpt-4o-mini")
    found = last(store)
    (decision,), (completion,) = found.decisions, found.completions
    assert found.prompt.messages == tuple(HELLO)
    assert found.prompt.params == {"temperature": 0.3, "user": "u1"}
    assert (decision.origin, decision.policy, decision.propensity) == ("library", "thompson", 1.0)
    assert decision.completion_id == completion.id == request_id
    assert (completion.text, completion.finish_reason, completion.error) == ("I am gpt-4o-mini", "stop", None)
    assert completion.cost_usd == Decimal("0.00000585")  # 11 x $0.15 + 7 x $0.60 a million
    assert found.outcomes == ()


def test_two_arms_may_share_a_model(make: Make, server: ChatServer, store: Store) -> None:
    """They differ in their parameters, and learn apart; what the request says goes before the arm's own."""
    paths = [{"model": CHEAP, "params": {"temperature": t}} for t in (0.0, 1.0)]
    router = make(paths)
    for _ in range(12):
        router.report_outcome(asked(router, max_tokens=5), True)
    temperatures = Counter(request.body["temperature"] for request in server.requests)
    arms = {f'{CHEAP}?{{"temperature":{t}}}': t for t in (0.0, 1.0)}
    assert temperatures.keys() == {0.0, 1.0}
    assert {arms[arm]: one.observations for arm, one in router.posteriors().items()} == temperatures
    asked(router, temperature=0.7)
    assert server.requests[-1].body["temperature"] == 0.7


def test_without_an_id_the_response_alone_comes_back(make: Make) -> None:
    """As the openai client would give it."""
    response: Any = make(ONLY).completion(HELLO)
    assert response.choices[0].message.content == "I am gpt-4o-mini"


def test_a_streamed_request(make: Make, store: Store) -> None:
    """Chunks as they come, the request's id, one completion, and the condition judged once."""
    judged: list[str] = []

    def good(response: Any) -> bool:
        judged.append(response.choices[0].message.content)
        return True

    stream = make(ONLY, success_when=good).completion(HELLO, stream=True)
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


def test_a_stream_closed_early_is_stored_as_stopped(make: Make, server: ChatServer, store: Store) -> None:
    """What came so far is kept; it is neither judged nor counted as the model's usual length."""
    server.script = [events(*["word "] * 50, pause_s=0.02)]
    stream: Any = make(ONLY, success_when="True").completion(HELLO, stream=True)
    with stream:
        next(stream)
    completion = only_completion(store)
    assert (completion.text, completion.finish_reason, completion.error) == ("word ", "stopped", None)
    assert last(store).outcomes == ()
    assert store.output_tokens("default") == {}


def test_a_stream_that_breaks_off_is_stored_with_its_error(make: Make, server: ChatServer, store: Store) -> None:
    """The text so far, the sentence, and a cost estimated from both."""
    server.script = [events("one ", "two ", broken=True)]
    with pytest.raises(InterruptedStreamError):
        list(make(ONLY).completion(HELLO, stream=True))  # type: ignore[arg-type]
    completion = only_completion(store)
    assert completion.text == "one two "
    assert completion.error is not None
    assert "broke off after 8 characters" in completion.error
    assert completion.usage is not None
    assert completion.usage.estimated


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("reply", "said", "cost"),
    [
        (refused(500, "oops"), "openai failed (500: oops)", Decimal(0)),
        (Reply(200, (b"<html>",), "text/html"), "not a chat completion", None),
    ],
)
def test_the_next_model_answers_when_one_fails(
    make: Make, server: ChatServer, store: Store, stream: bool, reply: Reply, said: str, cost: Decimal | None
) -> None:
    """Logged as a fallback of probability 1 with its reason and its own answer; the failure is stored too."""
    router = make(
        [{"model": CHEAP, "weight": 1.0}, {"model": STRONG, "weight": 0.0}], {"goals": _goal(exploration=0)}
    )
    server.usual = failing("gpt-4o-mini", reply)
    response, request_id = router.completion(HELLO, return_request_id=True, stream=stream)  # type: ignore[misc]
    list(response)
    found = last(store)
    drawn, fallback = found.decisions
    assert (drawn.chosen, drawn.origin) == (CHEAP, "library")
    assert (fallback.chosen, fallback.origin, fallback.propensity) == (STRONG, "fallback", 1.0)
    assert fallback.fallback is not None
    assert said in fallback.fallback
    completions = {one.arm: one for one in found.completions}
    assert fallback.completion_id == completions[STRONG].id == request_id
    assert completions[CHEAP].error is not None
    assert said in completions[CHEAP].error
    assert (completions[CHEAP].cost_usd, completions[CHEAP].text) == (cost, None)
    assert completions[STRONG].text in ("I am gpt-4o", "Iamgpt-4o")
    router.report_outcome(request_id, Outcome.SUCCESS)
    assert router.posteriors()[STRONG] == Posterior(2, 1, 1)


def test_all_models_fail(make: Make, server: ChatServer, store: Store) -> None:
    """One error that tells why, model by model; every failure is stored."""
    server.usual = refused(500, "oops")
    with pytest.raises(NoEligibleArmError, match="no model of goal 'default' answered") as caught:
        make().completion(HELLO)
    assert caught.value.reasons.keys() == {CHEAP, STRONG}
    assert all("500: oops" in why for why in caught.value.reasons.values())
    assert len(last(store).completions) == 2


def test_a_missing_key(store: Store) -> None:
    """Told before anything is sent or stored, with the variable and the remedy."""
    router = Router(PATHS, store=store, environ={})
    with pytest.raises(MissingKeyError, match=r"export OPENAI_API_KEY=.*ROUTER_SIMULATED=1"):
        router.completion(HELLO)
    router.close()
    assert store.recent_prompts(1) == []


@pytest.mark.parametrize("messages", [[], [{"role": "user", "content": "  "}], ["text"]])
def test_a_prompt_that_nobody_can_answer(make: Make, store: Store, messages: Any) -> None:
    """Refused before anything is stored."""
    with pytest.raises(PromptError):
        make().completion(messages)
    assert store.recent_prompts(1) == []


def test_reports_late_repeated_corrected_and_withdrawn(make: Make, store: Store) -> None:
    """In any order and again: of each request the last report counts, once."""
    router = make(ONLY)
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


def test_reports_that_are_none(make: Make) -> None:
    """An unknown request and a word that is no outcome are refused."""
    router = make(ONLY)
    with pytest.raises(UnknownRequestError, match="never made"):
        router.report_outcome("00000000-0000-0000-0000-000000000000", Outcome.SUCCESS)
    with pytest.raises(InvalidOutcomeError, match="'great' is no outcome"):
        router.report_outcome(asked(router), "great")


def test_a_report_goes_before_the_condition(make: Make, store: Store) -> None:
    """The automatic outcome teaches until somebody says otherwise, and again when that is withdrawn."""
    router = make(ONLY, success_when="finish_reason == 'stop'")
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
def test_conditions(make: Make, store: Store, condition: Any, rewards: list[float | None]) -> None:
    """Text or callable; one that raises, or says what is no outcome, is unknown and never a success."""
    router = make(ONLY, success_when=condition)
    request_id = asked(router)
    history = store.outcome_history(request_id)
    assert [one.reward for one in history] == rewards
    assert bool(history[0].comment) == (rewards == [None])
    assert router.posteriors()[CHEAP].observations == (0 if rewards == [None] else 1)


def test_the_classifier_policy(make: Make, server: ChatServer, store: Store) -> None:
    """Its own call goes over the wire, and its cost and milliseconds stand in the decision."""

    def reply(request: Request) -> Reply:
        if "response_format" in request.body:
            return answered('{"complexity": "COMPLEX", "reason": "several steps"}')
        return usual(request)

    server.usual = reply
    make(policy="classifier").completion(HELLO)
    (decision,) = last(store).decisions
    assert (decision.policy, decision.chosen, decision.probabilities) == ("classifier", STRONG, (0.0, 1.0))
    assert decision.reason.summary == "COMPLEX: “several steps”"
    assert decision.decision_cost_usd == Decimal("0.00000585")
    assert decision.decision_ms > 0
    assert [request.body["model"] for request in server.requests] == ["gpt-4o-mini", "gpt-4o"]


@pytest.mark.parametrize("policy", ["heuristic", "classifier", "thompson"])
def test_nothing_of_the_prompt_is_kept_where_only_its_hash_is(
    tmp_path: Path, server: ChatServer, policy: Any
) -> None:
    """The bytes of the closed file hold neither the prompt nor the answer, nor an error that quotes it."""
    marker = "Zanzibar-4711"

    def echo(request: Request) -> Reply:
        said = request.body["messages"][-1]["content"]
        if "response_format" in request.body:
            return answered(f'{{"complexity": "SIMPLE", "reason": "{marker}"}}')
        if "fail" in said and request.body["model"] == "gpt-4o":
            return refused(400, f"cannot answer {said}")
        return answered(f"You said {said}")

    server.usual = echo
    providers = {"openai": ProviderSettings(base_url=server.base_url)}
    for keep, found in (("hash", False), ("full", True)):
        path = tmp_path / f"{keep}.duckdb"
        store = open_store(path)
        settings = Settings(providers=providers, privacy=PrivacySettings(keep_texts=keep))
        with Router(
            [{"model": STRONG}, {"model": CHEAP}], settings=settings, policy=policy, store=store, environ=KEYS
        ) as router:
            for word in ("plain", "fail", "fail again"):
                router.completion([{"role": "user", "content": f"{word} {marker}"}])
        prompts = store.recent_prompts(5)
        assert len(prompts) == 3
        shown = str([store.comparison(prompt.id) for prompt in prompts])
        uncompressed = _bytes(tmp_path, keep)
        store.close()
        assert (marker in shown) == (marker.encode() in uncompressed) == found
        assert found or marker.encode() not in _bytes(tmp_path, keep)


def test_every_stored_decision_can_be_drawn_again(make: Make, server: ChatServer, store: Store) -> None:
    """Seed, id and probabilities in the log give the same model, while learning and falling back go on."""
    router = make(settings={"seed": 42})
    for number in range(30):
        router.report_outcome(asked(router), number % 3 == 0)
    decisions: list[Decision] = list(store.decisions())
    assert len(decisions) == 30
    assert {decision.chosen for decision in decisions} == {CHEAP, STRONG}
    for decision in decisions:
        assert sum(decision.probabilities) == pytest.approx(1.0, abs=1e-12)
        assert decision.arms[draw(decision.probabilities, decision.seed, decision.id)] == decision.chosen


def test_eight_threads(make: Make, store: Store) -> None:
    """Requests and reports from everywhere at once: each stored once, each counted once."""
    router = make()

    def work(thread: int) -> None:
        for _ in range(5):
            router.report_outcome(asked(router), Outcome.SUCCESS)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert sum(one.observations for one in router.posteriors().values()) == 40
    assert len(list(store.decisions())) == 40
    assert store.evidence("default", TeachingRule()) == store.rebuild_evidence("default", TeachingRule())


def test_goals_learn_apart(make: Make) -> None:
    """What one goal has learned does not reach the other."""
    first, second = make(ONLY, goal_id="spam"), make(ONLY, goal_id="memos")
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


def test_closing_twice_closes_one_share(tmp_path: Path) -> None:
    """Two routers on one file: closing the first twice leaves the second its store."""
    environ = {**KEYS, "ROUTER_STORE": str(tmp_path / "shared.duckdb")}
    first, second = Router(PATHS, environ=environ), Router(PATHS, environ=environ)
    first.close()
    first.close()
    assert second.posteriors() == {CHEAP: Posterior(1, 1), STRONG: Posterior(1, 1)}
    second.close()
    with pytest.raises(StoreError, match="closed"):
        second.posteriors()


def test_settings_that_are_wrong(store: Store) -> None:
    """A misspelt path and an unknown goal are refused when the router is made."""
    with pytest.raises(SettingsError, match="wieght is not a setting"):
        Router([{"model": CHEAP, "wieght": 1}], store=store, environ=KEYS)
    with pytest.raises(SettingsError, match="goal 'nobody' is not set up; known goals"):
        Router(goal_id="nobody", store=store, environ=KEYS)


def test_a_classifier_of_another_provider_without_a_key(server: ChatServer, store: Store) -> None:
    """The rules decide in its place, the log says why, and the request is answered."""
    providers = {
        "openai": ProviderSettings(base_url=server.base_url),
        "other": ProviderSettings(api_key_env="OTHER"),
    }
    settings = Settings(providers=providers, classifier=ClassifierSettings(model="other/judge"))
    with Router(PATHS, settings=settings, policy="classifier", store=store, environ=KEYS) as router:
        router.completion(HELLO)
    (decision,) = last(store).decisions
    assert decision.fallback is not None
    assert "no API key for other" in decision.fallback


def _bytes(folder: Path, name: str) -> bytes:
    """A store's file and what was written ahead of it."""
    return b"".join(file.read_bytes() for file in folder.glob(f"{name}.duckdb*"))


def _goal(**changes: Any) -> dict[str, Any]:
    return {"default": GoalSettings(**changes)}
