"""Keys of the gateway's callers from the shell: ``router-core keys add | list | revoke``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from router_core.errors import RouterError
from router_core.serving.caller_keys import limits_of, made, revoke
from router_core.shell.saying import fail, say
from router_core.shell.store import in_store, opened_store
from router_core.store.base import Store


@click.group(short_help="Keys by which programs call the gateway: add, list, revoke.")
def keys() -> None:
    """Who may call the gateway. Without any key it answers this machine alone, and asks nobody for one.

    \b
    router-core keys add mail-service --goal mail --usd-per-day 5 --requests-per-minute 60
    router-core keys list
    router-core keys revoke mail-service
    """


def _worked(context: click.Context, work: Callable[[Store], Any]) -> Any:
    """What some work on the store comes to; our errors are one sentence and exit code 1."""
    try:
        with opened_store(context) as store:
            return work(store)
    except RouterError as error:
        fail(str(error))


@keys.command()
@click.argument("name")
@click.option("--goal", "goals", multiple=True, help="A goal that it may use; repeat it for more. None: all.")
@click.option("--model", "models", multiple=True, help="A model that may answer it; repeat it. None: all.")
@click.option("--usd-per-day", type=float, help="Dollars that its requests may cost in a day (UTC).")
@click.option("--requests-per-minute", type=int)
@click.option("--at-once", type=int, help="Requests at the same time.")
@click.option("--json", "as_json", is_flag=True, help="Say what was made as JSON.")
@in_store
@click.pass_context
def add(context: click.Context, /, name: str, as_json: bool, **limits: Any) -> None:
    """Make a key named NAME. It is printed once, on standard output; the store keeps a digest of it."""

    def work(store: Store) -> tuple[str, str, str]:
        key, text = made(name, datetime.now(UTC), store.caller_keys(), **limits)
        store.save_caller_key(key)
        return key.name, limits_of(key), text

    named, told, text = _worked(context, work)
    if not as_json:
        click.echo(f"Made {named!r}: {told}. It is shown only now:", err=True)
    say(as_json, text, name=named, limits=told, key=text)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per key.")
@in_store
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """The keys with their limits, revoked ones too; the keys themselves cannot be shown."""
    found = _worked(context, lambda store: store.caller_keys())
    for key in found:
        state = "in force" if key.revoked_at is None else f"revoked {key.revoked_at:%Y-%m-%d %H:%M}"
        say(
            as_json,
            f"{key.name}  ({key.id}, made {key.created_at:%Y-%m-%d}, {state}): {limits_of(key)}",
            id=key.id,
            name=key.name,
            made_at=key.created_at.isoformat(),
            revoked_at=None if key.revoked_at is None else key.revoked_at.isoformat(),
            limits=limits_of(key),
        )
    if not found and not as_json:
        click.echo("There are no keys: the gateway answers this machine alone.")


@keys.command("revoke")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Say what was done as JSON.")
@in_store
@click.pass_context
def revoke_(context: click.Context, name: str, as_json: bool) -> None:
    """Put the key with this name, or this id, out of force for good."""
    gone = _worked(context, lambda store: revoke(store, name, datetime.now(UTC)))
    say(as_json, f"Revoked {gone.name!r}.", name=gone.name, id=gone.id)
