"""What is wrong with a machine: versions, store, settings, keys, reachability, prices, models.

Each check says what it found, with the remedy where something is wrong.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Final

from router_core.errors import RouterError
from router_core.models.calls import Models
from router_core.models.reaching import try_model, unreachable
from router_core.money.pricing import PriceBook
from router_core.settings import ProviderSettings, Settings
from router_core.settings.environment import may_hold_key, why_no_key
from router_core.shell.extras import EXTRAS
from router_core.store import store_path
from router_core.store.base import MissingChanges, Search, Store
from router_core.store.private import readable_by_others
from router_core.types import StoreKind

_PROJECT: Final = "router-playground"
_NEED: Final = re.compile(r"""^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?>=([0-9.]+)(?:; extra == ["'](\w+)["'])?$""")
_SHOWN: Final = ("duckdb", "openai", "streamlit", "numpy", "scipy", "genai-prices")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: whether it is as it should be, and what was found (with the remedy if not)."""

    name: str
    fine: bool
    found: str


def examine(
    place: str | None,
    kind: StoreKind,
    settings_of: Callable[[Store | None], Settings],
    opened: Callable[[], AbstractContextManager[Store]],
    *,
    call: bool = False,
    network: bool = True,
) -> Iterator[Check]:
    """Look at everything, one check after the other; no store is made where there is none.

    Args:
        place: the store's place, as for ``open_store``.
        kind: which of the two stores.
        settings_of: the settings that are in force for a store, or without one.
        opened: opens the store at that place.
        call: also ask each model for one word.
        network: whether to ask if providers can be reached.
    """
    yield _versions()
    with ExitStack() as closing:
        try:
            path = store_path(place, kind=kind)
            store = closing.enter_context(opened()) if path is None or path.exists() else None
        except RouterError as error:
            yield Check("store", False, str(error))
            return
        yield _room(path) if store is None else _held(store)
        try:
            settings = settings_of(store)
        except RouterError as error:
            yield Check("settings", False, str(error))
            return
        yield Check("settings", True, f"version {settings.version}, goals {', '.join(settings.goals)}")
        if store is not None:
            yield _changes(store)
            yield from _log(store, settings)
    yield from _models(settings, kind == "simulated", call, network)


def _held(store: Store) -> Check:
    """What is in the store, and who may read it."""
    held = store.rows("extent", {})[0]
    only = ", for reading only" if store.read_only else ""
    counts = f"{held['prompts']:,} prompts, {held['outcomes']:,} outcomes"
    found = f"{store.location}, {store.kind}{only}: {counts}"
    if readable_by_others(store.location):
        return Check("store", False, f"{found}; others on this machine may read it: chmod 600 {store.location}")
    return Check("store", True, found)


def _changes(store: Store) -> Check:
    """Whether every change that the store ever acknowledged is there."""
    try:
        missing, last = store.missing_changes, store.last_change
    except RouterError as error:
        return Check("changes", False, str(error))
    made = "time unknown" if last.at is None else f"{last.at:%Y-%m-%d %H:%M:%S} UTC"
    found = f"number {last.number:,} is the last ({made})"
    if not missing:
        return Check("changes", True, f"{found}, none is missing")
    gaps = "; ".join(_gap(one) for one in missing)
    return Check("changes", True, f"{found}; known to be missing: {gaps}")


def _gap(one: MissingChanges) -> str:
    since = "the beginning" if one.since is None else f"{one.since:%Y-%m-%d %H:%M:%S} UTC"
    numbers = f"what came after number {one.first - 1:,}"
    if one.last is not None:
        numbers = f"{one.last - one.first + 1:,} (numbers {one.first:,} to {one.last:,})"
    return f"{numbers}, stored after {since}, noticed {one.noticed_at:%Y-%m-%d %H:%M:%S} UTC"


def _room(path: Path | None) -> Check:
    """Whether a store that is not there yet can be made."""
    folder = next(one for one in Path(path or ".").absolute().parents if one.exists())
    if os.access(folder, os.W_OK):
        return Check("store", True, f"{path} is not there yet; it is made when it is first used")
    return Check("store", False, f"{path} cannot be made: allow writing to {folder}, or set ROUTER_STORE")


def _log(store: Store, settings: Settings) -> Iterator[Check]:
    for goal in settings.goals:
        rule = settings.goal(goal).teaching_rule()
        same = store.evidence(goal, rule) == store.rebuild_evidence(goal, rule)
        yield Check(f"learning of {goal}", same, "equals the log" if same else "differs from the log; report it")
    days = settings.privacy.expire_after_days
    if days is not None:
        old = store.count(Search(until=datetime.now(UTC) - timedelta(days=days)))
        gone = settings.privacy.expire == "texts" or not old
        found = f"requests expire after {days} days; {old:,} are older"
        yield Check("privacy", gone, found if gone else f"{found}: remove them with router-core prune")


def _versions() -> Check:
    """What is installed, against what this project says it needs."""
    found, wrong = [f"Python {platform.python_version()}"], []
    try:
        needed = requires(_PROJECT) or []
        found.append(f"{_PROJECT} {version(_PROJECT)}")
    except PackageNotFoundError:
        return Check(
            "versions", False, f"{_PROJECT} is not installed; run make test, or pip install --editable '.[app]'"
        )
    for line in needed:
        told = _NEED.match(line)
        if told is None:
            continue
        name, least, extra = told.groups()
        if extra is not None and extra not in EXTRAS:
            continue  # for those who develop
        try:
            present = version(name)
        except PackageNotFoundError:
            if extra is None:
                wrong.append(f"{name} is missing")
            continue
        if name in _SHOWN:
            found.append(f"{name} {present}")
        if _numbers(present) < _numbers(least):
            wrong.append(f"{name} is {present}, {least} or newer is needed")
    if wrong:
        return Check("versions", False, f"{'; '.join(wrong)}: run make test, or pip install again")
    return Check("versions", True, ", ".join(found))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text.partition("+")[0])[:4])


def _models(settings: Settings, simulated: bool, call: bool, network: bool) -> Iterator[Check]:
    models = Models(settings, simulated=simulated)
    for name, provider in settings.providers.items():
        yield _key(name, provider, models, simulated)
        if network and not simulated:
            why = unreachable(provider.base_url)
            yield Check(
                f"reach of {name}",
                why is None,
                f"{provider.base_url} answers"
                if why is None
                else f"{provider.base_url} cannot be reached ({why}); check the address and the network",
            )
    book = PriceBook.of(settings)
    wanted = sorted(
        {arm.model for goal in settings.goals.values() for arm in goal.arms} | {settings.classifier.model}
    )
    for model in wanted:
        price = book.price(model)
        if price is None:
            yield Check(
                f"price of {model}",
                False,
                "unknown: its costs stay unknown; set a price, or what it is priced as, in the settings",
            )
        else:
            rates = f"${price.input_usd_per_million_tokens:f} in, ${price.output_usd_per_million_tokens:f} out"
            yield Check(f"price of {model}", True, f"{rates} per million tokens")
        if call:
            yield _call(models, book, model)
    models.close()


def _key(name: str, provider: ProviderSettings, models: Models, simulated: bool) -> Check:
    env = provider.api_key_env
    if env is None:
        return Check(f"key of {name}", True, "needs none")
    if simulated:
        return Check(f"key of {name}", True, "not needed: simulated models")
    if not may_hold_key(env, os.environ):
        return Check(f"key of {name}", False, why_no_key(env, os.environ))
    if name in models.missing_keys():
        return Check(f"key of {name}", False, f"{env} is not set: export {env}=..., or use --simulated")
    return Check(f"key of {name}", True, f"{env} is set ({len(os.environ.get(env, ''))} characters)")


def _call(models: Models, book: PriceBook, model: str) -> Check:
    try:
        took = try_model(models, book, model)
    except RouterError as error:
        return Check(f"call of {model}", False, str(error))
    spent = "price unknown" if took.cost_usd is None else f"${took.cost_usd:f}"
    return Check(f"call of {model}", True, f"answered in {took.total_ms:.0f} ms, {spent}")
