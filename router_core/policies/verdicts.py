"""The classifier as a feature that is bought: asked only where knowing its verdict is worth more than the call.

See contextual.py for what a verdict does to the decision, learning/value_of_information.py for its value.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import exp, inf, pi, sqrt
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from router_core.learning.contextual import vector
from router_core.learning.contextual.state import ContextualState
from router_core.learning.value_of_information import Prospect, value_of_information
from router_core.policies.base import Answer, Ask, Known, Verdict
from router_core.policies.classifier import ClassifierPolicy
from router_core.settings import ContextualSettings
from router_core.types import NO_VERDICT, Context
from router_core.validation import short_hash
from router_core.words import dollars

Array = NDArray[np.float64]

_VERDICT: Final = vector.NAMES.index("verdict_complex")
_ABSENT: Final = vector.NAMES.index("verdict_absent")


@dataclass(frozen=True, slots=True)
class Bought:
    """What came of the question whether to ask: the verdict where there is one, and why.

    ``verdict`` says where it comes from; ``worth_usd`` what it was expected to bring (None: that was not the
    question); ``said`` is a line for the reason.
    """

    verdict: Literal["asked", "remembered", "absent"]
    complex: bool | None
    worth_usd: float | None
    cost_usd: Decimal | None = Decimal(0)
    waited_ms: float = 0.0
    said: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Logits:
    """Mean and variance of each arm's logit without a verdict, and how a verdict would move them."""

    means: list[float]
    variances: list[float]
    coefficients: Array
    covariances: Array
    spread: Array

    @classmethod
    def of(cls, rows: Array, coefficients: Array, covariances: Array) -> Logits:
        """From the prompt as each arm sees it (arms, d) and the beliefs: (arms, d) and (arms, d, d)."""
        spread = (covariances @ rows[:, :, None])[:, :, 0]
        means = np.einsum("ad,ad->a", coefficients, rows).tolist()
        return cls(means, np.einsum("ad,ad->a", spread, rows).tolist(), coefficients, covariances, spread)

    def given(self, complex_: bool) -> tuple[list[float], list[float]]:
        """Means and variances with the verdict: of x + e, e being 1 or -1 for it, and -1 for its absence."""
        sign = 1.0 if complex_ else -1.0
        means, variances = [], []
        for arm, (mean, variance) in enumerate(zip(self.means, self.variances, strict=True)):
            weights, along, held = self.coefficients[arm], self.spread[arm], self.covariances[arm]
            means.append(float(mean + sign * weights[_VERDICT] - weights[_ABSENT]))
            own = held[_VERDICT, _VERDICT] + held[_ABSENT, _ABSENT] - 2.0 * sign * held[_VERDICT, _ABSENT]
            moved = variance + 2.0 * (sign * along[_VERDICT] - along[_ABSENT]) + own
            variances.append(max(0.0, float(moved)))
        return means, variances


@dataclass(frozen=True, slots=True)
class Weighed:
    """Whether the classifier is to be asked about a prompt, and why.

    ``worth_usd``: what its verdict is expected to bring; None: that was not the question. ``tried``: it is asked
    only to learn what verdicts are worth. ``said``: why it is not asked, as a line for the reason.
    """

    wanted: bool
    worth_usd: float | None = None
    tried: bool = False
    said: tuple[str, str] | None = None

    def bought(self, known: Verdict | None, answer: Answer | None) -> Bought:
        """What came of it: a verdict that was remembered, one that was asked for, or none."""
        said: tuple[str, str]
        if known is not None:
            said = ("classifier result reused", "no charge")
            return Bought("remembered", not known.simple, None, said=said)
        if not self.wanted or answer is None:
            return Bought("absent", None, self.worth_usd, said=self.said)
        if answer.verdict is None:
            said = (NO_VERDICT, answer.failure)
        elif self.worth_usd is None:
            said = ("classifier asked", "always")
        elif self.tried:
            said = (
                "classifier asked to learn what verdicts are worth; this one was expected to bring",
                _usd(self.worth_usd),
            )
        else:
            said = ("classifier asked: its verdict was expected to bring", _usd(self.worth_usd))
        complex_ = None if answer.verdict is None else not answer.verdict.simple
        return Bought("asked", complex_, self.worth_usd, answer.cost_usd, answer.waited_ms, said)


NEVER: Final = Weighed(wanted=False)


class Verdicts:
    """When the contextual router asks the classifier.

    A remembered verdict is free and always used. Else it is asked always, never, or where
    E[max utility | verdict] - max E[utility] exceeds the price of the call, and on a fixed share of all texts so
    that outcomes can tell what verdicts are worth.

    Args:
        settings: when to ask.
        classifier: what is asked.
    """

    def __init__(self, settings: ContextualSettings, classifier: ClassifierPolicy) -> None:
        self._mode = settings.ask_classifier
        self._asked_share = settings.asked_share
        self._classifier = classifier
        self.version = short_hash(f"{self._mode}|{self._asked_share}|{classifier.version}")

    def question(self, context: Context) -> Ask:
        """What the classifier's model is asked."""
        return self._classifier.question(context)

    def weighed(
        self,
        context: Context,
        known: Known,
        logits: Logits,
        costs_usd: Sequence[float],
        value_usd: float,
        acted_on: float,
    ) -> Weighed:
        """Whether a verdict is worth its price.

        Args:
            context: the prompt.
            known: with the verdict where it is remembered, the price of one, and what was learned; the share of
                COMPLEX among the verdicts so far is the chance of one.
            logits: of each arm, without a verdict.
            costs_usd: expected cost of one call of each arm.
            value_usd: what a good answer is worth.
            acted_on: share of traffic whose model follows from what is known of the prompt.
        """
        if known.verdict is not None or self._mode == "never":
            return NEVER
        if self._mode == "always":
            return Weighed(wanted=True)
        price = known.verdict_usd
        worth = _worth(known.contextual, logits, costs_usd, value_usd, acted_on)
        tried = worth <= (inf if price is None else price)
        if tried and not self._tried(context.text):
            least = "is of unknown price" if price is None else f"costs up to {dollars(price)}"
            said = (f"classifier not asked: its verdict {least} and is expected to bring", _usd(worth))
            return Weighed(False, worth, said=said)
        return Weighed(True, worth, tried)

    def _tried(self, text: str) -> bool:
        """Whether the text is one of the share on which the classifier is asked anyway: always the same ones."""
        return zlib.crc32(text.encode("utf-8", "replace")) < self._asked_share * 2.0**32


def with_verdict(rows: Array, complex_: bool) -> None:
    """Put a verdict into the numbers of a prompt (arms, d)."""
    rows[:, _VERDICT] = 1.0 if complex_ else -1.0
    rows[:, _ABSENT] = 0.0


def _worth(
    state: ContextualState, logits: Logits, costs_usd: Sequence[float], value_usd: float, acted_on: float
) -> float:
    """Expected gain in dollars of hearing the verdict."""
    complex_, heard = state.verdicts
    chance = (1.0 + complex_) / (2.0 + heard)
    success = [tuple(map(_share, *logits.given(verdict))) for verdict in (True, False)]
    return value_of_information(Prospect((chance, 1.0 - chance), tuple(success)), costs_usd, value_usd, acted_on)


def _share(mean: float, variance: float) -> float:
    """Mean of a share whose log-odds are N(mean, variance) (MacKay 1992)."""
    return 1.0 / (1.0 + exp(-max(-30.0, min(30.0, mean / sqrt(1.0 + pi * variance / 8.0)))))


def _usd(worth: float) -> str:
    return "more than any price" if worth == inf else dollars(worth)
