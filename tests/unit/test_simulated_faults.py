"""Which words in a prompt make a simulated model fail, and which only look like it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from router_core.errors import ProviderUnavailableError
from router_core.models.calls import Models
from router_core.settings import Settings, SimulationSettings
from router_core.types import Message


@pytest.fixture
def models() -> Iterator[Models]:
    """Simulated models that answer at once; waits between tries take no time."""
    settings = Settings(simulation=SimulationSettings(latency_scale=0))
    made = Models(settings, simulated=True, environ={}, sleep=lambda seconds: None)
    yield made
    made.close()


def asking(text: str) -> list[Message]:
    """A conversation of one question."""
    return [{"role": "user", "content": text}]


@pytest.mark.parametrize("text", ["simulate:4290", "dissimulate:500", "simulate: 500", "simulate:cutting"])
def test_other_words_are_no_faults(models: Models, text: str) -> None:
    """Only the exact word counts."""
    answer = models.complete("openai/gpt-4o", asking(text), {})
    assert (answer.text[:19], answer.finish_reason) == ("[simulated gpt-4o] ", "stop")


@pytest.mark.parametrize("named", ["gpt-4o-mini", "openai/gpt-4o-mini", "gpt-4o-mini.", "gpt-4o-mini, please"])
def test_a_fault_of_one_model_however_it_is_named(models: Models, named: str) -> None:
    """With or without its provider, wherever in a sentence: that model fails and the other does not."""
    text = f"Say hello, simulate:500@{named}"
    with pytest.raises(ProviderUnavailableError):
        models.complete("openai/gpt-4o-mini", asking(text), {})
    assert models.complete("openai/gpt-4o", asking(text), {}).text.startswith("[simulated gpt-4o] ")


@pytest.mark.parametrize("way", ["complete", "stream"])
def test_a_failing_simulated_model_is_asked_as_often_as_a_real_one(way: str) -> None:
    """Two further tries by default, each after a wait."""
    waits: list[float] = []
    settings = Settings(simulation=SimulationSettings(latency_scale=0))
    models = Models(settings, simulated=True, environ={}, sleep=waits.append)
    with pytest.raises(ProviderUnavailableError):
        getattr(models, way)("openai/gpt-4o", asking("Hello simulate:500"), {})
    models.close()
    assert len(waits) == settings.calls.max_retries == 2
