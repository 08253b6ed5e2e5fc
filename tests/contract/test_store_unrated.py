"""Answers that nobody has rated yet, alone and in pairs, and the queue that is made of them."""

from __future__ import annotations

from dataclasses import replace

from router_core.settings import ArmSettings, GoalSettings
from router_core.store.base import Batch, Store
from router_core.types import OutcomeRecord
from router_core.views.rating_queue import KINDS, Known, ToRate, to_rate
from tests.store_rows import CHEAP, STRONG, a_completion, a_decision, a_prompt, an_outcome, ident

GOAL = GoalSettings(arms=(ArmSettings(model=CHEAP), ArmSettings(model=STRONG)))


def known(store: Store, seed: int = 1, moved: tuple[float, float] = (0.01, 0.02), more: int | None = 50) -> Known:
    """Both models with what is believed of them."""
    return Known(store, "default", GOAL, {CHEAP: more}, dict(zip((CHEAP, STRONG), moved, strict=True)), seed)


def pair(store: Store, number: int, *, text: str | None = "said") -> None:
    """Prompt ``number``, answered by the cheap model (the same number) and by the strong one (500 more)."""
    store.write(
        Batch(
            [a_prompt(number)],
            [a_decision(number), a_decision(number + 500, prompt_id=ident(number), chosen=STRONG)],
            [
                a_completion(number, text=text),
                a_completion(number + 500, prompt_id=ident(number), arm=STRONG, text=text),
            ],
        )
    )


def single(store: Store, number: int, **changes: object) -> None:
    """A prompt that the cheap model alone answered."""
    store.write(Batch([a_prompt(number)], [a_decision(number)], [a_completion(number, **changes)]))


def said(store: Store, *outcomes: OutcomeRecord) -> None:
    """Store what was said of answers."""
    store.write(Batch(outcomes=list(outcomes)))


def test_pairs_come_before_single_answers(store: Store) -> None:
    """A pair goes a fiftieth of the way and moves both models' traffic, an answer moves one's."""
    single(store, 1)
    pair(store, 2)
    first, second = to_rate(known(store))
    assert (first.prompt_id, set(first.answers), first.completes) == (
        ident(2), {ident(2), ident(502)}, CHEAP
    )  # fmt: skip
    assert first.value == 1 / 50 + 0.01 + 0.02
    assert second == ToRate(ident(1), (ident(1),), 0.01)


def test_a_concluded_test_needs_no_pair_for_its_own_sake(store: Store) -> None:
    """Then what the routers believe decides alone: the answer of the model that is least known."""
    single(store, 1)
    pair(store, 2)
    assert [one.prompt_id for one in to_rate(known(store, moved=(0.5, 0.0), more=None))] in (
        [ident(1), ident(2)],
        [ident(2), ident(1)],
    )
    assert {one.value for one in to_rate(known(store, moved=(0.5, 0.0), more=None))} == {0.5}


def test_half_of_a_pair_is_asked_for_alone(store: Store) -> None:
    """The answer that is missing, whatever was said of the other one; a full pair is gone."""
    pair(store, 1)
    pair(store, 2)
    said(store, an_outcome(1, 1, 1.0), an_outcome(2, 2, 0.0))
    good, bad = sorted(to_rate(known(store)), key=lambda one: one.prompt_id)
    assert (good.answers, bad.answers) == ((ident(501),), (ident(502),))
    assert good.value == bad.value
    said(store, an_outcome(3, 501), an_outcome(4, 502))
    assert to_rate(known(store)) == []


def test_withdrawn_ratings_and_other_sources(store: Store) -> None:
    """A withdrawn rating is none; one reported by code counts, a judge's word does not."""
    for number in (1, 2, 3):
        single(store, number)
    said(store, an_outcome(1, 1), an_outcome(2, 2), an_outcome(3, 2, None))
    said(store, replace(an_outcome(4, 3), source="judge", who="a judge"))
    assert {one.prompt_id for one in to_rate(known(store))} == {ident(2), ident(3)}
    said(store, replace(an_outcome(5, 3), source="api"))
    assert {one.prompt_id for one in to_rate(known(store))} == {ident(2)}


def test_only_what_can_be_read_and_belongs_here(store: Store) -> None:
    """Not failures, texts that were not kept, models that left, other goals."""
    single(store, 1, error="no", text=None)
    single(store, 2, text=None)
    single(store, 3, arm="openai/gone")
    single(store, 4, goal="other")
    pair(store, 5, text=None)
    assert to_rate(known(store)) == []


def test_the_order_is_random_by_the_seed_and_blind_to_ratings(store: Store) -> None:
    """Another seed, another order and other sides; ratings of other prompts, good or bad, change nothing."""
    for number in range(1, 31):
        pair(store, number)
    before = to_rate(known(store))
    assert before == to_rate(known(store))
    other = to_rate(known(store, seed=2))
    assert [one.prompt_id for one in before] != [one.prompt_id for one in other]
    cheap_first = sum(one.answers[0] == one.prompt_id for one in before)
    assert 5 < cheap_first < 25
    rated = before[0].prompt_id
    for number, reward in enumerate((1.0, 0.0), 1):
        said(store, *(an_outcome(10 * number + at, int(id_[-12:], 16), reward)
                      for at, id_ in enumerate(before[0].answers)))  # fmt: skip
        assert to_rate(known(store)) == [one for one in before if one.prompt_id != rated]


def test_another_kind_is_one_more_function(store: Store) -> None:
    """What it offers is put in its place; each prompt comes once."""
    pair(store, 1)
    urgent = ToRate(ident(1), (ident(1),), 0.9)
    assert to_rate(known(store), (lambda _: [urgent],)) == [urgent]
    assert to_rate(known(store), (*KINDS, lambda _: [urgent])) == [urgent]
