"""``python -m benchmarks.online``: routers on scored prompts of which only the chosen model's score is seen.

See study.py for everything that is computed: it reads the file, calls the library and prints.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from router_core.errors import RouterError
from router_core.shell.progress import progress
from router_core.words import dollars

if TYPE_CHECKING:
    from benchmarks.online.study import Online
    from router_core.evaluation.results import Estimate


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, exists=True))
@click.option("--worth", "worths", multiple=True, type=click.FloatRange(0, min_open=True),
              help="Dollars of a good answer; may be repeated. By default where the cheapest and the most accurate"
              " model are equally good buys, half of it and twice it.")  # fmt: skip
@click.option(
    "--shuffles", type=click.IntRange(2, 10_000), default=20, show_default=True, help="Orders of the prompts."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Same seed, same table.")
@click.option(
    "--words/--no-words", default=True, show_default=True, help="Also learn from words (most of the time)."
)
@click.option("--no-signal", is_flag=True, help="Shuffle each model's scores among the prompts first: what then?")
@click.option("--out-of-range", type=click.Choice(("refuse", "clip", "drop")), default="refuse", show_default=True,
              help="Scores outside 0 to 1.")  # fmt: skip
@click.option("--chart", type=click.Path(dir_okay=False),
              help="Draw the first worth: .html, .json; .svg and .png with vl-convert-python.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON.")
def online(
    file: str,
    worths: Sequence[float],
    shuffles: int,
    seed: int,
    words: bool,
    no_signal: bool,
    out_of_range: str,
    chart: str | None,
    as_json: bool,
) -> None:
    """Let every router learn on FILE (see verdict) from the chosen model's score alone, in many random orders.

    Shows what each brought, per 1,000 prompts, against the best fixed model and against a random mix of models at
    equal spend. A simulation, not an estimate of your traffic.

    \b
    python -m benchmarks.online scored.csv
    python -m benchmarks.online scored.csv --worth 0.05 --chart stream.html
    python -m benchmarks.online scored.csv --no-signal --no-words
    """
    from benchmarks.online.study import break_even_usd, prepared, without_signal
    from benchmarks.online.study import online as play
    from router_core.evaluation.files.reading import read_labelled

    try:
        data = read_labelled(file, out_of_range=out_of_range)  # type: ignore[arg-type]
        prompts = prepared(data)
        even = break_even_usd(data)
        if not worths and even is None:
            raise click.UsageError("the cheapest model is the most accurate one, too; say --worth to see a stream")
        asked = worths or [(even or 0.0) * times for times in (1.0, 0.5, 2.0)]
        if no_signal:
            prompts = without_signal(prompts, seed)
        found = []
        with progress("Playing", hidden=as_json) as tell:
            for place, worth in enumerate(asked):

                def tick(done: float, before: int = place) -> None:
                    tell((before + done) / len(asked))

                found.append(play(prompts, worth, shuffles=shuffles, seed=seed, words=words, tick=tick))
        if chart is not None:
            from benchmarks.online.chart import save_chart

            save_chart(found[0], "light", chart)
    except (RouterError, OSError, ValueError) as error:
        click.echo(f"router-core: {error}", err=True)
        sys.exit(1)
    click.echo(json.dumps([asdict(one) for one in found]) if as_json else "\n\n".join(map(text, found)))


_COLUMNS = ("brought", "over best fixed", "last quarter", "over mix, equal spend")


def text(found: Online) -> str:
    """As a table for people."""
    width = max(len(path.label) for path in found.paths)
    lines = [
        f"A good answer is worth ${found.value_usd:.4g}. {found.prompts:,} prompts, {found.shuffles} shuffles;"
        f" dollars per 1,000 prompts.",
        f"Best fixed model: {found.best}, give or take {dollars(found.best_error)} with other prompts of the kind."
        f" Exploration and starting weights cost {dollars(found.floor)}.",
        f"{'':{width}}  " + "  ".join(f"{name:>25}" for name in _COLUMNS),
    ]
    for path in found.paths:
        columns = [path.final, path.over_best, path.late, path.over_mix]
        lines.append(f"{path.label:{width}}  " + "  ".join(f"{_said(one):>25}" for one in columns))
    return "\n".join(lines)


def _said(one: Estimate) -> str:
    return f"{dollars(one.value)} ({dollars(one.low)} to {dollars(one.high)})"
