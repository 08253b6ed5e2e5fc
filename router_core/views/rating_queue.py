"""Which answers a person should rate next: those first whose rating moves the verdict most.

A kind is a function that finds candidates; another one is one more name in ``KINDS``. See learning/next_rating.py
for the arithmetic and store/duckdb/rating_questions.py for SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from router_core.learning.next_rating import moved_by_rating, step_of_pair
from router_core.policies.thompson import comparable_costs
from router_core.sampling import uniform
from router_core.settings import GoalSettings
from router_core.store.base import Questions
from router_core.types import Candidate
from router_core.views.audit import wanted_from_people


@dataclass(frozen=True, slots=True)
class ToRate:
    """One screen of the queue.

    Args:
        prompt_id: the prompt.
        answers: the completions to be judged, one or two, in the order in which they are shown.
        value: how far the judgement moves the verdict, as shares (see learning/next_rating.py).
        completes: the cheaper model's arm id, where a pair is complete with this judgement; "": none is.
    """

    prompt_id: str
    answers: tuple[str, ...]
    value: float
    completes: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known when candidates are looked for.

    Args:
        store: the log.
        goal: its name; settings: of the goal.
        more_pairs: the cheaper model's arm id -> the paired test's forecast (None: no pair is needed, or none
            would tell).
        moved: arm id -> share of traffic that one more rating of it moves.
        seed: random among equals, and which answer is shown first, by this number.
    """

    store: Questions
    goal: str
    settings: GoalSettings
    more_pairs: Mapping[str, int | None]
    moved: Mapping[str, float]
    seed: int

    def asked(self) -> dict[str, Any]:
        """What the store is told."""
        arms = [arm.id for arm in self.settings.arms]
        return {
            "goal": self.goal,
            "arms": arms,
            "strong": arms[-1],
            "precedence": list(self.settings.teaching_precedence),
            "seed": self.seed,
        }


Kind = Callable[[Known], Iterable[ToRate]]


def pairs(known: Known) -> Iterable[ToRate]:
    """Prompts that a cheaper model and the strongest answered, where a rating is missing.

    Where one of the two is rated, the other alone is asked for: it completes the pair just as well.
    """
    if len(known.settings.arms) < 2:
        return
    strong = known.settings.arms[-1].id
    for row in known.store.rows("unrated_pairs", known.asked()):
        unrated = [(arm, id_) for arm, id_ in ((row["arm"], row["cheap"]), (strong, row["strong"])) if id_]
        value = step_of_pair(known.more_pairs[row["arm"]]) + sum(known.moved[arm] for arm, _ in unrated)
        yield ToRate(row["prompt_id"], tuple(id_ for _, id_ in unrated), value, row["arm"])


def answers(known: Known) -> Iterable[ToRate]:
    """Answers that nobody has rated, each alone."""
    for row in known.store.rows("unrated_answers", known.asked()):
        yield ToRate(row["prompt_id"], (row["completion_id"],), known.moved[row["arm"]])


def judged(known: Known) -> Iterable[ToRate]:
    """Answers of prompts that were drawn for people, to measure a judge's error: one or two of each prompt.

    One goes as far as one over those that wait. The draw was at random, so their order tells nothing of them.
    """
    strong = known.settings.arms[-1].id
    waiting = wanted_from_people(known.store, known.goal)
    for one in waiting:
        answers = dict(list(one.answers.items())[:2])
        others = [arm for arm in answers.values() if arm != strong]
        completes = others[0] if len(answers) == 2 and len(others) == 1 else ""
        yield ToRate(one.prompt_id, tuple(answers), step_of_pair(len(waiting)), completes)


KINDS: Final[tuple[Kind, ...]] = (pairs, answers, judged)


def moved_by_arm(settings: GoalSettings, candidates: Sequence[Candidate]) -> dict[str, float]:
    """Arm id -> share of traffic that one more rating of it moves; ``candidates``: the goal's models."""
    costs = comparable_costs([one.expected_cost_usd for one in candidates])
    moved = moved_by_rating([one.posterior for one in candidates], costs, settings.success_value_usd)
    return {one.arm.id: share for one, share in zip(candidates, moved, strict=True)}


def to_rate(known: Known, kinds: Sequence[Kind] = KINDS) -> list[ToRate]:
    """The candidates of all kinds, those first that move the verdict most; each prompt once.

    Random among equals, and random which of two answers is shown first. The order depends on which models'
    answers are unrated and on what is believed of the models, never on a rating of the prompt itself: so the pairs
    that are judged are a fair sample of those that wait, and the test stays valid.
    """
    found = [one for kind in kinds for one in kind(known)]
    found.sort(key=lambda one: (-one.value, uniform(known.seed, one.prompt_id)))
    first = {one.prompt_id: one for one in reversed(found)}
    return [_shuffled(one, known.seed) for one in found if first[one.prompt_id] is one]


def _shuffled(one: ToRate, seed: int) -> ToRate:
    sides = sorted(one.answers, key=lambda id_: uniform(seed, f"{one.prompt_id}|{id_}"))
    return ToRate(one.prompt_id, tuple(sides), one.value, one.completes)
