"""A cheap model says SIMPLE or COMPLEX; when it does not, the rules decide.

Here stand the question and the decision. The call is made in asking.py, its answer read in reading.py. A
classifier does not learn: it is never told whether people were satisfied.
"""

from __future__ import annotations

import re
from functools import partial

from router_core.policies.base import (
    Answer,
    Ask,
    Known,
    Policy,
    Verdict,
    on_tier,
    require_candidates,
)
from router_core.registry import CLASSIFIER
from router_core.settings import ClassifierSettings
from router_core.types import (
    NO_VERDICT,
    ActionDistribution,
    Context,
    Message,
    Reason,
    ReasonLine,
)
from router_core.validation import short_hash


class Questions:
    """What the classifier's model is asked about a prompt, under one version of its settings."""

    def __init__(self, settings: ClassifierSettings) -> None:
        self._settings = settings
        self.version = short_hash(settings.model_dump_json(exclude={"cache_size"}))

    def key(self, context: Context) -> tuple[str, str]:
        """Under which an answer is remembered: this version, and what is shown of the text."""
        return self.version, excerpt(context.text, self._settings.max_characters)

    def about(self, context: Context) -> Ask:
        """The question."""
        key = self.key(context)
        return Ask(key, messages(self._settings.prompt, key[1]))


class ClassifierPolicy:
    """Sends what a cheap model calls simple to one arm and the rest to another."""

    name: str = CLASSIFIER.name

    def __init__(self, settings: ClassifierSettings, simple_arm: str, complex_arm: str, instead: Policy) -> None:
        self._settings = settings
        self._simple_arm = simple_arm
        self._complex_arm = complex_arm
        self._instead = instead
        self._questions = Questions(settings)
        self.version = short_hash(f"{self._questions.version}|{simple_arm}|{complex_arm}|{instead.version}")

    def question(self, context: Context) -> Ask:
        """What the classifier's model is asked about a prompt."""
        return self._questions.about(context)

    def wants(self, context: Context, known: Known) -> Ask | None:
        """The verdict, unless it is known."""
        return None if known.verdict is not None or not known.candidates else self.question(context)

    def probabilities(self, context: Context, known: Known, answer: Answer | None = None) -> ActionDistribution:
        """1 for the arm of the tier that the classifier names (less the exploration share).

        Without a verdict the rules decide.
        """
        require_candidates(context, known.candidates)
        if known.verdict is not None:
            return self._distribution(known.verdict, known, Answer(known.verdict), cached=True)
        heard = answer or Answer(None, failure="it was not asked")
        if heard.verdict is None:
            return self._rules_instead(context, known, heard)
        return self._distribution(heard.verdict, known, heard, cached=False)

    def _distribution(self, verdict: Verdict, known: Known, heard: Answer, cached: bool) -> ActionDistribution:
        wanted = self._simple_arm if verdict.simple else self._complex_arm
        share = self._settings.exploration
        return ActionDistribution(
            on_tier(known.candidates, wanted, verdict.simple, share),
            partial(_explain, verdict, self._settings.model, cached, share),
            cost_usd=heard.cost_usd,
            latency_ms=heard.waited_ms,
            cached=cached,
        )

    def _rules_instead(self, context: Context, known: Known, heard: Answer) -> ActionDistribution:
        rules = self._instead.probabilities(context, known)

        def explain() -> Reason:
            reason = rules.reason
            note = ReasonLine(NO_VERDICT, heard.failure)
            return Reason(f"Classifier failed, rules decided. {reason.summary}", (note, *reason.lines))

        return ActionDistribution(
            rules.probabilities,
            explain,
            cost_usd=heard.cost_usd,
            latency_ms=heard.waited_ms,
            fallback=heard.failure,
        )


def messages(prompt: str, text: str) -> tuple[Message, ...]:
    """What is put to the classifier: its instructions, and the prompt fenced off as data."""
    return (
        {"role": "system", "content": prompt},
        {"role": "user", "content": f"<request>\n{_FENCE.sub('[request]', text)}\n</request>"},
    )


def excerpt(text: str, limit: int) -> str:
    """The text where it is short enough, else its beginning and its end: instructions stand at either."""
    if len(text) <= limit:
        return text
    head = limit * 2 // 3
    return f"{text[:head]}\n[...]\n{text[len(text) - (limit - head) :]}"


_FENCE = re.compile(r"<\s*/?\s*request\s*>", re.IGNORECASE)  # in a prompt it would end the fence


def _explain(verdict: Verdict, model: str, cached: bool, exploration: float) -> Reason:
    label = "SIMPLE" if verdict.simple else "COMPLEX"
    summary = f"{label}: “{verdict.reason}”" if verdict.reason else label
    if exploration:
        summary += f"; {exploration:.1%} of traffic explores"
    usage = verdict.usage
    estimated = "~" if usage.estimated else ""
    asked = f"asked {model}" if not cached else f"remembered from an earlier call to {model}"
    return Reason(
        summary,
        (ReasonLine(asked, f"{estimated}{usage.input_tokens} + {usage.output_tokens} tokens"),),
    )
