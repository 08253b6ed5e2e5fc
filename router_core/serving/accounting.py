"""What a number of compared prompts cost, and what each router alone would have cost on them.

Net: what deciding cost is spend too. Unknown costs are never zero (router_core/money/known.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from router_core.money.known import call_usd, known_sum, spent_on
from router_core.money.pricing import cost_usd
from router_core.store.base import Comparison
from router_core.types import Completion, Decision, Price, was_drawn


@dataclass(frozen=True, slots=True)
class RouterMoney:
    """One router on the prompts that it decided and that were answered.

    ``spent_usd``: its answers and its deciding. ``strong_usd``: the strongest model on the same prompts;
    ``estimated`` where that model did not answer them all itself.
    """

    prompts: int = 0
    spent_usd: Decimal = Decimal(0)
    strong_usd: Decimal = Decimal(0)
    estimated: bool = False

    @property
    def saved_usd(self) -> Decimal:
        """Saved against the strongest model; negative where it cost more."""
        return self.strong_usd - self.spent_usd


@dataclass(frozen=True, slots=True)
class Tally:
    """Everything known to have been spent on some prompts; ``unknown`` of their calls and decisions have an
    unknown cost.

    ``compared`` counts the prompts of which all costs are known, the strongest model's too: ``compared_usd`` was
    spent on them, ``strong_usd`` is what that model took or would have taken.
    """

    prompts: int = 0
    spent_usd: Decimal = Decimal(0)
    deciding_usd: Decimal = Decimal(0)
    compared: int = 0
    compared_usd: Decimal = Decimal(0)
    strong_usd: Decimal = Decimal(0)
    estimated: bool = False
    unknown: int = 0
    routers: dict[str, RouterMoney] = field(default_factory=dict)

    @property
    def saved_usd(self) -> Decimal | None:
        """Saved against always asking the strongest model once; negative where it cost more, None: not known."""
        return self.strong_usd - self.compared_usd if self.compared else None


def tally(
    comparisons: Iterable[Comparison],
    strong_arm: Callable[[str], str],
    strong_price: Callable[[str], Price | None],
) -> Tally:
    """Add up comparisons.

    Args:
        comparisons: prompts with their decisions and completions.
        strong_arm: goal -> id of its strongest arm.
        strong_price: goal -> price of that arm's model.
    """
    prompts = compared = unknown = 0
    spent = deciding = compared_total = strong_total = Decimal(0)
    estimated = False
    routers: dict[str, RouterMoney] = {}
    for comparison in comparisons:
        goal = comparison.prompt.goal
        prompts += 1
        known, without = spent_on(comparison)
        unknown += without
        deciding += known_sum(decision.decision_cost_usd for decision in comparison.decisions)[0]
        spent += known
        strong = _strong_cost(comparison, strong_arm(goal), strong_price(goal))
        if strong is None:
            continue
        strong_usd, guessed = strong
        if not without:
            compared += 1
            compared_total += known
            strong_total += strong_usd
            estimated = estimated or guessed
        answers = {completion.id: completion for completion in comparison.completions}
        for decision in comparison.decisions:
            alone = _alone(decision, answers)
            if alone is not None:
                before = routers.get(decision.policy, RouterMoney())
                routers[decision.policy] = RouterMoney(
                    before.prompts + 1,
                    before.spent_usd + alone,
                    before.strong_usd + strong_usd,
                    before.estimated or guessed,
                )
    return Tally(prompts, spent, deciding, compared, compared_total, strong_total, estimated, unknown, routers)


def _alone(decision: Decision, answers: dict[str, Completion]) -> Decimal | None:
    """What this decision and its answer cost together; None where that is not known."""
    answer = answers.get(decision.completion_id)
    if not was_drawn(decision.origin) or answer is None or answer.error is not None:
        return None
    cost = call_usd(answer)
    if cost is None or decision.decision_cost_usd is None:
        return None
    return cost + decision.decision_cost_usd


def _strong_cost(comparison: Comparison, arm: str, price: Price | None) -> tuple[Decimal, bool] | None:
    """What the strongest model cost on this prompt, or would have: (dollars, estimated?); None: unknown.

    An estimate is the lowest from the tokens of another's answer. A strongest model that was asked and did not
    answer is no yardstick: an estimate would be a saving on an answer that it does not give.
    """
    answered = [one for one in comparison.completions if one.error is None and one.usage is not None]
    own = [one for one in answered if one.arm == arm]
    if not own and any(one.arm == arm for one in comparison.completions):
        return None
    costs = [one.cost_usd for one in own if one.cost_usd is not None]
    if costs:
        return min(costs), False
    estimates = [cost_usd(one.usage, price) for one in answered if one.usage is not None and one.arm != arm]
    known = [cost for cost in estimates if cost is not None]
    return (min(known), True) if known else None
