"""Who rates, where that depends on how good the answer was: ratings corrected by a source that covers everything.

The pleased and the displeased rate more than others, so rated answers are not like the rest. Where a second source
(a success condition, a check, a judge) has a word on every answer, the rated answers tell how often it is right,
and it tells of the others. See offpolicy.py for estimates, intervals.at_worst for what can be said without it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router_core.evaluation.from_log.log import Array, Log
from router_core.intervals import NEARLY_ALL

_LEAST_APART: Final = 0.2  # its words on good and on bad answers must differ by so much
_FEWEST: Final = 20  # good and bad rated answers of a model from which to learn how it speaks


def corrected(log: Log) -> Log | None:
    """The log with a value for every answer; None where there is no second source, or it tells too little.

    With c the second source's word, t and f its mean on the good and on the bad answers of a model,
    (c - f) / (t - f) is on average what ratings of all answers would say, as long as people rate because of how
    good an answer is and not of c beyond that (Rogan & Gladen 1978; as calibration: Kott & Chang 2010). To it is
    added, for rated answers, what they say beyond, weighted by one over the share rated of the good and of the bad
    answers: that is 0 in sum, and its spread is what learning t and f from few ratings costs in certainty. A value
    may lie outside [0, 1].
    """
    if log.second is None:
        return None
    known, heard = ~np.isnan(log.reward), ~np.isnan(log.second)
    if not len(log) or known.mean() >= NEARLY_ALL or heard.mean() < NEARLY_ALL:
        return None
    value = np.full(len(log), np.nan)
    for arm in range(len(log.arms)):
        own = (log.action == arm) & heard
        if own.any():
            found = _of_one_model(log.reward[own], log.second[own], known[own])
            if found is None:
                return None
            value[own] = found
    return replace(log, reward=value, checked=True)


def _of_one_model(reward: Array, second: Array, known: NDArray[np.bool_]) -> Array | None:
    """The values of one model's answers; a partly good answer counts as that part of a good one."""
    good = reward[known]
    bad = 1.0 - good
    if min(good.sum(), bad.sum()) < _FEWEST:
        return None
    said = second[known]
    on_good, on_bad = float(good @ said / good.sum()), float(bad @ said / bad.sum())
    if on_good - on_bad < _LEAST_APART:
        return None
    value = (second - on_bad) / (on_good - on_bad)
    share = float(value.mean())
    if not 0.0 < share < 1.0:
        return None
    weight = good * share * len(second) / good.sum() + bad * (1.0 - share) * len(second) / bad.sum()
    value[known] += weight * (good - value[known])
    return value
