"""How many more input tokens a model counts than its messages seem to have: what its chat template adds.

Some servers count the tokens of whole answers and not of streams. What an answer was counted as tells how much the
template takes, and an estimate of the same model's next call adds it. See usage.py for estimates.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from statistics import median
from threading import Lock
from typing import Any, Final

from router_core.features import estimate_input_tokens
from router_core.models.usage import only_text
from router_core.types import Message, Usage

_LONGEST: Final = 300  # estimated tokens: of longer prompts the error of the estimate outweighs the template
_KEPT: Final = 15  # answers per model
_NOT_PLAIN: Final = ("tools", "functions", "response_format", "extra_body")


class Templates:
    """The difference for each model, from its latest plain answers: short texts without tools. Thread-safe."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[int]] = {}
        self._lock = Lock()

    def tokens(self, model: str) -> int:
        """The difference in tokens, the median of what was seen; 0 where nothing was."""
        with self._lock:
            seen = self._seen.get(model)
            return round(median(seen)) if seen else 0

    def learn(self, model: str, messages: Sequence[Message], params: Mapping[str, Any], usage: Usage) -> None:
        """Take in an answer, where it is plain and the provider counted it."""
        if usage.estimated or not only_text_sent(messages) or any(params.get(name) for name in _NOT_PLAIN):
            return
        estimate = estimate_input_tokens(messages)
        if estimate <= _LONGEST:
            with self._lock:
                self._seen.setdefault(model, deque(maxlen=_KEPT)).append(usage.input_tokens - estimate)


def only_text_sent(messages: Sequence[Message]) -> bool:
    """Whether the messages hold texts alone, no calls of tools either."""
    return only_text(messages) and not any(message.get("tool_calls") for message in messages)
