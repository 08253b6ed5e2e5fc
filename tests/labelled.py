"""Small labelled data for tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from router_core.evaluation.labelled import Labelled


def labelled(
    scores: Sequence[Sequence[float]],
    costs: Sequence[float] = (0.001, 0.01),
    prompts: Sequence[str] | None = None,
    verdicts: Sequence[int] | None = None,
    tasks: Sequence[str | None] | None = None,
) -> Labelled:
    """One row of scores per prompt; ``costs``: of one answer of each model, cheap to strong (NaN: unknown)."""
    count = len(scores)
    shape = (count, len(costs))
    return Labelled(
        prompt_ids=tuple(f"p{i:05}" for i in range(count)),
        prompts=tuple(prompts or [f"prompt {i}" for i in range(count)]),
        tasks=tuple(tasks or [None] * count),
        models=tuple(("cheap", "strong", "third", "fourth")[: len(costs)]),
        scores=np.array(scores, np.float64),
        cost_usd=np.broadcast_to(np.array(costs, np.float64), shape).copy(),
        input_tokens=np.full(shape, 100.0),
        output_tokens=np.full(shape, 50.0),
        cost_estimated=np.zeros(shape, bool),
        verdicts=None if verdicts is None else np.array(verdicts, np.int8),
        source="made up",
        sha256="0" * 64,
    )
