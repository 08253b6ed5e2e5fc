"""The simulated models, through the same client as real ones: repeatable, labelled, honest about being wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from openai import OpenAI

from router_core.errors import (
    InterruptedStreamError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    RateLimitError,
)
from router_core.models.calls import Models
from router_core.models.simulated import BASE_URL, SimulatedTransport
from router_core.models.simulated_answers import (
    CLASSIFIER_ERRORS,
    answer,
    difficulty,
    is_right,
    success_probability,
)
from router_core.policies.classifier import messages
from router_core.policies.reading import parse
from router_core.settings import Settings, SimulationSettings
from router_core.settings.routers import CLASSIFIER_PROMPT

CHEAP, STRONG = "openai/gpt-4o-mini", "openai/gpt-4o"
PROMPTS = (
    "Is this spam: you won a free prize, click here?",
    "Extract the date: the meeting is on 2026-03-01 in Rome.",
    "Compare three strategies for entering a market and argue for one.",
    "Refactor this Python function: def f(x): return x",
    "Prove that the sum of two even numbers is even.",
)


def ask(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def simulated(seed: int = 7) -> Models:
    settings = Settings(simulation=SimulationSettings(seed=seed, latency_scale=0), calls={"max_retries": 0})
    return Models(settings, simulated=True, environ={})


@pytest.fixture
def models() -> Iterator[Models]:
    """Simulated models that answer at once and are asked once."""
    made = simulated()
    yield made
    made.close()


def test_the_same_seed_gives_the_same_answers(models: Models) -> None:
    """Whole answers are equal, and those of another seed are not all so."""
    again, other = simulated(), simulated(seed=8)
    texts = [[one.complete(CHEAP, ask(text), {}).text for text in PROMPTS] for one in (models, again, other)]
    assert texts[0] == texts[1]
    wide = [f"{text} {number}" for text in PROMPTS for number in range(20)]
    assert [answer(7, "gpt-4o", text) for text in wide] != [answer(8, "gpt-4o", text) for text in wide]
    for one in (again, other):
        one.close()


@pytest.mark.parametrize("text", PROMPTS)
@pytest.mark.parametrize("model", [CHEAP, STRONG])
def test_a_stream_says_the_same_as_a_plain_answer(models: Models, model: str, text: str) -> None:
    """Labelled with the model's name, with a usage that adds up, in both ways."""
    plain = models.complete(model, ask(text), {})
    stream = models.stream(model, ask(text), {})
    list(stream)
    assert stream.text == plain.text
    assert stream.usage == plain.usage
    assert stream.finish_reason == plain.finish_reason == "stop"
    assert plain.text.startswith(f"[simulated {model.split('/')[1]}]")
    usage = plain.response.usage
    assert usage is not None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert not plain.usage.estimated


@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-4o"])
@pytest.mark.parametrize("text", PROMPTS)
def test_models_are_right_as_often_as_they_say(model: str, text: str) -> None:
    """Over 2,000 prompts of one difficulty, within 4.5 standard errors; a wrong answer says that it is."""
    prompts = [f"{text} #{number:04d}" for number in range(2_000)]
    expected = [success_probability(model, difficulty(prompt)) for prompt in prompts]
    right = [is_right(7, model, prompt) for prompt in prompts]
    error = sum(p * (1 - p) for p in expected) ** 0.5
    assert abs(sum(right) - sum(expected)) < 4.5 * error
    for prompt, good in zip(prompts[:50], right, strict=False):
        assert ("this answer is wrong" in answer(7, model, prompt)) == (not good)


def test_the_strong_model_is_better_on_hard_prompts() -> None:
    """The odds that make routing worth looking at: near on easy prompts, far apart on hard ones."""
    assert difficulty(PROMPTS[0]) < 0.2 < 0.8 < difficulty(PROMPTS[2])
    gaps = [success_probability("gpt-4o", h) - success_probability("gpt-4o-mini", h) for h in (0.0, 0.5, 1.0)]
    assert gaps == sorted(gaps)
    assert gaps[0] < 0.05
    assert gaps[2] > 0.4


@pytest.mark.parametrize("json_mode", [True, False])
def test_the_classifier(models: Models, json_mode: bool) -> None:
    """Pure JSON in JSON mode, else wrapped in prose; mostly right about difficulty, and now and then wrong."""
    params: dict[str, Any] = {"response_format": {"type": "json_object"}} if json_mode else {}
    agreed = 0
    for number in range(200):
        text = f"{PROMPTS[0 if number % 2 else 2]} #{number}"
        said = models.complete(CHEAP, messages(CLASSIFIER_PROMPT, text), params).text
        if json_mode:
            assert json.loads(said).keys() == {"complexity", "reason"}
        else:
            assert said.startswith("Here is my judgement: ")
        agreed += parse(said)[0] == bool(number % 2)
    expected = 200 * (1 - CLASSIFIER_ERRORS)
    assert abs(agreed - expected) < 4.5 * (expected * CLASSIFIER_ERRORS) ** 0.5
    assert agreed < 200


@pytest.mark.parametrize(
    ("word", "plain", "streamed"),
    [
        ("429", RateLimitError, RateLimitError),
        ("500", ProviderUnavailableError, ProviderUnavailableError),
        ("timeout", ProviderTimeoutError, ProviderTimeoutError),
        ("cut", ProviderUnavailableError, InterruptedStreamError),
    ],
)
def test_faults_on_demand(models: Models, word: str, plain: type[Exception], streamed: type[Exception]) -> None:
    """A word in the prompt shows how a fault looks."""
    asked = ask(f"{PROMPTS[2]} simulate:{word}")
    with pytest.raises(plain):
        models.complete(CHEAP, asked, {})
    with pytest.raises(streamed):
        list(models.stream(CHEAP, asked, {}))


@pytest.mark.parametrize(("word", "reason"), [("empty", "stop"), ("filter", "content_filter")])
def test_empty_answers_on_demand(models: Models, word: str, reason: str) -> None:
    """An empty and a filtered answer, whole and streamed."""
    plain = models.complete(CHEAP, ask(f"Hello simulate:{word}"), {})
    stream = models.stream(CHEAP, ask(f"Hello simulate:{word}"), {})
    list(stream)
    assert (plain.text, plain.finish_reason) == (stream.text, stream.finish_reason) == ("", reason)


def test_a_cut_stream_keeps_its_first_half(models: Models) -> None:
    """What came before the break stays readable."""
    whole = models.complete(CHEAP, ask(PROMPTS[2]), {}).text
    stream = models.stream(CHEAP, ask(f"{PROMPTS[2]} simulate:cut"), {})
    with pytest.raises(InterruptedStreamError, match="broke off after"):
        list(stream)
    assert stream.text.startswith("[simulated gpt-4o-mini]")
    assert 0 < len(stream.text) < len(whole)


def test_a_fault_of_one_model_only(models: Models) -> None:
    """With ``@model`` behind the word the others answer."""
    asked = ask("Hello simulate:500@gpt-4o-mini")
    with pytest.raises(ProviderUnavailableError):
        models.complete(CHEAP, asked, {})
    assert models.complete(STRONG, asked, {}).text


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_token_limit_cuts_the_answer(models: Models, name: str) -> None:
    """Finish reason "length", and no more tokens than allowed; a limit that is not reached changes nothing."""
    cut = models.complete(STRONG, ask(PROMPTS[2]), {name: 20})
    assert (cut.finish_reason, cut.usage.output_tokens) == ("length", 20)
    assert models.complete(STRONG, ask(PROMPTS[2]), {name: 100_000}).finish_reason == "stop"


def test_delays_scale() -> None:
    """Twice the scale waits twice as long, the strong model longer than the cheap; 0 never waits."""
    waited: dict[tuple[str, float], float] = {}
    for model in ("gpt-4o-mini", "gpt-4o"):
        for scale in (0.0, 1.0, 2.0):
            waits: list[float] = []
            transport = SimulatedTransport(SimulationSettings(latency_scale=scale), waits.append)
            with _client(transport) as client:
                client.chat.completions.create(model=model, messages=[{"role": "user", "content": PROMPTS[0]}])
            waited[model, scale] = sum(waits)
            assert bool(waits) == (scale > 0)
    for model in ("gpt-4o-mini", "gpt-4o"):
        assert waited[model, 2.0] == pytest.approx(2 * waited[model, 1.0])
        assert 0.1 < waited[model, 1.0] < 3.0


def test_nothing_waits_at_scale_zero(models: Models) -> None:
    """Twenty streamed answers in a moment."""
    started = time.monotonic()
    for number in range(20):
        list(models.stream(STRONG, ask(f"{PROMPTS[2]} {number}"), {}))
    assert time.monotonic() - started < 10.0


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("GET", "models", b"", 404),
        ("POST", "embeddings", b"{}", 404),
        ("POST", "chat/completions", b"not json", 400),
        ("POST", "chat/completions", b'{"model": "m", "messages": []}', 400),
        ("POST", "chat/completions", b'{"messages": [{"role": "user"}]}', 400),
    ],
)
def test_what_it_does_not_understand(method: str, path: str, content: bytes, status: int) -> None:
    """Refused as a provider would, with a message."""
    with httpx2.Client(transport=SimulatedTransport(SimulationSettings())) as client:
        response = client.request(method, f"{BASE_URL}/{path}", content=content)
    assert response.status_code == status
    assert response.json()["error"]["message"]


def _client(transport: SimulatedTransport) -> OpenAI:
    return OpenAI(base_url=BASE_URL, api_key="none", http_client=httpx2.Client(transport=transport))
