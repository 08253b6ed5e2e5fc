"""Settings of what is around the routers: endpoints, prices, calls, privacy, simulation.

Does not cover the routers and their goals (settings.py), which take these in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, field_validator

from router_core.types import Price
from router_core.validation import ADDRESS, KEY_SHAPE, VARIABLE, Declaration

Dollars = Annotated[Decimal, Field(ge=0, le=100_000, max_digits=18, decimal_places=9)]
"""Per million tokens; the most expensive model of the price book has a two-hundredth of the largest."""


class ProviderSettings(Declaration):
    """An OpenAI-compatible endpoint, the part of a model id before the slash."""

    base_url: str = Field(
        default="https://api.openai.com/v1",
        pattern=ADDRESS,
        title="Address",
        description="Address of the OpenAI-compatible endpoint, up to and including /v1; never with a key in it.",
    )
    api_key_env: str | None = Field(
        default="OPENAI_API_KEY",
        pattern=VARIABLE,
        title="Variable that holds the key",
        description="Environment variable that holds the API key, as allowed by `ROUTER_KEY_VARIABLES` (by default"
        " a name that ends in API_KEY); none for a local server without keys.",
    )
    json_mode: bool = Field(
        default=True,
        title="Honours JSON mode",
        description="Whether the endpoint honours response_format json_object.",
    )
    stream_usage: bool = Field(
        default=True,
        title="Sends usage with streams",
        description="Whether the endpoint accepts stream_options include_usage.",
    )
    requests_at_once: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        title="Requests at once",
        description="Requests that the endpoint is sent at the same time; others wait for their turn. None: no"
        " limit, but 1 at the usual ports of Ollama, LM Studio, llama.cpp, Jan, GPT4All and KoboldCpp on this"
        " machine.",
        json_schema_extra={"empty": "as the endpoint needs"},
    )

    @field_validator("base_url")
    @classmethod
    def _without_secrets(cls, value: str) -> str:
        """Addresses are stored, shown and exported, so nothing that opens them may stand in them."""
        if re.match(r"[a-z]+://[^/?#\\]*@", value, re.IGNORECASE):
            raise ValueError(
                "an address must not hold a user or a password; put the key into an environment variable and name"
                " that in api_key_env"
            )
        if set(value) & set("?#\\"):
            raise ValueError(
                "an address must end with its path, without parameters (? or #), which may hold keys; put the key"
                " into an environment variable and name that in api_key_env, further parameters into the model's"
                " extra_query"
            )
        if KEY_SHAPE.search(value):
            raise ValueError(
                "the address looks like it holds an API key; put the key into an environment variable and name"
                " that in api_key_env"
            )
        return value


class PriceSettings(Declaration):
    """A price that overrides the bundled price book, in US dollars per million tokens."""

    input_usd_per_million_tokens: Dollars = Field(
        title="Input", description="US dollars per million input tokens."
    )
    output_usd_per_million_tokens: Dollars = Field(
        title="Output", description="US dollars per million output tokens."
    )
    cached_input_usd_per_million_tokens: Dollars | None = Field(
        default=None,
        title="Cached input",
        description="US dollars per million cached input tokens; as other input where not given.",
    )

    def price(self) -> Price:
        """The same as a plain value."""
        return Price(
            self.input_usd_per_million_tokens,
            self.output_usd_per_million_tokens,
            self.cached_input_usd_per_million_tokens,
        )


class CallSettings(Declaration):
    """How models are called."""

    deadline_s: float = Field(
        default=120.0,
        gt=0,
        le=3600,
        title="Longest call, in seconds",
        description="Seconds for one answer, retries and waiting included.",
    )
    first_token_s: float = Field(
        default=60.0,
        gt=0,
        le=3600,
        title="Longest silence, in seconds",
        description="Seconds without a sign of life before a call is given up.",
    )
    queue_s: float = Field(
        default=300.0,
        ge=0,
        le=3600,
        title="Longest wait for a turn, in seconds",
        description="Seconds that a call waits for its turn at a provider with a limit of requests at once; they"
        " are no part of the longest call.",
    )
    max_retries: int = Field(
        default=2, ge=0, le=10, title="Retries", description="Retries after a rate limit or a failure."
    )
    max_prompt_characters: int = Field(
        default=400_000,
        ge=1,
        le=10_000_000,
        title="Longest prompt, in characters",
        description="Longest prompt that is sent, in characters.",
    )
    stored_first: bool = Field(
        default=False,
        title="Over HTTP, end an answer once it is stored",
        description="Whether the last byte of an answer over HTTP waits until the answer is stored. Otherwise it"
        " is stored with the next commit, and a crash in between leaves a decision without its answer.",
    )


class PrivacySettings(Declaration):
    """What is kept, and for how long. Expired texts go when the app or a router starts, and with prune."""

    keep_texts: Literal["full", "hash"] = Field(
        default="full",
        title="Texts",
        description="full: prompts and answers are stored; hash: only a fingerprint of the prompt.",
        json_schema_extra={"labels": {"full": "kept", "hash": "not kept, only a fingerprint of the prompt"}},
    )
    expire_after_days: int | None = Field(
        default=None,
        ge=1,
        le=36_500,
        title="Expire after, in days",
        description="Days after which requests expire; none: never.",
    )
    expire: Literal["texts", "requests"] = Field(
        default="texts",
        title="What goes when a request expires",
        description="texts: its texts, figures and learning stay; requests: all of it, and what it taught.",
        json_schema_extra={
            "labels": {"texts": "its texts", "requests": "all of it, and what was learned from it"}
        },
    )


class SimulationSettings(Declaration):
    """How the simulated models behave."""

    seed: int = Field(
        default=7, ge=0, le=2**63 - 1, title="Seed of the answers", description="Same seed, same answers."
    )
    latency_scale: float = Field(
        default=1.0,
        ge=0,
        le=100,
        title="Delays, as a factor",
        description="1: delays like a real provider's; 0: answers at once.",
    )


def simulation_asked(environ: Mapping[str, str]) -> bool:
    """Whether ROUTER_SIMULATED asks for simulated models: anything but nothing, 0, false, no and off, so that no
    spelling of yes is answered with calls that cost money.
    """  # fmt: skip
    return environ.get("ROUTER_SIMULATED", "").strip().lower() not in {"", "0", "false", "no", "off"}
