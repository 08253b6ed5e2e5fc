"""The playground's job: every router decides on one prompt, and each distinct model is called once.

Does not cover running the calls side by side: the page reads each stream in its own thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from router_core.arguments import require_comment, require_flag, require_name, require_params, require_request_id
from router_core.features import context
from router_core.finalisers import queued_in_collection
from router_core.learning.beta import best_probabilities
from router_core.learning.contextual.folding import Fold
from router_core.learning.contextual.state import ContextualState
from router_core.models.calls import Models
from router_core.models.parameters import Refusals
from router_core.money.budget import BudgetState
from router_core.policies.asking import AskModel
from router_core.policies.base import Known
from router_core.policies.thompson import ThompsonPolicy, comparable_costs
from router_core.registry import POLICIES
from router_core.routing.calling import Caller
from router_core.routing.candidates import USUAL
from router_core.routing.deciding import Decider
from router_core.routing.reporting import outcome_record
from router_core.routing.streams import RoutedStream
from router_core.serving.accounting import Tally, tally
from router_core.settings import Settings
from router_core.store.base import Batch, Comparison, Store
from router_core.types import (
    FORCED,
    Arm,
    Candidate,
    Context,
    Decision,
    Message,
    Outcome,
    Posterior,
    Price,
    Prompt,
)

if TYPE_CHECKING:
    from router_core.exports import Export


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One model to be called: under which id, and which routers chose it (none: a person asked for it)."""

    completion_id: str
    arm: Arm
    chosen_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """One prompt, what every router decided, and the calls that follow, cheap to strong."""

    prompt: Prompt
    messages: tuple[Message, ...]
    decisions: tuple[Decision, ...]
    calls: tuple[PlannedCall, ...]


class Playground:
    """All routers of one settings version over one store. Thread-safe."""

    def __init__(self, settings: Settings, store: Store, models: Models) -> None:
        self.settings = settings
        self.store = store
        self._models = models
        self._decider = Decider(settings, store, models)
        self._caller = Caller(self._decider, store, models)

    def using(self, models: Models) -> Playground:
        """The same playground, asking other models: with keys of one's own, for example."""
        other = copy(self)
        other._models = models
        other._decider = self._decider.using(models)
        other._caller = Caller(other._decider, self.store, models)
        return other

    def compare(
        self,
        messages: Sequence[Message],
        goal: str,
        *,
        task_type: str | None = None,
        params: Mapping[str, Any] | None = None,
        blind: bool = False,
        run_all: bool = False,
    ) -> Plan:
        """Let every router decide, store the decisions, and plan one call per distinct model.

        Args:
            messages: the conversation.
            goal: its kind of traffic.
            task_type: a word that the rules know.
            params: parameters for every call, on top of each arm's own.
            blind: the person will not see which model is which before rating.
            run_all: also call the models that no router chose; the answers are then paired evidence.

        Raises:
            PromptError: the prompt is empty or too long.
            ArgumentError: another argument cannot be used; the sentence names it.
            SettingsError: the goal is not set up.
            MissingKeyError: one of its models cannot be asked; nothing was decided.
            StoreError: the decisions could not be stored.
        """
        goal_settings = self.settings.goal(goal)
        require_name("task_type", task_type, "a word such as 'classification'")
        require_params({} if params is None else params)
        self._models.require_keys(arm.model for arm in goal_settings.arms)
        prompt = self._decider.prompt(
            messages, goal, "playground", task_type=task_type, params=params, blind=blind, run_all=run_all
        )
        seen = context(messages, goal, task_type, params)
        ids: dict[str, str] = {}

        def completion_id(arm: str) -> str:
            return ids.setdefault(arm, self._decider.new_id())

        decisions = [
            self._decider.decide(seen, name, prompt_id=prompt.id, origin="playground", completion_id=completion_id)
            for name in POLICIES
        ]
        if run_all:
            for arm in goal_settings.arms:
                if arm.id not in ids:
                    decisions.append(
                        self._decider.settle(
                            seen,
                            arm.id,
                            prompt_id=prompt.id,
                            origin=FORCED,
                            completion_id=completion_id(arm.id),
                            why="no router chose it; every model was asked",
                        )
                    )
        self._decider.log(decisions, [prompt])
        return Plan(prompt, tuple(messages), tuple(decisions), self._calls(goal, decisions))

    def again(self, prompt: Prompt, messages: Sequence[Message], arm_id: str, why: str) -> PlannedCall:
        """Plan another answer of one model to a prompt that has had one.

        Raises:
            UnknownArmError: the goal no longer has that model.
        """
        decision = self._decider.settle(
            context(messages, prompt.goal, prompt.task_type, prompt.params),
            arm_id,
            prompt_id=prompt.id,
            origin=FORCED,
            completion_id=self._decider.new_id(),
            why=why,
        )
        self._decider.log([decision])
        return PlannedCall(decision.completion_id, self.settings.arm(prompt.goal, arm_id), ())

    def stream(self, prompt: Prompt, messages: Sequence[Message], call: PlannedCall) -> RoutedStream:
        """Start one planned call.

        Raises:
            ProviderError: it failed before its first piece; that has been stored.
        """
        return self._caller.stream(prompt, messages, call.arm, call.completion_id, prompt.params)

    def rate(
        self,
        completion_id: str,
        outcome: Outcome | float | None,
        *,
        chips: Sequence[str] = (),
        comment: str = "",
        blinded: bool = False,
    ) -> None:
        """Give a thumb, change it, or (with None) take it back. When this returns, it is stored.

        Args:
            completion_id: the answer.
            outcome: an ``Outcome``, a number in [0, 1], or None.
            chips: reasons, in a word or two each.
            comment: in words of one's own.
            blinded: whether the models' names were hidden.

        Raises:
            InvalidOutcomeError: neither an outcome nor a number in [0, 1].
            ArgumentError: the comment or a reason is not a text, or too long.
            UnknownRequestError: no decision led to such an answer.
            StoreError: it could not be stored.
        """
        require_request_id(completion_id)
        require_comment(comment, chips)
        require_flag("blinded", blinded)
        said = outcome_record(
            completion_id,
            "thumb",
            outcome,
            new_id=self._decider.new_id,
            now=self._decider.now,
            chips=chips,
            comment=comment,
            blinded=bool(blinded),
        )
        self.store.write(Batch(outcomes=[said]))

    def adopt(self, before: Playground) -> None:
        """Go on from what a playground of other settings has learned, as far as these leave it the same."""
        self._decider.memory.adopt(before._decider.memory)

    @queued_in_collection
    def close(self) -> None:
        """Stop learning in the background; the store stays open. Before the store is closed, call this."""
        self._decider.memory.close()

    def export(self) -> Export:
        """Everything that decides, as it is now."""
        from router_core.exports.transfer import export_of

        return export_of(self.store, self.settings, "", self._decider.memory, self._decider.spending)

    def price(self, model: str) -> Price | None:
        """The price of a model; None where it is not known."""
        return self._decider.prices.price(model)

    def candidates(self, seen: Context) -> tuple[Candidate, ...]:
        """The models of the prompt's goal with what is known of each now."""
        return self._decider.candidates(seen)

    def split(self, goal: str) -> dict[str, float]:
        """Arm id -> with what probability Thompson sampling would draw it now, for a prompt of usual length."""
        usual = context([{"role": "user", "content": USUAL}], goal)
        candidates = self._decider.candidates(usual)
        given = ThompsonPolicy(self.settings.goal(goal)).probabilities(usual, Known(candidates)).probabilities
        return {one.arm.id: p for one, p in zip(candidates, given, strict=True)}

    @property
    def refusals(self) -> Refusals:
        """Which parameters the models have refused so far."""
        return self._models.refusals

    @property
    def ask(self) -> AskModel:
        """Puts messages to the classifier's model."""
        return self._decider.classifier.ask

    def spending(self, goal: str) -> BudgetState:
        """The contextual router's price of cost now, and what led to it; a goal without a budget has none."""
        return self._decider.spending.state(goal)

    def posteriors(self, goal: str) -> dict[str, Posterior]:
        """Arm id -> what has been learned about it."""
        return self._decider.posteriors(goal)

    def contextual(self, goal: str) -> Fold:
        """What the contextual router knows now, its gain score too, and the drift alarms on the way there.

        Raises:
            StoreError: the store cannot be read.
        """
        return self._decider.memory.fold(goal)

    def learned(self, goal: str) -> ContextualState:
        """All that the contextual router has learned, as it is exported.

        Raises:
            StoreError: the store cannot be read.
        """
        return self._decider.memory.learned(goal)

    def chances(self, messages: Sequence[Message], goal: str, task_type: str | None = None) -> dict[str, float]:
        """Arm id -> the chance, as far as is known now, that it is the best value for such a prompt."""
        candidates = self._decider.candidates(context(messages, goal, task_type))
        costs = comparable_costs([candidate.expected_cost_usd for candidate in candidates])
        posteriors = [candidate.posterior for candidate in candidates]
        best = best_probabilities(posteriors, costs, self.settings.goal(goal).success_value_usd)
        return {candidate.arm.id: float(p) for candidate, p in zip(candidates, best, strict=True)}

    def tally(self, comparisons: Iterable[Comparison]) -> Tally:
        """What these prompts cost, and what each router alone would have cost on them."""
        strongest = {name: goal.arms[-1] for name, goal in self.settings.goals.items()}
        return tally(
            [one for one in comparisons if one.prompt.goal in strongest],
            lambda goal: strongest[goal].id,
            lambda goal: self._decider.prices.price(strongest[goal].model),
        )

    def calls_of(self, comparison: Comparison) -> tuple[PlannedCall, ...]:
        """The calls that a stored comparison led to; of a model that was asked again, the last.

        Models that the goal no longer has stand last: what they answered can still be read and rated.
        """
        return self._calls(comparison.prompt.goal, comparison.decisions)

    def _calls(self, goal: str, decisions: Sequence[Decision]) -> tuple[PlannedCall, ...]:
        latest = {decision.chosen: decision.completion_id for decision in decisions}
        arms = {arm.id: arm.arm() for arm in self.settings.goal(goal).arms}
        arms |= {id_: Arm(id_, id_.partition("?")[0]) for id_ in latest if id_ not in arms}
        return tuple(
            PlannedCall(
                latest[id_],
                arm,
                tuple(one.policy for one in decisions if one.chosen == id_ and one.policy in POLICIES),
            )
            for id_, arm in arms.items()
            if id_ in latest
        )
