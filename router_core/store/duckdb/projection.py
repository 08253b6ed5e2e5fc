"""The log as tables, and what is counted of them in memory. Each change is given with its number.

Who numbers the changes and in what groups they come is the store's business (store.py): one file numbers its own,
and a replica would be given those of a common journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import duckdb

from router_core.errors import RouterError, UnknownRequestError
from router_core.store.arrivals import Arrivals
from router_core.store.base import StoreChange
from router_core.store.duckdb import deletion as erasing
from router_core.store.duckdb import learning_events as learning
from router_core.store.duckdb import sql
from router_core.store.duckdb.attribution import Waits, waits
from router_core.store.duckdb.batch_rows import BatchRows
from router_core.store.duckdb.bulk import load
from router_core.store.duckdb.connected import Connected
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
from router_core.store.duckdb.inserts import insert, insert_outcomes
from router_core.store.duckdb.known_ids import KnownIds
from router_core.store.duckdb.learning_events import Counting
from router_core.store.duckdb.reward_rule import Led, Lesson, lesson
from router_core.types import ByTask, TeachingRule


class Projection:
    """Tables and counts. Who changes something holds the lock of the file; reading the counts needs none.

    ``last``: the highest number that an outcome has, or had when what counts was changed. ``revision``: how often
    something has changed. ``recalled``: how often what counts was changed by something else than an outcome.
    ``counting``: goal -> which outcomes count. ``gains``: goal -> the version of its gain score.
    ``output_tokens``: of complete answers.
    """

    def __init__(self, file: Connected) -> None:
        self._file = file
        self._ids = KnownIds()
        self._evidence: dict[TeachingRule, Counts] = {}
        self._by_task: dict[TeachingRule, Counts] = {}
        self._task_views: dict[tuple[str, TeachingRule], tuple[Counts, ByTask]] = {}
        self.arrivals = Arrivals()
        self.revision = 0
        self.recalled = 0
        self.last = 0
        self.gains: Mapping[str, str] = {}
        self.counting: Mapping[str, Counting] = {}
        self.output_tokens: Counts = {}
        self.recall()

    def recall(self) -> None:
        """Take what is kept in memory from the tables.

        The counts of changes grow at the end: what somebody reads on the way there passes for that of before.
        """
        try:
            with self._file.cursor() as cursor:
                events = learning.events(cursor)
                self.gains = dict(cursor.execute(sql.GAIN_VERSIONS).fetchall())
                self.last = max(cursor.execute(sql.LAST_SEQ).fetchall()[0][0], learning.highest(events))
                self.counting = learning.counting(events)
                lengths = counts_of(cursor.execute(sql.OUTPUT_TOKENS).fetchall())
                self.output_tokens = moved(lengths, (), based(self.counting, lambda one: one.lengths))
                self._evidence, self._by_task, self._task_views = {}, {}, {}
                self._ids.recall(cursor)
        finally:
            self.revision += 1
            self.recalled += 1

    def evidence(self, rule: TeachingRule) -> Counts:
        """What teaches under this rule, from memory; counted where nobody has asked for it before."""
        self._file.require_open()
        counts = self._evidence.get(rule)
        if counts is None:
            with self._file.lock, self._file.cursor() as cursor:
                counts = self._evidence.setdefault(rule, all_evidence(cursor, rule, self.counting))
        return counts

    def evidence_by_task(self, goal: str, rule: TeachingRule) -> ByTask:
        """The same of a goal by task type; the same object while nothing changed."""
        self._file.require_open()
        counts = self._by_task.get(rule)
        if counts is None:
            with self._file.lock, self._file.cursor() as cursor:
                found = all_evidence(cursor, rule, self.counting, by_task=True)
                counts = self._by_task.setdefault(rule, found)
        kept = self._task_views.get((goal, rule))
        if kept is None or kept[0] is not counts:
            kept = self._task_views[goal, rule] = (counts, tasks_of(counts, goal))
        return kept[1]

    def count_evidence(self, rule: TeachingRule) -> Counts:
        """What teaches under this rule, from the tables."""
        with self._file.cursor() as cursor:
            return all_evidence(cursor, rule, self.counting)

    def load(self, change: StoreChange, block: Mapping[str, Any]) -> None:
        """Append whole tables; what is kept in memory is taken from them later (``recall``)."""
        self._ids.forget()
        with self._file.transaction(change) as cursor:
            last = load(cursor, block, self.last)
        self.last = last
        self.revision += 1

    def rewrite(self, change: StoreChange, how: Callable[[duckdb.DuckDBPyConnection], int]) -> int:
        """Change or delete what is stored; how many prompts were touched."""
        self._ids.forget()
        try:
            with self._file.transaction(change) as cursor:
                touched = how(cursor)
            self._file.untidy |= touched > 0
            return touched
        finally:
            self.recall()

    def apply(self, change: StoreChange, group: Sequence[BatchRows], after: int) -> None:
        """Store rows as one transaction, and count them; outcomes get the numbers that follow ``after``.

        Raises:
            UnknownRequestError: an outcome names a completion that no decision led to.
            StoreError: they cannot be stored; nothing was.
        """
        outcomes = [row for one in group for row in one.outcomes]
        numbered = [(row[0], after + place, *row[2:]) for place, row in enumerate(outcomes, start=1)]
        judged = set[UUID]().union(*(one.judged for one in group))
        touched = judged.union(*(one.led for one in group))
        rules = {*self._evidence, *self._by_task}
        prompts = bool(self._by_task) or any(rule.learn_from == "own" for rule in rules)
        windowed = touched if any(rule.window is not None for rule in rules) else set[UUID]()
        try:
            with self._file.transaction(change) as cursor:
                asked = self._ids.possible("outcome.completion_id", touched)
                unsure = self._ids.possible("outcome.id", [row[0] for row in numbered])
                said, known = words_about(cursor, asked, unsure)
                had = {id_: sum(map(len, by_source.values())) for id_, by_source in said.items()}
                led = led_to(cursor, touched, prompts) if said else {}
                words = last_words(said, led, self.counting)
                before = self._lessons(words, led, waits(cursor, windowed))
                insert(cursor, "prompt", [row for one in group for row in one.prompts], self._ids)
                decisions = [row for one in group for row in one.decisions]
                answers = [row for one in group for row in one.completions]
                seen = [row for one in group for row in one.seen]
                if self._file.untidy:
                    decisions, answers, seen = (
                        erasing.not_erased(cursor, new, self._ids) for new in (decisions, answers, seen)
                    )
                if insert(cursor, "decision", decisions, self._ids) or not said:
                    led = led_to(cursor, touched if said else judged, prompts)
                insert(cursor, "seen", seen, self._ids)
                unknown = judged - led.keys()
                if unknown:
                    raise never_made(str(min(unknown)))
                stored = insert(cursor, "completion", answers, self._ids)
                heard = insert_outcomes(cursor, beside(numbered, led, answers), self._ids, known, had)
                waited = waits(cursor, windowed)
        except RouterError:
            self._ids.drop()
            raise
        except BaseException:
            self._ids.forget()  # nobody knows whether the commit still went through
            raise
        self._ids.keep()
        self.last = after + len(numbered)
        if numbered:
            self.arrivals.committed(self.last)
        for id_, _, completion_id, source, micro, *_ in numbered:
            if id_ in heard:
                heard.remove(id_)  # of two with one id the first was stored
                words.setdefault(completion_id, {})[source] = micro
        for rule, lessons in self._lessons(words, led, waited).items():
            was = before[rule]
            if lessons != was and rule in self._evidence:
                counts = self._evidence[rule]
                self._evidence[rule] = moved(counts, without_tasks(was), without_tasks(lessons))
            if lessons != was and rule in self._by_task:
                self._by_task[rule] = moved(self._by_task[rule], was, lessons)
        lengths = {id_: length for one in reversed(group) for id_, length in one.lengths.items()}
        answered = [length for id_ in stored if (length := lengths[id_]) is not None]
        if answered:
            self.output_tokens = moved(self.output_tokens, (), answered)
        self.revision += 1

    def _lessons(
        self,
        words: Mapping[UUID, Mapping[str, int | None]],
        led: Mapping[UUID, Iterable[Led]],
        waited: Mapping[UUID, Waits],
    ) -> dict[TeachingRule, list[Lesson]]:
        """What these completions teach under each rule that somebody has asked for."""
        taught = {
            rule: [lesson(rule, said, led.get(id_, ()), waited.get(id_, {})) for id_, said in words.items()]
            for rule in {*self._evidence, *self._by_task}
        }
        return {rule: [one for one in lessons if one is not None] for rule, lessons in taught.items()}


def never_made(request_id: object) -> UnknownRequestError:
    """The error to raise where an outcome is about no request of this store."""
    return UnknownRequestError(
        f"request {str(request_id)[:80]!r} was never made with this store;"
        " report the request_id that completion(..., return_request_id=True) gave, or the id of a decision that"
        " decide(..., log=True) stored"
    )
