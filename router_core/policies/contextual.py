"""Contextual Thompson sampling: how likely a model is the best value for *this* prompt, learned from outcomes.

Rules, classifier and the words of the prompt are features; outcomes decide what they are worth. See
learning/contextual/state.py for learning, verdicts.py for whether the classifier is worth asking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import isinf
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router_core.learning.contextual import vector
from router_core.learning.contextual.best_buy import best_buy_probabilities
from router_core.learning.contextual.gain import GainScore
from router_core.learning.contextual.grams import codes
from router_core.learning.contextual.pushes import expected, pushes
from router_core.learning.contextual.state import ContextualState
from router_core.policies.base import Answer, Ask, Known, Verdict, require_candidates
from router_core.policies.blending import Blend, blend
from router_core.policies.heuristic import HeuristicPolicy
from router_core.policies.thompson import a_call, best_buy, comparable_costs
from router_core.policies.verdicts import NEVER, Bought, Logits, Verdicts, Weighed, with_verdict
from router_core.registry import CONTEXTUAL
from router_core.settings import GoalSettings
from router_core.types import ActionDistribution, Candidate, Context, Reason, ReasonLine, Seen
from router_core.validation import short_hash
from router_core.words import dollars, dollars_as_written

Array = NDArray[np.float64]

_SHOWN: Final = 8
_MAINLY: Final = 0.5  # of the chances: from then on starting weights explain more of them than features do
_LEAST_SHOWN: Final = 0.0005  # of a share: a twentieth of a point


class ContextualPolicy:
    """P(arm is the best value for this prompt), floored and blended with fading starting weights as in Thompson.

    The log-odds of a good answer are linear in the prompt's features, with normal beliefs about each arm's
    coefficients (contextual/logistic.py). With the same state, prompt and candidates the probabilities are the
    same numbers, so a logged propensity is recomputed from the state that was in force. The posteriors of the
    candidates are not looked at. A budget makes a good answer count less than the settings say, and the starting
    weights in proportion, which know nothing of it: else it would not hold before ratings come.

    Args:
        settings: arms, success value, exploration and starting weights.
        rules: what they say is a feature; nobody follows them.
        verdicts: when the classifier is asked; None: never.
    """

    name: str = CONTEXTUAL.name

    def __init__(
        self,
        settings: GoalSettings,
        rules: HeuristicPolicy,
        verdicts: Verdicts | None = None,
    ) -> None:
        self._exploration = settings.exploration
        self._strength = settings.starting_strength
        self._rules = rules
        self._verdicts = verdicts
        self._worth_usd = settings.success_value_usd
        self._looked: tuple[Context, Known, _Look] | None = None  # between the two phases of a decision
        self._stacked: tuple[ContextualState, tuple[str, ...], Array, Array] | None = None
        formula = settings.model_dump_json(
            include={
                "arms", "success_value_usd", "exploration", "starting_strength",
                "budget_usd", "budget_per", "budget_requests",
            }
        )  # fmt: skip
        asked = "" if verdicts is None else verdicts.version
        if settings.budget_usd is not None:
            formula += "|starting weights give way to it"
        self.version = short_hash(f"{formula}|{rules.version}|{asked}|{vector.VERSION}")

    def features(
        self, context: Context, arms: Sequence[str], state: ContextualState, verdict: Verdict | None = None
    ) -> Array:
        """The prompt as each arm sees it, (arms, vector.SIZE), with the classifier's verdict where it is known."""
        return numbers(context, self._rules, None if verdict is None else not verdict.simple, state.gain, arms)

    def wants(self, context: Context, known: Known) -> Ask | None:
        """The classifier's verdict, where knowing it is expected to bring more than the call costs."""
        if self._verdicts is None or not known.candidates:
            return None
        look = self._look(context, known)
        self._looked = (context, known, look)
        return self._verdicts.question(context) if look.weighed.wanted else None

    def probabilities(self, context: Context, known: Known, answer: Answer | None = None) -> ActionDistribution:
        """Computed for each prompt; some 0.2 ms for 1,000 characters with a gain score."""
        candidates = known.candidates
        require_candidates(context, candidates)
        looked, self._looked = self._looked, None
        same = looked is not None and looked[0] is context and looked[1] is known
        look = looked[2] if looked is not None and same else self._look(context, known)
        state, arms, rows, logits = known.contextual, look.arms, look.rows, look.logits
        bought = look.weighed.bought(known.verdict, answer)
        if bought.complex is None:
            means, variances = logits.means, logits.variances
        else:
            with_verdict(rows, bought.complex)
            means, variances = logits.given(bought.complex)
        best = tuple(best_buy_probabilities(means, variances, look.costs, look.value_usd).tolist())
        mixed = blend(
            best,
            [candidate.arm.weight for candidate in candidates],
            exploration=self._exploration,
            strength=self._strength,
            outcomes=state.outcomes,
            left=_left(look.value_usd, self._worth_usd),
        )
        explain = partial(
            _explain, context, tuple(candidates), state, rows, look.coefficients, means, variances, best,
            look.value_usd, self._worth_usd, mixed, bought,
        )  # fmt: skip
        return ActionDistribution(
            mixed.probabilities,
            explain,
            cost_usd=bought.cost_usd,
            latency_ms=bought.waited_ms,
            seen=Seen(
                arms, tuple(rows.ravel().tolist()), state.name, bought.verdict, bought.worth_usd, state.upto
            ),
        )

    def _look(self, context: Context, known: Known) -> _Look:
        """What both phases need: the prompt as each arm sees it, and what a verdict on it is worth."""
        arms = tuple([candidate.arm.id for candidate in known.candidates])
        costs = comparable_costs([candidate.expected_cost_usd for candidate in known.candidates])
        value_usd = self._worth_usd if known.value_usd is None else known.value_usd
        coefficients, covariances = self._beliefs(known.contextual, arms)
        rows = numbers(context, self._rules, None, known.contextual.gain, arms)
        logits = Logits.of(rows, coefficients, covariances)
        weighed = NEVER
        if self._verdicts is not None:
            acted_on = max(0.0, 1.0 - self._exploration * len(arms))
            weighed = self._verdicts.weighed(context, known, logits, costs, value_usd, acted_on)
        return _Look(arms, costs, value_usd, coefficients, rows, logits, weighed)

    def _beliefs(self, state: ContextualState, arms: tuple[str, ...]) -> tuple[Array, Array]:
        """Means (arms, d) and covariances (arms, d, d), stacked once per state."""
        stacked = self._stacked
        if stacked is None or stacked[0] is not state or stacked[1] != arms:
            beliefs = [state.learned(arm).belief for arm in arms]
            stacked = (
                state,
                arms,
                np.array([belief.mean for belief in beliefs]),
                np.array([belief.covariance for belief in beliefs]),
            )
            self._stacked = stacked
        return stacked[2], stacked[3]


@dataclass(frozen=True, slots=True)
class _Look:
    """See ``ContextualPolicy._look``."""

    arms: tuple[str, ...]
    costs: list[float]
    value_usd: float
    coefficients: Array
    rows: Array
    logits: Logits
    weighed: Weighed


def _left(value_usd: float, worth_usd: float) -> float:
    """The part of a good answer's worth that a budget leaves, in [0, 1]; of a boundless one nothing."""
    if value_usd >= worth_usd:
        return 1.0
    return 0.0 if isinf(worth_usd) else value_usd / worth_usd


def numbers(
    context: Context,
    rules: HeuristicPolicy,
    verdict_complex: bool | None,
    gain: GainScore | None,
    arms: Sequence[str],
) -> Array:
    """The prompt as each arm sees it, (arms, vector.SIZE).

    An arm's gain is its own; an arm without one, such as the reference, has the mean of the others'.
    """
    of = codes(context.text)
    said = rules.verdict(context)
    found = vector.Rules(said.score, said.threshold, tuple([rule.met for rule in said.rules]))
    of_prompt = vector.vector(context, of, found, verdict_complex)
    if gain is None:
        return vector.for_arms(of_prompt, [0.0] * len(arms))
    gains = gain.feature(of, context.characters)
    known = [gains[arm] for arm in arms if arm in gains]
    mean = sum(known) / len(known) if known else 0.0
    return vector.for_arms(of_prompt, [gains.get(arm, mean) for arm in arms])


def _explain(
    context: Context,
    candidates: tuple[Candidate, ...],
    state: ContextualState,
    rows: Array,
    coefficients: Array,
    means: list[float],
    variances: list[float],
    best: tuple[float, ...],
    value_usd: float,
    worth_usd: float,
    mixed: Blend,
    bought: Bought,
) -> Reason:
    leader = max(range(len(best)), key=best.__getitem__)
    limited = value_usd < worth_usd
    counted = dollars(value_usd) if limited else dollars_as_written(value_usd)
    worth = "cost ignored" if value_usd == float("inf") else f"at {counted} per good answer"
    names = [candidate.arm.id for candidate in candidates]
    summary = (
        f"{names[leader]}: {best[leader]:.0%} likely to be the {best_buy(len(best))} for this prompt, {worth}"
    )
    lines = []
    for place, candidate in enumerate(candidates):
        like = expected(means[place], variances[place])
        rated = state.learned(candidate.arm.id).belief.observations
        lines.append(
            ReasonLine(
                f"{names[place]}: {like.mean:.0%} good expected on prompts like this"
                f" ({like.low:.0%} to {like.high:.0%}), {rated:,} rated, {a_call(candidate.expected_cost_usd)}",
                f"{best[place]:.1%}",
            )
        )
    if any(candidate.expected_cost_usd is None for candidate in candidates):
        lines.append(ReasonLine("an unknown price counts as the highest known one"))
    if limited:
        full = "any price" if worth_usd == float("inf") else dollars_as_written(worth_usd)
        lines.append(ReasonLine(f"the budget binds: a good answer, worth {full}, counts as", counted))
    if bought.said:
        lines.append(ReasonLine(*bought.said))
    weights, floor = mixed.lines
    if mixed.fading >= _MAINLY:
        lines += weights
    told = [push for push in pushes(rows, coefficients) if push.share >= _LEAST_SHOWN]
    for push in told[:_SHOWN]:
        said = vector.in_words(push.feature, push.value, context)
        lines.append(ReasonLine(f"{said}: towards {names[push.towards]}", f"{100 * push.share:+.1f} points"))
    if mixed.fading < _MAINLY:
        lines += weights
    return Reason(summary, (*lines, *floor))
