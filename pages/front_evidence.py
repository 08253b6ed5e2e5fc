"""Which evidence the first page rests on: a judged file, rated pairs, or else a published example."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import streamlit as st

from pages.evidence_jobs import background, ready
from pages.evidence_result import kept_judgement
from pages.formatting import labels
from pages.resources import Resources
from router_core.errors import EvaluationError
from router_core.evaluation.by_file.cells import labelled_of
from router_core.evaluation.by_file.conclusion import TOLERANCE, verdict
from router_core.evaluation.by_file.kept import Judgement
from router_core.evaluation.by_file.published import PublishedExample, example
from router_core.evaluation.by_file.worths import Stretch, judged_at, split_at, stretches, stretches_between
from router_core.evaluation.from_log.traffic import read_pairs
from router_core.evaluation.labelled import Labelled
from router_core.evaluation.paired import PairedTest, Pairs, paired_tests
from router_core.evaluation.pairs_report import FEWEST, most_promising, report_of_pairs
from router_core.evaluation.running import Work
from router_core.features import context
from router_core.routing.candidates import USUAL
from router_core.store.base import Store
from router_core.views.filters import extent
from router_core.views.learning import split_now

_BEFORE = "front-pairs-before"
_LOOKED_AT = 20  # results


@dataclass(frozen=True)
class Shown:
    """What the verdict is about.

    Args:
        key: equal keys, equal figures.
        judge: the verdict at a worth of a good answer; stretches: it at every worth.
        split: model -> its share of traffic at a worth; None where it is not computed.
        published: the example, where the evidence is not one's own.
        judged: a file's verdict with its routers, at the worth that it was judged at.
        evaluation: the id of that file's result.
    """

    key: Hashable
    judge: Callable[[float], Judgement]
    stretches: tuple[Stretch, ...]
    split: Callable[[float], dict[str, float]] | None = None
    published: PublishedExample | None = None
    judged: Judgement | None = None
    evaluation: str = ""


@dataclass(frozen=True)
class OwnPairs:
    """The rated pairs of a use case, each cheaper model beside the strongest."""

    pairs: tuple[Pairs, ...]
    tests: tuple[PairedTest, ...]

    @property
    def count(self) -> int:
        """Of the model that has the most."""
        return max((one.pairs for one in self.tests), default=0)

    @property
    def more(self) -> int | None:
        """About how many more pairs settle what is open; None: nothing is, or pairs will hardly tell."""
        open_ = [
            min((one for one in (test.more_pairs, test.more_pairs_worse) if one is not None), default=None)
            for test in self.tests
            if test.conclusion == "unknown"
        ]
        return max((one for one in open_ if one is not None), default=None)


def own_pairs(shared: Resources, goal: str) -> OwnPairs | None:
    """The rated pairs of this use case, those of before while newer ones are read; None until there are any."""
    playground, settings = shared.playground, shared.playground.settings
    if len(settings.goal(goal).arms) < 2 or not stored(shared).completions:
        return OwnPairs((), ())
    job = background("front-pairs", (*shared.state, goal), reading_pairs(shared, goal))
    place = (playground.store.location, goal)
    before: tuple[Hashable, OwnPairs] | None = st.session_state.get(_BEFORE)
    if job.status.state != "done" and before is not None and before[0] == place:
        return before[1]
    if not ready(job, "front-pairs"):
        return None
    found: OwnPairs = job.result
    st.session_state[_BEFORE] = (place, found)
    return found


def reading_pairs(shared: Resources, goal: str) -> Work:
    """The work of reading a use case's rated pairs; it has two models at least."""
    playground, settings = shared.playground, shared.playground.settings
    names = labels([arm.arm() for arm in settings.goal(goal).arms])

    def work(watch: Any) -> OwnPairs:
        found = read_pairs(playground.store, settings, goal)
        named = [replace(one, cheap=names[one.cheap], strong=names[one.strong]) for one in found]
        return OwnPairs(tuple(named), paired_tests(named, TOLERANCE))

    return work


@st.cache_data(max_entries=8, show_spinner=False)
def _extent(_shared: Resources, state: Hashable) -> Any:
    return extent(_shared.playground.store)


def stored(shared: Resources) -> Any:
    """How much is in the store."""
    return _extent(shared, shared.state)


def of_example(name: str) -> Shown:
    """A published example."""
    one = example(name)
    data, turns = _example(name)
    return Shown(
        ("published", name), lambda worth: _at(data, ("published", name), worth), turns, _splitting(data), one
    )


@st.cache_resource(show_spinner=False)
def _example(name: str) -> tuple[Labelled, tuple[Stretch, ...]]:
    data = example(name).labelled()
    return data, stretches(data)


@st.cache_resource(max_entries=400, show_spinner=False)
def _at(_data: Labelled, key: Hashable, worth: float) -> Judgement:
    return judged_at(_data, worth)


def _splitting(data: Labelled) -> Callable[[float], dict[str, float]]:
    return lambda worth: dict(zip(data.models, split_at(data, worth), strict=True))


def of_file(shared: Resources) -> Shown | None:
    """The newest judged file that can be read; None where there is none."""
    store = shared.playground.store
    found = _newest(store)
    if found is None:
        return None
    id_, judged = found
    key = ("file", store.location, id_)
    if judged.cells is None or judged.report.objective.success_value_usd is None:
        return Shown(key, lambda worth: judged, (), judged=judged, evaluation=id_)
    data, turns = _file(judged, key)
    priced = not np.isnan(data.cost_usd).any()
    return Shown(
        key,
        lambda worth: judged if worth == judged.report.objective.success_value_usd else _at(data, key, worth),
        turns,
        _splitting(data) if priced else None,
        judged=judged,
        evaluation=id_,
    )


def _newest(store: Store) -> tuple[str, Judgement] | None:
    """The id and the judgement; one that another version wrote and this one cannot read is passed over."""
    for one in store.evaluations(_LOOKED_AT):
        if one.kind == "labelled":
            try:
                return one.id, kept_judgement(store, one.id)
            except (EvaluationError, LookupError):
                continue
    return None


@st.cache_resource(max_entries=8, show_spinner=False)
def _file(_judged: Judgement, key: Hashable) -> tuple[Labelled, tuple[Stretch, ...]]:
    assert _judged.cells is not None
    data = labelled_of(_judged.cells, _judged.report.source, _judged.report.sha256)
    return data, stretches(data)


def of_pairs(shared: Resources, goal: str, own: OwnPairs) -> Shown | None:
    """One's own rated pairs; None where there are too few to say anything."""
    if own.count < FEWEST:
        return None
    playground = shared.playground
    candidates = playground.candidates(context([{"role": "user", "content": USUAL}], goal))
    *costs, dearest = [one.expected_cost_usd for one in candidates]
    version = playground.settings.version

    def judge(worth: float) -> Judgement:
        at = most_promising(own.tests, costs, worth)
        assert at is not None
        now = datetime.now(UTC)
        report = report_of_pairs(
            own.pairs[at], own.tests[at], (costs[at], dearest), worth, settings_version=version, now=now
        )
        return Judgement(verdict(report), report)

    chosen = playground.settings.goal(goal)
    names = labels([arm.arm() for arm in chosen.arms])

    def split(worth: float) -> dict[str, float]:
        now = split_now(chosen.model_copy(update={"success_value_usd": worth}), candidates)
        return {names[one.arm]: one.probability for one in now}

    turns = []
    for at, test in enumerate(own.tests):
        if test.pairs >= FEWEST and costs[at] is not None and dearest is not None:
            found = report_of_pairs(
                own.pairs[at], test, (costs[at], dearest), 1.0, settings_version=version, now=datetime.now(UTC)
            )
            rival = found.rivals[0]
            ends = (rival.break_even_usd, rival.break_even_low_usd, rival.break_even_high_usd)
            turns += [one for one in ends if one is not None and one > 0]
    return Shown(
        ("pairs", *shared.state, goal),
        judge,
        stretches_between(turns, lambda worth: judge(worth).verdict),
        split,
    )
