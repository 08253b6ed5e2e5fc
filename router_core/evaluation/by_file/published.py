"""Published results of two models on the same prompts, counted: a verdict to look at before there is evidence.

The table beside this file holds counts and mean tokens, never a text; ``benchmarks/published.py`` derives it. The
code that judges any file judges it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from router_core.errors import EvaluationError
from router_core.evaluation.by_file.cells import Cells, labelled_of
from router_core.evaluation.labelled import Labelled

TABLE = "published.json"


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """A model of an example: its name for people, the version that answered, dollars per million tokens."""

    name: str
    version: str
    input_usd_per_million_tokens: float
    output_usd_per_million_tokens: float


@dataclass(frozen=True, slots=True)
class PublishedExample:
    """Who answered what, and how often.

    Args:
        name: short and unique.
        title: for people, with the number of prompts, as in "1,319 maths problems (GSM8K)".
        scored: how an answer was found to be right.
        costs: where tokens and prices are from.
        source, licence: of the scores.
        sha256: of the file that was counted.
        models: cheap to expensive.
        cells: the counts.
        input_tokens, output_tokens: per cell and model, means.
    """

    name: str
    title: str
    scored: str
    costs: str
    source: str
    licence: str
    sha256: str
    models: tuple[PublishedModel, ...]
    cells: Cells
    input_tokens: tuple[tuple[float, ...], ...]
    output_tokens: tuple[tuple[float, ...], ...]

    @property
    def prompts(self) -> int:
        """How many."""
        return sum(self.cells.counts)

    def labelled(self) -> Labelled:
        """Rows that stand for several prompts each."""
        return labelled_of(self.cells, self.title, self.sha256)


@cache
def published() -> tuple[PublishedExample, ...]:
    """Every example, the most telling one first."""
    text = files(__package__).joinpath(TABLE).read_text(encoding="utf-8")
    return tuple(_example(raw) for raw in json.loads(text))


def example(name: str) -> PublishedExample:
    """The example of that name.

    Raises:
        EvaluationError: there is none.
    """
    for one in published():
        if one.name == name:
            return one
    raise EvaluationError(f"there is no published example {name!r}; there are {[one.name for one in published()]}")


def _example(raw: dict[str, Any]) -> PublishedExample:
    models = tuple(PublishedModel(*one) for one in raw.pop("models"))
    estimated = raw.pop("costs_estimated")
    tasks, counts, scores, given, answered = zip(*raw.pop("cells"), strict=True)
    costs = tuple(
        tuple(
            (ins * model.input_usd_per_million_tokens + outs * model.output_usd_per_million_tokens) / 1e6
            for model, ins, outs in zip(models, row_in, row_out, strict=True)
        )
        for row_in, row_out in zip(given, answered, strict=True)
    )
    cells = Cells(
        tuple(model.name for model in models),
        tasks,
        counts,
        tuple(map(tuple, scores)),
        costs,
        (1.0 if estimated else 0.0,) * len(models),
    )
    tokens = tuple(map(tuple, given)), tuple(map(tuple, answered))
    return PublishedExample(models=models, cells=cells, input_tokens=tokens[0], output_tokens=tokens[1], **raw)
