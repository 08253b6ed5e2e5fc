"""The simulated world: easy and hard prompts, models, and two signals that tell the prompts apart a little.

Costs are in units of one call of the dearest model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr

from router_core.errors import SettingsError

Array = NDArray[np.float64]
Arms = NDArray[np.intp]
"""Runs x requests (or runs alone): the index of an arm."""


@dataclass(frozen=True, slots=True)
class SimulatedArm:
    """A model: the chance of a good answer to an easy and to a hard prompt, and the cost of a call."""

    name: str
    easy: float
    hard: float
    cost: float

    def __post_init__(self) -> None:
        for value in (self.easy, self.hard):
            if not 0.0 <= value <= 1.0:
                raise SettingsError(f"{self.name} succeeds with chance {value}; give a number from 0 to 1")
        if not self.cost >= 0.0:
            raise SettingsError(f"a call of {self.name} costs {self.cost}; give a number of at least 0")


@dataclass(frozen=True, slots=True)
class Change:
    """From the share ``at`` of the run on, the arm of that name is replaced by ``arm`` (same name or another)."""

    arm: SimulatedArm
    at: float = 0.5


CHEAP = SimulatedArm("cheap", easy=0.93, hard=0.45, cost=1 / 16)
STRONG = SimulatedArm("strong", easy=0.95, hard=0.88, cost=1.0)
DEGRADED = Change(SimulatedArm("strong", easy=0.75, hard=0.45, cost=1.0))
"""Half-way the strong model is no longer worth its price on any prompt."""


@dataclass(frozen=True)
class World:
    """Prompts, models and signals.

    Rule score and classifier score are normal with standard deviation 1; the means of easy and hard prompts lie
    ``rule_separation`` and ``classifier_separation`` apart, around 0, and given the difficulty the two are
    independent. A score above its threshold says "hard". ``graded``: policies see the classifier's score;
    otherwise only its word, +1 for COMPLEX and -1 for SIMPLE. Where the defaults come from: docs/decisions.md.
    """

    arms: tuple[SimulatedArm, ...] = (CHEAP, STRONG)
    easy_share: float = 0.6
    rule_separation: float = 0.93
    rule_threshold: float = 0.0
    classifier_separation: float = 1.545
    classifier_threshold: float = -0.04
    graded: bool = True
    change: Change | None = None

    def __post_init__(self) -> None:
        if len(self.arms) < 2:
            raise SettingsError(f"{len(self.arms)} models leave nothing to choose; give two or more")
        if not 0.0 < self.easy_share < 1.0:
            raise SettingsError(f"easy_share is {self.easy_share}; give a number between 0 and 1")
        names = [arm.name for arm in self.arms]
        if self.change is not None and self.change.arm.name not in names:
            raise SettingsError(f"{self.change.arm.name!r} cannot change; the models are {names}")

    def without_signal(self) -> World:
        """The same world in which neither score has anything to do with the difficulty."""
        return replace(self, rule_separation=0.0, classifier_separation=0.0)

    def truth(self, requests: int) -> tuple[Array, Array]:
        """Chance of a good answer (requests x arms x easy/hard), and cost of a call (requests x arms)."""
        chance = np.array([[arm.easy, arm.hard] for arm in self.arms])
        cost = np.array([arm.cost for arm in self.arms])
        chances = np.repeat(chance[None], requests, axis=0)
        costs = np.repeat(cost[None], requests, axis=0)
        if self.change is not None:
            index = [arm.name for arm in self.arms].index(self.change.arm.name)
            begin = int(self.change.at * requests)
            chances[begin:, index] = (self.change.arm.easy, self.change.arm.hard)
            costs[begin:, index] = self.change.arm.cost
        return chances, costs

    def hard_probability(self, rule: Array, classifier: Array) -> Array:
        """Chance that a prompt is hard, for one who knows this world and sees both signals as policies do."""
        odds = log((1.0 - self.easy_share) / self.easy_share) + self.rule_separation * rule
        if self.graded:
            odds = odds + self.classifier_separation * classifier
        else:
            easy, hard = -self.classifier_separation / 2.0, self.classifier_separation / 2.0
            at = self.classifier_threshold
            complex_ = log_ndtr(hard - at) - log_ndtr(easy - at)
            simple = log_ndtr(at - hard) - log_ndtr(at - easy)
            odds = odds + np.where(classifier > 0.0, complex_, simple)
        return np.asarray(1.0 / (1.0 + np.exp(-odds)))

    def classifier_rates(self) -> tuple[float, float]:
        """How often the classifier says COMPLEX of a hard prompt, and of an easy one."""
        half, at = self.classifier_separation / 2.0, self.classifier_threshold
        return float(ndtr(half - at)), float(ndtr(-half - at))


@dataclass(frozen=True)
class Traffic:
    """The same requests for every policy: runs x requests.

    ``hard`` says which prompts are; ``rule`` and ``classifier`` are the signals as policies see them;
    ``luck`` decides answers: good where it is below the chance, for whichever arm is asked.
    """

    world: World
    hard: NDArray[np.bool_]
    rule: Array
    classifier: Array
    luck: Array

    @property
    def runs(self) -> int:
        """Independent repetitions, each with a seed of its own."""
        return len(self.hard)

    @property
    def requests(self) -> int:
        """Requests of one run."""
        return int(self.hard.shape[1])

    @cached_property
    def _truth(self) -> tuple[Array, Array]:
        return self.world.truth(self.requests)

    @property
    def costs(self) -> Array:
        """Requests x arms: cost of a call."""
        return self._truth[1]

    @cached_property
    def chances(self) -> Array:
        """Runs x requests x arms: chance of a good answer to this very prompt."""
        by_request = self._truth[0]
        return np.where(self.hard[:, :, None], by_request[None, :, :, 1], by_request[None, :, :, 0])

    def says_complex(self) -> NDArray[np.bool_]:
        """The classifier's word."""
        return self.classifier > (self.world.classifier_threshold if self.world.graded else 0.0)


def traffic(world: World, runs: int, requests: int, seed: int) -> Traffic:
    """Draw the requests; run i of a seed is the same whatever the number of runs."""
    hard = np.empty((runs, requests), dtype=np.bool_)
    rule, classifier, luck = (np.empty((runs, requests)) for _ in range(3))
    for run in range(runs):
        random = np.random.default_rng([seed, run])
        hard[run] = random.random(requests) >= world.easy_share
        side = np.where(hard[run], 0.5, -0.5)
        rule[run] = world.rule_separation * side + random.standard_normal(requests)
        classifier[run] = world.classifier_separation * side + random.standard_normal(requests)
        luck[run] = random.random(requests)
    if not world.graded:
        classifier = np.where(classifier > world.classifier_threshold, 1.0, -1.0)
    return Traffic(world, hard, rule, classifier, luck)
