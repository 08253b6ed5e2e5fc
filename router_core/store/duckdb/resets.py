"""Changing what counts in a goal: reset, snapshot, restore, import, undo. Each is one more event in the log.

What an event's state means is in learning_events.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from router_core.errors import StoreError
from router_core.store.base import NO_TASKS, LearningEvent
from router_core.store.duckdb import learning_events as learning
from router_core.store.duckdb import sql
from router_core.store.duckdb.evidence import counts_of
from router_core.store.duckdb.learning_events import Counting, Sums
from router_core.store.duckdb.part import Part
from router_core.types import ByTask, Evidence, OutputTokens


class Resets(Part):
    """The events of ``router_core.store.base.Learning``."""

    def learning_events(self, goal: str) -> list[LearningEvent]:
        """Every event of a goal, oldest first."""
        with self.file.cursor() as cursor:
            return [event for event in learning.events(cursor) if event.goal == goal]

    def learning_base(self, goal: str) -> tuple[Mapping[str, Evidence], tuple[tuple[int, int | None], ...]]:
        """What came from elsewhere, and which outcomes of the log count with it."""
        now = self.projection.counting.get(goal, Counting())
        return {arm: Evidence(*sums) for arm, sums in now.evidence.items()}, now.spans

    def snapshots(self, goal: str) -> list[LearningEvent]:
        """The snapshots of a goal that were not taken back, oldest first."""
        hidden = self.projection.counting.get(goal, Counting()).hidden
        return [one for one in self.learning_events(goal) if one.kind == "snapshot" and one.seq not in hidden]

    def reset_learning(self, goal: str, *, at: datetime, author: str, note: str = "") -> None:
        """Only outcomes that come later teach."""
        self._learn(goal, "reset", at, author, note, lambda now, last: now.emptied(last))

    def snapshot_learning(self, goal: str, *, at: datetime, author: str, note: str = "") -> None:
        """Name what counts now."""
        self._learn(goal, "snapshot", at, author, note, lambda now, last: now.closed(last))

    def restore_learning(self, goal: str, seq: int, *, at: datetime, author: str) -> None:
        """What counted at an event counts again, and what comes later."""
        found = self._event(goal, seq)
        state, note = Counting.of(found.state), found.note or f"event {seq}"
        self._learn(
            goal, "restore", at, author, note, lambda now, last: replace(state.opened(last), hidden=now.hidden)
        )

    def undo_learning(self, goal: str, seq: int | None = None, *, at: datetime, author: str) -> None:
        """What counted before an event counts again, and what has come since; a snapshot leaves the list."""
        past = [event for event in self.learning_events(goal) if event.kind != "snapshot"]
        if seq is None and not past:
            raise StoreError(f"goal {goal!r} was never reset, restored or imported; there is nothing to undo")
        target = past[-1] if seq is None else self._event(goal, seq)
        note = f"of: {target.kind}" + (f", {target.note}" if target.note else "")
        if target.kind == "snapshot":
            self._learn(goal, "undo", at, author, note, lambda now, last: now.without(target.seq))
            return
        earlier = [event for event in past if event.seq < target.seq]
        before = Counting.of(earlier[-1].state) if earlier else Counting()
        self._learn(goal, "undo", at, author, note, lambda now, last: before)

    def contextual_base(self, goal: str) -> str:
        """What the contextual router begins from."""
        return self.projection.counting.get(goal, Counting()).contextual

    def disregarded_alarms(self, goal: str) -> frozenset[int]:
        """Places of the alarms that were taken back."""
        return frozenset(self.projection.counting.get(goal, Counting()).disregarded)

    def disregard_alarm(self, goal: str, place: int, *, at: datetime, author: str, note: str = "") -> None:
        """Learn on as if an alarm had not been."""
        self._learn(
            goal, "disregard", at, author, note,
            lambda now, last: replace(now, disregarded=(*now.disregarded, place)),
        )  # fmt: skip

    def _event(self, goal: str, seq: int) -> LearningEvent:
        found = {event.seq: event for event in self.learning_events(goal)}.get(seq)
        if found is None:
            raise StoreError(f"goal {goal!r} has no event {seq}; choose one of those it has")
        return found

    def import_learning(
        self,
        goal: str,
        evidence: Mapping[str, Evidence],
        lengths: Mapping[str, OutputTokens],
        *,
        at: datetime,
        author: str,
        note: str = "",
        contextual: str = "",
        tasks: ByTask = NO_TASKS,
    ) -> None:
        """Begin again from elsewhere: what the log has is left out, of output tokens too."""
        sums = _sums(evidence)
        by_task = {task: _sums(arms) for task, arms in tasks.items()}

        def state(now: Counting, last: int) -> Counting:
            with self.file.cursor() as cursor:
                own = counts_of(cursor.execute(sql.OUTPUT_TOKENS).fetchall())
            logged = {arm: had for (of, arm), had in own.items() if of == goal}
            tokens = {}
            for arm in {*lengths, *logged}:
                new, had = lengths.get(arm, OutputTokens()), logged.get(arm, (0, 0))
                tokens[arm] = (new.count - had[0], new.total - had[1])
            return Counting(((last, None),), sums, by_task, tokens, now.hidden, contextual)

        self._learn(goal, "import", at, author, note, state)

    def _learn(
        self,
        goal: str,
        kind: str,
        at: datetime,
        author: str,
        note: str,
        state: Callable[[Counting, int], Counting],
    ) -> None:
        """Log an event, and count anew."""
        with self.file.lock:
            document = state(self.projection.counting.get(goal, Counting()), self.projection.last).document()
            with self.change() as cursor:
                learning.save(cursor, LearningEvent(0, at, goal, kind, note, author, document))
            self.projection.recall()


def _sums(evidence: Mapping[str, Evidence]) -> Sums:
    return {arm: (one.count, one.reward_micro) for arm, one in evidence.items()}
