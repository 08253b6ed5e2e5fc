"""Labelled files in the shell: ``router-core verdict | replay | learn``.

It computes nothing itself: it reads the file, calls the library and prints.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from router_core.errors import RouterError
from router_core.evaluation.by_file.ways import LEARNED, WAYS, offered
from router_core.registry import POLICIES
from router_core.shell.progress import progress
from router_core.shell.store import in_store, opened_store

if TYPE_CHECKING:
    from router_core.evaluation.by_file.kept import Judgement
    from router_core.evaluation.files.mapping import Mapping
    from router_core.evaluation.files.rates import Rates
    from router_core.evaluation.files.tables import Table
    from router_core.evaluation.labelled import Labelled
    from router_core.evaluation.results import Report
    from router_core.settings import Settings

# Written here again so that `router-core --help` need not load what judges; a test holds them together.
OUT_OF_RANGE = ("refuse", "clip", "drop")
DUPLICATES = ("refuse", "first", "mean")
ENCODINGS = ("utf-8", "cp1252", "latin-1")


def _prices(_context: click.Context, _option: click.Parameter, said: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Model -> dollars per million tokens, in and out, as text."""
    found = {}
    for one in said:
        model, equals, figures = one.rpartition("=")
        given, _, answered = (part.strip() for part in figures.partition(","))
        try:
            fits = bool(equals and model.strip()) and all(
                0 <= float(part) < float("inf") for part in (given, answered)
            )
        except ValueError:
            fits = False
        if not fits:
            raise click.BadParameter(f"{one!r} is not MODEL=IN,OUT, such as small=0.15,0.60")
        found[model.strip()] = (given, answered)
    return found


READING = (
    click.option("--columns", "said", multiple=True, metavar="PART=COLUMN",
                 help="What a column holds, such as prompt=Question or models=small,big (the score columns of a"
                 " file with a row per prompt); may be repeated. By default as their names say."),
    click.option("--full-score", type=click.FloatRange(0, min_open=True),
                 help="What a perfect answer scores; by default 1."),
    click.option("--without", multiple=True, metavar="MODEL", help="Leave this model out; may be repeated."),
    click.option("--price", "prices", multiple=True, metavar="MODEL=IN,OUT", callback=_prices,
                 help="Dollars per million tokens in and out of a model of the file; may be repeated."),
    click.option("--out-of-range", type=click.Choice(OUT_OF_RANGE), default="refuse", show_default=True,
                 help="Scores outside 0 to 1."),
    click.option("--duplicates", type=click.Choice(DUPLICATES), default="refuse", show_default=True,
                 help="Several scores of one prompt and model."),
    click.option("--encoding", type=click.Choice(ENCODINGS), default="utf-8", show_default=True),
)  # fmt: skip
_OPTION_OF = {
    "missing column": "--columns",
    "few models": "--columns",
    "no number": "--out-of-range",
    "out of range": "--full-score or --out-of-range",
    "duplicates": "--duplicates",
}
_FILE = (
    click.argument("file", type=click.Path(dir_okay=False, exists=True)),
    click.option("--settings", "place", type=click.Path(dir_okay=False, exists=True),
                 help="A router.json, router.yaml or settings document; by default the default settings."),
    click.option("--goal", default="default", show_default=True, help="Whose worth, priors and exploration."),
    click.option("--worth", type=click.FloatRange(0), help="Dollars of a good answer; by default the goal's."),
    click.option("--floor", type=click.FloatRange(0, 1), help="Instead: the share of good answers to reach."),
    *READING,
    click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Same seed, same report."),
    click.option("--shuffles", type=click.IntRange(1, 10_000), default=20, show_default=True,
                 help="Lives of Thompson sampling."),
    click.option("--json", "as_json", is_flag=True, help="Everything as JSON (docs/evidence.md)."),
)  # fmt: skip


def with_options(options: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    """A decorator that adds these arguments and options, in this order."""

    def added(command: Callable[..., None]) -> Callable[..., None]:
        for add in reversed(options):
            command = add(command)
        return command

    return added


@click.command()
@with_options(_FILE)
@click.option(
    "-r", "--router", "routers", multiple=True, type=click.Choice(list(WAYS)),
    help="What to judge beside the models; may be repeated. By default all but learned (slow).",
)  # fmt: skip
@click.option(
    "--draws", type=click.IntRange(10, 100_000), default=1000, show_default=True, help="Of the bootstrap."
)
@click.option("--tolerance", type=click.FloatRange(0, 1), default=0.05, show_default=True,
              help="Accuracy one would give up for the cheaper model.")  # fmt: skip
@click.option("--report", "page", type=click.Path(dir_okay=False, writable=True),
              help="Also write a page for people: self-contained HTML, two pages in print.")  # fmt: skip
def verdict(
    file: str, routers: Sequence[str], draws: int, tolerance: float, as_json: bool, page: str | None, **given: Any
) -> None:
    """Should I route at all? Judge routers on FILE: prompts whose answers by every model are scored.

    FILE is CSV, JSON lines or Parquet, gzip or not; either one row per prompt and model (prompt, model, score, and
    where known prompt_id, task, input_tokens, output_tokens, cost_usd, response), or one row per prompt with a
    score column per model. How the verdict is reached: docs/evidence.md.

    \b
    router-core verdict scored.csv
    router-core verdict scored.csv --worth 0.20
    router-core verdict scored.parquet --floor 0.9 --json
    router-core verdict scored.csv --report verdict.html
    router-core verdict judged.csv --columns prompt=Question,model=LLM,score=Points --full-score 100
    router-core verdict scored.csv --price "my model=0.15,0.60" --without tiny
    """
    from router_core.evaluation.by_file.cells import cells_of
    from router_core.evaluation.by_file.conclusion import verdict as concluded
    from router_core.evaluation.by_file.kept import Judgement
    from router_core.evaluation.by_file.table import HEADINGS, table
    from router_core.evaluation.results import dump

    report, notes, data = _judged(file, lambda data: list(routers) or _usual(data), draws, as_json, given)
    found = concluded(report, tolerance)
    judgement = Judgement(found, report, tuple(notes), cells_of(data))
    if page is not None:
        _write_page(page, judgement, tolerance)
    if as_json:
        click.echo(dump(judgement))
        return
    click.echo(f"{found.sentence}\n")
    for line in (*found.reasons, *notes):
        click.echo(f"- {line}")
    click.echo()
    _print_table([HEADINGS, *table(report)])


@click.command()
@with_options(_FILE)
@click.option("--refresh", type=click.IntRange(1, 1_000_000), default=10, show_default=True,
              help="Prompts between two looks at the posteriors.")  # fmt: skip
def replay(file: str, refresh: int, as_json: bool, **given: Any) -> None:
    """Let the routers that learn begin from nothing on FILE (see verdict), in many random orders.

    Shows what each ends on and what learning cost. A simulation, not an estimate: it sees prompts in an order and
    with ratings that your traffic will not have. The contextual router learns without a gain score here, and the
    router by task needs a column of task types.
    """
    from router_core.evaluation.by_file.table import HEADINGS, regret_lines, table
    from router_core.evaluation.results import dump

    def learners(data: Labelled) -> list[str]:
        return [name for name in offered(data) if name in POLICIES and POLICIES[name].learns]

    report, notes, _ = _judged(file, learners, 200, as_json, given, refresh)
    if as_json:
        click.echo(json.dumps({"report": json.loads(dump(report)), "notes": notes}, ensure_ascii=False))
        return
    _print_table([line[:3] for line in (HEADINGS, *table(report))])
    for path in report.regret:
        unit = "dollars" if path.in_dollars else "good answers"
        click.echo(f"\n{path.name}: lost so far against {report.best_fixed} for everything, in {unit}:\n")
        _print_table([("After prompts", "Lost (band over the shuffles)"), *regret_lines(path)])
    for line in notes:
        click.echo(f"- {line}")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, exists=True))
@click.option("--goal", default="default", show_default=True, help="Whose contextual router.")
@with_options(READING)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@in_store
@click.pass_context
def learn(context: click.Context, /, file: str, goal: str, as_json: bool, **given: Any) -> None:  # fmt: skip
    """Teach the contextual router of a goal from FILE (see verdict): whose prompts gain from a stronger model.

    The file's models are the goal's where they have the same names. Shows what the words are worth on prompts that
    were held out; a score that is no better than chance there is not put in force.
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from router_core.evaluation.by_file.teaching import teach
    from router_core.evaluation.files.rates import Rates
    from router_core.exports.transfer import settings_in_force

    notes: list[str] = []
    try:
        with opened_store(context, make=False) as store:  # a file that cannot be read leaves no empty store
            settings = settings_in_force(store)
            chosen = settings.goal(goal)
            data = read_file(file, given, Rates.of(settings, goal), notes)
        with opened_store(context) as store:
            taught = teach(store, goal, chosen, data, datetime.now(UTC))
    except RouterError as error:
        click.echo(f"router-core: {error}", err=True)
        sys.exit(1)
    if as_json:
        worth = {**asdict(taught.worth), "informed": taught.worth.informed}
        found = {
            "texts": taught.score.texts, "models": dict(taught.models), "in_force": taught.in_force,
            "worth": worth, "notes": notes,
        }  # fmt: skip
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    kept = "In force" if taught.in_force else "Not put in force"
    click.echo(f"{kept} in goal {goal!r}: learned from {taught.score.texts:,} prompts.")
    click.echo(taught.sentence)
    for line in notes:
        click.echo(f"- {line}")


def _judged(
    file: str,
    routers: Callable[[Labelled], list[str]],
    draws: int,
    as_json: bool,
    given: dict[str, Any],
    refresh: int = 10,
) -> tuple[Report, list[str], Labelled]:
    """The report on a file, what was left out or estimated, and its prompts; errors end the command."""
    from router_core.evaluation.by_file.report import evaluate
    from router_core.evaluation.files.rates import Rates
    from router_core.evaluation.results import Objective

    notes: list[str] = []
    with progress("Judging", hidden=as_json) as tell:
        try:
            settings = settings_of(given["place"])
            settings.goal(given["goal"])
            if given["worth"] is not None and given["floor"] is not None:
                raise click.UsageError("give --worth or --floor, not both")
            objective = None
            if given["worth"] is not None or given["floor"] is not None:
                objective = Objective(given["worth"], given["floor"])
            data = read_file(
                file, given, Rates.of(settings, given["goal"]), notes, lambda part, words: tell(0.4 * part)
            )
            report = evaluate(
                routers(data),
                data,
                settings=settings,
                goal=given["goal"],
                objective=objective,
                shuffles=given["shuffles"],
                draws=draws,
                seed=given["seed"],
                refresh=refresh,
                progress=lambda part, words: tell(0.4 + 0.6 * part),
            )
        except (MemoryError, RouterError) as error:
            said = (
                "there is not enough memory; take a sample of the prompts"
                if isinstance(error, MemoryError)
                else error
            )
            click.echo(f"router-core: {said}", err=True)
            sys.exit(1)
    return report, notes, data


def _write_page(place: str, judgement: Judgement, tolerance: float) -> None:
    """The report for people, in a file; one that cannot be written ends the command with a sentence."""
    from pathlib import Path

    from router_core.evaluation.by_file.worths import stretches_of
    from router_core.reports.people import report_html

    try:
        Path(place).write_text(report_html(judgement, stretches_of(judgement, tolerance)), encoding="utf-8")
    except OSError as error:
        click.echo(f"router-core: {place} cannot be written ({error.strerror}); choose another file", err=True)
        sys.exit(1)


def read_file(
    file: str,
    given: dict[str, Any],
    rates: Rates,
    notes: list[str],
    progress: Callable[[float, str], None] | None = None,
) -> Labelled:
    """The file as the options say; what was left out or estimated goes to the notes."""
    from decimal import Decimal

    from router_core.evaluation.files.chosen import chosen
    from router_core.evaluation.files.reading import BlockedError, read_labelled
    from router_core.types import Price

    prices = {name: Price(Decimal(first), Decimal(last)) for name, (first, last) in given["prices"].items()}

    def mapping(table: Table) -> Mapping:
        return chosen(table, given["said"], full_score=given["full_score"], without=given["without"])

    try:
        data = read_labelled(
            file,
            encoding=given["encoding"],
            mapping=mapping,
            out_of_range=given["out_of_range"],
            duplicates=given["duplicates"],
            notations="read",
            rates=replace(rates, prices=prices),
            tell=notes.append,
            progress=progress,
        )
    except BlockedError as error:
        option = _OPTION_OF.get(error.kind)
        raise RouterError(error.message if option is None else f"{error.message} (option {option})") from None
    strangers = [name for name in prices if name not in data.models]
    if strangers:
        raise RouterError(f"--price names {strangers[0]!r}; the models of {file} are: {', '.join(data.models)}")
    return data


def _usual(data: Labelled) -> list[str]:
    return [name for name in offered(data) if name != LEARNED]


def settings_of(place: str | None) -> Settings:
    """The settings in a file: an export, or a settings document."""
    from router_core.exports.transfer import read_export, text_of_file
    from router_core.settings import Settings

    if place is None:
        return Settings()
    text = text_of_file(place)
    if '"checksum"' in text or place.endswith((".yaml", ".yml")):
        return read_export(place).settings
    return Settings.from_document(text)


def _print_table(lines: Iterable[Sequence[str]]) -> None:
    """Columns side by side, the first aligned left, figures right."""
    rows = [tuple(line) for line in lines]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        click.echo("  ".join(cells).rstrip())
