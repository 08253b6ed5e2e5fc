"""One call of the classifier's model."""

from __future__ import annotations

from collections.abc import Sequence

from router_core.at_once import at_once
from router_core.errors import ProviderError, ProviderTimeoutError
from router_core.models.calls import Models
from router_core.models.thinking import THINKING_TOKENS, token_limit
from router_core.money.pricing import PriceBook, is_free
from router_core.policies.asking import Reply
from router_core.reading import without_thinking
from router_core.settings import ClassifierSettings
from router_core.types import Message


class ClassifierCall:
    """Puts messages to the classifier's model, once, within its time-out. Thread-safe.

    A model whose answer showed that it thinks first has room to think the next time.
    """

    def __init__(self, models: Models, prices: PriceBook) -> None:
        self._models = models
        self._prices = prices
        self._thinking: set[str] = set()

    def ask(self, messages: Sequence[Message], settings: ClassifierSettings) -> Reply:
        """The same, where nothing is awaited."""
        return at_once(self(messages, settings))

    async def __call__(self, messages: Sequence[Message], settings: ClassifierSettings) -> Reply:
        """The model's answer, with what it used and cost.

        Raises:
            ProviderError: it did not answer.
        """
        limit = token_limit(settings.model, settings.max_tokens)
        if settings.model in self._thinking:
            limit = max(limit, THINKING_TOKENS)
        params: dict[str, object] = {"temperature": 0, "max_tokens": limit}
        if self._models.json_mode(settings.model):
            params["response_format"] = {"type": "json_object"}
        try:
            answer = await self._models.acomplete(
                settings.model, messages, params, deadline_s=settings.timeout_s, max_retries=0
            )
        except ProviderError as error:
            error.maybe_billed = error.maybe_billed and not is_free(self._prices.price(settings.model))
            if isinstance(error, ProviderTimeoutError) and error.status is None:
                late = ProviderTimeoutError(
                    f"{settings.model} did not answer within {settings.timeout_s:g} s; raise classifier.timeout_s,"
                    " or ask a faster model"
                )
                late.maybe_billed = error.maybe_billed
                raise late from None
            raise
        cut = answer.finish_reason == "length" and not answer.text.strip()
        if cut or without_thinking(answer.text) != answer.text:
            self._thinking.add(settings.model)
        charge = self._prices.charge(settings.model, answer.usage)
        return Reply(answer.text, charge.usage, charge.cost_usd)
