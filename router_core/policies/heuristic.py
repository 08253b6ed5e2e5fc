"""Rules on observable properties of the prompt: add up points, and from a threshold up call it simple.

It does not learn: rules change only when somebody changes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from router_core.policies.base import Answer, AsksNothing, Known, on_tier, require_candidates
from router_core.registry import RULES
from router_core.settings import HeuristicSettings
from router_core.types import ActionDistribution, Context, Reason, ReasonLine
from router_core.validation import short_hash


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule applied to one prompt: what it looked at, whether it holds, and its points if it does."""

    text: str
    met: bool
    points: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """All rules applied to one prompt. ``simple`` from ``threshold`` points up."""

    rules: tuple[Rule, ...]
    score: int
    threshold: int

    @property
    def simple(self) -> bool:
        """Whether the score reaches the threshold."""
        return self.score >= self.threshold


class HeuristicPolicy(AsksNothing):
    """Sends simple prompts to one arm and complex ones to another."""

    name: str = RULES.name

    def __init__(self, settings: HeuristicSettings, simple_arm: str, complex_arm: str) -> None:
        self._settings = settings
        self._simple_arm = simple_arm
        self._complex_arm = complex_arm
        self._find_brief = _finder(settings.brief_keywords, settings.whole_words)
        self._find_reasoning = _finder(settings.reasoning_keywords, settings.whole_words)
        self._extractive = frozenset(name.lower() for name in settings.extractive_task_types)
        self.version = short_hash(f"{settings.model_dump_json()}|{simple_arm}|{complex_arm}")

    def verdict(self, context: Context) -> Verdict:
        """Apply every rule."""
        s = self._settings
        text = context.text.lower()
        task = (context.task_type or "").lower()
        brief = self._find_brief(text)
        reasoning = self._find_reasoning(text)
        rules = (
            Rule(f"{context.words:,} words, limit {s.word_limit}", context.words < s.word_limit, s.short_points),
            Rule(
                f"task type: {task}" if task else "no task type given",
                task in self._extractive,
                s.extractive_points,
            ),
            Rule(
                f"asks for a brief answer: “{brief}”" if brief else "no brief keyword",
                brief is not None,
                s.brief_points,
            ),
            Rule(
                "no reasoning keyword" if reasoning is None else f"asks for reasoning: “{reasoning}”",
                reasoning is None,
                s.no_reasoning_points,
            ),
        )
        return Verdict(rules, sum(rule.points for rule in rules if rule.met), s.threshold)

    def probabilities(self, context: Context, known: Known, answer: Answer | None = None) -> ActionDistribution:
        """1 for the arm of the prompt's tier (less the exploration share, spread evenly)."""
        candidates = known.candidates
        require_candidates(context, candidates)
        verdict = self.verdict(context)
        wanted = self._simple_arm if verdict.simple else self._complex_arm
        share = self._settings.exploration
        given = on_tier(candidates, wanted, verdict.simple, share)
        return ActionDistribution(given, partial(_explain, verdict, share))


def _explain(verdict: Verdict, exploration: float) -> Reason:
    points = f"{verdict.score} point{'' if verdict.score == 1 else 's'}, {verdict.threshold} needed"
    summary = f"Simple: {points}" if verdict.simple else f"Complex: {points} to be simple"
    if exploration:
        summary += f"; {exploration:.1%} of traffic explores"
    lines = (ReasonLine(rule.text, f"{rule.points:+d}" if rule.met else "0", rule.met) for rule in verdict.rules)
    return Reason(summary, tuple(lines))


def _finder(keywords: Sequence[str], whole_words: bool) -> Callable[[str], str | None]:
    """The first keyword (in the order of the settings) that a lower-case text contains, or None."""
    wanted = tuple(word.lower() for word in keywords if word.strip())
    if not whole_words:
        return lambda text: next((word for word in wanted if word in text), None)
    patterns = [(word, re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")) for word in wanted]
    return lambda text: next((word for word, pattern in patterns if pattern.search(text)), None)
