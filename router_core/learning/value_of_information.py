"""What the classifier's verdict is worth on one prompt, in dollars, before it is asked for.

Preposterior analysis (Raiffa & Schlaifer 1961): a verdict is worth what the best choice after it brings, in the
mean over the verdicts that may come, more than the best choice without it. Does not cover what a verdict teaches
about the prompts to come, and where the beliefs come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from router_core.errors import SettingsError

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Prospect:
    """What is believed before the verdict: how likely each is, and what it would mean.

    ``chances``: probability of each verdict, summing to 1 (two of them: COMPLEX, SIMPLE). ``success``: one row per
    verdict with the probability of a good answer from each model if that verdict comes.

    Raises:
        SettingsError: a number is no probability, or the rows do not fit.
    """

    chances: tuple[float, ...]
    success: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        if len(self.success) != len(self.chances) or len({len(row) for row in self.success}) != 1:
            raise SettingsError(
                f"{len(self.chances)} verdicts and rows of {[len(row) for row in self.success]} models; give one"
                " row per verdict, all of the same length"
            )
        for value in (*self.chances, *(value for row in self.success for value in row)):
            if not 0.0 <= value <= 1.0:
                raise SettingsError(f"{value!r} is not a probability; give a number from 0 to 1")
        if abs(sum(self.chances) - 1.0) > 1e-9:
            raise SettingsError(f"the chances of the verdicts sum to {sum(self.chances)!r}; they must sum to 1")

    @property
    def without(self) -> tuple[float, ...]:
        """Each model's probability of a good answer while the verdict is not known."""
        models = zip(*self.success, strict=True)
        return tuple(sum(p * s for p, s in zip(self.chances, model, strict=True)) for model in models)


def prospect(
    hard: float,
    success_if_easy: Sequence[float],
    success_if_hard: Sequence[float],
    complex_if_hard: float,
    complex_if_easy: float,
) -> Prospect:
    """The prospect of a verdict that is right only so often, by Bayes' rule; COMPLEX first, then SIMPLE.

    Where the accuracies are themselves uncertain, their expectations give the exact prospect of one verdict, as
    long as they are independent of the other beliefs: every joint probability is linear in them.

    Args:
        hard: probability that the prompt is hard.
        success_if_easy: probability of a good answer from each model to an easy prompt.
        success_if_hard: the same for a hard one.
        complex_if_hard: how often the classifier says COMPLEX of hard prompts.
        complex_if_easy: how often it says so of easy ones.
    """
    rows = []
    chances = []
    for if_hard, if_easy in ((complex_if_hard, complex_if_easy), (1.0 - complex_if_hard, 1.0 - complex_if_easy)):
        chance = hard * if_hard + (1.0 - hard) * if_easy
        now_hard = hard * if_hard / chance if chance > 0.0 else hard
        chances.append(chance)
        rows.append(
            tuple(
                now_hard * at_hard + (1.0 - now_hard) * at_easy
                for at_hard, at_easy in zip(success_if_hard, success_if_easy, strict=True)
            )
        )
    return Prospect(tuple(chances), tuple(rows))


def value_of_information(
    prospect: Prospect,
    costs_usd: Sequence[float],
    success_value_usd: float,
    acted_on: float = 1.0,
) -> float:
    """What knowing the verdict is worth, in dollars: >= 0, and 0 where no verdict would change the choice.

    sum_v P(v) max_i (V theta_vi - c_i) - max_i (V sum_v P(v) theta_vi - c_i); ask where the call costs less.

    Args:
        prospect: what is believed of the verdict.
        costs_usd: expected cost of one call of each model.
        success_value_usd: V, what one good answer is worth; ``inf`` ignores cost (then the value is 0 or ``inf``).
        acted_on: share of verdicts that come and decide: less than 1 where the classifier fails at times, or part
            of the traffic is drawn evenly for exploration.
    """
    costs = [0.0] * len(costs_usd) if success_value_usd == inf else list(costs_usd)
    value = 1.0 if success_value_usd == inf else success_value_usd

    def best(success: tuple[float, ...]) -> float:
        return max(value * chance - cost for chance, cost in zip(success, costs, strict=True))

    after = sum(chance * best(success) for chance, success in zip(prospect.chances, prospect.success, strict=True))
    gain = acted_on * (after - best(prospect.without))
    if gain <= _ROUNDING * (value + max(costs)):
        return 0.0
    return inf if success_value_usd == inf else gain
