"""Providers that many people use: their OpenAI-compatible address, and the variable that usually holds the key.

Named as in the price book, so that their models' prices are found. See models/calls.py for calling them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from router_core.settings import ProviderSettings


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
        "together": _at("https://api.together.xyz/v1", "TOGETHER_API_KEY"),
        "x-ai": _at("https://api.x.ai/v1", "XAI_API_KEY"),
    }
)
