"""Every setting, declared once: default, range, unit and help.

The settings form, the validation, the export and the table in docs/settings.md all read this declaration:
``title`` is the label of its widget, ``labels`` what the choices mean, ``infinite`` what Infinity means,
``empty`` what no number means. Does not cover API keys: only the *name* of the environment variable that holds
one is a setting.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import Field, JsonValue, field_validator, model_validator

from router_core.errors import ConditionError, SettingsError, UnknownArmError
from router_core.outcomes.conditions import Condition
from router_core.registry import CLASSIFIER, LABELS, RULES, THOMPSON, PolicyName
from router_core.settings.routers import ClassifierSettings, ContextualSettings, HeuristicSettings, Share
from router_core.settings.system import (
    CallSettings,
    PriceSettings,
    PrivacySettings,
    ProviderSettings,
    SimulationSettings,
)
from router_core.types import Arm, Teacher, TeachingRule
from router_core.validation import MODEL, Declaration, canonical_json, short_hash, shown, validated


class ArmSettings(Declaration):
    """One choice of a goal: a model with its own parameters."""

    model: str = Field(pattern=MODEL, title="Model", description="provider/model, for example openai/gpt-4o-mini.")
    params: dict[str, JsonValue] = Field(
        default_factory=dict,
        title="Parameters",
        description="Parameters sent with every call, for example {'temperature': 0}.",
    )
    weight: float = Field(
        default=1.0,
        ge=0,
        le=1e6,
        title="Starting weight",
        description="Share of traffic before any evidence, relative.",
    )

    @field_validator("params")
    @classmethod
    def _canonical(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """In the order of their names, as in a file: what decides alike is of one version."""
        try:
            text = json.dumps(value, allow_nan=False, sort_keys=True)
        except RecursionError:
            raise ValueError("nested too deeply; give flat parameters") from None
        except ValueError:  # also for a number of thousands of digits
            raise ValueError("NaN and Infinity are no parameters; give a number") from None
        ordered: dict[str, JsonValue] = json.loads(text)
        return ordered

    @property
    def id(self) -> str:
        """The model, followed by its parameters where it has any: two arms may share a model."""
        if not self.params:
            return self.model
        return f"{self.model}?{json.dumps(self.params, sort_keys=True, separators=(',', ':'))}"

    def arm(self) -> Arm:
        """The same as a plain value."""
        return Arm(self.id, self.model, dict(self.params), self.weight)


class GoalSettings(Declaration):
    """One kind of traffic: its models, what a good answer is worth, and how it learns."""

    arms: tuple[ArmSettings, ...] = Field(
        default=(
            ArmSettings(model="openai/gpt-4o-mini", weight=0.8),
            ArmSettings(model="openai/gpt-4o", weight=0.2),
        ),
        min_length=1,
        max_length=100,
        title="Models",
        description="The models to choose from, cheap to strong.",
    )
    router: PolicyName = Field(
        default=THOMPSON.name,
        title="Router in production",
        description="The router that serves this goal in production.",
        json_schema_extra={"labels": dict(LABELS)},
    )
    simple_arm: str | None = Field(
        default=None,
        title="Model for simple prompts",
        description="Model for simple prompts, as rules and classifier see them; else the first.",
    )
    complex_arm: str | None = Field(
        default=None, title="Model for complex prompts", description="Model for complex prompts; else the last."
    )
    success_value_usd: float = Field(
        default=0.05,
        ge=0,
        title="A good answer is worth, in dollars",
        description="What one good answer is worth, in dollars; Infinity ignores cost.",
        json_schema_extra={"infinite": "Ignore cost"},
    )
    exploration: Share = Field(
        default=0.02,
        title="Always explored, share per model",
        description="Share of traffic that every model keeps, whatever was learned (at most 1/models).",
    )
    starting_strength: float = Field(
        default=20.0,
        ge=0,
        le=1e9,
        title="Starting weights fade after, in ratings",
        description="Outcomes after which starting weights and evidence count the same.",
    )
    prior_alpha: float = Field(
        default=1.0, ge=0.01, le=1e6, title="Prior, good answers", description="Beta prior: good answers assumed."
    )
    prior_beta: float = Field(
        default=1.0, ge=0.01, le=1e6, title="Prior, bad answers", description="Beta prior: bad answers assumed."
    )
    expected_output_tokens: int = Field(
        default=250,
        ge=1,
        le=1_000_000,
        title="Assumed answer, in tokens",
        description="Output tokens assumed until answers have been seen.",
    )
    budget_usd: float | None = Field(
        default=None,
        ge=1e-9,
        le=1e9,
        title="Budget, in dollars",
        description="The contextual router spends at most this per so many requests, or a day; empty: no budget.",
        json_schema_extra={"empty": "no budget"},
    )
    budget_per: Literal["requests", "day"] = Field(
        default="requests",
        title="Budget is for",
        description="requests: so many of them; day: a day, in which so many are expected.",
        json_schema_extra={"labels": {"requests": "so many requests", "day": "a day (UTC)"}},
    )
    budget_requests: int = Field(
        default=1000,
        ge=1,
        le=1_000_000_000,
        title="Budget covers, in requests",
        description="Requests that the budget is for, or that are expected in a day.",
    )
    success_when: str | None = Field(
        default=None,
        max_length=2000,
        title="An answer is good when",
        description="Condition on the response that counts as success, checked on every answer.",
    )
    teaching_precedence: tuple[Teacher, ...] = Field(
        default=("thumb", "api", "check", "condition"),
        min_length=1,
        title="Whose verdict counts, first to last",
        description="Which source teaches when several judged the same answer: the first that did.",
    )
    attribution_hours: float | None = Field(
        default=None,
        gt=0,
        le=87_600,
        title="Ratings count for, in hours",
        description=(
            "An answer first rated later than this after the decision teaches nothing (corrections come whenever);"
            " none: no limit."
        ),
        json_schema_extra={"empty": "no limit"},
    )
    learn_from: Literal["all", "own"] = Field(
        default="all",
        title="Learns from",
        description=(
            "all: every rated answer teaches, also those that rules chose by the prompt, which blurs the"
            " difference between models; own: only what the router drew itself, or given by all."
        ),
        json_schema_extra={
            "labels": {"all": "every rated answer", "own": "what it drew, or every model answered"}
        },
    )

    @field_validator("success_when")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        try:
            if value is not None:
                Condition(value)
        except ConditionError as error:
            raise ValueError(str(error)) from None
        return value

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

    def teaching_rule(self, learner: PolicyName = THOMPSON.name) -> TeachingRule:
        """Which outcomes teach in this goal; who learns matters only where it learns from its own draws."""
        hours = self.attribution_hours
        window_s = None if hours is None else hours * 3600.0
        if self.learn_from == "all":
            return TeachingRule(self.teaching_precedence, "all", window_s)
        return TeachingRule(self.teaching_precedence, self.learn_from, window_s, learner)


class Settings(Declaration):
    """The whole of it."""

    schema_version: Literal[1] = Field(default=1, title="Version", description="Version of this declaration.")
    seed: int = Field(
        default=0,
        ge=0,
        le=2**63 - 1,
        title="Seed of the draws",
        description="Seed of the draws: same seed and id, same model.",
    )
    providers: dict[str, ProviderSettings] = Field(
        default_factory=lambda: {"openai": ProviderSettings()},
        title="Providers",
        description="Endpoints by name; the name is the first part of a model id.",
    )
    prices: dict[str, PriceSettings] = Field(
        default_factory=dict,
        title="Prices",
        description="Prices by model id that override the bundled price book.",
    )
    priced_as: dict[str, str] = Field(
        default_factory=dict,
        title="Priced as",
        description="Model id -> the model of the price book whose price it has: for models behind a proxy.",
    )
    goals: dict[str, GoalSettings] = Field(
        default_factory=lambda: {"default": GoalSettings()},
        min_length=1,
        title="Goals",
        description="Kinds of traffic, each with its own models and its own learning.",
    )
    heuristic: HeuristicSettings = Field(
        default_factory=HeuristicSettings, title=RULES.label, description="The rules."
    )
    classifier: ClassifierSettings = Field(
        default_factory=ClassifierSettings, title=CLASSIFIER.label, description="The classifier call."
    )
    contextual: ContextualSettings = Field(
        default_factory=ContextualSettings,
        title="Contextual",
        description="Contextual Thompson sampling, for all goals.",
    )
    calls: CallSettings = Field(default_factory=CallSettings, title="Calls", description="How models are called.")
    privacy: PrivacySettings = Field(default_factory=PrivacySettings, title="Privacy", description="What is kept.")
    simulation: SimulationSettings = Field(
        default_factory=SimulationSettings, title="Simulation", description="How the simulated models behave."
    )

    @field_validator("goals", "providers")
    @classmethod
    def _names(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if not name.strip() or len(name) > 100 or "/" in name:
                raise ValueError(f"{name!r} is not a name: 1 to 100 characters without a slash")
        return value

    @model_validator(mode="after")
    def _writable(self) -> Settings:
        """What is declared must be what can be stored, exported and shown."""
        try:
            self.document().encode()
        except (RecursionError, ValueError):  # half a character, or a parameter that JSON cannot hold
            raise ValueError(
                "a text holds half a character (\\ud800 to \\udfff), or a value is nested too deeply; correct it"
            ) from None
        return self

    @model_validator(mode="after")
    def _providers_known(self) -> Settings:
        models = {arm.model for goal in self.goals.values() for arm in goal.arms}
        asked = self.classifier.model
        for model in [*sorted(models), asked]:
            if model.split("/", 1)[0] in self.providers:
                continue
            if model == asked and model not in models and "model" not in self.classifier.model_fields_set:
                raise ValueError(
                    f"classifier.model is {model!r} unless another is given, and it names no known provider; give"
                    f" it a model of yours; known: {sorted(self.providers)}"
                )
            raise ValueError(f"{model!r} names no known provider; known: {sorted(self.providers)}")
        return self

    def goal(self, name: str) -> GoalSettings:
        """The goal of that name.

        Raises:
            SettingsError: there is none.
        """
        try:
            return self.goals[name]
        except (KeyError, TypeError):
            raise SettingsError(f"goal {shown(name)} is not set up; known goals: {sorted(self.goals)}") from None

    def arm(self, goal: str, arm_id: str) -> Arm:
        """The arm of that id in that goal.

        Raises:
            UnknownArmError: there is none.
        """
        for arm in self.goal(goal).arms:
            if arm.id == arm_id:
                return arm.arm()
        known = [arm.id for arm in self.goal(goal).arms]
        raise UnknownArmError(f"{arm_id!r} is not a model of goal {goal!r}; its models: {known}")

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
        except (TypeError, ValueError) as error:  # a number of thousands of digits; no text at all
            why = str(error).partition("; use sys")[0]  # the rest is advice for programmers
            raise SettingsError(f"the settings cannot be read ({why}); export them anew") from None
        except RecursionError:
            raise SettingsError("the settings are nested too deeply to be settings; export them anew") from None
        return validated(cls, raw)
