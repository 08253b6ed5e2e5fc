"""The same from the shell: ``router-core export | import | demo | prune | doctor``.

Exit codes: 0 done, 1 refused or something is wrong (one sentence on standard error), 2 wrong usage. Leaves out
everything that a command does: it calls the library and prints.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import click

from router_core import cli_evidence
from router_core.errors import RouterError
from router_core.settings import Settings
from router_core.store import open_store
from router_core.store.base import Search, SettingsVersion, Store
from router_core.types import StoreKind

FORMATS = ("json", "yaml", "evidence", "litellm", "python", "csv", "jsonl", "parquet")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--store", "place", envvar="ROUTER_STORE", help="The store's file (or ROUTER_STORE); data/router.duckdb."
)
@click.option("--simulated", is_flag=True, envvar="ROUTER_SIMULATED", help="The store of simulated traffic.")
@click.pass_context
def main(context: click.Context, place: str | None, simulated: bool) -> None:
    """Look after the store of a router: take it elsewhere, fill it, clean it, check it.

    \b
    router-core export router.json            everything, for Router.from_settings
    router-core export config.yaml -f litellm a LiteLLM proxy with the present split
    router-core import router.json            shows what changes, asks, can be undone
    router-core --simulated demo -n 100000    traffic to look at
    router-core prune --days 90 --strip       keep figures, drop old texts
    router-core doctor                        what is wrong with this machine
    router-core verdict scored.csv            should I route at all?
    router-core replay scored.csv             what learning would have cost
    """
    context.obj = (place, "simulated" if simulated else "live")


@contextmanager
def _store(context: click.Context) -> Iterator[Store]:
    """The store that the options name; our errors become one sentence and exit code 1."""
    place, kind = context.obj
    try:
        store = open_store(place, kind=kind)
        try:
            yield store
        finally:
            store.close()
    except RouterError as error:
        _fail(str(error))


def _fail(sentence: str) -> NoReturn:
    click.echo(f"router-core: {sentence}", err=True)
    sys.exit(1)


def _settings(store: Store) -> Settings:
    """The newest version in the store, else the file in ROUTER_SETTINGS, else the defaults."""
    saved = store.current_settings()
    if saved is not None:
        return Settings.from_document(saved.document)
    place = os.environ.get("ROUTER_SETTINGS")
    try:
        return Settings.from_document(Path(place).read_text(encoding="utf-8")) if place else Settings()
    except (OSError, UnicodeDecodeError) as error:
        _fail(f"the settings file {place} (ROUTER_SETTINGS) cannot be read: {error}; correct the path or unset it")


def _say(as_json: bool, sentence: str, **facts: Any) -> None:
    click.echo(json.dumps(facts) if as_json else sentence)


@main.command("export")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@click.option("-f", "--format", "kind", type=click.Choice(FORMATS), help="By default told from the file's name.")
@click.option("--goal", default="default", show_default=True, help="For the Python program.")
@click.option("--json", "as_json", is_flag=True, help="Say what was done as JSON.")
@click.pass_context
def export_(context: click.Context, file: str, kind: str | None, goal: str, as_json: bool) -> None:
    """Write settings, prices and what was learned to FILE (- is standard output); or the log.

    json and yaml hold everything and a checksum; evidence only what was learned; litellm a proxy's config.yaml;
    python a program; csv, jsonl and parquet the requests with their outcomes. Keys are never written.
    """
    endings = {".json": "json", ".yaml": "yaml", ".yml": "yaml", ".py": "python"}
    kind = kind or endings.get(Path(file).suffix) or Path(file).suffix.removeprefix(".")
    if kind not in FORMATS:
        raise click.UsageError(f"{file}: say which format with --format {'|'.join(FORMATS)}")
    with _store(context) as store:
        data = _exported(store, kind, goal)
    try:
        with click.open_file(file, "wb") as target:
            target.write(data)
    except OSError as error:
        _fail(f"{file} cannot be written: {error}")
    if file != "-":
        _say(as_json, f"{file}: {len(data):,} bytes ({kind}).", file=file, format=kind, bytes=len(data))


def _exported(store: Store, kind: str, goal: str) -> bytes:
    from router_core.comparison import Playground
    from router_core.exports import dump, dump_evidence, dump_yaml
    from router_core.exports.litellm import litellm_config
    from router_core.exports.snippet import python_snippet
    from router_core.history import exported
    from router_core.llm import Models
    from router_core.transfer import export_of

    if kind in ("csv", "jsonl", "parquet"):
        return exported(store, Search(), kind)
    settings = _settings(store)
    export = export_of(store, settings)
    if kind == "python":
        return python_snippet(settings, goal).encode()
    if kind == "litellm":
        playground = Playground(settings, store, Models(settings, simulated=True))
        split = {name: playground.split(name) for name in settings.goals}
        return litellm_config(settings, split, export.prices).encode()
    texts = {"json": dump, "yaml": dump_yaml}
    return (texts[kind](export) if kind in texts else dump_evidence(export.learned)).encode()


@main.command("import")
@click.argument("file", type=click.Path(dir_okay=False, exists=True))
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--trust-edited", is_flag=True, help="Accept a file whose checksum does not fit.")
@click.option("--json", "as_json", is_flag=True, help="Say what was done as JSON (needs --yes).")
@click.pass_context
def import_(context: click.Context, file: str, yes: bool, trust_edited: bool, as_json: bool) -> None:
    """Take settings and learning over from FILE, a router.json or router.yaml.

    The file is checked first and what would change is shown. What the store has learned is set aside, not deleted:
    undo it on the learning page; the settings are a new version.
    """
    import getpass

    from router_core.exports.diff import changes
    from router_core.transfer import read_export, take_over

    if as_json and not yes:
        raise click.UsageError("--json cannot ask; add --yes")
    with _store(context) as store:
        export = read_export(file, trust_edited=trust_edited)
        now = _settings(store)
        found = changes(now.document(), export.settings.document())
        learned = sum(one.count for arms in export.evidence.values() for one in arms.values())
        if not as_json:
            for one in found:
                click.echo(f"  {one.path}: {one.before or '-'} -> {one.after or '-'}")
            click.echo(f"  learning begins again from {learned:,} outcomes of the file")
        if not yes:
            click.confirm("Import?", abort=True)
        if found:
            document = export.settings.document()
            version = SettingsVersion(
                export.settings.version,
                datetime.now(UTC),
                getpass.getuser(),
                f"imported {Path(file).name}",
                document,
            )
            store.save_settings(version)
        take_over(store, export)
    _say(as_json, f"{file} was imported.", file=file, changes=len(found), outcomes=learned)


@main.command()
@click.option("-n", "--requests", type=click.IntRange(1, 10_000_000), default=20_000, show_default=True)
@click.option("--days", type=click.FloatRange(0, 3650, min_open=True), default=14.0, show_default=True)
@click.option("--goal", default="default", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same traffic.")
@click.option("--json", "as_json", is_flag=True, help="Say what was done as JSON.")
@click.pass_context
def demo(context: click.Context, requests: int, days: float, goal: str, seed: int, as_json: bool) -> None:
    """Fill the store of simulated traffic, so that every page can be seen full.

    The routers really decide and learn; prompts, answers and ratings are made up. Never touches live traffic.
    """
    from router_core.demo import generate

    context.obj = (context.obj[0], "simulated")
    with (
        _store(context) as store,
        click.progressbar(length=requests, label="Generating", file=sys.stderr, hidden=as_json) as bar,
    ):
        done = 0

        def progress(now: int) -> None:
            nonlocal done
            bar.update(now - done)
            done = now

        generate(_settings(store), store, requests, goal=goal, days=days, seed=seed, progress=progress)
        place = store.location
    _say(as_json, f"{requests:,} requests in {place}.", requests=requests, store=place)


@main.command()
@click.option("--days", type=click.IntRange(0), required=True, help="Prompts older than this.")
@click.option("--strip", is_flag=True, help="Only their texts; figures and learning stay.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Say what was done as JSON (needs --yes).")
@click.pass_context
def prune(context: click.Context, days: int, strip: bool, yes: bool, as_json: bool) -> None:
    """Delete prompts older than some days, with their answers, ratings and what was learned from them.

    This cannot be undone.
    """
    if as_json and not yes:
        raise click.UsageError("--json cannot ask; add --yes")
    old = Search(until=datetime.now(UTC) - timedelta(days=days))
    with _store(context) as store:
        found = store.count(old)
        what = "lose their texts" if strip else "be deleted, with what was learned from them"
        if not yes and found:
            click.confirm(f"{found:,} prompts will {what}. This cannot be undone. Go on?", abort=True)
        done = (store.strip(old) if strip else store.erase(old)) if found else 0
    _say(as_json, f"{done:,} prompts {'stripped' if strip else 'deleted'}.", prompts=done, stripped=strip)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object per check.")
@click.option("--call", is_flag=True, help="Also ask each model for one word (costs a fraction of a cent).")
@click.pass_context
def doctor(context: click.Context, as_json: bool, call: bool) -> None:
    """Say what is wrong with this machine: versions, store, settings, keys, prices, and with --call the models.

    Exits with 1 if anything is wrong.
    """
    from router_core.doctor import examine

    place, kind = context.obj
    wrong = 0
    for check in examine(place, _kind(kind), _settings, call=call):
        wrong += not check.fine
        if as_json:
            click.echo(json.dumps({"check": check.name, "fine": check.fine, "found": check.found}))
        else:
            click.echo(f"{'ok   ' if check.fine else 'WRONG'} {check.name}: {check.found}")
    sys.exit(1 if wrong else 0)


main.add_command(cli_evidence.verdict)
main.add_command(cli_evidence.replay)


def _kind(text: str) -> StoreKind:
    return "simulated" if text == "simulated" else "live"


if __name__ == "__main__":
    main()
