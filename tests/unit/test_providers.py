"""Providers that many people use: their addresses are those that the price book knows them by."""

from __future__ import annotations

import re

import pytest

from router_core.money.book import book_models
from router_core.money.pricing import PriceBook
from router_core.settings.providers import KNOWN


@pytest.mark.parametrize("name", KNOWN)
def test_known_to_the_price_book(name: str) -> None:
    """By name and by address, with models whose prices are known."""
    from genai_prices.data import providers

    listed = {one.id: one for one in providers}[name]
    assert re.match(listed.api_pattern, KNOWN[name].base_url)
    models = book_models(name)
    assert models
    assert all(model.startswith(f"{name}/") for model in models)
    assert all(PriceBook().price(model) is not None for model in models[:30])


def test_models_that_answer_with_text() -> None:
    """Neither embeddings nor speech; a provider that the book does not know has none."""
    found = book_models("openai")
    assert {"openai/gpt-4o-mini", "openai/gpt-4o"} <= set(found)
    assert not [one for one in found if "embedding" in one or "whisper" in one or "tts" in one]
    assert list(found) == sorted(found)
    assert book_models("nobody") == ()
