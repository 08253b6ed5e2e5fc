"""Outcomes into rewards: what somebody says about an answer becomes a number in [0, 1], or unknown.

Does not cover where outcomes are kept and which of several sources teaches (the store's TeachingRule).
"""

from __future__ import annotations

from typing import Any

from router_core.errors import InvalidOutcomeError
from router_core.types import Outcome
from router_core.validation import shown

_WORDS = {Outcome.SUCCESS: 1.0, Outcome.FAILURE: 0.0, Outcome.UNKNOWN: None}


def reward(outcome: Any) -> float | None:
    """The reward of an outcome: 1.0 for success, 0.0 for failure, None for unknown.

    Takes an ``Outcome``, its word ("success", "failure", "unknown"), a bool, None, or a number in [0, 1].

    Raises:
        InvalidOutcomeError: anything else.
    """
    if outcome is None:
        return None
    if isinstance(outcome, Outcome):
        return _WORDS[outcome]
    if isinstance(outcome, str):
        try:
            return _WORDS[Outcome(outcome.lower())]
        except ValueError:
            raise InvalidOutcomeError(_sentence(outcome)) from None
    try:
        number = float(outcome)
    except (TypeError, ValueError, OverflowError):
        raise InvalidOutcomeError(_sentence(outcome)) from None
    if not 0.0 <= number <= 1.0:  # what is not a number at all lies nowhere
        raise InvalidOutcomeError(_sentence(outcome))
    return number


def _sentence(outcome: Any) -> str:
    return (
        f"{shown(outcome)} is not an outcome; give Outcome.SUCCESS, Outcome.FAILURE, Outcome.UNKNOWN"
        " or a number from 0 (bad) to 1 (good)"
    )
