"""The playground page: what fails, what is refused and what must not act, each as a sentence."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from threading import Event

import pytest
from streamlit.testing.v1 import AppTest

from pages.formatting import escaped
from pages.resources import resources
from router_core.errors import ProviderError, StoreFullError
from router_core.routing.streams import RoutedStream
from router_core.serving.playground import PlannedCall, Playground
from router_core.settings import (
    ArmSettings,
    GoalSettings,
)
from router_core.store import open_store
from router_core.store.base import Comparison, Search
from router_core.types import STOPPED
from tests.app.asking import HARD, send, settled, stored, the_settings
from tests.app.panel import opened, texts, use

pytestmark = pytest.mark.usefixtures("impatient")


def test_blind_failures_name_nobody() -> None:
    """The sentence of a model that failed is shown with its name, once the other is rated."""
    at = send(f"{HARD} simulate:cut@gpt-4o", run_all=True, blind=True)
    assert [one.value for one in at.error] == ["This model did not answer. Why is shown once you have rated."]
    at.feedback[0].set_value(1).run()
    assert "the answer of openai/gpt-4o broke off" in at.error[0].value


@pytest.mark.parametrize(
    ("prompt", "sentence"), [("   ", "blank"), ("", "empty"), ("x" * 500_000, "at most 400,000")]
)
def test_prompts_that_cannot_be_sent(prompt: str, sentence: str) -> None:
    """One sentence, nothing stored."""
    at = opened("playground")
    at.text_area(key="prompt").set_value(prompt)
    at.button(key="send").click().run()
    assert sentence in at.error[0].value
    assert resources().playground.store.count(Search()) == 0


def test_one_model_fails_the_other_answers() -> None:
    """Its column says why and offers Retry; the other is there and can be rated."""
    at = send(f"{HARD} simulate:500@gpt-4o-mini", run_all=True)
    assert len(at.error) == 1
    assert len(at.feedback) == 1
    retry = next(one for one in at.button if one.label == "Retry")
    retry.click().run()
    settled(at)
    assert len([one for one in stored().completions if one.error is not None]) == 2


@pytest.mark.parametrize(
    ("word", "shown"),
    [("timeout", "error"), ("429", "error"), ("cut", "error"), ("empty", "info"), ("filter", "info")],
)
def test_faults_are_sentences(word: str, shown: str) -> None:
    """No fault of a provider breaks the page."""
    at = send(f"{HARD} simulate:{word}")
    assert len(getattr(at, shown)) >= 1
    assert "Traceback" not in texts(at)


def test_stop_does_not_wait_for_a_silent_provider() -> None:
    """The page says so and offers Retry, though the provider has not said a word."""
    playground, running = resources().playground, resources().running
    plan = playground.compare([{"role": "user", "content": HARD}], "default")
    speaks = Event()

    def silent(call: PlannedCall) -> RoutedStream:
        speaks.wait(60)
        return playground.stream(plan.prompt, plan.messages, call)

    calls = [running.start(call.completion_id, partial(silent, call)) for call in plan.calls]
    at = opened("playground", prompt=plan.prompt.id)
    assert not at.feedback
    for place in range(len(calls)):
        at.button(key=f"stop-{place}").click().run()
    settled(at)
    assert [one.value[:8] for one in at.info] == ["Stopped."] * len(calls)
    assert [one.label for one in at.button].count("Retry") == len(calls)
    speaks.set()
    assert all(one.wait(20) for one in calls)
    at.run()
    assert len(at.feedback) == len(calls)
    assert {one.finish_reason for one in stored().completions} == {STOPPED}


def test_an_answer_that_ends_while_the_page_reads_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is read a moment too early for it, then it ends: the page never says that it was not finished."""
    shared = resources()
    playground, running, store = shared.playground, shared.running, shared.playground.store
    plan = playground.compare([{"role": "user", "content": HARD}], "default")
    speaks = Event()

    def held(call: PlannedCall) -> RoutedStream:
        speaks.wait(60)
        return playground.stream(plan.prompt, plan.messages, call)

    calls = [running.start(call.completion_id, partial(held, call)) for call in plan.calls]
    read, reads = store.comparison, 0

    def read_then_end(prompt_id: str) -> Comparison | None:
        nonlocal reads
        found = read(prompt_id)
        reads += 1
        if reads > 1:  # the first finds the prompt that the address names
            speaks.set()
            assert all(call.wait(20) for call in calls)
        return found

    monkeypatch.setattr(store, "comparison", read_then_end)
    at = opened("playground", prompt=plan.prompt.id)
    assert reads > 1
    assert speaks.is_set()
    assert "never finished" not in texts(at)
    assert "Retry" not in [one.label for one in at.button]
    monkeypatch.undo()
    assert len(settled(at).feedback) == len(calls)


def test_what_cannot_be_stored_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thumb, another answer and a new prompt on a full disk: each says so, nothing breaks, nothing is lost."""
    at = send(HARD)
    count = resources().playground.store.count(Search())

    def full(*args: object, **kwargs: object) -> None:
        raise StoreFullError("the disk is full; free some space")

    for name in ("rate", "again", "compare"):
        monkeypatch.setattr(Playground, name, full)
    at.feedback[0].set_value(1).run()
    assert [one.value for one in at.error] == ["the disk is full; free some space"]
    assert at.feedback[0].value is None
    next(one for one in at.button if one.label == "Again").click().run()
    assert [one.value for one in at.error] == ["the disk is full; free some space"]
    at.button(key="send").click().run()
    assert [one.value for one in at.error] == ["the disk is full; free some space"]
    assert not at.exception
    assert [" chose :" in one.label for one in at.main.expander] == [True] * 5
    assert resources().playground.store.count(Search()) == count


def test_models_no_longer_set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their answers can still be read and rated, but not asked for again."""
    send(HARD, run_all=True)
    prompt_id = stored().prompt.id
    goal = GoalSettings(arms=(ArmSettings(model="openai/gpt-4.1"),))
    use(tmp_path, monkeypatch, the_settings(goals={"default": goal}))
    at = opened("playground", prompt=prompt_id)
    assert not at.error
    assert texts(at).count("no longer in the settings") == 2
    assert [one.disabled for one in at.button if one.label == "Again"] == [True, True]
    at.feedback[0].set_value(1).run()
    assert not at.exception
    assert [one.reward for one in stored().outcomes] == [1.0]


@pytest.mark.parametrize("content", ["{", '{"nonsense": 1}', '{"seed": "x"}'])
def test_a_broken_settings_file(tmp_path: Path, content: str) -> None:
    """The page says what is wrong with it instead of breaking."""
    (tmp_path / "settings.json").write_text(content)
    at = AppTest.from_file(str(Path(__file__).parents[2] / "pages" / "main.py"), default_timeout=120).run()
    assert not at.exception
    assert len(at.error) == 1


def test_a_store_that_another_process_holds(tmp_path: Path) -> None:
    """A sentence that names the remedy."""
    place = tmp_path / "panel.simulated.duckdb"
    open_store(place, kind="simulated").close()
    code = f"import duckdb, time; c = duckdb.connect({str(place)!r}); print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        at = AppTest.from_file(str(Path(__file__).parents[2] / "pages" / "main.py"), default_timeout=120).run()
        holder.kill()
    assert not at.exception
    assert "ROUTER_STORE" in at.error[0].value.replace("\\", "")


def test_what_a_provider_says_cannot_act(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its refusal is shown word for word: an image in it is not fetched."""
    said = "look ![x](http://example.com/a.png)"

    def refuse(*_: object, **__: object) -> None:
        raise ProviderError(said)

    monkeypatch.setattr(Playground, "compare", refuse)
    at = opened("playground")
    at.text_area(key="prompt").set_value(HARD)
    at.button(key="send").click().run()
    assert [one.value for one in at.error] == [escaped(said)]


def test_what_a_model_writes_cannot_act() -> None:
    """An image is not fetched and a directive is not obeyed."""
    from pages.foreign import model_text

    shown = model_text("![x](http://evil.example/leak) :red[alarm]")
    assert "![" not in shown
    assert ":red[" not in shown
