"""Between a store and an exported file: what to write down, and what to take over.

Leaves out the file's format (exports/) and screens.
"""

from __future__ import annotations

import getpass
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from router_core.errors import SettingsError
from router_core.exports import Export, Provenance, dump, load, only_known, resolved_prices
from router_core.settings import Settings
from router_core.store.base import Store


def export_of(store: Store, settings: Settings, note: str = "") -> Export:
    """Settings, prices and everything that was learned, as they are now."""
    goals = settings.goals
    outcomes = int(store.table("extent", {}).iloc[0]["outcomes"])
    return Export(
        settings=settings,
        evidence=only_known(settings, {g: store.evidence(g, goals[g].teaching_rule()) for g in goals}),
        output_tokens=only_known(settings, {goal: store.output_tokens(goal) for goal in goals}),
        prices=resolved_prices(settings),
        created_at=datetime.now(UTC),
        provenance=Provenance.here(store.kind, outcomes, note),
    )


def read_export(path: str | Path, *, trust_edited: bool = False) -> Export:
    """Read an exported file.

    Raises:
        SettingsError: the file cannot be read.
        ImportFileError: its content is broken, foreign, edited or too new.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the exported file {path} cannot be read: {error}; correct the path") from None
    return load(text, trust_edited=trust_edited)


def mark(export: Export) -> str:
    """A name for exactly this export, under which its import is logged."""
    return f"router.json {hashlib.sha256(dump(export).encode()).hexdigest()[:16]}"


def take_over(store: Store, export: Export, goals: Sequence[str] | None = None) -> None:
    """Begin again, in these goals (default: all of the export), from what the export has learned."""
    for goal in goals or list(export.settings.goals):
        store.import_learning(
            goal,
            export.evidence.get(goal, {}),
            export.output_tokens.get(goal, {}),
            at=datetime.now(UTC),
            author=getpass.getuser(),
            note=mark(export),
        )


def adopt(store: Store, export: Export, goal: str) -> None:
    """Take over what an export has learned, unless this store has done so before.

    Raises:
        SettingsError: the store has learned something else already.
    """
    taken = [event.note for event in store.learning_events(goal) if event.kind == "import"]
    if taken and taken[-1] == mark(export):
        return
    rule = export.settings.goal(goal).teaching_rule()
    if taken or store.evidence(goal, rule):
        raise SettingsError(
            f"the store {store.location} has learned about goal {goal!r} already, and not from this file;"
            " give the router a store of its own (ROUTER_STORE), or import the file with: router-core import"
        )
    take_over(store, export, [goal])
