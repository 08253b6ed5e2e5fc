"""The keys of the gateway's callers in the store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from router_core.store.base import Batch, CallerKey, Store
from tests.store_rows import START, a_completion, a_decision, a_prompt

FREE = CallerKey("0a", "free", START, b"s" * 16, b"d" * 32)
BOUND = CallerKey("0b", "bound", START, b"t" * 16, b"e" * 32, ("mail", "it's"), ("a/b",), Decimal("2.5"), 60, 8)


def test_keys_are_kept_as_they_are(store: Store) -> None:
    """Oldest first; one that is saved again takes the place of the one before."""
    assert store.caller_keys() == []
    before = store.revision
    store.save_caller_key(BOUND)
    store.save_caller_key(replace(FREE, created_at=START - timedelta(days=1)))
    assert store.revision > before
    assert store.caller_keys() == [replace(FREE, created_at=START - timedelta(days=1)), BOUND]
    gone = replace(BOUND, revoked_at=START + timedelta(hours=1))
    store.save_caller_key(gone)
    assert store.caller_keys()[1] == gone


def test_what_a_caller_spent(store: Store) -> None:
    """Calls and deciding since a moment; unknown costs are counted, not added; texts may be marks."""
    prompts = [replace(a_prompt(at), metadata={"caller": "free"}) for at in (1, 2)] + [a_prompt(3)]
    costs = {1: Decimal("0.5"), 2: None, 3: Decimal(7)}
    store.write(
        Batch(
            prompts,
            [replace(a_decision(at), decision_cost_usd=Decimal("0.25")) for at in costs],
            [replace(a_completion(at), cost_usd=cost) for at, cost in costs.items()],
        )
    )
    assert store.spent_by("free", START - timedelta(days=1)) == (Decimal("1"), 1)
    assert store.spent_by("free", START + timedelta(days=9)) == (0, 0)
    assert store.spent_by("nobody", START - timedelta(days=1)) == (0, 0)
