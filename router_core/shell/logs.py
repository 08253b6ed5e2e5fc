"""``router-core import`` of what another tool has logged: shows what is in it, asks, and takes it over."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from router_core.shell.progress import progress
from router_core.shell.saying import say
from router_core.words import dollars

if TYPE_CHECKING:
    from router_core.collecting.logs.reading import ReadLog
    from router_core.settings import Settings
    from router_core.store.base import Store

_EXPORTS = (".yaml", ".yml")
_BEGINNING = 4_096


def is_logged(file: str) -> bool:
    """Whether a file is another tool's log and not an export of a router."""
    from router_core.collecting.logs.reading import is_log

    path = Path(file)
    if path.suffix in _EXPORTS:
        return False
    try:
        with path.open("rb") as opened:
            begins = opened.read(_BEGINNING)
    except OSError:
        return False
    if b'"checksum"' in begins or b'"format_version"' in begins:
        return False
    return is_log(path)


def take_log(
    store: Store,
    settings: Settings,
    file: str,
    goal: str,
    format_: str | None,
    models: Sequence[str],
    yes: bool,
    as_json: bool,
) -> None:
    """Show what a log holds, ask, and take it over; our errors are the caller's business."""
    from router_core.collecting.logs.importing import arms_for, import_log
    from router_core.collecting.logs.reading import read_log

    log = read_log(file, format_)
    arms = arms_for(log, settings.goal(goal), _said(models))
    if not as_json:
        _show(log, arms, settings.privacy.keep_texts)
    if not yes:
        click.confirm(f"Import {len(log.calls):,} calls into {goal!r}?", abort=True)
    with progress("Importing", hidden=as_json) as tell:
        done = import_log(store, settings, log, goal, arms, progress=lambda calls: tell(calls / len(log.calls)))
    say(
        as_json,
        f"{done.calls:,} calls on {done.prompts:,} prompts and {done.ratings:,} ratings were imported. They have"
        " no propensities: costs, shares, checks and judges work on them, estimates of other routers do not.",
        file=file,
        format=log.format,
        calls=done.calls,
        prompts=done.prompts,
        ratings=done.ratings,
        cost_usd=str(sum((one.cost_usd for one in log.models.values()), Decimal(0))),
        unknown_costs=sum(one.unknown for one in log.models.values()),
        models=json.loads(json.dumps(arms)),
        left_out=dict(log.left_out),
    )


def _show(log: ReadLog, arms: dict[str, str], keep_texts: str) -> None:
    days = "" if log.span is None else f", {log.span[0]:%Y-%m-%d} to {log.span[1]:%Y-%m-%d}"
    click.echo(f"{log.label}: {len(log.calls):,} calls{days}.")
    for model, use in log.models.items():
        cost = dollars(use.cost_usd) if use.unknown < use.calls else "cost unknown"
        unknown = f", {use.unknown:,} of unknown cost" if 0 < use.unknown < use.calls else ""
        failed = f", {use.failed:,} failed" if use.failed else ""
        click.echo(f"  {model} -> {arms[model]}: {use.calls:,} calls, {cost}{unknown}{failed}")
    texts = sum(use.with_texts for use in log.models.values())
    if texts < len(log.calls):
        click.echo(f"  {len(log.calls) - texts:,} without the texts of their prompts: these cannot be judged.")
    if keep_texts != "full" and texts:
        click.echo("  Texts are not kept (privacy.keep_texts): fingerprints stand for them.")
    for why, count in sorted(log.left_out.items(), key=lambda item: -item[1])[:5]:
        click.echo(f"  left out, {count:,}: {why}.")


def _said(models: Sequence[str]) -> dict[str, str]:
    found = {}
    for one in models:
        logged, equals, arm = one.rpartition("=")
        if not equals or not logged.strip() or not arm.strip():
            raise click.BadParameter(f"{one!r} is not LOGGED=MODEL, such as gpt-4o=openai/gpt-4o")
        found[logged.strip()] = arm.strip()
    return found
