"""What the tests of the router share: two models, one prompt, and looks into the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from router_core.serving.library import Router
from router_core.store.base import Comparison, Store
from router_core.types import Completion

CHEAP, STRONG = "openai/gpt-4o-mini", "openai/gpt-4o"
PATHS = [{"model": CHEAP, "weight": 0.8}, {"model": STRONG, "weight": 0.2}]
ONLY = [{"model": CHEAP}]
HELLO = [{"role": "user", "content": "Is this spam: free prize?"}]
KEYS = {"OPENAI_API_KEY": "sk-test-0123456789"}
Make = Callable[..., Router]


def asked(router: Router, **params: Any) -> str:
    """One request; its id."""
    _, request_id = router.completion(HELLO, return_request_id=True, **params)
    return str(request_id)


def last(store: Store) -> Comparison:
    """Everything about the newest prompt."""
    found = store.comparison(store.recent_prompts(1)[0].id)
    assert found is not None
    return found


def only_completion(store: Store) -> Completion:
    """The one answer to the newest prompt."""
    (completion,) = last(store).completions
    return completion
