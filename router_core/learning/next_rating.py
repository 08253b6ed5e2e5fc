"""How far one more rating would move the verdict: what decides which answers a person is asked about first.

Arithmetic on what is believed; no answer is looked at. See views/rating_queue.py for the candidates.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from router_core.learning.beta import best_probabilities, mean, update
from router_core.types import Posterior


def step_of_pair(more_pairs: int | None) -> float:
    """The part of the way to the paired test's conclusion that one more pair goes; in [0, 1].

    A conclusion comes once the log of the evidence E has reached log(rivals / (1 - level)), and every pair
    multiplies E by a factor. ``more_pairs`` is the test's own forecast: after so many pairs the conclusion is
    there, as likely as not. So one pair goes 1 / more_pairs of the way that is left.

    Args:
        more_pairs: the smaller of the two forecasts ("good enough", "worse"), 1 or more; None: the conclusion is
            drawn, or the models are so close that no number of pairs is likely to tell. Then the step is 0.
    """
    return 0.0 if more_pairs is None else 1.0 / max(1, more_pairs)


def moved_by_rating(
    posteriors: Sequence[Posterior], costs_usd: Sequence[float], success_value_usd: float
) -> tuple[float, ...]:
    """For each model, how much of the traffic one more rating of its answers would move; each in [0, 1].

    P is the chance of each model to be the best value. A rating makes it P' (good, with the posterior's mean m as
    its chance) or P'' (bad), and on average leaves it where it is. What is moved is the distance in between,
    m * TV(P, P') + (1 - m) * TV(P, P''), where TV(P, Q) = sum |P_i - Q_i| / 2: the share of traffic that would go
    to another model. It is large for models whose rank is open and small for those that are known, good or bad.

    Args:
        posteriors: one per model.
        costs_usd: expected cost of one call of each model.
        success_value_usd: what one good answer is worth; ``inf`` ignores cost.
    """
    now = best_probabilities(posteriors, costs_usd, success_value_usd)
    found = []
    for at, posterior in enumerate(posteriors):
        moved = 0.0
        good = mean(posterior)
        for reward, chance in ((1.0, good), (0.0, 1.0 - good)):
            after = [*posteriors[:at], update(posterior, reward), *posteriors[at + 1 :]]
            then = best_probabilities(after, costs_usd, success_value_usd)
            moved += chance * float(np.abs(then - now).sum()) / 2.0
        found.append(moved)
    return tuple(found)
