"""Calls under way: they go on when nobody watches, stop when asked, and tell why they failed."""

from __future__ import annotations

from functools import partial
from threading import Event

from router_core.models.calls import Models
from router_core.routing.streams import RoutedStream
from router_core.serving.playground import Plan, Playground
from router_core.serving.running import RunningCalls
from router_core.settings import Settings, SimulationSettings
from router_core.store import open_store
from router_core.types import STOPPED
from tests.servers import wait_for


def planned(scale: float, prompt: str) -> tuple[Playground, Plan]:
    """A playground and the plan of one prompt."""
    settings = Settings(simulation=SimulationSettings(latency_scale=scale))
    playground = Playground(settings, open_store(":memory:", kind="simulated"), Models(settings, simulated=True))
    return playground, playground.compare([{"role": "user", "content": prompt}], "default")


def test_runs_to_its_end_and_is_stored() -> None:
    """Started and left alone, the answer is stored."""
    playground, plan = planned(0, "Is this spam?")
    calls = RunningCalls()
    call = plan.calls[0]
    running = calls.start(call.completion_id, partial(playground.stream, plan.prompt, plan.messages, call))
    assert running.wait(20)
    stored = playground.store.comparison(plan.prompt.id)
    assert stored is not None
    assert stored.completions[0].text == running.text
    assert running.error is None


def test_started_once() -> None:
    """A second start of the same call gives the first one."""
    playground, plan = planned(0, "Is this spam?")
    calls = RunningCalls()
    call = plan.calls[0]
    start = partial(playground.stream, plan.prompt, plan.messages, call)
    first = calls.start(call.completion_id, start)
    assert calls.start(call.completion_id, start) is first
    assert calls.get(call.completion_id) is first
    assert calls.get("another") is None
    assert first.wait(20)


def test_stop_keeps_what_has_come() -> None:
    """A stopped answer is stored as stopped, with the text so far."""
    playground, plan = planned(2.0, "Write a memo that compares and evaluates two plans.")
    calls = RunningCalls()
    call = plan.calls[-1]
    running = calls.start(call.completion_id, partial(playground.stream, plan.prompt, plan.messages, call))
    while not running.text and not running.wait(0.01):
        pass
    running.stop()
    assert running.wait(20)
    stored = playground.store.comparison(plan.prompt.id)
    assert stored is not None
    (completion,) = stored.completions
    assert completion.finish_reason == STOPPED
    assert completion.error is None
    assert completion.text
    assert completion.text == running.text


def test_stop_does_not_wait_for_a_provider_that_says_nothing() -> None:
    """Whoever watches is free at once; when the provider speaks at last, the answer is stored as stopped."""
    playground, plan = planned(0, "Is this spam?")
    call = plan.calls[0]
    speaks = Event()

    def silent() -> RoutedStream:
        speaks.wait(20)
        return playground.stream(plan.prompt, plan.messages, call)

    running = RunningCalls().start(call.completion_id, silent)
    assert not running.ended
    running.stop()
    assert running.stopping
    assert wait_for(lambda: running.ended)
    assert running.text == ""
    assert not running.wait(0)
    speaks.set()
    assert running.wait(20)
    stored = playground.store.comparison(plan.prompt.id)
    assert stored is not None
    assert [one.finish_reason for one in stored.completions] == [STOPPED]


def test_failure_is_a_sentence() -> None:
    """A call that fails ends with the sentence to show, which is stored too."""
    playground, plan = planned(0, "simulate:timeout please")
    calls = RunningCalls()
    call = plan.calls[0]
    running = calls.start(call.completion_id, partial(playground.stream, plan.prompt, plan.messages, call))
    assert running.wait(30)
    assert running.error is not None
    assert "did not answer in time" in running.error
    stored = playground.store.comparison(plan.prompt.id)
    assert stored is not None
    assert stored.completions[0].error == running.error
