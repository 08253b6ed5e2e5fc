"""Everything that labelled prompts say about routing: each way of choosing, judged on the same prompts and draws.

See conclusion.py for what follows from it. The same data, settings and seed give the same report, in whatever
order the rows of the file stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from router_core import intervals
from router_core.errors import EvaluationError
from router_core.evaluation.by_file import routers
from router_core.evaluation.by_file.by_task import cross_fitted
from router_core.evaluation.by_file.hull import on_hull
from router_core.evaluation.by_file.judging import best_fixed, judged, utility
from router_core.evaluation.by_file.lives import Progress, lives_of
from router_core.evaluation.by_file.replay import Lives
from router_core.evaluation.by_file.resampling import bootstrap_counts, estimate, sure
from router_core.evaluation.by_file.routers import Choice, Pair
from router_core.evaluation.by_file.trained import held_out_gains
from router_core.evaluation.by_file.ways import (
    LEARNED,
    LEARNERS,
    LENGTH,
    ORACLE,
    POINTS,
    RANDOM,
    TEXTLESS,
    WAYS,
)
from router_core.evaluation.labelled import Labelled, models_of, rows_of
from router_core.evaluation.results import (
    Estimate,
    Mistake,
    Objective,
    RegretPath,
    Report,
    Row,
    TaskResult,
    Unpriced,
)
from router_core.policies.base import Policy
from router_core.registry import BY_TASK, CLASSIFIER, RULES
from router_core.settings import GoalSettings, Settings
from router_core.words import listing

Array = NDArray[np.float64]

_MISTAKES = 25
_EXCERPT = 1500
_MOST_TASKS = 200


def evaluate(
    policies: Iterable[str | Policy],
    labelled: Labelled,
    *,
    settings: Settings | None = None,
    goal: str = "default",
    objective: Objective | None = None,
    shuffles: int = 20,
    draws: int = 1000,
    seed: int = 0,
    refresh: int = 10,
    deciding_usd: Array | None = None,
    keep_texts: bool = True,
    now: datetime | None = None,
    progress: Progress = lambda done, words: None,
) -> Report:
    """Judge ways of routing on prompts whose answers by every model are scored.

    Args:
        policies: names in ``ways.WAYS``, or policy objects (asked before anything is learned; their arms are the
            file's models, without those whose price is unknown where two or more have one)
        labelled: n prompts, k >= 2 models. Where a row stands for several prompts, models alone are judged.
        settings: rules, classifier, prices; by default the defaults.
        goal: whose exploration, priors and starting weights Thompson sampling has.
        objective: by default what a good answer is worth in that goal.
        shuffles: lives of each learner, >= 20 for a band that means something.
        draws: of the bootstrap over prompts.
        seed: of draws, folds and shuffles.
        refresh: prompts between two looks of a learner at its posteriors.
        deciding_usd: (n,), what the classifier's calls cost, in the file's order; None: estimated.
        keep_texts: whether excerpts of prompts and answers may stand in the report.
        now: the report's time; by default the present.
        progress: told what is done; may raise to stop.

    Raises:
        EvaluationError: fewer than two models or prompts, an unknown name, no verdicts, or nothing to compare by.
    """
    wanted = list(policies)
    unknown = [one for one in wanted if isinstance(one, str) and one not in WAYS]
    if unknown:
        raise EvaluationError(f"{unknown[0]!r} is not a router that can be judged; choose from {list(WAYS)}")
    if wanted and labelled.weights is not None:
        raise EvaluationError(
            "prompts that were counted by what came of them have no text for a router to look at"
        )
    if labelled.count < 2:
        raise EvaluationError("one prompt says nothing; give at least two, better a few hundred")
    settings = settings or Settings()
    goal_settings = settings.goal(goal)
    objective = objective or _usual(goal_settings)
    order, every, unpriced, data = _by_id(labelled)
    deciding = None if deciding_usd is None else np.asarray(deciding_usd, np.float64)[order]
    best = best_fixed(data, objective)
    pairs = routers.pairs_that_matter(data, best)
    pair = pairs[0]

    progress(0.02, "asking the routers")
    choices = _choices(wanted, data, pairs, settings, goal, objective, deciding, seed, progress)
    progress(0.15, "letting Thompson sampling learn")
    lives = lives_of(wanted, data, pair, settings, goal, objective, shuffles, seed, refresh, progress)
    progress(0.6, "drawing other prompts (bootstrap)")
    counts = bootstrap_counts(len(data.prompts), draws, seed)
    progress(0.7, "comparing")
    rows, rivals = judged(
        data, choices, best, objective, counts, lambda done: progress(0.7 + 0.25 * done, "comparing")
    )
    accuracy, cost = data.mean(data.scores), data.mean(data.cost_usd)
    brought = float(utility(accuracy[best], cost[best], objective))
    rows += [_learner(name, one, brought, objective) for name, one in lives.items()]
    in_dollars = objective.success_value_usd is not None and not np.isnan(data.cost_usd).any()
    regret = tuple(_path(name, in_dollars, one) for name, one in lives.items())
    everything = {choice.name: choice.probabilities for choice in choices}
    everything |= {name: one.frequency for name, one in lives.items()}
    progress(0.98, "writing the report")
    unjudged = every.scores[:, unpriced]
    return Report(
        created_at=now or datetime.now(UTC),
        source=data.source,
        sha256=data.sha256,
        prompts=data.count,
        models=data.models,
        estimated_cost_share=float(data.mean(data.cost_estimated).mean()),
        notes=tuple(_notes(data)),
        objective=objective,
        settings_version=settings.version,
        seed=seed,
        draws=draws,
        shuffles=shuffles if lives else 0,
        weak=data.models[pair.weak],
        strong=data.models[pair.strong],
        best_fixed=data.models[best],
        hull=tuple(data.models[i] for i in on_hull(accuracy, cost)) if not np.isnan(cost).any() else (),
        rows=tuple(rows),
        rivals=rivals,
        regret=regret,
        tasks=_tasks(data, everything),
        mistakes=tuple(_mistakes(data, choices, seed)) if keep_texts else (),
        unpriced=tuple(
            Unpriced(every.models[at], Estimate(*(float(one) for one in figures)))
            for at, *figures in zip(
                unpriced, data.mean(unjudged), *intervals.share(unjudged, weights=data.weights), strict=True
            )
        ),
    )


def scored_by(
    way: str,
    labelled: Labelled,
    *,
    settings: Settings | None = None,
    goal: str = "default",
    objective: Objective | None = None,
    seed: int = 0,
) -> Array:
    """(n,): what a way of choosing is expected to score on each prompt, out of sample, in the file's order.

    Arguments are those of ``evaluate``. Where it may choose between several pairs of models, the first counts.

    Raises:
        EvaluationError: as ``evaluate``; also of what learns as it goes: it has no one choice per prompt.
    """
    settings = settings or Settings()
    objective = objective or _usual(settings.goal(goal))
    order, _, _, data = _by_id(labelled)
    pairs = routers.pairs_that_matter(data, best_fixed(data, objective))
    chosen = _choices([way], data, pairs, settings, goal, objective, None, seed, lambda done, words: None)
    found = next((one for one in chosen if one.name == way), None)
    if found is None:
        raise EvaluationError(f"{way!r} has no choice of its own for each prompt")
    scored = np.empty(len(order))
    scored[order] = (found.probabilities * data.scores).sum(axis=1)
    return scored


def _by_id(labelled: Labelled) -> tuple[list[int], Labelled, list[int], Labelled]:
    """The order of prompts by id, the file in it, which models have no price, and the file without them."""
    order = sorted(range(len(labelled.prompts)), key=labelled.prompt_ids.__getitem__)
    every = rows_of(labelled, order)
    unpriced = _unpriced(every)
    return order, every, unpriced, models_of(every, [at for at in range(len(every.models)) if at not in unpriced])


def _unpriced(data: Labelled) -> list[int]:
    """The columns of models whose cost is not known, where at least two others can be judged by money."""
    unknown = np.isnan(data.cost_usd).any(axis=0)
    return np.flatnonzero(unknown).tolist() if (~unknown).sum() > 1 else []


def _usual(goal: GoalSettings) -> Objective:
    if goal.success_value_usd == float("inf"):
        raise EvaluationError(
            "the goal ignores cost (success_value_usd is Infinity), so the most accurate model is its answer;"
            " say what a good answer is worth in dollars, or give a quality floor"
        )
    return Objective(success_value_usd=goal.success_value_usd)


def _choices(
    wanted: Sequence[str | Policy],
    data: Labelled,
    pairs: Sequence[Pair],
    settings: Settings,
    goal: str,
    objective: Objective,
    deciding: Array | None,
    seed: int,
    progress: Progress,
) -> list[Choice]:
    """Every way of choosing that does not learn as it goes; what chooses between two models, for each pair."""
    chosen = routers.fixed(data)
    seen = routers.contexts(data) if set(wanted) - TEXTLESS else []
    verdicts = routers.rule_verdicts(settings, seen)
    rules = [routers.rules(data, pair, settings, verdicts) for pair in pairs] if seen else []

    def ranked(way: str, scores: Iterable[Array]) -> Iterable[Choice]:
        return (
            _ranking(way, score, data, pair, objective, seed) for score, pair in zip(scores, pairs, strict=True)
        )

    for name in wanted:
        found: Iterable[Choice] = ()
        if name == RANDOM:
            found = [routers.random_half(data, pairs[0])]
        elif name == LENGTH:
            found = ranked(LENGTH, [routers.length(data)] * len(pairs))
        elif name == RULES.name:
            found = [replace(one, score=None) for one in rules]  # its order is judged as POINTS
        elif name == POINTS:
            found = ranked(POINTS, [one.score for one in rules if one.score is not None])
        elif name == LEARNED:
            scores = held_out_gains(
                data, pairs, seed=seed, tick=lambda done: progress(0.02 + 0.13 * done, "learning from the prompts")
            )
            found = [replace(one, kind="trained") for one in ranked(LEARNED, scores)]
        elif name == BY_TASK.name:
            found = [cross_fitted(data, settings.goal(goal), objective, seed)]
        elif name == CLASSIFIER.name:
            found = [routers.classifier(data, one.pair, settings, one, deciding) for one in rules if one.pair]
        elif not isinstance(name, str):
            found = [routers.asked(data, name, seen)]
        chosen += [routers.between(one, data, pairs) for one in found]
    if ORACLE in wanted:
        chosen.append(routers.oracle(data, objective))
    return chosen


def _ranking(way: str, score: Array, data: Labelled, pair: Pair, objective: Objective, seed: int) -> Choice:
    priced = not np.isnan(data.cost_usd[:, [pair.weak, pair.strong]]).any()
    if objective.success_value_usd is not None and not priced:
        chosen = routers.random_half(data, pair).probabilities
        note = "a price is unknown: cut in the middle of a coin's toss"
    else:
        chosen = routers.cut(data, pair, score, objective, seed)
        note = "cut where it is best for you, found out of sample"
    return Choice(way, WAYS[way], "ranking", chosen, score, note=note, way=way, pair=pair)


def _learner(name: str, lives: Lives, best_usd: float, objective: Objective) -> Row:
    """A router that learns over a whole life, learning included; the intervals are the band over the shuffles.

    ``best_usd``: what the best fixed model brings per prompt.
    """
    over = None
    if objective.success_value_usd is not None:
        brought = utility(lives.accuracy, lives.cost_usd, objective) - best_usd
        over = estimate(float(brought.mean()), brought)
    return Row(
        name,
        f"{LEARNERS[name]}, learning as it goes",
        "learner",
        sure(estimate(float(lives.accuracy.mean()), lives.accuracy)),
        estimate(float(lives.cost_usd.mean()), lives.cost_usd),
        tuple(lives.frequency.mean(axis=0).tolist()),
        advantage_usd=over,
        note=f"a simulation over {len(lives.accuracy)} shuffles; the band is theirs",
    )


def _path(name: str, in_dollars: bool, lives: Lives) -> RegretPath:
    low, high = np.quantile(lives.regret, [0.025, 0.975], axis=0)
    return RegretPath(
        name,
        in_dollars,
        tuple(lives.seen.tolist()),
        tuple(lives.regret.mean(axis=0).tolist()),
        tuple(low.tolist()),
        tuple(high.tolist()),
    )


def _notes(data: Labelled) -> Iterable[str]:
    unknown: NDArray[np.bool_] = np.asarray(np.isnan(data.cost_usd).any(axis=0))
    if unknown.any():
        names = listing([model for model, no in zip(data.models, unknown, strict=True) if no])
        prices, them = ("prices", "them") if unknown.sum() > 1 else ("price", "it")
        be = "are" if unknown.sum() > 1 else "is"
        yield f"the {prices} of {names} {be} unknown: nothing that uses {them} has a cost"
    for what, how, where in (
        ("costs", "are tokens times price", data.cost_estimated & ~unknown),
        ("tokens", "are estimated from texts", data.tokens_estimated),
    ):
        if where is not None and where.any():
            parts = [f"{part:.0%} of {model}" for model, part in zip(data.models, data.mean(where), strict=True)]
            said = "all answers" if where.all() else listing([one for one in parts if not one.startswith("0% ")])
            yield f"{what} that the file does not give {how}: {said}"


def _tasks(data: Labelled, chosen: dict[str, Array]) -> tuple[TaskResult, ...]:
    """Accuracy of every row per task, the largest tasks first; nothing where there is one task or hundreds."""
    names = sorted({task for task in data.tasks if task})
    if not 1 < len(names) <= _MOST_TASKS:
        return ()
    scored = {name: (probabilities * data.scores).sum(axis=1) for name, probabilities in chosen.items()}
    tasks = np.array([task or "" for task in data.tasks])
    weights = np.ones(len(tasks)) if data.weights is None else data.weights
    found = [
        TaskResult(
            task,
            round(float(weights[among].sum())),
            {name: float(np.average(one[among], weights=weights[among])) for name, one in scored.items()},
        )
        for task in names
        for among in [tasks == task]
    ]
    return tuple(sorted(found, key=lambda one: (-one.prompts, one.task)))


def _mistakes(data: Labelled, choices: Sequence[Choice], seed: int) -> Iterable[Mistake]:
    """For each router some prompts (the worst; of equals a seeded few) that it sent to the wrong model."""
    rng = np.random.default_rng(seed)
    top = data.scores.max(axis=1)
    for choice in choices:
        if choice.kind not in ("rule", "ranking"):
            continue
        lost = top - (choice.probabilities * data.scores).sum(axis=1)
        worst = np.lexsort((rng.random(len(lost)), -lost))[:_MISTAKES]
        for at in worst[lost[worst] > 0].tolist():
            answers = data.responses[at] if data.responses is not None else ()
            yield Mistake(
                choice.label,
                data.prompt_ids[at],
                data.prompts[at][:_EXCERPT],
                data.models[int(np.argmax(choice.probabilities[at]))],
                data.models[int(np.argmax(data.scores[at]))],
                float(lost[at]),
                tuple((m, a[:_EXCERPT]) for m, a in zip(data.models, answers, strict=False) if a),
            )
