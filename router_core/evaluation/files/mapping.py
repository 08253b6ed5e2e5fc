"""Which column of a file means what.

guessing.py guesses it by names and first values; checking.py judges the values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Form = Literal["long", "wide"]


@dataclass(frozen=True, slots=True)
class ModelColumns:
    """The columns of one model in a wide file; None where there is none."""

    model: str
    score: str
    cost_usd: str | None = None
    input_tokens: str | None = None
    output_tokens: str | None = None
    response: str | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """What each column means; None where there is none.

    ``form``: long has a row per prompt and model, wide a row per prompt with columns per model. Both:
    ``prompt`` (the text), ``prompt_id`` (else the text is the id), ``task``, ``verdict`` (SIMPLE or COMPLEX, as a
    classifier said). Long: ``model``, ``score``, ``cost_usd``, ``input_tokens``, ``output_tokens``,
    ``response``. Wide: ``models``; there ``input_tokens`` holds for every model without a column of its own.
    ``only``: the models to compare (empty: all); ``without``: models left out.
    ``full_score``: what a perfect answer scores; every score is
    divided by it.
    """

    form: Form = "long"
    prompt: str | None = None
    prompt_id: str | None = None
    task: str | None = None
    verdict: str | None = None
    model: str | None = None
    score: str | None = None
    cost_usd: str | None = None
    input_tokens: str | None = None
    output_tokens: str | None = None
    response: str | None = None
    models: tuple[ModelColumns, ...] = ()
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    full_score: float = 1.0

    def columns(self) -> dict[str, str | None]:
        """What is meant -> the column that has it, of this form; what is obligatory may be None."""
        shared = ("prompt", "prompt_id", "task", "verdict", "input_tokens")
        wanted = {name: getattr(self, name) for name in shared}
        if self.form == "long":
            rest = ("model", "score", "cost_usd", "output_tokens", "response")
            return wanted | {name: getattr(self, name) for name in rest}
        parts = ("score", "cost_usd", "input_tokens", "output_tokens", "response")
        return wanted | {f"{part} of {one.model}": getattr(one, part) for one in self.models for part in parts}
