"""The log as arrays: which rows, with what reward and cost, and which pairs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from router_core.errors import EvaluationError, SettingsError
from router_core.evaluation.from_log.traffic import Traffic, read_pairs, read_traffic
from router_core.settings import ArmSettings, GoalSettings, Settings
from router_core.store import open_store
from router_core.store.base import Batch, Search, Store
from router_core.types import Context, Decision
from tests.store_rows import CHEAP, STRONG, a_completion, a_decision, a_prompt, an_outcome, at, ident

SETTINGS = Settings()


def decided(number: int, prompt: int | None = None, **changes: Any) -> Decision:
    """A decision of its own; by default on the prompt, and leading to the completion, of the same number."""
    return a_decision(number, prompt_id=ident(number if prompt is None else prompt), **changes)


def by_number(traffic: Traffic) -> dict[int, int]:
    """Place of each row by the characters its policy saw: a test's way to name rows."""
    assert traffic.log.features is not None
    characters = np.rint(np.expm1(traffic.log.features[:, 1])).astype(int)
    return {number: place for place, number in enumerate(characters.tolist())}


def seen(number: int) -> Context:
    return Context("default", f"Prompt {number}", None, 2, number, 6)


@pytest.fixture
def store() -> Store:
    """One prompt as the playground decides it, three of the library, and what nobody drew."""
    opened = open_store(":memory:")
    opened.write(
        Batch(
            [a_prompt(n) for n in (1, 5, 6, 7, 8)] + [a_prompt(9, goal="other")],
            [
                decided(1, context=seen(1)),
                decided(2, 1, policy="heuristic", policy_version="h", probabilities=(1.0, 0.0), context=seen(2),
                        completion_id=ident(1)),
                decided(3, 1, policy="classifier", policy_version="c", chosen=STRONG, probabilities=(0.0, 1.0),
                        context=seen(3)),
                decided(4, 1, policy="forced", origin="forced", probabilities=(1.0, 0.0)),
                decided(5, context=seen(5)),
                decided(6, chosen=STRONG, context=seen(6)),
                decided(7, policy="fallback", origin="fallback", probabilities=(1.0, 0.0)),
                decided(8, policy="classifier", fallback="the classifier timed out", probabilities=(1.0, 0.0)),
                decided(9, goal="other"),
            ],
            [
                a_completion(1),
                a_completion(3, prompt_id=ident(1), arm=STRONG, cost_usd=Decimal("0.002")),
                a_completion(5, error="no answer", cost_usd=Decimal(0)),
                a_completion(6, arm=STRONG, cost_usd=None),
                a_completion(9, goal="other"),
            ],
            [
                an_outcome(1, 1, 0.0),
                an_outcome(2, 1, 1.0),  # corrected
                an_outcome(3, 3, 0.0, source="condition"),
                an_outcome(4, 3, 0.5, source="api"),  # comes before conditions
                an_outcome(5, 6, 1.0),
                an_outcome(6, 6, None),  # withdrawn
            ],
        )
    )  # fmt: skip
    return opened


def test_a_source_that_does_not_teach_is_the_second(store: Store) -> None:
    """Its word stands beside the reward; on how many answers each source has the word is counted."""
    document = SETTINGS.model_dump()
    document["goals"]["default"]["teaching_precedence"] = ("api",)
    traffic = read_traffic(store, Settings.model_validate(document), "default")
    second, place = traffic.log.second, by_number(traffic)
    assert second is not None
    assert (second[place[1]], second[place[3]], traffic.log.reward[place[3]]) == (1.0, 0.0, 0.5)
    assert np.isnan([second[place[6]], traffic.log.reward[place[1]]]).all()
    assert traffic.sources == {"api": 1}
    every = read_traffic(store, SETTINGS, "default")
    assert every.log.second is None
    assert every.sources == {"thumb": 2, "api": 1}


def test_only_what_was_drawn(store: Store) -> None:
    """Forced and fallback decisions, and rules in the classifier's place, are left out; so are other goals."""
    traffic = read_traffic(store, SETTINGS, "default")
    assert sorted(by_number(traffic)) == [1, 2, 3, 5, 6]
    assert traffic.log.arms == (CHEAP, STRONG)
    assert sorted(traffic.log.loggers) == ["classifier c", "heuristic h", "thompson"]


def test_rewards_and_costs(store: Store) -> None:
    """The last word of the first source that spoke; withdrawn, of a failed call or without a price: unknown."""
    traffic = read_traffic(store, SETTINGS, "default")
    row, log = by_number(traffic), traffic.log
    found = {number: (log.reward[place], log.cost_usd[place]) for number, place in row.items()}
    assert found[1] == found[2] == (1.0, 0.0000135)  # two routers, one answer
    assert found[3] == (0.5, 0.002)
    assert np.isnan(found[5]).all()
    assert np.isnan(found[6]).all()
    assert traffic.failed == 1


def test_propensities_are_each_rows_own(store: Store) -> None:
    """And rows of one prompt are told to belong together."""
    traffic = read_traffic(store, SETTINGS, "default")
    row, log = by_number(traffic), traffic.log
    assert {number: log.probabilities[place].tolist() for number, place in row.items()} == {
        1: [0.75, 0.25], 2: [1.0, 0.0], 3: [0.0, 1.0], 5: [0.75, 0.25], 6: [0.75, 0.25],
    }  # fmt: skip
    assert [log.action[row[n]] for n in (1, 2, 3, 5, 6)] == [0, 0, 1, 0, 1]
    assert log.prompt is not None
    assert len({int(log.prompt[row[n]]) for n in (1, 2, 3)}) == 1
    assert len({int(log.prompt[row[n]]) for n in (1, 5, 6)}) == 3
    assert log.logger is not None
    assert [log.loggers[log.logger[row[n]]] for n in (1, 2)] == ["thompson", "heuristic h"]


def test_versions_of_a_router_that_could_choose_anything_are_one() -> None:
    """Versions that could not stay apart: one of them may support a target that another does not."""
    store = open_store(":memory:")
    versions = [("thompson", "v1", (0.75, 0.25)), ("thompson", "v2", (0.5, 0.5)),
                ("heuristic", "h1", (1.0, 0.0)), ("heuristic", "h2", (1.0, 0.0))]  # fmt: skip
    store.write(
        Batch(
            [a_prompt(n) for n in range(1, 5)],
            [
                decided(n, policy=policy, policy_version=version, probabilities=p)
                for n, (policy, version, p) in enumerate(versions, start=1)
            ],
        )
    )
    log = read_traffic(store, SETTINGS, "default").log
    assert sorted(log.loggers) == ["heuristic h1", "heuristic h2", "thompson"]
    assert log.logger is not None
    assert np.bincount(log.logger)[log.loggers.index("thompson")] == 2


def test_a_part_of_the_log(store: Store) -> None:
    """By time, by router, and by which source counts."""
    assert sorted(by_number(read_traffic(store, SETTINGS, "default", since=at(3), until=at(6)))) == [3, 5]
    only = read_traffic(store, SETTINGS, "default", policies=["thompson"])
    assert sorted(by_number(only)) == [1, 5, 6]
    assert only.log.loggers == ("thompson",)
    goal = GoalSettings(teaching_precedence=("condition",))
    conditions = read_traffic(store, Settings(goals={"default": goal}), "default")
    assert conditions.log.reward[by_number(conditions)[3]] == 0.0
    assert np.isnan(conditions.log.reward[by_number(conditions)[1]])


def test_an_attribution_window() -> None:
    """An answer first rated too late has no reward here either, and makes no pair; the row itself stays."""
    rated = [(1, 1, CHEAP, 1.0, 3), (2, 1, STRONG, 0.0, 3), (3, 2, CHEAP, 1.0, 3), (4, 2, STRONG, 1.0, 30)]
    store = answered(*rated)
    store.write(Batch(outcomes=[an_outcome(9, 1, 0.5, created_at=at(99))]))  # a correction
    windowed = Settings(goals={"default": GoalSettings(attribution_hours=5 / 3600)})
    for settings, rewards, pairs in (
        (SETTINGS, [0.0, 0.5, 1.0, 1.0], [0.5, 1.0]),
        (windowed, [0.0, 0.5, 1.0], [0.5]),
    ):
        found = read_traffic(store, settings, "default").log.reward
        assert len(found) == 4
        assert sorted(found[~np.isnan(found)].tolist()) == rewards
        (pair,) = read_pairs(store, settings, "default")
        assert sorted(pair.y_cheap.tolist()) == pairs


def test_models_that_came_and_went(store: Store) -> None:
    """A model that the settings no longer have is kept; one that the log never had has probability 0."""
    goal = GoalSettings(arms=(ArmSettings(model="openai/new"), ArmSettings(model=STRONG)))
    log = read_traffic(store, Settings(goals={"default": goal}), "default").log
    assert log.arms == ("openai/new", STRONG, CHEAP)
    assert log.probabilities[:, 0].tolist() == [0.0] * 5


def test_an_empty_part() -> None:
    """No rows, no error; a goal that is not set up is one."""
    store = open_store(":memory:")
    traffic = read_traffic(store, SETTINGS, "default")
    assert len(traffic.log) == 0
    assert traffic.log.arms == (CHEAP, STRONG)
    with pytest.raises(SettingsError, match="goal 'other' is not set up"):
        read_traffic(store, SETTINGS, "other")


def answered(*answers: tuple[int, int, str, float | None, int], run_all: bool = True) -> Store:
    """Prompts with answers: (id, prompt, model, rating, second of the rating)."""
    opened = open_store(":memory:")
    prompts = sorted({prompt for _, prompt, *_ in answers})
    opened.write(
        Batch(
            [a_prompt(n, run_all=run_all or n > 2) for n in prompts],
            [decided(n, prompt, chosen=arm) for n, prompt, arm, *_ in answers],
            [a_completion(n, prompt_id=ident(prompt), arm=arm) for n, prompt, arm, *_ in answers],
            [
                an_outcome(n, n, rating, created_at=at(second))
                for n, _, _, rating, second in answers
                if rating is not None
            ],
        )
    )
    return opened


def test_pairs_in_the_order_of_the_later_rating() -> None:
    """Prompt 2 was rated before prompt 1 was rated in full; prompt 3 has one rating, 4 one model."""
    store = answered(
        (11, 1, CHEAP, 1.0, 50), (12, 1, STRONG, 0.5, 90),
        (21, 2, CHEAP, 0.0, 60), (22, 2, STRONG, 1.0, 70),
        (31, 3, CHEAP, 1.0, 10), (32, 3, STRONG, None, 0),
        (41, 4, STRONG, 1.0, 10),
    )  # fmt: skip
    (pairs,) = read_pairs(store, SETTINGS, "default")
    assert (pairs.cheap, pairs.strong) == (CHEAP, STRONG)
    assert pairs.y_cheap.tolist() == [0.0, 1.0]
    assert pairs.y_strong.tolist() == [1.0, 0.5]
    assert [str(one) for one in pairs.at] == ["2026-03-01T12:01:10.123456", "2026-03-01T12:01:30.123456"]
    assert pairs.asked_all.tolist() == [True, True]


def test_the_first_answer_of_a_model_counts() -> None:
    """Another one was asked for because of the first; one that was never rated is not waited for."""
    store = answered(
        (11, 1, CHEAP, 0.0, 1), (12, 1, STRONG, 1.0, 2), (13, 1, CHEAP, 1.0, 3),
        (21, 2, CHEAP, None, 0), (22, 2, STRONG, 1.0, 2), (23, 2, CHEAP, 1.0, 3),
    )  # fmt: skip
    (pairs,) = read_pairs(store, SETTINGS, "default")
    assert pairs.y_cheap.tolist() == [0.0, 1.0]


def test_prompts_on_which_routers_disagreed() -> None:
    """They count, are told apart, and can be left out."""
    store = answered(
        (11, 1, CHEAP, 0.0, 1), (12, 1, STRONG, 1.0, 2), (31, 3, CHEAP, 1.0, 3), (32, 3, STRONG, 1.0, 4),
        run_all=False,
    )  # fmt: skip
    assert read_pairs(store, SETTINGS, "default")[0].asked_all.tolist() == [False, True]
    assert read_pairs(store, SETTINGS, "default", only_asked_all=True)[0].y_cheap.tolist() == [1.0]
    assert read_pairs(store, SETTINGS, "default")[0].answered >= 2
    assert read_pairs(store, SETTINGS, "default", only_asked_all=True)[0].answered == 1


def test_each_other_model_against_the_last() -> None:
    """Three models: two sets of pairs, cheap to strong; none of a model that was not asked."""
    middle = "openai/gpt-4.1-mini"
    arms = tuple(ArmSettings(model=name) for name in (CHEAP, middle, STRONG))
    settings = Settings(goals={"default": GoalSettings(arms=arms)})
    store = answered((11, 1, CHEAP, 0.0, 1), (12, 1, middle, 0.5, 2), (13, 1, STRONG, 1.0, 3))
    found = read_pairs(store, settings, "default")
    assert [(one.cheap, one.y_cheap.tolist()) for one in found] == [(CHEAP, [0.0]), (middle, [0.5])]
    alone = Settings(goals={"default": GoalSettings(arms=(ArmSettings(model=CHEAP),))})
    with pytest.raises(EvaluationError, match="has one model"):
        read_pairs(store, alone, "default")


def test_texts_taken_out_change_no_figure(store: Store) -> None:
    """Sizes, propensities, rewards and costs are figures, not texts."""
    before = read_traffic(store, SETTINGS, "default")
    store.strip(Search())
    after = read_traffic(store, SETTINGS, "default")
    for number, place in by_number(before).items():
        there = by_number(after)[number]
        assert np.array_equal(before.log.probabilities[place], after.log.probabilities[there])
        assert np.array_equal(before.log.reward[place], after.log.reward[there], equal_nan=True)
