"""What one has to know to read an off-policy estimate: who is rated, and whether logged probabilities are true.

See offpolicy.py for the estimates, overlap.py for when there are none.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from router_core.evaluation.from_log.log import Log
from router_core.evaluation.from_log.overlap import Overlap, Support
from router_core.words import share

_UNEVEN: Final = 2.0  # so many times as many answers of one model are rated as of another: worth a warning
_ODD: Final = 5.0  # standard errors


def few_rated(rated: float, worst: tuple[float, float], corrected: bool) -> str:
    """A warning where a part of the answers is not rated.

    Args:
        rated: the part that is, in [0, 1].
        worst: ends of the figure if all others were bad, or good.
        corrected: whether a second source judged the others.
    """
    said = f"{share(rated)} of the answers are rated"
    if corrected:
        said += (
            "; the others are judged by a second source, corrected by what ratings say where both are known. That"
            " is right where who rates depends on how good the answer is"
        )
    else:
        said += "; if people rate because they are pleased or not, the figures are tilted"
    ends = f"{100 * worst[0]:.1f} to {100 * worst[1]:.1f} %"
    return f"{said}. If every unrated answer were bad, or every one good, it would be {ends}"


def uneven(log: Log, found: Support, shares: tuple[float | None, ...], by_arm: bool) -> list[str]:
    """A warning where the answers of some model are rated much more often than those of another."""
    drawn = found.drawn.sum(axis=0).tolist()
    seen = [
        (part, name)
        for part, name, count in zip(shares, log.arms, drawn, strict=True)
        if part is not None and count >= 20
    ]
    if not seen or max(seen)[0] <= _UNEVEN * min(seen)[0]:
        return []
    most, least = max(seen), min(seen)
    done = "answers are weighted so that this alone does no harm" if by_arm else "nothing is done about it"
    return [
        f"{share(most[0])} of {most[1]}'s answers are rated, but {share(least[0])} of {least[1]}'s; {done}, but if"
        " people rate because they are pleased or not, the estimates are tilted"
    ]


def odd(log: Log, weights: Overlap) -> list[str]:
    """A warning where the weights do not average 1, as they do where the logged probabilities are true."""
    error = float(np.sqrt(weights.second.sum())) / len(log)
    average = float(weights.weight.sum()) / len(log)
    if abs(average - 1.0) <= _ODD * error:
        return []
    return [
        f"the weights average {average:.2f}, where 1 is expected: the logged probabilities are hardly those of the"
        " draws"
    ]
