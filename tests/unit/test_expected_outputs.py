"""How long an answer is expected to be: assumed at first, soon what was seen, in the one place that all read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router_core.features import two_digits
from router_core.money.pricing import PriceBook
from router_core.routing.candidates import candidates_for, expected_outputs
from router_core.serving.library import Router
from router_core.settings import ArmSettings, GoalSettings
from router_core.store import open_store
from router_core.types import OutputTokens
from tests.builders import CHEAP, STRONG

GOAL = GoalSettings()  # assumes 250 tokens
LENGTH = st.integers(1, 20_000)


@pytest.mark.parametrize(
    ("cheap", "strong", "expected"),
    [
        ((0, 0), (0, 0), (250, 250)),
        ((1, 10), (0, 0), (70, 130)),  # the goal: (10 + 250) / 2; the cheap one: (10 + 130) / 2
        ((5, 50), (0, 0), (17, 50)),  # (50 + 250) / 6; (50 + 50) / 6
        ((20, 200), (0, 0), (11, 21)),  # 450 / 21 = 21.4; 221.4 / 21 = 10.5
        ((20, 200), (20, 40_000), (59, 2_000)),  # 40,450 / 41 = 986.6; (200 + 986.6) / 21; 40,986.6 / 21 = 1,951.7
    ],
)
def test_by_hand(cheap: tuple[int, int], strong: tuple[int, int], expected: tuple[int, int]) -> None:
    """Own answers first, then those of the goal's other models, then the setting; each of these counts as one."""
    seen = {CHEAP: OutputTokens(*cheap), STRONG: OutputTokens(*strong)}
    found = expected_outputs(GOAL, seen)
    assert (found[CHEAP], found[STRONG]) == pytest.approx(expected, rel=0.05)


@given(LENGTH, st.integers(1, 20_000))
def test_what_is_ten_times_off_is_corrected_by_ten_answers(length: int, assumed: int) -> None:
    """Whatever was assumed, from far below or above, within a tenth of what the assumption is off by."""
    goal = GoalSettings(expected_output_tokens=assumed)
    found = expected_outputs(goal, {CHEAP: OutputTokens(10, 10 * length)})
    assert abs(found[CHEAP] - length) <= abs(assumed - length) / 100 + 0.06 * length + 1
    assert abs(found[STRONG] - length) <= abs(assumed - length) / 10 + 0.06 * length + 1


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_no_answer_is_expected_beyond_its_limit(name: str) -> None:
    """Neither of an arm that was never asked, nor where its model's other arm answers at length."""
    goal = GoalSettings(
        arms=(ArmSettings(model=CHEAP), ArmSettings(model=CHEAP, params={name: 77}), ArmSettings(model=STRONG))
    )
    limited = goal.arms[1].id
    assert expected_outputs(goal, {})[limited] == 77
    found = expected_outputs(goal, {CHEAP: OutputTokens(10, 9_000), limited: OutputTokens(10, 500)})
    assert found[limited] <= 77 < found[CHEAP]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_request_of_its_own_limit_is_expected_to_cost_no_more(name: str) -> None:
    """For every model, in every shell's decision; beside requests without one, which share the process."""
    price = PriceBook().price(CHEAP)
    assert price is not None
    a_token = float(price.output_usd_per_million_tokens) / 1e6
    store = open_store(":memory:", kind="simulated")
    with Router(store=store, simulated=True) as router:
        for params in ({}, {name: 7}, {}, {name: 5_000}):
            router.completion([{"role": "user", "content": "Name a colour."}], **params)
        first, limited, again, wide = store.decisions()
    given = float(price.input_usd_per_million_tokens) / 1e6 * two_digits(first.context.input_tokens)
    costs = [one.expected_cost_usd[0] for one in (first, limited)]
    assert costs == pytest.approx([given + 250 * a_token, given + 7 * a_token])
    assert wide.expected_cost_usd[0] is not None
    assert again.expected_cost_usd[0] == pytest.approx(wide.expected_cost_usd[0], rel=0.5)


def test_models_that_left_the_goal_do_not_count() -> None:
    """Their answers say nothing of those that are asked now."""
    assert expected_outputs(GOAL, {"openai/gone": OutputTokens(1_000, 10_000_000)}) == {CHEAP: 250, STRONG: 250}


def test_the_cost_of_a_candidate_follows() -> None:
    """Input and expected output, each at its rate: what cards, decisions, previews and budgets read."""
    seen = {CHEAP: OutputTokens(40, 400), STRONG: OutputTokens(40, 400)}
    before = candidates_for(GOAL, 20, {}, {}, PriceBook().price)
    after = candidates_for(GOAL, 20, {}, seen, PriceBook().price)
    dollars = {one.arm.id: one.expected_cost_usd for one in after}
    assert dollars[CHEAP] == pytest.approx((20 * 0.15 + 10 * 0.60) / 1e6, rel=0.15)
    assert dollars[STRONG] == pytest.approx((20 * 2.5 + 10 * 10) / 1e6, rel=0.15)
    assert all(
        (b.expected_cost_usd or 0) > 10 * (a.expected_cost_usd or 1) for b, a in zip(before, after, strict=True)
    )
