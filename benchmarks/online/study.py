"""Routers on a stream of labelled prompts on which only the chosen model's score is seen, in many random orders.

What each has brought by then, prompt by prompt, beside every fixed model and the best random mix at equal spend.
A simulation, not an estimate. See replay.py and contextual_life.py for the learners themselves, chart.py for
pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from router_core.errors import EvaluationError
from router_core.evaluation.by_file.contextual_life import Taught, contextual_life
from router_core.evaluation.by_file.hull import best_accuracy
from router_core.evaluation.by_file.replay import Life, thompson_life
from router_core.evaluation.by_file.routers import contexts, cut, length, reference_pair, rule_verdicts, rules
from router_core.evaluation.labelled import Labelled
from router_core.evaluation.results import Estimate, Objective
from router_core.learning.contextual.ridge import Texts, read
from router_core.learning.contextual.training import Lesson, gains, learn_score
from router_core.policies.contextual import numbers
from router_core.policies.heuristic import HeuristicPolicy
from router_core.registry import RULES, THOMPSON
from router_core.settings import GoalSettings, Settings

Array = NDArray[np.float64]
Kind = Literal["fixed", "mix", "rule", "learner"]

POINTS: Final = 30
WORDS_AFTER: Final = (1000, 2500, 6250, 15_625, 39_063)
"""Prompts after which the gain score is learned anew; production does so more often."""

_LATE: Final = 0.75
_FOLDS: Final = 3
WORDS, FEATURES, BLIND, COSTS, MIX = "words", "features", THOMPSON.name, "costs", "mix"


@dataclass(frozen=True, slots=True)
class Path:
    """One way of choosing, in dollars per 1,000 prompts, over shuffles (mean and 95 % interval of the mean).

    Args:
        name, label, kind: which way.
        mean, low, high: what prompts had brought so far by each of ``Online.seen``.
        final: after all of them.
        over_best: that less what the best fixed model brought on the same prompts.
        over_mix: that less what the best random mix of fixed models at equal spend brought on the same prompts.
        late: ``over_best`` in the last quarter of the stream alone.
        over_best_error: standard error of ``over_best`` were other prompts of the same kind drawn.
        accuracy: share of good answers.
        shares: of each model; () for the mix.
    """

    name: str
    label: str
    kind: Kind
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    final: Estimate
    over_best: Estimate
    over_mix: Estimate
    late: Estimate
    over_best_error: float
    accuracy: float
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Online:
    """All of it at one worth of a good answer. ``best_error``: standard error over prompts of what the best fixed
    model brings, in dollars per 1,000 prompts; ``floor``: what its exploration and starting weights alone cost it.
    """  # fmt: skip

    source: str
    models: tuple[str, ...]
    prompts: int
    shuffles: int
    value_usd: float
    best: str
    best_error: float
    floor: float
    seen: tuple[int, ...]
    paths: tuple[Path, ...]

    def path(self, name: str) -> Path:
        """One of them by its name."""
        return next(path for path in self.paths if path.name == name)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Prompts as the learners see them; the same for every worth and every shuffle.

    ``costs_usd`` (n, k): what a call is expected to cost before it is made, by the length of its prompt.
    """

    labelled: Labelled
    features: Array
    costs_usd: Array
    texts: Texts


def prepared(labelled: Labelled, settings: Settings | None = None) -> Prepared:
    """Features and words of every prompt, some 0.3 ms each.

    Raises:
        EvaluationError: fewer than two models, or a model without a price.
    """
    pair = reference_pair(labelled)
    if np.isnan(labelled.cost_usd).any():
        raise EvaluationError(
            "a model has no price, so nobody knows what it brings; add its price or a cost column"
        )
    weak, strong = labelled.models[pair.weak], labelled.models[pair.strong]
    policy = HeuristicPolicy((settings or Settings()).heuristic, weak, strong)
    seen = [numbers(one, policy, None, None, [weak])[0] for one in contexts(labelled)]
    return Prepared(labelled, np.array(seen), _expected_usd(labelled), read(labelled.prompts))


def _expected_usd(labelled: Labelled) -> Array:
    """Each model's cost as a straight line in input tokens: a price per token, and answers of the usual length."""
    found = []
    for tokens, cost in zip(labelled.input_tokens.T, labelled.cost_usd.T, strict=True):
        off = tokens - tokens.mean()
        spread = float(off @ off)
        found.append(cost.mean() + off * (float(off @ cost) / spread if spread > 0.0 else 0.0))
    return np.asarray(np.maximum(np.column_stack(found), 0.0))


def without_signal(prompts: Prepared, seed: int = 0) -> Prepared:
    """The same prompts, each model's scores shuffled among them: no prompt tells anything of its scores."""
    rng = np.random.default_rng(seed)
    scores = np.column_stack([rng.permutation(column) for column in prompts.labelled.scores.T])
    labelled = replace(
        prompts.labelled, scores=scores, responses=None, source=f"{prompts.labelled.source}, shuffled"
    )
    return replace(prompts, labelled=labelled)


def break_even_usd(labelled: Labelled) -> float | None:
    """What a good answer is worth where the cheapest and the most accurate model are equally good buys."""
    pair = reference_pair(labelled)
    better, dearer = (
        float(table[:, pair.strong].mean() - table[:, pair.weak].mean())
        for table in (labelled.scores, labelled.cost_usd)
    )
    return dearer / better if better > 0 and dearer > 0 else None


def online(
    prompts: Prepared,
    value_usd: float,
    *,
    settings: Settings | None = None,
    goal: str = "default",
    shuffles: int = 20,
    seed: int = 0,
    words: bool = True,
    tick: Callable[[float], None] = lambda done: None,
) -> Online:
    """Play every way of choosing on the same shuffles.

    Fixed models, rules and length learn nothing. Length is cut where it is best for the worth, on four fifths of
    the prompts with all their scores known: better off than anything that learns from chosen answers alone.

    Args:
        prompts: see ``prepared``.
        value_usd: what a good answer is worth, > 0.
        settings, goal: the rules; exploration and starting strength.
        shuffles: at least 2; each is an order and its draws.
        seed: of the first.
        words: whether a learner that learns a gain score on the way takes part; it takes most of the time.
        tick: told the part that is done.

    Raises:
        EvaluationError: a worth or a number of shuffles that makes no sense.
    """
    if not 0.0 < value_usd < float("inf") or shuffles < 2:
        raise EvaluationError(
            f"a worth of {value_usd!r} dollars in {shuffles} shuffles; give more than 0 dollars and at least 2"
            " shuffles"
        )
    known, labelled = settings or Settings(), prompts.labelled
    chosen = known.goals[goal]
    pair = reference_pair(labelled)
    rule = rules(labelled, pair, known, rule_verdicts(known, contexts(labelled))).probabilities
    measure = length(labelled)
    by_length = cut(labelled, pair, measure, Objective(success_value_usd=value_usd), seed)
    costs = labelled.cost_usd.mean(axis=0).tolist()
    starting = [0.0] * len(labelled.models)
    starting[pair.weak], starting[pair.strong] = 0.8, 0.2
    nothing = np.zeros_like(prompts.features)
    nothing[:, 0] = 1.0
    ledger = _Ledger(prompts, value_usd, shuffles)
    for life, child in enumerate(np.random.SeedSequence(seed).generate_state(shuffles).tolist()):
        blind = thompson_life(labelled.scores, costs, chosen, child, value_usd=value_usd, weights=starting)
        ledger.play(life, BLIND, "Plain Thompson sampling", "learner", blind)
        tick((life + 0.1) / shuffles)
        thrifty = contextual_life(
            nothing, labelled.scores, prompts.costs_usd, chosen, child, value_usd=value_usd, weights=starting
        )
        ledger.play(life, COSTS, "Thompson sampling, each prompt's cost", "learner", thrifty)
        sighted = contextual_life(
            prompts.features,
            labelled.scores,
            prompts.costs_usd,
            chosen,
            child,
            value_usd=value_usd,
            weights=starting,
        )
        ledger.play(life, FEATURES, "Contextual, features alone", "learner", sighted)
        tick((life + 0.4) / shuffles)
        if words:
            reader = contextual_life(
                prompts.features, labelled.scores, prompts.costs_usd, chosen, child,
                taught=_taught(prompts, child), taught_after=WORDS_AFTER, value_usd=value_usd, weights=starting,
            )  # fmt: skip
            ledger.play(life, WORDS, "Contextual, words learned too", "learner", reader)
        ledger.spread(life, RULES.name, "Rules as set", "rule", blind.order, rule)
        ledger.spread(life, "length", "Prompt length, best cut known", "rule", blind.order, by_length)
        for model, name in enumerate(labelled.models):
            alone = np.zeros_like(rule)
            alone[:, model] = 1.0
            ledger.spread(life, name, name, "fixed", blind.order, alone)
        tick((life + 1) / shuffles)
    return ledger.told(WORDS if words else FEATURES, _floor_usd(ledger, chosen, starting))


def _taught(prompts: Prepared, seed: int) -> Taught:
    """Learns a gain score from the answers drawn so far by doubly robust targets, as from the log."""
    labelled = prompts.labelled

    def gains_of(
        rows: NDArray[np.intp], chosen: NDArray[np.intp], chances: Array, coming: NDArray[np.intp]
    ) -> Array:
        lessons = [
            Lesson(
                labelled.prompts[row],
                {labelled.models[model]: float(labelled.scores[row, model])},
                dict(zip(labelled.models, chance, strict=True)),
            )
            for row, model, chance in zip(rows.tolist(), chosen.tolist(), chances.tolist(), strict=True)
        ]
        texts = prompts.texts.of(rows)
        score = learn_score(lessons, labelled.models, texts=texts, folds=_FOLDS, seed=seed)
        said = score.units(gains(score, prompts.texts.of(coming)))
        return np.column_stack([said.mean(axis=1), said])

    return gains_of


def _floor_usd(ledger: _Ledger, goal: GoalSettings, starting: Sequence[float]) -> float:
    """What exploration and starting weights cost someone who knows the best fixed model, per 1,000 prompts."""
    worth = ledger.utility.mean(axis=0)
    count = len(ledger.utility)
    fading = (
        float(np.mean(goal.starting_strength / (goal.starting_strength + np.arange(count))))
        if (goal.starting_strength)
        else 0.0
    )
    each = min(goal.exploration, 1.0 / len(worth))
    lost = worth.max() - worth
    return float(1000.0 * (fading * (np.array(starting) @ lost) + (1.0 - fading) * each * lost.sum()))


class _Ledger:
    """What every way of choosing brought in every shuffle."""

    def __init__(self, prompts: Prepared, value_usd: float, shuffles: int) -> None:
        self.labelled, self.value_usd, self.shuffles = prompts.labelled, value_usd, shuffles
        self.utility = value_usd * self.labelled.scores - self.labelled.cost_usd
        self.best = int(np.argmax(self.utility.mean(axis=0)))
        count = len(self.utility)
        self.seen = np.unique(np.linspace(count / POINTS, count, POINTS).astype(np.intp))
        self._names: dict[str, tuple[str, Kind]] = {}
        self._paths: dict[str, Array] = {}
        self._over: dict[str, Array] = {}  # per shuffle: over the best, over the mix, late
        self._rows: dict[str, Array] = {}  # per prompt: over the best, summed over shuffles
        self._shares: dict[str, Array] = {}
        self._good: dict[str, float] = {}
        self._mixes: dict[str, Array] = {}  # per shuffle: the mix at equal spend, through time
        self._mixed_good: dict[str, float] = {}

    def play(self, life: int, name: str, label: str, kind: Kind, lived: Life) -> None:
        """One life of a learner."""
        chosen = np.zeros(self.utility.shape)
        chosen[lived.order, lived.chosen] = 1.0
        self.spread(life, name, label, kind, lived.order, chosen)

    def spread(self, life: int, name: str, label: str, kind: Kind, order: NDArray[np.intp], chosen: Array) -> None:
        """One order under known probabilities (n, k) of each model on each prompt."""
        data = self.labelled
        brought = (chosen * self.utility).sum(axis=1)
        over = brought - self.utility[:, self.best]
        come = brought[order].cumsum()[self.seen - 1] / self.seen
        if name not in self._paths:
            self._names[name] = (label, kind)
            self._paths[name] = np.empty((self.shuffles, len(self.seen)))
            self._over[name] = np.empty((self.shuffles, 3))
            self._rows[name] = np.zeros(len(brought))
            self._shares[name] = np.zeros(len(data.models))
            self._good[name] = self._mixed_good[name] = 0.0
            self._mixes[name] = np.empty((self.shuffles, len(self.seen)))
        self._paths[name][life] = 1000.0 * come
        mixed, good = self._mixed(order, (chosen * data.cost_usd).sum(axis=1))
        late = over[order[int(_LATE * len(order)) :]].mean()
        self._over[name][life] = 1000.0 * np.array([over.mean(), come[-1] - mixed[-1], late])
        self._rows[name] += over
        self._shares[name] += chosen.mean(axis=0) / self.shuffles
        self._good[name] += float((chosen * data.scores).sum(axis=1).mean()) / self.shuffles
        self._mixes[name][life] = 1000.0 * mixed
        self._mixed_good[name] += float(good[-1]) / self.shuffles

    def _mixed(self, order: NDArray[np.intp], spent: Array) -> tuple[Array, Array]:
        """What the best random mix of models at equal spend had brought by then on the same prompts, per prompt,
        and its share of good answers.
        """

        def so_far(table: Array) -> Array:
            return np.asarray(table[order].cumsum(axis=0)[self.seen - 1] / self.seen[:, None])

        money = so_far(spent[:, None])[:, 0]
        accuracy = best_accuracy(so_far(self.labelled.scores), so_far(self.labelled.cost_usd), money)
        return np.asarray(self.value_usd * accuracy - money), accuracy

    def told(self, spender: str, floor: float) -> Online:
        """As figures; the mix is that at equal spend with ``spender``."""
        paths = [self._path(name) for name in self._paths]
        mixes = self._mixes[spender]
        label = "Random mix of models, equal spend"
        own = self._paths[spender]
        gap = _over_shuffles(mixes[:, -1] - own[:, -1] + self._over[spender][:, 0])
        nothing = Estimate(0.0, 0.0, 0.0)
        mix = Path(
            MIX, label, "mix", *_band(mixes), _over_shuffles(mixes[:, -1]), gap, nothing, gap, 0.0,
            self._mixed_good[spender], (),
        )  # fmt: skip
        data = self.labelled
        error = 1000.0 * float(self.utility[:, self.best].std(ddof=1)) / len(self.utility) ** 0.5
        return Online(
            data.source, data.models, len(data.prompts), self.shuffles, self.value_usd, data.models[self.best],
            error, floor, tuple(self.seen.tolist()), (*paths, mix),
        )  # fmt: skip

    def _path(self, name: str) -> Path:
        label, kind = self._names[name]
        paths, rows = self._paths[name], self._rows[name] / self.shuffles
        over, over_mix, late = (_over_shuffles(column) for column in self._over[name].T)
        return Path(
            name, label, kind, *_band(paths), _over_shuffles(paths[:, -1]), over, over_mix, late,
            1000.0 * float(rows.std(ddof=1)) / len(rows) ** 0.5,
            self._good[name], tuple(self._shares[name].tolist()),
        )  # fmt: skip


def _over_shuffles(values: Array) -> Estimate:
    """Mean and the 95 % interval of it (Student's t)."""
    middle, wide = float(values.mean()), float(values.std(ddof=1)) / len(values) ** 0.5
    reach = float(stdtrit(len(values) - 1, 0.975)) * wide
    return Estimate(middle, middle - reach, middle + reach)


def _band(paths: Array) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    found = [_over_shuffles(column) for column in paths.T]
    return (
        tuple(one.value for one in found), tuple(one.low for one in found), tuple(one.high for one in found),
    )  # fmt: skip
