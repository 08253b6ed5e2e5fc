"""The routers by name, and how each is made from the settings.

The table is explicit: nothing registers itself at import.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from router_core.policies.base import Policy
from router_core.policies.classifier import Ask, ClassifierPolicy, VerdictCache
from router_core.policies.heuristic import HeuristicPolicy
from router_core.policies.thompson import ThompsonPolicy
from router_core.settings import GoalSettings, Settings


def _heuristic(settings: Settings, goal: GoalSettings, ask: Ask, cache: VerdictCache) -> Policy:
    return HeuristicPolicy(settings.heuristic, goal.tier_arm("simple"), goal.tier_arm("complex"))


def _classifier(settings: Settings, goal: GoalSettings, ask: Ask, cache: VerdictCache) -> Policy:
    rules = _heuristic(settings, goal, ask, cache)
    simple, complex_ = goal.tier_arm("simple"), goal.tier_arm("complex")
    return ClassifierPolicy(settings.classifier, simple, complex_, ask, rules, cache)


def _thompson(settings: Settings, goal: GoalSettings, ask: Ask, cache: VerdictCache) -> Policy:
    return ThompsonPolicy(goal)


POLICIES: Final[Mapping[str, Callable[[Settings, GoalSettings, Ask, VerdictCache], Policy]]] = {
    "heuristic": _heuristic,
    "classifier": _classifier,
    "thompson": _thompson,
}


def build_policies(settings: Settings, goal: str, ask: Ask, cache: VerdictCache) -> dict[str, Policy]:
    """Every router, set up for one goal, in the order of the table."""
    chosen = settings.goal(goal)
    return {name: make(settings, chosen, ask, cache) for name, make in POLICIES.items()}
