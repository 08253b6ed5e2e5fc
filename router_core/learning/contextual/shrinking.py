"""How much the features matter at all, learned from the outcomes: slopes that explain nothing are believed small.

Under the prior a slope may be as large as its deviation. Whether slopes are half that large, a quarter, or next
to nothing is one number for all arms of a goal, and the outcomes say how likely each size is (empirical Bayes,
averaged instead of maximised). Without it, twenty slopes that mean nothing stay uncertain for thousands of
outcomes, and that uncertainty is paid for by exploring. Does not cover the intercept, which keeps its prior.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router_core.learning.contextual.logistic import Belief
from router_core.learning.contextual.sharing import Learned
from router_core.learning.contextual.state import ContextualState

Array = NDArray[np.float64]

SIZES: Final = (0.5, 0.25, 0.125, 0.0625, 0.03125)
"""Of all slopes, in deviations of the prior; equally likely before any outcome. With a whole deviation among them,
more was explored on real prompts, and no more was brought.
"""  # fmt: skip

_NEGLIGIBLE: Final = 1e-4


def sizes(learned: Sequence[Learned]) -> Array:
    """How likely each of SIZES is after the outcomes of these arms, (sizes,), summing to 1."""
    total = np.zeros(len(SIZES))
    for one in learned:
        precision, pull = one.evidence()
        off = pull - precision @ one.prior.mean
        for place, size in enumerate(SIZES):
            covariance = _scaled(one.prior, size)
            # log of the integral of exp(off d - d precision d / 2) under d ~ N(0, covariance)
            inner = np.eye(len(off)) + covariance @ precision
            total[place] += 0.5 * float(off @ np.linalg.solve(inner, covariance @ off))
            total[place] -= 0.5 * float(np.linalg.slogdet(inner)[1])
    weights = np.exp(total - total.max())
    return np.asarray(weights / weights.sum())


def shrunk(learned: Sequence[Learned], likely: Array | None = None) -> list[Belief]:
    """The beliefs of these arms of one goal, with every size of slopes counted by how likely it is.

    Each is the normal distribution with mean and covariance of that mixture; before any outcome, the belief as it
    is. For deciding only: learning goes on from what was learned, whose evidence is whole. Some 0.2 ms per arm.

    Args:
        learned: of each arm.
        likely: ``sizes`` of them, or of what they had learned a little earlier; None: of these.
    """
    if not any(one.belief.observations for one in learned):
        return [one.belief for one in learned]
    likely = sizes(learned) if likely is None else likely
    counted = [place for place, weight in enumerate(likely.tolist()) if weight > _NEGLIGIBLE]
    likely = likely[counted] / likely[counted].sum()
    found = []
    for one in learned:
        means, covariances = [], []
        for size in [SIZES[place] for place in counted]:
            under = one.under(Belief(one.prior.mean, _scaled(one.prior, size))).belief
            means.append(under.mean)
            covariances.append(under.covariance)
        mean = np.asarray(likely @ np.array(means))
        apart = np.array(means) - mean
        covariance = np.einsum("s,sij->ij", likely, np.array(covariances)) + (apart * likely[:, None]).T @ apart
        found.append(Belief(mean, (covariance + covariance.T) / 2.0, one.belief.observations))
    return found


def with_shrunk_slopes(state: ContextualState, arms: Sequence[str]) -> ContextualState:
    """The state to decide by: these arms with ``shrunk`` beliefs."""
    learned = [state.learned(arm) for arm in arms]
    beliefs = zip(arms, learned, shrunk(learned), strict=True)
    return replace(state, arms={**state.arms, **{arm: Learned(one.prior, belief) for arm, one, belief in beliefs}})


def _scaled(prior: Belief, size: float) -> Array:
    """The prior's covariance with slopes of that size; the first weight is the intercept."""
    scale = np.full(len(prior.mean), size)
    scale[0] = 1.0
    return np.asarray(prior.covariance * np.multiply.outer(scale, scale))
