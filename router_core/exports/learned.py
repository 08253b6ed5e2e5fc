"""What a router has learned, as a part of a file: outcomes and lengths of answers, per goal and model.

Does not cover posteriors: they are the settings' prior and these counts, so that a changed prior changes them.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from router_core.errors import SettingsError, UnknownArmError
from router_core.exports.contextual import unpacked
from router_core.exports.parsing import ImportFileError
from router_core.registry import CONTEXTUAL
from router_core.settings import Settings
from router_core.types import MICRO, ByTask, Evidence, OutputTokens, StoreKind
from router_core.validation import shown

ByArm = TypeVar("ByArm")
Read = TypeVar("Read", bound=BaseModel)

_Count = Annotated[int, Field(ge=0, le=10**12)]
_Micro = Annotated[int, Field(ge=0, le=10**18)]
_LONGEST_ANSWER = 10**8  # tokens


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a file comes from: versions, the kind of store (None: not recorded), how many outcomes it had."""

    router_core: str
    python: str
    store: StoreKind | None
    outcomes: int
    note: str = ""

    @classmethod
    def here(cls, store: StoreKind, outcomes: int, note: str = "") -> Provenance:
        """The provenance of a file that this process writes."""
        from router_core import __version__

        return cls(__version__, platform.python_version(), store, outcomes, note)


@dataclass(frozen=True, slots=True)
class Learned:
    """Goal -> arm id -> outcomes and output tokens so far, which is what Thompson sampling knows; and goal -> what
    the contextual router knows, packed (exports/contextual.py). ``tasks``: goal -> task type -> arm id ->
    outcomes, which is what By task knows.
    """  # fmt: skip

    evidence: Mapping[str, Mapping[str, Evidence]]
    output_tokens: Mapping[str, Mapping[str, OutputTokens]]
    created_at: datetime
    provenance: Provenance = field(hash=False)
    contextual: Mapping[str, str] = field(default_factory=dict, hash=False)
    tasks: Mapping[str, ByTask] = field(default_factory=dict, hash=False)


def only_known(settings: Settings, by_goal: Mapping[str, Mapping[str, ByArm]]) -> dict[str, dict[str, ByArm]]:
    """The entries whose goal and arm the settings have: a store also remembers models that were taken out."""
    known = {name: {arm.id for arm in goal.arms} for name, goal in settings.goals.items()}
    return {
        goal: {arm: value for arm, value in arms.items() if arm in known[goal]}
        for goal, arms in by_goal.items()
        if goal in known
    }


def only_known_tasks(settings: Settings, by_goal: Mapping[str, ByTask]) -> dict[str, ByTask]:
    """The same of outcomes by task type; goals without any are absent."""
    found: dict[str, ByTask] = {}
    for goal, tasks in by_goal.items():
        kept = {task: only_known(settings, {goal: arms}).get(goal, {}) for task, arms in tasks.items()}
        if kept := {task: dict(arms) for task, arms in kept.items() if arms}:
            found[goal] = kept
    return found


def require_known(settings: Settings, by_goal: Mapping[str, Mapping[str, Any]], part: str) -> None:
    """Check that every goal and arm is one of the settings.

    Raises:
        UnknownArmError: names the goal or the arm, and those that there are.
    """
    for goal, arms in by_goal.items():
        if goal not in settings.goals:
            raise UnknownArmError(
                f"{part} has the goal {goal!r}, which the settings do not have; they have {sorted(settings.goals)}"
            )
        known = [arm.id for arm in settings.goals[goal].arms]
        for arm in arms:
            if arm not in known:
                raise UnknownArmError(
                    f"{part} has {arm!r}, which is not a model of goal {goal!r}; its models: {known}"
                )


def counts(by_goal: Mapping[str, Mapping[str, Evidence]]) -> dict[str, dict[str, dict[str, int]]]:
    """Evidence as plain data."""
    return {
        goal: {arm: {"count": e.count, "reward_micro": e.reward_micro} for arm, e in arms.items()}
        for goal, arms in by_goal.items()
    }


def lengths(by_goal: Mapping[str, Mapping[str, OutputTokens]]) -> dict[str, dict[str, dict[str, int]]]:
    """Output tokens as plain data."""
    return {
        goal: {arm: {"count": o.count, "total": o.total} for arm, o in arms.items()}
        for goal, arms in by_goal.items()
    }


def origins(provenance: Provenance) -> dict[str, Any]:
    """Provenance as plain data."""
    return {
        "router_core": provenance.router_core,
        "python": provenance.python,
        "store": provenance.store,
        "outcomes": provenance.outcomes,
        "note": provenance.note,
    }


def utc_text(moment: datetime) -> str:
    """A time as ISO 8601 text in UTC.

    Raises:
        SettingsError: the time has no time zone.
    """
    if moment.tzinfo is None:
        raise SettingsError(f"created_at is {moment.isoformat()}, without a time zone; give one, such as UTC")
    return moment.astimezone(UTC).isoformat()


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError("must be a time in ISO 8601, such as 2026-01-31T12:00:00+00:00") from None
    if moment.tzinfo is None:
        raise ValueError("must name its time zone, such as 2026-01-31T12:00:00+00:00")
    return moment.astimezone(UTC)


class Part(BaseModel):
    """Base of what a file declares: no names beyond the declared ones, no conversion of types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class EvidencePart(Part):
    """Outcomes of one arm; the sum of their rewards, in millionths, is at most one each."""

    count: _Count
    reward_micro: _Micro

    @model_validator(mode="after")
    def _possible(self) -> EvidencePart:
        if self.reward_micro > self.count * MICRO:
            raise ValueError(
                f"reward_micro is {self.reward_micro}; {self.count} outcomes have at most {self.count * MICRO}"
            )
        return self


class OutputTokensPart(Part):
    """Output tokens of one arm."""

    count: _Count
    total: _Micro

    @model_validator(mode="after")
    def _possible(self) -> OutputTokensPart:
        if self.total > self.count * _LONGEST_ANSWER:
            raise ValueError(
                f"total is {self.total}; {self.count} answers have at most {_LONGEST_ANSWER:,} tokens each"
            )
        return self


class ProvenancePart(Part):
    """Where the file comes from."""

    router_core: str
    python: str
    store: StoreKind | None
    outcomes: _Count
    note: str


class LearnedPart(Part):
    """What both kinds of file have."""

    created_at: Annotated[datetime, BeforeValidator(_moment)]
    provenance: ProvenancePart
    evidence: dict[str, dict[str, EvidencePart]]
    output_tokens: dict[str, dict[str, OutputTokensPart]]
    contextual: dict[str, str] = Field(default_factory=dict)
    tasks: dict[str, dict[str, dict[str, EvidencePart]]] = Field(default_factory=dict)

    def learned(self, settings: Settings) -> Learned:
        """The values, checked against the settings that are to use them.

        Raises:
            ImportFileError: a goal or an arm that the settings do not have.
        """
        try:
            require_known(settings, self.evidence, "evidence")
            require_known(settings, self.output_tokens, "output_tokens")
            require_known(settings, {goal: {} for goal in self.contextual}, CONTEXTUAL.name)
            for goal, tasks in self.tasks.items():
                for arms in tasks.values():
                    require_known(settings, {goal: arms}, "tasks")
        except UnknownArmError as error:
            raise ImportFileError(f"{error}; add it to the settings or take it out of the file") from None
        unpacked(self.contextual)
        return Learned(
            {goal: _evidence(arms) for goal, arms in self.evidence.items()},
            {
                goal: {arm: OutputTokens(part.count, part.total) for arm, part in arms.items()}
                for goal, arms in self.output_tokens.items()
            },
            self.created_at,
            Provenance(**self.provenance.model_dump()),
            self.contextual,
            {goal: {task: _evidence(arms) for task, arms in tasks.items()} for goal, tasks in self.tasks.items()},
        )


def _evidence(arms: Mapping[str, EvidencePart]) -> dict[str, Evidence]:
    return {arm: Evidence(part.count, part.reward_micro) for arm, part in arms.items()}


def read(declaration: type[Read], document: Mapping[str, Any]) -> Read:
    """Validate plain data against what a file declares.

    Raises:
        ImportFileError: names the place, the value and what is allowed.
    """
    try:
        return declaration.model_validate(document)
    except ValidationError as error:
        raise ImportFileError(_sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        return f"{place} is not part of this file's format; take it out or correct its spelling{more}"
    if first["type"] == "missing":
        return f"{place} is missing from the file; export it anew{more}"
    value = first.get("input")
    got = "" if isinstance(value, Mapping) else f" (got {shown(value)})"
    return f"{place}: {first['msg'].removeprefix('Value error, ')}{got}{more}"
