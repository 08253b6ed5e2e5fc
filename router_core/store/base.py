"""What every store can do, in parts: protocols that the routers, the app and the tests rely on.

Ask for the part that you need: ``Log``, ``Learning``, ``Questions``, ``Kept``; a ``Store`` is all of them. How it
is done, SQL included, is in the folders beside this file. A store depends on types and errors alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from router_core.store.arrivals import Arrivals
from router_core.store.values import (
    PER,
    Backup,
    Batch,
    CallerKey,
    Comparison,
    Evaluation,
    LearningEvent,
    Lesson,
    MissingChanges,
    Per,
    Question,
    Search,
    SettingsVersion,
    StoreChange,
    TextLesson,
)
from router_core.types import (
    ByTask,
    Decision,
    Evidence,
    OutcomeRecord,
    OutputTokens,
    Prompt,
    StoreKind,
    TeachingRule,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "NO_TASKS",
    "PER",
    "Backup",
    "Batch",
    "CallerKey",
    "Comparison",
    "Evaluation",
    "Kept",
    "Learning",
    "LearningEvent",
    "Lesson",
    "Log",
    "MissingChanges",
    "Per",
    "Question",
    "Questions",
    "Search",
    "SettingsVersion",
    "Store",
    "StoreChange",
    "TextLesson",
]

NO_TASKS: Final[ByTask] = MappingProxyType({})


class Log(Protocol):
    """What happened: written once, numbered, never changed, and deleted only because people have a right to it."""

    @property
    def kind(self) -> StoreKind:
        """Whether this store holds live or simulated traffic; fixed when it is created."""
        ...

    @property
    def revision(self) -> int:
        """Grows with every change; equal revisions of one open store have equal contents."""
        ...

    def write(self, batch: Batch) -> None:
        """Store the batch as one transaction; when this returns, it survives a crash.

        Rows whose id is already stored are left as they are (storing twice changes nothing). An outcome may
        arrive before its completion, as long as a decision names that completion, in the store or in the batch.

        Raises:
            UnknownRequestError: an outcome names a completion that no decision led to.
            StoreError: the store cannot be written; nothing of the batch was kept.
        """
        ...

    def submit(self, batch: Batch) -> Future[None]:
        """The same without waiting: the batch is queued, and its future is done once it survives a crash.

        Batches are stored in the order in which they were queued. Who learns from outcomes is told of them only by
        ``write``.

        Raises:
            UnknownRequestError, StoreError: at once, or by the future.
        """
        ...

    def load(self, blocks: Iterable[Mapping[str, Any]]) -> None:
        """Append many rows at once, one transaction per block: their kind (prompt, decision, completion, outcome)
        -> an Arrow table of them. Ids must be new; outcomes are numbered here. What was stored before a block
        fails stays.

        Raises:
            StoreError: a block cannot be stored.
        """
        ...

    def erase(self, search: Search) -> int:
        """Delete the prompts found with all that followed, their evidence too; how many they were."""
        ...

    def strip(self, search: Search) -> int:
        """Take the texts out of the prompts found; figures, fingerprints and evidence stay. How many they were."""
        ...


class Learning(Protocol):
    """What the outcomes in the log teach, and which of them count."""

    def evidence(self, goal: str, rule: TeachingRule) -> Mapping[str, Evidence]:
        """Arm id -> the outcomes that teach it in this goal. Kept up to date by every write, not recomputed."""
        ...

    def rebuild_evidence(self, goal: str, rule: TeachingRule) -> Mapping[str, Evidence]:
        """The same, computed afresh from the log; equal to ``evidence`` to the bit."""
        ...

    def evidence_by_task(self, goal: str, rule: TeachingRule) -> ByTask:
        """The same for each task type. Kept up to date by every write; the same object while nothing changed."""
        ...

    def output_tokens(self, goal: str) -> Mapping[str, OutputTokens]:
        """Arm id -> output tokens of its answered completions in this goal. Kept up to date by every write."""
        ...

    @property
    def mark(self) -> tuple[int, int]:
        """How often what counts was changed by something else than an outcome, and the last number given to one:
        while it stays the same, every lesson does.
        """  # fmt: skip
        ...

    @property
    def arrivals(self) -> Arrivals:
        """When outcomes were stored, and who is told of them."""
        ...

    def lessons(self, goal: str, rule: TeachingRule, after: int, limit: int) -> tuple[int, list[Lesson]]:
        """The number of the last outcome, and one lesson for each judged answer of the goal that an outcome with
        a number above ``after`` is about, by ``place``; the newest ``limit``. ``after`` 0: of all answers.
        """  # fmt: skip
        ...

    def text_lessons(self, goal: str, rule: TeachingRule, limit: int) -> list[TextLesson]:
        """Judged prompts whose texts were kept, from the newest ``limit`` judged answers of the goal."""
        ...

    def gain_version(self, goal: str) -> str | None:
        """Which gain score is in force in the goal, from memory; None: none was learned."""
        ...

    def gain(self, goal: str) -> tuple[str, str] | None:
        """Where the goal's gain score comes from (log, labelled, import) and its JSON; None: none was learned."""
        ...

    def save_gain(self, goal: str, version: str, origin: str, document: str, *, at: datetime) -> None:
        """Put a gain score in force; the one before is forgotten."""
        ...

    def contextual_base(self, goal: str) -> str:
        """What the contextual router learned elsewhere and begins from, as JSON; "": nothing."""
        ...

    def learning_base(self, goal: str) -> tuple[Mapping[str, Evidence], tuple[tuple[int, int | None], ...]]:
        """Evidence from elsewhere that is in force, and the outcomes that count with it: those numbered in one of
        these spans (after, up to; None: open).
        """  # fmt: skip
        ...

    def learning_events(self, goal: str) -> list[LearningEvent]:
        """Every event of a goal, oldest first."""
        ...

    def snapshots(self, goal: str) -> list[LearningEvent]:
        """The snapshots of a goal that were not taken back, oldest first."""
        ...

    def reset_learning(self, goal: str, *, at: datetime, author: str, note: str = "") -> None:
        """From now on only outcomes that come later teach in this goal."""
        ...

    def snapshot_learning(self, goal: str, *, at: datetime, author: str, note: str = "") -> None:
        """Name what counts now, to come back to it."""
        ...

    def restore_learning(self, goal: str, seq: int, *, at: datetime, author: str) -> None:
        """Let that which counted at an event count again, and what comes later.

        Raises:
            StoreError: the goal has no event of that number.
        """
        ...

    def undo_learning(self, goal: str, seq: int | None = None, *, at: datetime, author: str) -> None:
        """Take an event (by default the last that changed what counts) and all later ones back: what counted
        before it counts again, and what has come since. A snapshot changed nothing; it leaves ``snapshots``.

        Raises:
            StoreError: there is nothing to undo, or the goal has no event of that number.
        """
        ...

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
        """Begin again from evidence and output tokens that come from elsewhere; later outcomes add to them.

        ``contextual``: what the contextual router learned there, as JSON. ``tasks``: evidence by task type; where
        it is empty, all evidence counts as that of prompts without a task type.
        """
        ...

    def disregard_alarm(self, goal: str, place: int, *, at: datetime, author: str, note: str = "") -> None:
        """Learn on as if the drift alarm at this lesson had not been; a logged event that can be undone."""
        ...

    def disregarded_alarms(self, goal: str) -> frozenset[int]:
        """Places of the lessons whose drift alarm was taken back."""
        ...


class Questions(Protocol):
    """Reading the log."""

    def comparison(self, prompt_id: str) -> Comparison | None:
        """One prompt with its decisions, completions and current outcomes; None where it is not stored."""
        ...

    def recent_prompts(self, limit: int) -> list[Prompt]:
        """The newest prompts, newest first."""
        ...

    def find(self, search: Search, limit: int, offset: int = 0) -> list[Comparison]:
        """A page of the prompts found, newest first, with all that followed."""
        ...

    def count(self, search: Search) -> int:
        """How many prompts a search finds."""
        ...

    def log(self, search: Search, limit: int | None = None, per: Per = "decision") -> Iterator[Any]:
        """The prompts found, newest first, as Arrow tables with a row per decision or per answer; at
        least one table, perhaps empty. Decisions may share an answer: costs of calls add up in rows per
        answer only.

        Columns: prompt_id, time, goal, origin, task_type, prompt (the last message), messages and params
        (JSON; tools are in params), sha256, blind, run_all, metadata (JSON). Per decision: decision_id, router,
        model, propensity, models, probabilities (both JSON), reason, fallback, decision_cost_usd, decision_ms,
        policy_version, decision_cached, settings_version, completion_id; per answer: completion_id,
        model, routers. Then of the call: answer, called (the model's name at the provider),
        finish_reason, input_tokens, cached_tokens, output_tokens, usage_estimated, cost_usd, price (JSON,
        in dollars per million tokens), retries, unpriced_retries, waited_ms, first_token_ms, total_ms, error, and
        the current outcomes: score (thumb, else api, check, condition; once per answer), thumb, api, check,
        condition (0 to 1), thumb_reasons, thumb_comment, thumb_blind. What is unknown is missing.
        """
        ...

    def decision(self, id_: str) -> Decision | None:
        """One decision; None where it is not stored."""
        ...

    def decision_of(self, completion_id: str) -> Decision | None:
        """The decision that led to an answer, the last of several; None where none is stored."""
        ...

    def arm_that_called(self, goal: str, calls: Sequence[str], sha256: str) -> str | None:
        """The arm whose answer asked for one of these calls of tools (fingerprints); None: none did.

        Of several the newest that answered the messages with this fingerprint, else the newest.
        """
        ...

    def arm_of_session(self, goal: str, session: str) -> str | None:
        """The arm of the newest request of a session (its fingerprint) that has not failed; None: none has."""
        ...

    def outcome_history(self, completion_id: str) -> list[OutcomeRecord]:
        """Every record about one completion, in the order in which they were stored."""
        ...

    def decisions(self, goal: str | None = None) -> Iterator[Decision]:
        """All decisions in the order of their ids (which is the order of time), read in pages."""
        ...

    def rows(self, question: Question, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The answer to one of the questions about the whole log, a dictionary per row; what is unknown is None.

        Moments are in UTC, without saying so.

        Raises:
            StoreError: there is no such question, or the store cannot be read.
        """
        ...

    def table(self, question: Question, parameters: Mapping[str, Any]) -> pd.DataFrame:
        """The same answer as a table for pages, charts and evidence; needs pandas.

        Raises:
            StoreError: there is no such question, or the store cannot be read.
        """
        ...


class Kept(Protocol):
    """What is kept beside the log: versions of the settings, results of judging the routers, keys of callers."""

    def settings_versions(self) -> list[SettingsVersion]:
        """Every settings version, newest first."""
        ...

    def current_settings(self) -> SettingsVersion | None:
        """The newest settings version, or None."""
        ...

    def save_settings(self, version: SettingsVersion) -> None:
        """Append a settings version; the newest is the current one."""
        ...

    def evaluation(self, id_: str) -> Evaluation | None:
        """One result; None where it is not stored."""
        ...

    def evaluations(self, limit: int) -> list[Evaluation]:
        """The newest results, newest first, without their documents."""
        ...

    def save_evaluation(self, evaluation: Evaluation) -> None:
        """Keep a result. One whose id is already stored is left as it is."""
        ...

    def erase_evaluation(self, id_: str) -> bool:
        """Delete one result for good; whether it was there."""
        ...

    def caller_keys(self) -> list[CallerKey]:
        """The keys of the gateway's callers, revoked ones too, oldest first."""
        ...

    def save_caller_key(self, key: CallerKey) -> None:
        """Keep a key, in the place of the one with its id."""
        ...

    def spent_by(self, caller: str, since: datetime) -> tuple[Decimal, int]:
        """What the requests of a caller since a moment are known to have cost, in dollars, and how many of their
        calls have an unknown cost.

        Args:
            caller: as its key is named.
            since: when they were made.
        """
        ...


@runtime_checkable
class Store(Log, Learning, Questions, Kept, Protocol):
    """All of it, in one place. Safe to use from many threads at once."""

    @property
    def location(self) -> str:
        """Where the data lies, for people to read."""
        ...

    @property
    def read_only(self) -> bool:
        """Whether the store was opened for reading alone; then every change raises StoreReadOnlyError."""
        ...

    @property
    def last_change(self) -> StoreChange:
        """The last change that the store has acknowledged."""
        ...

    @property
    def missing_changes(self) -> Sequence[MissingChanges]:
        """Changes that were acknowledged once and are known to be missing; empty in a store that is whole.

        Raises:
            StoreDamagedError: numbers are missing from the middle.
            StoreIncompleteError: the store is read only, and changes are missing that it does not know of.
        """
        ...

    def backup(self, path: str | Path) -> Backup:
        """Copy the whole store as it is now into a new file, while it goes on being used.

        The copy is one moment's state, checked by counting its rows, readable by its owner alone, and appears
        under its name only once it is complete. It is a store like any other: to restore it, put it in the place
        of the old file.

        Args:
            path: the new file; its folder must be there.

        Raises:
            StoreError: something is already there, or the copy cannot be written.
        """
        ...

    def close(self) -> None:
        """Release the file. Using the store afterwards raises StoreError."""
        ...
