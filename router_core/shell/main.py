"""The same from the shell: ``router-core export | import | demo | prune | doctor``; the rest is beside this file.

Exit codes: 0 done, 1 refused or something is wrong (one sentence on standard error), 2 wrong usage.
It does no work of its own: it calls the library and prints.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

import click

from router_core import __version__
from router_core.errors import RouterError, SettingsError
from router_core.settings import PrivacySettings, Settings
from router_core.settings.system import simulation_asked
from router_core.shell import collect, upkeep
from router_core.shell import evidence as cli_evidence
from router_core.shell.app import app
from router_core.shell.bill import bill
from router_core.shell.check import check
from router_core.shell.extras import WithExtras
from router_core.shell.judge import judge
from router_core.shell.keys import keys
from router_core.shell.logs import is_logged, take_log
from router_core.shell.saying import fail, say
from router_core.shell.serve import serve
from router_core.shell.store import in_store, named_store, opened_store, waiting
from router_core.store import store_path
from router_core.store.base import PER, Per, Search, SettingsVersion, Store
from router_core.store.private import open_private
from router_core.types import MICRO, Evidence
from router_core.words import good_of

FORMATS = ("json", "yaml", "evidence", "litellm", "python", "csv", "jsonl", "parquet")
_LOGS = ("csv", "jsonl", "parquet")
_ENDINGS = {".json": "json", ".yaml": "yaml", ".yml": "yaml", ".py": "python"}


@click.group(cls=WithExtras, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--store",
    "place",
    envvar="ROUTER_STORE",
    help="The store's file (or ROUTER_STORE); by default data/router.duckdb under the current folder.",
)
@click.option("--simulated", is_flag=True, help="The store of simulated traffic (or ROUTER_SIMULATED=1).")
@waiting
@click.version_option(__version__, prog_name="router-core")
@click.pass_context
def main(context: click.Context, place: str | None, simulated: bool) -> None:
    """Look after the store of a router: take it elsewhere, fill it, clean it, check it.

    \b
    router-core export router.json            everything, for Router.from_settings
    router-core export config.yaml -f litellm a LiteLLM proxy with the present split
    router-core export log.parquet            every request with its outcomes
    router-core import router.json            shows what changes, asks, can be undone
    router-core --simulated demo -n 100000    traffic to look at
    router-core prune --days 90 --strip       keep figures, drop old texts
    router-core backup store.backup           the whole store in one file, also while the app runs
    router-core doctor                        what is wrong with this machine
    router-core app                           the panel, in the browser
    router-core serve                         decisions and outcomes over HTTP, without the panel
    router-core keys add NAME                 a key by which a program may call it
    router-core ask prompts.csv               every model answers every prompt, within a limit in dollars
    router-core verdict scored.csv            should I route at all?
    router-core check scored.csv --claim ...  one claim as an exit code, for CI
    router-core replay scored.csv             what learning would have cost
    router-core bill                          what the last 30 days cost, and one model would have
    router-core judge --by openai/gpt-4o      let a model judge stored answers; its error is measured
    router-core learn scored.csv              teach the contextual router whose words gain from a strong model

    One process at a time can hold a store: stop the app first, or --wait for it; only backup works beside it.
    Exit codes: 0 done, 1 refused or something is wrong, 2 wrong usage; those of check are its answers.
    """
    context.obj = (place, simulated or simulation_asked(os.environ))
    for stream in (sys.stdout, sys.stderr):  # a terminal that lacks a character shows another in its place
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextmanager
def _store(context: click.Context, *, there: bool = False, read: bool = False) -> Iterator[Store]:
    """The store that the options name; our errors become one sentence and exit code 1.

    ``there``: it must have been made before; an empty one would be of no use. ``read``: it is only read.
    """
    place, kind = named_store(context)
    try:
        path = store_path(place, kind=kind)
        if there and path is not None and not path.exists():
            other = None if kind == "simulated" else store_path(place, kind="simulated")
            hint = "; simulated traffic is there: add --simulated" if other and other.exists() else ""
            fail(f"there is no store {path}{hint or '; name its file with --store or ROUTER_STORE'}")
        with opened_store(context, read=read) as store:
            yield store
    except RouterError as error:
        fail(str(error))


def _settings(store: Store | None) -> Settings:
    from router_core.exports.transfer import settings_in_force

    return settings_in_force(store)


def _bar(label: str, length: int, hidden: bool) -> Any:
    """A progress bar on standard error, told how much is done so far."""
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=hidden)


def _moving(bar: Any) -> Callable[[int], None]:
    return lambda done: bar.update(done - bar.pos)


@main.command("export", short_help="Write the router, or the log, to a file.")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@click.option("-f", "--format", "kind", type=click.Choice(FORMATS), help="By default told from the file's name.")
@click.option("--goal", default="default", show_default=True, help="For the Python program.")
@click.option("--per", type=click.Choice(PER), default="decision", show_default=True, help="A row of the log.")
@click.option("--raw", is_flag=True, help="Leave CSV cells that a spreadsheet would run as they are.")
@click.option("--json", "as_json", is_flag=True, help="Say what was done as JSON.")
@in_store
@click.pass_context
def export_(
    context: click.Context, file: str, kind: str | None, goal: str, per: Per, raw: bool, as_json: bool
) -> None:
    """Write settings, prices and what was learned to FILE (- is standard output); or the log.

    \b
    json, yaml           everything, with a checksum, for Router.from_settings and import
    evidence             only what was learned
    litellm              a LiteLLM proxy's config.yaml with the present split as weights
    python               a program that uses router.json
    csv, jsonl, parquet  every request with its decisions, answers and outcomes

    The log has a row per decision; decisions may share an answer, so add costs up with --per answer. Text cells of
    CSV that a spreadsheet would run begin with an apostrophe unless --raw is given.

    router-core verdict reads the log, too.
    Keys are never written. A file is replaced only when the new one is complete.
    """
    kind = kind or _ENDINGS.get(Path(file).suffix) or Path(file).suffix.removeprefix(".")
    if kind not in FORMATS:
        raise click.UsageError(f"{file}: say which format with --format {'|'.join(FORMATS)}")
    try:
        with _store(context, there=True, read=True) as store, _target(file, kind in _LOGS) as target:
            if kind in _LOGS:
                from router_core.exports.log import write_log

                with _bar("Writing", store.count(Search()), as_json or file == "-") as bar:
                    write_log(store, Search(), kind, target, progress=_moving(bar), per=per, raw=raw)
            else:
                target.write(_exported(store, kind, goal))
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader has seen enough
            raise
        fail(f"{file} cannot be written: {error}")
    if file != "-":
        size = Path(file).stat().st_size
        say(as_json, f"{file}: {size:,} bytes ({kind}).", file=file, format=kind, bytes=size)


@contextmanager
def _target(file: str, private: bool) -> Iterator[IO[bytes]]:
    """Standard output, or a file that appears under its name only once it is complete.

    ``private``: it holds what people wrote, and only its owner may read it.
    """
    if file == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = Path(f"{file}.part")
    try:
        with open_private(part) if private else part.open("wb") as opened:
            yield opened
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _exported(store: Store, kind: str, goal: str) -> bytes:
    from router_core.exports import dump, dump_evidence, dump_yaml
    from router_core.exports.litellm import litellm_config
    from router_core.exports.snippet import python_snippet
    from router_core.exports.transfer import export_of
    from router_core.models.calls import Models
    from router_core.serving.playground import Playground

    settings = _settings(store)
    if kind == "python":
        return python_snippet(settings, goal).encode()
    export = export_of(store, settings)
    if kind == "litellm":
        playground = Playground(settings, store, Models(settings, simulated=True))
        split = {name: playground.split(name) for name in settings.goals}
        return litellm_config(settings, split, export.prices).encode()
    if kind == "evidence":
        return dump_evidence(export.learned).encode()
    return (dump(export) if kind == "json" else dump_yaml(export)).encode()


@main.command("import", short_help="Take a router, or another tool's log, over from a file; shows, then asks.")
@click.argument("file", type=click.Path(dir_okay=False, exists=True))
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--settings/--no-settings", default=True, help="Take its settings over, or leave them.")
@click.option("--learning/--no-learning", default=True, help="Take over what it has learned, or leave it.")
@click.option("--trust-edited", is_flag=True, help="Accept a file whose checksum does not fit.")
@click.option("--allow-endpoints", is_flag=True, help="Accept addresses and key variables that are new here.")
@click.option("--goal", default="default", show_default=True, help="Of a log: whose traffic it is.")
@click.option("--log-format", help="Of a log: which; by default told from its shape.")
@click.option("--model", "models", multiple=True, metavar="LOGGED=MODEL", help="Of a log: which model it means.")
@click.option("--json", "as_json", is_flag=True, help="Say what was done as JSON (needs --yes).")
@in_store
@click.pass_context
def import_(
    context: click.Context,
    file: str,
    yes: bool,
    settings: bool,
    learning: bool,
    trust_edited: bool,
    allow_endpoints: bool,
    goal: str,
    log_format: str | None,
    models: Sequence[str],
    as_json: bool,
) -> None:
    """Take settings and learning over from FILE: a router.json, a router.yaml or an evidence.json.

    Or the calls that another tool has logged: LiteLLM, Langfuse, OpenTelemetry, OpenAI, Open WebUI, Helicone,
    promptfoo, JSON lines (docs/logs.md).

    The file is checked first and what would change is shown. What the store has learned is set aside, not deleted:
    undo it on the learning page; the settings are a new version, and any version can be brought back.

    Addresses and key variables that are new here decide where prompts and keys go. They are asked about
    separately; --yes does not accept them, --allow-endpoints does.
    """
    from router_core.exports import Export, load_any
    from router_core.exports.diff import changes
    from router_core.exports.transfer import (
        contextual_changes,
        goals_of,
        known_by_router,
        learned_changes,
        new_endpoints_here,
        settings_in,
        take_over_learned,
        text_of_file,
        whoami,
    )
    from router_core.settings.environment import require_key_variables

    if as_json and not yes:
        raise click.UsageError("--json cannot ask; add --yes")
    if log_format or is_logged(file):
        with _store(context) as store:
            take_log(store, _settings(store), file, goal, log_format, models, yes, as_json)
        return
    with _store(context) as store:
        now = _present(store)
        found = load_any(text_of_file(file), now, trust_edited=trust_edited)
        learned = found.learned if isinstance(found, Export) else found
        wanted = settings_in(found) if isinstance(found, Export) and settings else now
        require_key_variables(wanted, now, os.environ)
        differs = changes(now.document(), wanted.document())
        moved = learned_changes(store, wanted, learned) if learning else []
        contextual = contextual_changes(known_by_router(store, now), now, learned) if learning else []
        if not as_json:
            for one in differs:
                click.echo(f"  {one.path}: {one.before or '-'} -> {one.after or '-'}")
            for row in moved:
                click.echo(f"  {row.goal}, {row.arm}: {_good(row.before)} -> {_good(row.after)}")
            for change in contextual:
                click.echo(f"  {change.goal}, contextual: {change.before} -> {change.after}")
        if not (differs or moved or contextual):
            say(as_json, f"{file} would change nothing.", file=file, changes=0, outcomes=0)
            return
        _ask_about([one.in_words() for one in new_endpoints_here(wanted, now)], allow_endpoints, yes)
        if not yes:
            click.confirm("Import?", abort=True)
        note = f"imported {Path(file).name}"
        if differs:
            document = wanted.document()
            at, author = datetime.now(UTC), whoami()
            store.save_settings(SettingsVersion(wanted.version, at, author, note, document))
        if moved or contextual:
            take_over_learned(store, learned, goals_of(wanted, learned), note)
    outcomes = sum(row.after.count for row in moved)
    say(as_json, f"{file} was imported.", file=file, changes=len(differs), outcomes=outcomes)


def _ask_about(endpoints: Sequence[str], allowed: bool, yes: bool) -> None:
    """Addresses and key variables that are new here need a word of their own."""
    if not endpoints or allowed:
        return
    if yes:
        fail(
            f"The file would send prompts where the settings here do not ({'; '.join(endpoints)}). Nothing was"
            " imported; if you trust that, add --allow-endpoints"
        )
    for one in endpoints:
        click.echo(f"  new address or key variable: {one}")
    click.confirm("Send prompts and keys there?", abort=True)


def _present(store: Store) -> Settings:
    """The settings in force; where they cannot be used, an import is the way out, and begins from the defaults."""
    try:
        return _settings(store)
    except SettingsError as error:
        click.echo(f"router-core: {error}", err=True)
        return Settings()


def _good(evidence: Evidence) -> str:
    return f"{good_of(evidence.reward_micro / MICRO, evidence.count)} good"


@main.command(short_help="Fill the store of simulated traffic.")
@click.option("-n", "--requests", type=click.IntRange(1, 10_000_000), default=20_000, show_default=True)
@click.option("--days", type=click.FloatRange(0, 3650, min_open=True), default=14.0, show_default=True)
@click.option("--goal", default="default", show_default=True, help="Which traffic it is.")
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same traffic.")
@click.option("--json", "as_json", is_flag=True, help="Say what was done as JSON.")
@in_store
@click.pass_context
def demo(context: click.Context, requests: int, days: float, goal: str, seed: int, as_json: bool) -> None:
    """Fill the store of simulated traffic, so that every page can be seen full.

    The routers really decide and learn; prompts, answers and ratings are made up. Never touches live traffic.
    Interrupted, it keeps what is there; called again, it adds.
    """
    from router_core.demo.traffic import generate

    context.obj = (context.obj[0], True)
    with _store(context) as store, _bar("Generating", requests, as_json) as bar:
        generate(_settings(store), store, requests, goal=goal, days=days, seed=seed, progress=_moving(bar))
        place = store.location
    say(as_json, f"{requests:,} requests in {place}.", requests=requests, store=place)


@main.command(short_help="Delete old requests, or only their texts.")
@click.option("--days", type=click.IntRange(0, 36_500), help="Requests older than this; else as the settings say.")
@click.option("--strip", is_flag=True, help="Only their texts; figures and learning stay.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Say what was done as JSON (needs --yes).")
@in_store
@click.pass_context
def prune(context: click.Context, days: int | None, strip: bool, yes: bool, as_json: bool) -> None:
    """Delete old requests, with their answers, their ratings and what was learned from them.

    Without --days, what has expired goes as the setting privacy.expire says (the app does that by itself).
    This cannot be undone. The file is written anew, so that no text is left in it.
    """
    if as_json and not yes:
        raise click.UsageError("--json cannot ask; add --yes")
    with _store(context, there=True) as store:
        privacy = _settings(store).privacy
        if days is None:
            days, strip = _expiry(privacy)
        old = Search(until=datetime.now(UTC) - timedelta(days=days))
        found = store.count(old)
        what = "lose their texts" if strip else "be deleted, with what was learned from them"
        if not yes and found:
            click.confirm(f"{found:,} requests will {what}. This cannot be undone. Go on?", abort=True)
        done = (store.strip(old) if strip else store.erase(old)) if found else 0
    say(as_json, f"{done:,} requests {'stripped' if strip else 'deleted'}.", requests=done, stripped=strip)


def _expiry(privacy: PrivacySettings) -> tuple[int, bool]:
    """After how many days requests expire, and whether only their texts go."""
    if privacy.expire_after_days is None:
        raise click.UsageError(
            "say which with --days N: the settings let nothing expire (privacy.expire_after_days)"
        )
    return privacy.expire_after_days, privacy.expire == "texts"


main.add_command(upkeep.backup)
main.add_command(upkeep.doctor)
main.add_command(app)
main.add_command(serve)
main.add_command(keys)
main.add_command(collect.ask)
main.add_command(collect.batches)
main.add_command(check)
main.add_command(cli_evidence.verdict)
main.add_command(cli_evidence.replay)
main.add_command(cli_evidence.learn)
main.add_command(judge)
main.add_command(bill)


if __name__ == "__main__":
    main()
