"""Counts published scores for the examples that the first page shows: ``python -m benchmarks.published FOLDER``.

FOLDER holds files of scored answers (one row per prompt and model), named as below. What is written is
router_core/evaluation/by_file/published.json: for each task, how many prompts had which scores, and mean tokens.
No text is kept. Says how far the verdict on the counts is from the verdict on the file.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from router_core.evaluation.by_file.cells import grouped
from router_core.evaluation.by_file.conclusion import verdict
from router_core.evaluation.by_file.published import TABLE, PublishedExample, published
from router_core.evaluation.by_file.report import evaluate
from router_core.evaluation.files.rates import Rates
from router_core.evaluation.files.reading import read_labelled
from router_core.evaluation.labelled import Labelled
from router_core.evaluation.results import Objective
from router_core.settings import Settings

ROOT = Path(__file__).parents[1]
PLACE = ROOT / "router_core" / "evaluation" / "by_file" / TABLE
_DIGITS = 6


@dataclass(frozen=True)
class _Wanted:
    """One example. ``names``: version in the file -> name for people; ``task``: what to take off a task's name."""

    name: str
    file: str
    title: str
    scored: str
    costs: str
    source: str
    licence: str
    names: dict[str, str]
    task: str = ""
    by_task: bool = True


_ESTIMATED = "Tokens are estimated from the texts, costs are tokens times list price."
WANTED = (
    _Wanted(
        "gsm8k",
        "gsm8k_gpt4omini_gpt4o.csv.gz",
        "{:,} maths problems (GSM8K)",
        "by matching the final number",
        _ESTIMATED,
        "WildEval/ZeroEval@8c1485e",
        "Apache-2.0",
        {"gpt-4o-mini-2024-07-18": "gpt-4o-mini", "gpt-4o-2024-08-06": "gpt-4o"},
        by_task=False,
    ),
    _Wanted(
        "mmlu",
        "mmlu_mixtral_gpt4.csv.gz",
        "{:,} exam questions in 57 subjects (MMLU)",
        "by the letter chosen",
        "Input tokens are estimated from the texts, output tokens are taken to be 250 per answer (the answers were"
        " not published), costs are tokens times list price.",
        "lm-sys/RouteLLM@0b64fda",
        "Apache-2.0",
        {"mistralai/Mixtral-8x7B-Instruct-v0.1": "Mixtral-8x7B", "gpt-4-1106-preview": "gpt-4-1106"},
        "mmlu/",
    ),
    _Wanted(
        "routerarena",
        "routerarena_haiku_gemini.csv.gz",
        "{:,} mixed prompts (RouterArena)",
        "task by task, from 0 to 1",
        "Tokens are those of the calls, costs are tokens times list price.",
        "RouteWorks/RouterArena@4714a9a",
        "Apache-2.0",
        {"gemini-2.0-flash-001": "gemini-2.0-flash", "claude-3-haiku-20240307": "claude-3-haiku"},
        by_task=False,
    ),
)


def _read(folder: Path, wanted: _Wanted) -> Labelled:
    return read_labelled(
        folder / wanted.file,
        rates=Rates.of(Settings()),
        out_of_range="clip",
        notations="read",
        tell=lambda _: None,
    )


def _rounded(table: np.ndarray) -> list[list[float]]:
    return [[float(f"{one:.{_DIGITS}g}") for one in row] for row in table]


def counted(data: Labelled, wanted: _Wanted) -> dict[str, object]:
    """One example as it is written."""
    rates = Rates.of(Settings())
    models = []
    for version in data.models:
        rate = rates.find(version)
        assert rate is not None, f"the price of {version} is unknown"
        price = rate.price
        dollars = float(price.input_usd_per_million_tokens), float(price.output_usd_per_million_tokens)
        models.append([wanted.names[version], version, *dollars])
    tokens = (data.input_tokens, data.output_tokens)
    paid = sum(
        one * np.array([model[place] for model in models]) for one, place in zip(tokens, (2, 3), strict=True)
    )
    off = np.abs(paid.mean(axis=0) / 1e6 / data.cost_usd.mean(axis=0) - 1.0).max()
    assert off < 1e-3, f"{wanted.name}: tokens times list price are {off:.1%} off the costs of the file"
    found = grouped(data)
    tasks = [task.removeprefix(wanted.task) if wanted.by_task else "" for task in found.tasks]
    columns = (_rounded(found.means(one)) for one in (data.scores, *tokens))
    return {
        "name": wanted.name,
        "title": wanted.title.format(len(data.prompts)),
        "scored": wanted.scored,
        "costs": wanted.costs,
        "source": wanted.source,
        "licence": wanted.licence,
        "sha256": data.sha256,
        "costs_estimated": bool(data.cost_estimated.any()),
        "models": models,
        "cells": [list(row) for row in zip(tasks, np.bincount(found.cell).tolist(), *columns, strict=True)],
    }


def written(examples: list[dict[str, object]]) -> str:
    """The table: a line per cell."""
    parts = []
    for one in examples:
        cells = one["cells"]
        assert isinstance(cells, list)
        head = json.dumps({**one, "cells": None}, indent=1)
        lines = ",\n".join(f"  {json.dumps(row, separators=(',', ':'))}" for row in cells)
        parts.append(head.replace('"cells": null', f'"cells": [\n{lines}\n ]'))
    return "[" + ",\n".join(parts) + "]\n"


def compared(data: Labelled, example: PublishedExample, worth: float) -> str:
    """The verdict on the file beside that on its counts: break-even and value with their intervals."""
    said = []
    for one in (data, example.labelled()):
        report = evaluate([], one, objective=Objective(worth), draws=0)
        rival = report.rivals[0]
        assert rival.utility_usd is not None
        figures = (rival.break_even_usd, rival.break_even_low_usd, rival.break_even_high_usd)
        shown = ["-" if figure is None else f"{figure:.6f}" for figure in figures]
        value = [f"{1000 * figure:.4f}" for figure in
                 (rival.utility_usd.value, rival.utility_usd.low, rival.utility_usd.high)]  # fmt: skip
        said.append(f"break-even {' '.join(shown)}; value per 1,000 {' '.join(value)}; {verdict(report).kind}")
    return f"{example.name} at ${worth:g}\n  file:   {said[0]}\n  counts: {said[1]}"


def main(folder: Path) -> None:
    """Write the table, then say what each verdict is on the file and on the counts."""
    missing = [one.file for one in WANTED if not (folder / one.file).exists()]
    if missing:
        sys.exit(f"{folder} has no {missing[0]}; give the folder that holds the published scores")
    read = {one.name: _read(folder, one) for one in WANTED}
    PLACE.write_text(written([counted(read[one.name], one) for one in WANTED]))
    print(f"{PLACE.relative_to(ROOT)}: {PLACE.stat().st_size:,} bytes")
    for example in published():
        for worth in (0.005, 0.05, 0.5):
            print(compared(read[example.name], example, worth))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("python -m benchmarks.published FOLDER")
    main(Path(sys.argv[1]))
