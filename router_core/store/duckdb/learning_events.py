"""Which outcomes count: resets, snapshots, restores and imports as logged events, so that each can be undone.

What a goal has learned is a base (evidence from elsewhere) and the outcomes of some spans of the log. Without an
event that is nothing and the whole log. An event states what counts from then on; outcomes themselves are never
touched, so corrections stay corrections and nothing counts twice. See evidence.py for adding up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import duckdb

from router_core.registry import CONTEXTUAL
from router_core.store.base import LearningEvent
from router_core.store.duckdb.rows import aware, naive

Sums = Mapping[str, tuple[int, int]]
"""Arm id -> how many, and their sum."""

EVENTS: Final = "SELECT * FROM learning_event ORDER BY seq"
SAVE_EVENT: Final = """
    INSERT INTO learning_event
    SELECT coalesce(max(seq), 0) + 1, $created_at, $goal, $kind, $note, $author, $state FROM learning_event
"""


@dataclass(frozen=True, slots=True)
class Counting:
    """What counts in a goal: outcomes numbered in one of ``spans`` (after, up to; None: open), on top of the base.

    ``tasks`` is the base by task type, where there is one. ``lengths`` are added to the output tokens of the log;
    they may be negative. ``hidden`` are the numbers of the snapshots that were taken back. ``contextual`` is what
    the contextual router begins from (JSON), ``disregarded`` the places of the drift alarms that were taken back.
    """

    spans: tuple[tuple[int, int | None], ...] = ((0, None),)
    evidence: Sums = field(default_factory=dict, hash=False)
    tasks: Mapping[str, Sums] = field(default_factory=dict, hash=False)
    lengths: Sums = field(default_factory=dict, hash=False)
    hidden: tuple[int, ...] = ()
    contextual: str = ""
    disregarded: tuple[int, ...] = ()

    def counts(self, seq: int) -> bool:
        """Whether an outcome of this number counts."""
        return any(after < seq and (upto is None or seq <= upto) for after, upto in self.spans)

    def closed(self, last: int) -> Counting:
        """The same, but for outcomes after ``last``."""
        spans = tuple((after, last if upto is None else upto) for after, upto in self.spans)
        return replace(self, spans=tuple((after, upto) for after, upto in spans if upto is None or after < upto))

    def opened(self, last: int) -> Counting:
        """The same, and outcomes after ``last`` too."""
        return replace(self.closed(last), spans=(*self.closed(last).spans, (last, None)))

    def emptied(self, last: int) -> Counting:
        """Only outcomes after ``last``; lengths of answers are no evidence and stay."""
        return replace(self, spans=((last, None),), evidence={}, tasks={}, contextual="")

    def without(self, snapshot: int) -> Counting:
        """The same, but for a snapshot that is taken back."""
        return replace(self, hidden=(*self.hidden, snapshot))

    def document(self) -> str:
        """As JSON."""
        plain = {
            "spans": self.spans,
            "evidence": dict(self.evidence),
            "tasks": {task: dict(sums) for task, sums in self.tasks.items()},
            "lengths": dict(self.lengths),
            "hidden": self.hidden,
            CONTEXTUAL.name: self.contextual,
            "disregarded": self.disregarded,
        }
        return json.dumps(plain, sort_keys=True)

    @classmethod
    def of(cls, document: str) -> Counting:
        """What ``document`` wrote."""
        raw = json.loads(document)
        return cls(
            tuple((after, upto) for after, upto in raw["spans"]),
            _sums(raw["evidence"]),
            {task: _sums(sums) for task, sums in raw.get("tasks", {}).items()},
            _sums(raw["lengths"]),
            tuple(raw.get("hidden", ())),
            raw.get(CONTEXTUAL.name, ""),
            tuple(raw.get("disregarded", ())),
        )


def _sums(raw: Mapping[str, Any]) -> Sums:
    return {arm: (count, total) for arm, (count, total) in raw.items()}


def events(cursor: duckdb.DuckDBPyConnection) -> list[LearningEvent]:
    """All of them, oldest first."""
    found = cursor.execute(EVENTS).fetchall()
    return [
        LearningEvent(seq, aware(at), goal, kind, note, by, state)
        for seq, at, goal, kind, note, by, state in found
    ]


def counting(found: list[LearningEvent]) -> dict[str, Counting]:
    """Goal -> what counts now; goals without an event are absent."""
    return {event.goal: Counting.of(event.state) for event in found if event.kind != "snapshot"}


def highest(found: list[LearningEvent]) -> int:
    """The highest number of an outcome that an event names; 0: none does.

    No later outcome may get one up to it, even where those that had them were deleted: it would count as they do.
    """
    states = [Counting.of(event.state) for event in found]
    spans = [end for state in states for span in state.spans for end in span if end is not None]
    return max([*spans, *(place for state in states for place in state.disregarded)], default=0)


def save(cursor: duckdb.DuckDBPyConnection, event: LearningEvent) -> None:
    """Append one event; its number is given here."""
    values: dict[str, Any] = {
        "created_at": naive(event.created_at),
        "goal": event.goal,
        "kind": event.kind,
        "note": event.note,
        "author": event.author,
        "state": event.state,
    }
    cursor.execute(SAVE_EVENT, values)
