"""Between a store and an exported file: what to write down, and what to take over.

Does not cover the file's format (exports/) and screens.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from router_core.arguments import require_path
from router_core.errors import SettingsError
from router_core.exports import (
    Export,
    ImportFileError,
    Learned,
    Provenance,
    dump,
    load,
    only_known,
    resolved_prices,
)
from router_core.exports.contextual import packed, unpacked
from router_core.exports.learned import only_known_tasks
from router_core.exports.parsing import MAX_CHARACTERS
from router_core.learning.contextual.state import ContextualState
from router_core.money.budget import BudgetState
from router_core.money.pricing import PriceBook
from router_core.registry import BY_TASK
from router_core.routing.candidates import usual_costs
from router_core.routing.memory import Memory
from router_core.routing.spending import Spending
from router_core.settings import PriceSettings, Settings
from router_core.settings.endpoints import Endpoint, new_endpoints
from router_core.settings.environment import settings_file
from router_core.store.base import Store
from router_core.types import Evidence
from router_core.validation import shown, validated


@dataclass(frozen=True, slots=True)
class LearnedChange:
    """What is known of one model of a goal, before and after a file was taken over."""

    goal: str
    arm: str
    before: Evidence
    after: Evidence


@dataclass(frozen=True, slots=True)
class ContextualChange:
    """What the contextual router has learned in a goal, before and after a file was taken over, in words."""

    goal: str
    before: str
    after: str


def first_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """What is in force before anything is saved: the file that ROUTER_SETTINGS names, else the defaults.

    Raises:
        SettingsError: the file cannot be read, or is no settings document.
    """
    return settings_file(environ)[0]


def settings_of(store: Store, otherwise: Settings) -> Settings:
    """The newest settings saved in a store; those given, where nothing was saved.

    Raises:
        SettingsError: what was saved cannot be used by this code; says who saved it when, and what to do.
    """
    saved = store.current_settings()
    if saved is None:
        return otherwise
    try:
        return Settings.from_document(saved.document)
    except SettingsError as error:
        raise SettingsError(
            f"the settings that {saved.author} saved in {store.location} on {saved.created_at:%Y-%m-%d} cannot be"
            f" used: {error}; use the version of router-playground that saved them, or bring others in with:"
            " router-core import router.json"
        ) from None


def settings_in_force(store: Store | None) -> Settings:
    """The newest settings saved in a store, else those of ``first_settings``.

    Raises:
        SettingsError: they cannot be used, or their file cannot be read.
    """
    if store is not None and store.current_settings() is not None:
        return settings_of(store, Settings())
    return first_settings()


def export_of(
    store: Store,
    settings: Settings,
    note: str = "",
    memory: Memory | None = None,
    spending: Spending | None = None,
) -> Export:
    """Settings, prices and everything that was learned, as they are now.

    Args:
        store: where it was learned.
        settings: those in force.
        note: for the file.
        memory, spending: of a router at work, whose decisions are to be the same; by default what a router that
            began now would know.
    """
    goals = settings.goals
    learned = known_by_router(store, settings) if memory is None else memory.learned
    spending = spending or Spending(settings, store)
    outcomes = store.rows("extent", {})[0]["outcomes"]
    return Export(
        settings=settings,
        evidence=only_known(settings, {g: store.evidence(g, goals[g].teaching_rule()) for g in goals}),
        output_tokens=only_known(settings, {goal: store.output_tokens(goal) for goal in goals}),
        prices=resolved_prices(settings),
        created_at=datetime.now(UTC),
        provenance=Provenance.here(store.kind, outcomes, note),
        contextual={
            goal: packed(state, budget)
            for goal in goals
            if _is_any(state := learned(goal), budget := spending.state(goal))
        },
        tasks=only_known_tasks(
            settings, {g: store.evidence_by_task(g, goals[g].teaching_rule(BY_TASK.name)) for g in goals}
        ),
    )


def _is_any(state: ContextualState, budget: BudgetState) -> bool:
    """Whether something was learned or spent."""
    return bool(state.outcomes or state.gain is not None or budget.requests or budget.price)


def known_by_router(store: Store, settings: Settings) -> Callable[[str], ContextualState]:
    """Goal -> what the contextual router would know that began now."""
    return Memory(settings, store, usual_costs(settings), lambda: datetime.now(UTC), gains="never").learned


def text_of_file(path: str | Path, what: str = "the exported file") -> str:
    """The text of an exported file, or of a settings document.

    Raises:
        SettingsError: the file cannot be read, is no file, or larger than any export.
        ImportFileError: it is not UTF-8 text.
    """
    path = require_path("path", path)
    try:
        if not Path(path).is_file() and Path(path).exists():  # a folder, or a device that never ends
            raise SettingsError(f"{what} {path} is not a file; correct the path")
        with Path(path).open("rb") as opened:
            data = opened.read(4 * MAX_CHARACTERS + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL character
        why = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(f"{what} {path[:200]!r} cannot be read: {why}; correct the path") from None
    if len(data) > 4 * MAX_CHARACTERS:
        raise SettingsError(f"{what} {path} has more than {4 * MAX_CHARACTERS:,} bytes: this is not an export")
    return text_of_bytes(data)


def text_of_bytes(data: bytes) -> str:
    """The text of an exported file that is already in memory.

    Raises:
        ImportFileError: it is not UTF-8 text.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ImportFileError(
            f"the file is not text in UTF-8 (byte {error.start}), so it is not an export of router_core;"
            " choose the file that was exported"
        ) from None


def read_export(path: str | Path, *, trust_edited: bool = False) -> Export:
    """Read an exported file.

    Raises:
        SettingsError: the file cannot be read.
        ImportFileError: its content is broken, foreign, edited or too new.
    """
    return load(text_of_file(path), trust_edited=trust_edited)


def new_endpoints_here(wanted: Settings, now: Settings, environ: Mapping[str, str] = os.environ) -> list[Endpoint]:
    """The endpoints of settings from elsewhere that are neither in force nor in the file of ROUTER_SETTINGS."""
    try:
        return new_endpoints(wanted, now, first_settings(environ))
    except SettingsError:  # that file cannot be read, and so allows nothing
        return new_endpoints(wanted, now)


def require_endpoints(
    settings: Settings, path: str | Path, allowed: Mapping[str, str | None] | None, environ: Mapping[str, str]
) -> None:
    """Make sure that settings from a file send prompts and keys only where somebody here allowed it.

    Args:
        settings: those in the file.
        path: of the file, for the sentence.
        allowed: address -> variable that holds its key; None: no key.
        environ: where ROUTER_SETTINGS may name a file whose endpoints are allowed, too.

    Raises:
        SettingsError: names the endpoints that nobody allowed, and how to allow them.
    """
    if allowed is not None and not isinstance(allowed, Mapping):
        raise SettingsError(
            f"allow_endpoints is {shown(allowed)}; give address -> variable that holds its key (or None), as"
            " in {'http://127.0.0.1:11434/v1': None}"
        )
    if not new_endpoints(settings, Settings(), allowed=allowed):
        return
    unknown = new_endpoints(settings, Settings(), first_settings(environ), allowed=allowed)
    if unknown:
        named = "; ".join(one.in_words() for one in unknown)
        word = {**(allowed or {}), **{one.base_url: one.api_key_env for one in unknown}}
        raise SettingsError(
            f"{path} would send prompts where nobody here allowed it ({named}). If you trust that, pass"
            f" allow_endpoints={word} to Router.from_settings, or name them in the file of ROUTER_SETTINGS"
        )


def settings_in(export: Export) -> Settings:
    """The settings of an export, with prices of one's own wherever the price book here says something else than
    the file: the same prices, so the same decisions. A price that was unknown there stays the book's.
    """  # fmt: skip
    settings = export.settings
    here = PriceBook.of(settings)
    other = {model: price for model, price in export.prices.items() if price and price != here.price(model)}
    if not other:
        return settings
    own = {model: validated(PriceSettings, asdict(price)) for model, price in other.items()}
    return settings.model_copy(update={"prices": {**settings.prices, **own}})


def learned_changes(store: Store, settings: Settings, learned: Learned) -> list[LearnedChange]:
    """What taking over would change, model by model, in the goals that both have.

    Args:
        store: where it would be taken over.
        settings: those in force afterwards.
        learned: what the file has.
    """
    found = []
    for goal, chosen in ((name, one) for name, one in settings.goals.items() if name in learned.evidence):
        now, then = store.evidence(goal, chosen.teaching_rule()), learned.evidence[goal]
        found += [
            LearnedChange(goal, arm.id, now.get(arm.id, Evidence()), then.get(arm.id, Evidence()))
            for arm in chosen.arms
        ]
    return [one for one in found if one.before != one.after]


def contextual_changes(
    known: Callable[[str], ContextualState], settings: Settings, learned: Learned
) -> list[ContextualChange]:
    """What taking over would change for the contextual router, in the goals of which the file tells.

    Args:
        known: goal -> what it has learned here (``Memory.learned``).
        settings: those in force now.
        learned: what the file has.

    Raises:
        ImportFileError: it cannot be read.
    """
    found = []
    for goal, (then, _) in unpacked(learned.contextual).items():
        now = known(goal) if goal in settings.goals else ContextualState()
        if now.name == then.name and (not now.outcomes or now.document() == then.document()):
            continue
        before, after = _in_words(now), _in_words(then)
        found.append(ContextualChange(goal, before, after if after != before else f"{after}, others"))
    return found


def _in_words(state: ContextualState) -> str:
    ratings = f"{state.outcomes:,} rating{'s' * (state.outcomes != 1)}"
    return ratings if state.gain is None else f"{ratings}, the words of {state.gain.texts:,} prompts"


def goals_of(settings: Settings, learned: Learned) -> list[str]:
    """The goals that take something over."""
    return [goal for goal in settings.goals if goal in learned.evidence or goal in learned.contextual]


def mark(export: Export) -> str:
    """A name for exactly this export, under which its import is logged."""
    return f"router.json {hashlib.sha256(dump(export).encode()).hexdigest()[:16]}"


def take_over(store: Store, export: Export, goals: Sequence[str] | None = None) -> None:
    """Begin again, in these goals (default: all of the export), from what the export has learned."""
    take_over_learned(store, export.learned, goals or list(export.settings.goals), mark(export))


def whoami() -> str:
    """Who runs this process; where the machine has no name for that user, as in many containers, the number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "somebody"


def take_over_learned(store: Store, learned: Learned, goals: Sequence[str], note: str = "") -> None:
    """Begin again, in these goals, from what was learned elsewhere; each is a logged event that can be undone."""
    contextual = unpacked({goal: learned.contextual[goal] for goal in goals if goal in learned.contextual})
    for goal in goals:
        now = datetime.now(UTC)
        base = ""
        if goal in contextual:
            state, budget = contextual[goal]
            gain = state.gain
            if gain is not None or store.gain_version(goal):
                told = "null" if gain is None else json.dumps(gain.document())
                store.save_gain(goal, "" if gain is None else gain.version, "import", told, at=now)
            base = json.dumps(
                {
                    "state": replace(state, gain=None).document(),
                    "budget": asdict(budget),
                    "day": learned.created_at.astimezone(UTC).date().isoformat(),
                    "at": now.isoformat(),
                }
            )
        store.import_learning(
            goal,
            learned.evidence.get(goal, {}),
            learned.output_tokens.get(goal, {}),
            at=now,
            author=whoami(),
            note=note or f"learned until {learned.created_at:%Y-%m-%d %H:%M} UTC",
            contextual=base,
            tasks=learned.tasks.get(goal, {}),
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
