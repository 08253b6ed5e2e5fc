"""Providers and prices: addresses, the variables that hold keys, a connection tried, servers of this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from pages.formatting import dollars, duration, escaped
from pages.forms import edit, mark
from pages.mode import key_words
from pages.models import model_options, priced, provider_models, remember_servers, servers_found, used_models
from pages.resources import Resources, pasted_keys
from router_core.errors import RouterError
from router_core.models.calls import Models
from router_core.models.keys import key_state
from router_core.models.parameters import Refusals, in_words
from router_core.models.reaching import LocalServer, local_servers, try_model
from router_core.money.book import book_models, book_price
from router_core.money.pricing import PriceBook
from router_core.settings import PriceSettings, ProviderSettings, Settings
from router_core.settings.providers import KNOWN, USUAL_PORTS
from router_core.settings.system import simulation_asked
from router_core.validation import short_hash, validated

_BEGAN = "prices-began"
_HALF = 264  # of the room within a border
_RATES = {name: declared.title or "" for name, declared in PriceSettings.model_fields.items()}


def provider_form(shared: Resources, draft: dict[str, Any]) -> None:
    """Put what stands in the forms into the draft."""
    settings = shared.playground.settings
    draft["providers"] = {}
    st.caption("Keys are read from the environment and never stored; here only their variables are named.")
    for name, provider in settings.providers.items():
        with st.container(border=True, key=f"provider-{name}"):
            draft["providers"][name] = _provider(settings, name, provider)
            if len(settings.providers) > 1 and st.checkbox(
                "Remove", key=f"drop-{name}.{mark(settings.version)}", persist_state="session"
            ):
                del draft["providers"][name]
            else:
                _test(settings, draft, name, refusals=shared.playground.refusals)
                _refused(shared.playground.refusals, name)
    with st.container(border=True, key="another-provider"):
        _another(settings, draft)
    _prices(settings, draft)


def _provider(settings: Settings, name: str, provider: ProviderSettings) -> dict[str, Any]:
    """The form of one provider. Another address empties the field of the key's variable: no key goes to an address
    for which nobody named it.
    """  # fmt: skip
    title = st.empty()
    key = f"provider-{name}"
    address = edit(provider, key, settings.version, only=("base_url",))["base_url"]
    moved = address.rstrip("/") != provider.base_url.rstrip("/")
    asked = provider.model_copy(update={"api_key_env": None}) if moved else provider
    field = f"{key}@{short_hash(address)}" if moved else key
    variable = edit(asked, field, settings.version, only=("api_key_env",))["api_key_env"]
    others = edit(
        provider, key, settings.version, only=("json_mode", "stream_usage", "requests_at_once"), half=_HALF
    )
    found = {**others, "base_url": address, "api_key_env": variable}
    if moved and provider.api_key_env and not variable:
        st.caption(
            f"The address is another, so {escaped(provider.api_key_env)} is not sent there. Name the variable that"
            " holds its key, or leave it empty where none is needed."
        )
    wanted = provider.model_copy(update={"base_url": address, "api_key_env": variable})
    there = key_words(key_state(name, wanted, os.environ, {} if moved else pasted_keys().of(settings)))
    title.header(f"**{escaped(name)}** :small[:gray[{escaped(there)}]]", anchor=False)
    return found


def _another(settings: Settings, draft: dict[str, Any]) -> None:
    """A provider that people know, one found on this machine, or one written by hand."""
    st.header("Another provider", anchor=False)
    if st.button("Look for servers on this machine", icon=":material/search:", key="find-local"):
        remember_servers(local_servers())
    servers = servers_found()
    if servers is not None:
        _found(settings, servers)
    names = dict.fromkeys([*(one.name for one in servers or ()), *KNOWN])
    options = [name for name in names if name not in settings.providers]
    name = st.selectbox(
        "Its name",
        options,
        None,
        key=f"new-provider.{mark(settings.version)}",
        persist_state="session",
        accept_new_options=True,
        placeholder="choose one, or write a name of your own",
        help="The first part of its models' names: provider/model.",
    )
    if not name:
        return
    if name in settings.providers:
        st.error(f"There is a provider {escaped(name)} already; change it above, or give another name.")
        return
    local = next((one for one in servers or () if one.name == name), None)
    known = _as_found(local) if local else KNOWN.get(name)
    start = known or ProviderSettings(base_url="http://127.0.0.1:11434/v1", api_key_env=None)
    draft["providers"][name] = _provider(settings, name, start)
    offered = local.models if local else _listed_by(name, draft["providers"][name])
    _test(settings, draft, name, offered)


def _as_found(server: LocalServer) -> ProviderSettings:
    return ProviderSettings(base_url=server.base_url, api_key_env=None, requests_at_once=server.requests_at_once)


def _listed_by(name: str, wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """What a provider that is not saved yet lists, asked without a key."""
    try:
        return provider_models(name, ProviderSettings.model_validate(wanted))
    except ValueError:  # its address is not written to the end; the draft says so
        return ()


def _found(settings: Settings, servers: list[LocalServer]) -> None:
    if not servers:
        ports = ", ".join(str(port) for port in USUAL_PORTS)
        st.caption(f"None answers on the usual ports ({ports}). Start one, or write its address below.")
    known = {provider.base_url.rstrip("/"): name for name, provider in settings.providers.items()}
    for server in servers:
        models = f"{len(server.models)} model{'s' * (len(server.models) != 1)}"
        with st.container(horizontal=True, vertical_alignment="center", key=f"found-{server.name}"):
            st.markdown(f"**{escaped(server.name)}** {escaped(server.base_url)}: {models}")
            if server.base_url in known:
                st.caption(f"is set up as {escaped(known[server.base_url])}")
            else:
                st.button(
                    "Use it",
                    key=f"use-{server.name}",
                    on_click=st.session_state.__setitem__,
                    args=(f"new-provider.{mark(settings.version)}", server.name),
                )


def _refused(refusals: Refusals, provider: str) -> None:
    """What its models have refused, and what is sent instead; forgotten when settings are saved."""
    for model, changes in refusals.of(provider).items():
        st.caption(
            f"{escaped(model)} refused parameters: {escaped(in_words(changes))}."
            " They are tried again once the settings are saved."
        )


def _test(
    settings: Settings,
    draft: Mapping[str, Any],
    provider: str,
    found: tuple[str, ...] = (),
    refusals: Refusals | None = None,
) -> None:
    """One tiny call with what stands in the form: whether it answers, what that took and cost. What the model
    refuses is remembered where its address is the one in force.
    """  # fmt: skip
    own = [model for model in model_options(settings) if model.startswith(f"{provider}/")]
    options = list(dict.fromkeys([*(f"{provider}/{one}" for one in found), *own, *book_models(provider)]))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key=f"try-{provider}"):
        model = st.selectbox(
            "Try it with",
            options,
            0 if options else None,
            key=f"try-model-{provider}",
            accept_new_options=True,
            placeholder=f"{provider}/model",
            width=_HALF,
        )
        pressed = st.button("Test connection", key=f"test-{provider}", disabled=not model)
    if not pressed or not model:
        return
    simulated = simulation_asked(os.environ)
    try:
        wanted = validated(Settings, draft)
        with st.spinner("Asking ..."):
            same = wanted.providers.get(provider) == settings.providers.get(provider)
            models = Models(
                wanted,
                simulated=simulated,
                keys=pasted_keys().of(wanted),
                refusals=refusals if same else None,
            )
            took = try_model(models, PriceBook.of(wanted), model)
    except RouterError as error:
        st.error(escaped(str(error)), icon=":material/error:")
        return
    who = " (simulated: ROUTER_SIMULATED is set)" if simulated else ""
    st.success(
        f"{escaped(model)} answered in {duration(took.total_ms)} for {escaped(dollars(took.cost_usd))}{who}.",
        icon=":material/check:",
    )


def _prices(settings: Settings, draft: dict[str, Any]) -> None:
    """Own prices beside those of the book; a row without own prices or another name changes nothing."""
    st.header(
        "**Prices** :small[:gray[dollars per million tokens; what you write goes before the book]]", anchor=False
    )
    book = PriceBook(priced_as=settings.priced_as)
    key = f"prices.{mark(settings.version)}"
    if key not in st.session_state:  # the editor tells what was changed in the table that it began with
        st.session_state[_BEGAN] = draft["prices"], draft["priced_as"]
    prices, priced_as = st.session_state[_BEGAN]
    names = list(dict.fromkeys([*used_models(settings), *prices, *priced_as]))
    table = pd.DataFrame(
        [
            {
                "model": name,
                "as": priced_as.get(name),
                "book": priced(book.price(name)),
                **{rate: _number(prices, name, rate) for rate in _RATES},
            }
            for name in names
        ]
    ).astype(dict.fromkeys(_RATES, "float64"))
    rows = st.data_editor(
        table,
        num_rows="dynamic",
        hide_index=True,
        key=key,
        column_config={
            "model": st.column_config.TextColumn("Model", width=165),
            "as": st.column_config.TextColumn(
                "Priced as",
                width=130,
                help="For a model behind a proxy: the model of the price book whose price it has, such as"
                " openai/gpt-4o-mini.",
            ),
            "book": st.column_config.TextColumn("Price book", disabled=True, width=100),
            **{
                rate: st.column_config.NumberColumn(title, min_value=0.0, format="%g", width=width)
                for (rate, title), width in zip(_RATES.items(), (75, 75, 110), strict=True)
            },
        },
        placeholder="",
        alt="Models with the price book's prices and your own.",
    )
    draft["prices"], draft["priced_as"] = {}, {}
    for row in rows.to_dict("records"):
        name, other = (one.strip() if isinstance(one, str) else "" for one in (row["model"], row["as"]))
        if not name:
            continue
        if given := {rate: f"{row[rate]:.9f}" for rate in _RATES if pd.notna(row[rate])}:
            draft["prices"][name] = given
        if other:
            draft["priced_as"][name] = other
            if book_price(other) is None:
                st.warning(
                    f"The price book does not know {escaped(other)}: the price of {escaped(name)} stays unknown."
                    " Give one of its names, such as openai/gpt-4o-mini, or a price.",
                    icon=":material/warning:",
                )


def _number(prices: Mapping[str, Any], model: str, rate: str) -> float | None:
    amount = prices.get(model, {}).get(rate)
    return None if amount is None else float(amount)
