"""Which store a shell command works on: ``--store``, ``--simulated``, ``--wait``; before the command or after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from router_core.errors import StoreError, StoreReadOnlyError
from router_core.store import open_store, store_path
from router_core.store.base import Store
from router_core.types import StoreKind

_WAIT: Final = "router_core.wait"


def in_store(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a subcommand the options; said there they go before what was said ahead of it."""
    simulated = click.option(
        "--simulated", is_flag=True, expose_value=False, callback=_taken, help="The store of simulated traffic."
    )
    store = click.option(
        "--store", expose_value=False, callback=_taken, help="The store's file (or ROUTER_STORE)."
    )
    return store(simulated(waiting(command)))


def waiting(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--wait``."""
    return click.option(
        "--wait",
        type=click.FloatRange(0),
        metavar="SECONDS",
        expose_value=False,
        callback=_waiting,
        help="Wait so long for a process that is using the store to end (or ROUTER_STORE_WAIT).",
    )(command)


def _waiting(context: click.Context, option: click.Parameter, value: float | None) -> None:
    if value is not None:
        context.meta[_WAIT] = value


@contextmanager
def opened_store(context: click.Context, *, read: bool = False, make: bool = True) -> Iterator[Store]:
    """The store that the options name, for as long as it is used.

    ``read``: one that cannot be written is good enough; standard error says that it is one. Without ``make`` an
    empty one in memory stands for one that is not there yet.
    """
    place, kind = named_store(context)
    path = store_path(place, kind=kind)
    if not make and path is not None and not path.exists():
        place = ":memory:"
    wait = context.meta.get(_WAIT)
    try:
        store = open_store(place, kind=kind, wait=wait)
    except StoreReadOnlyError:
        if not read:
            raise
        store = open_store(place, kind=kind, wait=wait, read_only=True)
        click.echo(f"router-core: The store {store.location} can only be read.", err=True)
        try:
            store.missing_changes  # noqa: B018 - raises where some are missing that nobody knows of
        except StoreError as error:
            click.echo(f"router-core: {error}", err=True)
    try:
        yield store
    finally:
        store.close()


def named_store(context: click.Context) -> tuple[str | None, StoreKind]:
    """The place, if one was named, and the kind; ``<name>.simulated.duckdb`` is one of simulated traffic."""
    place, simulated = context.obj
    by_name = place is not None and Path(place).stem.endswith(".simulated")
    return place, "simulated" if simulated or by_name else "live"


def _taken(context: click.Context, option: click.Parameter, value: str | bool | None) -> None:
    if value:
        place, simulated = context.obj
        context.obj = (value, simulated) if option.name == "store" else (place, True)
