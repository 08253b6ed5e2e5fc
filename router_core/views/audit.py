"""What people are asked about because a judge judged it: a part drawn at random, which measures the judge's error.

The draw is made when the judge is asked (collecting/judging.py); what people's words make of a judge is in
evaluation/judges.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from router_core.store.base import Questions


@dataclass(frozen=True, slots=True)
class Wanted:
    """A prompt some of whose judged answers wait for people's word. ``answers``: completion -> its arm, by arm."""

    prompt_id: str
    answers: Mapping[str, str]


def wanted_from_people(store: Questions, goal: str, most: int | None = None) -> list[Wanted]:
    """Prompts drawn for people with an answer that nobody has rated, the oldest first: candidates for a queue.

    Args:
        store: the log.
        goal: its kind of traffic.
        most: so many at most; None: all.
    """
    judged: dict[str, dict[str, str]] = {}
    for row in store.rows("judgements", {"goal": goal}):
        if row["for_people"] and row["judge"] is not None and row["people"] is None:
            judged.setdefault(row["prompt_id"], {})[row["completion_id"]] = row["arm"]
    found = [
        Wanted(prompt_id, dict(sorted(answers.items(), key=lambda one: (one[1], one[0]))))
        for prompt_id, answers in sorted(judged.items())
    ]
    return found if most is None else found[:most]
