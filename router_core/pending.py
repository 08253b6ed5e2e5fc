"""Ratings that have not come yet, come too late, or never come.

Leaves out what a rating says (rewards.py) and which of several sources teaches (the store's TeachingRule).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from router_core.errors import SettingsError

Standing = Literal["rated", "late", "waiting", "missing"]


@dataclass(frozen=True, slots=True)
class Awaited:
    """One answer of an arm: when it was decided for, and when it was *first* judged (None: not yet).

    A judgement that came in time can be corrected or withdrawn whenever one likes, so only the first matters.
    """

    arm: str
    decided_at: datetime
    judged_at: datetime | None


@dataclass(frozen=True, slots=True)
class Pending:
    """How many answers were rated in time, rated late (and do not teach), may still be rated, never were."""

    rated: int = 0
    late: int = 0
    waiting: int = 0
    missing: int = 0


def teaches(decided_at: datetime, judged_at: datetime, window: timedelta | None) -> bool:
    """Whether an outcome came soon enough to be put down to the answer.

    Args:
        decided_at: when the arm was chosen.
        judged_at: when the outcome came; before ``decided_at`` only where clocks differ, which counts as at once.
        window: the longest time between the two that counts, the end included; None: any.

    Raises:
        SettingsError: the window is negative.
    """
    if window is not None and window < timedelta(0):
        raise SettingsError(f"the attribution window is {window}; give a time of at least 0, or none")
    return window is None or judged_at - decided_at <= window


def standing(answer: Awaited, now: datetime, window: timedelta | None) -> Standing:
    """What can be said of one answer at the time ``now``; a judgement after ``now`` has not come yet."""
    judged = answer.judged_at
    if judged is not None and judged <= now:
        return "rated" if teaches(answer.decided_at, judged, window) else "late"
    return "waiting" if teaches(answer.decided_at, now, window) else "missing"


def pending(answers: Iterable[Awaited], now: datetime, window: timedelta | None) -> dict[str, Pending]:
    """Counts per arm, in the order in which arms first occur.

    Args:
        answers: every answer that could be rated.
        now: the time as of which to count.
        window: see ``teaches``; None: an answer waits for ever.
    """
    counts: dict[str, dict[Standing, int]] = {}
    for answer in answers:
        of_arm = counts.setdefault(answer.arm, {"rated": 0, "late": 0, "waiting": 0, "missing": 0})
        of_arm[standing(answer, now, window)] += 1
    return {arm: Pending(**of_arm) for arm, of_arm in counts.items()}
