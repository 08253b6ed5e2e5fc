"""What was said of an answer, stored: by a person in the playground, by production code, or by a condition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from router_core.outcomes.rewards import reward
from router_core.store.base import Batch, Store
from router_core.types import Completion, Outcome, OutcomeRecord, Source


def report(
    store: Store,
    completion_id: str,
    source: Source,
    outcome: Outcome | str | float | bool | None,
    *,
    new_id: Callable[[], str],
    now: Callable[[], datetime],
    chips: Sequence[str] = (),
    comment: str = "",
    blinded: bool = False,
    answers: Sequence[Completion] = (),
    judged: Sequence[OutcomeRecord] = (),
) -> None:
    """Store what became of an answer; when this returns, it is stored and every later decision knows it.

    Args:
        store: where it goes.
        completion_id: the answer.
        source: who says it.
        outcome: an ``Outcome``, its name, a number in [0, 1], or None: what this source said before is withdrawn.
        new_id, now: of the record.
        chips: reasons, in a word or two each.
        comment: in words of one's own.
        blinded: whether the models' names were hidden.
        answers, judged: what is stored with it: an answer that somebody else gave, and what a condition says.

    Raises:
        InvalidOutcomeError: neither an outcome nor a number in [0, 1].
        UnknownRequestError: no decision led to such an answer.
        StoreError: it could not be stored.
    """
    record = OutcomeRecord(new_id(), completion_id, source, reward(outcome), now(), tuple(chips), comment, blinded)
    store.write(Batch(completions=answers, outcomes=[*judged, record]))
