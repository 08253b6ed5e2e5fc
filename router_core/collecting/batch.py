"""One batch: what is asked of whom, and the folder that holds its prompts until it is over.

The log holds what came of it; the folder is only needed to go on after a pause or a crash. It stands beside the
store and is readable by its owner alone.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from router_core.errors import ArgumentError, RouterError
from router_core.settings import GoalSettings
from router_core.store.base import Store
from router_core.store.private import make_folder, open_private
from router_core.validation import shown

PROMPTS: Final = "prompts.jsonl"
_DEFINITION: Final = "batch.json"
BATCH: Final = "batch"
"""The name under which a batch's id stands among the metadata of its prompts."""
REFERENCE: Final = "reference"
"""The name under which a prompt's reference answer stands there, where it is short enough."""
MOST_TOKENS: Final = 1_024
"""Output tokens that an answer may have, unless a batch says otherwise."""


class BatchError(RouterError):
    """A batch cannot be begun or gone on with; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is asked of whom.

    Args:
        id: a UUID (version 7): its prompts sort by the time at which it began.
        file: the name of the file with the prompts, for people.
        goal: the use case whose models are asked.
        arms: ids of the models; every one answers every prompt.
        prompts: how many there are.
        check: what makes an answer right (outcomes/checks.py); "": nothing does yet.
        limit_usd: dollars that are never exceeded; None: no limit.
        max_tokens: output tokens that one answer may have.
        at_once: calls at the same time to one provider, at most.
        per_minute: calls a minute to one provider, at most; None: no limit.
        unpriced: whether models whose price is unknown may be asked: the limit cannot hold their cost.
        notes: sentences about what was read from the file.
        created_at: when it was made.
    """

    id: str
    file: str
    goal: str
    arms: tuple[str, ...]
    prompts: int
    check: str = ""
    limit_usd: Decimal | None = None
    max_tokens: int = MOST_TOKENS
    at_once: int = 16
    per_minute: int | None = None
    unpriced: bool = False
    notes: tuple[str, ...] = ()
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        if not self.arms or len(set(self.arms)) != len(self.arms):
            raise BatchError(f"the models are {shown(self.arms)}; name each model once, and at least one")
        for name in ("prompts", "max_tokens", "at_once"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise BatchError(f"{name} is {value!r}; give a whole number above 0")
        if self.per_minute is not None and (type(self.per_minute) is not int or self.per_minute < 1):
            raise BatchError(f"per_minute is {self.per_minute!r}; give a whole number above 0, or None")
        if self.limit_usd is not None and not (self.limit_usd.is_finite() and self.limit_usd > 0):
            raise BatchError(f"limit_usd is {self.limit_usd}; give dollars above 0, or None for no limit")

    @property
    def calls(self) -> int:
        """How many answers it wants."""
        return self.prompts * len(self.arms)

    def prompt_id(self, row: int) -> str:
        """The id of the prompt in a row of the file: always the same, so that who goes on finds what was asked."""
        given = hashlib.blake2b(f"{self.id} {row}".encode(), digest_size=10).digest()
        number = (UUID(self.id).int >> 80) << 80 | int.from_bytes(given)
        number = number & ~(0xF << 76) | 7 << 76  # the version
        return str(UUID(int=number & ~(3 << 62) | 2 << 62))  # the variant


def folder_of(store: Store) -> Path:
    """Where the batches of a store are; those of one in memory, in the folder for temporary files."""
    if store.location == ":memory:":
        return Path(tempfile.gettempdir()) / f"router-batches-{id(store)}"
    path = Path(store.location)
    return path.with_name(f"{path.name}.batches")


def begin(store: Store, id_: str) -> Path:
    """A new folder for one batch.

    Raises:
        BatchError: it cannot be made.
    """
    folder = folder_of(store) / id_
    try:
        make_folder(folder)
    except OSError as error:
        raise BatchError(f"{folder} cannot be made ({error.strerror}); make room, or mend its folder") from None
    return folder


def save(folder: Path, batch: Batch) -> None:
    """Keep what the batch is; whole, or not at all."""
    document = {
        **asdict(batch),
        "limit_usd": None if batch.limit_usd is None else str(batch.limit_usd),
        "created_at": batch.created_at.isoformat(),
    }
    half = folder / f"{_DEFINITION}.new"
    try:
        with open_private(half) as out:
            out.write(json.dumps(document).encode())
        half.replace(folder / _DEFINITION)
    except OSError as error:
        raise BatchError(f"{folder} cannot be written ({error.strerror}); make room on the disk") from None


def saved(store: Store, id_: str) -> Batch:
    """A batch that is not over.

    Raises:
        BatchError: there is none of that id, or its folder is broken.
    """
    try:
        known = str(UUID(id_))
    except (ValueError, AttributeError, TypeError):
        raise BatchError(f"{shown(id_)} is not the id of a batch; router-core batches lists them") from None
    place = folder_of(store) / known / _DEFINITION
    try:
        return _read(json.loads(place.read_bytes()))
    except FileNotFoundError:
        raise BatchError(
            f"no batch {known} is open in {store.location}; router-core batches lists those that are"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, ArgumentError, InvalidOperation) as error:
        raise BatchError(f"{place} cannot be read ({str(error)[:100]}); begin a new batch") from None


def open_batches(store: Store) -> list[Batch]:
    """The batches that are not over, newest first; broken ones are left out."""
    found = []
    folder = folder_of(store)
    names = sorted((one.name for one in folder.iterdir()), reverse=True) if folder.is_dir() else []
    for name in names:
        try:
            found.append(saved(store, name))
        except BatchError:
            continue
    return found


def forget(store: Store, id_: str) -> None:
    """End a batch for good: its prompts are deleted from its folder. What was answered stays in the log."""
    batch = saved(store, id_)
    folder = folder_of(store)
    shutil.rmtree(folder / batch.id, ignore_errors=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def prompts_of(store: Store, batch: Batch) -> Path:
    """The file with its prompts."""
    return folder_of(store) / batch.id / PROMPTS


def arms_of(goal: GoalSettings, names: tuple[str, ...]) -> tuple[str, ...]:
    """The ids of the models that are meant, by id, model, or name without the provider; none named: all of them.

    Raises:
        BatchError: the goal has no such model, or several.
    """
    every = [arm.id for arm in goal.arms]
    if not names:
        return tuple(every)
    found = []
    for name in names:
        fits = [arm.id for arm in goal.arms if name in (arm.id, arm.model, arm.model.partition("/")[2])]
        if name in every:
            fits = [name]
        if len(fits) != 1:
            many = "several models" if fits else "no model"
            raise BatchError(f"{shown(name)} is {many} of this goal; its models are {', '.join(every)}")
        found += fits
    return tuple(dict.fromkeys(found))


def _read(document: dict[str, Any]) -> Batch:
    limit = document["limit_usd"]
    return Batch(
        **{
            **document,
            "arms": tuple(document["arms"]),
            "notes": tuple(document["notes"]),
            "limit_usd": None if limit is None else Decimal(limit),
            "created_at": datetime.fromisoformat(document["created_at"]),
        }
    )
