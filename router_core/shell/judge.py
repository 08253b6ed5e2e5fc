"""Judging with a model from the shell: ``router-core judge`` asks it about stored answers and says what holds."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import click

from router_core.errors import RouterError
from router_core.shell.progress import progress
from router_core.shell.saying import fail
from router_core.shell.store import in_store, named_store, opened_store
from router_core.words import dollars

if TYPE_CHECKING:
    from router_core.collecting.judge_run import Done
    from router_core.collecting.judging import Estimate, Judging
    from router_core.evaluation.judges import JudgeReport
    from router_core.settings import Settings
    from router_core.store.base import Store


@click.command(short_help="Let a model judge stored answers, and measure its error on people's verdicts.")
@click.option("--by", "model", metavar="PROVIDER/MODEL", help="The judge; needed unless --report is given.")
@click.option("--goal", default="default", show_default=True, help="Whose answers.")
@click.option("--alone", is_flag=True, help="Judge each answer by itself; by default two against each other.")
@click.option("--models", "arms", metavar="A,B", help="By default the goal's first and last; alone: all of them.")
@click.option("--criteria", help="What makes an answer good, in words; @FILE reads a file.")
@click.option(
    "--limit", "limit_usd", type=click.FloatRange(0), help="Dollars for this judge, earlier runs included."
)
@click.option("--people", type=click.FloatRange(0, 1), default=0.2, show_default=True,
              help="Share of the judged prompts that people are asked about, too.")  # fmt: skip
@click.option("-n", "--prompts", "most", type=click.IntRange(1), help="So many prompts at most, the newest.")
@click.option(
    "--at-once", "workers", type=click.IntRange(1, 64), default=4, show_default=True, help="Calls at a time."
)
@click.option("--tolerance", type=click.FloatRange(0, 1), default=0.05, show_default=True,
              help="What one would give up for the cheaper model, as a share of good answers.")  # fmt: skip
@click.option("--report", "only_report", is_flag=True, help="Ask nobody: say what the judges so far are worth.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before money is spent.")
@click.option("--json", "as_json", is_flag=True, help="Say it as JSON (needs --yes or --report).")
@in_store
@click.pass_context
def judge(context: click.Context, /, only_report: bool, as_json: bool, yes: bool, **given: Any) -> None:
    """Let a model judge the answers in the store, two to the same prompt against each other and in both orders.

    What is judged already is not asked again, so a run that was stopped goes on where it was. Texts must have been
    kept. A part is drawn for people: their ratings measure the judge's error, which is taken out of what it says
    (docs/judging.md). Without them a judge ranks and proves nothing. Its words teach no router.

    \b
    router-core judge --by openai/gpt-4o --limit 2
    router-core judge --by openai/gpt-4o --alone --criteria @criteria.txt -n 500 --yes
    router-core judge --report
    """
    if as_json and not (yes or only_report):
        raise click.UsageError("--json cannot ask; add --yes")
    if not only_report and not given["model"]:
        raise click.UsageError("say who judges with --by PROVIDER/MODEL, or --report")
    from router_core.evaluation.judges import judge_reports
    from router_core.exports.transfer import settings_in_force

    done: Done | None = None
    try:
        with opened_store(context, read=only_report) as store:
            settings = settings_in_force(store)
            if not only_report:
                done = _run(context, store, settings, as_json, yes, given)
            arms = [arm.id for arm in settings.goal(given["goal"]).arms]
            reports = judge_reports(store, given["goal"], arms)
    except RouterError as error:
        fail(str(error))
    if as_json:
        click.echo(json.dumps(_facts(done, reports, given["tolerance"]), default=str, ensure_ascii=False))
        return
    if not reports:
        click.echo("No judge has judged anything in this goal yet.")
    for report in reports:
        _print(report, given["tolerance"])


def _run(
    context: click.Context, store: Store, settings: Settings, as_json: bool, yes: bool, given: dict[str, Any]
) -> Done:
    from router_core.collecting.judge_run import judge_all
    from router_core.collecting.judging import Judging
    from router_core.models.calls import Models
    from router_core.outcomes.judge import Judge

    simulated = named_store(context)[1] == "simulated"
    judging = Judging(
        store,
        settings,
        Models(settings, simulated=simulated),
        Judge(given["model"], "alone" if given["alone"] else "pairs", _criteria(given["criteria"])),
        given["goal"],
        arms=[name.strip() for name in given["arms"].split(",")] if given["arms"] else (),
        people=given["people"],
        most=given["most"],
    )
    limit = None if given["limit_usd"] is None else Decimal(str(given["limit_usd"]))
    expected = judging.estimate()
    if not as_json:
        _say_before(judging, expected, limit)
    if expected.units and not yes:
        click.confirm("Begin?", abort=True)
    with progress("Judging", hidden=as_json) as tell, _until_interrupted() as stop:
        done = judge_all(
            judging,
            limit,
            workers=given["workers"],
            tell=lambda units, spent_usd: tell(units / max(1, expected.units)),
            stop=stop,
        )
    if not as_json:
        _say_after(done)
    return done


def _say_before(judging: Judging, expected: Estimate, limit: Decimal | None) -> None:
    what = "answers" if judging.judge.how == "alone" else "pairs of answers"
    cost = "of unknown price" if expected.cost_usd is None else f"about {dollars(expected.cost_usd)}"
    within = "" if limit is None else f", at most {dollars(limit)} with earlier runs"
    click.echo(f"{judging.judge.name}: {expected.units:,} {what}, {expected.calls:,} calls, {cost}{within}.")
    if expected.done:
        click.echo(f"{expected.done:,} are judged already.")
    if expected.without_texts:
        click.echo(f"{expected.without_texts:,} prompts cannot be judged: their texts were not kept.")
    if judging.warning:
        click.echo(f"Warning: {judging.warning}", err=True)


def _say_after(done: Done) -> None:
    unknown = f" and {done.unknown:,} calls of unknown cost" if done.unknown else ""
    click.echo(
        f"Judged {done.judged:,} for {dollars(done.cost_usd)}{unknown}; {done.for_people:,} are for people, too."
    )
    if done.unreadable or done.failed:
        click.echo(
            f"No verdict: {done.unreadable:,} unreadable, {done.failed:,} failed. Run it again to try those."
        )
    if done.ended:
        click.echo(f"{done.left:,} were not begun: {done.ended}.")


def _print(report: JudgeReport, tolerance: float) -> None:
    from router_core.evaluation.wording import percent

    click.echo(f"\n{report.who}: {report.judged:,} answers judged; people judged {report.answered:,} of the"
               f" {report.for_people:,} prompts drawn for them.")  # fmt: skip
    for pair in report.pairs:
        click.echo(pair.sentence(tolerance))
    for arm, found in report.models.items():
        click.echo(f"{arm}: {percent(found.estimate) + ' good' if found.estimate else found.refusal}")
    for line in report.lines:
        click.echo(f"- {line}")


def _facts(done: Done | None, reports: Any, tolerance: float) -> dict[str, Any]:
    """Everything, as plain data."""
    return {
        "run": None if done is None else asdict(done),
        "judges": [
            {
                **asdict(one),
                "lines": one.lines,
                "wanted": one.wanted,
                "sentences": [pair.sentence(tolerance) for pair in one.pairs],
                "saved": one.main.saved if one.main else 0,
                "worth": None if one.main is None or one.main.worth is None else min(one.main.worth, 1e6),
            }
            for one in reports
        ],
    }


def _criteria(said: str | None) -> str:
    from router_core.outcomes.judge import MOST_CRITERIA

    text = said or ""
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            fail(f"the criteria in {text[1:]} cannot be read: {error}")
    if len(text) > MOST_CRITERIA:
        fail(f"the criteria have {len(text):,} characters; at most {MOST_CRITERIA:,}: shorten them")
    return text.strip()


@contextmanager
def _until_interrupted() -> Iterator[Event]:
    """An event that Ctrl+C sets: what was asked is still stored."""
    stop = Event()
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
