"""What a model's chat template adds is learned from plain answers, and estimates of the same model add it."""

from __future__ import annotations

from typing import Any

import pytest

from router_core.features import estimate_input_tokens
from router_core.models.templates import Templates
from router_core.store.base import Store
from router_core.types import Usage
from tests.servers import ChatServer, answered, events
from tests.unit.routing import HELLO, ONLY, Make, only_completion

BARE = estimate_input_tokens(HELLO)


def usage_of(store: Store) -> Usage:
    """The tokens of the newest answer."""
    usage = only_completion(store).usage
    assert usage is not None
    return usage


def test_a_stream_is_estimated_as_whole_answers_were_counted(
    make_router: Make, server: ChatServer, store: Store
) -> None:
    """8 tokens were said of a prompt that a model with a template counted as 34."""
    router = make_router(ONLY)
    server.usual = events("Yes", usage=None)
    list(router.completion(HELLO, stream=True))
    assert (usage_of(store).input_tokens, usage_of(store).estimated) == (BARE, True)
    server.usual = answered("Yes", usage={"prompt_tokens": BARE + 26, "completion_tokens": 2})
    router.completion(HELLO)
    assert not usage_of(store).estimated
    server.usual = events("Yes", usage=None)
    longer = [*HELLO, {"role": "assistant", "content": "Yes"}, {"role": "user", "content": "Why?"}]
    list(router.completion(longer, stream=True))
    expected = estimate_input_tokens(longer) + 26
    assert (usage_of(store).input_tokens, usage_of(store).estimated) == (expected, True)


def test_streams_teach_too_and_models_differ(make_router: Make, server: ChatServer, store: Store) -> None:
    """Each model for itself; one that counts nothing half the time is estimated as it counts else."""
    router = make_router(ONLY)
    server.usual = events("Yes", usage={"prompt_tokens": BARE + 5, "completion_tokens": 2})
    list(router.completion(HELLO, stream=True))
    server.usual = answered("Yes", usage={"prompt_tokens": 0, "completion_tokens": 2})
    router.completion(HELLO)
    assert usage_of(store).input_tokens == BARE + 5
    assert router._models.templates.tokens("openai/gpt-4o") == 0


@pytest.mark.parametrize(
    ("messages", "params", "usage"),
    [
        (HELLO, {"tools": [{"type": "function"}]}, Usage(500, 1)),
        (HELLO, {"response_format": {"type": "json_object"}}, Usage(500, 1)),
        (HELLO, {}, Usage(500, 1, estimated=True)),
        ([{"role": "user", "content": [{"type": "image_url"}]}], {}, Usage(500, 1)),
        ([*HELLO, {"role": "assistant", "content": "", "tool_calls": [{}]}], {}, Usage(500, 1)),
        ([{"role": "user", "content": "word " * 400}], {}, Usage(900, 1)),
    ],
)
def test_what_teaches_nothing(messages: Any, params: Any, usage: Usage) -> None:
    """What else may stand in the count, and long prompts, of which the estimate errs by more."""
    templates = Templates()
    templates.learn("m", messages, params, usage)
    assert templates.tokens("m") == 0


def test_the_median_of_the_latest() -> None:
    """One odd count changes nothing; another template is learned; an estimate never falls below 1."""
    templates = Templates()
    for count in (26, 26, 9_000, 26, 26):
        templates.learn("m", HELLO, {}, Usage(BARE + count, 1))
    assert templates.tokens("m") == 26
    for _ in range(15):
        templates.learn("m", HELLO, {}, Usage(1, 1))
    assert templates.tokens("m") == 1 - BARE


def test_an_estimate_is_at_least_one_token(make_router: Make, server: ChatServer, store: Store) -> None:
    """Whatever was learned."""
    router = make_router(ONLY)
    server.usual = answered("Yes", usage={"prompt_tokens": 1, "completion_tokens": 2})
    router.completion(HELLO)
    server.usual = answered("Yes", usage=None)
    router.completion([{"role": "user", "content": "?"}])
    assert usage_of(store).input_tokens == 1
