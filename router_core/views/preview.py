"""What a change of settings would do on what was logged: each router's split, a success condition's verdicts.

Nothing is called and nothing is stored. Does not cover the classifier, whose verdicts would have to be bought:
the contextual router is shown as it decides without one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from router_core.features import context, two_digits
from router_core.learning.contextual.state import ContextualState
from router_core.money.pricing import PriceBook
from router_core.outcomes.conditions import Condition
from router_core.policies.base import Known, Policy
from router_core.policies.by_task import ByTaskPolicy
from router_core.policies.contextual import ContextualPolicy
from router_core.policies.thompson import ThompsonPolicy
from router_core.registry import BY_TASK, CONTEXTUAL, RULES, THOMPSON
from router_core.routing.calling import judged_of
from router_core.routing.candidates import candidates_for
from router_core.routing.memory import rules_of
from router_core.routing.spending import Spending
from router_core.settings import Settings
from router_core.store.base import Search, Store
from router_core.types import Message

_PROMPTS = 100
_ANSWERS = 20


@dataclass(frozen=True, slots=True)
class SplitChange:
    """The share of one model under one router, before and after, on so many logged prompts."""

    router: str
    arm: str
    before: float
    after: float
    prompts: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a condition says about one logged answer; ``reward`` None: nothing, and ``why`` may tell the reason.

    ``thumb`` is what a person said, None where nobody did.
    """

    arm: str
    text: str
    reward: float | None
    why: str
    thumb: float | None


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a success condition says about logged answers, newest first."""

    rows: tuple[Verdict, ...]

    @property
    def good(self) -> int:
        """Answers that it calls good."""
        return sum(row.reward is not None and row.reward >= 0.5 for row in self.rows)

    @property
    def unknown(self) -> int:
        """Answers on which it says nothing."""
        return sum(row.reward is None for row in self.rows)

    @property
    def bad(self) -> int:
        """Answers that it calls bad."""
        return len(self.rows) - self.good - self.unknown

    @property
    def agreement(self) -> tuple[int, int]:
        """On how many of the answers that a person rated it says the same, and how many those are."""
        both = [(row.reward, row.thumb) for row in self.rows if row.reward is not None and row.thumb is not None]
        return sum((said >= 0.5) == (thumb >= 0.5) for said, thumb in both), len(both)


def split_preview(
    store: Store, before: Settings, after: Settings, goal: str, learned: ContextualState | None = None
) -> list[SplitChange]:
    """The mean probability of each model on the last prompts of a goal whose texts were kept.

    Args:
        store: the log.
        before, after: the settings.
        goal: which goal, known to both.
        learned: what the contextual router knows by now, taken as it is on both sides; None: it is left out.

    Raises:
        SettingsError: one of the settings has no such goal.
    """
    found = store.find(Search(goal=goal), _PROMPTS)
    texts = [(one.prompt.messages, one.prompt.task_type) for one in found if one.prompt.messages]
    if not texts:
        return []
    shares = [_shares(store, settings, goal, texts, learned) for settings in (before, after)]
    arms = list(dict.fromkeys(arm.id for settings in (before, after) for arm in settings.goal(goal).arms))
    return [
        SplitChange(name, arm, shares[0][name].get(arm, 0.0), shares[1][name].get(arm, 0.0), len(texts))
        for name in shares[0]
        for arm in arms
    ]


def _shares(
    store: Store,
    settings: Settings,
    goal: str,
    texts: Sequence[tuple[Sequence[Message], str | None]],
    learned: ContextualState | None,
) -> dict[str, dict[str, float]]:
    chosen = settings.goal(goal)
    prices = PriceBook.of(settings)
    rules = rules_of(settings, chosen)
    policies: dict[str, Policy] = {RULES.label: rules, THOMPSON.label: ThompsonPolicy(chosen)}
    policies[BY_TASK.label] = ByTaskPolicy(chosen)
    if learned is not None:
        policies[CONTEXTUAL.label] = ContextualPolicy(chosen, rules)
    value_usd = None if learned is None else Spending(settings, store).value_usd(goal)
    evidence, lengths = store.evidence(goal, chosen.teaching_rule()), store.output_tokens(goal)
    tasks = store.evidence_by_task(goal, chosen.teaching_rule(BY_TASK.name))
    sums = {name: {arm.id: 0.0 for arm in chosen.arms} for name in policies}
    for messages, task_type in texts:
        seen = context(messages, goal, task_type)
        candidates = candidates_for(chosen, two_digits(seen.input_tokens), evidence, lengths, prices.price)
        known = Known(candidates, contextual=learned or ContextualState(), tasks=tasks, value_usd=value_usd)
        for name, policy in policies.items():
            for candidate, p in zip(candidates, policy.probabilities(seen, known).probabilities, strict=True):
                sums[name][candidate.arm.id] += p / len(texts)
    return sums


def condition_preview(store: Store, goal: str, success_when: str) -> Verdicts:
    """A condition tried on the last answers of a goal whose texts were kept.

    Raises:
        ConditionError: the condition is not valid.
    """
    condition = Condition(success_when)
    rows: list[Verdict] = []
    for comparison in store.find(Search(goal=goal), _ANSWERS):
        thumbs = {one.completion_id: one.reward for one in comparison.outcomes if one.source == "thumb"}
        for one in comparison.completions:
            if one.error is None and one.text is not None and len(rows) < _ANSWERS:
                said = condition.judge(judged_of(one, one.text, None))
                rows.append(Verdict(one.arm, one.text, said.reward, said.why, thumbs.get(one.id)))
    return Verdicts(tuple(rows))
