"""A judge's error, taken out: by hand where that can be done, and the refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from router_core.errors import EvaluationError
from router_core.evaluation.corrected import (
    FEWEST,
    corrected_difference,
    corrected_mean,
    verdicts_until,
)

NAN = float("nan")


def judged(agree: int, apart: int, unheard: int) -> tuple[list[float], list[float]]:
    """Answers on which both agree (half are good), on which they do not, and that people did not see (good)."""
    good = [float(place % 2) for place in range(agree)]
    wrong = [float(place % 2) for place in range(apart)]
    return [*good, *wrong, *[1.0] * unheard], [*good, *[1.0 - one for one in wrong], *[NAN] * unheard]


def test_the_value_by_hand() -> None:
    """theta = mean(y) + l (mean_N(f) - mean(f)); where all were judged by people it is their mean."""
    judge, people = judged(80, 20, 100)
    found = corrected_mean(judge, people)
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx(0.5 + found.weight * (0.75 - 0.5))
    assert (found.judged, found.people, found.effective) == (200, 100, pytest.approx(100.0))
    assert found.correlation == pytest.approx(0.6)
    assert found.worth == pytest.approx(1.0 / 0.64)
    whole = corrected_mean(*judged(80, 20, 0))
    assert whole.estimate is not None
    assert whole.estimate.value == pytest.approx(0.5)


def test_agreement_is_shown_with_its_interval() -> None:
    """80 of 100 on the same side."""
    found = corrected_mean(*judged(80, 20, 100)).agreement
    assert found is not None
    assert found.value == pytest.approx(0.8)
    assert 0.70 < found.low < 0.72
    assert 0.86 < found.high < 0.88


def test_no_verdict_below_what_holds() -> None:
    """Below thirty verdicts there is no figure, and a sentence says how many are wanted."""
    for heard in (0, 1, FEWEST - 1):
        judge, people = judged(heard, 0, 100)
        found = corrected_mean(judge, people)
        assert found.estimate is None
        assert found.wanted == FEWEST - heard
        assert found.saved == 0
        assert str(found.wanted) in found.refusal
        assert "wanted" in found.refusal
    enough = corrected_mean(*judged(FEWEST, 0, 100))
    assert enough.estimate is not None
    assert (enough.wanted, enough.refusal) == (0, "")


def test_unequal_probabilities_count_as_fewer_verdicts() -> None:
    """Forty verdicts with weights of 1 and 9 are worth less than thirty."""
    judge, people = judged(40, 0, 100)
    chance = [0.9 if place < 20 else 0.1 for place in range(140)]
    found = corrected_mean(judge, people, chance)
    assert found.effective == pytest.approx(200**2 / (20 * 1 + 20 * 81) / 1.0, rel=0.01)
    assert found.estimate is None
    assert found.wanted == 10


def test_a_judge_that_always_says_the_same_is_not_listened_to() -> None:
    """No correlation, no weight, no worth: people alone."""
    people = [1.0] * 40 + [0.0] * 20 + [NAN] * 100
    found = corrected_mean([1.0] * 160, people)
    assert (found.weight, found.correlation, found.worth) == (0.0, None, None)
    assert found.estimate is not None
    assert found.alone is not None
    assert found.estimate.value == pytest.approx(found.alone.value)


def test_a_judge_that_agreed_always_is_still_doubted() -> None:
    """Thirty of thirty is not certain: its weight is below one, and grows with the evidence."""
    few, many = (corrected_mean(*judged(count, 0, 1_000)) for count in (40, 400))
    assert 0.0 < few.weight < many.weight < 1.0
    assert few.worth == math.inf


def test_differences_lie_between_minus_one_and_one() -> None:
    """A pair's verdict is one unit; the same pairs turned round give the same interval turned round."""
    judge, people = [1.0, -1.0, 0.0, 1.0] * 30, [1.0, 0.0, 0.0, 1.0] * 20 + [NAN] * 40
    found = corrected_difference(judge, people)
    turned = corrected_difference([-one for one in judge], [-one for one in people])
    assert found.estimate is not None
    assert turned.estimate is not None
    assert found.estimate.value == pytest.approx(-turned.estimate.value)
    assert found.estimate.low == pytest.approx(-turned.estimate.high)


def test_how_many_more_verdicts() -> None:
    """None where the judged answers are too few, 0 where it is narrow enough, else fewer than are left."""
    found = corrected_mean(*judged(80, 20, 900))
    assert found.estimate is not None
    assert verdicts_until(found, 1.0) == 0
    assert verdicts_until(found, 0.001) is None
    more = verdicts_until(found, 0.05)
    assert more is not None
    assert 0 < more < 900
    assert verdicts_until(corrected_mean(*judged(5, 0, 10)), 0.05) is None


@pytest.mark.parametrize(
    ("judge", "people", "chance", "said"),
    [
        ([1.0], [1.0, 0.0], 1.0, "one row per judged unit"),
        ([], [], 1.0, "one row per judged unit"),
        ([NAN], [1.0], 1.0, "the judge's verdicts must be numbers from 0 to 1, none missing"),
        ([1.0], [-1.0], 1.0, "people's verdicts must be numbers from 0 to 1"),
        ([1.0], [1.0], 0.0, "above 0 and at most 1"),
    ],
)
def test_refusals(judge: list[float], people: list[float], chance: float, said: str) -> None:
    """What is missing or out of range is named."""
    with pytest.raises(EvaluationError, match=said):
        corrected_mean(judge, people, chance)


def test_no_nan_and_no_warning_at_the_edges() -> None:
    """All good, all bad, all heard: figures within [0, 1]."""
    for value in (0.0, 1.0):
        for unheard in (0, 50):
            heard = np.full(40, value)
            found = corrected_mean(np.full(40 + unheard, value), [*heard, *[NAN] * unheard])
            assert found.estimate is not None
            assert 0.0 <= found.estimate.low <= value <= found.estimate.high <= 1.0
