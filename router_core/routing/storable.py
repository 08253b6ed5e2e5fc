"""What of a request and a decision may be stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from router_core.registry import CLASSIFIER
from router_core.settings import Settings
from router_core.types import FALLBACK, NO_VERDICT, Decision, Reason

NOT_KEPT: Final = "not kept (privacy.keep_texts is hash)"
"""Stands in place of words that may quote the prompt."""

_PARAMS: Final = frozenset(
    {
        "temperature",
        "top_p",
        "max_tokens",
        "max_completion_tokens",
        "presence_penalty",
        "frequency_penalty",
        "seed",
        "n",
    }
)


def storable_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of known names; others may hold texts or keys (``extra_headers``)."""
    return {name: value for name, value in params.items() if name in _PARAMS and isinstance(value, int | float)}


def storable(decision: Decision, settings: Settings) -> Decision:
    """The decision as it may be stored: where texts are not kept, without the prompt or words about it."""
    if settings.privacy.keep_texts == "full":
        return decision
    private = replace(decision, context=replace(decision.context, text=""))
    if decision.policy in (CLASSIFIER.name, FALLBACK):  # a paraphrase of the prompt; an error that may quote it
        failed = None if decision.fallback is None else NOT_KEPT
        return replace(private, reason=Reason(NOT_KEPT), fallback=failed)
    lines = [replace(one, value=NOT_KEPT) if one.text == NO_VERDICT else one for one in decision.reason.lines]
    return replace(private, reason=Reason(decision.reason.summary, tuple(lines)))
