"""What was said of an answer, as it is stored: by a person in the playground, or by production code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from router_core.outcomes.rewards import reward
from router_core.types import Outcome, OutcomeRecord, Source


def outcome_record(
    completion_id: str,
    source: Source,
    outcome: Outcome | str | float | bool | None,
    *,
    new_id: Callable[[], str],
    now: Callable[[], datetime],
    chips: Sequence[str] = (),
    comment: str = "",
    blinded: bool = False,
) -> OutcomeRecord:
    """What became of an answer, to be stored.

    Args:
        completion_id: the answer.
        source: who says it.
        outcome: an ``Outcome``, its name, a number in [0, 1], or None: what this source said before is withdrawn.
        new_id, now: of the record.
        chips: reasons, in a word or two each.
        comment: in words of one's own.
        blinded: whether the models' names were hidden.

    Raises:
        InvalidOutcomeError: neither an outcome nor a number in [0, 1].
    """
    return OutcomeRecord(new_id(), completion_id, source, reward(outcome), now(), tuple(chips), comment, blinded)
