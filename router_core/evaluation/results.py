"""What an evaluation found, as plain frozen values: the page, the command and the file show the same figures.

Does not cover how they are computed. ``dump`` and ``load`` turn them into JSON and back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from router_core.errors import EvaluationError

Kind = Literal["fixed", "mix", "ranking", "rule", "trained", "learner", "oracle"]
"""fixed: one model for everything; mix: a random half each; ranking: prompts ordered by a score; rule: a router as
set; trained: a score learned from the other prompts; learner: it learned as it went (a simulation); oracle: knew
every score (the ceiling)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Objective:
    """What the person wants: money for a good answer, or a floor under the share of good answers.

    Exactly one is given. ``success_value_usd``: what one good answer is worth, >= 0; a choice is as good as value
    times accuracy less cost. ``quality_floor``: in [0, 1]; of what reaches it, the cheapest is best.
    """

    success_value_usd: float | None = None
    quality_floor: float | None = None

    def __post_init__(self) -> None:
        value, floor = self.success_value_usd, self.quality_floor
        if (value is None) == (floor is None):
            raise EvaluationError(
                "give either what a good answer is worth or a quality floor, not both or neither"
            )
        if value is not None and not 0 <= value < float("inf"):
            raise EvaluationError(
                f"a good answer is worth {value!r} dollars; give a number from 0 up, for money has to be compared"
            )
        if floor is not None and not 0 <= floor <= 1:
            raise EvaluationError(f"the quality floor is {floor!r}; give a share of good answers from 0 to 1")


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One share of the curve of a ranking. ``cost_usd`` per prompt; None where a price is unknown."""

    share: float
    accuracy: float
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """One way of choosing models, judged on every prompt.

    Args:
        name: unique in the report; a fixed model bears its own name.
        label: for people.
        kind: see ``Kind``.
        accuracy: mean score, with its interval (learners: the band over the shuffles).
        cost_usd: mean cost of one prompt, deciding included; None where a price is unknown.
        shares: part of the prompts that each model gets, in the report's order of models.
        gain: accuracy above what a random mix of the fixed models buys for the same money.
        saving: part of the money saved against the cheapest such mix of equal accuracy; negative: it costs more.
            None where its interval would be wider than all of the money.
        advantage_usd: value per prompt above the best fixed model; with a quality floor, cost below it. None for
            that model. The interval is corrected for the number of routers looked at, as are those of gain and
            saving (learners: the band over the shuffles).
        apgr, cpt50, cpt80: how well its score orders prompts (see curves.py); None where it has no score or the
            strong model is not better.
        apgr_over_length: its APGR less that of prompt length.
        curve: accuracy and cost at every share, for rankings.
        note: what one has to know to read it.
        plan: which model for which tasks, in words; "" where it does not go by task.
    """

    name: str
    label: str
    kind: Kind
    accuracy: Estimate
    cost_usd: Estimate | None
    shares: tuple[float, ...]
    gain: Estimate | None = None
    saving: Estimate | None = None
    advantage_usd: Estimate | None = None
    apgr: Estimate | None = None
    cpt50: Estimate | None = None
    cpt80: Estimate | None = None
    apgr_over_length: Estimate | None = None
    curve: tuple[CurvePoint, ...] = ()
    note: str = ""
    plan: str = ""


@dataclass(frozen=True, slots=True)
class Rival:
    """One fixed model beside the best one: differences (its own minus the best's) per prompt.

    The intervals are corrected for the number of rivals. ``break_even_usd``: the worth of a good answer from which
    the more expensive of the two is the better value; None where that is not more accurate. The high end of its
    interval is None where it may never pay.
    """

    model: str
    accuracy: Estimate
    cost_usd: Estimate | None
    utility_usd: Estimate | None
    break_even_usd: float | None
    break_even_low_usd: float | None
    break_even_high_usd: float | None


@dataclass(frozen=True, slots=True)
class RegretPath:
    """A learner through time: after ``seen`` prompts, what was lost so far against the best fixed model.

    ``in_dollars``, or (with a quality floor, and where prices are unknown) in good answers. Mean and band over the
    shuffles.
    """

    name: str
    in_dollars: bool
    seen: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class TaskResult:
    """One task: how many prompts it has, and row name -> accuracy on them."""

    task: str
    prompts: int
    accuracy: dict[str, float]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A prompt that a router sent to a model that failed where another did not. Texts are excerpts."""

    router: str
    prompt_id: str
    prompt: str
    chosen: str
    better: str
    lost: float
    answers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Unpriced:
    """A model whose price is unknown, and its mean score on all prompts."""

    model: str
    accuracy: Estimate


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found on one labelled file. Models are ordered cheap to expensive.

    ``weak`` and ``strong`` are the pair that rankings choose between: the best fixed model and its neighbour on
    the hull. Where it has two neighbours every score is judged between each pair, and the label names it.
    ``hull``: the models worth their money, by cost. ``estimated_cost_share``: part of the answers whose cost
    the file does not give, so that it is tokens times price. ``unpriced``: models that are not judged, since their
    price is unknown while those of two or more others are known.
    """

    created_at: datetime
    source: str
    sha256: str
    prompts: int
    models: tuple[str, ...]
    estimated_cost_share: float
    notes: tuple[str, ...]
    objective: Objective
    settings_version: str
    seed: int
    draws: int
    shuffles: int
    weak: str
    strong: str
    best_fixed: str
    hull: tuple[str, ...]
    rows: tuple[Row, ...]
    rivals: tuple[Rival, ...]
    regret: tuple[RegretPath, ...]
    tasks: tuple[TaskResult, ...]
    mistakes: tuple[Mistake, ...]
    unpriced: tuple[Unpriced, ...] = ()

    def row(self, name: str) -> Row:
        """The row of that name.

        Raises:
            EvaluationError: there is none.
        """
        for row in self.rows:
            if row.name == name:
                return row
        raise EvaluationError(f"the report has no row {name!r}; it has {[row.name for row in self.rows]}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer. ``kind`` "use": ``choice`` is a model for everything; "route": a row's name; "unknown".

    ``sentence`` stands on top, ``reasons`` under it; ``missing`` says what would settle it, ``more_prompts`` about
    how many more prompts that are (None: no number of prompts would).
    """

    kind: Literal["use", "route", "unknown"]
    choice: str | None
    sentence: str
    reasons: tuple[str, ...]
    missing: str | None = None
    more_prompts: int | None = None


def dump(result: Any) -> str:
    """A result as JSON. Infinity and NaN, which JSON lacks, do not occur in results."""
    return TypeAdapter(type(result)).dump_json(result).decode()


def load(of: type[Any], document: str) -> Any:
    """Read what ``dump`` wrote.

    Raises:
        EvaluationError: it is not such a result.
    """
    try:
        return TypeAdapter(of).validate_json(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise EvaluationError(
            f"the stored evaluation cannot be read ({place}: {first['msg']}); run it again"
        ) from None
