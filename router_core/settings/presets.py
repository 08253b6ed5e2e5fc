"""Rule sets to begin with: the article's, which is the default, and one that was fitted to measured answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from router_core.settings.routers import HeuristicSettings

ARTICLE: Final = "article"
BALANCED: Final = "balanced"

_BALANCED: Final = HeuristicSettings(
    word_limit=50,
    threshold=2,
    whole_words=True,
    brief_keywords=(
        "classify", "label", "extract", "identify", "yes or no", "true or false", "translate", "summarize"
    ),
    reasoning_keywords=(
        "analyze", "analyse", "synthesize", "compare", "evaluate", "explain why", "explain how", "prove", "derive",
        "design", "implement", "step by step", "write a", "write an", "generate",
    ),
)  # fmt: skip
"""A short prompt without a word that asks for reasoning is simple. docs/decisions.md says how it was fitted."""


def rule_presets() -> Mapping[str, Mapping[str, Any]]:
    """Name -> the rules of it as plain data. The share of random exploration is no rule, and is in none."""
    sets = {ARTICLE: HeuristicSettings(), BALANCED: _BALANCED}
    return {name: rules.model_dump(mode="json", exclude={"exploration"}) for name, rules in sets.items()}
