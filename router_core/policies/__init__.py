"""The routers by name, and how each is made from the settings.

What is known of a policy without building it stands in router_core/registry.py. Nothing registers itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from router_core.policies.base import Policy
from router_core.policies.by_task import ByTaskPolicy
from router_core.policies.classifier import ClassifierPolicy
from router_core.policies.contextual import ContextualPolicy
from router_core.policies.heuristic import HeuristicPolicy
from router_core.policies.thompson import ThompsonPolicy
from router_core.policies.verdicts import Verdicts
from router_core.registry import BY_TASK, CLASSIFIER, CONTEXTUAL, POLICIES, RULES, THOMPSON
from router_core.settings import GoalSettings, Settings


def _heuristic(settings: Settings, goal: GoalSettings) -> HeuristicPolicy:
    return HeuristicPolicy(settings.heuristic, goal.tier_arm("simple"), goal.tier_arm("complex"))


def _classifier(settings: Settings, goal: GoalSettings) -> ClassifierPolicy:
    rules = _heuristic(settings, goal)
    return ClassifierPolicy(settings.classifier, goal.tier_arm("simple"), goal.tier_arm("complex"), rules)


def _thompson(settings: Settings, goal: GoalSettings) -> Policy:
    return ThompsonPolicy(goal)


def _contextual(settings: Settings, goal: GoalSettings) -> Policy:
    verdicts = Verdicts(settings.contextual, _classifier(settings, goal))
    return ContextualPolicy(goal, _heuristic(settings, goal), verdicts)


def _by_task(settings: Settings, goal: GoalSettings) -> Policy:
    return ByTaskPolicy(goal)


BUILDERS: Final[Mapping[str, Callable[[Settings, GoalSettings], Policy]]] = {
    RULES.name: _heuristic,
    CLASSIFIER.name: _classifier,
    THOMPSON.name: _thompson,
    CONTEXTUAL.name: _contextual,
    BY_TASK.name: _by_task,
}
"""How each policy of the registry is made; a test holds the two together."""


def build_policies(settings: Settings, goal: str) -> dict[str, Policy]:
    """Every policy, set up for one goal, in the order of the registry."""
    chosen = settings.goal(goal)
    return {name: BUILDERS[name](settings, chosen) for name in POLICIES}
