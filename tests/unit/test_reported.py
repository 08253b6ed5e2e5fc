"""What providers report of tokens, cost and service tier: read whole, or called an estimate. Counted by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from router_core.models.reported import found_report, merged, reported_cost_usd, reported_tier, reported_usage
from router_core.models.usage import counted_usage
from router_core.money.pricing import PriceBook, cost_usd
from router_core.types import Price, Usage

HELLO = [{"role": "user", "content": "Hi there"}]  # 6 tokens
PRICE = Price(Decimal(1), Decimal(2), Decimal("0.1"), Decimal("1.25"))


def report(given: Any, answered: Any, total: Any = None, **more: Any) -> dict[str, Any]:
    """A report in OpenAI's form."""
    return {"prompt_tokens": given, "completion_tokens": answered, "total_tokens": total, **more}


def inside(**details: Any) -> dict[str, Any]:
    """Details of the input."""
    return {"prompt_tokens_details": details}


def out(**details: Any) -> dict[str, Any]:
    """Details of the output."""
    return {"completion_tokens_details": details}


@pytest.mark.parametrize(
    ("given", "usage", "dollars"),
    [
        pytest.param(report(40, 90, 500), Usage(40, 460), "0.00096", id="thinking in the total alone (Gemini)"),
        pytest.param(
            report(40, 90, 500, **out(reasoning_tokens=370)),
            Usage(40, 460),
            "0.00096",
            id="thinking outside (xAI)",
        ),
        pytest.param(
            report(40, 460, 500, **out(reasoning_tokens=370)),
            Usage(40, 460),
            "0.00096",
            id="thinking inside (OpenAI)",
        ),
        pytest.param(
            report(40, 460, **out(reasoning_tokens=370)), Usage(40, 460), "0.00096", id="inside, no total"
        ),
        pytest.param(
            report(40, 90, **out(reasoning_tokens=370)), Usage(40, 460), "0.00096", id="outside, no total"
        ),
        pytest.param(
            report(40, 0, 410, **out(reasoning_tokens=370)), Usage(40, 370), "0.00078", id="nothing else"
        ),
        pytest.param(
            report(40, 90, 500, reasoning_tokens=370),
            Usage(40, 460),
            "0.00096",
            id="beside the counts (Perplexity)",
        ),
        pytest.param(report(40, None, 130), Usage(40, 90), "0.00022", id="output by the total"),
        pytest.param(report(40.0, "90", 130), Usage(40, 90), "0.00022", id="a float and a text"),
        pytest.param({"input_tokens": 40, "output_tokens": 90}, Usage(40, 90), "0.00022", id="other names"),
        pytest.param(
            report(1000, 10, 1010, **inside(cached_tokens=600)),
            Usage(1000, 10, 600),
            "0.00048",
            id="OpenAI's cache",
        ),
        pytest.param(
            report(1000, 10, 1010, prompt_cache_hit_tokens=600, prompt_cache_miss_tokens=400),
            Usage(1000, 10, 600),
            "0.00048",
            id="DeepSeek's cache",
        ),
        pytest.param(report(1000, 10, 1010, cached_tokens=600), Usage(1000, 10, 600), "0.00048", id="Moonshot's"),
        pytest.param(
            report(1000, 10, 1010, cached_tokens=600, **inside(cached_tokens=600)),
            Usage(1000, 10, 600),
            "0.00048",
            id="said twice, counted once",
        ),
        pytest.param(
            report(1000, 10, 1010, cache_creation_input_tokens=500, **inside(cached_tokens=400)),
            Usage(1000, 10, 400, cache_write_tokens=500),
            "0.000785",  # 100 + 400 x 0.1 + 500 x 1.25 + 10 x 2
            id="written (LiteLLM)",
        ),
        pytest.param(
            report(1000, 10, 1010, **inside(cached_tokens=400, cache_write_tokens=500)),
            Usage(1000, 10, 400, cache_write_tokens=500),
            "0.000785",
            id="written (OpenRouter)",
        ),
        pytest.param(
            report(1000, 10, 1010, **inside(cache_creation={"ephemeral_5m_input_tokens": 500})),
            Usage(1000, 10, cache_write_tokens=500),
            "0.001145",
            id="written (DashScope)",
        ),
        pytest.param(
            report(1000, 10, 1010, cache_creation={"ephemeral_1h_input_tokens": 500}),
            Usage(1000, 10, cache_write_tokens=500, estimated=True),
            "0.001145",
            id="written for an hour, at a rate of its own",
        ),
        pytest.param(
            {
                "input_tokens": 100,
                "output_tokens": 10,
                "cache_read_input_tokens": 40,
                "cache_creation_input_tokens": 50,
            },
            Usage(190, 10, 40, cache_write_tokens=50),
            "0.0001865",
            id="Anthropic's names: the cache stands outside",
        ),
        pytest.param(
            report(100, 10, 710, **inside(cached_tokens=600)),
            Usage(700, 10, 600),
            "0.00018",
            id="a cache outside the input, confirmed by the total",
        ),
        pytest.param(
            report(100, 10, 110, **inside(cached_tokens=600)),
            Usage(700, 10, 600, estimated=True),
            "0.00018",
            id="a cache outside the input, not confirmed",
        ),
        pytest.param(
            report(700, 10, 760, **inside(cached_tokens=50)),
            Usage(750, 10, 50),
            "0.000725",
            id="a small cache outside the input, by the total",
        ),
        pytest.param(
            report(100, 10, 410, **inside(cached_tokens=20), **out(reasoning_tokens=300)),
            Usage(100, 310, 20),
            "0.000702",
            id="cache inside, thinking outside",
        ),
        pytest.param(
            report(100, 10, 130, **inside(cached_tokens=20), **out(reasoning_tokens=20)),
            Usage(100, 30, 20),
            "0.000142",
            id="as much thinking as cache: it is the thinking",
        ),
    ],
)
def test_reports(given: dict[str, Any], usage: Usage, dollars: str) -> None:
    """Tokens, whether they are certain, and the cost at $1 in, $2 out, $0.10 read from a cache, $1.25 written."""
    assert reported_usage(given) == usage
    assert cost_usd(usage, PRICE) == Decimal(dollars)


@pytest.mark.parametrize(
    ("given", "counts"),
    [
        (report(40, 90, 100), (40, 90)),  # less in all than in its parts
        (report(40, 90, 500, **out(reasoning_tokens=7)), (40, 460)),  # 370 more, and nobody says what
        (report(40, 90, 130, **out(reasoning_tokens=370)), (40, 460)),
        (report(40, 90, -1), (40, 90)),
        (report(40, 90, **inside(cached_tokens=-3)), (40, 90)),
        (report(40, 90, **inside(cached_tokens="many")), (40, 90)),
        (report(40, 90, **inside(cached_tokens=1.5)), (40, 90)),
        (report(40, 90, **inside(image_tokens=30)), (40, 90)),  # at the rate of text, as far as is known
        (report(40, 90, num_search_queries=2), (40, 90)),  # paid for by the search
        (report(40, 90, server_tool_use={"web_search_requests": 1}), (40, 90)),
        (report(None, 90, 130), (40, 90)),
        (report(40, None), (40, 0)),
        (report(True, 90), (0, 90)),
    ],
)
def test_what_is_not_certain_is_an_estimate(given: dict[str, Any], counts: tuple[int, int]) -> None:
    """The best reading is kept, and marked."""
    read = reported_usage(given)
    assert read is not None
    assert (read.input_tokens, read.output_tokens, read.estimated) == (*counts, True)


@pytest.mark.parametrize("given", [None, "many", 5, [], {}, {"tokens": 5}, report(None, None, 9), report("a", -1)])
def test_reports_that_say_nothing(given: Any) -> None:
    """Neither side is counted: everything is estimated, 6 tokens in and 2 out."""
    assert counted_usage(given, HELLO, {}, ["a" * 8]) == Usage(6, 2, estimated=True)


@pytest.mark.parametrize(
    ("given", "written", "usage"),
    [
        (report(0, 0, 0), "a" * 8, Usage(6, 2, estimated=True)),
        (report(0, 50, 50), "a" * 8, Usage(6, 50, estimated=True)),
        (report(9, 0, 9), "a" * 8, Usage(9, 2, estimated=True)),
        (report(9, 0, 9), "", Usage(9, 0)),
        (report(9, None), "", Usage(9, 0, estimated=True)),
    ],
)
def test_a_zero_beside_text_is_no_count(given: dict[str, Any], written: str, usage: Usage) -> None:
    """That side alone is estimated; nothing written is a true zero."""
    assert counted_usage(given, HELLO, {}, [written]) == usage


@pytest.mark.parametrize(
    ("details", "usage"),
    [
        (inside(audio_tokens=30), Usage(40, 90, input_audio_tokens=30)),
        (out(audio_tokens=80), Usage(40, 90, output_audio_tokens=80)),
        (out(image_tokens=80), Usage(40, 90, output_image_tokens=80)),
        (out(video_tokens=80), Usage(40, 90, output_image_tokens=80)),
    ],
)
def test_sound_and_images_have_their_own_rate_or_none(details: dict[str, Any], usage: Usage) -> None:
    """Their cost is not that of text."""
    assert reported_usage(report(40, 90, 130, **details)) == usage
    assert cost_usd(usage, PRICE) is None
    sound = Price(Decimal(1), Decimal(2), None, None, Decimal(10), Decimal(20))
    known = {30: "0.00049", 80: "0.00166"}[usage.input_audio_tokens or 80]
    assert cost_usd(usage, sound) == (None if usage.output_image_tokens else Decimal(known))


@pytest.mark.parametrize(
    ("given", "headers", "dollars"),
    [
        ({"cost": 0.0042}, {}, "0.0042"),
        ({"cost": "0.0042"}, {}, "0.0042"),
        ({"cost": {"input_tokens_cost": 0.001, "total_cost": 0.0042}}, {}, "0.0042"),
        ({"cost": 0.0002, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.004}}, {}, "0.0042"),
        ({"cost": 0.0002, "is_byok": True, "cost_details": {"upstream_inference_cost": None}}, {}, None),
        ({"estimated_cost": 0.0042}, {}, "0.0042"),
        ({"cost_in_usd_ticks": 42_000_000}, {}, "0.0042"),
        (None, {"x-litellm-response-cost": "4.2e-03"}, "0.0042"),
        ({"cost": 0}, {"x-litellm-response-cost": "None"}, None),
        ({"cost": -1}, {"x-litellm-response-cost": "nan"}, None),
        ({"cost": True}, {"x-litellm-response-cost": "0.0"}, None),
        ({"cost": 1e300}, {}, None),
        ({"cost": [1]}, {}, None),
    ],
)
def test_costs_that_providers_report(given: Any, headers: dict[str, str], dollars: str | None) -> None:
    """OpenRouter, Perplexity, DeepInfra, LiteLLM; a zero says nothing."""
    assert reported_cost_usd(given, headers) == (None if dollars is None else Decimal(dollars))


def test_the_providers_cost_stands_in_for_an_unknown_price() -> None:
    """And is kept beside ours where the price is known."""
    usage = Usage(1000, 500, provider_cost_usd=Decimal("0.0042"))
    book = PriceBook(pinned={"a/known": PRICE, "a/unknown": None})
    assert book.charge("a/unknown", usage).cost_usd == Decimal("0.0042")
    known = book.charge("a/known", usage)
    assert (known.cost_usd, known.usage) == (Decimal("0.002"), usage)
    assert book.charge("a/known", Usage(9, 9, estimated=True), countable=False).cost_usd is None


@pytest.mark.parametrize(
    ("tier", "estimated"), [("", False), ("default", False), ("on_demand", False), ("flex", True), ("odd", True)]
)
def test_a_tier_without_a_known_rate_is_marked(tier: str, estimated: bool) -> None:
    """One's own price says nothing of tiers."""
    charge = PriceBook(pinned={"a/m": PRICE}).charge("a/m", Usage(1000, 500, service_tier=tier))
    assert (charge.cost_usd, charge.usage.estimated) == (Decimal("0.002"), estimated)


def test_a_tier_that_the_book_knows() -> None:
    """Its own rate, and no mark; one that it does not know is unknown."""
    book = PriceBook()
    usual, flex = (
        book.charge("openai/gpt-5", Usage(1000, 500, service_tier=tier)) for tier in ("default", "flex")
    )
    assert usual.cost_usd is not None
    assert (flex.cost_usd, flex.usage.estimated) == (usual.cost_usd / 2, False)
    assert book.charge("openai/gpt-5", Usage(1000, 500, service_tier="odd")).cost_usd is None


@pytest.mark.parametrize(
    ("body", "usage", "params", "tier"),
    [
        ({"service_tier": "Flex"}, None, {"service_tier": "priority"}, "flex"),
        ({"service_tier": None}, {"service_tier": "batch"}, {}, "batch"),
        ({}, None, {"service_tier": "flex"}, "flex"),
        ({}, None, {"extra_body": {"service_tier": "flex"}}, "flex"),
        ({"service_tier": 7}, [], {}, ""),
    ],
)
def test_tiers(body: dict[str, Any], usage: Any, params: dict[str, Any], tier: str) -> None:
    """What was answered counts before what was asked for."""
    assert reported_tier(body, usage, params) == tier


@pytest.mark.parametrize(
    ("reports", "usage"),
    [
        ([report(10, 5, 15), report(0, 0, 0)], Usage(10, 5)),
        ([report(10, 5, 15), None, "odd", {}], Usage(10, 5)),
        ([report(0, 0, 0), report(10, 5, 15)], Usage(10, 5)),
        ([report(10, 1, 11), report(10, 3, 13), report(10, 5, 15)], Usage(10, 5)),  # counted as it grows
        ([{"prompt_tokens": 10}, {"completion_tokens": 5}], Usage(10, 5)),
        (
            [report(10, 5, 15, **inside(cached_tokens=4)), report(10, 5, 15, **inside(cached_tokens=0))],
            Usage(10, 5, 4),
        ),
    ],
)
def test_reports_of_one_stream(reports: list[Any], usage: Usage) -> None:
    """The last real count counts; zeros never replace one."""
    joined = None
    for one in reports:
        joined = merged(joined, one)
    assert reported_usage(joined) == usage


def test_where_reports_stand() -> None:
    """At the top, with Groq's own things, or in the choice (Moonshot)."""
    for body in ({"usage": {"a": 1}}, {"x_groq": {"usage": {"a": 1}}}, {"choices": [{"usage": {"a": 1}}]}):
        assert found_report(body) == {"a": 1}
    assert found_report({"choices": []}) is found_report(None) is None
