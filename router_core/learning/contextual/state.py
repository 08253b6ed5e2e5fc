"""All that the contextual policy has learned in one goal, as one frozen value; learning is a fold over it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from router_core.errors import SettingsError
from router_core.learning.contextual import vector
from router_core.learning.contextual.gain import GainScore
from router_core.learning.contextual.logistic import Belief, prior, update
from router_core.learning.contextual.sharing import Learned, shared_prior

Array = NDArray[np.float64]

_FORMAT: Final = 1
_MOST_COUNTED: Final = 10**12
_FARTHEST: Final = 1e3  # of a mean, which is in logits
_NARROWEST, _WIDEST = 1e-13, 1e4  # variances along any direction; the prior has at most 3.25


def weak_prior() -> Belief:
    """What is believed of an arm in a goal while no goal has learned anything."""
    deviation = np.sqrt(np.square(vector.PRIOR_DEVIATION) + np.square(vector.GOAL_DEVIATION))
    return prior(vector.PRIOR_MEAN, deviation)


def unknown() -> Learned:
    """What is known of an arm that nothing was learned of."""
    fresh = weak_prior()
    return Learned(fresh, fresh)


@dataclass(frozen=True, eq=False)
class ContextualState:
    """``arms``: arm id -> what was learned of it; an arm that is missing has the weak prior. ``gain``: the gain
    score, None while there is none. ``outcomes``: how many are in it, also of arms that have left. ``verdicts``:
    of those, how often the classifier had called the prompt complex, and how often it had been heard. ``upto``:
    the number of the last outcome of the log that it knows.
    """  # fmt: skip

    arms: Mapping[str, Learned] = field(default_factory=dict)
    gain: GainScore | None = None
    outcomes: int = 0
    verdicts: tuple[int, int] = (0, 0)
    upto: int = 0

    @property
    def name(self) -> str:
        """A short name for this state within its goal, under which decisions are logged."""
        return f"{self.outcomes} {'-' if self.gain is None else self.gain.version}"

    def learned(self, arm: str) -> Learned:
        """What was learned of an arm."""
        return self.arms.get(arm) or unknown()

    def document(self) -> dict[str, Any]:
        """The same as plain values, without loss."""
        return {
            "format": _FORMAT,
            "features": vector.VERSION,
            "outcomes": self.outcomes,
            "verdicts": list(self.verdicts),
            "arms": {
                arm: {"prior": _written(one.prior), "belief": _written(one.belief)}
                for arm, one in sorted(self.arms.items())
            },
            "gain": None if self.gain is None else self.gain.document(),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ContextualState:
        """Read what ``document()`` wrote.

        Raises:
            SettingsError: it is not such a document, or one of other features.
        """
        told = (document.get("format"), document.get("features"))
        if told != (_FORMAT, vector.VERSION):
            raise SettingsError(
                f"what the contextual router learned has format and features {told}; this version reads"
                f" {(_FORMAT, vector.VERSION)}: let it learn anew from the log"
            )
        try:
            arms = {
                str(arm): Learned(_read(one["prior"]), _read(one["belief"]))
                for arm, one in document["arms"].items()
            }
            outcomes, gain = _counted(document["outcomes"]), document["gain"]
            complex_, heard = (_counted(number) for number in document["verdicts"])
            if complex_ > heard:
                raise ValueError(f"{complex_:,} of {heard:,} verdicts")
            score = None if gain is None else GainScore.from_document(gain)
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise SettingsError(
                f"what the contextual router learned cannot be read ({str(error)[:200]}); export it anew"
            ) from None
        return cls(arms, score, outcomes, (complex_, heard))


def learn(state: ContextualState, arm: str, x: Array, reward: float) -> ContextualState:
    """The state after one more outcome.

    Args:
        state: before.
        arm: whose answer was judged.
        x: (vector.SIZE,), the prompt as the arm saw it: its row of ``vector.for_arms``.
        reward: in [0, 1].
    """
    after = taught(state.learned(arm), x, reward)
    return replace(state, arms={**state.arms, arm: after}, outcomes=state.outcomes + 1)


def taught(known: Learned, x: Array, reward: float) -> Learned:
    """What is known of an arm after one more outcome of it."""
    return Learned(known.prior, update(known.belief, x, reward))


def with_shared_priors(state: ContextualState, others: Iterable[ContextualState]) -> ContextualState:
    """The state with each arm's prior renewed from what the other goals have learned of the same arm.

    Arms that only others know are added. Its own outcomes stay in it.
    """
    given = list(others)
    names = sorted({*state.arms, *(arm for other in given for arm in other.arms)})
    common = prior(vector.PRIOR_MEAN, vector.PRIOR_DEVIATION)
    arms = {}
    for arm in names:
        theirs = [other.arms[arm] for other in given if arm in other.arms]
        arms[arm] = state.learned(arm).under(shared_prior(common, vector.GOAL_DEVIATION, theirs))
    return replace(state, arms=arms)


def _written(belief: Belief) -> dict[str, Any]:
    """The lower triangle stands for the whole covariance."""
    below = np.tril_indices(len(belief.mean))
    return {
        "mean": belief.mean.tolist(),
        "covariance": belief.covariance[below].tolist(),
        "outcomes": belief.observations,
    }


def _read(document: Mapping[str, Any]) -> Belief:
    mean = np.array(document["mean"], np.float64)
    if mean.shape != (vector.SIZE,):
        raise ValueError(f"{mean.size} coefficients instead of {vector.SIZE}")
    covariance = np.zeros((vector.SIZE, vector.SIZE))
    below = np.tril_indices(vector.SIZE)
    covariance[below] = np.array(document["covariance"], np.float64)
    covariance = covariance + np.tril(covariance, -1).T
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise ValueError("a number is not finite")
    if float(np.abs(mean).max()) > _FARTHEST or float(np.abs(covariance).max()) > _WIDEST:
        raise ValueError("a number is larger than any that is learned")
    variances = np.linalg.eigvalsh(covariance)
    if not _NARROWEST <= float(variances[0]) <= float(variances[-1]) <= _WIDEST:
        raise ValueError("a covariance is not positive definite")
    return Belief(mean, covariance, _counted(document["outcomes"]))


def _counted(number: object) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= _MOST_COUNTED:
        raise ValueError(f"{str(number)[:40]!r} is not a count from 0 to {_MOST_COUNTED:,}")
    return number
