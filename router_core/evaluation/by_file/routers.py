"""Ways of choosing a model for every prompt of a labelled file, each as probabilities (n, k) and perhaps a score.

Fixed models, a random half, prompt length, the rules, the classifier's recorded verdicts, any policy object, and
the oracle. See replay.py for learners, whose choices depend on what came before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from router_core.errors import EvaluationError
from router_core.evaluation.by_file.curves import ordering
from router_core.evaluation.by_file.hull import on_hull
from router_core.evaluation.by_file.ways import RANDOM
from router_core.evaluation.labelled import Labelled
from router_core.evaluation.results import Kind, Objective
from router_core.features import context
from router_core.money.pricing import PriceBook, expected_cost_usd
from router_core.policies.base import Known, Policy
from router_core.policies.classifier import excerpt, messages
from router_core.policies.heuristic import HeuristicPolicy
from router_core.policies.heuristic import Verdict as RuleVerdict
from router_core.registry import CLASSIFIER, RULES
from router_core.settings import ClassifierSettings, Settings
from router_core.types import Arm, Candidate, Context, Posterior

Array = NDArray[np.float64]

FOLDS = 5


@dataclass(frozen=True, slots=True)
class Pair:
    """The two models that a score chooses between, as columns."""

    weak: int
    strong: int


@dataclass(frozen=True, slots=True)
class Choice:
    """How one router chooses. ``probabilities`` (n, k); ``score`` (n,): high means strong; ``deciding_usd`` (n,):
    what deciding cost (NaN: unknown). ``plan``: which model for which tasks, in words. ``way``: what it is called
    in ways.py, whatever the ``pair`` between which it chooses (None: any models).
    """  # fmt: skip

    name: str
    label: str
    kind: Kind
    probabilities: Array
    score: Array | None = None
    deciding_usd: Array | None = None
    note: str = ""
    plan: str = ""
    way: str = ""
    pair: Pair | None = None


def pairs_that_matter(labelled: Labelled, best: int) -> tuple[Pair, ...]:
    """The pairs between which a router could be worth more than the best fixed model.

    That model and its neighbours on the hull of cost and accuracy: first the next one up in cost, then the
    next cheaper. Where it has no neighbour, or a price is unknown: it and the most accurate other model.
    """
    accuracy, cost = labelled.mean(labelled.scores), labelled.mean(labelled.cost_usd)
    if len(accuracy) < 3 or np.isnan(cost).any():
        return (reference_pair(labelled),)
    others = [model for model in on_hull(accuracy, cost) if model != best]
    dearer = [model for model in others if cost[model] > cost[best]]
    cheaper = [model for model in others if cost[model] < cost[best]]
    found = [Pair(best, dearer[0])] if dearer else []
    found += [Pair(cheaper[-1], best)] if cheaper else []
    if not found:
        other = int(np.argmax(np.where(np.arange(len(accuracy)) == best, -np.inf, accuracy)))
        found = [Pair(*sorted((best, other), key=lambda model: float(cost[model])))]
    return tuple(found)


def between(choice: Choice, labelled: Labelled, pairs: Sequence[Pair]) -> Choice:
    """The choice named by the pair between which it chooses, where other pairs are possible too."""
    pair = choice.pair
    if pair is None:
        return choice
    weak, strong = labelled.models[pair.weak], labelled.models[pair.strong]
    name = choice.way if pair == pairs[0] else f"{choice.way}, {weak} or {strong}"
    label = choice.label if len(labelled.models) < 3 else f"{choice.label}, {weak} or {strong}"
    return replace(choice, name=name, label=label)


def reference_pair(labelled: Labelled) -> Pair:
    """The cheapest model, and of the others the most accurate (of equals the cheaper).

    Raises:
        EvaluationError: there is one model only.
    """
    means = labelled.mean(labelled.scores)
    if len(means) < 2:
        raise EvaluationError("the file has one model; routing needs the scores of at least two on each prompt")
    return Pair(0, 1 + int(np.argmax(means[1:])))


def fixed(labelled: Labelled) -> list[Choice]:
    """Each model for everything."""
    rows = np.eye(len(labelled.models))
    return [
        Choice(name, name, "fixed", np.broadcast_to(row, labelled.scores.shape))
        for name, row in zip(labelled.models, rows, strict=True)
    ]


def random_half(labelled: Labelled, pair: Pair) -> Choice:
    """A coin decides: what no knowledge of the prompt gives."""
    strong = np.full(len(labelled.prompts), 0.5)
    chosen = _toward(labelled, pair, strong)
    return Choice(RANDOM, "Random mix, half each", "mix", chosen, np.zeros(len(strong)), way=RANDOM, pair=pair)


def oracle(labelled: Labelled, objective: Objective) -> Choice:
    """Knows every score: the most valuable model of each prompt; with a floor, the cheapest of the best."""
    costs = np.nan_to_num(labelled.cost_usd, nan=0.0)
    value = objective.success_value_usd
    if value is None:
        value = 1.0 + 1e6 * float(costs.max(initial=0.0))  # any gain in score outweighs any cost
    best = np.argmax(value * labelled.scores - costs, axis=1)
    chosen = np.eye(len(labelled.models))[best]
    return Choice("oracle", "Oracle (knows every score)", "oracle", chosen, note="the ceiling; no router knows it")


def length(labelled: Labelled) -> Array:
    """Characters of the prompt: the simplest score there is, and hard to beat."""
    return np.array([len(prompt) for prompt in labelled.prompts], np.float64)


def contexts(labelled: Labelled) -> list[Context]:
    """What a policy may look at, prompt by prompt."""
    return [
        context([{"role": "user", "content": prompt}], "labelled", task)
        for prompt, task in zip(labelled.prompts, labelled.tasks, strict=True)
    ]


def rule_verdicts(settings: Settings, seen: list[Context]) -> list[RuleVerdict]:
    """What the rules say of every prompt; it does not depend on the models."""
    policy = HeuristicPolicy(settings.heuristic, "", "")
    return [policy.verdict(one) for one in seen]


def rules(labelled: Labelled, pair: Pair, settings: Settings, verdicts: list[RuleVerdict]) -> Choice:
    """The rules as they are set. Their points as a score: few points mean strong."""
    weak, strong = labelled.models[pair.weak], labelled.models[pair.strong]
    share = settings.heuristic.exploration
    complex_ = np.array([not verdict.simple for verdict in verdicts], np.float64)
    chosen = (1.0 - share) * _toward(labelled, pair, complex_) + share / len(labelled.models)
    points = np.array([verdict.score for verdict in verdicts], np.float64)
    note = f"simple: {weak}; complex: {strong}"
    return Choice(RULES.name, "Rules as set", "rule", chosen, -points, note=note, way=RULES.name, pair=pair)


def classifier(
    labelled: Labelled, pair: Pair, settings: Settings, instead: Choice, deciding_usd: Array | None = None
) -> Choice:
    """The classifier's recorded verdicts; where there is none, the rules decide, as in production.

    Args:
        labelled: with ``verdicts``.
        pair: the models of SIMPLE and COMPLEX.
        settings: the classifier's model and prompt, for what a call costs.
        instead: the rules' choice.
        deciding_usd: (n,), dollars that each call cost; None: estimated from its length and the price book.

    Raises:
        EvaluationError: there are no verdicts.
    """
    if labelled.verdicts is None:
        raise EvaluationError(
            "the file has no column of verdicts (SIMPLE or COMPLEX); add one, or let the classifier be asked live"
        )
    heard = labelled.verdicts >= 0
    said = _toward(labelled, pair, (labelled.verdicts == 0).astype(np.float64))
    chosen = np.where(heard[:, None], said, instead.probabilities)
    score = np.where(heard, (labelled.verdicts == 0).astype(np.float64), 0.5)
    note = "" if heard.all() else f"{int((~heard).sum()):,} prompts without a verdict were left to the rules"
    if deciding_usd is None:
        deciding_usd = classifying_cost(labelled, settings.classifier, PriceBook.of(settings))
        note = "; ".join(filter(None, ("its calls are priced by estimate", note)))
    return Choice(
        CLASSIFIER.name, CLASSIFIER.label, "rule", chosen, score, deciding_usd, note,
        way=CLASSIFIER.name, pair=pair,
    )  # fmt: skip


def classifying_cost(labelled: Labelled, settings: ClassifierSettings, prices: PriceBook) -> Array:
    """About what it costs to ask the classifier about each prompt, in dollars (n,); NaN: price unknown."""
    price = prices.price(settings.model)
    if price is None:
        return np.full(len(labelled.prompts), np.nan)
    asked = [
        context(messages(settings.prompt, excerpt(prompt, settings.max_characters)), "labelled").input_tokens
        for prompt in labelled.prompts
    ]
    said = min(settings.max_tokens, _VERDICT_TOKENS)
    return np.array([expected_cost_usd(tokens, said, price) for tokens in asked], np.float64)


_VERDICT_TOKENS = 25  # {"complexity": "SIMPLE", "reason": "at most ten words"}


def asked(labelled: Labelled, policy: Policy, seen: list[Context]) -> Choice:
    """Any policy, asked about every prompt before anything has been learned.

    Its candidates are the file's models under their own names, each with a uniform prior and its mean cost.
    """
    costs = labelled.cost_usd.mean(axis=0)
    candidates = tuple(
        Candidate(Arm(name, name), Posterior(1.0, 1.0), None if np.isnan(cost) else float(cost))
        for name, cost in zip(labelled.models, costs, strict=True)
    )
    known = Known(candidates)
    given = [policy.probabilities(one, known) for one in seen]
    chosen = np.array([one.probabilities for one in given], np.float64)
    deciding = np.array([np.nan if one.cost_usd is None else float(one.cost_usd) for one in given])
    return Choice(policy.name, policy.name, "rule", chosen, deciding_usd=deciding if deciding.any() else None)


def cut(labelled: Labelled, pair: Pair, score: Array, objective: Objective, seed: int) -> Array:
    """Which prompts a score sends to the strong model, cut where it is best for the objective: (n, k) of 0 and 1.

    Where to cut is found on four fifths of the prompts and used on the fifth, five times (seeded), so that the
    result is not flattered by having seen the answers. The cut with a quality floor is the cheapest one that
    reaches it.

    Args:
        labelled: the prompts, scored and priced.
        pair: the models between which it is cut.
        score: (n,); the higher, the sooner a prompt goes to the strong model.
        objective: what the cut is best for.
        seed: of the five parts.
    """
    folds = np.random.default_rng(seed).permutation(len(score)) % FOLDS
    strong = np.zeros(len(score))
    gain = labelled.scores[:, pair.strong] - labelled.scores[:, pair.weak]
    price = labelled.cost_usd[:, pair.strong] - labelled.cost_usd[:, pair.weak]
    for fold in range(FOLDS):
        known, held = folds != fold, folds == fold
        by = ordering(score[known])
        ends = np.concatenate((by.starts, [known.sum()]))  # so many prompts may be sent: whole groups of equals
        gained = np.concatenate(([0.0], gain[known][by.order].cumsum()))[ends]
        if objective.success_value_usd is not None:
            paid = np.concatenate(([0.0], price[known][by.order].cumsum()))[ends]
            sent = ends[int(np.argmax(objective.success_value_usd * gained - paid))]
        else:
            reached = (
                labelled.scores[known, pair.weak].sum() + gained >= (objective.quality_floor or 0) * known.sum()
            )
            sent = ends[int(np.argmax(reached))] if reached.any() else ends[int(np.argmax(gained))]
        if sent:
            strong[held] = score[held] >= score[known][by.order[sent - 1]]
    return _toward(labelled, pair, strong)


def _toward(labelled: Labelled, pair: Pair, strong: Array) -> Array:
    """Probabilities (n, k) that send each prompt to the strong model with this probability, else to the weak."""
    chosen = np.zeros(labelled.scores.shape)
    chosen[:, pair.weak] = 1.0 - strong
    chosen[:, pair.strong] += strong
    return chosen
