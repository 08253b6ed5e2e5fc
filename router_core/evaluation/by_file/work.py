"""From a table to a judgement, in pieces of work that can be watched and stopped.

See tables.py for opening files, running.py for the thread that it runs in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from router_core.errors import EvaluationError
from router_core.evaluation.by_file.cells import cells_of
from router_core.evaluation.by_file.classifying import live_verdicts
from router_core.evaluation.by_file.conclusion import TOLERANCE, verdict
from router_core.evaluation.by_file.kept import Judgement
from router_core.evaluation.by_file.report import evaluate
from router_core.evaluation.files.checking import check
from router_core.evaluation.files.mapping import Mapping
from router_core.evaluation.files.problems import Check
from router_core.evaluation.files.rates import Rates
from router_core.evaluation.files.reading import labelled
from router_core.evaluation.files.survey import Choices
from router_core.evaluation.files.tables import Table
from router_core.evaluation.labelled import Labelled
from router_core.evaluation.progress import Watch
from router_core.evaluation.results import Objective, dump
from router_core.policies.asking import AskModel
from router_core.settings import Settings
from router_core.store.base import Evaluation, Kept

_ASKING = 0.9  # part of the work that asking the classifier live takes


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A table looked through. ``data`` and ``notes`` (see ``reading.labelled``) where nothing is in the way."""

    check: Check
    data: Labelled | None = None
    notes: tuple[str, ...] = ()


def prepare(table: Table, mapping: Mapping, choices: Choices, rates: Rates, watch: Watch) -> Prepared:
    """Look for what is wrong, and put the rest in order.

    Args:
        table: the file.
        mapping: what its columns mean.
        choices: what becomes of what cannot be used as it is.
        rates: prices.
        watch: told what is done; stops the work.

    Raises:
        CancelledError: the watch said so.
    """
    watch(0.0, "checking the rows")
    chosen: dict[str, Any] = {
        name: getattr(choices, name) for name in ("out_of_range", "duplicates", "incomplete", "notations")
    }
    found = check(table, mapping, rates=rates, **chosen)
    if found.blocking:
        return Prepared(found)
    rest = watch.part(0.4, 1.0)
    data, notes = labelled(table, mapping, rates=rates, progress=rest.progress, cancelled=rest.cancelled, **chosen)
    return Prepared(found, data, notes)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to judge, and by what.

    Args:
        routers: names of ``ways.WAYS``; fixed models are always judged.
        objective: what the person wants; None: what a good answer is worth in the goal.
        goal: whose exploration, priors and starting weights Thompson sampling has.
        tolerance: how much accuracy one would give up for the cheaper of two models, in [0, 1].
        live: ask the classifier about every prompt (costs money), whatever verdicts the file has.
        draws, shuffles, seed: see ``evaluate``.
    """

    routers: tuple[str, ...]
    objective: Objective | None = None
    goal: str = "default"
    tolerance: float = TOLERANCE
    live: bool = False
    draws: int = 1000
    shuffles: int = 20
    seed: int = 0


def judge(
    data: Labelled,
    wanted: Wanted,
    settings: Settings,
    *,
    ask: AskModel | None = None,
    notes: Sequence[str] = (),
    now: datetime | None = None,
    watch: Watch | None = None,
) -> Judgement:
    """The report and its verdict. Texts stand in it only where the settings keep texts.

    Args:
        data: the prompts.
        wanted: what to judge.
        settings: rules, classifier, prices, privacy.
        ask: puts messages to the classifier's model; obligatory where ``wanted.live``.
        notes: what was left out or changed on the way from the file.
        now: the report's time.
        watch: told what is done; stops the work.

    Raises:
        EvaluationError: the data, the objective or a router cannot be judged; the classifier gives no verdicts.
        CancelledError: the watch said so.
    """
    watch = watch or Watch()
    deciding = None
    if wanted.live:
        if ask is None:
            raise EvaluationError(
                "nobody is there to ask the classifier; give recorded verdicts, or a model to ask"
            )
        verdicts, deciding = live_verdicts(data, ask, settings, progress=watch.part(0.0, _ASKING))
        data, watch = replace(data, verdicts=verdicts), watch.part(_ASKING, 1.0)
    report = evaluate(
        wanted.routers,
        data,
        settings=settings,
        goal=wanted.goal,
        objective=wanted.objective,
        shuffles=wanted.shuffles,
        draws=wanted.draws,
        seed=wanted.seed,
        deciding_usd=deciding,
        keep_texts=settings.privacy.keep_texts == "full",
        now=now,
        progress=watch,
    )
    return Judgement(verdict(report, wanted.tolerance), report, tuple(notes), cells_of(data))


def keep(store: Kept, id_: str, found: Judgement) -> None:
    """Put a judgement into the store under this id.

    Raises:
        StoreError: it cannot be written.
    """
    report = found.report
    store.save_evaluation(Evaluation(id_, report.created_at, "labelled", report.source, dump(found)))
