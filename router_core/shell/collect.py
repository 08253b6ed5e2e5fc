"""Evidence in bulk from the shell: ``router-core ask | batches``. It computes nothing itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import click

from router_core.errors import RouterError
from router_core.shell.progress import progress
from router_core.shell.saying import fail
from router_core.shell.store import in_store, named_store, opened_store
from router_core.words import dollars, listing, many, share, wait

if TYPE_CHECKING:
    from router_core.collecting.batch import Batch
    from router_core.collecting.estimate import Estimate
    from router_core.collecting.run import Result
    from router_core.collecting.standing import Standing, State
    from router_core.settings import Settings
    from router_core.store.base import Store

_ENDED = {
    "paused": "Paused",
    "limit": "Stopped: the next call could exceed the limit",
    "given up": "Stopped",
    "done": "Done",
}
_AGAIN: dict[str | None, tuple[State, ...]] = {
    None: (),
    "failed": ("failed",),
    "cut-off": ("cut off",),
    "both": ("failed", "cut off"),
}
_LOOK_S = 0.2  # between two looks at how far it is
_ERRORS = 5  # that are shown


@contextmanager
def _store(context: click.Context) -> Iterator[Store]:
    """The store; our errors become one sentence and exit code 1."""
    try:
        with opened_store(context) as store:
            yield store
    except RouterError as error:
        fail(str(error))


@click.command(short_help="Put a file of prompts to every model.")
@click.argument("file", type=click.Path(dir_okay=False, exists=True), required=False)
@click.option("--models", help="Which of the goal's models, separated by commas; by default all.")
@click.option("--goal", default="default", show_default=True, help="The use case whose models are asked.")
@click.option(
    "--columns",
    "said",
    multiple=True,
    metavar="PART=COLUMN",
    help="What a column holds (prompt, messages, task, reference, system); by default as named.",
)
@click.option("--encoding", type=click.Choice(("utf-8", "cp1252", "latin-1")), default="utf-8", show_default=True)
@click.option("--sample", type=click.IntRange(1), help="So many prompts at random instead of all.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the sample.")
@click.option(
    "--check",
    default="",
    help="What makes an answer right: exact, contains, number, number:0.01, choice, regex:PATTERN, json.",
)
@click.option("--limit-usd", type=str, metavar="DOLLARS", help="Dollars that are never exceeded, or none.")
@click.option(
    "--max-tokens",
    type=click.IntRange(1, 1_000_000),
    default=1024,
    show_default=True,
    help="Output tokens of one answer.",
)
@click.option(
    "--at-once",
    type=click.IntRange(1, 10_000),
    default=16,
    show_default=True,
    help="Calls at the same time to one provider, at most; fewer where it asks to slow down.",
)
@click.option("--per-minute", type=click.IntRange(1), help="Calls a minute to one provider, at most.")
@click.option("--unpriced", is_flag=True, help="Also ask models whose price is unknown.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, writable=True),
    help="The scored answers: .csv, .jsonl or .parquet; by default FILE.scored.csv.",
)
@click.option("--resume", metavar="ID", help="Go on with a batch that was paused or cut off, instead of FILE.")
@click.option(
    "--again",
    type=click.Choice(("failed", "cut-off", "both")),
    help="With --resume: also make calls again that failed, or of which nobody knows what became.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask before it begins.")
@click.option("--json", "as_json", is_flag=True, help="Say what came of it as JSON (needs --yes).")
@in_store
@click.pass_context
def ask(context: click.Context, /, file: str | None, resume: str | None, **given: Any) -> None:  # fmt: skip
    """Put every prompt of FILE to every model, check the answers, and judge whether to route.

    FILE is CSV, JSON, JSON lines or Parquet with a prompt in each row (and where known task, reference, system),
    or .txt with a prompt per line. What it should cost is said before anything is asked. Ctrl+C pauses; what was
    asked is not asked again.

    \b
    router-core ask prompts.csv --limit-usd 2 --check exact
    router-core ask prompts.jsonl --models gpt-4o-mini,gpt-4o --sample 300 --check number:0.01
    router-core ask --resume 0197... --again failed
    """
    if (file is None) == (resume is None):
        raise click.UsageError("give FILE, or --resume ID of a batch that is not over")
    if given["as_json"] and not given["yes"]:
        raise click.UsageError("--json cannot ask; add --yes")
    if given["again"] and resume is None:
        raise click.UsageError("--again goes with --resume")
    from router_core.exports.transfer import settings_in_force

    with _store(context) as store:
        settings = settings_in_force(store)
        batch = _resumed(context, store, resume, given) if resume else _new(settings, store, str(file), given)
        result = _run(context, settings, store, batch, _AGAIN[given["again"]], given["as_json"])
        _tell(settings, store, result, given)
    if result.ended in ("limit", "given up"):
        sys.exit(1)


@click.command(short_help="Batches that are not over.")
@click.option("--drop", metavar="ID", help="End one for good; what was answered stays in the log.")
@in_store
@click.pass_context
def batches(context: click.Context, drop: str | None) -> None:
    """List batches that were paused or cut off, with what is left of them, or end one."""
    from router_core.collecting.batch import forget, open_batches
    from router_core.collecting.standing import standing

    with _store(context) as store:
        if drop is not None:
            forget(store, drop)
            click.echo("Its prompts are deleted; what was answered stays in the log.")
            return
        found = open_batches(store)
        for batch in found:
            began = f"{batch.created_at:%Y-%m-%d %H:%M} UTC"
            click.echo(f"{batch.id}  {began}  {batch.file}: {_words(standing(store, batch))}")
        if not found:
            click.echo("No batch is open.")


def _new(settings: Settings, store: Store, file: str, given: dict[str, Any]) -> Batch:
    """Read the file, say what the batch comes to, and ask whether it may begin."""
    from router_core.collecting.batch import forget
    from router_core.collecting.beginning import dollars_said, prepare
    from router_core.collecting.estimate import estimate
    from router_core.collecting.prompts import columns_said

    batch, contents = prepare(
        settings,
        store,
        Path(file),
        goal=given["goal"],
        models=tuple(one.strip() for one in (given["models"] or "").split(",") if one.strip()),
        said=columns_said(given["said"]),
        encoding=given["encoding"],
        sample=given["sample"],
        seed=given["seed"],
        check=given["check"],
        limit_usd=dollars_said(given["limit_usd"]),
        max_tokens=given["max_tokens"],
        at_once=given["at_once"],
        per_minute=given["per_minute"],
        unpriced=given["unpriced"],
    )
    try:
        for note in contents.notes:
            click.echo(f"- {note}", err=True)
        if not given["as_json"]:
            click.echo(_plan(batch, estimate(settings, store, batch)))
        if not given["yes"]:
            click.confirm("Begin?", abort=True)
    except BaseException:
        forget(store, batch.id)
        raise
    return batch


def _resumed(context: click.Context, store: Store, id_: str, given: dict[str, Any]) -> Batch:
    """The batch to go on with, with another limit where one is given."""
    from router_core.collecting.batch import folder_of, save, saved
    from router_core.collecting.beginning import dollars_said

    batch = saved(store, id_)
    if given["limit_usd"] is not None:
        batch = replace(batch, limit_usd=dollars_said(given["limit_usd"]))
        save(folder_of(store) / batch.id, batch)
    return batch


def _plan(batch: Batch, found: Estimate) -> str:
    """What a batch comes to, in a sentence or two."""
    money = "at a price that is unknown" if found.usd is None else f"about {dollars(found.usd)}"
    most = "" if found.most_usd is None else f" (at most {dollars(found.most_usd)})"
    limit = (
        "no limit; --limit-usd sets one" if batch.limit_usd is None else f"the limit is {dollars(batch.limit_usd)}"
    )
    return (
        f"{many(batch.prompts, 'prompt')} to {listing(batch.arms)}: {many(found.calls, 'call')}, {money}{most},"
        f" {wait(found.seconds)}; {limit}."
    )


def _run(
    context: click.Context, settings: Settings, store: Store, batch: Batch, again: Sequence[State], quiet: bool
) -> Result:
    """Run the batch in a thread; Ctrl+C pauses it, once what is under way has come."""
    from router_core.collecting.run import BatchRun

    run = BatchRun(settings, store, batch, simulated=named_store(context)[1] == "simulated", again=again)
    found: list[Result] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            found.append(run.run())
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits
            raised.append(error)

    thread = Thread(target=work, name="batch")
    thread.start()
    with progress("Asking", hidden=quiet) as tell:
        while thread.is_alive():
            try:
                thread.join(_LOOK_S)
                tell(1.0 - run.standing.left / batch.calls)
            except KeyboardInterrupt:
                run.pause()
                click.echo("\nPausing: waiting for the answers that are under way.", err=True)
    if raised:
        raise raised[0]
    return found[0]


def _tell(settings: Settings, store: Store, result: Result, given: dict[str, Any]) -> None:
    """What came of it: counts, money, the scored file, and how to go on."""
    from router_core.collecting.batch import forget
    from router_core.collecting.scored import write_scored

    batch, standing = result.standing.batch, result.standing
    place = Path(given["out"] or f"{Path(batch.file).stem}.scored.csv")
    written = write_scored(settings, store, batch, place) if standing.answered else 0
    over = result.ended == "done" and not standing.left and not standing.failed and not standing.cut_off
    if over:
        forget(store, batch.id)
    if given["as_json"]:
        click.echo(json.dumps(_facts(result, place if written else None)))
        return
    click.echo(f"{_ENDED[result.ended]}: {_words(standing)}.")
    for arm, why in result.given_up.items():
        click.echo(f"- {arm} was not asked any more: {why}")
    for error, count in sorted(standing.errors.items(), key=lambda one: -one[1])[:_ERRORS]:
        click.echo(f"- {count:,} x {error}")
    for arm, one in standing.arms.items():
        if one.checked:
            click.echo(f"- {arm}: {share(one.right / one.checked)} of {many(one.checked, 'answer')} right")
    if written:
        judged = any(one.checked for one in standing.arms.values())
        then = f"; router-core verdict {place}" if judged else "; no check judged them: rate them in the panel"
        click.echo(f"{many(written, 'answer')} in {place}{then}")
    if not over:
        more = " --again failed" if standing.failed else ""
        click.echo(f"To go on: router-core ask --resume {batch.id}{more}")


def _words(standing: Standing) -> str:
    """Where it stands, in one line."""
    parts = [f"{standing.answered:,} of {many(standing.batch.calls, 'call')} answered"]
    parts += [f"{standing.failed:,} failed"] if standing.failed else []
    parts += [f"{standing.cut_off:,} cut off, so that nobody knows"] if standing.cut_off else []
    parts += [f"{standing.left:,} left"] if standing.left else []
    unknown = f" and {many(standing.unknown, 'call')} of unknown cost" if standing.unknown else ""
    return ", ".join([*parts, f"{dollars(standing.spent_usd)}{unknown} spent"])


def _facts(result: Result, place: Path | None) -> dict[str, Any]:
    """The same as JSON."""
    standing = result.standing
    return {
        "batch": standing.batch.id,
        "ended": result.ended,
        "answered": standing.answered,
        "failed": standing.failed,
        "cut_off": standing.cut_off,
        "left": standing.left,
        "spent_usd": str(standing.spent_usd),
        "unknown_costs": standing.unknown,
        "given_up": dict(result.given_up),
        "arms": {arm: asdict(one) for arm, one in standing.arms.items()},
        "scored": None if place is None else str(place),
    }
