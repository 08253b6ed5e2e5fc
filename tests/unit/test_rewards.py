"""Outcomes become rewards in [0, 1], unknown, or an error that says what is allowed."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from router_core.errors import InvalidOutcomeError
from router_core.outcomes.rewards import reward
from router_core.types import Outcome


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome.SUCCESS, 1.0),
        (Outcome.FAILURE, 0.0),
        (Outcome.UNKNOWN, None),
        ("success", 1.0),
        ("FAILURE", 0.0),
        ("Unknown", None),
        (None, None),
        (True, 1.0),
        (False, 0.0),
        (np.bool_(True), 1.0),
        (0, 0.0),
        (1, 1.0),
        (0.25, 0.25),
        (np.float64(0.5), 0.5),
        (Decimal("0.75"), 0.75),
        (Fraction(1, 8), 0.125),
    ],
)
def test_accepted(outcome: Any, expected: float | None) -> None:
    """Every form that the docstring names gives its number."""
    assert reward(outcome) == expected


@pytest.mark.parametrize("outcome", [True, 1, np.float64(1), Decimal(1), "success"])
def test_a_reward_is_a_plain_float(outcome: Any) -> None:
    """Stores and posteriors get a float, whatever was given."""
    assert type(reward(outcome)) is float


@pytest.mark.parametrize(
    "outcome",
    ["good", "", "1", "success ", -0.01, 1.01, float("nan"), float("inf"), -float("inf"), [], {}, object(), 1j],
)
def test_refused(outcome: Any) -> None:
    """Anything else is refused with the value and what is allowed."""
    with pytest.raises(InvalidOutcomeError, match=r"is not an outcome; give Outcome\.SUCCESS.*from 0 \(bad\) to"):
        reward(outcome)


def test_long_values_are_cut_in_the_message() -> None:
    """A message stays readable when somebody hands over a whole answer."""
    with pytest.raises(InvalidOutcomeError) as caught:
        reward("x" * 10_000)
    assert len(str(caught.value)) < 250
