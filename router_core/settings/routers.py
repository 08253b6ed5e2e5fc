"""The settings of the routers themselves, the same for all goals: rules, classifier, contextual.

See settings.py for what a goal says of them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from router_core.validation import MODEL, Declaration

CLASSIFIER_PROMPT = """\
You decide how hard a request to an AI assistant is. Do not answer the request.
SIMPLE: classification, extraction, a label, a short fact, yes or no; a small model answers it well.
COMPLEX: analysis, several steps of reasoning, synthesis of sources, creative or long writing, hard code.
Answer with JSON only: {"complexity": "SIMPLE" or "COMPLEX", "reason": "at most ten words"}"""

Share = Annotated[float, Field(ge=0, le=1)]


class HeuristicSettings(Declaration):
    """Rules on observable properties of the prompt: points are added, and from the threshold up it is simple."""

    word_limit: int = Field(
        default=100,
        ge=0,
        le=100_000,
        title="Short below, in words",
        description="A prompt with fewer words than this is short.",
    )
    short_points: int = Field(
        default=1, ge=-100, le=100, title="Points for short", description="Points for a short prompt."
    )
    extractive_task_types: tuple[str, ...] = Field(
        default=("classification", "extraction", "yes_no", "label"),
        title="Task types that extract or label",
        description="Task types that extract or label.",
    )
    extractive_points: int = Field(
        default=2, ge=-100, le=100, title="Points for those", description="Points for an extractive task type."
    )
    brief_keywords: tuple[str, ...] = Field(
        default=("classify", "label", "extract", "identify", "is this", "yes or no", "true or false"),
        title="Words that ask for a brief answer",
        description="Words that ask for a brief answer.",
    )
    brief_points: int = Field(
        default=1,
        ge=-100,
        le=100,
        title="Points for one of those",
        description="Points where a brief keyword is present.",
    )
    reasoning_keywords: tuple[str, ...] = Field(
        default=("analyze", "synthesize", "compare", "evaluate", "explain why", "write a", "generate"),
        title="Words that ask for reasoning",
        description="Words that ask for reasoning or writing.",
    )
    no_reasoning_points: int = Field(
        default=1,
        ge=-100,
        le=100,
        title="Points for none of those",
        description="Points where no reasoning keyword is present.",
    )
    threshold: int = Field(
        default=3,
        ge=-1000,
        le=1000,
        title="Threshold, in points",
        description="Simple from this many points up.",
    )
    whole_words: bool = Field(
        default=False,
        title="Match whole words only",
        description="Match keywords as whole words only ('label' not in 'labelling').",
    )
    exploration: Share = Field(
        default=0.0,
        title="Random exploration, share",
        description="Share of traffic drawn evenly over all models, so that the log can judge others.",
    )


class ClassifierSettings(Declaration):
    """A call to a cheap model that says SIMPLE or COMPLEX."""

    model: str = Field(
        default="openai/gpt-4o-mini",
        pattern=MODEL,
        title="Model that is asked",
        description="The model that is asked: provider/model.",
    )
    prompt: str = Field(
        default=CLASSIFIER_PROMPT,
        min_length=1,
        max_length=20_000,
        title="What it is told",
        description="Instructions for the classifier.",
    )
    timeout_s: float = Field(
        default=8.0,
        gt=0,
        le=600,
        title="Waits, in seconds",
        description="Seconds before the rules decide instead.",
    )
    max_tokens: int = Field(
        default=60,
        ge=1,
        le=4096,
        title="Longest verdict, in tokens",
        description="Limit of the classifier's answer, in tokens.",
    )
    max_characters: int = Field(
        default=6000,
        ge=100,
        le=1_000_000,
        title="Reads, in characters",
        description="Characters of the prompt that are shown to the classifier.",
    )
    cache_size: int = Field(
        default=4096,
        ge=0,
        le=1_000_000,
        title="Cache size, in results",
        description="Verdicts kept in memory (0: none).",
    )
    exploration: Share = Field(
        default=0.0,
        title="Random exploration, share",
        description="Share of traffic drawn evenly over all models, so that the log can judge others.",
    )


class ContextualSettings(Declaration):
    """Contextual Thompson sampling: what it asks for, and when it takes a model to have changed."""

    ask_classifier: Literal["worth_it", "always", "never"] = Field(
        default="worth_it",
        title="Asks the classifier",
        description="worth_it: where knowing the verdict is expected to bring more than the call costs.",
        json_schema_extra={"labels": {"worth_it": "where it is worth it", "always": "always", "never": "never"}},
    )
    asked_share: Share = Field(
        default=0.05,
        title="Asked anyway, share",
        description="Share of prompts on which the classifier is asked to learn what its verdicts are worth.",
    )
    gain_every: int = Field(
        default=300,
        ge=0,
        le=1_000_000,
        title="Words learned every, in ratings",
        description="Ratings after which the gain score is learned anew from the log (0: never).",
    )
    drift_threshold: float = Field(
        default=9.0,
        gt=0,
        le=1000,
        title="Drift alarm at",
        description="Log-likelihood ratio that a CUSUM must exceed at 50 % good answers; one more: a third of the"
        " false alarms.",
    )
    drift_shift: float = Field(
        default=0.7,
        gt=0,
        le=10,
        title="Change looked for, in log-odds",
        description="Change of a model's log-odds of a good answer that the alarm looks for.",
    )
    drift_warm_up: int = Field(
        default=100,
        ge=0,
        le=1_000_000,
        title="Warm-up, in ratings",
        description="Ratings of a model before its alarm is armed.",
    )
    drift_keep: Share = Field(
        default=0.02,
        title="Kept after an alarm, share",
        description="What each rating so far still counts after an alarm.",
    )
