"""``router-core check``: one claim about scored answers or a log, as an exit code for CI. It computes nothing."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from router_core.errors import EvaluationError, RouterError
from router_core.evaluation.by_file.ways import LEARNED, LENGTH, POINTS
from router_core.registry import BY_TASK, CLASSIFIER, RULES
from router_core.shell.evidence import READING, read_file, settings_of, with_options
from router_core.shell.store import opened_store, waiting
from router_core.words import dollars, many, points

if TYPE_CHECKING:
    from router_core.evaluation.by_file.claims import Checked, Claim
    from router_core.evaluation.results import Report

CODES: Final = {"proven": 0, "refuted": 1, "unknown": 2}
FAILED: Final = 3
"""It could not be checked; never taken for an answer."""
INTERRUPTED: Final = 130

_ROUTERS: Final = (RULES.name, POINTS, LENGTH, LEARNED, CLASSIFIER.name, BY_TASK.name)
_DRAWS: Final = 10  # no figure that a claim rests on comes from the bootstrap
_HEADING: Final = {"proven": "Proven", "refuted": "Refuted", "unknown": "Not known yet"}


class Checking(click.Command):
    """A command whose exit codes 1 and 2 are answers, so that whatever goes wrong must have another."""

    failed_code = FAILED

    def make_context(self, *given: Any, **more: Any) -> click.Context:
        """As usual; wrong usage exits with FAILED."""
        try:
            return super().make_context(*given, **more)
        except click.ClickException as error:
            _fail(error)
            raise

    def invoke(self, context: click.Context) -> Any:
        """As usual; anything but an answer exits with FAILED."""
        try:
            return super().invoke(context)
        except click.ClickException as error:
            _fail(error)
            raise
        except (KeyboardInterrupt, click.Abort):
            context.exit(INTERRUPTED)
        except (RouterError, OSError, MemoryError) as error:
            click.echo(f"router-core: {error or 'there is not enough memory'}", err=True)
            context.exit(FAILED)
        except (click.exceptions.Exit, ModuleNotFoundError):
            raise
        except Exception:  # noqa: BLE001 - Python would exit with 1, which says that the claim is refuted
            traceback.print_exc()
            context.exit(FAILED)


@click.command(cls=Checking, short_help="Check one claim, for CI: proven 0, refuted 1, not known yet 2.")
@click.argument("place", metavar="FILE_OR_STORE", type=click.Path(dir_okay=False, exists=True))
@click.option("--claim", "text", required=True, help='Such as "gpt-4o-mini within 3 points of gpt-4o".')
@click.option("--before", type=click.Path(dir_okay=False, exists=True),
              help="An earlier report (verdict --json), for a claim that ends in before.")  # fmt: skip
@click.option("--summary", type=click.Path(dir_okay=False, writable=True),
              help="Append a few lines of Markdown to this file, such as $GITHUB_STEP_SUMMARY.")  # fmt: skip
@click.option("--settings", "settings_place", type=click.Path(dir_okay=False, exists=True),
              help="Of a file: a router.json, router.yaml or settings document; else the defaults.")  # fmt: skip
@click.option("--goal", default="default", show_default=True, help="Whose models, rules and worth.")
@click.option("--worth", type=click.FloatRange(0), help="Dollars of a good answer; by default the goal's.")
@with_options(READING)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of a router's folds.")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON.")
@waiting
@click.pass_context
def check(
    context: click.Context, /, place: str, text: str, summary: str | None, as_json: bool, **given: Any
) -> None:  # fmt: skip
    """Check a claim on FILE_OR_STORE: scored answers (see verdict), or the store of a log.

    \b
    A within 3 points of B        A is worse than B by at most 3 points
    A better than B               or: A better than B by 3 points
    ROUTER pays                   worth more than the best model, and than a coin at equal cost
    A within 3 points of before   no regression against --before report.json

    A and B are models as in the file or the settings (of a store the part after the / is enough). Of a file they
    may be routers, too: heuristic (the rules), points, length, learned, classifier, by-task (as verdict --router).

    \b
    Exit codes: 0 proven, 1 refuted, 2 not known yet, 3 it could not be checked.
    """
    from router_core.evaluation.by_file.claims import parse_claim

    claim = parse_claim(text)
    found = _on_store(context, place, claim, given) if _is_store(place) else _on_file(place, claim, given)
    if summary is not None:
        with Path(summary).open("a", encoding="utf-8") as opened:
            opened.write(_markdown(found, place))
    if as_json:
        click.echo(json.dumps({**asdict(found), "source": Path(place).name}, ensure_ascii=False))
    else:
        click.echo("\n".join([found.sentence, *(f"- {name}: {value}" for name, value in _lines(found))]))
    context.exit(CODES[found.answer])


def _fail(error: click.ClickException) -> None:
    vars(error)["exit_code"] = FAILED  # click declares it on the class


def _is_store(place: str) -> bool:
    with Path(place).open("rb") as opened:
        return opened.read(12)[8:] == b"DUCK"


def _on_store(context: click.Context, place: str, claim: Claim, given: dict[str, Any]) -> Checked:
    """The claim on pairs of rated answers in a log."""
    from router_core.evaluation.by_file.claims import BEFORE, by_pairs
    from router_core.evaluation.from_log.traffic import read_pair
    from router_core.exports.transfer import settings_in_force

    if claim.other in (None, BEFORE):
        raise EvaluationError(f"'{claim}' needs a file of scored answers; a store answers for two of its models")
    context.obj = (place, context.obj[1])
    with opened_store(context, read=True) as store:
        settings = settings_in_force(store)
        arms = [arm.id for arm in settings.goal(given["goal"]).arms]
        first, second = (_named(name, arms) for name in (claim.subject, str(claim.other)))
        if first == second:
            raise EvaluationError(f"'{claim}' compares {first} with itself; name two models")
        pairs = read_pair(store, settings, given["goal"], first, second)
    found = by_pairs(claim, pairs.y_cheap, pairs.y_strong, answered=pairs.answered)
    disagreed = int((~pairs.asked_all).sum())
    if not disagreed:
        return found
    note = f"on {many(disagreed, 'prompt')} both answered because routers disagreed: these may be unlike the rest"
    return replace(found, notes=(*found.notes, note))


def _named(name: str, models: Sequence[str]) -> str:
    """The model of that name, or the only one whose part after the provider it is."""
    if name in models:
        return name
    found = [model for model in models if model.partition("/")[2] == name]
    if len(found) == 1:
        return found[0]
    raise EvaluationError(f"{name!r} is not one model; choose from: {', '.join(found or models)}")


def _on_file(place: str, claim: Claim, given: dict[str, Any]) -> Checked:
    """The claim on scored answers."""
    from router_core.evaluation.by_file.claims import BEFORE, beside_before, by_pairs, by_report
    from router_core.evaluation.by_file.report import evaluate, scored_by
    from router_core.evaluation.files.rates import Rates
    from router_core.evaluation.results import Objective

    settings = settings_of(given["settings_place"])
    settings.goal(given["goal"])
    objective = None if given["worth"] is None else Objective(success_value_usd=given["worth"])
    notes: list[str] = []
    data = read_file(place, given, Rates.of(settings, given["goal"]), notes)
    names = [claim.subject, *([claim.other] if claim.other not in (None, BEFORE) else [])]
    known = (*data.models, *_ROUTERS)
    for name in names:
        if name not in known:
            raise EvaluationError(f"{name!r} is not in the file; choose from: {', '.join(known)}")
    fitted = [name for name in names if name not in data.models]
    same: dict[str, Any] = {
        "settings": settings,
        "goal": given["goal"],
        "objective": objective,
        "seed": given["seed"],
    }
    if claim.relation == "pays":
        if not fitted:
            raise EvaluationError(f"{claim.subject} is a model; a router pays: {', '.join(_ROUTERS)}")
        found = by_report(claim, evaluate(fitted, data, draws=_DRAWS, **same))
    elif claim.other == BEFORE:
        before = _earlier(given["before"])
        found = beside_before(claim, evaluate(fitted, data, draws=_DRAWS, **same), before)
    else:
        first, second = (
            data.scores[:, data.models.index(name)] if name in data.models else scored_by(name, data, **same)
            for name in names
        )
        found = by_pairs(claim, first, second, peeking=not fitted)
    return replace(found, notes=(*found.notes, *notes))


def _earlier(place: str | None) -> Report:
    from router_core.evaluation.by_file.kept import Judgement
    from router_core.evaluation.results import load

    if place is None:
        raise EvaluationError("say beside which earlier report with --before FILE (of router-core verdict --json)")
    try:
        document = Path(place).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise EvaluationError(
            f"{place} is not JSON in UTF-8; give what router-core verdict --json wrote"
        ) from None
    report: Report = load(Judgement, document).report
    return report


def _lines(found: Checked) -> list[tuple[str, str]]:
    """What stands under the sentence, name and value."""
    lines = []
    if found.difference is not None:
        say = points if found.unit == "share" else dollars
        value, low, high = (
            say(one) for one in (found.difference.value, found.difference.low, found.difference.high)
        )
        unit = "points" if found.unit == "share" else "per prompt"
        lines.append(("Difference", f"{value} {unit} ({low} to {high})"))
    lines += [("Prompts", f"{found.prompts:,}"), ("Certainty", found.holds)]
    return [*lines, *(("Note", note) for note in found.notes)]


def _markdown(found: Checked, place: str) -> str:
    lines = [
        f"### {_HEADING[found.answer]}: {_escaped(found.claim)}",
        "",
        _escaped(found.sentence),
        "",
        *(f"- {name}: {_escaped(value)}" for name, value in _lines(found)),
        f"- Source: {_escaped(Path(place).name)}",
    ]
    return "\n".join(lines) + "\n\n"


def _escaped(text: str) -> str:
    """Names come from files: nothing in them is Markdown or HTML."""
    return re.sub(r"([\\`*_\[\]<>|#!&])", r"\\\1", " ".join(text.split()))
