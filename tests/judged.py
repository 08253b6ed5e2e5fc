"""A store with pairs of answers for judges: the cheap model is right on every second, the strong one on all."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from router_core.models.simulated_answers import WRONG
from router_core.store.base import Batch, Store
from tests.store_rows import CHEAP, STRONG, a_completion, a_decision, a_prompt, an_outcome, ident


def with_pairs(store: Store, count: int) -> None:
    """So many prompts that both models answered; odd numbers are the cheap one's answers; 1, 5, 9 are right."""
    prompts, decisions, answers = [], [], []
    for place in range(count):
        first, second = 2 * place + 1, 2 * place + 2
        note = "" if place % 2 == 0 else f"\n\n{WRONG}"
        messages = ({"role": "user", "content": f"Question {place}?"},)
        metadata = {"reference": f"Answer {place}"}
        prompts.append(a_prompt(first, messages=messages, run_all=True, metadata=metadata))
        both = {"prompt_id": ident(first), "cost_usd": Decimal("0.001")}
        decisions += [
            a_decision(first, chosen=CHEAP, completion_id=ident(first)),
            a_decision(second, prompt_id=ident(first), chosen=STRONG, completion_id=ident(second)),
        ]
        answers += [
            a_completion(first, arm=CHEAP, text=f"Answer {place}{note}", **both),
            a_completion(second, arm=STRONG, text=f"The answer is {place}", **both),
        ]
    store.write(Batch(prompts, decisions, answers))


def rate(store: Store, rewards: Mapping[int, float]) -> None:
    """People's thumbs on answers, by the number of the completion."""
    store.write(Batch(outcomes=[an_outcome(100_000 + number, number, one) for number, one in rewards.items()]))
