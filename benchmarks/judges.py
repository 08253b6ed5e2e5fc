"""How well corrected intervals cover: ``python -m benchmarks.judges`` prints the tables of docs/judging.md.

Worlds whose truth is known: a judge with its chances to call a good and a bad answer good, or of a pair in both
orders the chance to see what people see. See tests/statistical/test_corrected.py for a short run of the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router_core.evaluation.corrected import Corrected, corrected_difference, corrected_mean

Array = NDArray[np.float64]

PEOPLE: Final = (30, 50, 100, 200, 500)
JUDGED: Final = 1_000
JUDGES: Final = (  # its chance to call a good answer good, and a bad one
    (1.0, 0.0), (0.99, 0.01), (0.96, 0.0), (0.95, 0.1), (0.9, 0.3), (0.8, 0.5), (0.5, 0.5),
)  # fmt: skip
SIGHTS: Final = (1.0, 0.95, 0.8, 0.5, 0.0)
"""Chances of a judge of pairs to see, in one order, what people see; else it guesses, and prefers the first."""


@dataclass(frozen=True)
class Covered:
    """Over many worlds: part of the intervals that hold the truth, and their mean width; of people alone, too."""

    covered: float
    width: float
    alone: float
    alone_width: float
    saved: float


@dataclass(frozen=True)
class World:
    """``draw``: so many units, what the judge says and what people would say. ``truth``: people's mean."""

    draw: Callable[[np.random.Generator, int], tuple[Array, Array]]
    truth: float
    estimate: Callable[..., Corrected]


def answers(share: float, on_good: float, on_bad: float) -> World:
    """One model's answers."""

    def draw(random: np.random.Generator, count: int) -> tuple[Array, Array]:
        good = random.random(count) < share
        said = random.random(count) < np.where(good, on_good, on_bad)
        return said.astype(np.float64), good.astype(np.float64)

    return World(draw, share, corrected_mean)


def pairs(better: float, worse: float, sight: float) -> World:
    """Two models' answers to the same prompt, judged in both orders.

    A verdict that changes with the order is a tie. The two orders see the same answers, so they err together.
    """

    def draw(random: np.random.Generator, count: int) -> tuple[Array, Array]:
        u = random.random(count)
        truth = np.where(u < better, 1.0, np.where(u < better + worse, -1.0, 0.0))
        sees = random.random(count) < sight
        guess = random.choice([-1.0, 0.0, 1.0], count, p=[0.3, 0.2, 0.5])
        orders = [np.where(sees, truth, np.where(random.random(count) < 0.4, sign, guess)) for sign in (1.0, -1.0)]
        return np.where(orders[0] == orders[1], orders[0], 0.0), truth

    return World(draw, better - worse, corrected_difference)


def coverage(
    world: World, people: int, worlds: int, *, judged: int = JUDGED, unequal: bool = False, seed: int = 0
) -> Covered:
    """The intervals in so many worlds. ``unequal``: answers that the judge calls good are asked half as often."""
    random = np.random.default_rng(seed)
    found: list[Corrected] = []
    for _ in range(worlds):
        said, would = world.draw(random, judged)
        chance = np.full(judged, people / judged)
        if unequal:
            chance = np.where(said > 0.5, 0.5, 1.0)
            chance *= people / chance.sum()
            asked = random.random(judged) < np.minimum(chance, 1.0)
        else:
            asked = np.arange(judged) < people
        found.append(world.estimate(said, np.where(asked, would, np.nan), np.minimum(chance, 1.0)))
    told = [one for one in found if one.estimate is not None and one.alone is not None]
    both = [[(one.low, one.high) for one in (each.estimate, each.alone) if one is not None] for each in told]
    ends = np.array(both)
    holds = ((ends[:, :, 0] <= world.truth) & (world.truth <= ends[:, :, 1])).mean(axis=0)
    widths = (ends[:, :, 1] - ends[:, :, 0]).mean(axis=0)
    saved = float(np.mean([one.saved for one in told]))
    return Covered(float(holds[0]), float(widths[0]), float(holds[1]), float(widths[1]), saved)


def table(worlds: int = 2_000) -> Iterator[str]:
    """Both tables, line by line, as Markdown."""
    heads = " | ".join(f"{count}" for count in PEOPLE)
    line = "--- | " * (len(PEOPLE) + 1)
    yield f"| One model, 80 % good; judge says good of good / bad | {heads} |"
    yield f"| {line.rstrip(' |')} |"
    for on_good, on_bad in JUDGES:
        yield _row(f"{on_good:g} / {on_bad:g}", answers(0.8, on_good, on_bad), worlds)
    yield ""
    yield f"| Two models, 25 % and 10 % better; judge sees | {heads} |"
    yield f"| {line.rstrip(' |')} |"
    for sight in SIGHTS:
        yield _row(f"{sight:g}", pairs(0.25, 0.1, sight), worlds)


def _row(name: str, world: World, worlds: int) -> str:
    cells = []
    for count in PEOPLE:
        one = coverage(world, count, worlds)
        cells.append(f"{one.covered:.3f}, {one.width:.3f} ({one.alone_width:.3f}), {one.saved:.0f}")
    return f"| {name} | {' | '.join(cells)} |"


if __name__ == "__main__":
    for text in table():
        print(text)
