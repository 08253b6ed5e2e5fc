"""The costs report computed again in plain Python from the rows that were stored, to hold the database against.

Slow and simple on purpose: nothing here is shared with the code under test but the plain values.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from router_core.settings import Settings
from router_core.store.base import Comparison, Search, Store
from router_core.types import Completion, Decision, Price
from router_core.views.filters import View


@dataclass
class ByHand:
    """The same figures as ``costing.CostReport``, where it has them."""

    requests: int = 0
    calls: int = 0
    failed: int = 0
    spent_usd: float = 0.0
    deciding_usd: float = 0.0
    cheap_usd: float = 0.0
    strong_usd: float = 0.0
    estimated: int = 0
    unpriced: int = 0
    priced_calls: int = 0
    priced_usd: float = 0.0
    referenced: int = 0
    referenced_usd: float = 0.0
    judged: int = 0
    good: float = 0.0
    split: Counter[tuple[str, str]] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    waited: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    shared: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    compared: int = 0


def everything(store: Store) -> list[Comparison]:
    """Every prompt with all that followed."""
    found: list[Comparison] = []
    while page := store.find(Search(), 1_000, len(found)):
        found += page
    return found


def _in(at: datetime, goal: str, view: View) -> bool:
    return view.since <= at < view.until and view.goal in (None, goal)


def _decided(one: Comparison, view: View) -> Iterator[Decision]:
    """What the routers decided, of what passes the filters."""
    for d in one.decisions:
        chosen = (
            view.policy in (None, d.policy) and view.origin in (None, d.origin) and view.arm in (None, d.chosen)
        )
        if _in(d.created_at, d.goal, view) and chosen and d.policy not in ("forced", "fallback"):
            yield d


def _called(one: Comparison, view: View) -> list[Completion]:
    led = {
        d.completion_id
        for d in one.decisions
        if _in(d.created_at, d.goal, view) and view.policy in (None, d.policy) and view.origin in (None, d.origin)
    }
    free = view.policy is None and view.origin is None
    return [
        c
        for c in one.completions
        if _in(c.created_at, c.goal, view) and view.arm in (None, c.arm) and (free or c.id in led)
    ]


def _reward(one: Comparison, completion_id: str, precedence: tuple[str, ...]) -> float | None:
    said = {o.source: o.reward for o in one.outcomes if o.completion_id == completion_id}
    return next((said[source] for source in precedence if said.get(source) is not None), None)


def _alone(calls: list[Completion], arm: str, price: Price | None) -> tuple[float, bool] | None:
    """What one model would have cost on a prompt: (dollars, estimated?); None without an answer."""
    answers = [c for c in calls if c.error is None and c.usage is not None]
    own = [float(c.cost_usd) for c in answers if c.arm == arm and c.cost_usd is not None]
    if own:
        return min(own), False
    others = [c.usage for c in answers if c.arm != arm and c.usage is not None]
    if not others or price is None:
        return None
    rates = float(price.input_usd_per_million_tokens), float(price.output_usd_per_million_tokens)
    return min((u.input_tokens * rates[0] + u.output_tokens * rates[1]) / 1e6 for u in others), True


def _known(calls: list[Completion], decided: list[Decision]) -> bool:
    """Whether every cost is known."""
    priced = all(c.cost_usd is not None and not c.unpriced_retries for c in calls)
    return priced and all(d.decision_cost_usd is not None for d in decided)


def _yardstick(calls: list[Completion], strong: str) -> bool:
    """Whether it is known what the strongest model cost or would have cost."""
    answered = [c.arm for c in calls if c.error is None and c.usage is not None]
    asked = any(c.arm == strong for c in calls)
    return bool(answered) and (strong in answered or not asked)


def by_hand(
    rows: list[Comparison], settings: Settings, price: Callable[[str], Price | None], view: View
) -> ByHand:
    """All figures, prompt by prompt."""
    found = ByHand()
    precedence = settings.goal(view.goal or next(iter(settings.goals))).teaching_precedence
    sets: dict[str, tuple[str, ...]] = {}
    for one in rows:
        free = View(view.since, view.until, view.goal, origin=view.origin)
        sets[one.prompt.id] = tuple(sorted({d.policy for d in _decided(one, free)}))
        calls, decided = _called(one, view), list(_decided(one, view))
        found.calls += len(calls)
        found.failed += sum(c.error is not None for c in calls)
        found.spent_usd += sum(float(c.cost_usd or 0) for c in calls)
        found.deciding_usd += sum(float(d.decision_cost_usd or 0) for d in decided)
        spent = sum(float(c.cost_usd or 0) for c in calls) + sum(float(d.decision_cost_usd or 0) for d in decided)
        known = _known(calls, decided)
        found.unpriced += not known
        if known:
            found.priced_calls += len(calls)
            found.priced_usd += spent
        rewards = {c.id: _reward(one, c.id, precedence) for c in one.completions}
        good = [rewards[c.id] for c in calls if rewards[c.id] is not None]
        found.judged += len(good)
        found.good += sum(good)  # type: ignore[arg-type]
        for d in decided:
            found.split[d.policy, d.chosen] += 1
            found.labels[d.policy] += rewards.get(d.completion_id) is not None
            found.waited[d.policy].append(d.decision_ms)
        if calls:
            found.requests += 1
            arms = settings.goal(one.prompt.goal).arms
            if not known or not _yardstick(calls, arms[-1].id):
                continue
            found.referenced += 1
            found.referenced_usd += spent
            for name, arm in (("cheap_usd", arms[0]), ("strong_usd", arms[-1])):
                would = _alone(calls, arm.id, price(arm.model))
                if would is not None:
                    setattr(found, name, getattr(found, name) + would[0])
                    found.estimated += name == "strong_usd" and would[1]
    found.spent_usd += found.deciding_usd
    _share(found, rows, settings, price, view, sets)
    return found


def _share(
    found: ByHand,
    rows: list[Comparison],
    settings: Settings,
    price: Callable[[str], Price | None],
    view: View,
    sets: dict[str, tuple[str, ...]],
) -> None:
    """The routers on the prompts that the same of them decided."""
    sizes = Counter(routers for routers in sets.values() if len(routers) > 1)
    if not sizes:
        return
    most = min(sizes, key=lambda routers: (-len(routers), -sizes[routers], routers))
    free = View(view.since, view.until, view.goal)
    for one in (row for row in rows if sets[row.prompt.id] == most):
        decided = list(_decided(one, View(view.since, view.until, view.goal, origin=view.origin)))
        calls = {c.id: c for c in _called(one, free)}
        arms = settings.goal(one.prompt.goal).arms
        if not _known(list(calls.values()), decided) or not _yardstick(list(calls.values()), arms[-1].id):
            continue
        if any(d.completion_id not in calls for d in decided):
            continue
        found.compared += 1
        for d in decided:
            found.shared[d.policy] += float(calls[d.completion_id].cost_usd or 0) + float(d.decision_cost_usd or 0)
        for name, arm in (("cheap", arms[0]), ("strong", arms[-1])):
            would = _alone(list(calls.values()), arm.id, price(arm.model))
            found.shared[name] += would[0] if would is not None else 0.0


def quantile(values: list[float], share: float) -> float:
    """The smallest value that at least this share does not exceed."""
    ordered = sorted(values)
    return next(v for i, v in enumerate(ordered, start=1) if i >= share * len(ordered) - 1e-9)
