"""Where a batch stands: what came of every call so far, read from the log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Any, Final, Literal, TypeVar

from router_core.collecting.batch import Batch, prompts_of
from router_core.collecting.prompts import Asked, asked_in
from router_core.store.base import Store

State = Literal["answered", "failed", "cut off"]
"""What came of asking a model: "cut off" is a call that ended with its process, so that nobody knows."""

_PROMPTS: Final = 250  # that are looked up at once
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Call:
    """The last call of one model for one prompt. ``unknown``: how many tries of unknown cost there were."""

    completion_id: str
    state: State
    error: str | None
    cost_usd: Decimal | None
    unknown: int
    checked: bool
    score: float | None
    text: str | None
    input_tokens: int | None = None
    output_tokens: int | None = None


@dataclass
class ArmStanding:
    """What came of one model's calls. ``checked``: answers that a check judged; ``right``: their sum."""

    answered: int = 0
    failed: int = 0
    cut_off: int = 0
    checked: int = 0
    right: float = 0.0


@dataclass
class Standing:
    """What came of a batch so far. ``spent_usd``: what is known; ``unknown``: calls with a cost that is not."""

    batch: Batch
    arms: dict[str, ArmStanding] = field(default_factory=dict)
    spent_usd: Decimal = Decimal(0)
    unknown: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.arms = {arm: ArmStanding() for arm in self.batch.arms} | self.arms

    @property
    def answered(self) -> int:
        """Answers that came."""
        return sum(one.answered for one in self.arms.values())

    @property
    def failed(self) -> int:
        """Calls that brought none."""
        return sum(one.failed for one in self.arms.values())

    @property
    def cut_off(self) -> int:
        """Calls of which nobody knows what became."""
        return sum(one.cut_off for one in self.arms.values())

    @property
    def left(self) -> int:
        """Calls that were not made."""
        return max(0, self.batch.calls - self.answered - self.failed - self.cut_off)


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items, so many at a time."""
    rest = iter(items)
    while found := list(islice(rest, size)):
        yield found


def with_calls(store: Store, batch: Batch) -> Iterator[tuple[Asked, Mapping[str, list[Call]]]]:
    """Each prompt of a batch that is not over, with the calls of each model, first to last.

    Raises:
        DataFileError: its prompts cannot be read.
        StoreError: the log cannot be read.
    """
    for some in chunks(asked_in(prompts_of(store, batch)), _PROMPTS):
        ids = {batch.prompt_id(one.row): one for one in some}
        found: dict[str, dict[str, list[Call]]] = {}
        for row in store.rows("collected", {"prompts": list(ids)}):
            found.setdefault(row["prompt_id"], {}).setdefault(row["arm"], []).append(_call(row))
        for id_, asked in ids.items():
            yield asked, found.get(id_, {})


def standing(store: Store, batch: Batch) -> Standing:
    """What came of a batch that is not over."""
    found = Standing(batch)
    for _, calls in with_calls(store, batch):
        for arm, made in calls.items():
            take(found, arm, made)
    return found


def take(standing: Standing, arm: str, calls: list[Call]) -> None:
    """Count the calls of one model for one prompt: what the last of them came to, and what all of them cost."""
    for one in calls:
        standing.spent_usd += one.cost_usd or Decimal(0)
        standing.unknown += one.unknown > 0
    if arm not in standing.arms:  # the goal had it once
        return
    last, known = settled(calls), standing.arms[arm]
    if last.state == "answered":
        known.answered += 1
        if last.score is not None:
            known.checked += 1
            known.right += last.score
    elif last.state == "failed":
        known.failed += 1
        standing.errors[last.error or ""] = standing.errors.get(last.error or "", 0) + 1
    else:
        known.cut_off += 1


def settled(calls: list[Call]) -> Call:
    """The call that counts: the last that was answered, else the last."""
    return next((one for one in reversed(calls) if one.state == "answered"), calls[-1])


def _call(row: Mapping[str, Any]) -> Call:
    state: State = "cut off" if not row["came"] else "failed" if row["error"] is not None else "answered"
    return Call(
        row["completion_id"],
        state,
        row["error"],
        row["cost_usd"],
        (row["unpriced_retries"] or 0) + (row["cost_usd"] is None),
        row["checked"],
        row["score"],
        row["text"],
        row["input_tokens"],
        row["output_tokens"],
    )
