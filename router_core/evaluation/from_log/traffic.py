"""The log, through the store, as arrays: for estimates of other policies, and as pairs of answers.

A row is one *drawn* decision with what became of the answer that it led to. Forced and fallback decisions
(nobody drew them; decisions by the rules after the classifier failed among them) are left out. In the playground
three routers decide on one prompt and may share an answer: each is a row with its own propensity and the same
reward, and ``Log.prompt`` tells estimates that they belong together. See targets.py for what a target would
choose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from router_core.errors import EvaluationError
from router_core.evaluation.from_log.log import Array, Ints, Log
from router_core.evaluation.paired import Pairs
from router_core.settings import GoalSettings, Settings
from router_core.store.base import Questions

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Traffic:
    """The drawn decisions of one goal.

    Args:
        goal: its name.
        since, until: the part of the log that was read (UTC; None: any).
        log: the rows. Rewards are those of the first source in the goal's ``teaching_precedence`` that spoke (in
            time: ``attribution_hours``), of all outcomes, whatever was reset since; a call that failed has neither
            a reward nor a cost.
        context: (n,), a number for what the policies saw; equal ones saw the same.
        fingerprint: (n,), a number for the messages, which are told apart even where texts are not kept.
        input_tokens: (n,), estimated before the call.
        task: (n,), the task type that came with the prompt; "": none.
        failed: rows whose call failed.
        sources: source of ratings -> how many of the rows it has the word on; absent where on none.
    """

    goal: str
    since: datetime | None
    until: datetime | None
    log: Log
    context: NDArray[np.uint64]
    fingerprint: NDArray[np.uint64]
    input_tokens: NDArray[np.int64]
    task: NDArray[np.object_]
    failed: int
    sources: Mapping[str, int] = field(default_factory=dict)

    def parameters(self) -> dict[str, Any]:
        """What the store has to be told to speak of the same rows."""
        return _parameters(self.goal, self.since, self.until)


def read_traffic(
    store: Questions,
    settings: Settings,
    goal: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    policies: Sequence[str] | None = None,
) -> Traffic:
    """Every drawn decision of a goal, rated or not.

    Args:
        store: the log.
        settings: which source of ratings counts, and models that may not be in the log yet.
        goal: its name.
        since, until: half-open in time; None: any.
        policies: only rows that these routers drew; None: any.

    Raises:
        SettingsError: there is no such goal.
        StoreError: the store cannot be read.
    """
    chosen = settings.goal(goal)
    wanted = _parameters(goal, since, until) | _teaching(chosen)
    drawn = store.table("loggers", wanted)
    arms = list(dict.fromkeys([*(arm.id for arm in chosen.arms), *(arm for row in drawn["arms"] for arm in row)]))
    rows = store.table("logged", {**wanted, "arms": arms})
    names = {
        number: (policy, version)
        for number, policy, version in zip(drawn["logger"], drawn["policy"], drawn["policy_version"], strict=True)
    }
    if policies is not None:
        rows = rows[rows["logger"].isin([number for number, (policy, _) in names.items() if policy in policies])]
    return _traffic(rows, arms, names, goal, since, until, chosen.teaching_precedence)


def _traffic(
    rows: pd.DataFrame,
    arms: list[str],
    names: Mapping[int, tuple[str, str]],
    goal: str,
    since: datetime | None,
    until: datetime | None,
    precedence: Sequence[str],
) -> Traffic:
    import pandas as pd

    p = np.stack([rows[f"p{place}"].to_numpy(np.float64) for place in range(len(arms))], axis=1)
    number, numbers = pd.factorize(rows["logger"])
    logger, loggers = _loggers(p, number, [names[one] for one in numbers])
    failed = rows["failed"].to_numpy(bool)
    second = rows["second"].to_numpy(np.float64)
    cost = rows["cost_usd"].to_numpy(np.float64, copy=True)
    cost[failed] = np.nan
    sizes = rows[["words", "characters", "input_tokens"]].to_numpy(np.float64)
    log = Log(
        tuple(arms),
        p,
        rows["action"].to_numpy(np.int64),
        rows["reward"].to_numpy(np.float64),
        cost,
        np.log1p(sizes),
        pd.factorize(rows["prompt"])[0].astype(np.int64),
        logger,
        loggers,
        second if len(second) and not np.isnan(second).all() else None,
    )
    return Traffic(
        goal,
        since,
        until,
        log,
        rows["context"].to_numpy(np.uint64),
        rows["fingerprint"].to_numpy(np.uint64),
        rows["input_tokens"].to_numpy(np.int64),
        rows["task"].to_numpy(object),
        int(failed.sum()),
        {
            source: int(count)
            for place, source in enumerate(precedence, 1)
            if (count := (rows["place"] == place).sum())
        },
    )


def _loggers(p: Array, number: NDArray[np.intp], names: Sequence[tuple[str, str]]) -> tuple[Ints, tuple[str, ...]]:
    """Who drew each row, and their names.

    A router in all its versions is one where it could always have chosen any model, else each version is: one may
    be able to speak for a target where another is not.
    """
    if not names:
        return np.zeros(0, np.int64), ("log",)
    never = np.bincount(number, weights=p.min(axis=1) <= 0.0, minlength=len(names))
    called = [
        policy if not shut else f"{policy} {version[:8]}"
        for (policy, version), shut in zip(names, never, strict=True)
    ]
    loggers = tuple(dict.fromkeys(called))
    return np.array([loggers.index(one) for one in called])[number], loggers


def read_pairs(
    store: Questions,
    settings: Settings,
    goal: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    only_asked_all: bool = False,
) -> list[Pairs]:
    """Each other model of the goal paired with its strongest, the last in the settings.

    A pair is a prompt that both answered and whose answers were both rated, because every model was asked or
    because routers disagreed. They come in the order in which the second of the two ratings that count now was
    given.

    Args:
        store: the log.
        settings: the models, cheap to strong, and which source of ratings counts.
        goal: its name.
        since, until: when the models answered, half-open; None: any.
        only_asked_all: leave out prompts on which routers disagreed: they need not be like the others.

    Raises:
        SettingsError: there is no such goal.
        EvaluationError: it has one model.
        StoreError: the store cannot be read.
    """
    chosen = settings.goal(goal)
    *others, strong = (arm.id for arm in chosen.arms)
    if not others:
        raise EvaluationError(
            f"goal {goal!r} has one model, {strong}; pairs need two: add another in its settings"
        )
    return _pairs(store, chosen, goal, others, strong, since, until, only_asked_all)


def read_pair(store: Questions, settings: Settings, goal: str, first: str, second: str) -> Pairs:
    """Two models of the goal as a pair, whichever they are: ``first`` as the cheap one, ``second`` as the strong.

    Raises:
        SettingsError: there is no such goal.
        StoreError: the store cannot be read.
    """
    (pairs,) = _pairs(store, settings.goal(goal), goal, [first], second, None, None, False)
    return pairs


def _pairs(
    store: Questions,
    chosen: GoalSettings,
    goal: str,
    others: Sequence[str],
    strong: str,
    since: datetime | None,
    until: datetime | None,
    only_asked_all: bool,
) -> list[Pairs]:
    """Each of the others paired with one model."""
    wanted = _parameters(goal, since, until) | _teaching(chosen)
    rows = store.table("pairs", {**wanted, "strong": strong})
    both = store.table("both_answered", {**_parameters(goal, since, until), "strong": strong}).set_index("arm")
    answered = both["asked_all" if only_asked_all else "prompts"]
    if only_asked_all:
        rows = rows[rows["asked_all"]]
    found = []
    for cheap in others:
        own = rows[rows["arm"] == cheap]
        found.append(
            Pairs(
                cheap,
                strong,
                own["y_cheap"].to_numpy(np.float64),
                own["y_strong"].to_numpy(np.float64),
                own["time"].to_numpy("datetime64[us]"),
                own["asked_all"].to_numpy(bool),
                int(answered.get(cheap, 0)),
            )
        )
    return found


def _teaching(goal: GoalSettings) -> dict[str, Any]:
    """Which outcomes count, and how soon they must have come."""
    return {"precedence": list(goal.teaching_precedence), "window_us": goal.teaching_rule().window_us}


def _parameters(goal: str, since: datetime | None, until: datetime | None) -> dict[str, Any]:
    moments = {"since": since, "until": until}
    return {
        "goal": goal,
        **{
            name: None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)
            for name, moment in moments.items()
        },
    }
