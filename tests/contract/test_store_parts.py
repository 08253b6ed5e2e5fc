"""The parts of the protocol: each is small, together they are all, and every store answers every question."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, get_args

import pytest

from router_core.errors import StoreError
from router_core.registry import THOMPSON
from router_core.store import base
from router_core.store.base import Question, Store
from tests.store_rows import CHEAP, START, STRONG, everything, ident

PARTS = (base.Log, base.Learning, base.Questions, base.Kept)
ASKED: dict[str, Any] = {
    **{"since": START - timedelta(days=1), "until": START + timedelta(days=1), "now": START + timedelta(days=1)},
    **{"goal": "default", "policy": None, "arm": None, "origin": None, "bucket": 3600, "every": 1, "limit": 5},
    **{"precedence": ["thumb", "api"], "window_us": None, "places": [1], "arms": [CHEAP, STRONG]},
    **{"learner": THOMPSON.name, "seed": 0, "prompts": [ident(1)]},
    **{"goals": ["default"], "cheap": [CHEAP], "strong": [STRONG], "simple": CHEAP},
    **{f"{arm}_{way}": [0.0] for arm in ("cheap", "strong") for way in ("in", "out")},
}
"""A value for each parameter that a question may take."""


def members(part: type) -> set[str]:
    """What a protocol asks for itself."""
    return {name for name in vars(part) if not name.startswith("_")}


def test_each_member_belongs_to_one_part() -> None:
    """A consumer that asks for one part cannot reach into another."""
    names = [name for part in (*PARTS, Store) for name in members(part)]
    assert sorted(names) == sorted(set(names))
    assert all(3 < len(members(part)) < 25 for part in PARTS)


def test_a_store_has_all_parts(store: Store) -> None:
    """By name; that they are called as they should be is a matter of types."""
    wanted = set[str]().union(*(members(part) for part in (*PARTS, Store)))
    assert wanted <= set(dir(store))
    assert isinstance(store, Store)


@pytest.mark.parametrize("question", get_args(Question))
def test_every_question_is_answered(store: Store, question: Question) -> None:
    """As rows and as a table, before and after something is in the log."""
    asked = dict(ASKED, strong=STRONG) if question in ("pairs", "both_answered", "unrated_pairs") else ASKED
    store.rows(question, asked)
    store.write(everything())
    found = store.rows(question, asked)
    assert store.table(question, asked).shape[0] == len(found)


def test_no_other_question_is_answered(store: Store) -> None:
    """The sentence names those that there are: exactly those of the protocol."""
    with pytest.raises(StoreError, match="no question 'weather'") as said:
        store.rows("weather", {})  # type: ignore[arg-type]
    assert str(sorted(get_args(Question))) in str(said.value)
