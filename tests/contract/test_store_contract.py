"""What every store must keep, whatever it is made of (see conftest.py for the stores)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from router_core.errors import StoreError, UnknownRequestError
from router_core.store import open_store
from router_core.store.base import Batch, SettingsVersion, Store
from router_core.types import Evidence, Prompt, Usage
from tests.store_rows import (
    ALL,
    CHEAP,
    a_completion,
    a_decision,
    a_prompt,
    a_request,
    an_outcome,
    at,
    everything,
    ident,
)


def test_it_is_a_store(store: Store) -> None:
    """The implementation has every member of the protocol."""
    assert isinstance(store, Store)
    assert store.kind == "live"


def test_what_was_written_is_read_back_exactly(store: Store) -> None:
    """Every field of every row, None costs and awkward texts included, comes back equal."""
    written = everything()
    store.write(written)
    found = store.comparison(ident(1))
    assert found is not None
    assert found.prompt == written.prompts[0]
    assert found.decisions == tuple(written.decisions)
    assert found.completions == tuple(written.completions)
    assert found.outcomes == tuple(written.outcomes)


def test_a_prompt_kept_as_a_fingerprint_has_no_messages(store: Store) -> None:
    """Where only the hash is kept, None comes back and not an empty list."""
    store.write(Batch([a_prompt(1, messages=None)]))
    found = store.comparison(ident(1))
    assert found is not None
    assert found.prompt.messages is None
    assert found.prompt.sha256 == f"{1:064x}"


def test_a_prompt_that_is_not_stored_is_none(store: Store) -> None:
    """Neither an unknown id nor a text that is no id raises."""
    assert store.comparison(ident(5)) is None
    assert store.comparison("not an id") is None


def test_writing_twice_changes_nothing(store: Store) -> None:
    """A repeated batch leaves rows, evidence and token counts as they were; the first writing counts."""
    store.evidence("default", ALL)
    batch = everything()
    store.write(batch)
    before = (store.comparison(ident(1)), store.evidence("default", ALL), store.output_tokens("default"))
    store.write(batch)
    store.write(Batch(completions=[replace(batch.completions[0], text="another", usage=Usage(1, 1))]))
    store.write(Batch(outcomes=[replace(batch.outcomes[0], reward=1.0)]))
    after = (store.comparison(ident(1)), store.evidence("default", ALL), store.output_tokens("default"))
    assert before == after
    assert len(store.outcome_history(ident(1))) == 1


def test_an_outcome_id_counts_once_whatever_it_is_about(store: Store) -> None:
    """Known from another answer, alone or beside a new one: the first record stays, and the new one is stored."""
    store.write(
        Batch([a_prompt(1), a_prompt(2)], [a_decision(1), a_decision(2)], [a_completion(1), a_completion(2)])
    )
    store.write(Batch(outcomes=[an_outcome(5, 1, 1.0)]))
    store.write(Batch(outcomes=[an_outcome(5, 2, 0.0)]))
    store.write(Batch(outcomes=[an_outcome(5, 2, 0.0), an_outcome(6, 2, 1.0)]))
    assert [record.id for record in store.outcome_history(ident(1))] == [an_outcome(5).id]
    assert [record.id for record in store.outcome_history(ident(2))] == [an_outcome(6).id]
    assert store.evidence("default", ALL) == {CHEAP: Evidence(2, 2_000_000)}
    assert store.rebuild_evidence("default", ALL) == store.evidence("default", ALL)


def test_a_row_twice_in_one_batch_is_stored_once(store: Store) -> None:
    """Repetition inside a batch is harmless too."""
    store.write(Batch([a_prompt(), a_prompt()], [a_decision(), a_decision()], outcomes=[an_outcome(1)] * 3))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 1_000_000)}
    assert len(list(store.decisions())) == 1


def test_of_two_rows_with_one_id_the_first_counts(store: Store) -> None:
    """In one batch as in two: what is kept in memory is what is in the file."""
    a_request(store)
    store.evidence("default", ALL)
    first = an_outcome(1, reward=1.0)
    store.write(Batch(outcomes=[first, replace(first, reward=0.0)]))
    assert [record.reward for record in store.outcome_history(ident(1))] == [1.0]
    assert (
        store.evidence("default", ALL) == {CHEAP: Evidence(1, 1_000_000)} == store.rebuild_evidence("default", ALL)
    )


def test_an_empty_batch_is_allowed(store: Store) -> None:
    """Nothing to write is no error."""
    store.write(Batch())
    assert store.recent_prompts(5) == []


@pytest.mark.parametrize("request_id", [ident(99), "no id at all", "", "é" * 500])
def test_an_outcome_of_an_unknown_request_is_refused(store: Store, request_id: str) -> None:
    """The sentence names the id and the remedy, and nothing of the batch is kept."""
    a_request(store)
    stray = replace(an_outcome(2), completion_id=request_id)
    with pytest.raises(UnknownRequestError, match="never made with this store; report the request_id") as caught:
        store.write(Batch([a_prompt(7)], outcomes=[an_outcome(1), stray]))
    assert request_id[:80] in str(caught.value)
    assert store.comparison(ident(7)) is None
    assert store.outcome_history(ident(1)) == []
    assert store.evidence("default", ALL) == {} == store.rebuild_evidence("default", ALL)


def test_decisions_come_page_by_page_in_order(store: Store) -> None:
    """More than two pages, written backwards: each once, by id; a goal's own on request."""
    numbers = range(1, 2_051)
    rows = [a_decision(n, goal="even" if n % 2 == 0 else "odd") for n in reversed(numbers)]
    store.write(Batch(decisions=rows))
    assert [decision.id for decision in store.decisions()] == [ident(n) for n in numbers]
    assert [decision.id for decision in store.decisions("even")] == [ident(n) for n in numbers if n % 2 == 0]
    assert list(store.decisions("nobody")) == []


def test_exactly_one_page_of_decisions_ends(store: Store) -> None:
    """A page that is full and the last."""
    store.write(Batch(decisions=[a_decision(n) for n in range(1, 1_001)]))
    assert len(list(store.decisions())) == 1_000


def test_recent_prompts_newest_first(store: Store) -> None:
    """The last ones made, as many as asked for."""
    prompts = [a_prompt(number) for number in (3, 1, 2)]
    store.write(Batch(prompts))
    expected: list[Prompt] = [a_prompt(3), a_prompt(2)]
    assert store.recent_prompts(2) == expected


def test_settings_versions_the_newest_is_current(store: Store) -> None:
    """Saved twice: the second; the first document again: that one (this is how rolling back works)."""
    assert store.current_settings() is None
    first = SettingsVersion("v1", at(1), "someone", "start", '{"a":"é"}')
    second = SettingsVersion("v2", at(2), "", "", "{}")
    back = replace(first, created_at=at(3), note="back to v1")
    for version in (first, second, back):
        store.save_settings(version)
        assert store.current_settings() == version


def test_cost_is_exact(store: Store) -> None:
    """A millionth of a millionth of a dollar survives; binary fractions do not creep in."""
    store.write(Batch([a_prompt()], completions=[a_completion(1, cost_usd=Decimal("0.000000000001"))]))
    found = store.comparison(ident(1))
    assert found is not None
    assert found.completions[0].cost_usd == Decimal("0.000000000001")


def test_a_closed_store_says_so(store: Store) -> None:
    """Closing twice is harmless; every later use is refused with a sentence."""
    a_request(store)
    store.evidence("default", ALL)
    store.close()
    store.close()
    uses: list[Callable[[], object]] = [
        lambda: store.write(Batch([a_prompt(2)])),
        lambda: store.evidence("default", ALL),
        lambda: store.rebuild_evidence("default", ALL),
        lambda: store.output_tokens("default"),
        lambda: store.comparison(ident(1)),
        lambda: store.recent_prompts(1),
        lambda: store.outcome_history(ident(1)),
        lambda: list(store.decisions()),
        lambda: store.save_settings(SettingsVersion("v", at(1), "", "", "{}")),
        lambda: store.current_settings(),
    ]
    for use in uses:
        with pytest.raises(StoreError, match="is closed; open it again"):
            use()


def test_everything_is_there_after_reopening(tmp_path: Path) -> None:
    """Rows, evidence, token counts, settings, and the order of outcomes survive closing."""
    path = tmp_path / "deep" / "er" / "router.duckdb"
    version = SettingsVersion("v1", at(1), "", "", "{}")
    first = open_store(path)
    first.write(everything())
    first.save_settings(version)
    kept = (first.comparison(ident(1)), first.evidence("default", ALL), first.output_tokens("default"))
    first.close()
    second = open_store(path)
    found = (second.comparison(ident(1)), second.evidence("default", ALL), second.output_tokens("default"))
    assert kept == found
    assert second.current_settings() == version
    second.write(Batch(outcomes=[an_outcome(2, 1, 1.0)]))
    assert second.evidence("default", ALL) == {CHEAP: Evidence(1, 1_000_000)}
    second.close()


def test_one_file_opened_twice_is_one_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the place is spelled; it stays open until each opener has closed it, and can be opened again."""
    monkeypatch.chdir(tmp_path)
    first = open_store(tmp_path / "router.duckdb")
    second = open_store("duckdb:///router.duckdb")
    assert first is second
    first.close()
    a_request(second)
    second.close()
    with pytest.raises(StoreError, match="closed"):
        second.recent_prompts(1)
    third = open_store("router.duckdb")
    assert third is not first
    assert third.recent_prompts(5) == [a_prompt(1)]
    third.close()
