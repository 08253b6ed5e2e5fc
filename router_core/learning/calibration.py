"""How far predictions of good answers have been right: an offset and a slope on log-odds, learned on the way.

A learner may be too sure, too timid, or a few points off for years, and still see a model change when it does.
See drift.py, which holds outcomes against corrected predictions.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, pi, sqrt
from typing import Final

OFFSET_SD: Final = 0.5
"""How far off predictions are taken to be before anything is known, in log-odds (standard deviation)."""
SLOPE_SD: Final = 0.5
"""How far the slope of the log-odds is taken to be from 1."""

_MEMORY: Final = 5_000.0  # outcomes; older ones fade, for a learner that knows more is off in another way
_SUREST: Final = 13.8  # log-odds of a millionth


def logit(probability: float) -> float:
    """Log-odds, of probabilities nearer to 0 or 1 than a millionth those of a millionth."""
    p = min(max(probability, 1e-6), 1.0 - 1e-6)
    return log(p / (1.0 - p))


def expit(log_odds: float) -> float:
    """The probability with these log-odds, never nearer to 0 or 1 than a millionth."""
    return 1.0 / (1.0 + exp(-min(max(log_odds, -_SUREST), _SUREST)))


@dataclass(frozen=True, slots=True)
class Calibration:
    """A normal belief about (offset, slope): true log-odds = offset + slope * predicted log-odds.

    ``offset_variance``, ``covariance``, ``slope_variance``: of the belief. ``outcomes``: how many taught it.
    """

    offset: float = 0.0
    slope: float = 1.0
    offset_variance: float = OFFSET_SD**2
    covariance: float = 0.0
    slope_variance: float = SLOPE_SD**2
    outcomes: int = 0

    def corrected(self, predicted: float) -> tuple[float, float]:
        """Log-odds where these were predicted, and their standard deviation."""
        variance = self.offset_variance + predicted * (2.0 * self.covariance + predicted * self.slope_variance)
        return self.offset + self.slope * predicted, sqrt(max(variance, 0.0))

    def after(self, predicted: float, reward: float) -> Calibration:
        """The belief after one more outcome: one step of the extended Kalman filter for a logistic regression.

        Args:
            predicted: log-odds of a good answer as they were believed before it.
            reward: in [0, 1].
        """
        expected, deviation = self.corrected(predicted)
        along = self.offset_variance + predicted * self.covariance
        across = self.covariance + predicted * self.slope_variance
        likely = expit(expected / sqrt(1.0 + pi * deviation**2 / 8.0))
        spread = likely * (1.0 - likely)
        less = 1.0 / (1.0 + spread * deviation**2)
        error = (reward - likely) * less
        variances = (
            self.offset_variance - spread * less * along * along,
            self.covariance - spread * less * along * across,
            self.slope_variance - spread * less * across * across,
        )
        fading = 1.0 + 1.0 / _MEMORY
        if variances[0] >= OFFSET_SD**2 or variances[2] >= SLOPE_SD**2:
            fading = 1.0  # no more can be forgotten than was learned
        return Calibration(
            self.offset + along * error,
            self.slope + across * error,
            variances[0] * fading,
            variances[1] * fading,
            variances[2] * fading,
            self.outcomes + 1,
        )
