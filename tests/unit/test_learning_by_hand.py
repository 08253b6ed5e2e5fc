"""The questions about ratings against plain Python over the same rows: in any order, corrected and erased."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_core.store.base import Batch, Search
from router_core.store.duckdb.store import DuckDBStore
from router_core.types import Completion, Decision, OutcomeRecord
from router_core.views.filters import View
from tests.learning_by_hand import Log, Sums, labels, rated, sources, taught
from tests.store_beside import amiss
from tests.store_rows import CHEAP, START, STRONG, a_completion, a_decision, a_prompt, an_outcome, at, ident

ARMS = (CHEAP, STRONG)
SETTLED = ("forced", "fallback")
SAID = st.tuples(
    st.integers(0, 1),  # which of two answers
    st.sampled_from(["thumb", "thumb", "api", "condition"]),
    st.sampled_from([None, 0.0, 0.25, 1.0]),
    st.booleans(),  # blind
    st.integers(0, 90),  # how many seconds after the answers were given
)
PROMPT = st.fixed_dictionaries(
    {
        "goal": st.sampled_from(["default", "default", "other"]),
        "run_all": st.sampled_from([False, False, True]),
        "decided": st.lists(
            st.tuples(
                st.sampled_from(["heuristic", "classifier", "thompson", "forced", "fallback"]), st.integers(0, 1)
            ),
            min_size=1,
            max_size=4,
        ),
        "answered": st.sets(st.integers(0, 1)),
        "said": st.lists(SAID, max_size=5),
    }
)
PRECEDENCE = st.sampled_from([("thumb", "api", "condition"), ("api", "thumb"), ("condition",)])
FILTERS: list[dict[str, Any]] = [
    {},
    {"policy": "thompson"},
    {"policy": "forced"},
    {"arm": STRONG},
    {"origin": "library"},
    {"origin": "fallback", "arm": CHEAP},
]
SPANS = st.sampled_from([None, [], [(3, 99)], [(0, 2), (4, 6)]])
Row = Decision | Completion | OutcomeRecord


def events(prompts: list[dict[str, Any]]) -> list[Row]:
    """All rows that belong to the prompts: an answer of each model, each decision led to one of them."""
    serial = iter(range(1_000, 10_000))
    made: list[Row] = []
    for number, one in enumerate(prompts, start=1):
        answers = [number * 10, number * 10 + 1]
        common = {"prompt_id": ident(number), "goal": one["goal"]}
        for policy, which in one["decided"]:
            made.append(
                a_decision(
                    next(serial),
                    **common,
                    created_at=at(number * 10),
                    policy=policy,
                    origin=policy if policy in SETTLED else "library",
                    chosen=ARMS[which],
                    completion_id=ident(answers[which]),
                )
            )
        for which in one["answered"]:
            given = at(number * 10) + timedelta(seconds=which + 0.5)
            made.append(a_completion(answers[which], **common, created_at=given, arm=ARMS[which]))
        led = {which for _, which in one["decided"]}
        for which, source, reward, blinded, later in one["said"]:
            answer = answers[which if which in led else min(led)]
            when = at(number * 10 + 5 + later)
            made.append(an_outcome(next(serial), answer, reward, source=source, created_at=when, blinded=blinded))
    return made


def write(store: DuckDBStore, prompts: list[dict[str, Any]], rng: Random) -> Log:
    """All of it in any order in which it may come, in batches of any size: outcomes after a first decision."""
    log = Log([a_prompt(n, goal=p["goal"], run_all=p["run_all"]) for n, p in enumerate(prompts, start=1)])
    store.write(Batch(log.prompts))
    waiting: list[Row] = events(prompts)
    queued: list[Row] = []
    while waiting:
        decided = {one.completion_id for one in log.decisions}
        early = [isinstance(one, OutcomeRecord) and one.completion_id not in decided for one in waiting]
        ready = [place for place, one in enumerate(early) if not one]
        row = waiting.pop(rng.choice(ready))
        if isinstance(row, Decision):
            log.decisions.append(row)
        elif isinstance(row, Completion):
            log.completions.append(row)
        else:
            log.outcomes[len(log.outcomes) + 1] = row
        queued.append(row)
        if rng.random() < 0.5 or not waiting:
            store.write(
                Batch(
                    decisions=[one for one in queued if isinstance(one, Decision)],
                    completions=[one for one in queued if isinstance(one, Completion)],
                    outcomes=[one for one in queued if isinstance(one, OutcomeRecord)],
                )
            )
            queued = []
    return log


def sums(table: pd.DataFrame) -> Sums:
    """The table of a question as the slow computation gives it."""
    return {
        (row.time.to_pydatetime().replace(tzinfo=START.tzinfo), row.arm): (row.judged, row.good)
        for row in table.itertuples()
    }


def near(expected: Sums) -> Any:
    """Equal counts, and sums equal but for rounding."""
    return {key: (count, pytest.approx(good)) for key, (count, good) in expected.items()}


@pytest.mark.slow
@settings(derandomize=True, max_examples=80, deadline=None)
@given(
    prompts=st.lists(PROMPT, min_size=1, max_size=5),
    rng=st.randoms(use_true_random=False),
    precedence=PRECEDENCE,
    spans=SPANS,
    until=st.sampled_from([25.0, 30.7, 200.0]),
    goal=st.sampled_from([None, "default"]),
    erased=st.booleans(),
)
def test_whatever_was_said(
    prompts: list[dict[str, Any]],
    rng: Random,
    precedence: tuple[str, ...],
    spans: list[tuple[int, int]] | None,
    until: float,
    goal: str | None,
    erased: bool,
) -> None:
    """Corrected, withdrawn, before the answer, by several sources, of several routers: every question agrees."""
    store = DuckDBStore(":memory:", "live")
    log = write(store, prompts, rng)
    if erased:
        store.erase(Search(ids=(ident(1),)))
        log = log.without(ident(1))
    assert amiss(store.file.require_open()) == {}

    for own in (False, True):
        asked: dict[str, Any] = {"goal": "default", "precedence": list(precedence), "own": own, "bucket": 20.0}
        if spans is not None:
            asked |= {"after": [after for after, _ in spans], "upto": [upto for _, upto in spans]}
        assert sums(store.table("taught", asked)) == near(taught(log, "default", precedence, 20.0, own, spans))

    ratings, answers = sources(log, "default")
    said = store.table("sources", {"goal": "default"})
    assert said.set_index(["arm", "source", "blinded"])["ratings"].to_dict() == ratings
    assert said[said["answers"] > 0].groupby("arm")["answers"].sum().to_dict() == answers

    view = View(START, START + timedelta(seconds=until), goal)
    seen = log.before(view.until, goal)
    for filters in FILTERS:
        asked = {**view.parameters(precedence=list(precedence)), **filters}
        chosen = [filters.get(name) for name in ("policy", "arm", "origin")]
        assert sums(store.table("rated", asked)) == near(rated(seen, precedence, view.bucket_s, *chosen))
        found = store.table("labels", asked).set_index("policy")["judged"].to_dict()
        assert found == labels(seen, precedence, *chosen)
    store.close()


@pytest.mark.parametrize("drawn", ["heuristic", "thompson"])
def test_an_answer_that_thompson_drew_after_others(drawn: str) -> None:
    """It is its own too, whether it was judged before or after."""
    store = DuckDBStore(":memory:", "live")
    led = {"prompt_id": ident(1), "completion_id": ident(1)}
    store.write(Batch([a_prompt()], [a_decision(1, policy="classifier", **led)], [a_completion()]))
    store.write(Batch(outcomes=[an_outcome(1)]))
    store.write(Batch(decisions=[a_decision(2, policy=drawn, **led)]))
    asked = {"goal": "default", "precedence": ["thumb"], "own": True, "bucket": 20.0}
    assert store.table("taught", asked)["judged"].sum() == (drawn == "thompson")
    store.close()
