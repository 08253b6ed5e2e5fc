"""What the learning page shows: the posterior through time, who rated and who has not, the split, every change.

See store/duckdb/questions.py for SQL, charts/learning.py for charts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.special import betaincinv

from router_core.intervals import NEARLY_ALL, at_worst
from router_core.learning.beta import best_probabilities
from router_core.policies.blending import blend, starting_shares
from router_core.policies.thompson import comparable_costs
from router_core.registry import THOMPSON
from router_core.settings import GoalSettings
from router_core.store.base import SettingsVersion, Store
from router_core.types import Candidate, Evidence
from router_core.views.filters import extent, step_s

if TYPE_CHECKING:
    import pandas as pd

_POINTS: Final = 60
_EVERYTHING: Final = ((0, None),)
_FOR_EVER: Final = 2**62
SOURCES: Final = {
    "thumb": "Thumbs",
    "api": "Reported by code",
    "check": "Checks",
    "condition": "Success condition",
    "judge": "A judge",
}


@dataclass(frozen=True, slots=True)
class Pending:
    """How many answers were rated in time, rated late (and do not teach), may still be rated, never were."""

    rated: int = 0
    late: int = 0
    waiting: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class ArmSplit:
    """One model's share of the traffic now, and its parts: ``probability`` is their sum.

    ``best`` is the chance of being the best value; ``learned`` what that gives it, ``explored`` what every model
    keeps, ``starting`` what is left of its starting weight.
    """

    arm: str
    best: float
    learned: float
    explored: float
    starting: float

    @property
    def probability(self) -> float:
        """The share of traffic."""
        return self.learned + self.explored + self.starting


@dataclass(frozen=True, slots=True)
class Change:
    """Something that changed what is believed in a goal, as it is told on the page.

    ``seq`` is the number of a learning event; None for a change of the priors, which is a version of the settings:
    ``before`` and ``after`` are its Beta parameters.
    """

    at: datetime
    kind: str
    author: str
    note: str
    seq: int | None = None
    before: tuple[float, float] = (1.0, 1.0)
    after: tuple[float, float] = (1.0, 1.0)


def split_now(goal: GoalSettings, candidates: Sequence[Candidate]) -> list[ArmSplit]:
    """Thompson sampling's split, taken apart (see policies/thompson.py for the formula).

    Args:
        goal: objective, exploration and starting weights; may be a draft.
        candidates: the goal's arms as they are now, for a prompt of the length that matters.
    """
    costs = comparable_costs([one.expected_cost_usd for one in candidates])
    best = best_probabilities([one.posterior for one in candidates], costs, goal.success_value_usd).tolist()
    weights = [one.arm.weight for one in candidates]
    mixed = blend(
        best,
        weights,
        exploration=goal.exploration,
        strength=goal.starting_strength,
        outcomes=sum(one.posterior.observations for one in candidates),
    )
    rows = []
    for candidate, chance, probability, start in zip(
        candidates, best, mixed.probabilities, starting_shares(weights), strict=True
    ):
        explored = (1.0 - mixed.fading) * mixed.floor
        starting = mixed.fading * start
        learned = max(0.0, probability - explored - starting)  # rounding may leave it a hair below
        rows.append(ArmSplit(candidate.arm.id, chance, learned, explored, starting))
    return rows


def posterior_through_time(store: Store, name: str, goal: GoalSettings) -> pd.DataFrame:
    """Mean and central 95 % of each model's posterior after every point in time.

    Only what counts now: not what was set aside by a reset, nor answers that ``learn_from`` leaves out; evidence
    from elsewhere is in force from the beginning. The last row of a model is its posterior now.

    Args:
        store: the log.
        name: the goal.
        goal: its settings: prior, and which outcomes teach.

    Returns:
        A table of time, arm, judged, good (both in that step alone), mean, low and high.
    """
    import pandas as pd

    held = extent(store)
    if held.since is None or held.until is None:
        return pd.DataFrame(columns=["time", "arm", "judged", "good", "mean", "low", "high"])
    base, spans = store.learning_base(name)
    wanted: dict[str, Any] = {
        "goal": name,
        "precedence": list(goal.teaching_precedence),
        "own": goal.learn_from == "own",
        "window_us": goal.teaching_rule().window_us,
        "bucket": step_s(held.until - held.since, _POINTS),
    }
    if spans != _EVERYTHING:
        wanted["after"] = [after for after, _ in spans]
        wanted["upto"] = [_FOR_EVER if upto is None else upto for _, upto in spans]
    table = store.table("taught", wanted)
    running = table.groupby("arm")[["judged", "good"]].cumsum()
    had = [base.get(arm, Evidence()) for arm in table["arm"]]
    judged = running["judged"].to_numpy(float) + np.array([one.count for one in had], float)
    good = running["good"].to_numpy(float) + np.array([one.reward_micro / 1e6 for one in had], float)
    alpha, beta = goal.prior_alpha + good, goal.prior_beta + judged - good
    mean = alpha / (alpha + beta)
    low, high = (betaincinv(alpha, beta, end) for end in (0.025, 0.975))
    return table.assign(mean=mean, low=np.minimum(low, mean), high=np.maximum(high, mean))


def ratings_by_source(store: Store, goal: str, arms: Sequence[str]) -> pd.DataFrame:
    """Who rated how much of each model's answers, in the whole log.

    Args:
        store: the log.
        goal: whose.
        arms: the goal's arms, in the order of the rows; others in the log follow.

    Returns:
        A table of arm, answers, rated (answers with at least one rating), share (of the answers), and a column
        per source, thumbs by whether the names were hidden; only sources that rated anything.
    """
    import pandas as pd

    answers = store.table("answered", {"goal": goal}).set_index("arm")["answers"]
    said = store.table("sources", {"goal": goal})
    columns = {
        (source, blinded): f"{word}, {'blind' if blinded else 'names shown'}" if source == "thumb" else word
        for source, word in SOURCES.items()
        for blinded in (False, True)
    }
    rows = []
    for arm in dict.fromkeys([*arms, *answers.index, *said["arm"]]):
        own = said[said["arm"] == arm]
        count, rated = int(answers.get(arm, 0)), int(own["answers"].sum())
        row: dict[str, Any] = {"arm": arm, "answers": count, "rated": rated, "share": rated / max(1, count)}
        row |= dict.fromkeys(dict.fromkeys(columns.values()), 0)
        for source, blinded, ratings in own[["source", "blinded", "ratings"]].itertuples(index=False):
            row[columns[source, bool(blinded)]] += int(ratings)
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.drop(columns=[name for name in dict.fromkeys(columns.values()) if not table[name].any()])


def at_worst_by_arm(ratings: pd.DataFrame, taught: pd.DataFrame) -> dict[str, tuple[float, float, float, float]]:
    """Each model's share rated, share good of the rated, and that of all answers at the worst (low, high).

    Only of models of which something, but not nearly everything, is rated.

    Args:
        ratings: of ``ratings_by_source``.
        taught: of ``posterior_through_time``.
    """
    sums = taught.groupby("arm")[["judged", "good"]].sum()
    found = {}
    for arm, rated in ratings[["arm", "share"]].itertuples(index=False):
        if arm in sums.index and sums["judged"][arm] > 0 and rated < NEARLY_ALL:
            good = float(sums["good"][arm] / sums["judged"][arm])
            found[arm] = (float(rated), good, *at_worst(good, float(rated)))
    return found


def chosen_by_others(store: Store, name: str, goal: GoalSettings) -> tuple[int, int]:
    """Rated answers of a goal, and how many of them the learner did not draw itself though they teach it.

    Rules and the classifier choose by the prompt, so the models are rated on prompts of different kinds and the
    difference between them is blurred: in the demo's traffic .13 becomes .06. (0, 0) where the goal learns from
    its own draws alone.
    """
    if goal.learn_from == "own":
        return 0, 0
    (row,) = store.table("chosen_by_others", {"goal": name, "learner": THOMPSON.name}).itertuples(index=False)
    return int(row.answers), int(row.others)


def pending_now(store: Store, name: str, goal: GoalSettings, now: datetime) -> dict[str, Pending]:
    """Each model's answers by whether a rating came in time, too late, may still come, or never did.

    Counts the whole log; a rating that was withdrawn stays counted, and calls that failed are left out.

    Args:
        store: the log.
        name: the goal.
        goal: its settings: models, sources that teach, attribution window.
        now: the time as of which to count.

    Returns:
        The goal's models in their order, then others in the log.
    """
    rule = goal.teaching_rule()
    moment = now.astimezone(UTC).replace(tzinfo=None)
    wanted = {"goal": name, "now": moment, "window_us": rule.window_us, "precedence": list(rule.precedence)}
    columns = ["arm", "rated", "late", "waiting", "missing"]
    found = {
        arm: Pending(int(rated), int(late), int(waiting), int(missing))
        for arm, rated, late, waiting, missing in store.table("pending", wanted)[columns].itertuples(index=False)
    }
    return {arm.arm().id: found.get(arm.arm().id, Pending()) for arm in goal.arms} | found


def changes(store: Store, goal: str, first: str) -> list[Change]:
    """Everything that changed what is believed in a goal, newest first.

    Args:
        store: the log.
        goal: whose.
        first: the settings that were in force before anything was saved, as a document.
    """
    found = [Change(e.created_at, e.kind, e.author, e.note, e.seq) for e in store.learning_events(goal)]
    found += _prior_changes(store.settings_versions(), goal, first)
    return sorted(found, key=lambda one: (one.at, one.seq or 0), reverse=True)


def _prior_changes(newest_first: Sequence[SettingsVersion], goal: str, first: str) -> list[Change]:
    found, before = [], _prior(first, goal)
    for version in reversed(newest_first):
        after = _prior(version.document, goal)
        if before is not None and after is not None and after != before:
            what = f"{_beta(before)} to {_beta(after)}" + (f", {version.note}" if version.note else "")
            found.append(Change(version.created_at, "priors", version.author, what, None, before, after))
        before = after or before
    return found


def _prior(document: str, goal: str) -> tuple[float, float] | None:
    """The prior of a goal in a settings document; None where it has no such goal."""
    settings: Mapping[str, Any] | None = json.loads(document)["goals"].get(goal)
    return None if settings is None else (float(settings["prior_alpha"]), float(settings["prior_beta"]))


def _beta(parameters: tuple[float, float]) -> str:
    return f"Beta({parameters[0]:g}, {parameters[1]:g})"
