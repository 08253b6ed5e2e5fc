"""Reset, snapshot, restore, import, undo: what counts afterwards, to the bit, corrections included."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_core.errors import StoreError
from router_core.store import open_store
from router_core.store.base import Batch, Search, Store
from router_core.types import Evidence, OutputTokens
from tests.store_rows import ALL, CHEAP, OWN, STRONG, a_completion, a_decision, a_prompt, an_outcome

NOW = datetime(2026, 6, 1, tzinfo=UTC)
WHO = {"at": NOW, "author": "tester"}


@pytest.fixture
def store() -> Store:
    """Three requests to the cheap model, one to the strong one; the first two rated good."""
    opened = open_store(":memory:")
    opened.write(
        Batch(
            [a_prompt(number) for number in range(1, 5)],
            [a_decision(number) for number in range(1, 4)] + [a_decision(4, chosen=STRONG)],
            [a_completion(number) for number in range(1, 4)] + [a_completion(4, arm=STRONG)],
            [an_outcome(1, 1), an_outcome(2, 2)],
        )
    )
    return opened


def learned(store: Store) -> dict[str, tuple[int, int]]:
    """Arm -> (how many, how many good), which must equal what the log gives."""
    kept = store.evidence("default", ALL)
    assert kept == store.rebuild_evidence("default", ALL)
    return {arm: (one.count, one.reward_micro // 1_000_000) for arm, one in kept.items()}


def test_reset_forgets_and_begins_again(store: Store) -> None:
    """What came before no longer teaches; what comes later does, another goal is as it was."""
    store.reset_learning("default", **WHO)
    assert learned(store) == {}
    store.write(Batch(outcomes=[an_outcome(3, 3, 0.0)]))
    assert learned(store) == {CHEAP: (1, 0)}
    assert store.output_tokens("default")[CHEAP] == OutputTokens(3, 60)


def test_a_correction_after_a_reset_counts_as_new(store: Store) -> None:
    """The new word counts; withdrawing it does not bring the old one back."""
    store.reset_learning("default", **WHO)
    store.write(Batch(outcomes=[an_outcome(3, 1, 0.0)]))
    assert learned(store) == {CHEAP: (1, 0)}
    store.write(Batch(outcomes=[an_outcome(4, 1, None)]))
    assert learned(store) == {}


def test_undo_of_a_reset(store: Store) -> None:
    """As if it had never been: what came before and since counts, each once."""
    store.reset_learning("default", **WHO)
    store.write(Batch(outcomes=[an_outcome(3, 1, 0.0), an_outcome(4, 4)]))
    store.undo_learning("default", **WHO)
    assert learned(store) == {CHEAP: (2, 1), STRONG: (1, 1)}


def test_undo_of_an_undo(store: Store) -> None:
    """Brings the reset back."""
    store.reset_learning("default", **WHO)
    store.undo_learning("default", **WHO)
    assert learned(store) == {CHEAP: (2, 2)}
    store.undo_learning("default", **WHO)
    assert learned(store) == {}


def test_snapshot_and_restore(store: Store) -> None:
    """The state of the snapshot, without what came between; and it learns on."""
    store.snapshot_learning("default", note="before the launch", **WHO)
    seq = store.learning_events("default")[-1].seq
    store.write(Batch(outcomes=[an_outcome(3, 1, 0.0), an_outcome(4, 3)]))
    assert learned(store) == {CHEAP: (3, 2)}
    store.restore_learning("default", seq, **WHO)
    assert learned(store) == {CHEAP: (2, 2)}
    store.write(Batch(outcomes=[an_outcome(5, 2, 0.0)]))
    assert learned(store) == {CHEAP: (2, 1)}
    assert [event.kind for event in store.learning_events("default")] == ["snapshot", "restore"]
    assert store.learning_events("default")[0].note == "before the launch"


def test_an_earlier_event_is_taken_back_with_all_that_followed(store: Store) -> None:
    """Undoing the first of two resets brings everything back; undoing the undo, the second reset."""
    store.reset_learning("default", **WHO)
    first = store.learning_events("default")[-1].seq
    store.write(Batch(outcomes=[an_outcome(3, 3)]))
    store.reset_learning("default", note="again", **WHO)
    assert learned(store) == {}
    store.undo_learning("default", first, **WHO)
    assert learned(store) == {CHEAP: (3, 3)}
    assert store.learning_events("default")[-1].note == "of: reset"
    store.undo_learning("default", **WHO)
    assert learned(store) == {}
    store.undo_learning("default", store.learning_events("default")[1].seq, **WHO)
    assert learned(store) == {CHEAP: (1, 1)}


def test_a_snapshot_is_taken_back(store: Store) -> None:
    """It leaves the list and changes nothing else; undoing that brings it back; restoring keeps the list."""
    store.snapshot_learning("default", note="first", **WHO)
    store.snapshot_learning("default", note="second", **WHO)
    first, second = store.snapshots("default")
    store.undo_learning("default", first.seq, **WHO)
    assert [one.note for one in store.snapshots("default")] == ["second"]
    assert learned(store) == {CHEAP: (2, 2)}
    store.reset_learning("default", **WHO)
    store.restore_learning("default", second.seq, **WHO)
    assert [one.note for one in store.snapshots("default")] == ["second"]
    assert learned(store) == {CHEAP: (2, 2)}
    undo = next(one.seq for one in store.learning_events("default") if one.kind == "undo")
    store.undo_learning("default", undo, **WHO)
    assert [one.note for one in store.snapshots("default")] == ["first", "second"]
    assert store.snapshots("other") == []


def test_what_counts_is_told_as_spans(store: Store) -> None:
    """Evidence from elsewhere, and the outcomes of the log that count with it."""
    assert store.learning_base("default") == ({}, ((0, None),))
    store.reset_learning("default", **WHO)
    assert store.learning_base("default") == ({}, ((2, None),))
    store.import_learning("default", {CHEAP: Evidence(4, 1_000_000)}, {}, **WHO)
    assert store.learning_base("default") == ({CHEAP: Evidence(4, 1_000_000)}, ((2, None),))


@pytest.mark.parametrize("change", ["reset", "snapshot"])
def test_numbers_of_deleted_outcomes_are_not_given_again(tmp_path: Path, store: Store, change: str) -> None:
    """What is rated after the log was emptied counts after a reset, not in a snapshot of before."""
    path = tmp_path / "router.duckdb"
    with closing(open_store(path)) as opened:
        for batch in (
            Batch([a_prompt(1)], [a_decision(1)], [a_completion(1)], [an_outcome(1, 1), an_outcome(2, 1)]),
            Batch([a_prompt(2)], [a_decision(2)], [a_completion(2)], [an_outcome(3, 2)]),
        ):
            opened.write(batch)
        if change == "reset":
            opened.reset_learning("default", **WHO)
        else:
            opened.snapshot_learning("default", **WHO)
        opened.erase(Search())
    with closing(open_store(path)) as opened:
        opened.write(Batch([a_prompt(4)], [a_decision(4)], [a_completion(4)], [an_outcome(4, 4)]))
        assert learned(opened) == {CHEAP: (1, 1)}
        assert len(opened.lessons("default", ALL, 0, 9)[1]) == 1
        if change == "snapshot":
            opened.restore_learning("default", 1, **WHO)
            assert learned(opened) == {}


def test_import_begins_from_elsewhere(store: Store) -> None:
    """Counts and output tokens are exactly those given; later outcomes add to them; it can be undone."""
    given_counts = {CHEAP: Evidence(10, 7_500_000), STRONG: Evidence(3, 3_000_000)}
    given_lengths = {CHEAP: OutputTokens(5, 500)}
    store.import_learning("default", given_counts, given_lengths, note="a file", **WHO)
    assert store.evidence("default", ALL) == given_counts == store.rebuild_evidence("default", ALL)
    assert store.output_tokens("default") == given_lengths
    store.write(Batch([a_prompt(5)], [a_decision(5)], [a_completion(5)], [an_outcome(3, 5)]))
    assert store.evidence("default", ALL)[CHEAP] == Evidence(11, 8_500_000)
    assert store.output_tokens("default")[CHEAP] == OutputTokens(6, 520)
    store.undo_learning("default", **WHO)
    assert learned(store) == {CHEAP: (3, 3)}
    assert store.output_tokens("default")[CHEAP] == OutputTokens(4, 80)


def test_import_leaves_other_goals_out(store: Store) -> None:
    """The lengths that one begins from are not lessened by answers that the same model gave in another."""
    lengths = {CHEAP: OutputTokens(5, 500)}
    store.import_learning("other", {CHEAP: Evidence(4, 1_000_000)}, lengths, **WHO)
    assert store.output_tokens("other") == lengths
    assert store.output_tokens("default")[CHEAP].count == 3
    assert learned(store) == {CHEAP: (2, 2)}


def test_survives_reopening(tmp_path: Path) -> None:
    """What counts is read from the file again, under every rule."""
    place = tmp_path / "router.duckdb"
    first = open_store(place)
    first.write(Batch([a_prompt(1)], [a_decision(1)], [a_completion(1)], [an_outcome(1, 1)]))
    first.import_learning("default", {CHEAP: Evidence(4, 1_000_000)}, {}, **WHO)
    first.close()
    again = open_store(place)
    assert again.evidence("default", ALL) == {CHEAP: Evidence(4, 1_000_000)}
    assert again.evidence("default", OWN) == {CHEAP: Evidence(4, 1_000_000)}
    again.close()


def test_nothing_to_undo_or_restore(store: Store) -> None:
    """Said in a sentence; a snapshot alone is nothing to undo."""
    store.snapshot_learning("default", **WHO)
    with pytest.raises(StoreError, match="nothing to undo"):
        store.undo_learning("default", **WHO)
    with pytest.raises(StoreError, match="has no event 99; choose one of those it has"):
        store.restore_learning("default", 99, **WHO)
    with pytest.raises(StoreError, match="has no event 99"):
        store.undo_learning("default", 99, **WHO)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("rate"), st.integers(1, 4), st.sampled_from([0.0, 0.5, 1.0, None])),
        st.tuples(st.sampled_from(["reset", "snapshot", "restore", "undo", "undo first", "import"])),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_memory_equals_log_whatever_happens(steps: list[tuple[object, ...]]) -> None:
    """After any sequence of ratings and events the counts in memory are those of the log, and never negative."""
    store = open_store(":memory:")
    numbers = range(1, 5)
    store.write(Batch([a_prompt(n) for n in numbers], [a_decision(n) for n in numbers]))
    store.evidence("default", ALL)
    store.evidence("default", OWN)
    for place, (kind, *more) in enumerate(steps):
        events = store.learning_events("default")
        if kind == "rate":
            store.write(Batch(outcomes=[an_outcome(place, *more)]))  # type: ignore[arg-type]
        elif kind == "reset":
            store.reset_learning("default", **WHO)
        elif kind == "snapshot":
            store.snapshot_learning("default", **WHO)
        elif kind == "import":
            store.import_learning("default", {CHEAP: Evidence(2, 1_000_000)}, {}, **WHO)
        elif kind == "restore" and events:
            store.restore_learning("default", events[0].seq, **WHO)
        elif kind == "undo" and any(event.kind != "snapshot" for event in events):
            store.undo_learning("default", **WHO)
        elif kind == "undo first" and events:
            store.undo_learning("default", events[0].seq, **WHO)
        for rule in (ALL, OWN):
            kept = store.evidence("default", rule)
            assert kept == store.rebuild_evidence("default", rule)
            assert all(0 <= one.reward_micro <= one.count * 1_000_000 for one in kept.values())
    store.close()
