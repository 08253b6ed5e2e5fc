"""What is given to a store and what it gives: plain values, the same for every store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from router_core.types import Completion, Context, Decision, EvaluationKind, OutcomeRecord, Prompt

Question = Literal[
    "answer_lengths", "answered", "bill", "both_answered", "bought", "calls", "choices", "chosen_by_others",
    "collected", "cost_per_call", "deciding", "extent", "gain_learned", "judgements", "judging", "labels",
    "last_call", "latency", "logged", "logged_contexts", "logged_verdicts", "loggers", "not_asked",
    "outcome_times", "pairs", "pending", "prices_used", "rated", "reference", "same_prompts", "sources",
    "spending", "spent", "split", "taught", "unpriced", "unrated_answers",
    "unrated_pairs", "usual", "versions",
]  # fmt: skip
"""The questions about the whole log that every store answers; what a name asks is said in duckdb/questions.py."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that belong together: all of them are stored, or none."""

    prompts: Sequence[Prompt] = ()
    decisions: Sequence[Decision] = ()
    completions: Sequence[Completion] = ()
    outcomes: Sequence[OutcomeRecord] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """One prompt with everything that followed. ``outcomes`` are the current ones (a withdrawn one is absent)."""

    prompt: Prompt
    decisions: tuple[Decision, ...]
    completions: tuple[Completion, ...]
    outcomes: tuple[OutcomeRecord, ...]


Per = Literal["decision", "answer"]
"""What a row of the exported log is."""

PER: Final[tuple[Per, ...]] = ("decision", "answer")


@dataclass(frozen=True, slots=True)
class Search:
    """Which prompts are wanted; None (or an empty text) means any.

    ``text`` is looked for in the messages, whatever its case. ``policy``: a router that decided it; ``arm``: a
    model that was called. ``rated``: whether an answer has a thumb. ``since`` <= time < ``until``. ``ids``: only
    these. ``metadata``: names and values that the caller noted, all of them.
    """

    text: str = ""
    goal: str | None = None
    origin: str | None = None
    policy: str | None = None
    arm: str | None = None
    rated: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    ids: tuple[str, ...] | None = None
    metadata: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SettingsVersion:
    """One saved state of the settings: its canonical JSON, named by its hash."""

    version: str
    created_at: datetime
    author: str
    note: str
    document: str


@dataclass(frozen=True, slots=True)
class LearningEvent:
    """A change of what counts in a goal; ``state`` says what does, in the store's own words.

    ``kind``: reset (nothing before it counts), snapshot (names a state to come back to), restore, import, undo.
    """

    seq: int
    created_at: datetime
    goal: str
    kind: str
    note: str
    author: str
    state: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One kept result of judging the routers: ``name`` for people, ``document`` its JSON ("" in a list)."""

    id: str
    created_at: datetime
    kind: EvaluationKind
    name: str
    document: str


@dataclass(frozen=True, slots=True)
class CallerKey:
    """A key by which a program may call the gateway: what it is checked by, never the key itself.

    ``goals`` and ``models``: what it may use, and which models may answer it; None: all. ``usd_per_day`` (UTC),
    ``requests_per_minute`` and ``at_once`` limit it; None: no limit. ``revoked_at``: None while it is in force.
    """

    id: str
    name: str
    created_at: datetime
    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    goals: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    usd_per_day: Decimal | None = None
    requests_per_minute: int | None = None
    at_once: int | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoreChange:
    """A transaction that changed the store: its number, counted from 1, and when it was made (None: unknown)."""

    number: int
    at: datetime | None


@dataclass(frozen=True, slots=True)
class MissingChanges:
    """Changes that were acknowledged and are not in the store: numbers ``first`` to ``last`` (None: not known).

    ``since``: when the last change before them was made. ``noticed_at``: when their loss was noticed.
    """

    first: int
    last: int | None
    since: datetime | None
    noticed_at: datetime


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of a store: its file, the last change that is in it, and how many rows each table has."""

    path: Path
    change: StoreChange
    rows: Mapping[str, int]
    size_bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """One judged answer as the contextual router learns from it.

    ``place``: number of the first outcome about it, which orders lessons and never changes. ``reward`` None: it
    teaches nothing (any more). ``features``: what that router saw of the prompt for this arm; None where it was
    not asked, then ``context`` is what there is to see.
    """

    place: int
    arm: str
    reward: float | None
    features: NDArray[np.float64] | None
    context: Context | None


@dataclass(frozen=True, slots=True)
class TextLesson:
    """One prompt with what is known of its answers; ``probabilities`` None: several models answered it."""

    text: str
    rewards: Mapping[str, float]
    probabilities: Mapping[str, float] | None
