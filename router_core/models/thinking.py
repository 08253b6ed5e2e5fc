"""Models that think before they answer: their thinking counts against the limit of tokens, and needs room."""

from __future__ import annotations

import re
from typing import Final

THINKING_TOKENS: Final = 2_000
"""What a model that thinks is granted at least for a short answer. One that needs less stops by itself."""

_NAMES: Final = re.compile(
    r"(^|[/.:])(o[1-9]|gpt-[5-9]|gpt-oss|qwq|qwen3|magistral|grok-(3-mini|[4-9])|gemini-(2\.5|[3-9])|glm-(4\.[5-9]|[5-9])"
    r"|minimax-m|kimi-k2)|thinking|reason|(^|[-/])r1\b",
    re.IGNORECASE,
)
_PLAIN: Final = re.compile(r"non-?(reasoning|thinking)|instruct|-chat\b|no-?think", re.IGNORECASE)


def thinks(model: str) -> bool:
    """Whether a model's name (``provider/model``) is that of a family that thinks before it answers."""
    name = model.partition("/")[2]
    return bool(_NAMES.search(name)) and not _PLAIN.search(name)


def token_limit(model: str, wanted: int) -> int:
    """The limit of tokens for a short answer of a model: as wanted, but no less than its thinking needs."""
    return max(wanted, THINKING_TOKENS) if thinks(model) else wanted
