"""The store in one DuckDB file.

Writers commit in groups: whoever holds the lock writes what all the others have queued, in one transaction. A file
belongs to one process at a time. The connection is connected.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from threading import Condition, RLock
from typing import Any
from uuid import UUID

import duckdb

from router_core import finalisers
from router_core.errors import RouterError, StoreError, UnknownRequestError
from router_core.store.arrivals import Arrivals
from router_core.store.base import Batch, Evaluation, Search, SettingsVersion
from router_core.store.duckdb import deletion as erasing
from router_core.store.duckdb import learning_events as learning
from router_core.store.duckdb import rows, sql
from router_core.store.duckdb.attribution import Waits, waits
from router_core.store.duckdb.bulk import load
from router_core.store.duckdb.contextual_learning import Remembering
from router_core.store.duckdb.evidence import (
    Counts,
    all_evidence,
    based,
    beside,
    counts_of,
    last_words,
    led_to,
    moved,
    tasks_of,
    without_tasks,
    words_about,
)
from router_core.store.duckdb.inserts import insert
from router_core.store.duckdb.reading import uuid_of
from router_core.store.duckdb.reward_rule import Led, Lesson, lesson
from router_core.types import STOPPED, ByTask, Completion, Evidence, OutputTokens, StoreKind, TeachingRule

_GATHERING_SECONDS = 0.002  # at most, less than a commit takes


class _Ticket:
    """A batch waiting for its commit, already turned into rows: what cannot be stored fails in its own thread."""

    def __init__(self, batch: Batch) -> None:
        self.prompts = [rows.prompt_row(prompt) for prompt in batch.prompts]
        self.decisions = [rows.decision_row(decision) for decision in batch.decisions]
        self.completions = [rows.completion_row(completion) for completion in batch.completions]
        self.outcomes = [rows.outcome_row(outcome, 0) for outcome in batch.outcomes]
        self.seen = [rows.seen_row(one, one.seen) for one in batch.decisions if one.seen is not None]
        self.led = {UUID(decision.completion_id) for decision in batch.decisions}
        self.judged = {UUID(outcome.completion_id) for outcome in batch.outcomes}
        self.lengths = {UUID(one.id): _length(one) for one in reversed(batch.completions)}
        self.done = False
        self.error: RouterError | None = StoreError("the write was interrupted; write it again")  # until kept


class DuckDBStore(Remembering):
    """See ``router_core.store.base.Store``.

    Args:
        location: a path, or ``:memory:``.
        kind: whether the traffic is live or simulated.
        read_only: open it for reading alone.

    Raises:
        StoreError: see ``router_core.store.open_store``.
    """

    def __init__(self, location: str, kind: StoreKind, read_only: bool = False) -> None:
        self._queue: list[_Ticket] = []
        queue_lock = RLock()  # guards the queue and whose turn it is to commit
        self._turn, self._arrival = Condition(queue_lock), Condition(queue_lock)
        self._writers = 1  # who had something to write at the last commit
        self._leading = False
        self._revision = 0
        self._recalled = 0
        self._seq = 0  # the highest number that an outcome has, or had when what counts was changed
        self.arrivals = Arrivals()
        finalisers.prepare()
        super().__init__(location, kind, read_only)
        try:
            self._recall()
        except BaseException:
            self.close()
            raise

    @finalisers.queued_in_collection
    def write(self, batch: Batch) -> None:
        """Store a batch as one transaction, perhaps together with those of other threads."""
        self._require_open()
        for outcome in batch.outcomes:
            if uuid_of(outcome.completion_id) is None:
                raise _never_made(outcome.completion_id)
        try:
            ticket = _Ticket(batch)
        except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
            said = f"{type(error).__name__}: {str(error)[:200]}"
            raise StoreError(f"These rows cannot be stored, and none of them was ({said})") from error
        with self.arrivals.written() if batch.outcomes else nullcontext():
            self._write(ticket)

    def _write(self, ticket: _Ticket) -> None:
        group: list[_Ticket] = []
        with self._turn:
            self._queue.append(ticket)
            self._arrival.notify()
            self._turn.wait_for(lambda: ticket.done or not self._leading)
            if not ticket.done:
                group = self._gathered(ticket)
        if group:
            try:
                with self._commit_lock:
                    self._commit_group(group)
            finally:
                with self._turn:
                    for one in group:
                        one.done = True
                    self._writers = len(group) + len(self._queue)
                    self._leading = False
                    self._turn.notify_all()
        if ticket.error is not None:
            raise ticket.error

    def _gathered(self, own: _Ticket) -> list[_Ticket]:
        """Take the turn, and what is queued; a moment later if the last commit's writers will soon be back.

        Otherwise whoever comes first would commit alone while all others wait, and they after it: everybody would
        wait for two commits instead of one.
        """
        self._leading = True
        try:
            self._arrival.wait_for(lambda: len(self._queue) >= self._writers, _GATHERING_SECONDS)
        except BaseException:
            self._leading = False
            self._queue.remove(own)
            self._turn.notify_all()
            raise
        group, self._queue = self._queue, []
        return group

    def load(self, blocks: Iterable[Mapping[str, Any]]) -> None:
        """Append whole tables, block by block."""
        try:
            for block in blocks:
                with self._commit_lock:
                    with self._change() as cursor:
                        last = load(cursor, block, self._seq)
                    self._seq = last
                    self._revision += 1
        finally:
            with self._commit_lock:
                self._recall()

    @property
    def revision(self) -> int:
        """How often this store has changed since it was opened."""
        return self._revision

    def evidence(self, goal: str, rule: TeachingRule) -> Mapping[str, Evidence]:
        """Arm id -> what teaches it, from memory."""
        self._require_open()
        counts = self._evidence.get(rule)
        if counts is None:
            with self._commit_lock, self._cursor() as cursor:
                counts = self._evidence.setdefault(rule, all_evidence(cursor, rule, self._counting))
        return {arm: Evidence(count, micro) for (of, arm), (count, micro) in counts.items() if of == goal}

    def rebuild_evidence(self, goal: str, rule: TeachingRule) -> Mapping[str, Evidence]:
        """The same from the log."""
        with self._cursor() as cursor:
            counts = all_evidence(cursor, rule, self._counting)
        return {arm: Evidence(count, micro) for (of, arm), (count, micro) in counts.items() if of == goal}

    def evidence_by_task(self, goal: str, rule: TeachingRule) -> ByTask:
        """Task type -> arm id -> what teaches it, from memory."""
        self._require_open()
        counts = self._by_task.get(rule)
        if counts is None:
            with self._commit_lock, self._cursor() as cursor:
                found = all_evidence(cursor, rule, self._counting, by_task=True)
                counts = self._by_task.setdefault(rule, found)
        kept = self._task_views.get((goal, rule))
        if kept is None or kept[0] is not counts:
            kept = self._task_views[goal, rule] = (counts, tasks_of(counts, goal))
        return kept[1]

    @property
    def mark(self) -> tuple[int, int]:
        """Recalls, and the last number given to an outcome."""
        self._require_open()
        return self._recalled, self._seq

    def output_tokens(self, goal: str) -> Mapping[str, OutputTokens]:
        """Arm id -> output tokens seen, from memory."""
        self._require_open()
        counts = self._output_tokens
        return {arm: OutputTokens(count, total) for (of, arm), (count, total) in counts.items() if of == goal}

    def erase(self, search: Search) -> int:
        """Delete the prompts found with all that followed."""
        return self._changed(erasing.erase, search)

    def strip(self, search: Search) -> int:
        """Take the texts out of the prompts found."""
        return self._changed(erasing.strip, search)

    def _changed(self, change: Callable[[duckdb.DuckDBPyConnection, Search], int], search: Search) -> int:
        """Change what is stored, and take what is kept in memory from the file again."""
        with self._commit_lock:
            try:
                with self._change() as cursor:
                    touched = change(cursor, search)
                self._untidy |= touched > 0
                return touched
            finally:
                self._recall()

    def save_settings(self, version: SettingsVersion) -> None:
        """Append a settings version."""
        _, *values = rows.settings_row(version, 0)
        names = ("version", "created_at", "author", "note", "document")
        with self._commit_lock:
            with self._change() as cursor:
                cursor.execute(sql.SAVE_SETTINGS, dict(zip(names, values, strict=True)))
            self._revision += 1

    def save_evaluation(self, evaluation: Evaluation) -> None:
        """Keep a result."""
        with self._commit_lock:
            with self._change() as cursor:
                cursor.execute(sql.SAVE_EVALUATION, rows.evaluation_row(evaluation))
            self._revision += 1

    def erase_evaluation(self, id_: str) -> bool:
        """Delete one result for good."""
        with self._commit_lock:
            with self._change() as cursor:
                erased = cursor.execute(sql.ERASE_EVALUATION, {"id": uuid_of(id_)}).fetchall()
            self._revision += len(erased)
        return bool(erased)

    def _recall(self) -> None:
        """Take what is kept in memory from the file.

        The counts of changes grow at the end: what somebody reads on the way there passes for that of before.
        """
        try:
            with self._cursor() as cursor:
                events = learning.events(cursor)
                self._gains = dict(cursor.execute(sql.GAIN_VERSIONS).fetchall())
                self._seq = max(cursor.execute(sql.LAST_SEQ).fetchall()[0][0], learning.highest(events))
                self._counting = learning.counting(events)
                lengths = counts_of(cursor.execute(sql.OUTPUT_TOKENS).fetchall())
                self._output_tokens: Counts = moved(lengths, (), based(self._counting, lambda one: one.lengths))
                self._evidence: dict[TeachingRule, Counts] = {}
                self._by_task: dict[TeachingRule, Counts] = {}
                self._task_views: dict[tuple[str, TeachingRule], tuple[Counts, ByTask]] = {}
        finally:
            self._revision += 1
            self._recalled += 1

    def _commit_group(self, group: Sequence[_Ticket]) -> None:
        """Commit all tickets together; where that fails, each by itself, so that only the guilty one fails."""
        try:
            self._commit(group)
        except RouterError as error:
            if len(group) > 1:
                for ticket in group:
                    self._commit_group([ticket])
            else:
                group[0].error = error
        except BaseException:
            self._recall()  # nobody knows whether the commit still went through
            raise
        else:
            for ticket in group:
                ticket.error = None

    def _commit(self, group: Sequence[_Ticket]) -> None:
        outcomes = [row for ticket in group for row in ticket.outcomes]
        numbered = [(row[0], self._seq + place, *row[2:]) for place, row in enumerate(outcomes, start=1)]
        judged = set[UUID]().union(*(ticket.judged for ticket in group))
        touched = judged.union(*(ticket.led for ticket in group))
        rules = {*self._evidence, *self._by_task}
        prompts = bool(self._by_task) or any(rule.learn_from == "own" for rule in rules)
        windowed = touched if any(rule.window is not None for rule in rules) else set[UUID]()
        with self._change() as cursor:
            said, known = words_about(cursor, touched, {row[0] for row in numbered})
            led = led_to(cursor, touched, prompts) if said else {}
            words = last_words(said, led, self._counting)
            before = self._lessons(words, led, waits(cursor, windowed))
            insert(cursor, "prompt", [row for ticket in group for row in ticket.prompts])
            decisions = [row for ticket in group for row in ticket.decisions]
            answers = [row for ticket in group for row in ticket.completions]
            seen = [row for ticket in group for row in ticket.seen]
            if self._untidy:
                decisions, answers, seen = (erasing.not_erased(cursor, new) for new in (decisions, answers, seen))
            if insert(cursor, "decision", decisions) or not said:
                led = led_to(cursor, touched if said else judged, prompts)
            insert(cursor, "seen", seen)
            unknown = judged - led.keys()
            if unknown:
                raise _never_made(str(min(unknown)))
            stored = insert(cursor, "completion", answers)
            heard = insert(cursor, "outcome", beside(numbered, led, answers), known)
            waited = waits(cursor, windowed)
        self._seq += len(numbered)
        if numbered:
            self.arrivals.committed(self._seq)
        for id_, _, completion_id, source, micro, *_ in numbered:
            if id_ in heard:
                heard.remove(id_)  # of two with one id the first was stored
                words.setdefault(completion_id, {})[source] = micro
        for rule, lessons in self._lessons(words, led, waited).items():
            had = before[rule]
            if lessons != had and rule in self._evidence:
                counts = self._evidence[rule]
                self._evidence[rule] = moved(counts, without_tasks(had), without_tasks(lessons))
            if lessons != had and rule in self._by_task:
                self._by_task[rule] = moved(self._by_task[rule], had, lessons)
        lengths = {id_: length for ticket in reversed(group) for id_, length in ticket.lengths.items()}
        answered = [length for id_ in stored if (length := lengths[id_]) is not None]
        if answered:
            self._output_tokens = moved(self._output_tokens, (), answered)
        self._revision += 1

    def _lessons(
        self,
        words: Mapping[UUID, Mapping[str, int | None]],
        led: Mapping[UUID, Sequence[Led]],
        waited: Mapping[UUID, Waits],
    ) -> dict[TeachingRule, list[Lesson]]:
        """What these completions teach under each rule that somebody has asked for."""
        taught = {
            rule: [lesson(rule, said, led.get(id_, ()), waited.get(id_, {})) for id_, said in words.items()]
            for rule in {*self._evidence, *self._by_task}
        }
        return {rule: [one for one in lessons if one is not None] for rule, lessons in taught.items()}


def _length(one: Completion) -> tuple[str, str, int, int] | None:
    """(goal, arm, 1, output tokens) of an answer that is complete."""
    if one.usage is None or one.error is not None or one.finish_reason == STOPPED:
        return None
    return one.goal, one.arm, 1, one.usage.output_tokens


def _never_made(request_id: object) -> UnknownRequestError:
    return UnknownRequestError(
        f"request {str(request_id)[:80]!r} was never made with this store;"
        " report the request_id that completion(..., return_request_id=True) gave"
    )
