"""Logs in which a model becomes worse half-way, and in which the words of a prompt tell the models apart."""

from __future__ import annotations

from router_core.store.base import Batch, Store
from router_core.types import Context
from tests.builders import a_context
from tests.store_rows import CHEAP, STRONG, a_completion, a_decision, a_prompt, an_outcome

TEXTS = (
    "list the colours",
    "prove the theorem about manifolds step by step",
    "what is the capital of this place?",
)


CODE = "def f(x): return x(); # {};`` =="
PLAIN = "name colours seen at noon"


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


def told_apart(store: Store, each: int = 150, first: int = 1) -> None:
    """Both models answer so many prompts with code and as many without; code is what the cheap one fails at."""
    batch = Batch([], [], [], [])
    for place in range(4 * each):
        number, arm, code = first + place, (CHEAP, STRONG)[place % 2], place // 2 % 2 == 0
        text = f"{CODE if code else PLAIN} {place}"
        good = place % 7 != 0 and not (code and arm == CHEAP)
        batch.prompts.append(a_prompt(number))  # type: ignore[attr-defined]
        batch.decisions.append(a_decision(number, chosen=arm, context=a_context(text)))  # type: ignore[attr-defined]
        batch.completions.append(a_completion(number, arm=arm, model=arm))  # type: ignore[attr-defined]
        batch.outcomes.append(an_outcome(number, number, float(good)))  # type: ignore[attr-defined]
    store.write(batch)
