"""What a judge says is stored with its name and cost, and neither teaches nor passes for people's word."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from router_core.settings import Settings
from router_core.store.base import Batch, Store
from router_core.types import FOR_PEOPLE, ORDER_SWAP, Evidence, OutcomeRecord
from router_core.views.rating_queue import Known, judged, to_rate
from tests.store_rows import ALL, CHEAP, STRONG, a_completion, a_decision, a_prompt, an_outcome, ident

JUDGE = "openai/gpt-4o, pairs, version 1 (abc)"


def a_judgement(number: int, completion: int, reward: float | None, **changes: object) -> OutcomeRecord:
    """A judge's word."""
    found = an_outcome(
        number, completion, reward, source="judge", who=JUDGE, asked=0.25, cost_usd=Decimal("0.000123456789")
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def two_answers(store: Store) -> None:
    """One prompt that both models answered."""
    store.write(
        Batch(
            [a_prompt(1, run_all=True)],
            [a_decision(1, chosen=CHEAP), a_decision(2, prompt_id=ident(1), chosen=STRONG)],
            [a_completion(1, arm=CHEAP), a_completion(2, prompt_id=ident(1), arm=STRONG)],
        )
    )


def test_a_judges_word_is_read_back_exactly(store: Store) -> None:
    """Who it was, the chance that people are asked too, what it cost (or that nobody knows) and beside what."""
    two_answers(store)
    first = a_judgement(1, 1, 0.5, compared=ident(2), chips=(FOR_PEOPLE, ORDER_SWAP))
    second = a_judgement(2, 1, None, cost_usd=None)
    store.write(Batch(outcomes=[first, second]))
    assert store.outcome_history(ident(1)) == [first, second]


def test_a_judge_teaches_nothing_and_makes_no_pair(store: Store) -> None:
    """Evidence and pairs are those of people alone, in memory as counted afresh."""
    two_answers(store)
    store.write(Batch(outcomes=[a_judgement(1, 1, 1.0), a_judgement(2, 2, 0.0)]))
    assert store.evidence("default", ALL) == {} == store.rebuild_evidence("default", ALL)
    store.write(Batch(outcomes=[an_outcome(3, 1, 1.0)]))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 1_000_000)}
    asked = {"goal": "default", "since": None, "until": None, "strong": STRONG, "window_us": None}
    pairs = store.rows("pairs", {**asked, "precedence": ["thumb", "api", "condition"]})
    assert pairs == []


def test_judges_are_read_beside_people(store: Store) -> None:
    """One row per judge and answer with the last word of either; another judge has rows of its own."""
    two_answers(store)
    store.write(
        Batch(
            outcomes=[
                a_judgement(1, 1, 0.0, chips=(FOR_PEOPLE,)),
                a_judgement(2, 1, 1.0, chips=(FOR_PEOPLE,)),
                a_judgement(3, 2, 1.0, who="another"),
                an_outcome(4, 1, 0.25),
            ]
        )
    )
    said = store.rows("judgements", {"goal": "default"})
    found = {(row["who"], row["arm"]): (row["judge"], row["people"], row["for_people"]) for row in said}
    assert found == {(JUDGE, CHEAP): (1.0, 0.25, True), ("another", STRONG): (1.0, None, False)}
    assert store.rows("judgements", {"goal": "other"}) == []


def test_what_was_drawn_for_people_waits_in_the_queue(store: Store) -> None:
    """Both answers of a drawn prompt as one screen, until both are rated; what was not drawn does not wait."""
    two_answers(store)
    settings = Settings().goal("default")
    arms = {arm.id: 0.0 for arm in settings.arms}
    known = Known(store, "default", settings, {CHEAP: None}, arms, 0)
    assert list(judged(known)) == []
    store.write(Batch(outcomes=[a_judgement(1, 1, 0.0), a_judgement(2, 2, 1.0)]))
    assert list(judged(known)) == []
    drawn = (FOR_PEOPLE,)
    store.write(Batch(outcomes=[a_judgement(3, 1, 0.0, chips=drawn), a_judgement(4, 2, 1.0, chips=drawn)]))
    (one,) = judged(known)
    assert (set(one.answers), one.completes, one.value) == ({ident(1), ident(2)}, CHEAP, 1.0)
    assert [screen.prompt_id for screen in to_rate(known)] == [ident(1)]
    store.write(Batch(outcomes=[an_outcome(5, 1, 1.0), an_outcome(6, 2, 1.0)]))
    assert list(judged(known)) == []


def test_what_judging_cost(store: Store) -> None:
    """Sums are exact, and what is unknown is counted instead of added as nothing."""
    two_answers(store)
    store.write(Batch(outcomes=[a_judgement(1, 1, 1.0), a_judgement(2, 2, None, cost_usd=None)]))
    always = {"goal": None, "since": datetime(1970, 1, 1, tzinfo=UTC), "until": datetime(2100, 1, 1, tzinfo=UTC)}
    row = {"who": JUDGE, "judged": 1, "without_verdict": 1, "cost_usd": 0.000123456789, "unknown": 1}
    assert store.rows("judging", always) == [row]
