"""A new batch out of a file of prompts: read, checked and kept, before anything is asked."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import uuid_utils

from router_core.collecting.batch import PROMPTS, Batch, BatchError, arms_of, begin, save
from router_core.collecting.prompts import Contents, read_prompts
from router_core.evaluation.files.encodings import Encoding
from router_core.evaluation.progress import Progress
from router_core.outcomes.checks import check_of
from router_core.settings import Settings
from router_core.store.base import Store


def prepare(
    settings: Settings,
    store: Store,
    source: str | Path | bytes,
    *,
    name: str | None = None,
    goal: str = "default",
    models: tuple[str, ...] = (),
    said: Mapping[str, str] | None = None,
    encoding: Encoding = "utf-8",
    sample: int | None = None,
    seed: int = 0,
    check: str = "",
    progress: Progress | None = None,
    **more: Any,
) -> tuple[Batch, Contents]:
    """Read the file and keep its prompts; where anything is wrong nothing is kept.

    Args:
        settings, store: in force, and where the batch will be logged.
        source, name, said, encoding, sample, seed, progress: as for ``read_prompts``.
        goal, models: who is asked; no models: all of the goal.
        check: see outcomes/checks.py; "": none.
        more: limits, as of ``Batch``.

    Raises:
        BatchError, ConditionError, SettingsError: what is asked for does not fit.
        DataFileError, ArgumentError, WrongEncodingError: the file does not.
    """
    arms = arms_of(settings.goal(goal), models)
    needs_reference = bool(check) and check_of(check).needs_reference
    id_ = str(uuid_utils.uuid7())
    folder = begin(store, id_)
    called = name or (source.name if isinstance(source, Path) else Path(str(source)).name)
    try:
        contents = read_prompts(
            source,
            folder / PROMPTS,
            name=name,
            said=dict(said or {}),
            encoding=encoding,
            sample=sample,
            seed=seed,
            progress=progress,
        )
        if needs_reference and not contents.referenced:
            raise BatchError(
                f"the check {check} needs reference answers, and {called} has none; name the column that holds"
                " them, as in reference=Answer"
            )
        batch = Batch(id_, called, goal, arms, contents.prompts, check, notes=contents.notes, **more)
        save(folder, batch)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return batch, contents


def dollars_said(text: str | None) -> Decimal | None:
    """A limit in dollars as a person writes it; None, "" and "none" are no limit.

    Raises:
        BatchError: it is no number above 0.
    """
    if text is None or text.strip().lower() in ("", "none"):
        return None
    try:
        found = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        found = Decimal(0)
    if not (found.is_finite() and found > 0):
        raise BatchError(f"the limit {text[:40]!r} is not an amount of dollars above 0; write for example 2.50")
    return found
