"""Small makers of stored rows, so that a store's test states only what it is about. Ids are numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from router_core.store.base import Batch, Store
from router_core.types import (
    Completion,
    Context,
    Decision,
    OutcomeRecord,
    Price,
    Prompt,
    Reason,
    ReasonLine,
    TeachingRule,
    Usage,
)

START = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
CHEAP, STRONG = "openai/gpt-4o-mini", "openai/gpt-4o"
ALL, OWN = TeachingRule(), TeachingRule(learn_from="own")


def ident(number: int) -> str:
    """The id with this number; ids sort as their numbers do."""
    return str(UUID(int=number))


def at(number: int) -> datetime:
    """That many seconds after the start."""
    return START + timedelta(seconds=number)


def a_prompt(number: int = 1, **changes: Any) -> Prompt:
    """A prompt of the goal "default" from the library."""
    values: dict[str, Any] = {
        "id": ident(number),
        "created_at": at(number),
        "goal": "default",
        "origin": "library",
        "task_type": None,
        "messages": ({"role": "user", "content": f"Prompt {number}"},),
        "sha256": f"{number:064x}",
    }
    return Prompt(**(values | changes))


def a_decision(number: int = 1, **changes: Any) -> Decision:
    """Thompson sampling's decision for the cheap model, leading to the completion of the same number."""
    values: dict[str, Any] = {
        "id": ident(number),
        "prompt_id": ident(number),
        "created_at": at(number),
        "goal": "default",
        "policy": "thompson",
        "policy_version": "v1",
        "context": Context("default", f"Prompt {number}", None, 2, 8, 6),
        "arms": (CHEAP, STRONG),
        "probabilities": (0.75, 0.25),
        "chosen": CHEAP,
        "seed": 0,
        "reason": Reason("75 % likely to be the better value"),
        "expected_cost_usd": (0.0001, 0.002),
        "decision_cost_usd": Decimal(0),
        "decision_ms": 0.5,
        "origin": "library",
        "completion_id": ident(number),
    }
    return Decision(**(values | changes))


def a_completion(number: int = 1, **changes: Any) -> Completion:
    """The cheap model's complete answer."""
    values: dict[str, Any] = {
        "id": ident(number),
        "prompt_id": ident(number),
        "created_at": at(number),
        "goal": "default",
        "arm": CHEAP,
        "model": CHEAP,
        "text": f"Answer {number}",
        "finish_reason": "stop",
        "usage": Usage(10, 20),
        "cost_usd": Decimal("0.0000135"),
        "price": Price(Decimal("0.15"), Decimal("0.6"), Decimal("0.075")),
        "first_token_ms": None,
        "total_ms": 250.0,
    }
    return Completion(**(values | changes))


def an_outcome(number: int, completion: int = 1, reward: float | None = 1.0, **changes: Any) -> OutcomeRecord:
    """A thumb, or what a change makes of it."""
    values: dict[str, Any] = {
        "id": ident(1_000_000 + number),
        "completion_id": ident(completion),
        "source": "thumb",
        "reward": reward,
        "created_at": at(number),
    }
    return OutcomeRecord(**(values | changes))


def a_request(store: Store, number: int = 1, *, run_all: bool = False, **decision: Any) -> None:
    """Write one prompt and the decision on it."""
    store.write(Batch([a_prompt(number, run_all=run_all)], [a_decision(number, **decision)]))


def everything() -> Batch:
    """One of each row with every field filled, awkward values among them, and one with all that may be unknown."""
    awkward = 'O\'Brien; "quoted" \\ 日本語 🎈\n\tend'
    context = Context("default", awkward, "extraction", 5, len(awkward), 17)
    lines = (ReasonLine("rule", "+2", True), ReasonLine("other", "0", False), ReasonLine(awkward, "", None))
    filled = a_decision(
        1,
        context=context,
        probabilities=(0.1 + 0.2, 1.0 - (0.1 + 0.2)),
        seed=2**63 - 1,
        reason=Reason(awkward, lines),
        expected_cost_usd=(None, 1e-9),
        decision_cost_usd=Decimal("0.000000123457"),
        decision_ms=1 / 3,
        fallback="the classifier timed out",
        cached=True,
        settings_version="abc",
    )
    unknown = a_decision(2, prompt_id=ident(1), decision_cost_usd=None, expected_cost_usd=(None, None))
    params = {"temperature": 0.1, "stop": ["\n"], "nested": {"a": [1, None, True]}}
    messages = (
        {"role": "system", "content": awkward},
        {"role": "user", "content": [{"type": "text", "text": "x"}]},
    )
    answered = a_completion(
        1,
        text=awkward,
        usage=Usage(70, 90, 3, True, 4, 5, 6, 7, "flex", Decimal("0.00123")),
        first_token_ms=12.25,
        retries=2,
        unpriced_retries=1,
        cost_usd=Decimal("0.1"),
        tool_calls=("0a1b", "2c3d"),
    )
    failed = a_completion(
        2,
        prompt_id=ident(1),
        text=None,
        finish_reason=None,
        usage=None,
        cost_usd=None,
        price=None,
        error="no answer",
    )
    beside = {"metadata": {"user": awkward, "trace": ""}, "session": "4e5f"}
    return Batch(
        [
            a_prompt(
                1, messages=messages, task_type="extraction", blind=True, run_all=True, params=params, **beside
            )
        ],
        [filled, unknown],
        [answered, failed],
        [an_outcome(1, 1, 0.25, chips=("too long", awkward), comment=awkward, blinded=True)],
    )
