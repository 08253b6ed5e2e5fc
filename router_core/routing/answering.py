"""A decision carried out: the model that was drawn answers, else the next likeliest one that does.

One call and what is stored of it are calling.py's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from router_core.errors import NoEligibleArmError, ProviderError
from router_core.models.requests import body_of
from router_core.routing.deciding import Decider
from router_core.types import FALLBACK, FORCED, Arm, Decision, Message, Prompt

Answer = TypeVar("Answer")
Call = Callable[[Prompt, Sequence[Message], Arm, str, Mapping[str, Any], float | None], Awaitable[Answer]]
"""Calls one model; raises a ProviderError where it does not answer."""


async def answered(
    decider: Decider,
    call: Call[Answer],
    prompt: Prompt,
    messages: Sequence[Message],
    decision: Decision,
    params: Mapping[str, Any],
    deadline_s: float | None,
) -> tuple[Answer, Decision]:
    """The answer, and the decision that led to it: this one, or that on whoever answered in its place. A
    conversation that stays with a model goes on with another one where that fails, too.

    Args:
        decider: logs who answers in another's place.
        call: asks one model.
        prompt, messages: what is asked.
        decision: on it, logged.
        params, deadline_s: of each call.

    Raises:
        ProviderError: what the caller gave is wrong, whatever the model; no other model is asked.
        NoEligibleArmError: no model answered.
    """  # fmt: skip
    causes: dict[str, ProviderError] = {}
    for arm_id in in_turn(decision):
        led = await _fallen_back(decider, prompt, decision, arm_id, causes) if causes else decision
        arm = decider.settings.arm(decision.goal, arm_id)
        try:
            return await call(prompt, messages, arm, led.completion_id, params, deadline_s), led
        except ProviderError as error:
            if is_callers(error, params):
                raise  # every other model would refuse it, too
            causes[arm_id] = error
    raise none_answered(decision.goal, causes) from next(iter(causes.values()), None)


def in_turn(decision: Decision) -> list[str]:
    """The arm drawn, then the others by falling probability; one that a person asked for stands alone."""
    if decision.origin == FORCED:
        return [decision.chosen]
    chances = dict(zip(decision.arms, decision.probabilities, strict=True))
    others = sorted((arm for arm in decision.arms if arm != decision.chosen), key=lambda arm: -chances[arm])
    return [decision.chosen, *others]


def is_callers(error: ProviderError, params: Mapping[str, Any]) -> bool:
    """Whether an error is about what the caller gave: its messages, or a parameter of this call."""
    return error.parameter == "messages" or error.parameter in body_of(params)


def none_answered(goal: str, causes: Mapping[str, ProviderError]) -> NoEligibleArmError:
    """The error to raise where every model failed, with all causes."""
    reasons = {arm_id: str(error) for arm_id, error in causes.items()}
    said = "; ".join(f"{arm_id}: {why}" for arm_id, why in reasons.items())
    return NoEligibleArmError(f"no model of goal {goal!r} answered. {said}", reasons, causes)


async def _fallen_back(
    decider: Decider, prompt: Prompt, decision: Decision, arm_id: str, causes: Mapping[str, ProviderError]
) -> Decision:
    """The decision on who answers in the place of those that failed, logged."""
    failed = list(causes)[-1]
    settled = decider.settle(
        decision.context,
        arm_id,
        prompt_id=prompt.id,
        origin=FALLBACK,
        completion_id=decider.new_id(),
        why=f"{failed} failed: {causes[failed]}",
        eligible=decision.arms,
    )
    await decider.alog([settled])
    return settled
