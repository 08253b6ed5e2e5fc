"""A claim in one line ("small within 3 points of large"): proven, refuted, or not known yet and what it takes.

Pairs go to the paired test, "pays" is what the verdict asks of a router, and beside an earlier report the
intervals of the two shares are combined. Reading files and logs is left to the caller.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final, Literal

from numpy.typing import ArrayLike

from router_core.errors import EvaluationError
from router_core.evaluation.by_file.conclusion import FEWEST_ELSEWHERE, more_prompts
from router_core.evaluation.paired import PairedTest, paired_test
from router_core.evaluation.results import Estimate, Report
from router_core.words import about, dollars, many

Relation = Literal["within", "better", "pays"]
Answer = Literal["proven", "refuted", "unknown"]

BEFORE: Final = "before"
"""Stands for the subject itself in an earlier report."""

FORMS: Final = (
    "A within 3 points of B",
    "A better than B",
    "A better than B by 3 points",
    "ROUTER pays",
    "A within 3 points of before",
)
"""What can be claimed; A and B are models or routers."""

_PEEKING: Final = "95 %, however often you look"
_ONCE: Final = "95 %, for one look"
_HOPELESS: Final = 1_000_000
_PATTERNS: Final = (
    re.compile(r"(?P<subject>.+?) within (?P<points>\d+(\.\d+)?) points? of (?P<other>.+)", re.I),
    re.compile(r"(?P<subject>.+?) better than (?P<other>.+?)( by (?P<points>\d+(\.\d+)?) points?)?", re.I),
    re.compile(r"(?P<subject>.+?) pays", re.I),
)
_RELATIONS: Final[tuple[Relation, ...]] = ("within", "better", "pays")


@dataclass(frozen=True, slots=True)
class Claim:
    """``subject`` within ``margin`` of ``other``, better than it by more than that, or (a router) paying.

    ``margin``: as a share in [0, 1): 0.03 is three points. ``other``: None where it pays;
    BEFORE: an earlier report.
    """

    subject: str
    relation: Relation
    margin: float = 0.0
    other: str | None = None

    def __str__(self) -> str:
        if self.relation == "pays":
            return f"{self.subject} pays"
        if self.relation == "within":
            return f"{self.subject} within {_points(self.margin)} of {self.other}"
        by = f" by more than {_points(self.margin)}" if self.margin else ""
        return f"{self.subject} better than {self.other}{by}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a claim.

    Args:
        claim: in words.
        answer: see ``Answer``.
        sentence: the answer in words.
        difference: the subject less the other, with its interval: shares of good answers, or dollars per prompt
            where it pays; None: nothing to compare yet.
        unit: of the difference.
        prompts: that it rests on.
        more_prompts: about how many more would settle it; None: settled, or no number is likely to.
        holds: how sure it is, and whether one may look again.
        notes: what one has to know to read it.
    """

    claim: str
    answer: Answer
    sentence: str
    difference: Estimate | None
    unit: Literal["share", "usd"]
    prompts: int
    more_prompts: int | None
    holds: str
    notes: tuple[str, ...] = ()


def parse_claim(text: str) -> Claim:
    """The claim in a line of text, see FORMS.

    Raises:
        EvaluationError: it has none of these forms, or its margin is 100 points or more.
    """
    words = " ".join(text.split())
    for relation, pattern in zip(_RELATIONS, _PATTERNS, strict=True):
        found = pattern.fullmatch(words)
        if found is None:
            continue
        parts = found.groupdict()
        margin = float(parts.get("points") or 0.0) / 100.0
        if margin >= 1.0:
            raise EvaluationError(f"{text!r}: a margin is below 100 points; give a number from 0 to below 100")
        claim = Claim(parts["subject"], relation, margin, parts.get("other"))
        if claim.subject == claim.other:
            raise EvaluationError(f"{text!r} compares {claim.subject} with itself; name two models")
        if claim.other == BEFORE and relation != "within":
            raise EvaluationError(
                f"{text!r}: beside an earlier report only 'within N points of {BEFORE}' is judged"
            )
        return claim
    raise EvaluationError(f"{text!r} is not a claim that can be checked; write it as in: {'; '.join(FORMS)}")


def by_pairs(
    claim: Claim, y_subject: ArrayLike, y_other: ArrayLike, *, peeking: bool = True, answered: int = 0
) -> Checked:
    """A claim about two, on prompts that both answered and whose answers are both rated.

    Args:
        claim: within, or better.
        y_subject, y_other: rewards in [0, 1], prompt by prompt.
        peeking: whether one may look again as prompts are added; not where the subject was fitted on these.
        answered: prompts that both answered, rated or not; 0: not known.

    Raises:
        EvaluationError: a reward is missing or out of range, or the lengths differ.
    """
    within = claim.relation == "within"
    low, high = (y_subject, y_other) if within else (y_other, y_subject)
    test = paired_test(low, high, claim.margin)
    proves, refutes = ("within", "worse") if within else ("worse", "within")
    answer: Answer = "unknown"
    if test.conclusion == proves:
        answer = "proven"
    elif test.conclusion == refutes:
        answer = "refuted"
    either = [one for one in (test.more_pairs, test.more_pairs_worse) if one is not None]
    more = min(either) if either and answer == "unknown" else None
    said = _sentence(claim, answer, more, "pair")
    if test.conclusion == "both":
        said = f"Not known: the evidence for {claim} has pointed both ways. Look at what changed."
    difference = test.difference
    if difference is not None and within:
        difference = Estimate(-difference.value, -difference.high, -difference.low)
    return Checked(
        str(claim),
        answer,
        said,
        difference,
        "share",
        test.pairs,
        more,
        _PEEKING if peeking else _ONCE,
        _unrated(test, answered),
    )


def by_report(claim: Claim, report: Report) -> Checked:
    """Whether a router pays: what the verdict asks of one before it advises it.

    Worth more than the best fixed model, and more than a random mix of equal cost, both intervals above 0, with
    FEWEST_ELSEWHERE prompts sent elsewhere. Refuted where one of the intervals lies below 0.

    Args:
        claim: pays.
        report: of ``evaluate``, with this router alone: the intervals are corrected for the number of routers.

    Raises:
        EvaluationError: the report lacks the router, or a price is unknown.
    """
    row = report.row(claim.subject)
    if row.advantage_usd is None or row.gain is None:
        raise EvaluationError("whether a router pays is not known where a price is unknown; give it with --price")
    parts = (row.advantage_usd, row.gain)
    elsewhere = report.prompts * (1.0 - row.shares[report.models.index(report.best_fixed)])
    answer: Answer = "unknown"
    if any(one.high < 0.0 for one in parts):
        answer = "refuted"
    elif all(one.low > 0.0 for one in parts) and elsewhere >= FEWEST_ELSEWHERE:
        answer = "proven"
    more = None
    if answer == "unknown":
        needed = [more_prompts(report.prompts, one) for one in parts if one.low <= 0.0 <= one.high]
        if 0.0 < elsewhere < FEWEST_ELSEWHERE:
            needed.append(math.ceil(report.prompts * (FEWEST_ELSEWHERE / elsewhere - 1.0)))
        known = [one for one in needed if one is not None]
        more = max(known) if known and len(known) == len(needed) else None
    worth = report.objective.success_value_usd
    at = "" if worth is None else f", a good answer worth {dollars(worth)}"
    return Checked(
        str(claim),
        answer,
        _sentence(claim, answer, more, "prompt"),
        row.advantage_usd,
        "usd",
        report.prompts,
        more,
        _ONCE,
        (f"beside {report.best_fixed} for everything{at}",),
    )


def beside_before(claim: Claim, now: Report, before: Report) -> Checked:
    """Whether something is as good as in an earlier report, up to the margin.

    The reports are taken as independent samples; their intervals are combined by squaring and adding (Newcombe
    1998, Interval estimation for the difference between independent proportions, method 10). On the same prompts
    it is wider than needed.

    Args:
        claim: within BEFORE.
        now, before: both with a row of the subject's name.

    Raises:
        EvaluationError: one of them has no such row.
    """
    new, old = (_share(report, claim.subject) for report in (now, before))
    value = new.value - old.value
    low = value - math.hypot(new.value - new.low, old.high - old.value)
    high = value + math.hypot(new.high - new.value, old.value - old.low)
    answer: Answer = "unknown"
    if low >= -claim.margin:
        answer = "proven"
    elif high < -claim.margin:
        answer = "refuted"
    more = None
    if answer == "unknown":
        away = value + claim.margin
        own, theirs = (
            (new.value - new.low, old.high - old.value)
            if away > 0
            else (new.high - new.value, old.value - old.low)
        )
        room = away**2 - theirs**2
        needed = now.prompts * (own**2 / room - 1.0) if room > 0 else math.inf
        more = max(1, math.ceil(needed)) if needed <= _HOPELESS else None
    return Checked(
        str(claim),
        answer,
        _sentence(claim, answer, more, "prompt"),
        Estimate(value, low, high),
        "share",
        now.prompts,
        more,
        _ONCE,
        (f"before: {many(before.prompts, 'prompt')} on {before.created_at:%Y-%m-%d}",),
    )


def _share(report: Report, name: str) -> Estimate:
    """Good answers of a model or router, also of a model whose price is unknown."""
    unpriced = (one.accuracy for one in report.unpriced if one.model == name)
    return next(unpriced, None) or report.row(name).accuracy


def _sentence(claim: Claim, answer: Answer, more: int | None, one: str) -> str:
    if answer != "unknown":
        return f"{answer.capitalize()}: {claim}."
    if more is None:
        return f"Not known yet: {claim}. It is so close that more {one}s here will hardly tell."
    return f"Not known yet: {claim}. About {about(more)} more {one}{'s' if more != 1 else ''} needed."


def _unrated(test: PairedTest, answered: int) -> tuple[str, ...]:
    if not answered or test.pairs >= answered:
        return ()
    return (
        f"{many(test.pairs, 'prompt')} of {answered:,} that both answered have two ratings; it holds for all where"
        " rating does not depend on the answers",
    )


def _points(margin: float) -> str:
    value = f"{100.0 * margin:g}"
    return f"{value} point{'' if value == '1' else 's'}"
