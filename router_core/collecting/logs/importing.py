"""A log of another tool into the store: decisions of the origin "imported", without propensities.

A call has the same ids whenever it is imported, so that importing a file twice changes nothing. Where texts are
not to be kept, fingerprints stand for them. What the log does not say stays unknown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from router_core.collecting.judging import REFERENCE
from router_core.collecting.logs.call import LoggedCall
from router_core.collecting.logs.reading import ReadLog
from router_core.errors import PromptError, SettingsError
from router_core.features import checked_messages, context, fingerprint
from router_core.noted import MOST_VALUE, SESSION, marked
from router_core.settings import GoalSettings, Settings
from router_core.store.base import Batch, Store
from router_core.types import (
    IMPORTED,
    Completion,
    Context,
    Decision,
    OutcomeRecord,
    Prompt,
    Reason,
    Usage,
)
from router_core.validation import KEY_SHAPE

_BATCH: Final = 500
_MOST_WORDS: Final = 2_000  # characters of a comment
_SOURCE: Final = "log"
"""What a prompt's metadata calls the tool that logged it."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What was taken over. ``prompts`` may be fewer than ``calls``: several models answered some."""

    calls: int
    prompts: int
    ratings: int


def arms_for(log: ReadLog, goal: GoalSettings, said: Mapping[str, str] | None = None) -> dict[str, str]:
    """Model of the log -> the goal's model that it is, or its own name where it is none of them.

    Args:
        log: the log.
        goal: whose models.
        said: what the person says, model of the log -> model of the goal (or any name); counts first.

    Raises:
        SettingsError: ``said`` names a model that the log does not have.
    """
    said = dict(said or {})
    strangers = [name for name in said if name not in log.models]
    if strangers:
        raise SettingsError(f"the log has no model {strangers[0]!r}; its models are: {', '.join(log.models)}")
    return {model: said.get(model) or _arm(model, goal) for model in log.models}


def import_log(
    store: Store,
    settings: Settings,
    log: ReadLog,
    goal: str,
    arms: Mapping[str, str],
    *,
    progress: Callable[[int], None] = lambda calls: None,
) -> Imported:
    """Take the calls of a log over; those that are there already are left as they are.

    Args:
        store: where to.
        settings: whether texts are kept, and which goals there are.
        log: what ``read_log`` gave.
        goal: its kind of traffic.
        arms: as of ``arms_for``.
        progress: is told how many calls are stored.

    Raises:
        SettingsError: there is no such goal.
        StoreError: a part cannot be stored; the parts before it were.
    """
    models = {arm.id: arm.model for arm in settings.goal(goal).arms}
    taking = _Taking(settings, log.format, goal, arms, models)
    ratings = 0
    prompts: set[str] = set()
    done = 0
    for group in _grouped(log.calls):
        batch = taking.batch(group)
        store.write(batch)
        prompts.update(one.id for one in batch.prompts)
        ratings += len(batch.outcomes)
        done += len(group)
        progress(done)
    return Imported(len(log.calls), len(prompts), ratings)


def _arm(model: str, goal: GoalSettings) -> str:
    """The goal's model of this name, with or without its provider (``openai:chat:gpt-4o``, as promptfoo says)."""
    last = model.replace(":", "/").rpartition("/")[2]
    for arm in goal.arms:
        if model in (arm.id, arm.model) or last == arm.model.rpartition("/")[2]:
            return arm.id
    return model


def _grouped(calls: Sequence[LoggedCall]) -> Iterator[list[LoggedCall]]:
    """The calls in the order of time, in parts; those of one prompt stay together."""
    by_group: dict[str, list[LoggedCall]] = {}
    for one in sorted(calls, key=lambda one: (one.at or _NEVER, one.id)):
        by_group.setdefault((one.group and f"group {one.group}") or f"call {one.id}", []).append(one)
    part: list[LoggedCall] = []
    for group in by_group.values():
        part += group
        if len(part) >= _BATCH:
            yield part
            part = []
    if part:
        yield part


_NEVER: Final = datetime(1971, 1, 1, tzinfo=UTC)


class _Taking:
    """Makes rows of calls."""

    def __init__(
        self, settings: Settings, format_: str, goal: str, arms: Mapping[str, str], models: Mapping[str, str]
    ) -> None:
        self._full = settings.privacy.keep_texts == "full"
        self._version = settings.version
        self._longest = settings.calls.max_prompt_characters
        self._format, self._goal, self._arms, self._models = format_, goal, arms, models
        self._now = datetime.now(UTC)

    def batch(self, calls: Sequence[LoggedCall]) -> Batch:
        """The rows of some calls, those of one prompt among them."""
        prompts: dict[str, Prompt] = {}
        decisions: list[Decision] = []
        completions: list[Completion] = []
        outcomes: list[OutcomeRecord] = []
        models = _models_by_prompt(calls)
        for one in calls:
            at = one.at or self._now
            key = one.group or one.id
            prompt_id = self._id("prompt", key, None if one.group else one.at)  # of a group in any file the same
            asked = self._checked(one)
            if prompt_id not in prompts:
                prompts[prompt_id] = self._prompt(prompt_id, one, asked, at, len(models[key]) > 1)
            decision = self._decision(one, prompts[prompt_id], asked, at)
            decisions.append(decision)
            completions.append(self._completion(one, decision, at))
            outcomes += self._outcomes(one, decision, at)
        return Batch(list(prompts.values()), decisions, completions, outcomes)

    def _checked(self, one: LoggedCall) -> tuple[Mapping[str, object], ...] | None:
        """Its messages, where they are some that a model can be sent."""
        if one.messages is None:
            return None
        try:
            return checked_messages(one.messages, self._longest)
        except PromptError:
            return None

    def _prompt(
        self,
        id_: str,
        one: LoggedCall,
        asked: tuple[Mapping[str, object], ...] | None,
        at: datetime,
        several: bool,
    ) -> Prompt:
        noted = {_SOURCE: self._format, SESSION: one.session, REFERENCE: one.reference}
        kept = {name: text for name, text in noted.items() if _notable(text)}
        sha256 = hashlib.sha256(f"{self._format}|{one.id}".encode()).hexdigest()
        return Prompt(
            id=id_,
            created_at=at,
            goal=self._goal,
            origin=IMPORTED,
            task_type=None,
            messages=asked if self._full else None,
            sha256=sha256 if asked is None else fingerprint(asked),
            run_all=several,
            metadata=kept if self._full else marked(kept),
        )

    def _decision(
        self, one: LoggedCall, prompt: Prompt, asked: tuple[Mapping[str, object], ...] | None, at: datetime
    ) -> Decision:
        arm = self._arms[one.model]
        tokens = one.input_tokens or 0
        seen = Context(self._goal, "", None, 0, 0, tokens) if asked is None else context(asked, self._goal)
        if not self._full:
            seen = Context(seen.goal, "", None, seen.words, seen.characters, seen.input_tokens)
        return Decision(
            id=self._id("decision", one.id, one.at),
            prompt_id=prompt.id,
            created_at=at,
            goal=self._goal,
            policy=IMPORTED,
            policy_version="",
            context=seen,
            arms=(arm,),
            probabilities=(1.0,),
            chosen=arm,
            seed=0,
            reason=Reason(f"logged by another tool ({self._format})"),
            expected_cost_usd=(None,),
            decision_cost_usd=Decimal(0),
            decision_ms=0.0,
            origin=IMPORTED,
            completion_id=self._id("answer", one.id, one.at),
            settings_version=self._version,
        )

    def _completion(self, one: LoggedCall, decision: Decision, at: datetime) -> Completion:
        known = one.input_tokens is not None and one.output_tokens is not None
        error = one.error if self._full or one.error is None else "it failed"
        return Completion(
            id=decision.completion_id,
            prompt_id=decision.prompt_id,
            created_at=at,
            goal=self._goal,
            arm=decision.chosen,
            model=self._models.get(decision.chosen, one.model),
            text=one.text if self._full else None,
            finish_reason=one.finish_reason or ("not given" if one.error is None else None),
            usage=Usage(one.input_tokens or 0, one.output_tokens or 0, one.cached_tokens) if known else None,
            cost_usd=one.cost_usd,
            price=None,
            first_token_ms=one.first_token_ms,
            total_ms=one.total_ms,
            error=error,
        )

    def _outcomes(self, one: LoggedCall, decision: Decision, at: datetime) -> Iterator[OutcomeRecord]:
        for place, said in enumerate(one.ratings):
            yield OutcomeRecord(
                id=self._id(f"rating {place}", one.id, one.at),
                completion_id=decision.completion_id,
                source=said.source,
                reward=said.reward,
                created_at=at,
                comment=said.comment[:_MOST_WORDS] if self._full else "",
                who=said.who,
            )

    def _id(self, kind: str, key: str, at: datetime | None) -> str:
        """Always the same for the same call: a UUID of version 7 whose random part is a hash. Calls of which
        nobody knows when they were come before all others.
        """  # fmt: skip
        digest = hashlib.blake2b(f"{self._format}|{self._goal}|{kind}|{key}".encode(), digest_size=10).digest()
        stamp = int((at or _NEVER).timestamp() * 1000).to_bytes(6, "big")
        return str(_version_7(stamp + digest))


def _version_7(raw: bytes) -> UUID:
    whole = bytearray(raw)
    whole[6] = 0x70 | whole[6] & 0x0F
    whole[8] = 0x80 | whole[8] & 0x3F
    return UUID(bytes=bytes(whole))


def _models_by_prompt(calls: Sequence[LoggedCall]) -> dict[str, set[str]]:
    """Group, or id of a call that stands alone -> the models that answered."""
    models: dict[str, set[str]] = {}
    for one in calls:
        models.setdefault(one.group or one.id, set()).add(one.model)
    return models


def _notable(text: str) -> bool:
    return bool(text) and len(text) <= MOST_VALUE and not KEY_SHAPE.search(text)
