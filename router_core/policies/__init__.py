"""The routers by name, and how each is made from the settings.

What is known of a policy without building it stands in router_core/registry.py. Nothing registers itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from router_core.learning.contextual.state import ContextualState
from router_core.policies.base import Policy
from router_core.policies.classifier import Ask, ClassifierPolicy, VerdictCache
from router_core.policies.contextual import ContextualPolicy
from router_core.policies.heuristic import HeuristicPolicy
from router_core.policies.thompson import ThompsonPolicy
from router_core.policies.verdicts import Verdicts
from router_core.registry import CLASSIFIER, CONTEXTUAL, POLICIES, RULES, THOMPSON
from router_core.settings import GoalSettings, Settings
from router_core.types import Context


@dataclass(frozen=True)
class Means:
    """What policies need beside the settings.

    ``ask`` puts messages to the classifier's model, ``cache`` remembers its verdicts. For the contextual router:
    ``state``, what it has learned in the goal; ``value_usd``, what a good answer counts (None: what the settings
    say); ``verdict_usd``, what asking the classifier about a prompt is expected to cost.
    """

    ask: Ask
    cache: VerdictCache
    state: Callable[[], ContextualState] = ContextualState
    value_usd: Callable[[], float] | None = None
    verdict_usd: Callable[[Context], float | None] = lambda context: None


def _heuristic(settings: Settings, goal: GoalSettings, means: Means) -> HeuristicPolicy:
    return HeuristicPolicy(settings.heuristic, goal.tier_arm("simple"), goal.tier_arm("complex"))


def _classifier(settings: Settings, goal: GoalSettings, means: Means) -> ClassifierPolicy:
    rules = _heuristic(settings, goal, means)
    simple, complex_ = goal.tier_arm("simple"), goal.tier_arm("complex")
    return ClassifierPolicy(settings.classifier, simple, complex_, means.ask, rules, means.cache)


def _thompson(settings: Settings, goal: GoalSettings, means: Means) -> Policy:
    return ThompsonPolicy(goal)


def _contextual(settings: Settings, goal: GoalSettings, means: Means) -> Policy:
    verdicts = Verdicts(settings.contextual, _classifier(settings, goal, means), means.verdict_usd)
    return ContextualPolicy(goal, _heuristic(settings, goal, means), means.state, verdicts, means.value_usd)


BUILDERS: Final[Mapping[str, Callable[[Settings, GoalSettings, Means], Policy]]] = {
    RULES.name: _heuristic,
    CLASSIFIER.name: _classifier,
    THOMPSON.name: _thompson,
    CONTEXTUAL.name: _contextual,
}
"""How each policy of the registry is made; a test holds the two together."""


def build_policies(settings: Settings, goal: str, means: Means) -> dict[str, Policy]:
    """Every policy, set up for one goal, in the order of the registry."""
    chosen = settings.goal(goal)
    return {name: BUILDERS[name](settings, chosen, means) for name in POLICIES}
