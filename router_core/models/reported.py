"""What a provider reports of a call beside its text: tokens, cost and service tier, in any of the usual shapes.

Pure, on plain data. Providers disagree on names and on what is part of what (docs/providers.md); whatever is not
certain is marked as estimated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from router_core.types import Usage

COST_HEADER: Final = "x-litellm-response-cost"
_TOO_MUCH_USD: Final = Decimal(1_000_000)
_TICKS: Final = Decimal(10_000_000_000)  # of a dollar

_INPUT: Final = ("prompt_tokens", "input_tokens")
_OUTPUT: Final = ("completion_tokens", "output_tokens")
_CACHE_READ: Final = (
    "cached_tokens",
    "prompt_cache_hit_tokens",
    "cache_read_input_tokens",
    "cache_read_tokens",
    "num_cached_tokens",
)
_CACHE_WRITE: Final = (
    "cache_creation_input_tokens",
    "cache_creation_tokens",
    "cache_write_input_tokens",
    "cache_write_tokens",
)
_OTHER_INPUT: Final = ("image_tokens", "video_tokens")  # usually at the rate of text, but not everywhere
_PAID_APART: Final = ("num_search_queries", "num_sources_used", "citation_tokens", "prompt_audio_seconds")


def reported_usage(report: Any) -> Usage | None:
    """The provider's count of tokens, or None where it counts neither side.

    A side that it does not count is 0. The result is marked as estimated where a side is missing, where numbers
    contradict each other or cannot be read, and where some of it is paid for at a rate that tokens do not tell.

    Args:
        report: ``usage`` of an answer.
    """
    if not isinstance(report, Mapping):
        return None
    read = _Reader()
    inside = [_mapping(report.get(name)) for name in ("prompt_tokens_details", "input_tokens_details")]
    outside = [_mapping(report.get(name)) for name in ("completion_tokens_details", "output_tokens_details")]
    given, answered = read.count([report], _INPUT), read.count([report], _OUTPUT)
    total = read.count([report], ["total_tokens"]) or 0
    if given is None and answered is None:
        return None
    if given is None:
        given, read.certain = max(0, total - (answered or 0)), False
    if answered is None:
        answered, read.certain = 0, read.certain and total > given
    cached = read.count([report, *inside], _CACHE_READ) or 0
    written = _written(read, [report, *inside])
    reasoning = read.count([report, *outside], ["reasoning_tokens"]) or 0
    beside = _beside(read, report, given, total - given - answered, cached, written, reasoning)
    output = _output(read, answered, reasoning, total, given, beside)
    heard = min(read.count(inside, ["audio_tokens"]) or 0, given + beside)
    spoken = min(read.count(outside, ["audio_tokens"]) or 0, output)
    drawn = sum(read.count(outside, [name]) or 0 for name in _OTHER_INPUT)
    unclear = any(read.count(inside, [name]) for name in _OTHER_INPUT) or any(
        report.get(name) for name in _PAID_APART
    )
    tools = _mapping(report.get("server_tool_use"))
    unclear = unclear or any(tools.values()) or bool(heard and (cached or written))
    cached = min(cached, given + beside)
    return Usage(
        input_tokens=given + beside,
        output_tokens=output,
        cached_tokens=cached,
        estimated=unclear or not read.certain,
        cache_write_tokens=min(written, given + beside - cached),
        input_audio_tokens=heard,
        output_audio_tokens=spoken,
        output_image_tokens=min(drawn, output - spoken),
    )


def reported_cost_usd(report: Any, headers: Mapping[str, str] | None = None) -> Decimal | None:
    """What the provider says that the call cost, in US dollars; None where it says nothing, or zero, which some
    say of models whose price they do not know.

    Args:
        report: ``usage`` of an answer.
        headers: of the response; LiteLLM's proxy puts the cost there.
    """  # fmt: skip
    report = _mapping(report)
    cost = report.get("cost")
    said = _dollars(cost.get("total_cost") if isinstance(cost, Mapping) else cost)
    if report.get("is_byok") is True:  # then ``cost`` is OpenRouter's fee, and the model is paid for elsewhere
        upstream = _dollars(_mapping(report.get("cost_details")).get("upstream_inference_cost"))
        return None if upstream is None else upstream + (said or 0)
    ticks = _dollars(report.get("cost_in_usd_ticks"), most=_TOO_MUCH_USD * _TICKS)  # xAI
    if ticks is not None:
        said = said or ticks / _TICKS
    return said or _dollars(report.get("estimated_cost")) or _dollars((headers or {}).get(COST_HEADER))


def reported_tier(body: Mapping[str, Any], report: Any, params: Mapping[str, Any]) -> str:
    """The service tier that a call was answered in, else the one that was asked for; "" where neither is told."""
    asked = _mapping(params.get("extra_body")).get("service_tier") or params.get("service_tier")
    for tier in (body.get("service_tier"), _mapping(report).get("service_tier"), asked):
        if isinstance(tier, str) and 0 < len(tier) <= 40:
            return tier.lower()
    return ""


def found_report(body: Any) -> Any:
    """Where an answer, or a piece of one, counts its tokens; Groq and Moonshot have places of their own."""
    body = _mapping(body)
    choices = body.get("choices")
    first = _mapping(choices[0]) if isinstance(choices, list) and choices else {}
    return body.get("usage") or _mapping(body.get("x_groq")).get("usage") or first.get("usage")


def merged(before: Mapping[str, Any] | None, after: Any) -> Mapping[str, Any] | None:
    """Two reports of one stream in one: the later numbers count, but zeros never replace a count."""
    if not isinstance(after, Mapping) or (before is not None and not any(map(_counts, after.values()))):
        return before
    if before is None:
        return after
    kept = {name: value for name, value in before.items() if name != "total_tokens"}
    for name, value in after.items():
        old = kept.get(name)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            kept[name] = {**old, **{part: one for part, one in value.items() if one or part not in old}}
        elif _counts(value) or name not in kept:
            kept[name] = value
    return kept


class _Reader:
    """Reads counts. ``certain`` becomes False once something stands there that is not one."""

    def __init__(self) -> None:
        self.certain = True

    def count(self, places: Iterable[Mapping[str, Any]], names: Iterable[str]) -> int | None:
        """The largest of the numbers under these names, which all mean the same; None where there is none."""
        found = [place[name] for place in places for name in names if place.get(name) is not None]
        counts = [_whole(value) for value in found]
        self.certain = self.certain and None not in counts
        return max((count for count in counts if count is not None), default=None)


def _written(read: _Reader, places: list[Mapping[str, Any]]) -> int:
    """Tokens written to a cache. Those kept for an hour cost more than the rate for five minutes that is known."""
    written = read.count(places, _CACHE_WRITE) or 0
    kept = [_mapping(place.get("cache_creation")) for place in places]
    hour = read.count(kept, ["ephemeral_1h_input_tokens"]) or 0
    read.certain = read.certain and not hour
    return max(written, hour + (read.count(kept, ["ephemeral_5m_input_tokens"]) or 0))


def _beside(
    read: _Reader, report: Mapping[str, Any], given: int, missing: int, cached: int, written: int, reasoning: int
) -> int:
    """Tokens of a cache that are not part of the count of input.

    Args:
        missing: by how much the total exceeds input and output.
    """
    both = cached + written
    if not both:
        return 0
    if report.get("prompt_tokens") is None and any(
        report.get(name) for name in ("cache_read_input_tokens", "cache_creation_input_tokens")
    ):
        return both  # Anthropic's own names: ``input_tokens`` are those that no cache had a part in
    if missing > 0 and missing != reasoning and missing in (both, both + reasoning):
        return both
    if both <= given:
        return 0
    if missing > 0 and missing in (cached, written):
        return missing
    read.certain = False  # the total does not confirm it
    return both


def _output(read: _Reader, answered: int, reasoning: int, total: int, given: int, beside: int) -> int:
    """All output: thinking that stands outside the count is found by the total, or by being more than it."""
    extra = total - given - beside - answered
    if extra > 0:
        read.certain = read.certain and reasoning in (0, extra, answered + extra)
        return answered + extra
    if extra < 0 and total not in (0, given + answered):
        read.certain = False
    if reasoning > answered:
        read.certain = read.certain and not total
        return answered + reasoning
    return answered


def _whole(value: Any) -> int | None:
    """A count that may come as 12, 12.0 or "12"."""
    if isinstance(value, str) and value.isascii() and value.strip().isdigit() and len(value) <= 18:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and value >= 0 else None


def _dollars(value: Any, most: Decimal = _TOO_MUCH_USD) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value)[:40])
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 < amount < most else None


def _counts(value: Any) -> bool:
    """Whether there is more than zeros in it."""
    return any(value.values()) if isinstance(value, Mapping) else bool(value)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
