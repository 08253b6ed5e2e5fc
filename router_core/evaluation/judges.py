"""Judges beside people: how often they agree, and what people would say of everything that was judged.

Only what was drawn for people measures a judge: answers that somebody happened to rate are not like the others.
Without people's verdicts there are ranks to read and no verdict. The estimates are corrected.py's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from router_core.evaluation.corrected import Corrected, corrected_difference, corrected_mean, verdicts_until
from router_core.evaluation.wording import percent, span
from router_core.store.base import Questions
from router_core.words import about, points, share

_Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Compared:
    """Two models on the prompts that one judge judged for both: the second's mean less the first's."""

    first: str
    second: str
    difference: Corrected

    def sentence(self, tolerance: float) -> str:
        """The verdict in words, or why there is none. ``tolerance``: what one would give up, as a share."""
        found = self.difference
        if found.estimate is None:
            return f"{self.first} and {self.second}: {found.refusal}"
        one = found.estimate
        said = f"corrected by {found.people:,} verdicts of people; for one look, not for looking again and again"
        ends = f"({span(one)}, {100 * found.level:g} %; {said})"
        if one.high <= tolerance:
            better = f"by at most {100 * tolerance:g} points"
            return f"{self.second} is better than {self.first} {better}: {points(one.value)} {ends}."
        if one.low > tolerance:
            return (
                f"{self.second} is better than {self.first} by more than {100 * tolerance:g} points:"
                f" {points(one.value)} {ends}."
            )
        more = verdicts_until(found, max(abs(one.value - tolerance), 0.01))
        wanted = "more judged answers are needed" if not more else f"about {about(more)} more verdicts of people"
        return f"Not known yet: {self.second} less {self.first} is {points(one.value)} {ends}; {wanted}."


@dataclass(frozen=True, slots=True)
class JudgeReport:
    """One judge.

    Args:
        who: its name with its version.
        models: model -> what people would say of its answers on average, where each was judged alone.
        pairs: two models at a time.
        judged: answers it has a verdict on. without_verdict: those on which it gave none.
        pairs_judged: pairs that it judged in both orders; swapped: those whose verdict changed with the order.
        for_people: judged prompts drawn for people; answered: those that people have judged.
    """

    who: str
    models: Mapping[str, Corrected]
    pairs: tuple[Compared, ...]
    judged: int
    without_verdict: int
    pairs_judged: int
    swapped: int
    for_people: int
    answered: int

    @property
    def main(self) -> Corrected | None:
        """What says most of the judge: its first pair of models, else its first model."""
        if self.pairs:
            return self.pairs[0].difference
        return next(iter(self.models.values()), None)

    @property
    def wanted(self) -> int:
        """How many more verdicts of people anything can be said with; 0: it can now."""
        return 0 if self.main is None else self.main.wanted

    @property
    def lines(self) -> tuple[str, ...]:
        """Agreement, order swaps, worth and verdicts saved, each a sentence; what is not known is left out."""
        main, lines = self.main, []
        if self.pairs_judged:
            part = share(self.swapped / self.pairs_judged)
            lines.append(
                f"{self.swapped:,} of {self.pairs_judged:,} verdicts ({part}) changed with the order and are ties."
            )
        if self.without_verdict:
            lines.append(f"It gave no verdict on {self.without_verdict:,} answers.")
        if main is None or main.agreement is None:
            return tuple(lines)
        lines.append(f"It agrees with people on {percent(main.agreement)} of {main.people:,}.")
        if main.worth is not None:
            worth = "very many" if main.worth > 100 else f"{main.worth:.1f}"
            lines.append(f"With very many judgements a verdict of a person is worth {worth}.")
        if main.estimate is not None:
            lines.append(f"It saved about {main.saved:,} verdicts of people.")
        return tuple(lines)


def judge_reports(store: Questions, goal: str, arms: Sequence[str] = ()) -> tuple[JudgeReport, ...]:
    """Every judge of a goal, by name.

    Args:
        store: the log.
        goal: its kind of traffic.
        arms: models, cheap to strong: of two the later one is compared with the earlier. Others follow by name.
    """
    rows: dict[str, list[_Row]] = {}
    for row in store.rows("judgements", {"goal": goal}):
        rows.setdefault(row["who"], []).append(row)
    known = {arm: place for place, arm in enumerate(arms)}
    return tuple(_report(who, said, known) for who, said in sorted(rows.items()))


def _report(who: str, rows: Sequence[_Row], known: Mapping[str, int]) -> JudgeReport:
    said = [row for row in rows if row["judge"] is not None]
    alone = [row for row in said if row["compared"] is None]
    beside = [row for row in said if row["compared"] is not None]
    arms = sorted({row["arm"] for row in said}, key=lambda arm: (known.get(arm, len(known)), arm))
    models = {
        arm: corrected_mean([row["judge"] for row in own], [_people(row) for row in own], _asked(own))
        for arm in arms
        if (own := [row for row in alone if row["arm"] == arm])
    }
    pairs = []
    for place, first in enumerate(arms):
        for second in arms[place + 1 :]:
            both = _both(alone, first, second) + _both(beside, first, second)
            if both:
                pairs.append(Compared(first, second, _difference(both)))
    drawn = {row["prompt_id"]: False for row in said if row["for_people"]}
    drawn |= {row["prompt_id"]: True for row in said if row["for_people"] and row["people"] is not None}
    return JudgeReport(
        who=who,
        models=models,
        pairs=tuple(pairs),
        judged=len(said),
        without_verdict=len(rows) - len(said),
        pairs_judged=len(beside) // 2,
        swapped=sum(row["swapped"] for row in beside) // 2,
        for_people=len(drawn),
        answered=sum(drawn.values()),
    )


def _people(row: _Row) -> float:
    """People's word, where they were asked for it by the draw."""
    return row["people"] if row["for_people"] and row["people"] is not None else float("nan")


def _asked(rows: Sequence[_Row]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The chances of the draw; of none at all, which nobody was drawn with, one that changes nothing."""
    return np.array([row["asked"] or 1.0 for row in rows], np.float64)


def _both(rows: Sequence[_Row], first: str, second: str) -> list[tuple[_Row, _Row]]:
    """The words on both models' answers to a prompt; of answers judged beside others, those beside each other."""
    one = {
        (row["prompt_id"], row["compared"] and row["completion_id"]): row for row in rows if row["arm"] == first
    }
    found = []
    for row in rows:
        if row["arm"] == second:
            other = one.get((row["prompt_id"], row["compared"]))
            if other is not None:
                found.append((other, row))
    return found


def _difference(both: Sequence[tuple[_Row, _Row]]) -> Corrected:
    judge = [second["judge"] - first["judge"] for first, second in both]
    people = [_people(second) - _people(first) for first, second in both]
    return corrected_difference(judge, people, _asked([first for first, _ in both]))
