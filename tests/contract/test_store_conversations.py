"""What a store knows of conversations: who made calls of tools, and whom a session is with."""

from __future__ import annotations

from typing import Any

import pytest

from router_core.store.base import Batch, Search, Store
from tests.store_rows import CHEAP, STRONG, a_completion, a_decision, a_prompt, ident


def answer(store: Store, number: int, arm: str, session: str = "", **completion: Any) -> None:
    """A request that this arm answered."""
    store.write(
        Batch(
            [a_prompt(number, session=session)],
            [a_decision(number, chosen=arm)],
            [a_completion(number, arm=arm, **completion)],
        )
    )


def test_one_decision(store: Store) -> None:
    """By its id; None where there is none of it."""
    store.write(Batch([a_prompt()], [a_decision()]))
    assert store.decision(ident(1)) == a_decision()
    assert store.decision(ident(2)) is None
    assert store.decision("nonsense") is None


def test_the_decision_of_an_answer(store: Store) -> None:
    """The last of several that led to it; None where there is none."""
    first, last = a_decision(1), a_decision(2, prompt_id=ident(1), completion_id=a_decision(1).completion_id)
    store.write(Batch([a_prompt()], [first, last]))
    assert store.decision_of(first.completion_id) == last
    assert store.decision_of(ident(999)) is None
    assert store.decision_of("nonsense") is None


def test_who_called(store: Store) -> None:
    """Of several the one that answered these messages, else the newest; of the goal alone."""
    for number, arm, calls in ((1, STRONG, ("a", "b")), (2, CHEAP, ("b",)), (3, CHEAP, ())):
        answer(store, number, arm, tool_calls=calls)
    other = f"{9:064x}"
    assert store.arm_that_called("default", ["a"], other) == STRONG
    assert store.arm_that_called("default", ["a", "b"], other) == CHEAP
    assert store.arm_that_called("default", ["b"], f"{1:064x}") == STRONG
    assert store.arm_that_called("default", ["c"], other) is None
    assert store.arm_that_called("default", [], other) is None
    assert store.arm_that_called("mail", ["a"], other) is None
    store.erase(Search(ids=(ident(1),)))
    assert store.arm_that_called("default", ["a"], other) is None


@pytest.mark.parametrize("session", ["s", "é;'"])
def test_whom_a_session_is_with(store: Store, session: str) -> None:
    """The arm of its newest request that has not failed, one under way included."""
    assert store.arm_of_session("default", session) is None
    answer(store, 1, STRONG, session)
    answer(store, 2, CHEAP, session, error="no answer")
    answer(store, 3, CHEAP, "other")
    answer(store, 4, CHEAP)
    assert store.arm_of_session("default", session) == STRONG
    assert store.arm_of_session("mail", session) is None
    store.write(Batch([a_prompt(5, session=session)], [a_decision(5, chosen=CHEAP)]))
    assert store.arm_of_session("default", session) == CHEAP
