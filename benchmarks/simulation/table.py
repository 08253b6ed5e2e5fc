"""Every policy on the same simulated requests, in one table.

See command.py for printing it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from benchmarks.simulation import fixed
from benchmarks.simulation.judging import Row, judge
from benchmarks.simulation.learners import BetaThompson, Learner, LogisticThompson
from benchmarks.simulation.playing import features, play
from benchmarks.simulation.world import Arms, Array, Traffic, World, traffic
from router_core.errors import SettingsError
from router_core.learning.drift import DEFAULT_RULE, DriftRule
from router_core.money.budget import Budget

PRICE_OF_COST = 0.1
ORACLE = "oracle (knows the difficulty)"
CEILING = "ceiling (knows the world, sees both signals)"
RULES = "rules"
CLASSIFIER = "classifier"
SUCCESS_ALONE = "Thompson on success alone"
WITH_COST = "Thompson with cost"
ON_RULES = "contextual Thompson on rules"
ON_CLASSIFIER = "contextual Thompson on the classifier"
BOTH = "contextual Thompson on both"
MIX = "random mix at its spend"
_DEAR = 3.0  # times the price of cost: then the cheap model is the better value if one must serve everything


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate.

    ``price_of_cost`` is lambda, what a call of the dearest model costs in good answers: its cost / success value.
    ``drift``: a watch, for the learners named so; ``budget``: a limit on the mean cost of a request, in calls of
    the dearest model, for one learner more; None leaves them out. ``exploration``: every arm's least share.
    """

    world: World = field(default_factory=World)
    runs: int = 10
    requests: int = 20_000
    price_of_cost: float = PRICE_OF_COST
    seed: int = 0
    drift: DriftRule | None = DEFAULT_RULE
    budget: float | None = None
    exploration: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (("runs", self.runs), ("requests", self.requests)):
            if value < 1:
                raise SettingsError(f"{name} is {value}; give 1 or more")
        if not 0.0 <= self.price_of_cost < float("inf"):
            raise SettingsError(f"the price of cost is {self.price_of_cost}; give a number of at least 0")
        if self.seed < 0:
            raise SettingsError(f"the seed is {self.seed}; give 0 or more")
        if not 0.0 <= self.exploration <= 1.0:
            raise SettingsError(f"exploration is {self.exploration}; give a share from 0 to 1")


@dataclass(frozen=True)
class Trial:
    """One learner to be played: what it sees, at which price of cost, with or without a watch and a limit."""

    policy: str
    learner: Learner
    seen: Array
    price_of_cost: float
    drift: DriftRule | None = None
    budget: Budget | None = None


def simulate(
    plan: Plan,
    tell: Callable[[str], None] = lambda policy: None,
    more: Callable[[Traffic], Iterable[Trial]] = lambda asked: (),
) -> list[Row]:
    """Play every policy; the same plan always gives the same rows.

    Args:
        plan: what to simulate.
        tell: called with the name of each policy before it is played.
        more: further learners, made for the traffic that they will be asked.
    """
    asked = traffic(plan.world, plan.runs, plan.requests, plan.seed)
    rows = []
    for policy, choose in _fixed(plan, asked):
        tell(policy)
        rows.append(judge(policy, choose(), asked, plan.price_of_cost))
    for trial in chain(trials(plan, asked), more(asked)):
        tell(trial.policy)
        rows.append(row_of(trial, plan, asked))
    spend = next(row.cost.mean for row in rows if row.policy == BOTH)
    drawn = fixed.mixed(asked, fixed.mix_at(asked, spend), plan.seed)
    return [*rows, judge(MIX, drawn, asked, plan.price_of_cost)]


def _fixed(plan: Plan, asked: Traffic) -> Iterator[tuple[str, Callable[[], Arms]]]:
    price, last = plan.price_of_cost, len(plan.world.arms) - 1
    yield f"always {plan.world.arms[0].name}", lambda: fixed.always(asked, 0)
    yield f"always {plan.world.arms[last].name}", lambda: fixed.always(asked, last)
    yield ORACLE, lambda: fixed.oracle(asked, price)
    yield CEILING, lambda: fixed.ceiling(asked, price)
    yield RULES, lambda: fixed.by_rule(asked)
    yield CLASSIFIER, lambda: fixed.by_classifier(asked)


def trials(plan: Plan, asked: Traffic) -> Iterator[Trial]:
    """The learners of the table, fresh; each is made when it is its turn."""
    runs, arms, price, drift = plan.runs, len(plan.world.arms), plan.price_of_cost, plan.drift
    rules, classifier = features(asked.rule), features(asked.classifier)
    both = features(asked.rule, asked.classifier)
    yield Trial(SUCCESS_ALONE, BetaThompson(runs, arms), both, 0.0)
    yield Trial(WITH_COST, BetaThompson(runs, arms), both, price)
    dear = _DEAR * price
    yield Trial(f"{WITH_COST} at lambda {dear:g}", BetaThompson(runs, arms), both, dear)
    if drift is not None:
        yield Trial(f"{WITH_COST}, alarm", BetaThompson(runs, arms), both, price, drift)
    yield Trial(ON_RULES, LogisticThompson(runs, arms, 2), rules, price)
    yield Trial(ON_CLASSIFIER, LogisticThompson(runs, arms, 2), classifier, price)
    yield Trial(BOTH, LogisticThompson(runs, arms, 3), both, price)
    if drift is not None:
        yield Trial(f"{BOTH}, alarm", LogisticThompson(runs, arms, 3), both, price, drift)
    if plan.budget is not None:
        limit = Budget(plan.budget, requests=1)
        yield Trial(f"{BOTH}, budget", LogisticThompson(runs, arms, 3), both, price, drift, limit)


def row_of(trial: Trial, plan: Plan, asked: Traffic) -> Row:
    """Play one learner, fresh from ``trials``, and judge it."""
    played = play(
        trial.learner,
        trial.seen,
        asked,
        trial.price_of_cost,
        plan.seed,
        trial.drift,
        trial.budget,
        plan.exploration,
    )
    alarms = len(played.alarms) / asked.runs if trial.drift is not None else None
    budget = plan.budget if trial.budget is not None else None
    return judge(trial.policy, played.arms, asked, plan.price_of_cost, alarms, budget)
