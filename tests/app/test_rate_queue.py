"""The queue of the page Rate: what is on screen, what is stored, what is told and what is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from router_core.store import open_store
from router_core.store.base import Batch, Store
from tests.app.panel import opened, texts
from tests.store_rows import STRONG, a_completion, a_decision, a_prompt, an_outcome, ident

pytestmark = pytest.mark.usefixtures("place")


@pytest.fixture
def store(place: None) -> Iterator[Store]:
    """Three prompts that both models answered, and one that the cheap one answered alone."""
    held = open_store(kind="simulated")
    for number in (1, 2, 3):
        held.write(
            Batch(
                [a_prompt(number)],
                [a_decision(number), a_decision(number + 500, prompt_id=ident(number), chosen=STRONG)],
                [a_completion(number), a_completion(number + 500, prompt_id=ident(number), arm=STRONG)],
            )
        )
    held.write(Batch([a_prompt(4)], [a_decision(4)], [a_completion(4)]))
    yield held
    held.close()


def rate() -> AppTest:
    """The page Rate, once it is known what comes first."""
    at = opened("history")
    while "Rate answers" in texts(at):
        at.run()
    return at


def verdict(at: AppTest, place: int) -> AppTest:
    """Press the button of this place."""
    button = next(
        one
        for one in at.button
        if str(one.key).startswith("queue-verdict-") and str(one.key).endswith(f"-{place}")
    )
    return button.click().run()


def pressed(at: AppTest, key: str) -> AppTest:
    """Press the button whose key begins like this."""
    return next(one for one in at.button if str(one.key).startswith(key)).click().run()


def on_screen(at: AppTest) -> list[int]:
    """The numbers of the answers shown, in their order."""
    said = [one.value for one in at.markdown if one.value.startswith("Answer ")]
    return [int(one.split()[1]) for one in said]


def rewards(store: Store, number: int) -> list[float | None]:
    """Everything said about an answer."""
    return [one.reward for one in store.outcome_history(ident(number))]


@pytest.mark.parametrize(("key", "first", "second"), [(1, 1.0, 0.0), (2, 0.0, 1.0), (3, 1.0, 1.0), (4, 0.0, 0.0)])
def test_a_pair_is_judged(store: Store, key: int, first: float, second: float) -> None:
    """Stored as under Try, blind, for the answers in the places where they were shown; the next one comes."""
    at = rate()
    assert "Which answer is better?" in texts(at)
    shown = on_screen(at)
    assert len(shown) == 2
    verdict(at, key)
    assert [rewards(store, one) for one in shown] == [[first], [second]]
    assert all(one.blinded for number in shown for one in store.outcome_history(ident(number)))
    assert not set(on_screen(at)) & set(shown)


def test_pairs_first_then_answers_then_what_to_do(store: Store) -> None:
    """Four screens, the single answer last; each is counted, and the end says how to go on."""
    at = rate()
    assert "0 of about" in at.get("progress")[0].proto.text
    for count in (1, 2, 3):
        assert len(on_screen(at)) == 2
        verdict(at, 3)
        assert f"{count} of about" in at.get("progress")[0].proto.text
    assert "Is this answer good?" in texts(at)
    assert on_screen(at) == [4]
    verdict(at, 2)
    assert rewards(store, 4) == [0.0]
    assert "Every answer here is rated." in texts(at)


def test_undo_takes_back_and_returns(store: Store) -> None:
    """The same answers in the same places; the ratings are withdrawn, not deleted. Skipping can be undone, too."""
    at = rate()
    shown = on_screen(at)
    verdict(at, 1)
    pressed(at, "queue-skip")
    pressed(at, "queue-undo")
    pressed(at, "queue-undo")
    assert on_screen(at) == shown
    assert [rewards(store, one) for one in shown] == [[1.0, None], [0.0, None]]
    assert at.button(key="queue-undo").disabled
    verdict(at, 2)
    assert [rewards(store, one)[-1] for one in shown] == [0.0, 1.0]


def test_what_was_skipped_comes_when_it_is_asked_for(store: Store) -> None:
    """Nothing is stored, and the queue ends; on request it begins again."""
    at = rate()
    for _ in range(4):
        pressed(at, "queue-skip")
    assert "But for 4 that you have skipped." in texts(at)
    pressed(at, "queue-again")
    assert len(on_screen(at)) == 2
    assert [rewards(store, one) for one in (1, 2, 3, 4)] == [[]] * 4


def test_half_a_pair_is_asked_for_alone(store: Store) -> None:
    """Where one answer of a pair is rated, the other is; what was rated elsewhere since does not come again."""
    store.write(Batch(outcomes=[an_outcome(1, 1), an_outcome(2, 2), an_outcome(3, 3, 0.0)]))
    at = rate()
    (shown,) = on_screen(at)
    assert shown in (501, 502, 503)
    others = [one for one in (501, 502, 503) if one != shown]
    store.write(Batch(outcomes=[an_outcome(number, number) for number in (shown, *others)]))
    at.run()
    assert on_screen(at) == [4]


def test_nothing_tells_the_models(store: Store) -> None:
    """Not the queue, not a key of it, and not the table: the row of the prompt on screen hides what was chosen."""
    at = rate()
    now = f"Prompt {min(on_screen(at))}"
    table = at.dataframe[0].value
    hides = table[table["Prompt"] == now].iloc[0]
    assert hides["Cost"] == "hidden until rated"
    assert hides["Thompson sampling"] == "hidden"
    assert (table[table["Prompt"] != now]["Cost"] != "hidden until rated").all()
    keys = " ".join(str(one.key) for one in at.button if str(one.key).startswith("queue"))
    assert "gpt" not in keys
    assert not any(ident(number) in keys for number in (1, 2, 3, 4, 501, 502, 503))


def test_an_empty_store_says_what_to_do(place: None) -> None:
    """No queue, no table; the way to prompts."""
    assert "Here you will rate answers" in texts(opened("history"))
