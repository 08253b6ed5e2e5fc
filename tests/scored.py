"""Files of scored answers, made up: two models, easy and hard prompts that their length tells apart."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

HEADER = ("prompt_id", "task", "prompt", "model", "score", "input_tokens", "output_tokens", "cost_usd", "response")
CHEAP, STRONG = "gpt-4o-mini", "gpt-4o"


def rows(prompts: int) -> Iterator[tuple[str, ...]]:
    """Two rows per prompt: the cheap model fails most hard ones, the strong one a few that the cheap one knows."""
    for i in range(prompts):
        hard = i % 2 == 1
        text = f"Prove the claim number {i}, " + "step by step and in full, " * 12 if hard else f"Is {i} even?"
        for model, good, cost in (
            (CHEAP, not hard or i % 10 == 1 or i % 20 == 3, 0.0001),
            (STRONG, i % 20 != 3, 0.005),
        ):
            answer = f"{model} says ![seen](http://example.com/{i}.png) :red[of {i}]"
            yield (
                f"q{i:05}",
                "hard" if hard else "easy",
                text,
                model,
                str(int(good)),
                "50",
                "60",
                str(cost),
                answer,
            )


def long_csv(prompts: int = 120, scores: dict[int, str] | None = None) -> bytes:
    """A row per prompt and model; ``scores``: row (from 0) -> another score."""
    changed = [(*row[:4], (scores or {}).get(at, row[4]), *row[5:]) for at, row in enumerate(rows(prompts))]
    return _csv([HEADER, *changed])


def with_words(prompts: int = 300) -> bytes:
    """Hard prompts gain, and their words tell: all are equally long."""
    lines = ["prompt,model,score,cost_usd"]
    for at in range(prompts):
        hard = at % 2 == 1
        text = f"{'prove' if hard else 'greet'} number {at:05}"
        lines += [f"{text},{CHEAP},{int(not hard)},0.0001", f"{text},{STRONG},1,0.005"]
    return "\n".join(lines).encode()


def wide_csv(prompts: int = 120) -> bytes:
    """A row per prompt; columns named as the guess does not know them for one model."""
    lines = [("prompt", f"{CHEAP}_score", f"{CHEAP}_cost", "the big one")]
    every = list(rows(prompts))
    for cheap, strong in zip(every[::2], every[1::2], strict=True):
        lines.append((cheap[2], cheap[4], cheap[7], strong[4]))
    return _csv(lines)


def _csv(lines: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()
