"""Which store a shell command works on: ``--store`` and ``--simulated``, before the command or after it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from router_core.types import StoreKind


def in_store(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a subcommand both options; said there they go before what was said ahead of it."""
    simulated = click.option(
        "--simulated", is_flag=True, expose_value=False, callback=_taken, help="The store of simulated traffic."
    )
    store = click.option(
        "--store", expose_value=False, callback=_taken, help="The store's file (or ROUTER_STORE)."
    )
    return store(simulated(command))


def named_store(context: click.Context) -> tuple[str | None, StoreKind]:
    """The place, if one was named, and the kind; ``<name>.simulated.duckdb`` is one of simulated traffic."""
    place, simulated = context.obj
    by_name = place is not None and Path(place).stem.endswith(".simulated")
    return place, "simulated" if simulated or by_name else "live"


def _taken(context: click.Context, option: click.Parameter, value: str | bool | None) -> None:
    if value:
        place, simulated = context.obj
        context.obj = (value, simulated) if option.name == "store" else (place, True)
