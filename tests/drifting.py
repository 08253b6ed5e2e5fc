"""A log in which a model becomes worse half-way, so that its drift alarm sounds."""

from __future__ import annotations

from router_core.store.base import Batch, Store
from router_core.types import Context
from tests.store_rows import CHEAP, STRONG, a_completion, a_decision, a_prompt, an_outcome

TEXTS = (
    "list the colours",
    "prove the theorem about manifolds step by step",
    "what is the capital of this place?",
)


def drifted(store: Store, good: int = 200, bad: int = 25, first: int = 1) -> None:
    """Both models answer ``good`` prompts each, three in four well; then the strong one fails ``bad`` times."""
    batch = Batch([], [], [], [])
    chosen = [STRONG, CHEAP] * good + [STRONG] * bad
    for place, arm in enumerate(chosen):
        number, text = first + place, TEXTS[place // 2 % len(TEXTS)]
        fails = place >= 2 * good or place // 2 % 4 == 3
        batch.prompts.append(a_prompt(number))  # type: ignore[attr-defined]
        batch.decisions.append(  # type: ignore[attr-defined]
            a_decision(number, chosen=arm, context=Context("default", text, None, len(text.split()), len(text), 8))
        )
        batch.completions.append(a_completion(number, arm=arm, model=arm))  # type: ignore[attr-defined]
        batch.outcomes.append(an_outcome(number, number, 0.0 if fails else 1.0))  # type: ignore[attr-defined]
    store.write(batch)
