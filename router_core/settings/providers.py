"""Providers that many people use: their OpenAI-compatible address, and the variable that usually holds the key.

Named as in the price book, so that their models' prices are found. See models/calls.py for calling them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from router_core.settings import ProviderSettings
from router_core.settings.hosts import is_loopback_address


def _at(base_url: str, api_key_env: str) -> ProviderSettings:
    return ProviderSettings(base_url=base_url, api_key_env=api_key_env)


KNOWN: Final[Mapping[str, ProviderSettings]] = MappingProxyType(
    {
        "anthropic": _at("https://api.anthropic.com/v1", "ANTHROPIC_API_KEY"),
        "cerebras": _at("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
        "deepseek": _at("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
        "google": _at("https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
        "groq": _at("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
        "mistral": _at("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
        "moonshotai": _at("https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
        "openai": ProviderSettings(),
        "openrouter": _at("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
        "perplexity": _at("https://api.perplexity.ai", "PERPLEXITY_API_KEY"),
        "together": _at("https://api.together.xyz/v1", "TOGETHER_API_KEY"),
        "x-ai": _at("https://api.x.ai/v1", "XAI_API_KEY"),
    }
)

USUAL_PORTS: Final[Mapping[int, str]] = MappingProxyType(
    {
        11434: "ollama",
        1234: "lmstudio",
        8000: "vllm",
        8080: "llamacpp",
        1337: "jan",
        4891: "gpt4all",
        5001: "koboldcpp",
        30000: "sglang",
    }
)
"""Where servers on this machine listen unless told otherwise, and the name that a provider is given for each."""

ANSWERS_MANY: Final = frozenset({"vllm", "sglang"})
"""Those of them that answer many requests together; the others put all but the first into a queue."""


def requests_at_once(provider: ProviderSettings) -> int | None:
    """How many requests a provider is sent at the same time; None: any number.

    What its setting says; where that is empty, 1 at the usual port of a server on this machine that answers one
    after the other.
    """
    if provider.requests_at_once is not None:
        return provider.requests_at_once
    address = urlsplit(provider.base_url)
    host = address.hostname or ""
    if host != "localhost" and not is_loopback_address(host):
        return None
    name = USUAL_PORTS.get(address.port or 0)
    return None if name is None or name in ANSWERS_MANY else 1
