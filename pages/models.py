"""Models to choose from: those in use, those of the price book, those that servers and providers list."""

from __future__ import annotations

import os
from decimal import Decimal

import streamlit as st

from pages.resources import pasted_keys
from router_core.models.keys import key_of
from router_core.models.reaching import LocalServer, listed_models
from router_core.money.book import book_models
from router_core.money.pricing import PriceBook
from router_core.settings import ProviderSettings, Settings
from router_core.settings.system import simulation_asked
from router_core.types import Price
from router_core.validation import short_hash

_FOUND = "local-servers"


def used_models(settings: Settings) -> list[str]:
    """The models of all goals and of the classifier."""
    used = {arm.model for goal in settings.goals.values() for arm in goal.arms}
    return sorted(used | {settings.classifier.model})


def model_options(settings: Settings) -> dict[str, str]:
    """Model -> its name and price, for every provider of the settings; those in use first."""
    found = [f"{name}/{model}" for name in settings.providers for model in _offered(settings, name)]
    book = [model for name in settings.providers for model in book_models(name)]
    prices = PriceBook.of(settings)
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


def provider_models(name: str, provider: ProviderSettings, key: str = "") -> tuple[str, ...]:
    """What a provider that the price book does not know says that it offers; none where it does not say.

    Not asked where models are simulated: nothing is sent then.
    """
    if book_models(name) or simulation_asked(os.environ):
        return ()
    return _listed(provider.base_url, short_hash(key), key)


@st.cache_data(ttl=60, max_entries=64, show_spinner=False)
def _listed(base_url: str, which: str, _key: str) -> tuple[str, ...]:
    return listed_models(base_url, _key)


def _offered(settings: Settings, name: str) -> tuple[str, ...]:
    """The models of a server found on this machine, or those that the provider lists."""
    provider = settings.providers[name]
    address = provider.base_url.rstrip("/")
    found = next((one.models for one in servers_found() or () if one.base_url == address), None)
    if found is not None:
        return found
    return provider_models(name, provider, key_of(name, provider, os.environ, pasted_keys().of(settings)))
