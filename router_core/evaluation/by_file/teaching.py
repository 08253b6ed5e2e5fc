"""Teaching a goal's gain score from labelled prompts, and saying what it is worth on them.

See learning/contextual/training.py for learning a score, routing/memory.py for what the log teaches.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from router_core.errors import EvaluationError
from router_core.evaluation.by_file.trained import Worth, lessons, worth
from router_core.evaluation.labelled import Labelled
from router_core.learning.contextual.gain import GainScore
from router_core.learning.contextual.training import train
from router_core.settings import GoalSettings
from router_core.store.base import Learning
from router_core.words import listing

_DATE = re.compile(r"[-@](\d{4}-\d{2}-\d{2}|\d{8})$")


@dataclass(frozen=True)
class Taught:
    """A gain score, and what it is worth on the prompts that it had not seen when it was judged.

    ``models``: the file's models -> the goal's arms.
    """

    score: GainScore
    models: Mapping[str, str]
    worth: Worth

    @property
    def in_force(self) -> bool:
        """Whether it was put in force: only where it knows more of these prompts than how long they are."""
        return self.worth.informed

    @property
    def sentence(self) -> str:
        """What it is worth, and what becomes of it where that is nothing."""
        kept = "" if self.in_force else " So it was not put in force: what was learned of words before stays."
        return f"Judged on prompts held out while it learned. {self.worth.sentence}{kept}"


def matched(models: Sequence[str], goal: GoalSettings) -> dict[str, str]:
    """The file's models -> the arms of the goal that they are: of the same id or model, or the same name after the
    provider's, or that name with the date of a version (gpt-4o-2024-08-06). An arm stands for one model at most.
    """  # fmt: skip
    found: dict[str, str] = {}
    for arm in goal.arms:
        names = (arm.id, arm.model, arm.model.split("/", 1)[-1])
        short = names[2].lower()
        same = [one for one in models if one in names or one.split("/")[-1].lower() == short]
        same = same or [one for one in models if _DATE.sub("", one.split("/")[-1].lower()) == short]
        if same and same[0] not in found:
            found[same[0]] = arm.id
    return found


def teach(
    store: Learning,
    goal: str,
    settings: GoalSettings,
    labelled: Labelled,
    at: datetime,
    *,
    tick: Callable[[float], None] = lambda done: None,
) -> Taught:
    """Learn a gain score from every prompt, and put it in force in the goal where it is better than chance.

    Takes some seconds per ten thousand prompts. It stays until the log has taught more prompts than the file.

    Raises:
        EvaluationError: fewer than two of the goal's models are in the file.
        StoreError: the score cannot be stored.
    """
    models = matched(labelled.models, settings)
    if len(models) < 2:
        which = f"only {next(iter(models))} is a model" if models else "none is a model"
        raise EvaluationError(
            f"of the file's models ({listing(labelled.models)}) {which} of goal {goal!r}, which has"
            f" {listing([arm.id for arm in settings.arms])}; a gain compares two: add the others to the goal, or"
            " give them the same names"
        )
    arms = [arm.id for arm in settings.arms if arm.id in models.values()]
    given = [
        replace(one, rewards={models[name]: reward for name, reward in one.rewards.items() if name in models})
        for one in lessons(labelled)
    ]
    trained = train(given, arms, tick=tick)
    ends = [{arm: name for name, arm in models.items()}[arm] for arm in (arms[0], arms[-1])]
    columns = [labelled.models.index(name) for name in ends]
    gains = labelled.scores[:, columns[1]] - labelled.scores[:, columns[0]]
    characters = np.array([len(prompt) for prompt in labelled.prompts], np.float64)
    judged = worth(trained.held_out[:, -1], gains, characters)
    taught = Taught(trained.score, models, judged)
    if taught.in_force:
        store.save_gain(goal, taught.score.version, "labelled", json.dumps(taught.score.document()), at=at)
    return taught
