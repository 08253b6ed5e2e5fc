"""The contextual router in simulated traffic: it decides by text, and learns from the first few thousand ratings.

See traffic.py for the traffic. A budget of the goal is not kept to here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from router_core.learning.contextual import vector
from router_core.learning.contextual.folding import after
from router_core.learning.contextual.shrinking import with_shrunk_slopes
from router_core.learning.drift import DriftRule
from router_core.money.pricing import PriceBook
from router_core.policies import build_policies
from router_core.policies.asking import Asking, AskModel, VerdictCache, decided
from router_core.policies.base import Known
from router_core.policies.contextual import ContextualPolicy
from router_core.registry import CONTEXTUAL
from router_core.routing.candidates import usual_costs, verdict_usd
from router_core.routing.memory import Memory
from router_core.settings import Settings
from router_core.store.base import Store
from router_core.types import Candidate, Context, Seen
from router_core.validation import canonical_json

Row = tuple[tuple[float, ...], str, float]
"""Probabilities, reason and dollars (NaN: unknown) of a decision."""

_LEARNS: Final = 4_000  # ratings
_MORE: Final = 0.05  # of the ratings so far: after so many new ones the decisions are made anew


class ContextualDemo:
    """One contextual router for one run of the generator.

    Args:
        settings: see demo.generate.
        store: where it goes; what was learned there is where this one begins.
        goal: the kind of traffic.
        contexts: the prompts, by the place that stands for them everywhere here.
        ask: the classifier's model.
        candidates: context -> the models that may be drawn.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        goal: str,
        contexts: Sequence[Context],
        ask: AskModel,
        candidates: Callable[[Context], Sequence[Candidate]],
    ) -> None:
        self._contexts, self._candidates = contexts, candidates
        prices = PriceBook.of(settings)
        memory = Memory(settings, store, usual_costs(settings, prices), lambda: datetime.now(UTC), gains="never")
        self._state = memory.state(goal)
        self._fold = replace(memory.fold(goal), state=memory.learned(goal))
        self._arms = [arm.id for arm in settings.goal(goal).arms]
        self._goal = goal
        self._left, self._decided_at = _LEARNS, -1
        self._rule = DriftRule(threshold=1e9)
        self._asking = Asking(settings.classifier, ask, VerdictCache(0))
        self._verdict_usd = partial(verdict_usd, settings, prices=prices)
        policy = build_policies(settings, goal)[CONTEXTUAL.name]
        assert isinstance(policy, ContextualPolicy)
        self.policy = policy
        self._rows: dict[int, Row] = {}
        self._seen: dict[int, Seen] = {}

    def rows(self, texts: NDArray[np.int64]) -> Mapping[int, Row]:
        """The decision on each of these prompts, as it is now."""
        outcomes = self._fold.state.outcomes
        if self._decided_at < 0 or outcomes > self._decided_at + max(20.0, _MORE * self._decided_at):
            self._rows.clear()
            self._seen.clear()
            self._state = with_shrunk_slopes(self._fold.state, self._arms)
            self._decided_at = outcomes
        for text in texts.tolist():
            if text not in self._rows:
                context = self._contexts[text]
                known = Known(
                    self._candidates(context), contextual=self._state, verdict_usd=self._verdict_usd(context)
                )
                given = decided(self.policy, context, known, self._asking)
                dollars = float("nan") if given.cost_usd is None else float(given.cost_usd)
                self._rows[text] = (given.probabilities, canonical_json(asdict(given.reason)), dollars)
                assert given.seen is not None
                self._seen[text] = given.seen
        return self._rows

    def learn(self, texts: Sequence[int], arms: Sequence[int], rewards: Sequence[float]) -> None:
        """Fold in what became of answers, until enough is learned."""
        for text, arm, reward in list(zip(texts, arms, rewards, strict=True))[: self._left]:
            self._left -= 1
            seen = self._seen.get(text)
            if seen is None:
                row = self.policy.features(self._contexts[text], [self._arms[arm]], self._state)[0]
            else:
                row = np.array(seen.features).reshape(-1, vector.SIZE)[arm]
            place = self._fold.seq + 1
            self._fold = after(self._fold, self._arms[arm], row, reward, place, self._rule, ())

    def seen(self, ids: Sequence[str], prompt_ids: Sequence[str], texts: Sequence[int]) -> pa.Table:
        """What was seen at these decisions: rows of the table ``seen``."""
        found = [self._seen[text] for text in texts]
        count = len(found)
        worth: list[Any] = [one.verdict_worth_usd for one in found]
        return pa.table(
            {
                "id": list(ids),
                "prompt_id": list(prompt_ids),
                "goal": pa.array([self._goal] * count, pa.string()),
                "arms": pa.array([list(one.arms) for one in found], pa.list_(pa.string())),
                "features": pa.array([one.features for one in found], pa.list_(pa.float64())),
                "learned": pa.array([one.learned for one in found], pa.string()),
                "verdict": pa.array([one.verdict for one in found], pa.string()),
                "verdict_worth_usd": pa.array(worth, pa.float64()),
            }
        )
