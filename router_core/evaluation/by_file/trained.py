"""Whether a learned score is worth anything on somebody's prompts: beside a coin, and beside the prompt's length.

A router that was trained on other prompts may order these no better than chance and still look better, because
it learned that long prompts are hard. What it knows beyond length is therefore judged by itself. See
learning/contextual/training.py for learning a score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router_core.errors import EvaluationError
from router_core.evaluation.by_file.curves import apgr, curve, curves, ordering
from router_core.evaluation.by_file.resampling import bootstrap_counts, estimate
from router_core.evaluation.by_file.routers import Pair
from router_core.evaluation.labelled import Labelled
from router_core.evaluation.results import Estimate
from router_core.learning.contextual.training import Lesson, train

Array = NDArray[np.float64]

CHANCE = 0.5
DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Worth:
    """What a score is worth as an ordering (APGR with interval, a coin has .5). None where the strong model is not
    clearly better, so that there is nothing to recover.

    ``score`` as it is, ``length`` of the prompt alone, ``beyond``: the score with what log length explains of it
    (a straight line) taken out. ``informed``: whether ``beyond`` is above chance by more than its interval.
    """  # fmt: skip

    prompts: int
    score: Estimate | None
    length: Estimate | None
    beyond: Estimate | None

    @property
    def informed(self) -> bool:
        """Whether it knows more of these prompts than how long they are."""
        return self.beyond is not None and self.beyond.low > CHANCE

    @property
    def sentence(self) -> str:
        """The same in words."""
        if self.score is None or self.length is None or self.beyond is None:
            return (
                f"On these {self.prompts:,} prompts the strong model is not clearly better, so there is no gain"
                " that a score could find."
            )
        if self.informed:
            return (
                f"Better than chance here: APGR {_figure(self.score)}, and {_figure(self.beyond)} without what the"
                f" prompt's length tells; length alone has {self.length.value:.3f}, a coin .500."
            )
        if self.score.low > CHANCE:
            return (
                f"No better than chance here beyond the prompt's length: APGR {_figure(self.beyond)} without what"
                f" length tells, where a coin has .500. With it {self.score.value:.3f}, and length alone has"
                f" {self.length.value:.3f}."
            )
        return (
            f"No better than chance here: APGR {_figure(self.score)}, where a coin has .500 and the prompt's"
            f" length {self.length.value:.3f}."
        )


def worth(score: Array, gains: Array, characters: Array, *, draws: int = DRAWS, seed: int = 0) -> Worth:
    """Judge a score that has not seen these answers.

    Args:
        score: (n,), high means "send it to the strong model".
        gains: (n,), score of the strong model's answer less that of the cheap one.
        characters: (n,), of each prompt.
        draws, seed: of the bootstrap over prompts.

    Raises:
        EvaluationError: no prompts, or columns of different lengths.
    """
    if not len(score) or not len(score) == len(gains) == len(characters):
        raise EvaluationError(
            f"{len(score)} scores, {len(gains)} gains and {len(characters)} lengths; give one of each per prompt"
        )
    length = np.log1p(np.asarray(characters, np.float64))
    counts = bootstrap_counts(len(score), draws, seed)
    found = []
    for ranked in (np.asarray(score, np.float64), length, without_length(score, length)):
        by = ordering(ranked)
        found.append(estimate(float(apgr(curve(by, gains))), apgr(curves(by, gains, counts))))
    return Worth(len(score), found[0], found[1], found[2])


def without_length(score: Array, length: Array) -> Array:
    """The score less the straight line in length that fits it best."""
    centred = length - length.mean()
    spread = float(centred @ centred)
    return np.asarray(score - (float(score @ centred) / spread if spread > 0.0 else 0.0) * centred)


def lessons(labelled: Labelled) -> list[Lesson]:
    """Labelled prompts as lessons: every model answered every one."""
    return [
        Lesson(prompt, dict(zip(labelled.models, row, strict=True)))
        for prompt, row in zip(labelled.prompts, labelled.scores.tolist(), strict=True)
    ]


def held_out_gains(
    labelled: Labelled, pairs: Sequence[Pair], *, seed: int = 0, tick: Callable[[float], None] = lambda done: None
) -> list[Array]:
    """For each pair the gain of the strong over the weak model on every prompt (n,), learned from other folds."""
    columns = list(dict.fromkeys(column for pair in pairs for column in (pair.weak, pair.strong)))
    trained = train(lessons(labelled), [labelled.models[column] for column in columns], seed=seed, tick=tick)
    over_first = np.column_stack([np.zeros(len(labelled.prompts)), trained.held_out])
    return [over_first[:, columns.index(pair.strong)] - over_first[:, columns.index(pair.weak)] for pair in pairs]


def _figure(found: Estimate) -> str:
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"
