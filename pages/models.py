"""Models to choose from: those in use, those of the price book, those of servers found on this machine."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from router_core.models.reaching import LocalServer
from router_core.money.book import book_models
from router_core.money.pricing import PriceBook
from router_core.settings import Settings
from router_core.types import Price

_FOUND = "local-servers"


def used_models(settings: Settings) -> list[str]:
    """The models of all goals and of the classifier."""
    used = {arm.model for goal in settings.goals.values() for arm in goal.arms}
    return sorted(used | {settings.classifier.model})


def model_options(settings: Settings) -> dict[str, str]:
    """Model -> its name and price, for every provider of the settings; those in use first."""
    found = [f"{name}/{model}" for name in settings.providers for model in _local_models(settings, name)]
    book = [model for name in settings.providers for model in book_models(name)]
    prices = PriceBook(settings.prices)
    return {
        model: f"{model} · {priced(prices.price(model))}"
        for model in dict.fromkeys([*used_models(settings), *found, *book])
    }


def priced(price: Price | None) -> str:
    """A price per million tokens in and out, in a few characters."""
    if price is None:
        return "price unknown"
    return f"{_short(price.input_usd_per_million_tokens)} / {_short(price.output_usd_per_million_tokens)}"


def _short(amount: Decimal) -> str:
    return f"${amount.normalize():f}" if amount else "free"


def remember_servers(servers: list[LocalServer]) -> None:
    """Keep what was found for the rest of this visit."""
    st.session_state[_FOUND] = servers


def servers_found() -> list[LocalServer] | None:
    """The servers found during this visit; None where nobody has looked."""
    found: list[LocalServer] | None = st.session_state.get(_FOUND)
    return found


def _local_models(settings: Settings, provider: str) -> tuple[str, ...]:
    address = settings.providers[provider].base_url.rstrip("/")
    return next((one.models for one in servers_found() or () if one.base_url == address), ())
