"""What every store must do, whatever it is made of: a second store is one more name in ``STORES``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_core.errors import StoreError, UnknownRequestError
from router_core.store import open_store
from router_core.store.base import Batch, SettingsVersion, Store
from router_core.types import Evidence, OutcomeRecord, OutputTokens, Prompt, Source, TeachingRule, Usage
from tests.store_rows import (
    ALL,
    CHEAP,
    OWN,
    STRONG,
    a_completion,
    a_decision,
    a_prompt,
    a_request,
    an_outcome,
    at,
    everything,
    ident,
)

STORES: dict[str, Callable[[Path], Store]] = {
    "duckdb file": lambda folder: open_store(folder / "router.duckdb"),
    "duckdb memory": lambda folder: open_store(":memory:"),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A fresh store of each sort."""
    opened = STORES[request.param](tmp_path)
    yield opened
    opened.close()


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


def test_a_correction_replaces_and_never_counts_twice(store: Store) -> None:
    """Down, then up: one outcome, a good one, and both records stay in the history."""
    a_request(store)
    store.write(Batch(outcomes=[an_outcome(1, reward=0.0)]))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 0)}
    store.write(Batch(outcomes=[an_outcome(2, reward=1.0)]))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 1_000_000)}
    assert [record.reward for record in store.outcome_history(ident(1))] == [0.0, 1.0]


def test_a_withdrawn_outcome_no_longer_teaches(store: Store) -> None:
    """None takes it back: no evidence, no current outcome, but the history remembers both."""
    a_request(store)
    store.write(Batch(outcomes=[an_outcome(1)]))
    store.write(Batch(outcomes=[an_outcome(2, reward=None)]))
    found = store.comparison(ident(1))
    assert found is not None
    assert found.outcomes == ()
    assert store.evidence("default", ALL) == {} == store.rebuild_evidence("default", ALL)
    assert len(store.outcome_history(ident(1))) == 2


def test_the_last_stored_counts_whatever_its_time_says(store: Store) -> None:
    """Clocks differ between machines; the order of acknowledgement decides."""
    a_request(store)
    store.write(Batch(outcomes=[an_outcome(9, reward=1.0)]))
    store.write(Batch(outcomes=[an_outcome(2, reward=0.0)]))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 0)}


@pytest.mark.parametrize(
    ("precedence", "reward_micro"),
    [(("thumb", "api", "condition"), 0), (("api", "thumb", "condition"), 1_000_000), (("condition",), 250_000)],
)
def test_the_first_source_in_the_precedence_teaches(
    store: Store, precedence: tuple[str, ...], reward_micro: int
) -> None:
    """Three sources judge one answer: one outcome counts, that of the first source named."""
    a_request(store)
    rule = TeachingRule(precedence)  # type: ignore[arg-type]
    store.evidence("default", rule)
    store.write(Batch(outcomes=[an_outcome(1, reward=0.25, source="condition")]))
    store.write(Batch(outcomes=[an_outcome(2, reward=0.0)]))
    store.write(Batch(outcomes=[an_outcome(3, reward=1.0, source="api")]))
    assert store.evidence("default", rule) == {CHEAP: Evidence(1, reward_micro)}
    assert store.rebuild_evidence("default", rule) == {CHEAP: Evidence(1, reward_micro)}


def test_a_withdrawn_thumb_lets_the_next_source_teach(store: Store) -> None:
    """Unknown has no say: the condition's outcome counts again."""
    a_request(store)
    store.write(Batch(outcomes=[an_outcome(1, reward=1.0, source="condition"), an_outcome(2, reward=0.0)]))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 0)}
    store.write(Batch(outcomes=[an_outcome(3, reward=None)]))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 1_000_000)}


def test_a_source_outside_the_precedence_teaches_nothing(store: Store) -> None:
    """A rule that does not name thumbs ignores them, but they are kept."""
    a_request(store)
    store.write(Batch(outcomes=[an_outcome(1)]))
    assert store.evidence("default", TeachingRule(("api",))) == {}
    assert len(store.outcome_history(ident(1))) == 1


@pytest.mark.parametrize(
    ("decision", "run_all", "teaches"),
    [
        ({"policy": "thompson"}, False, True),
        ({"policy": "heuristic"}, False, False),
        ({"policy": "classifier"}, False, False),
        ({"policy": "forced", "origin": "forced"}, False, False),
        ({"policy": "fallback", "origin": "fallback"}, False, False),
        ({"policy": "thompson", "origin": "fallback"}, False, False),
        ({"policy": "heuristic"}, True, True),
        ({"policy": "forced", "origin": "forced"}, True, True),
    ],
)
def test_learn_from_own(store: Store, decision: dict[str, str], run_all: bool, teaches: bool) -> None:
    """ "own" keeps what Thompson sampling drew and what every model answered; "all" keeps everything."""
    a_request(store, run_all=run_all, **decision)
    store.evidence("default", OWN)
    store.write(Batch(outcomes=[an_outcome(1)]))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 1_000_000)}
    assert store.evidence("default", OWN) == ({CHEAP: Evidence(1, 1_000_000)} if teaches else {})
    assert store.rebuild_evidence("default", OWN) == store.evidence("default", OWN)


def test_an_answer_that_thompson_shared_with_the_rules_is_its_own(store: Store) -> None:
    """One answer chosen by three routers counts once, in either rule, because Thompson sampling drew it too."""
    named = ("heuristic", "classifier", "thompson")
    shared = {"prompt_id": ident(1), "completion_id": ident(1)}
    decisions = [a_decision(number, policy=policy, **shared) for number, policy in enumerate(named, start=1)]
    store.write(Batch([a_prompt()], decisions, [a_completion()], [an_outcome(1)]))
    for rule in (ALL, OWN):
        assert store.evidence("default", rule) == {CHEAP: Evidence(1, 1_000_000)}
    found = store.comparison(ident(1))
    assert found is not None
    assert (len(found.decisions), len(found.completions), len(found.outcomes)) == (3, 1, 1)


def test_a_decision_that_comes_later_can_make_an_answer_thompsons_own(store: Store) -> None:
    """The kept evidence moves when a decision names an answer that was judged before."""
    a_request(store, policy="heuristic")
    store.write(Batch(outcomes=[an_outcome(1)]))
    assert store.evidence("default", OWN) == {}
    store.write(Batch(decisions=[a_decision(2, prompt_id=ident(1), completion_id=ident(1))]))
    assert store.evidence("default", OWN) == {CHEAP: Evidence(1, 1_000_000)}


def test_an_outcome_may_come_before_its_completion(store: Store) -> None:
    """A decision that names the answer is enough, in the store or in the same batch."""
    store.write(Batch([a_prompt()], [a_decision()], outcomes=[an_outcome(1)]))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 1_000_000)}
    store.write(Batch(completions=[a_completion()]))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 1_000_000)}


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


def test_goals_and_arms_are_told_apart(store: Store) -> None:
    """Evidence is kept per goal and per arm; partial rewards add up as whole millionths."""
    a_request(store, 1)
    a_request(store, 2, chosen=STRONG)
    a_request(store, 3, goal="other")
    a_request(store, 4)
    rewards = {1: 0.1, 2: 1.0, 3: 0.5, 4: 0.2}
    store.write(Batch(outcomes=[an_outcome(n, n, reward) for n, reward in rewards.items()]))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(2, 300_000), STRONG: Evidence(1, 1_000_000)}
    assert store.evidence("other", ALL) == {CHEAP: Evidence(1, 500_000)}
    assert store.evidence("nobody", ALL) == {}


_RECORDS = st.lists(
    st.tuples(
        st.integers(1, 4),  # which completion
        st.sampled_from(("thumb", "api", "condition")),
        st.sampled_from((None, 0.0, 0.1, 1 / 3, 1.0)),
        st.booleans(),  # whether the batch ends here
    ),
    max_size=12,
)
_TRAFFIC = (("thompson", False), ("heuristic", False), ("forced", True), ("thompson", True))
_RULES = (ALL, OWN, TeachingRule(("condition", "api")))
_examples = settings(deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def crowded() -> Iterator[tuple[Store, Iterator[int]]]:
    """One store for all examples, and a fresh hundred of ids for each, which is also the name of its goal."""
    opened = open_store(":memory:")
    yield opened, count(100, 100)
    opened.close()


@settings(_examples, max_examples=30)
@given(drawn=_RECORDS)
def test_kept_evidence_is_the_log_folded(
    crowded: tuple[Store, Iterator[int]], drawn: list[tuple[int, Source, float | None, bool]]
) -> None:
    """Whatever was said, changed, withdrawn and repeated: the kept evidence equals that of the log to the bit."""
    store, hundreds = crowded
    base = next(hundreds)
    goal = str(base)

    def check() -> None:
        for rule in _RULES:
            assert store.evidence(goal, rule) == store.rebuild_evidence(goal, rule)

    check()
    for number, (policy, run_all) in enumerate(_TRAFFIC, start=base + 1):
        a_request(store, number, run_all=run_all, goal=goal, policy=policy, chosen=(CHEAP, STRONG)[number % 2])
    waiting: list[OutcomeRecord] = []
    for place, (completion, source, reward, ends) in enumerate(drawn):
        waiting.append(an_outcome(base + place, base + completion, reward, source=source))
        if ends:
            store.write(Batch(outcomes=waiting))
            waiting = waiting[-1:]  # sent once more with the next batch
            check()
    store.write(Batch(outcomes=waiting))
    check()


@settings(_examples, max_examples=10)
@given(order=st.permutations(range(8)), rewards=st.lists(st.floats(0, 1), min_size=8, max_size=8))
def test_evidence_does_not_depend_on_the_order_of_first_words(
    crowded: tuple[Store, Iterator[int]], order: list[int], rewards: list[float]
) -> None:
    """Eight answers judged once each, in any order: the sum of their rewards in whole millionths."""
    store, hundreds = crowded
    base = next(hundreds)
    goal = str(base)
    store.write(Batch(decisions=[a_decision(base + n, goal=goal) for n in range(8)]))
    for number in order:
        store.write(Batch(outcomes=[an_outcome(base + number, base + number, rewards[number])]))
    expected = {CHEAP: Evidence(8, sum(round(reward * 1_000_000) for reward in rewards))}
    assert store.evidence(goal, ALL) == expected


def test_output_tokens_count_complete_answers_only(store: Store) -> None:
    """Stopped, failed and uncounted answers say nothing about a model's usual length."""
    store.write(
        Batch(
            completions=[
                a_completion(1, usage=Usage(1, 20)),
                a_completion(2, usage=Usage(1, 30), finish_reason="length"),
                a_completion(3, usage=Usage(1, 500), finish_reason="stopped"),
                a_completion(4, usage=Usage(1, 500), error="broke off"),
                a_completion(5, usage=None),
                a_completion(6, usage=Usage(1, 7), arm=STRONG),
                a_completion(7, usage=Usage(1, 9), goal="other"),
            ]
        )
    )
    assert store.output_tokens("default") == {CHEAP: OutputTokens(2, 50), STRONG: OutputTokens(1, 7)}
    assert store.output_tokens("other") == {CHEAP: OutputTokens(1, 9)}
    assert store.output_tokens("nobody") == {}


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
