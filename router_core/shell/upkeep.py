"""Keeping a store well, from the shell: ``router-core backup | doctor``."""

from __future__ import annotations

import json
import sys
from functools import partial

import click

from router_core.errors import RouterError
from router_core.shell.saying import fail, say
from router_core.shell.store import in_store, named_store, opened_store
from router_core.store import backup_store, repair_store


@click.command(short_help="Copy the whole store into one file, also while it is used.")
@click.argument("file", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Say what was done as JSON.")
@in_store
@click.pass_context
def backup(context: click.Context, file: str, as_json: bool) -> None:
    """Copy the whole store into FILE, which must not be there yet; the app or a program may go on using it.

    The copy is one moment's state and is checked: its rows are counted, and every change that was acknowledged
    before is in it. It is a store like any other, readable by its owner alone. To restore it, stop the app, move
    the store and the files beside it (their names begin with its name) to another folder, and copy the backup to
    the store's place.
    """
    place, kind = named_store(context)
    try:
        made = backup_store(file, place, kind=kind)
    except RouterError as error:
        fail(str(error))
    at = None if made.change.at is None else made.change.at.isoformat()
    say(
        as_json,
        f"{made.path}: {made.rows['prompt']:,} prompts, {made.rows['outcome']:,} outcomes, up to change"
        f" {made.change.number:,} ({at or 'time unknown'}); {made.size_bytes:,} bytes.",
        file=str(made.path),
        bytes=made.size_bytes,
        change=made.change.number,
        changed_at=at,
        rows=dict(made.rows),
    )


@click.command(short_help="Say what is wrong with this machine.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per check.")
@click.option("--call", is_flag=True, help="Also ask each model for one word (costs a fraction of a cent).")
@click.option("--offline", is_flag=True, help="Do not ask whether providers can be reached.")
@click.option("--repair", is_flag=True, help="First mend a store with a damaged or missing log; deletes nothing.")
@in_store
@click.pass_context
def doctor(context: click.Context, as_json: bool, call: bool, offline: bool, repair: bool) -> None:
    """Say what is wrong with this machine: versions, store, settings, learning, keys, reachability, prices.

    Makes no store, sends no key unless --call is given. Exits with 1 if anything is wrong.

    With --repair a write-ahead log that is damaged, or that belongs to another file, is moved aside under a name
    with the date, what stands before its damage is kept, and changes that are missing all the same are recorded;
    the store opens again.
    """
    from router_core.exports.transfer import settings_in_force
    from router_core.shell.doctor import examine

    place, kind = named_store(context)
    if repair:
        try:
            done = repair_store(place, kind=kind)
        except RouterError as error:
            fail(str(error))
        for sentence in done or ["There was nothing to repair."]:
            say(as_json, sentence, repaired=bool(done), found=sentence)
    wrong = 0
    opened = partial(opened_store, context, read=True)
    for check in examine(place, kind, settings_in_force, opened, call=call, network=not offline):
        wrong += not check.fine
        if as_json:
            click.echo(json.dumps({"check": check.name, "fine": check.fine, "found": check.found}))
        else:
            click.echo(f"{'ok   ' if check.fine else 'WRONG'} {check.name}: {check.found}")
    sys.exit(1 if wrong else 0)
