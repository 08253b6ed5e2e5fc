"""What a batch should cost, and at most, before anything is asked."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from router_core.collecting.batch import Batch, prompts_of
from router_core.collecting.money import bound_usd
from router_core.collecting.prompts import asked_in
from router_core.features import estimate_input_tokens
from router_core.money.pricing import PriceBook, expected_cost_usd
from router_core.routing.candidates import expected_outputs
from router_core.settings import Settings
from router_core.store.base import Store

_BEGINS_S: Final = 0.6  # before a usual hosted model begins to answer
_TOKENS_A_SECOND: Final = 60.0  # and how fast it then writes


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of a whole batch.

    ``usd``: what it should cost, by the lengths of answers seen so far; ``most_usd``: what it can cost at most;
    both None where a price is unknown. ``seconds``: how long it takes with models of usual speed. ``unpriced``:
    models without a price.
    """

    calls: int
    usd: float | None
    most_usd: Decimal | None
    seconds: float
    unpriced: tuple[str, ...]


def estimate(settings: Settings, store: Store, batch: Batch) -> Estimate:
    """What the prompts of a new batch come to; reads them once.

    Raises:
        DataFileError: they cannot be read.
    """
    goal, prices = settings.goal(batch.goal), PriceBook.of(settings)
    arms = {arm.id: arm for arm in goal.arms if arm.id in batch.arms}
    outputs = expected_outputs(goal, store.output_tokens(batch.goal), batch.max_tokens)
    unpriced = tuple(id_ for id_, arm in arms.items() if prices.price(arm.model) is None)
    usd, most = 0.0, Decimal(0)
    for asked in asked_in(prompts_of(store, batch)):
        tokens = estimate_input_tokens(asked.messages)
        for id_, arm in arms.items():
            if id_ not in unpriced:
                usd += expected_cost_usd(tokens, outputs[id_], prices.price(arm.model, tokens)) or 0.0
                most += bound_usd(asked.messages, arm.model, batch.max_tokens, prices) or Decimal(0)
    seconds = sum(_BEGINS_S + outputs[id_] / _TOKENS_A_SECOND for id_ in arms) * batch.prompts / batch.at_once
    if batch.per_minute is not None:
        seconds = max(seconds, 60.0 * batch.calls / batch.per_minute)
    return Estimate(batch.calls, None if unpriced else usd, None if unpriced else most, seconds, unpriced)
