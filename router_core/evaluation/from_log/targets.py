"""What a router, under any settings, would choose on logged rows. Nothing is called and nothing is stored.

Rules and the contextual router need the texts; the classifier needs its own recorded verdicts; those that learn
decide as they would today. Where that is not known for some rows, they are left out and counted. See
offpolicy.py for judging it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from router_core.errors import SettingsError, UnknownPolicyError
from router_core.evaluation.from_log.log import Array
from router_core.evaluation.from_log.offpolicy import (
    ESTIMATORS,
    QUANTITIES,
    OffPolicyEstimate,
    OffPolicyReport,
    estimate,
)
from router_core.evaluation.from_log.traffic import Traffic
from router_core.features import two_digits
from router_core.money.pricing import PriceBook
from router_core.policies.base import Known, Policy, on_tier
from router_core.policies.by_task import ByTaskPolicy
from router_core.policies.contextual import ContextualPolicy
from router_core.policies.heuristic import HeuristicPolicy
from router_core.policies.thompson import ThompsonPolicy
from router_core.registry import BY_TASK, CLASSIFIER, CONTEXTUAL, POLICIES, RULES, THOMPSON
from router_core.routing.candidates import candidates_for, usual_costs
from router_core.routing.memory import Memory, rules_of
from router_core.settings import ClassifierSettings, GoalSettings, Settings
from router_core.store.base import NO_TASKS, Store
from router_core.types import ByTask, Candidate, Context
from router_core.words import share

_UNASKED = {"cache_size", "exploration", "timeout_s"}  # of no influence on a verdict


@dataclass(frozen=True)
class TargetPolicy:
    """What a router would choose.

    Args:
        probabilities: (n, k) in the order of the log's models; rows that are not known are 0.
        known: (n,), for which rows it is known.
        refusal: why it is known for none; then there is nothing to estimate.
        notes: what one has to know to read an estimate of it.
        deciding_usd: what deciding costs per prompt on average; None where a price is unknown.
    """

    probabilities: Array
    known: NDArray[np.bool_]
    refusal: str | None = None
    notes: tuple[str, ...] = ()
    deciding_usd: float | None = 0.0


def target_probabilities(store: Store, settings: Settings, goal: str, policy: str, rows: Traffic) -> TargetPolicy:
    """A router's probabilities on every row.

    Args:
        store: for texts, verdicts, and what has been learned.
        settings: any version, or a draft.
        goal: its name.
        policy: its name in the registry.
        rows: the log.

    Raises:
        SettingsError: the settings have no such goal.
        UnknownPolicyError: no router has that name.
    """
    if policy not in POLICIES:
        raise UnknownPolicyError(f"{policy!r} is not a router; choose one of {sorted(POLICIES)}")
    chosen = settings.goal(goal)
    if policy == RULES.name:
        found = _rules(store, settings, chosen, rows)
    elif policy == CLASSIFIER.name:
        found = _classifier(store, settings, chosen, rows)
    elif policy == CONTEXTUAL.name:
        found = _contextual(store, settings, chosen, goal, rows)
    elif policy == BY_TASK.name:
        found = _by_task(store, settings, chosen, goal, rows)
    else:
        found = _thompson(store, settings, chosen, goal, rows)
    return _on_the_log(found, chosen, rows)


def estimate_policy(
    store: Store, settings: Settings, goal: str, policy: str, rows: Traffic, *, by_arm: bool = True
) -> OffPolicyReport:
    """What a router would have scored and cost on the logged traffic; with its reason where that is not known.

    Raises:
        SettingsError: the settings have no such goal.
        UnknownPolicyError: no router has that name.
    """
    target = target_probabilities(store, settings, goal, policy, rows)
    log, q = rows.log, target.probabilities
    if target.refusal is not None:
        none = (None,) * len(log.arms)
        refused = [
            OffPolicyEstimate(estimator, quantity, None, 0.0, 0, none, target.refusal)
            for quantity in QUANTITIES
            for estimator in ESTIMATORS
        ]
        nothing = (0.0,) * len(log.arms)
        return OffPolicyReport(log.arms, len(log), nothing, nothing, tuple(refused), (), target.notes)
    if not target.known.all():
        log, q = log.rows(target.known), q[target.known]
    report = estimate(q, log, by_arm=by_arm)
    return replace(report, warnings=(*target.notes, *report.warnings))


def _rules(store: Store, settings: Settings, goal: GoalSettings, rows: Traffic) -> TargetPolicy:
    import pandas as pd

    texts = store.table("logged_contexts", rows.parameters())
    rules = HeuristicPolicy(settings.heuristic, goal.tier_arm("simple"), goal.tier_arm("complex"))
    simple = np.fromiter((rules.verdict(one).simple for one in _contexts(texts["context"])), bool, len(texts))
    place = pd.Index(texts["key"]).get_indexer(rows.context)
    known = place >= 0
    tiers = _tiers(settings, goal, settings.heuristic.exploration)
    found = np.zeros((len(known), tiers.shape[1]))
    found[known] = tiers[simple[place[known]].astype(np.int64)]
    why = "the rules look at the text of a prompt, and"
    if not known.any():
        return TargetPolicy(found, known, f"{why} of none of the {len(known):,} rows it was kept")
    return TargetPolicy(found, known, notes=_counted(known, f"{why} it was kept of"))


def _contexts(documents: Iterable[str]) -> Iterable[Context]:
    return (Context(**json.loads(document)) for document in documents)


def _classifier(store: Store, settings: Settings, goal: GoalSettings, rows: Traffic) -> TargetPolicy:
    import pandas as pd

    said = store.table("logged_verdicts", rows.parameters())
    logged = {one.version: one.document for one in store.settings_versions()}
    versions = {one.version: one for one in (Settings(), settings)}
    for version in set(said["settings_version"]) & {*logged}:
        with suppress(
            SettingsError
        ):  # saved by an older version that knew other settings: its verdicts are foreign
            versions[version] = Settings.from_document(logged[version])
    verdicts: dict[int, bool] = {}
    spent, unknown, count, foreign = 0.0, 0, 0, 0
    for row in said.itertuples(index=False):  # oldest first: of several verdicts the last stands
        under = versions.get(row.settings_version)
        if under is None or _asked(under.classifier) != _asked(settings.classifier):
            foreign += int(row.verdicts)
            continue
        simple = _label(row.summary, row.likeliest, under, rows.goal)
        if simple is not None:
            verdicts[int(row.fingerprint)] = simple
            spent, unknown, count = spent + row.decision_cost_usd, unknown + row.unknown, count + row.verdicts
    keys = np.fromiter(verdicts, np.uint64, len(verdicts))
    simple_by_key = np.fromiter(verdicts.values(), bool, len(verdicts))
    place = pd.Index(keys).get_indexer(rows.fingerprint)
    known = place >= 0
    tiers = _tiers(settings, goal, settings.classifier.exploration)
    found = np.zeros((len(known), tiers.shape[1]))
    found[known] = tiers[simple_by_key[place[known]].astype(np.int64)]
    if not known.any():
        why = f"the log has no verdict of this classifier on any prompt of the {len(known):,} rows"
        if foreign:
            why += f"; {foreign:,} verdicts were given under other classifier settings"
        return TargetPolicy(
            found, known, f"{why}. Let it decide some prompts first: it is not asked for an estimate"
        )
    cost = None if unknown or not count else spent / count
    notes = _counted(known, "the classifier's verdict is on record for")
    return TargetPolicy(found, known, notes=notes, deciding_usd=cost)


def _asked(settings: ClassifierSettings) -> str:
    """All that its verdict depends on."""
    return settings.model_dump_json(exclude=_UNASKED)


def _label(summary: str, likeliest: str, under: Settings, goal: str) -> bool | None:
    """Whether the verdict was SIMPLE: its words, or where they were not kept the tier of the model it chose."""
    for word, simple in (("SIMPLE", True), ("COMPLEX", False)):
        if summary.startswith(word):
            return simple
    if goal not in under.goals:
        return None
    tiers = [under.goal(goal).tier_arm("simple"), under.goal(goal).tier_arm("complex")]
    return likeliest == tiers[0] if tiers[0] != tiers[1] and likeliest in tiers else None


def _thompson(store: Store, settings: Settings, goal: GoalSettings, name: str, rows: Traffic) -> TargetPolicy:
    none = np.zeros(len(rows.task), object)
    none[:] = ""
    return _textless(store, settings, goal, name, rows, ThompsonPolicy(goal), none, NO_TASKS, THOMPSON.label)


def _by_task(store: Store, settings: Settings, goal: GoalSettings, name: str, rows: Traffic) -> TargetPolicy:
    tasks = store.evidence_by_task(name, goal.teaching_rule(BY_TASK.name))
    return _textless(store, settings, goal, name, rows, ByTaskPolicy(goal), rows.task, tasks, "the router by task")


def _textless(
    store: Store,
    settings: Settings,
    goal: GoalSettings,
    name: str,
    rows: Traffic,
    policy: Policy,
    task: NDArray[np.object_],
    tasks: ByTask,
    called: str,
) -> TargetPolicy:
    """What a learning policy that reads no texts would choose: once per size of a prompt and task type."""
    import pandas as pd

    prices = PriceBook.of(settings)
    evidence, lengths = store.evidence(name, goal.teaching_rule()), store.output_tokens(name)
    sizes = {size: two_digits(size) for size in np.unique(rows.input_tokens).tolist()}
    keys = list(zip([sizes[size] for size in rows.input_tokens.tolist()], task.tolist(), strict=True))
    place, distinct = pd.factorize(pd.Series(keys, dtype=object))
    by_size: dict[int, tuple[Candidate, ...]] = {}
    table = np.empty((len(distinct), len(goal.arms)))
    for row, (size, of) in enumerate(distinct):
        if size not in by_size:
            by_size[size] = candidates_for(goal, size, evidence, lengths, prices.price)
        seen = Context(name, "", of or None, 0, 0, size)
        table[row] = policy.probabilities(seen, Known(by_size[size], tasks=tasks)).probabilities
    note = (
        f"{called} is judged as learned today, not as it would have learned on the way, and by ratings that it has"
        " learned from"
    )
    return TargetPolicy(table[place], np.ones(len(place), bool), notes=(note,))


def _contextual(store: Store, settings: Settings, goal: GoalSettings, name: str, rows: Traffic) -> TargetPolicy:
    """Once per distinct prompt; some 0.2 ms each."""
    import pandas as pd

    texts = store.table("logged_contexts", rows.parameters())
    prices = PriceBook.of(settings)
    costs = usual_costs(settings, prices)
    state = Memory(settings, store, costs, lambda: datetime.now(UTC), gains="never").state(name)
    policy = ContextualPolicy(goal, rules_of(settings, goal))
    evidence, lengths = store.evidence(name, goal.teaching_rule()), store.output_tokens(name)
    by_size: dict[int, tuple[Candidate, ...]] = {}
    table = np.empty((len(texts), len(goal.arms)))
    for row, seen in enumerate(_contexts(texts["context"])):
        size = two_digits(seen.input_tokens)
        if size not in by_size:
            by_size[size] = candidates_for(goal, size, evidence, lengths, prices.price)
        table[row] = policy.probabilities(seen, Known(by_size[size], contextual=state)).probabilities
    place = pd.Index(texts["key"]).get_indexer(rows.context)
    known = place >= 0
    found = np.zeros((len(known), len(goal.arms)))
    found[known] = table[place[known]]
    why = "the contextual router looks at the text of a prompt, and"
    if not known.any():
        return TargetPolicy(found, known, f"{why} of none of the {len(known):,} rows it was kept")
    notes = (
        "the contextual router is judged as learned today, by ratings that it has learned from, and as if the"
        " classifier were never asked",
        *_counted(known, f"{why} it was kept of"),
    )
    return TargetPolicy(found, known, notes=notes)


def _tiers(settings: Settings, goal: GoalSettings, exploration: float) -> Array:
    """(2, models of the goal): what rules and classifier give the models for complex and for simple prompts."""
    candidates = candidates_for(goal, 1, {}, {}, PriceBook.of(settings).price)
    arms = (goal.tier_arm("complex"), goal.tier_arm("simple"))
    return np.array([on_tier(candidates, arm, bool(simple), exploration) for simple, arm in enumerate(arms)])


def _on_the_log(found: TargetPolicy, goal: GoalSettings, rows: Traffic) -> TargetPolicy:
    """The goal's models to the log's columns; a model that the log does not have cannot be judged by it."""
    columns = {arm: place for place, arm in enumerate(rows.log.arms)}
    given = np.zeros((len(rows.log), len(columns)))
    refusal = found.refusal
    for place, arm in enumerate(goal.arms):
        column = found.probabilities[:, place]
        if arm.id in columns:
            given[:, columns[arm.id]] = column
        elif refusal is None and column.any():
            part = share(float((column > 0.0).sum() / found.known.sum()))
            refusal = f"the target can choose {arm.id} on {part} of the rows, and the log never could"
    return replace(found, probabilities=given, refusal=refusal)


def _counted(known: NDArray[np.bool_], what: str) -> tuple[str, ...]:
    """A note where only a part of the rows can be judged."""
    if known.all():
        return ()
    return (f"{what} {int(known.sum()):,} of {len(known):,} rows; only they are judged",)
