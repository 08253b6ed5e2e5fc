"""``simulate`` in the shell: what to simulate as options, the table as text or JSON.

See table.py for every calculation.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click

from benchmarks.simulation.judging import Interval, Row
from benchmarks.simulation.table import PRICE_OF_COST, Plan, simulate
from benchmarks.simulation.world import DEGRADED, Change, SimulatedArm, World
from router_core.errors import RouterError
from router_core.learning.drift import DriftRule

_EXPLAINED = (
    "Good: % of requests answered well (mix: % that a random mix of fixed models answers well at the same cost).\n"
    "Cost: % of always asking the dearest model. Regret: what knowing each prompt's difficulty would bring more,\n"
    "in good answers, where a call of the dearest model counts {price:g}. In brackets 95 % intervals over runs."
)


@click.command("simulate", context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("-n", "--requests", type=click.IntRange(1, 1_000_000), default=20_000, show_default=True)
@click.option(
    "--runs", type=click.IntRange(1, 1000), default=10, show_default=True, help="Each with its own seed."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Same seed, same table.")
@click.option(
    "--price", type=click.FloatRange(0), default=PRICE_OF_COST, show_default=True,
    help="Lambda: what a call of the strong model counts, in good answers.",
)  # fmt: skip
@click.option("--degrade", is_flag=True, help="The strong model gets worse half-way.")
@click.option(
    "--change", metavar="NAME:EASY:HARD[:COST]",
    help="What a model becomes half-way instead, for example cheap:0.8:0.2.",
)  # fmt: skip
@click.option("--no-signal", is_flag=True, help="Rules and classifier know nothing of the difficulty.")
@click.option("--word", is_flag=True, help="The classifier says only SIMPLE or COMPLEX, not how sure it is.")
@click.option("--alarm/--no-alarm", default=True, show_default=True, help="Also with a watch for drift.")
@click.option(
    "--budget", type=click.FloatRange(0, min_open=True),
    help="Also with at most this mean cost per request, in calls of the strong model.",
)  # fmt: skip
@click.option("--exploration", type=click.FloatRange(0, 1), default=0.0, show_default=True,
    help="Share that every model keeps.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The table as JSON.")
def simulate_command(
    requests: int,
    runs: int,
    seed: int,
    price: float,
    degrade: bool,
    change: str | None,
    no_signal: bool,
    word: bool,
    alarm: bool,
    budget: float | None,
    exploration: float,
    as_json: bool,
) -> None:
    """Play every way of routing on the same simulated requests, where the truth is known.

    60 % of the prompts are easy. The cheap model answers .93 of easy and .45 of hard ones well, the strong one
    .95 and .88, for 16 times the cost. Two imperfect signals, a rule score and a classifier, tell prompts apart
    a little.
    """
    try:
        changed = _change(change) if change else DEGRADED if degrade else None
        world = World(graded=not word, change=changed)
        plan = Plan(
            world=world.without_signal() if no_signal else world,
            runs=runs,
            requests=requests,
            price_of_cost=price,
            seed=seed,
            drift=DriftRule() if alarm else None,
            budget=budget,
            exploration=exploration,
        )
        rows = simulate(plan, _tell)
    except RouterError as error:
        click.echo(f"{click.get_current_context().find_root().info_name}: {error}", err=True)
        sys.exit(1)
    _tell("")
    click.echo(document(plan, rows) if as_json else text(plan, rows))


def document(plan: Plan, rows: list[Row]) -> str:
    """Plan and rows as JSON."""
    return json.dumps({"plan": asdict(plan), "rows": [asdict(row) for row in rows]}, indent=1)


def text(plan: Plan, rows: list[Row]) -> str:
    """Plan and rows as a table for people."""
    width = max(len(row.policy) for row in rows)
    lines = [
        f"{plan.requests:,} requests, {plan.runs} runs, seed {plan.seed}, lambda {plan.price_of_cost:g}",
        f"{'':{width}}  {'good':>17}  {'mix':>5}  {'cost':>17}  {'regret':>18}  alarms",
    ]
    for row in rows:
        alarms = "" if row.alarms is None else f"{row.alarms:g} a run"
        if row.budget is not None:
            alarms += f", budget {100 * row.budget:g}"
        lines.append(
            f"{row.policy:{width}}  {_share(row.success):>17}  {100 * row.mix:5.1f}  {_share(row.cost):>17}"
            f"  {_whole(row.regret):>18}  {alarms}".rstrip()
        )
    return "\n".join([*lines, "", _EXPLAINED.format(price=plan.price_of_cost)])


def _share(value: Interval) -> str:
    return f"{100 * value.mean:.1f} ({100 * value.low:.1f}-{100 * value.high:.1f})"


def _whole(value: Interval) -> str:
    return f"{value.mean:,.0f} ({value.low:,.0f}-{value.high:,.0f})"


def _tell(policy: str) -> None:
    """What is being played, on a terminal only."""
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{policy}", err=True, nl=False)


def _change(written: str) -> Change:
    name, *numbers = written.split(":")
    try:
        easy, hard, *cost = (float(number) for number in numbers)
    except ValueError:
        raise click.UsageError(
            f"--change {written!r} is not NAME:EASY:HARD[:COST]; for example cheap:0.8:0.2"
        ) from None
    known = {arm.name: arm for arm in World().arms}
    if name not in known or len(cost) > 1:
        raise click.UsageError(f"--change {written!r} names no model or too many numbers; models: {sorted(known)}")
    return Change(SimulatedArm(name, easy, hard, cost[0] if cost else known[name].cost))
