"""The bundled price book (genai-prices): which of its models a name means, and what that model costs at a moment.

A name means a model only where the whole of it is accounted for: one of the model's own names, or such a name with
nothing more than a region, a date or a version around it. A likeness is not enough: DeepSeek's ``deepseek-r1`` is
not ``deepseek-r1-distill-qwen-7b``.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from router_core.types import Price

if TYPE_CHECKING:
    from genai_prices.types import MatchLogic, ModelInfo, ModelPrice, TieredPrices

FREE: Final = Price(Decimal(0), Decimal(0), Decimal(0))
LIST_TIERS: Final = ("auto", "default", "standard", "on_demand")  # of service: what the list price is for
_AROUND: Final = re.compile(  # what may stand before and after a model's name without making it another model
    r"(models/|publishers/[a-z]+/models/|accounts/[a-z]+/models/)?"
    r"((us|eu|uk|apac|au|jp|sa|ca|me|af|global|us-gov)\.)?((anthropic|amazon|meta|mistral|cohere|deepseek|ai21)\.)?"
)
_AFTER: Final = re.compile(
    r"([-@:_.](\d{4}-\d{2}-\d{2}|\d{2}-\d{2}|\d{8}|\d{6}|\d{4}|\d{3}|v\d+([.:]\d+)*|latest|preview|exp|experimental"
    r"|instruct|it|beta|stable|versatile|maas))*"
)
_HOSTS_OF: Final = {"bedrock": "aws", "vertex": "google", "vertex_ai": "google", "gemini": "google", "xai": "x-ai"}
"""Names that tools give a provider -> the book's name for it."""

_NO_TEXT: Final = (
    "audio",
    "embed",
    "image",
    "moderation",
    "realtime",
    "rerank",
    "transcribe",
    "tts",
    "whisper",
    "ft:",
    ".ft",
)


def book_price(
    model: str, input_tokens: float = 0, at: datetime | None = None, service_tier: str | None = None
) -> Price | None:
    """What a model costs, in the tier and at the moment of one call; None where the book does not know it.

    Args:
        model: ``provider/model``.
        input_tokens: of the call; beyond a threshold some models cost more, for all of their tokens.
        at: the moment of the call (aware); by default now. Some prices change on a date or with the hour.
        service_tier: as the provider reports it (flex, priority, batch); None and "default": the list price.
    """
    listed = book_model(model)
    if listed is None:
        return FREE if _free(model) else None
    moment = datetime.now(UTC) if at is None else at
    if service_tier is None or service_tier in LIST_TIERS:
        rates = listed.get_prices(moment)
        known = _tiers.get(id(rates))
        if known is None:
            known = _tiers[id(rates)] = _Tiers(rates)
        return known.price(input_tokens)
    kind = "processing" if service_tier == "batch" else "service_tier"
    variant = listed.get_prices(moment, {kind: service_tier})
    if variant == listed.get_prices(moment):
        return None  # a tier that the book does not know: what it costs is unknown
    return _Tiers(variant).price(input_tokens, service_tier)


def context_window(model: str) -> int | None:
    """How many tokens a model's context holds; None where the book does not know it.

    Args:
        model: ``provider/model``.
    """
    listed = book_model(model)
    return None if listed is None else listed.context_window


@lru_cache(maxsize=4096)
def book_model(model: str) -> ModelInfo | None:
    """The book's entry for ``provider/model``, or None where it has none under that name."""
    from genai_prices import data_snapshot

    provider, _, name = model.partition("/")
    provider = _HOSTS_OF.get(provider.lower(), provider)
    name = name.lower()
    try:
        _, found = data_snapshot.get_snapshot().find_provider_model(name, None, provider, None)
    except LookupError:
        return None
    return found if any(_whole(one, name) for one in _names(found, name)) else None


@lru_cache(maxsize=4096)
def bundled_id(name: str) -> str | None:
    """``provider/name`` of a model named without its provider, where the book can tell whose it is."""
    from genai_prices import data_snapshot

    provider, separator, rest = name.partition(":")
    if separator and book_model(f"{provider}/{rest}") is not None:
        return f"{provider}/{rest}"
    try:
        found, _ = data_snapshot.get_snapshot().find_provider_model(name.lower(), None, None, None)
    except LookupError:
        return f"aws/{name}" if book_model(f"aws/{name}") is not None else None
    return f"{found.id}/{name}" if book_model(f"{found.id}/{name}") is not None else None


@lru_cache(maxsize=64)
def book_models(provider: str) -> tuple[str, ...]:
    """The models of a provider that the book knows and that answer with text, as ``provider/model``."""
    from genai_prices.data import providers

    now = datetime.now(UTC)
    found = []
    for listed in providers:
        if listed.id == provider:
            for model in listed.models:
                rates = model.get_prices(now)
                text = rates.input_mtok is not None and rates.output_mtok is not None
                named = book_model(f"{provider}/{model.id}") is model
                if text and named and not model.deprecated and not any(word in model.id for word in _NO_TEXT):
                    found.append(f"{provider}/{model.id}")
    return tuple(sorted(found))


def _free(model: str) -> bool:
    """OpenRouter's ending for models that are given away."""
    return model.startswith("openrouter/") and model.endswith(":free")


def _names(model: ModelInfo, name: str) -> Iterator[str]:
    """The names of a model that take part in its match with this name."""
    yield model.id.lower()
    yield from _matched(model.match, name)


def _matched(clause: MatchLogic, name: str) -> Iterator[str]:
    from genai_prices.types import (
        ClauseAnd,
        ClauseContains,
        ClauseEndsWith,
        ClauseEquals,
        ClauseOr,
        ClauseRegex,
        ClauseStartsWith,
    )

    match clause:
        case ClauseOr(or_=parts) | ClauseAnd(and_=parts):
            for part in parts:
                yield from _matched(part, name)
        case ClauseEquals(equals=text) | ClauseStartsWith(starts_with=text):
            yield text.lower()
        case ClauseContains(contains=text) | ClauseEndsWith(ends_with=text):
            yield text.lower()
        case ClauseRegex(regex=pattern) if re.fullmatch(r"\^[^*]*\$", pattern):  # all of a name, spelled out
            if (found := re.search(pattern, name)) is not None:
                yield found[0].lower()


def _whole(own: str, name: str) -> bool:
    """Whether the name is one of the model's own with nothing but a region, a date or a version around it."""
    before, found, after = name.partition(own)
    return bool(found) and _AROUND.fullmatch(before) is not None and _AFTER.fullmatch(after) is not None


class _Tiers:
    """One state of a model's rates: its thresholds of input length, and the price beyond each, made once."""

    def __init__(self, rates: ModelPrice) -> None:
        self.rates = rates  # kept alive, for it is known by its id
        self.starts = sorted(
            {tier.start for value in vars(rates).values() for tier in getattr(value, "tiers", ())}
        )
        self.prices: dict[int, Price | None] = {}

    def price(self, input_tokens: float, service_tier: str = "") -> Price | None:
        place = bisect_left(self.starts, input_tokens)  # beyond a threshold, not at it
        if place not in self.prices:
            above = self.starts[place - 1] if place else 0
            notes = [service_tier] if service_tier else []
            notes += [f"above {above:,} input tokens"] if above else []
            self.prices[place] = _as_price(self.rates, above + 1 if above else 0, ", ".join(notes))
        return self.prices[place]


_tiers: dict[int, _Tiers] = {}  # by the identity of rates that the book keeps


def _as_price(rates: ModelPrice, input_tokens: int, applies: str) -> Price | None:
    """The book's rates as a price; None where text is paid by the hour, the page or the character."""

    def rate(name: str) -> Decimal | None:
        value: Decimal | TieredPrices | None = getattr(rates, name)
        if value is None or isinstance(value, Decimal):
            return value
        return next((tier.price for tier in reversed(value.tiers) if input_tokens > tier.start), value.base)

    if not any(value is not None for value in vars(rates).values()):
        return FREE  # listed, without any price
    given, answered, fee = rate("input_mtok"), rate("output_mtok"), rate("requests_kcount")
    if given is None or (answered is None and not _embeds(rates)):
        return None
    return Price(
        given,
        Decimal(0) if answered is None else answered,
        rate("cache_read_mtok"),
        rate("cache_write_mtok"),
        rate("input_audio_mtok"),
        rate("output_audio_mtok"),
        Decimal(0) if fee is None else fee / 1000,
        applies,
    )


def _embeds(rates: ModelPrice) -> bool:
    """Whether nothing that it sends back is paid for, as with embeddings."""
    return not any("output" in name and value is not None for name, value in vars(rates).items())
