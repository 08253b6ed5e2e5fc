"""What a verdict is worth, by hand."""

from __future__ import annotations

from math import inf, nan

import pytest

from router_core.errors import SettingsError
from router_core.learning.value_of_information import Prospect, prospect, value_of_information

CHEAP_STRONG = [0.001, 0.016]


def test_a_perfect_verdict() -> None:
    """V = $0.10, cheap 1.0 / 0.0 at no cost, strong 1.0 / 1.0 at $0.04, half of the prompts hard.

    With it: half the time $0.10, half the time $0.06: $0.08. Without: strong at $0.06 (cheap: $0.05). Worth $0.02.
    """
    perfect = prospect(0.5, [1.0, 1.0], [0.0, 1.0], 1.0, 0.0)
    assert perfect.chances == (0.5, 0.5)
    assert value_of_information(perfect, [0.0, 0.04], 0.10) == pytest.approx(0.02)


def test_an_imperfect_verdict() -> None:
    """The same, but right four times in five: COMPLEX leaves 80 % hard.

    After COMPLEX strong brings $0.06 (cheap $0.02), after SIMPLE cheap $0.08: $0.07 against $0.06.
    """
    often = prospect(0.5, [1.0, 1.0], [0.0, 1.0], 0.8, 0.2)
    assert often.success == (pytest.approx((0.2, 1.0)), pytest.approx((0.8, 1.0)))
    assert value_of_information(often, [0.0, 0.04], 0.10) == pytest.approx(0.01)
    assert value_of_information(often, [0.0, 0.04], 0.10, acted_on=0.9) == pytest.approx(0.009)


def test_the_worlds_of_the_simulation() -> None:
    """60 % easy, .93/.45 and .95/.88, one good answer worth ten strong calls of $0.016, COMPLEX 79 % and 23 %."""
    told = prospect(0.4, [0.93, 0.95], [0.45, 0.88], 0.79, 0.23)
    # P(COMPLEX) = .316 + .138 = .454. After SIMPLE: hard .084/.546; after COMPLEX: hard .316/.454.
    assert told.chances == (pytest.approx(0.454), pytest.approx(0.546))
    simple_cheap = 0.16 * (0.93 - 0.48 * 0.084 / 0.546) - 0.001
    complex_strong = 0.16 * (0.95 - 0.07 * 0.316 / 0.454) - 0.016
    without_strong = 0.16 * (0.95 - 0.07 * 0.4) - 0.016
    expected = 0.454 * complex_strong + 0.546 * simple_cheap - without_strong
    assert value_of_information(told, CHEAP_STRONG, 0.16) == pytest.approx(expected)
    assert expected == pytest.approx(0.00093, abs=5e-6)


def test_a_verdict_that_changes_nothing_is_worth_nothing() -> None:
    """Exactly 0: a coin's verdict, or one after which the same model is best anyway."""
    coin = prospect(0.4, [0.93, 0.95], [0.45, 0.88], 0.5, 0.5)
    assert value_of_information(coin, CHEAP_STRONG, 0.16) == 0.0
    weak = prospect(0.4, [0.93, 0.95], [0.45, 0.88], 0.52, 0.5)
    assert value_of_information(weak, CHEAP_STRONG, 0.16) == 0.0


def test_sure_of_the_difficulty() -> None:
    """Nothing is to be learned about a prompt that is certainly hard; a verdict that cannot come is harmless."""
    sure = prospect(1.0, [0.93, 0.95], [0.45, 0.88], 0.9, 0.0)
    assert value_of_information(sure, CHEAP_STRONG, 0.16) == 0.0
    never = prospect(0.0, [0.93, 0.95], [0.45, 0.88], 1.0, 0.0)
    assert never.chances == (0.0, 1.0)
    assert value_of_information(never, CHEAP_STRONG, 0.16) == 0.0


def test_three_models_and_three_verdicts() -> None:
    """V = $1: without it the second model at 0.6 - 0.1; with it each verdict's own best."""
    of_three = Prospect((0.2, 0.3, 0.5), ((0.9, 0.6, 0.1), (0.1, 0.6, 0.9), (0.2, 0.6, 0.4)))
    # 0.2 * 0.9 + 0.3 * (0.9 - 0.2) + 0.5 * (0.6 - 0.1) = 0.64, less 0.5
    assert value_of_information(of_three, [0.0, 0.1, 0.2], 1.0) == pytest.approx(0.14)


def test_where_cost_plays_no_part() -> None:
    """More good answers are worth any price; where the strong model is always at least as good, nothing."""
    crossing = prospect(0.5, [1.0, 0.9], [0.0, 1.0], 0.95, 0.05)
    dominated = prospect(0.5, [0.93, 0.95], [0.45, 0.88], 0.8, 0.2)
    assert value_of_information(crossing, CHEAP_STRONG, inf) == inf
    assert value_of_information(crossing, CHEAP_STRONG, inf, acted_on=0.0) == 0.0
    assert value_of_information(dominated, CHEAP_STRONG, inf) == 0.0


def test_where_good_answers_are_worth_nothing() -> None:
    """The cheapest model is best whatever is said."""
    told = prospect(0.4, [0.93, 0.95], [0.45, 0.88], 0.8, 0.2)
    assert value_of_information(told, CHEAP_STRONG, 0.0) == 0.0


@pytest.mark.parametrize(
    ("chances", "success", "said"),
    [
        ((0.5, 0.6), ((0.1,), (0.2,)), r"sum to 1\.1; they must sum to 1"),
        ((0.5, 0.5), ((0.1,), (1.2,)), r"1\.2 is not a probability; give a number from 0 to 1"),
        ((0.5, 0.5), ((0.1,), (nan,)), "nan is not a probability"),
        ((0.5, 0.5), ((0.1,),), r"2 verdicts and rows of \[1\] models"),
        ((0.5, 0.5), ((0.1,), (0.1, 0.2)), r"2 verdicts and rows of \[1, 2\] models"),
        ((), (), r"0 verdicts and rows of \[\] models"),
    ],
)
def test_beliefs_that_are_none(
    chances: tuple[float, ...], success: tuple[tuple[float, ...], ...], said: str
) -> None:
    """Are refused with the value and what is allowed."""
    with pytest.raises(SettingsError, match=said):
        Prospect(chances, success)
