"""A batch as rows of the tables, made in the thread that writes it: what cannot be stored fails there."""

from __future__ import annotations

from uuid import UUID

from router_core.errors import StoreError
from router_core.store.base import Batch
from router_core.store.duckdb import rows
from router_core.types import STOPPED, Completion


class BatchRows:
    """The rows of one batch; outcomes are not numbered yet.

    ``led``: the completions that its decisions lead to; ``judged``: those that its outcomes are about.
    ``lengths``: completion -> (goal, arm, 1, output tokens), None where the answer is not complete.

    Raises:
        StoreError: a value that no row can hold.
    """

    def __init__(self, batch: Batch) -> None:
        try:
            self.prompts = [rows.prompt_row(prompt) for prompt in batch.prompts]
            self.decisions = [rows.decision_row(decision) for decision in batch.decisions]
            self.completions = [rows.completion_row(completion) for completion in batch.completions]
            self.outcomes = [rows.outcome_row(outcome, 0) for outcome in batch.outcomes]
            self.seen = [rows.seen_row(one, one.seen) for one in batch.decisions if one.seen is not None]
            self.led = {UUID(decision.completion_id) for decision in batch.decisions}
            self.judged = {UUID(outcome.completion_id) for outcome in batch.outcomes}
            self.lengths = {UUID(one.id): _length(one) for one in reversed(batch.completions)}
        except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
            said = f"{type(error).__name__}: {str(error)[:200]}"
            raise StoreError(f"These rows cannot be stored, and none of them was ({said})") from error


def _length(one: Completion) -> tuple[str, str, int, int] | None:
    if one.usage is None or one.error is not None or one.finish_reason == STOPPED:
        return None
    return one.goal, one.arm, 1, one.usage.output_tokens
