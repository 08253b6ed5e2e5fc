"""What is wrong with a machine: versions, store, settings, keys, prices, models. Each check says what it found."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from router_core.errors import RouterError
from router_core.llm import Models
from router_core.pricing import PriceBook, cost_usd
from router_core.settings import Settings
from router_core.store import open_store
from router_core.store.base import Store
from router_core.types import StoreKind

_LIBRARIES = ("router-playground", "duckdb", "openai", "streamlit", "numpy", "scipy", "genai-prices")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: whether it is as it should be, and what was found (with the remedy if not)."""

    name: str
    fine: bool
    found: str


def examine(
    place: str | None, kind: StoreKind, settings_of: Callable[[Store], Settings], *, call: bool = False
) -> Iterator[Check]:
    """Look at everything, one check after the other; nothing is changed but that a missing store is made.

    Args:
        place: the store's place, as for ``open_store``.
        kind: which of the two stores.
        settings_of: the settings that are in force for a store.
        call: also ask each model for one word.
    """
    yield _versions()
    try:
        store = open_store(place, kind=kind)
    except RouterError as error:
        yield Check("store", False, str(error))
        return
    try:
        held = store.table("extent", {}).iloc[0]
        found = f"{store.location}, {kind}: {int(held['prompts']):,} prompts, {int(held['outcomes']):,} outcomes"
        yield Check("store", True, found)
        try:
            settings = settings_of(store)
        except RouterError as error:
            yield Check("settings", False, str(error))
            return
        yield Check("settings", True, f"version {settings.version}, goals {', '.join(settings.goals)}")
        for goal in settings.goals:
            rule = settings.goal(goal).teaching_rule()
            same = store.evidence(goal, rule) == store.rebuild_evidence(goal, rule)
            yield Check(
                f"learning of {goal}", same, "equals the log" if same else "differs from the log; report it"
            )
    finally:
        store.close()
    yield from _models(settings, kind == "simulated", call)


def _versions() -> Check:
    found = [f"Python {platform.python_version()}"]
    missing = []
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Check("versions", False, f"not installed: {', '.join(missing)}; run make test or pip install again")
    return Check("versions", True, ", ".join(found))


def _models(settings: Settings, simulated: bool, call: bool) -> Iterator[Check]:
    models = Models(settings, simulated=simulated)
    missing = models.missing_keys()
    for name, provider in settings.providers.items():
        env = provider.api_key_env
        if env is None:
            yield Check(f"key of {name}", True, "needs none")
        elif simulated:
            yield Check(f"key of {name}", True, "not needed: simulated models")
        elif name in missing:
            yield Check(f"key of {name}", False, f"{env} is not set: export {env}=..., or use --simulated")
        else:
            yield Check(f"key of {name}", True, f"{env} is set ({len(os.environ.get(env, ''))} characters)")
    book = PriceBook(settings.prices)
    wanted = sorted(
        {arm.model for goal in settings.goals.values() for arm in goal.arms} | {settings.classifier.model}
    )
    for model in wanted:
        price = book.price(model)
        if price is None:
            yield Check(f"price of {model}", False, "unknown: its costs stay unknown; set prices in the settings")
        else:
            rates = f"${price.input_usd_per_million_tokens:f} in, ${price.output_usd_per_million_tokens:f} out"
            yield Check(f"price of {model}", True, f"{rates} per million tokens")
        if call:
            yield _call(models, book, model)
    models.close()


def _call(models: Models, book: PriceBook, model: str) -> Check:
    try:
        answer = models.complete(model, [{"role": "user", "content": "Say OK."}], {"max_tokens": 16})
    except RouterError as error:
        return Check(f"call of {model}", False, str(error))
    cost = cost_usd(answer.usage, book.price(model))
    spent = "price unknown" if cost is None else f"${cost:f}"
    return Check(f"call of {model}", True, f"answered in {answer.total_ms:.0f} ms, {spent}")
