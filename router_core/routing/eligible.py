"""Which models can serve a request at all: decided before any probability, so that propensities are over these.

Known are the context windows of the price book, what the settings say of a provider, and what a model has refused
before for what the request holds. What is not known is no reason against a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from router_core.errors import ModelNotFoundError, ProviderError
from router_core.features import estimate_input_tokens, output_limit
from router_core.money.book import context_window
from router_core.settings import Settings
from router_core.types import Arm, Message

_SPARE: Final = 1.3
"""An estimate of tokens may be so much too high: a prompt is too long where even less would be."""
_PARTS: Final = {"image_url": "images", "image": "images", "input_audio": "sound", "file": "files"}
_WORDS: Final = {
    "images": re.compile(r"image|vision|multi-?modal|content part|must be a string", re.IGNORECASE),
    "sound": re.compile(r"audio|sound|multi-?modal|content part|must be a string", re.IGNORECASE),
    "files": re.compile(r"\bfiles?\b|pdf|document|multi-?modal|content part|must be a string", re.IGNORECASE),
    "tools": re.compile(r"tool|function", re.IGNORECASE),
}
"""What a request holds -> how a model that does not take it says so."""
_REFUSES: Final = re.compile(
    r"(not|n't|no|only|without)\W+(\w+\W+){0,5}?(support|accept|allow|available|capab|enabled|text)|unsupported"
    r"|no endpoints found that support|must be a string",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Needs:
    """What a request asks of a model. ``holds``: images, sound, files, tools."""

    input_tokens: int
    output_tokens: int
    holds: frozenset[str]
    json: bool

    @classmethod
    def of(cls, messages: Sequence[Message], params: Mapping[str, Any]) -> Needs:
        """Of a request's messages and its other parameters, as they were given."""
        kinds = {_PARTS.get(str(part.get("type"))) for part in _parts(messages)}
        if params.get("tools") or params.get("functions"):
            kinds.add("tools")
        wanted = params.get("response_format")
        form = wanted.get("type") if isinstance(wanted, Mapping) else None
        return cls(
            estimate_input_tokens(messages),
            output_limit(params) or 0,
            frozenset(kind for kind in kinds if kind),
            form in ("json_object", "json_schema"),
        )


class Abilities:
    """What models have shown that they cannot do. Thread-safe.

    Args:
        settings: what is said of their providers.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._refused: dict[str, frozenset[str]] = {}
        self._lock = Lock()

    def against(self, arms: Iterable[Arm], needs: Needs) -> dict[str, str]:
        """Arm id -> why it cannot serve the request, as the end of a sentence; those that can are left out."""
        found = ((arm.id, self._why(arm.model, needs)) for arm in arms)
        return {arm: why for arm, why in found if why is not None}

    def learn(self, model: str, needs: Needs, error: ProviderError) -> None:
        """Take in why a model refused a request: where it takes no images, say, it is not asked for such again."""
        if error.status not in (400, 404, 415, 422, 501) or isinstance(error, ModelNotFoundError):
            return
        said = str(error)
        kinds = {kind for kind in needs.holds if _WORDS[kind].search(said) and _REFUSES.search(said)}
        if kinds:
            with self._lock:
                self._refused[model] = self._refused.get(model, frozenset()) | kinds

    def _why(self, model: str, needs: Needs) -> str | None:
        window = context_window(self._settings.priced_as.get(model, model))
        if window is not None and needs.input_tokens > window * _SPARE:
            return f"its context holds {window:,} tokens, and the prompt has some {needs.input_tokens:,}"
        if window is not None and needs.output_tokens > window:
            return f"its context holds {window:,} tokens, and {needs.output_tokens:,} are asked for"
        refused = sorted(needs.holds & self._refused.get(model, frozenset()))
        if refused:
            return f"it has refused {' and '.join(refused)}"
        provider = self._settings.providers.get(model.partition("/")[0])
        if needs.json and provider is not None and not provider.json_mode:
            return "its provider does not honour JSON mode, as the settings say"
        return None


def _parts(messages: Sequence[Message]) -> Iterable[Mapping[str, Any]]:
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, list | tuple) else ():
            if isinstance(part, Mapping):
                yield part
