"""The candidates of a decision: what is known of each model of a goal, and what a call of it should cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from router_core.features import context, estimate_tokens, output_limit, two_digits
from router_core.learning.beta import from_evidence
from router_core.models.thinking import token_limit
from router_core.money.pricing import PriceBook, expected_cost_usd
from router_core.settings import GoalSettings, Settings
from router_core.types import Candidate, Context, Evidence, OutputTokens, Posterior, Price

USUAL: Final = "a prompt of usual length " * 16
"""A prompt of usual length."""

_ASSUMED_ANSWERS: Final = 1
"""Answers that a length which was not seen counts for: the goal's for an arm, the settings' for the goal."""

_NOTHING_SEEN: Final = OutputTokens()


def usual_costs(settings: Settings, prices: PriceBook | None = None) -> Callable[[str], dict[str, float | None]]:
    """Goal -> arm id -> cost of a call for a prompt of usual length and an answer of the length assumed."""
    book = prices or PriceBook.of(settings)
    tokens = two_digits(context([{"role": "user", "content": USUAL}], "").input_tokens)

    def of(goal: str) -> dict[str, float | None]:
        found = candidates_for(settings.goal(goal), tokens, {}, {}, book.price)
        return {one.arm.id: one.expected_cost_usd for one in found}

    return of


def verdict_usd(settings: Settings, seen: Context, prices: PriceBook) -> float | None:
    """At most what asking the classifier about a prompt costs; None: its price is unknown."""
    asked = settings.classifier
    shown = estimate_tokens(asked.prompt) + min(seen.characters, asked.max_characters) // 3
    return expected_cost_usd(shown, token_limit(asked.model, asked.max_tokens), prices.price(asked.model, shown))


def candidates_for(
    goal: GoalSettings,
    input_tokens: int,
    evidence: Mapping[str, Evidence],
    lengths: Mapping[str, OutputTokens],
    price: Callable[[str, float], Price | None],
    limit: int | None = None,
) -> tuple[Candidate, ...]:
    """The arms of a goal with what is known of each.

    Args:
        goal: its settings.
        input_tokens: of the prompt, rounded by ``features.two_digits``.
        evidence: arm id -> outcomes that teach it.
        lengths: arm id -> output tokens seen.
        price: model and input tokens -> the price of such a call.
        limit: of the request, in tokens: no answer is expected to be longer.
    """
    known, outputs = posteriors(goal, evidence), expected_outputs(goal, lengths, limit)
    return tuple(
        Candidate(
            arm.arm(),
            known[arm.id],
            expected_cost_usd(input_tokens, outputs[arm.id], price(arm.model, input_tokens)),
        )
        for arm in goal.arms
    )


def posteriors(goal: GoalSettings, evidence: Mapping[str, Evidence]) -> dict[str, Posterior]:
    """Arm id -> what is known of its share of good answers: the goal's prior and the outcomes that teach it."""
    return {
        arm.id: from_evidence(evidence.get(arm.id, Evidence()), goal.prior_alpha, goal.prior_beta)
        for arm in goal.arms
    }


def expected_outputs(
    goal: GoalSettings, lengths: Mapping[str, OutputTokens], limit: int | None = None
) -> dict[str, int]:
    """Arm id -> output tokens expected of its next answer, to two digits.

    The mean of its own answers, shrunk towards that of the goal's models together, and that towards the length in
    the settings; each counts as one answer. So a model that was not asked yet is expected to answer as the others
    do, and a wrong assumption is outweighed by a few answers. None is longer than the limits set for it.

    Args:
        goal: its settings.
        lengths: arm id -> output tokens seen in this goal.
        limit: of the request, in tokens; it stands in place of those in the arms' own parameters.
    """
    seen = {arm.id: lengths.get(arm.id, _NOTHING_SEEN) for arm in goal.arms}
    usual = _shrunk(
        sum(one.total for one in seen.values()),
        sum(one.count for one in seen.values()),
        float(goal.expected_output_tokens),
    )
    found = {arm: two_digits(_shrunk(one.total, one.count, usual)) for arm, one in seen.items()}
    for arm in goal.arms:
        most = output_limit(arm.params) if limit is None else limit
        found[arm.id] = found[arm.id] if most is None else min(found[arm.id], most)
    return found


def _shrunk(total: int, count: int, towards: float) -> float:
    return (total + _ASSUMED_ANSWERS * towards) / (count + _ASSUMED_ANSWERS)
