"""What is believed of a model on each task type, pooled with what it has shown on all others (empirical Bayes).

A task with many ratings speaks for itself; one with few leans on the rest. How far is learned from how much tasks
differ. Arithmetic only: where counts come from is the store's business.

Of one model, task t has n_t outcomes of which s_t were good (fractions count as parts). The shares are taken to
vary around the model's share mu as theta_t ~ Beta(m mu, m (1 - mu)): the beta-binomial model, whose intraclass
correlation is rho = 1 / (m + 1) (Williams 1982). rho is estimated by moments (Kleinman 1973), over all models of a
goal:

    Q = sum_t n_t (p_t - p)^2,   E[Q] / (p (1 - p)) = (T - 1) + rho (N - sum_t n_t^2 / N - (T - 1))

mu itself is only known as Beta(A, B), the prior and the outcomes on the *other* tasks. With M = A + B the mean and
the variance of theta_t before its own outcomes are those of a Beta of mean A / M and strength m M / (m + M + 1):
never more than the spread of tasks allows, nor more than the other tasks have shown. Its own outcomes are added:

    theta_t | data ~ Beta(k A / M + s_t, k B / M + n_t - s_t),   k = m M / (m + M + 1)

References: D. A. Williams, Extra-binomial variation in logistic linear models, Applied Statistics 31 (1982);
J. C. Kleinman, Proportions with extraneous variance, JASA 68 (1973); Gelman et al., Bayesian Data Analysis, ch. 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router_core.types import MICRO, ByTask, Evidence, Posterior

Array = NDArray[np.float64]

USUAL_CORRELATION: Final = 0.15
USUAL_WEIGHT: Final = 100.0
"""Before outcomes tell how much tasks differ: this correlation, as if so many had shown it.

Chosen by simulation, so that 95 % intervals hold the truth 93 to 97 % of the time for correlations up to 0.2, with
4 tasks of 10 outcomes or 10 tasks of 30. A weaker start (0.05, as if by 20) held it 88 to 90 %. Where tasks have
next to nothing in common (0.4), 4 tasks of 10 outcomes are too few: 83 %.
"""

LEAST: Final = 0.002
MOST: Final = 0.5
"""Bounds of the correlation: tasks never count as one, and never for nothing to each other."""


@dataclass(frozen=True, slots=True)
class TaskBelief:
    """What is believed of one model on one task.

    ``posterior``: of its share of good answers; its ``observations`` are those on the task, of which ``good`` were
    good. ``others``: as how many outcomes the other tasks count.
    """

    posterior: Posterior
    good: float
    others: float


def task_name(task: str | None) -> str:
    """A task type as evidence is pooled under it: in any case, without blanks around it; "": none."""
    return (task or "").strip().casefold()


def correlation(count: Array, good: Array) -> float:
    """How much tasks differ: the intraclass correlation rho of good answers within a task, in [LEAST, MOST].

    0 would mean that a model is equally good at all tasks.

    Args:
        count, good: (tasks, models), outcomes and how many of them were good; only prompts with a task type.
    """
    total = count.sum(axis=0)
    there = total > 0
    count, good, total = count[:, there], good[:, there], total[there]
    freedom = (count > 0).sum(axis=0) - 1
    share = good.sum(axis=0) / total
    spread = (good.sum(axis=0) + 0.5) / (total + 1.0)
    apart = ((good - count * share) ** 2 / np.maximum(count, 1.0)).sum(axis=0)
    shown = apart / (spread * (1.0 - spread)) - freedom
    weight = total - (count**2).sum(axis=0) / total - freedom
    rho = (USUAL_CORRELATION * USUAL_WEIGHT + shown.sum()) / (USUAL_WEIGHT + weight.sum())
    return min(MOST, max(LEAST, float(rho)))


def pooled(
    count: Array, good: Array, every_count: Array, every_good: Array, prior: tuple[float, float], rho: float
) -> tuple[Array, Array, Array]:
    """alpha and beta of every model on every task, and as how many outcomes the other tasks count in them.

    Args:
        count, good: (tasks, models), outcomes on each task and how many of them were good.
        every_count, every_good: (models,), the same of the whole goal, whatever the task.
        prior: alpha and beta of the goal.
        rho: of ``correlation``.
    """
    alpha = prior[0] + every_good - good
    beta = prior[1] + (every_count - every_good) - (count - good)
    within = 1.0 / rho - 1.0
    kept = within / (within + alpha + beta + 1.0)
    return kept * alpha + good, kept * beta + count - good, kept * (alpha + beta)


class TaskBeliefs:
    """What the outcomes of a goal say of its models, task by task.

    Args:
        by_task: the outcomes.
        arms: arm ids.
        prior: alpha and beta of the goal.
    """

    def __init__(self, by_task: ByTask, arms: Sequence[str], prior: tuple[float, float]) -> None:
        self._prior = prior
        names = sorted({task_name(task) for task in by_task})
        places = {name: place for place, name in enumerate(names)}
        count, micro = np.zeros((len(names), len(arms))), np.zeros((len(names), len(arms)))
        for task, found in by_task.items():
            for column, arm in enumerate(arms):
                one = found.get(arm, Evidence())
                count[places[task_name(task)], column] += one.count
                micro[places[task_name(task)], column] += one.reward_micro
        good = micro / MICRO
        typed = [place for name, place in places.items() if name]
        self._places = {name: row for row, name in enumerate(name for name in names if name)}
        self._count, self._good = count[typed], good[typed]
        self._every_count, self._every_good = count.sum(axis=0), micro.sum(axis=0) / MICRO
        self.rho = correlation(self._count, self._good)

    @property
    def outcomes(self) -> int:
        """All that taught these models."""
        return int(self._every_count.sum())

    @property
    def tasks(self) -> tuple[str, ...]:
        """The task types with an outcome, the one with the most first."""
        rated = self._count.sum(axis=1)
        return tuple(sorted((name for name in self._places), key=lambda name: (-rated[self._places[name]], name)))

    def of(self, task: str) -> list[TaskBelief]:
        """What is believed of each model on a task, in the order of the arms.

        Args:
            task: its ``task_name``; "", a prompt without one: then all outcomes of the goal count alike.
        """
        if not task:
            alpha = self._prior[0] + self._every_good
            beta = self._prior[1] + self._every_count - self._every_good
            return self._listed(alpha, beta, self._every_count, self._every_good, np.zeros(len(alpha)))
        nothing = np.zeros(len(self._every_count))
        place = self._places.get(task)
        count, good = (nothing, nothing) if place is None else (self._count[place], self._good[place])
        alpha, beta, others = pooled(count, good, self._every_count, self._every_good, self._prior, self.rho)
        return self._listed(alpha, beta, count, good, others)

    @staticmethod
    def _listed(alpha: Array, beta: Array, count: Array, good: Array, others: Array) -> list[TaskBelief]:
        columns = (one.tolist() for one in (alpha, beta, count, good, others))
        return [TaskBelief(Posterior(a, b, int(n)), g, o) for a, b, n, g, o in zip(*columns, strict=True)]
