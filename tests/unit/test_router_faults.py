"""What can go wrong around a request: it is stored, told in a sentence, and keeps no text that it must not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from router_core import Outcome, Router
from router_core.errors import (
    InterruptedStreamError,
    MissingKeyError,
    NoEligibleArmError,
    PromptError,
    ProviderUnavailableError,
    RequestRejectedError,
    SettingsError,
    StoreError,
    UnknownPolicyError,
)
from router_core.models.calls import Models
from router_core.money.book import FREE
from router_core.routing.deciding import Decider
from router_core.routing.storable import storable
from router_core.settings import (
    ClassifierSettings,
    ContextualSettings,
    GoalSettings,
    PrivacySettings,
    ProviderSettings,
    Settings,
)
from router_core.store import open_store
from router_core.store.base import Store
from router_core.types import Posterior, Price
from tests.servers import ChatServer, Reply, Request, answered, as_json, events, refused, usual
from tests.store_rows import a_decision
from tests.unit.routing import CHEAP, HELLO, KEYS, ONLY, PATHS, STRONG, Make, last, only_completion


def failing(model: str, reply: Reply) -> Callable[[Request], Reply]:
    """One model fails, the others answer."""
    return lambda request: reply if request.body["model"] == model else usual(request)


def test_a_stream_closed_early_is_stored_as_stopped(make_router: Make, server: ChatServer, store: Store) -> None:
    """What came so far is kept; it is neither judged nor counted as the model's usual length."""
    server.script = [events(*["word "] * 50, pause_s=0.02)]
    stream: Any = make_router(ONLY, success_when="True").completion(HELLO, stream=True)
    with stream:
        next(stream)
    completion = only_completion(store)
    assert (completion.text, completion.finish_reason, completion.error) == ("word ", "stopped", None)
    assert last(store).outcomes == ()
    assert store.output_tokens("default") == {}


def test_a_stream_that_breaks_off_is_stored_with_its_error(
    make_router: Make, server: ChatServer, store: Store
) -> None:
    """The text so far, the sentence, and a cost estimated from both."""
    server.script = [events("one ", "two ", broken=True)]
    with pytest.raises(InterruptedStreamError):
        list(make_router(ONLY).completion(HELLO, stream=True))
    completion = only_completion(store)
    assert completion.text == "one two "
    assert completion.error is not None
    assert "broke off after 8 characters" in completion.error
    assert completion.usage is not None
    assert completion.usage.estimated


@pytest.mark.parametrize("stream", [False, True])
def test_a_retry_of_unknown_cost_is_stored(
    make_router: Make, server: ChatServer, store: Store, stream: bool
) -> None:
    """The answer's own cost is known; that of the try before it is not, and the log says so."""
    server.script = [refused(408, "gave up")]
    answer: Any = make_router(ONLY, settings={"calls": {"max_retries": 1}}).completion(HELLO, stream=stream)
    if stream:
        list(answer)
    completion = only_completion(store)
    assert (completion.retries, completion.unpriced_retries, completion.error) == (1, 1, None)
    assert completion.cost_usd is not None


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("reply", "said", "cost"),
    [
        (refused(500, "oops"), "openai failed (500: oops)", Decimal(0)),
        (Reply(200, (b"<html>",), "text/html"), "not a chat completion", None),
    ],
)
def test_the_next_model_answers_when_one_fails(
    make_router: Make,
    server: ChatServer,
    store: Store,
    stream: bool,
    reply: Reply,
    said: str,
    cost: Decimal | None,
) -> None:
    """Logged as a fallback of probability 1 with its reason and its own answer; the failure is stored too."""
    router = make_router(
        [{"model": CHEAP, "weight": 1.0}, {"model": STRONG, "weight": 0.0}], {"goals": _goal(exploration=0)}
    )
    server.usual = failing("gpt-4o-mini", reply)
    response, request_id = router.completion(HELLO, return_request_id=True, stream=stream)
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


def test_all_models_fail(make_router: Make, server: ChatServer, store: Store) -> None:
    """One error that tells why, model by model; every failure is stored."""
    server.usual = refused(500, "oops")
    with pytest.raises(NoEligibleArmError, match="no model of goal 'default' answered") as caught:
        make_router().completion(HELLO)
    assert caught.value.reasons.keys() == {CHEAP, STRONG}
    assert all("500: oops" in why for why in caught.value.reasons.values())
    assert [type(cause) for cause in caught.value.causes.values()] == [ProviderUnavailableError] * 2
    assert {arm: str(cause) for arm, cause in caught.value.causes.items()} == caught.value.reasons
    assert caught.value.status == 500
    completions = last(store).completions
    assert len(completions) == 2
    assert all(one.total_ms > 0 for one in completions)  # a failed call keeps the time it took


def about(param: str, message: str, code: str = "invalid_value") -> Reply:
    """An error that names what is wrong in a field of its own."""
    return as_json({"error": {"message": message, "param": param, "code": code}}, 400)


@pytest.mark.parametrize(
    ("params", "reply", "calls"),
    [
        ({"temperature": 9}, refused(400, "temperature must be between 0 and 2"), 1),
        ({"top_p": 7}, refused(422, "top_p: Input should be less than or equal to 1"), 1),
        ({"max_tokens": 99_999}, refused(400, "max_tokens is too large: at most 4096 for this model"), 2),
        ({}, refused(400, "temperature must be between 0 and 2"), 2),
        ({"temperature": 9}, refused(400, "the prompt is too long"), 2),
        ({}, about("messages[0].role", "Invalid value: 'usr'. Supported values are: 'system' and 'user'."), 1),
        ({}, about("messages.[2].role", "messages with role 'tool' must be a response to 'tool_calls'."), 1),
        ({"tools": []}, about("tools", "Invalid 'tools': empty array.", "empty_array"), 1),
        ({}, about("messages", "This model's maximum context length is 8192.", "context_length_exceeded"), 2),
        ({}, about("messages[0].content", "Invalid content type. image_url is only supported by some models."), 2),
        ({}, refused(400, "Conversation roles must alternate user/assistant in messages"), 2),
    ],
)
def test_the_callers_own_mistake_is_raised_once(
    make_router: Make, server: ChatServer, store: Store, params: dict[str, Any], reply: Reply, calls: int
) -> None:
    """A value that every model refuses is not tried against each; what one model refuses, another may take."""
    server.usual = reply
    with pytest.raises(RequestRejectedError if calls == 1 else NoEligibleArmError) as caught:
        make_router().completion(HELLO, **params)
    assert len(server.requests) == calls
    assert len(last(store).completions) == calls
    assert caught.value.status == reply.status  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("price", "cost"), [(FREE, Decimal(0)), (Price(Decimal(0), Decimal(1)), None), (None, None)]
)
def test_a_time_out_of_a_free_model_costs_nothing(
    make_router: Make, server: ChatServer, store: Store, price: Price | None, cost: Decimal | None
) -> None:
    """Of any other it may be billed, so its cost is unknown; the time that it took is kept."""
    server.usual = refused(408, "gave up")
    with pytest.raises(NoEligibleArmError):
        make_router(ONLY, prices={ONLY[0]["model"]: price}).completion(HELLO)
    failed = only_completion(store)
    assert failed.cost_usd == cost
    assert failed.total_ms > 0


@pytest.mark.parametrize(("price", "unpriced"), [(FREE, 0), (None, 1)])
def test_a_retry_of_a_free_model_costs_nothing(
    make_router: Make, server: ChatServer, store: Store, price: Price | None, unpriced: int
) -> None:
    """Only a try that may be billed leaves the cost unknown."""
    server.script = [refused(408, "gave up")]
    settings = {"calls": {"max_retries": 1}}
    make_router(ONLY, settings, prices={ONLY[0]["model"]: price}).completion(HELLO)
    answered_once = only_completion(store)
    assert (answered_once.retries, answered_once.unpriced_retries) == (1, unpriced)


def test_a_missing_key(store: Store) -> None:
    """Told before anything is sent or stored, with the variable and the remedy."""
    router = Router(PATHS, store=store, environ={})
    with pytest.raises(MissingKeyError, match=r"export OPENAI_API_KEY=.*ROUTER_SIMULATED=1"):
        router.completion(HELLO)
    router.close()
    assert store.recent_prompts(1) == []


@pytest.mark.parametrize("messages", [[], [{"role": "user", "content": "  "}], ["text"]])
def test_a_prompt_that_nobody_can_answer(make_router: Make, store: Store, messages: Any) -> None:
    """Refused before anything is stored."""
    with pytest.raises(PromptError):
        make_router().completion(messages)
    assert store.recent_prompts(1) == []


@pytest.mark.parametrize("policy", ["heuristic", "classifier", "thompson", "contextual"])
def test_nothing_of_the_prompt_is_kept_where_only_its_hash_is(
    tmp_path: Path, server: ChatServer, policy: Any
) -> None:
    """The bytes of the closed file hold neither the prompt nor the answer, nor an error that quotes it, the
    classifier's either.
    """  # fmt: skip
    marker = "Zanzibar-4711"

    def echo(request: Request) -> Reply:
        said = request.body["messages"][-1]["content"]
        if "response_format" in request.body:
            sound = f'{{"complexity": "SIMPLE", "reason": "{marker}"}}'
            return answered(sound if "again" not in said else f"It is about {marker}.")
        if "fail" in said and request.body["model"] == "gpt-4o":
            return refused(400, f"cannot answer {said}")
        return answered(f"You said {said}")

    server.usual = echo
    providers = {"openai": ProviderSettings(base_url=server.base_url)}
    for keep, found in (("hash", False), ("full", True)):
        path = tmp_path / f"{keep}.duckdb"
        store = open_store(path)
        settings = Settings(
            providers=providers,
            privacy=PrivacySettings(keep_texts=keep),
            contextual=ContextualSettings(ask_classifier="always"),
        )
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


def test_a_classifier_is_asked_once(make_router: Make, server: ChatServer, store: Store) -> None:
    """A failing one is not asked again, whatever the retries of answers: the rules decide at once."""
    server.usual = lambda request: refused(500) if "response_format" in request.body else answered()
    router = make_router(policy="classifier", settings={"calls": {"max_retries": 2}})
    router.completion(HELLO)
    assert sum("response_format" in one.body for one in server.requests) == 1
    assert last(store).decisions[0].fallback is not None


def test_a_router_that_there_is_not(store: Store) -> None:
    """Named, with those there are."""
    decider = Decider(Settings(), store, Models(Settings(), simulated=True))
    one = a_decision(1)
    with pytest.raises(
        UnknownPolicyError, match=r"'dice' is not a router; choose one of \['by-task', 'classifier', "
    ):
        decider.decide(one.context, "dice", prompt_id=one.prompt_id, origin="library", completion_id=str)


def test_without_texts_it_still_tells_who_fell_back() -> None:
    """That the classifier gave no verdict is kept, not why; other routers' reasons speak of no prompt and stay."""
    settings = Settings(privacy=PrivacySettings(keep_texts="hash"))
    decider = Decider(settings, open_store(":memory:", kind="simulated"), Models(settings, simulated=True))
    decision = a_decision(1, policy="classifier", fallback=None)
    assert storable(decision, decider.settings).fallback is None
    failed = storable(replace(decision, fallback="the classifier answered 'Zanzibar'"), decider.settings)
    assert failed.fallback == failed.reason.summary == "not kept (privacy.keep_texts is hash)"
    ruled = replace(decision, policy="heuristic")
    assert storable(ruled, decider.settings).reason == ruled.reason


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
    """Misspelt paths, other things than paths and an unknown goal are refused when the router is made."""
    with pytest.raises(SettingsError, match=r"paths\.1\.wieght is not a setting"):
        Router([{"model": STRONG}, {"model": CHEAP, "wieght": 1}], store=store, environ=KEYS)
    for paths, sentence in (
        ([CHEAP], r"paths\.0: .* \(got 'openai/gpt-4o-mini'\)"),
        ([{"model": "gpt-4o"}], r"paths\.0\.model: write provider/model, for example .* \(got 'gpt-4o'\)"),
        (CHEAP, "paths is 'openai/gpt-4o-mini'; give a list"),
        ({"model": CHEAP}, "paths is .*; give a list"),
        ([], r"arms: needs at least 1 \(got '\[\]'\)"),
    ):
        with pytest.raises(SettingsError, match=sentence):
            Router(paths, store=store, environ=KEYS)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="goal 'nobody' is not set up; known goals"):
        Router(goal_id="nobody", store=store, environ=KEYS)


def test_a_classifier_of_another_provider_without_a_key(server: ChatServer, store: Store) -> None:
    """The rules decide in its place, the log says why, and the request is answered."""
    providers = {
        "openai": ProviderSettings(base_url=server.base_url),
        "other": ProviderSettings(api_key_env="OTHER_API_KEY"),
    }
    settings = Settings(providers=providers, classifier=ClassifierSettings(model="other/judge"))
    with Router(PATHS, settings=settings, policy="classifier", store=store, environ=KEYS) as router:
        router.completion(HELLO)
    (decision,) = last(store).decisions
    assert decision.fallback is not None
    assert "no API key for other" in decision.fallback


def _bytes(folder: Path, name: str) -> bytes:
    """A store's file and what was written ahead of it."""
    return b"".join(file.read_bytes() for file in folder.glob(f"{name}.duckdb*") if file.is_file())


def _goal(**changes: Any) -> dict[str, Any]:
    return {"default": GoalSettings(**changes)}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_a_program_that_ends_while_it_waits(
    make_router: Make, store: Store, monkeypatch: pytest.MonkeyPatch, stream: bool, kind: type[BaseException]
) -> None:
    """Ctrl+C, or a server that ends its worker: the call is in the log, its cost unknown, not nothing."""

    async def interrupted(*given: Any, **more: Any) -> None:
        raise kind

    monkeypatch.setattr(Models, "astream" if stream else "acomplete", interrupted)
    with pytest.raises(kind):
        make_router(ONLY).completion(HELLO, stream=stream)
    completion = only_completion(store)
    assert completion.cost_usd is None
    assert completion.error == f"{CHEAP} was not waited for: the program was interrupted"
