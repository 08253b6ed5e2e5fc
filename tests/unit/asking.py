"""What the tests of models share: one question, one model, one key."""

from __future__ import annotations

from collections.abc import Callable

from router_core.models.calls import Models

KEY = "Zq81test0123456789abcdef"
MODEL = "openai/gpt-4o-mini"
HELLO = [{"role": "user", "content": "Hello there"}]
Make = Callable[..., Models]


def both(models: Models) -> list[Callable[[], object]]:
    """The same question asked whole and streamed."""
    return [lambda: models.complete(MODEL, HELLO, {}), lambda: list(models.stream(MODEL, HELLO, {}))]
