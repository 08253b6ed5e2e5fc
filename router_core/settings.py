"""Every setting, declared once: default, range, unit and help.

The settings form, the validation, the export and the table in docs/settings.md all read this declaration.
Leaves out API keys: only the *name* of the environment variable that holds one is a setting.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
    model_validator,
)

from router_core.errors import SettingsError, UnknownArmError
from router_core.types import Arm, Price, Source, TeachingRule

Declared = TypeVar("Declared", bound=BaseModel)

CLASSIFIER_PROMPT = """\
You decide how hard a request to an AI assistant is. Do not answer the request.
SIMPLE: classification, extraction, a label, a short fact, yes or no; a small model answers it well.
COMPLEX: analysis, several steps of reasoning, synthesis of sources, creative or long writing, hard code.
Answer with JSON only: {"complexity": "SIMPLE" or "COMPLEX", "reason": "at most ten words"}"""

_MODEL = r"^[^/\s]+/\S+$"
_ADDRESS = r"^https?://\S+$"
_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
_IN_WORDS = {
    _MODEL: "must be provider/model, for example openai/gpt-4o-mini",
    _ADDRESS: "must be an address that begins with http:// or https://, for example https://api.openai.com/v1",
    _VARIABLE: "must be the name of an environment variable, for example OPENAI_API_KEY",
}

Share = Annotated[float, Field(ge=0, le=1)]
Dollars = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=9)]


class _Declaration(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, ser_json_inf_nan="strings")


class ProviderSettings(_Declaration):
    """An OpenAI-compatible endpoint, the part of a model id before the slash."""

    base_url: str = Field(
        "https://api.openai.com/v1",
        pattern=_ADDRESS,
        description="Address of the OpenAI-compatible endpoint, up to and including /v1.",
    )
    api_key_env: str | None = Field(
        "OPENAI_API_KEY",
        pattern=_VARIABLE,
        description="Environment variable that holds the API key; none for a local server without keys.",
    )
    json_mode: bool = Field(True, description="Whether the endpoint honours response_format json_object.")
    stream_usage: bool = Field(True, description="Whether the endpoint accepts stream_options include_usage.")


class PriceSettings(_Declaration):
    """A price that overrides the bundled price book, in US dollars per million tokens."""

    input_usd_per_million_tokens: Dollars = Field(description="US dollars per million input tokens.")
    output_usd_per_million_tokens: Dollars = Field(description="US dollars per million output tokens.")
    cached_input_usd_per_million_tokens: Dollars | None = Field(
        None, description="US dollars per million cached input tokens; as other input where not given."
    )

    def price(self) -> Price:
        """The same as a plain value."""
        return Price(
            self.input_usd_per_million_tokens,
            self.output_usd_per_million_tokens,
            self.cached_input_usd_per_million_tokens,
        )


class ArmSettings(_Declaration):
    """One choice of a goal: a model with its own parameters."""

    model: str = Field(pattern=_MODEL, description="provider/model, for example openai/gpt-4o-mini.")
    params: dict[str, JsonValue] = Field(
        default_factory=dict, description="Parameters sent with every call, for example {'temperature': 0}."
    )
    weight: float = Field(1.0, ge=0, le=1e6, description="Share of traffic before any evidence, relative.")

    @field_validator("params")
    @classmethod
    def _finite(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        try:
            json.dumps(value, allow_nan=False)
        except ValueError:
            raise ValueError("NaN and Infinity are no parameters; give a number") from None
        return value

    @property
    def id(self) -> str:
        """The model, followed by its parameters where it has any: two arms may share a model."""
        if not self.params:
            return self.model
        return f"{self.model}?{json.dumps(self.params, sort_keys=True, separators=(',', ':'))}"

    def arm(self) -> Arm:
        """The same as a plain value."""
        return Arm(self.id, self.model, dict(self.params), self.weight)


class HeuristicSettings(_Declaration):
    """Rules on observable properties of the prompt: points are added, and from the threshold up it is simple."""

    word_limit: int = Field(100, ge=0, le=100_000, description="A prompt with fewer words than this is short.")
    short_points: int = Field(1, ge=-100, le=100, description="Points for a short prompt.")
    extractive_task_types: tuple[str, ...] = Field(
        ("classification", "extraction", "yes_no", "label"), description="Task types that extract or label."
    )
    extractive_points: int = Field(2, ge=-100, le=100, description="Points for an extractive task type.")
    brief_keywords: tuple[str, ...] = Field(
        ("classify", "label", "extract", "identify", "is this", "yes or no", "true or false"),
        description="Words that ask for a brief answer.",
    )
    brief_points: int = Field(1, ge=-100, le=100, description="Points where a brief keyword is present.")
    reasoning_keywords: tuple[str, ...] = Field(
        ("analyze", "synthesize", "compare", "evaluate", "explain why", "write a", "generate"),
        description="Words that ask for reasoning or writing.",
    )
    no_reasoning_points: int = Field(
        1, ge=-100, le=100, description="Points where no reasoning keyword is present."
    )
    threshold: int = Field(3, ge=-1000, le=1000, description="Simple from this many points up.")
    whole_words: bool = Field(
        False, description="Match keywords as whole words only ('label' not in 'labelling')."
    )
    exploration: Share = Field(
        0.0, description="Share of traffic drawn evenly over all models, so that the log can judge others."
    )


class ClassifierSettings(_Declaration):
    """A call to a cheap model that says SIMPLE or COMPLEX."""

    model: str = Field(
        "openai/gpt-4o-mini", pattern=_MODEL, description="The model that is asked: provider/model."
    )
    prompt: str = Field(
        CLASSIFIER_PROMPT, min_length=1, max_length=20_000, description="Instructions for the classifier."
    )
    timeout_s: float = Field(8.0, gt=0, le=600, description="Seconds before the rules decide instead.")
    max_tokens: int = Field(60, ge=1, le=4096, description="Limit of the classifier's answer, in tokens.")
    max_characters: int = Field(
        6000, ge=100, le=1_000_000, description="Characters of the prompt that are shown to the classifier."
    )
    cache_size: int = Field(4096, ge=0, le=1_000_000, description="Verdicts kept in memory (0: none).")
    exploration: Share = Field(
        0.0, description="Share of traffic drawn evenly over all models, so that the log can judge others."
    )


class GoalSettings(_Declaration):
    """One kind of traffic: its models, what a good answer is worth, and how it learns."""

    arms: tuple[ArmSettings, ...] = Field(
        (
            ArmSettings(model="openai/gpt-4o-mini", weight=0.8),
            ArmSettings(model="openai/gpt-4o", weight=0.2),
        ),
        min_length=1,
        max_length=100,
        description="The models to choose from, cheap to strong.",
    )
    router: Literal["heuristic", "classifier", "thompson"] = Field(
        "thompson", description="The router that serves this goal in production."
    )
    simple_arm: str | None = Field(
        None, description="Model for simple prompts, as rules and classifier see them; else the first."
    )
    complex_arm: str | None = Field(None, description="Model for complex prompts; else the last.")
    success_value_usd: float = Field(
        0.05,
        ge=0,
        description="What one good answer is worth, in dollars; Infinity ignores cost.",
    )
    exploration: Share = Field(
        0.02, description="Share of traffic that every model keeps, whatever was learned (at most 1/models)."
    )
    starting_strength: float = Field(
        20.0,
        ge=0,
        le=1e9,
        description="Outcomes after which starting weights and evidence count the same.",
    )
    prior_alpha: float = Field(1.0, ge=0.01, le=1e6, description="Beta prior: good answers assumed.")
    prior_beta: float = Field(1.0, ge=0.01, le=1e6, description="Beta prior: bad answers assumed.")
    expected_output_tokens: int = Field(
        250, ge=1, le=1_000_000, description="Output tokens assumed until answers have been seen."
    )
    success_when: str | None = Field(
        None,
        max_length=2000,
        description="Condition on the response that counts as success, checked on every answer.",
    )
    teaching_precedence: tuple[Source, ...] = Field(
        ("thumb", "api", "condition"),
        min_length=1,
        description="Which source teaches when several judged the same answer: the first that did.",
    )
    learn_from: Literal["all", "own"] = Field(
        "all", description="all: every rated answer teaches; own: only drawn by Thompson, or given by all."
    )

    @model_validator(mode="after")
    def _consistent(self) -> GoalSettings:
        ids = [arm.id for arm in self.arms]
        if len(set(ids)) != len(ids):
            raise ValueError(f"arms must differ in model or params; got {ids}")
        for name in ("simple_arm", "complex_arm"):
            value = getattr(self, name)
            if value is not None and value not in ids:
                raise ValueError(f"{name} is {value!r}; it must be one of {ids}")
        if sum(arm.weight for arm in self.arms) <= 0:
            raise ValueError("at least one arm needs a weight above 0")
        if len(set(self.teaching_precedence)) != len(self.teaching_precedence):
            raise ValueError("teaching_precedence names a source twice")
        return self

    def tier_arm(self, tier: Literal["simple", "complex"]) -> str:
        """The arm id that serves a tier."""
        named = self.simple_arm if tier == "simple" else self.complex_arm
        return named or self.arms[0 if tier == "simple" else -1].id

    def teaching_rule(self) -> TeachingRule:
        """Which outcomes teach in this goal."""
        return TeachingRule(self.teaching_precedence, self.learn_from)


class CallSettings(_Declaration):
    """How models are called."""

    deadline_s: float = Field(
        120.0, gt=0, le=3600, description="Seconds for one answer, retries and waiting included."
    )
    first_token_s: float = Field(
        60.0, gt=0, le=3600, description="Seconds without a sign of life before a call is given up."
    )
    max_retries: int = Field(2, ge=0, le=10, description="Further tries after a rate limit or a failure.")
    max_prompt_characters: int = Field(
        400_000, ge=1, le=10_000_000, description="Longest prompt that is sent, in characters."
    )


class PrivacySettings(_Declaration):
    """What is kept."""

    keep_texts: Literal["full", "hash"] = Field(
        "full", description="full: prompts and answers are stored; hash: only a fingerprint of the prompt."
    )


class SimulationSettings(_Declaration):
    """How the simulated models behave."""

    seed: int = Field(7, ge=0, le=2**63 - 1, description="Same seed, same answers.")
    latency_scale: float = Field(
        1.0, ge=0, le=100, description="1: delays like a real provider's; 0: answers at once."
    )


class Settings(_Declaration):
    """The whole of it."""

    schema_version: Literal[1] = Field(1, description="Version of this declaration.")
    seed: int = Field(0, ge=0, le=2**63 - 1, description="Seed of the draws: same seed and id, same model.")
    providers: dict[str, ProviderSettings] = Field(
        default_factory=lambda: {"openai": ProviderSettings()},
        description="Endpoints by name; the name is the first part of a model id.",
    )
    prices: dict[str, PriceSettings] = Field(
        default_factory=dict, description="Prices by model id that override the bundled price book."
    )
    goals: dict[str, GoalSettings] = Field(
        default_factory=lambda: {"default": GoalSettings()},
        min_length=1,
        description="Kinds of traffic, each with its own models and its own learning.",
    )
    heuristic: HeuristicSettings = Field(default_factory=HeuristicSettings, description="The rules.")
    classifier: ClassifierSettings = Field(default_factory=ClassifierSettings, description="The classifier call.")
    calls: CallSettings = Field(default_factory=CallSettings, description="How models are called.")
    privacy: PrivacySettings = Field(default_factory=PrivacySettings, description="What is kept.")
    simulation: SimulationSettings = Field(
        default_factory=SimulationSettings, description="How the simulated models behave."
    )

    @field_validator("goals", "providers")
    @classmethod
    def _names(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if not name.strip() or len(name) > 100 or "/" in name:
                raise ValueError(f"{name!r} is no name: 1 to 100 characters without a slash")
        return value

    @model_validator(mode="after")
    def _providers_known(self) -> Settings:
        models = {arm.model for goal in self.goals.values() for arm in goal.arms} | {self.classifier.model}
        for model in sorted(models):
            if model.split("/", 1)[0] not in self.providers:
                raise ValueError(f"{model!r} names no known provider; known: {sorted(self.providers)}")
        return self

    def goal(self, name: str) -> GoalSettings:
        """The goal of that name.

        Raises:
            SettingsError: there is none.
        """
        try:
            return self.goals[name]
        except KeyError:
            raise SettingsError(f"goal {name!r} is not set up; known goals: {sorted(self.goals)}") from None

    def arm(self, goal: str, arm_id: str) -> Arm:
        """The arm of that id in that goal.

        Raises:
            UnknownArmError: there is none.
        """
        for arm in self.goal(goal).arms:
            if arm.id == arm_id:
                return arm.arm()
        known = [arm.id for arm in self.goal(goal).arms]
        raise UnknownArmError(f"{arm_id!r} is no model of goal {goal!r}; its models: {known}")

    def document(self) -> str:
        """Canonical JSON: the same settings always give the same text."""
        return canonical_json(json.loads(self.model_dump_json()))

    @property
    def version(self) -> str:
        """A name for exactly these settings: the first 16 hex digits of SHA-256 of ``document()``."""
        return short_hash(self.document())

    @classmethod
    def from_document(cls, document: str) -> Settings:
        """Read what ``document()`` wrote.

        Raises:
            SettingsError: not JSON, or not valid settings; names the first offending value and what is allowed.
        """
        try:
            raw = json.loads(document)
        except json.JSONDecodeError as error:
            raise SettingsError(
                f"the settings are not JSON (line {error.lineno}: {error.msg}); export them anew"
            ) from None
        except RecursionError:
            raise SettingsError("the settings are nested too deeply to be settings; export them anew") from None
        return validated(cls, raw)


def validated(declaration: type[Declared], raw: Any, place: str = "") -> Declared:
    """Validate plain data against a declaration, with our own error; ``place`` is where the data stood.

    Raises:
        SettingsError: names the place, the value and what is allowed.
    """
    try:
        return declaration.model_validate(raw)
    except ValidationError as error:
        raise SettingsError(_sentence(error, place)) from None


def _sentence(error: ValidationError, under: str) -> str:
    # A misspelt name comes first: it explains what else is missing.
    first = min(error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
    place = ".".join([*([under] if under else ()), *map(str, first["loc"])]) or "settings"
    more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if first["type"] == "extra_forbidden":
        return f"{place} is not a setting; check its spelling against docs/settings.md{more}"
    limits = first.get("ctx", {})
    message = _IN_WORDS.get(limits.get("pattern", ""), first["msg"].removeprefix("Value error, "))
    if first["type"] == "too_short":
        message = f"needs at least {limits['min_length']}"
    value = first.get("input")
    hidden = "api_key_env" in first["loc"]  # a key pasted in the wrong place is not shown
    shown = "" if hidden or isinstance(value, (Mapping, BaseModel)) else f" (got {str(value)[:80]!r})"
    return f"{place}: {message}{shown}{more}"


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def short_hash(text: str) -> str:
    """The first 16 hex digits of SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
