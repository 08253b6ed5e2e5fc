"""What the learning page shows: the posterior through time, who rated, and what each part of the split comes from.

Leaves out SQL (store/questions.py) and charts (learning_charts.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import betaincinv

from router_core.policies.thompson import ThompsonPolicy, comparable_costs
from router_core.posterior import best_probabilities
from router_core.settings import GoalSettings
from router_core.store.base import Store
from router_core.types import Candidate, Context, Evidence

if TYPE_CHECKING:
    import pandas as pd

_POINTS: Final = 60


@dataclass(frozen=True, slots=True)
class ArmSplit:
    """One model's share of the traffic now, and its parts: ``probability`` is their sum.

    ``best`` is the chance of being the best buy; ``learned`` what that gives it, ``explored`` what every model
    keeps, ``starting`` what is left of its starting weight.
    """

    arm: str
    best: float
    learned: float
    explored: float
    starting: float

    @property
    def probability(self) -> float:
        """The share of traffic."""
        return self.learned + self.explored + self.starting


def split_now(goal: GoalSettings, context: Context, candidates: Sequence[Candidate]) -> list[ArmSplit]:
    """Thompson sampling's split, taken apart (see policies/thompson.py for the formula).

    Args:
        goal: objective, exploration and starting weights; may be a draft.
        context: a prompt of the length that matters.
        candidates: the goal's arms as they are now.
    """
    costs = comparable_costs([one.expected_cost_usd for one in candidates])
    best = best_probabilities([one.posterior for one in candidates], costs, goal.success_value_usd)
    count = len(candidates)
    share = min(goal.exploration, 1.0 / count)
    seen = sum(one.posterior.observations for one in candidates)
    total = goal.starting_strength + seen
    fading = goal.starting_strength / total if total > 0 else 0.0
    weights = sum(one.arm.weight for one in candidates)
    given = ThompsonPolicy(goal).probabilities(context, candidates).probabilities
    rows = []
    for candidate, chance, probability in zip(candidates, best.tolist(), given, strict=True):
        explored = (1.0 - fading) * share
        starting = fading * (candidate.arm.weight / weights if weights > 0 else 1.0 / count)
        rows.append(ArmSplit(candidate.arm.id, chance, probability - explored - starting, explored, starting))
    return rows


def posterior_through_time(
    store: Store, name: str, goal: GoalSettings, base: Mapping[str, Evidence], after: int
) -> pd.DataFrame:
    """Mean and central 95 % of each model's posterior after every point in time.

    Args:
        store: the log.
        name: the goal.
        goal: its settings: prior, and which source teaches.
        base: evidence from elsewhere, in force before the first outcome.
        after: outcomes up to this number do not count (0: all do).

    Returns:
        A table of time, arm, mean, low, high, judged and good (both in that bucket alone).
    """
    import pandas as pd

    held = store.table("extent", {}).iloc[0]
    if held["since"] is None or pd.isna(held["since"]):
        return pd.DataFrame(columns=["time", "arm", "mean", "low", "high", "judged", "good"])
    span: timedelta = held["until"] - held["since"]
    wanted = {
        "goal": name,
        "precedence": list(goal.teaching_precedence),
        "after": after,
        "bucket": max(1.0, span.total_seconds() / _POINTS),
    }
    table = store.table("taught", wanted)
    running = table.groupby("arm")[["judged", "good"]].cumsum()
    had = [base.get(arm, Evidence()) for arm in table["arm"]]
    judged = running["judged"].to_numpy(float) + np.array([one.count for one in had], float)
    good = running["good"].to_numpy(float) + np.array([one.reward_micro / 1e6 for one in had], float)
    alpha, beta = goal.prior_alpha + good, goal.prior_beta + judged - good
    return table.assign(
        mean=alpha / (alpha + beta), low=betaincinv(alpha, beta, 0.025), high=betaincinv(alpha, beta, 0.975)
    )
