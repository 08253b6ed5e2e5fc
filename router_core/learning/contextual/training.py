"""Learning a gain score: from labelled prompts, from paired answers, and from the log.

What a lesson says about a gain depends on what was seen of it. Where the reference and the arm both answered,
the gain is their difference. Where one was drawn, it is the doubly robust score (Dudik et al. 2014): what a
model of each arm's success expects, corrected by the outcome of the drawn arm, divided by the probability of
that draw. See ridge.py for hashing and the regression itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router_core.errors import EvaluationError
from router_core.learning.contextual.gain import LENGTH_SCALE, GainScore, halved
from router_core.learning.contextual.grams import BLOCK_SIZES
from router_core.learning.contextual.ridge import Design, Texts, designed, read, solve, weighed

Array = NDArray[np.float64]

PENALTY: Final = 20.0
"""Of the ridge, in rows of length sqrt(2): variance of what a gain's noise leaves over that of a coefficient."""

FOLDS: Final = 5

MOST_LESSONS: Final = 20_000
"""Learning holds some 40 kB for each; of more lessons, so many are drawn at random."""

_LEAST_PROBABILITY: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Lesson:
    """One prompt with what is known of its answers.

    ``rewards``: arm -> reward in [0, 1]. ``probabilities``: None where these arms answered whatever the prompt
    (labelled data, every model asked); else the probability with which each arm could have been drawn, exactly
    one of which was, and ``rewards`` holds that one.
    """

    text: str
    rewards: Mapping[str, float]
    probabilities: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """What each lesson says about each arm's gain (n, k), and how much that counts (n, k): 1 for a paired answer,
    0 where it says nothing.
    """  # fmt: skip

    gains: Array
    weights: Array


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A gain score, and (n, k) what it would have said of each lesson had it not learned from it or from a lesson
    with the same text. ``rows`` (m,): the lessons that it learned from; ``targets``: what these say.
    """  # fmt: skip

    score: GainScore
    held_out: Array
    rows: NDArray[np.intp]
    targets: Targets


def train(
    lessons: Sequence[Lesson],
    arms: Sequence[str],
    *,
    penalty: float = PENALTY,
    folds: int = FOLDS,
    seed: int = 0,
    tick: Callable[[float], None] = lambda done: None,
) -> Trained:
    """Learn the gain of each arm over the first.

    Args:
        lessons: any number; with few of them every gain is close to the mean gain.
        arms: the reference (the cheapest arm), then those compared with it.
        penalty: of the ridge; the more, the closer to the mean gain.
        folds: parts for what is said of held-out lessons, >= 2.
        seed: of the parts.
        tick: told the part that is done now and then; may raise to stop.

    Raises:
        EvaluationError: no second arm, no lesson, or a lesson that is not possible.
    """
    _require(lessons, arms)
    taught = _some(len(lessons), seed)
    used = [lessons[row] for row in taught.tolist()]
    texts = read([lesson.text for lesson in used])
    parts = _parts(texts.group, folds, seed)
    tick(0.1)
    targets = _targets(used, arms, texts, parts, penalty)
    said = np.zeros(targets.gains.shape)
    for part, held in enumerate(parts):
        tick(0.1 + 0.8 * part / len(parts))
        design = designed(texts, ~held)
        for arm in range(len(arms) - 1):
            weights = np.where(held, 0.0, targets.weights[:, arm])
            coefficients, base = solve(design, targets.gains[:, arm], weights, penalty)
            said[held, arm] = design.times(coefficients)[held] + base
    score = _score(designed(texts, np.ones(len(used), np.bool_)), targets, arms, penalty)
    held_out = np.zeros((len(lessons), len(arms) - 1))
    held_out[taught] = said
    for row in np.setdiff1d(np.arange(len(lessons)), taught).tolist():
        held_out[row] = score.of_text(lessons[row].text)
    return Trained(score, held_out, taught, targets)


def learn_score(
    lessons: Sequence[Lesson],
    arms: Sequence[str],
    *,
    texts: Texts | None = None,
    penalty: float = PENALTY,
    folds: int = FOLDS,
    seed: int = 0,
    tick: Callable[[float], None] = lambda done: None,
) -> GainScore:
    """The same score as that of ``train``, without what it would say of held-out lessons: about half the time.

    Args:
        lessons, arms, penalty, folds, seed, tick: as in ``train``.
        texts: of these lessons, where they have been read before.

    Raises:
        EvaluationError: as in ``train``.
    """
    _require(lessons, arms)
    taught = _some(len(lessons), seed)
    used = [lessons[row] for row in taught.tolist()]
    if texts is None:
        texts = read([lesson.text for lesson in used])
    elif len(taught) < len(lessons):
        texts = texts.of(taught)
    tick(0.1)
    targets = _targets(used, arms, texts, _parts(texts.group, folds, seed), penalty, tick)
    tick(0.8)
    return _score(designed(texts, np.ones(len(used), np.bool_)), targets, arms, penalty)


def gains(score: GainScore, texts: Texts) -> Array:
    """What a score says of many texts at once, (n, arms): ``GainScore.of_text`` of each, to single precision."""
    design = weighed(texts, np.concatenate(score.rarity), score.length)
    worth = np.concatenate([*score.worth, (score.length_worth / LENGTH_SCALE)[:, None]], axis=1)
    said = [design.times(row.astype(np.float32)) + base for row, base in zip(worth, score.base, strict=True)]
    return np.array(said, np.float64).T


def _require(lessons: Sequence[Lesson], arms: Sequence[str]) -> None:
    if len(arms) < 2 or len(set(arms)) < len(arms):
        raise EvaluationError(f"a gain compares arms; give two different ones or more, not {list(arms)}")
    if not lessons:
        raise EvaluationError(
            "there is no lesson to learn a gain from; rate some answers or upload labelled prompts"
        )


def _some(count: int, seed: int) -> NDArray[np.intp]:
    """Row numbers, rising: all of them, or MOST_LESSONS drawn at random."""
    if count <= MOST_LESSONS:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, MOST_LESSONS, replace=False))


def _score(design: Design, targets: Targets, arms: Sequence[str], penalty: float) -> GainScore:
    words = BLOCK_SIZES[0]
    found = [
        solve(design, targets.gains[:, arm], targets.weights[:, arm], penalty) for arm in range(len(arms) - 1)
    ]
    table = np.array([coefficients for coefficients, _ in found])
    total = targets.weights.sum(axis=0)
    mean = np.divide(
        (targets.weights * targets.gains).sum(axis=0), total, out=np.zeros_like(total), where=total > 0
    )
    return GainScore(
        arms[0],
        tuple(arms[1:]),
        (design.rarity[:words], design.rarity[words:]),
        (halved(table[:, :words]), halved(table[:, words:-1])),
        design.length,
        LENGTH_SCALE * table[:, -1].astype(np.float64),
        np.array([base for _, base in found]),
        mean,
        len(targets.gains),
    )


def _parts(group: NDArray[np.intp], folds: int, seed: int) -> list[NDArray[np.bool_]]:
    """Which rows are held out, fold by fold; equal texts always together."""
    _, group = np.unique(group, return_inverse=True)
    of = (np.random.default_rng(seed).permutation(int(group.max()) + 1) % folds)[group]
    return [held for held in (of == part for part in range(folds)) if held.any()]


def _targets(
    lessons: Sequence[Lesson],
    arms: Sequence[str],
    texts: Texts,
    parts: Sequence[NDArray[np.bool_]],
    penalty: float,
    tick: Callable[[float], None] = lambda done: None,
) -> Targets:
    count, place = len(lessons), {arm: column for column, arm in enumerate(arms)}
    rewards, chances = np.full((count, len(arms)), np.nan), np.full((count, len(arms)), np.nan)
    for row, lesson in enumerate(lessons):
        for arm, reward in lesson.rewards.items():
            if not 0.0 <= reward <= 1.0:
                raise EvaluationError(f"lesson {row + 1}: {reward!r} is not a reward; give a number from 0 to 1")
            if arm in place:
                rewards[row, place[arm]] = reward
        if lesson.probabilities is not None:
            if len(lesson.rewards) != 1:
                raise EvaluationError(
                    f"lesson {row + 1}: one arm was drawn, but {len(lesson.rewards)} have a reward; give its alone"
                )
            drawn = next(iter(lesson.rewards))
            if not lesson.probabilities.get(drawn, 0.0) > _LEAST_PROBABILITY:
                raise EvaluationError(f"lesson {row + 1}: {drawn!r} was drawn and had no probability; correct one")
            for arm, chance in lesson.probabilities.items():
                if arm in place:
                    chances[row, place[arm]] = chance
    drawn_rows = np.array([lesson.probabilities is not None for lesson in lessons])
    gains = rewards[:, 1:] - rewards[:, :1]
    weights = np.isfinite(gains).astype(np.float64)
    if drawn_rows.any():
        expected = _expected(rewards, texts, parts, penalty, tick)
        off = np.where(np.isfinite(rewards), (rewards - expected) / np.where(chances > 0, chances, 1.0), 0.0)
        robust = expected + off
        possible = np.nan_to_num(chances) > _LEAST_PROBABILITY
        spread = 1.0 / np.where(possible, chances, np.inf)
        both = possible[:, 1:] & possible[:, :1]
        gains[drawn_rows] = (robust[:, 1:] - robust[:, :1])[drawn_rows]
        # Inverse to the variance of the doubly robust score, and 1 for both answers seen.
        counted = np.divide(2.0, spread[:, 1:] + spread[:, :1], out=np.zeros_like(gains), where=both)
        weights[drawn_rows] = counted[drawn_rows]
    return Targets(np.where(weights > 0.0, gains, 0.0), weights)


def _expected(
    rewards: Array,
    texts: Texts,
    parts: Sequence[NDArray[np.bool_]],
    penalty: float,
    tick: Callable[[float], None],
) -> Array:
    """(n, arms): each arm's reward as a ridge on the text expects it, never from the lesson itself."""
    expected = np.zeros(rewards.shape)
    for part, held in enumerate(parts):
        tick(0.1 + 0.7 * part / len(parts))
        design = designed(texts, ~held)
        for arm in range(rewards.shape[1]):
            weights = (np.isfinite(rewards[:, arm]) & ~held).astype(np.float64)
            coefficients, base = solve(design, np.nan_to_num(rewards[:, arm]), weights, penalty)
            expected[held, arm] = design.times(coefficients)[held] + base
    return np.clip(expected, 0.0, 1.0)
