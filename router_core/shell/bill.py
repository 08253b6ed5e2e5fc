"""``router-core bill``: what the last days cost, and what one model for everything would have."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from router_core.errors import RouterError
from router_core.shell.saying import fail
from router_core.shell.store import in_store, opened_store


@click.command(short_help="What the last 30 days cost, and what one model for everything would have.")
@click.option("--goal", default="default", show_default=True, help="Whose calls.")
@click.option("--days", type=click.IntRange(1, 3_650), default=30, show_default=True, help="Up to the last call.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@in_store
@click.pass_context
def bill(context: click.Context, goal: str, days: int, as_json: bool) -> None:
    """Say what the last days of a goal cost, imported calls included (see import), and what the same prompts would
    have cost with each of its models for everything, with intervals. Of quality the verdict tells.

    \b
    router-core import spend_logs.json
    router-core bill
    """
    from router_core.evaluation.from_log.bill import bill as billed
    from router_core.exports.transfer import settings_in_force
    from router_core.money.pricing import PriceBook

    try:
        with opened_store(context, read=True, make=False) as store:
            settings = settings_in_force(store)
            own, book = settings.goal(goal), PriceBook(settings.prices)
            found = billed(store, goal, own, {arm.id: book.price(arm.model) for arm in own.arms}, days)
    except RouterError as error:
        fail(str(error))
    if found is None:
        fail(f"there are no calls in goal {goal!r}; import a log, or use the router first")
    if as_json:
        click.echo(json.dumps({**asdict(found), "lines": found.lines}, default=str))
        return
    for line in found.lines:
        click.echo(line)
