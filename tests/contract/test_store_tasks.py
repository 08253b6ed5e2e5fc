"""What every store must count by task type: the same outcomes as in all, split by what the prompts came with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_core.registry import BY_TASK, POLICIES
from router_core.store import open_store
from router_core.store.base import Batch, Search, Store
from router_core.types import ByTask, Evidence, TeachingRule
from tests.store_rows import ALL, CHEAP, STRONG, a_decision, a_prompt, an_outcome, at, ident

OWN = TeachingRule(learn_from="own", learner=BY_TASK.name)
GOOD, BAD = Evidence(1, 1_000_000), Evidence(1, 0)


def ask(store: Store, number: int, task: str | None, run_all: bool = False, **decision: Any) -> None:
    """One prompt of a task, and the decision on it."""
    prompt = a_prompt(number, task_type=task, run_all=run_all)
    store.write(Batch([prompt], [a_decision(number, **decision)]))


def summed(tasks: ByTask) -> Mapping[str, Evidence]:
    """Arm id -> the evidence of all tasks."""
    found: dict[str, Evidence] = {}
    for arms in tasks.values():
        for arm, one in arms.items():
            had = found.get(arm, Evidence())
            found[arm] = Evidence(had.count + one.count, had.reward_micro + one.reward_micro)
    return found


def read_anew(store: Store, rule: TeachingRule) -> ByTask:
    """From the log: a snapshot changes nothing that counts, and makes the store forget what it kept."""
    store.snapshot_learning("default", at=at(0), author="test")
    return store.evidence_by_task("default", rule)


def test_each_task_has_its_own(store: Store) -> None:
    """Also prompts without one; a correction moves where it belongs."""
    store.evidence_by_task("default", ALL)
    for number, task in enumerate(("maths", "maths", "labels", None), start=1):
        ask(store, number, task, chosen=STRONG if number == 2 else CHEAP)
        store.write(Batch(outcomes=[an_outcome(number, number)]))
    store.write(Batch(outcomes=[an_outcome(9, 1, 0.0)]))
    expected = {"maths": {CHEAP: BAD, STRONG: GOOD}, "labels": {CHEAP: GOOD}, "": {CHEAP: GOOD}}
    assert store.evidence_by_task("default", ALL) == expected == read_anew(store, ALL)
    assert store.evidence_by_task("another", ALL) == {}


def test_the_same_object_while_nothing_changed(store: Store) -> None:
    """So that whoever learns from it can tell; a write of no consequence is none."""
    ask(store, 1, "maths")
    store.write(Batch(outcomes=[an_outcome(1)]))
    before = store.evidence_by_task("default", ALL)
    ask(store, 2, "maths")
    assert store.evidence_by_task("default", ALL) is before
    store.write(Batch(outcomes=[an_outcome(2, 2)]))
    assert store.evidence_by_task("default", ALL) == {"maths": {CHEAP: Evidence(2, 2_000_000)}}


@pytest.mark.parametrize("learner", [entry.name for entry in POLICIES.values() if entry.learns])
def test_own_is_what_the_learner_drew(store: Store, learner: str) -> None:
    """Each learner its own draws and prompts that every model answered, whoever the others are."""
    rule = TeachingRule(learn_from="own", learner=learner)  # type: ignore[arg-type]
    store.evidence_by_task("default", rule)
    store.evidence("default", rule)
    for number, policy in enumerate(POLICIES, start=1):
        ask(store, number, policy, policy=policy)
    ask(store, 11, "everyone", run_all=True, policy="heuristic")
    ask(store, 12, "failed", policy=learner, origin="fallback")
    ask(store, 13, "elsewhere", policy=learner, origin="imported")
    store.write(Batch(outcomes=[an_outcome(n, n) for n in (*range(1, len(POLICIES) + 1), 11, 12, 13)]))
    expected = {learner: {CHEAP: GOOD}, "everyone": {CHEAP: GOOD}}
    assert store.evidence_by_task("default", rule) == expected == read_anew(store, rule)
    assert store.evidence("default", rule) == summed(expected) == store.rebuild_evidence("default", rule)


def test_what_came_from_elsewhere_keeps_its_tasks(store: Store) -> None:
    """Without tasks it counts as that of prompts without one; a reset takes it away, an undo brings it back."""
    there = {"maths": {CHEAP: Evidence(10, 4_000_000)}, "": {STRONG: Evidence(3, 3_000_000)}}
    store.import_learning("default", summed(there), {}, at=at(1), author="a", tasks=there)
    assert store.evidence_by_task("default", ALL) == there
    ask(store, 1, "maths")
    store.write(Batch(outcomes=[an_outcome(1)]))
    now = {**there, "maths": {CHEAP: Evidence(11, 5_000_000)}}
    assert store.evidence_by_task("default", ALL) == now == read_anew(store, ALL)
    store.reset_learning("default", at=at(2), author="a")
    assert store.evidence_by_task("default", ALL) == {}
    store.undo_learning("default", at=at(3), author="a")
    assert store.evidence_by_task("default", ALL) == now
    store.import_learning("default", summed(there), {}, at=at(4), author="a")
    assert store.evidence_by_task("default", ALL) == {"": summed(there)}


def test_what_is_deleted_is_gone(store: Store) -> None:
    """From its task, too."""
    for number, task in ((1, "maths"), (2, "labels")):
        ask(store, number, task)
        store.write(Batch(outcomes=[an_outcome(number, number)]))
    store.evidence_by_task("default", ALL)
    store.erase(Search(ids=(ident(1),)))
    assert store.evidence_by_task("default", ALL) == {"labels": {CHEAP: GOOD}}


STEPS = st.lists(
    st.tuples(
        st.integers(1, 6),  # the prompt, and its completion
        st.sampled_from(["decide", "thumb", "api"]),
        st.sampled_from([0.0, 0.25, 1.0, None]),
        st.sampled_from(["thompson", "by-task", "heuristic", "forced"]),
        st.sampled_from([CHEAP, STRONG]),
    ),
    max_size=25,
)
RULES = (ALL, OWN, TeachingRule(window_s=8.0), TeachingRule(("api",), "own", None, BY_TASK.name))


@given(steps=STEPS)
@settings(max_examples=40, deadline=None)
def test_memory_equals_the_log(steps: list[tuple[int, str, float | None, str, str]]) -> None:
    """Whatever comes in whatever order: by task it is the same from memory and read anew, and adds up to all."""
    with_tasks = ("maths", "labels", None)
    store = open_store(":memory:")
    for rule in RULES:
        store.evidence_by_task("default", rule)
        store.evidence("default", rule)
    led: dict[int, str] = {}
    for place, (number, what, reward, policy, arm) in enumerate(steps, start=100):
        if what == "decide":
            arm = led.setdefault(number, arm)
            origin = policy if policy == "forced" else "library"
            decision = a_decision(
                place,
                prompt_id=ident(number),
                completion_id=ident(number),
                policy=policy,
                origin=origin,
                chosen=arm,
            )
            prompt = a_prompt(number, task_type=with_tasks[number % 3], run_all=number == 6)
            store.write(Batch([prompt], [decision]))
        elif number in led:
            store.write(Batch(outcomes=[an_outcome(place, number, reward, source=what)]))
    kept = [dict(store.evidence_by_task("default", rule)) for rule in RULES]
    sums = [store.evidence("default", rule) for rule in RULES]
    assert [summed(one) for one in kept] == sums
    assert [read_anew(store, rule) for rule in RULES] == kept
    store.close()
