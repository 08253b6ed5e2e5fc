"""A bill: what the last days of a goal cost, and what they would have cost with one model for everything.

Imported calls count like any other. What a call cost is as it was stored; what another model would have cost is
its price for the same prompts, with answers as much longer or shorter as they are on prompts that both answered.
Nothing is said of quality here: see the paired test.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from router_core import intervals
from router_core.evaluation.results import Estimate
from router_core.settings import GoalSettings
from router_core.store.base import Questions
from router_core.types import Price
from router_core.words import dollars

DAYS: Final = 30

FEWEST_LENGTHS: Final = 10
"""Prompts that two models answered below which their answers are taken to be of equal length."""

_Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Instead:
    """One model for everything. ``usd`` None: its price is unknown. ``assumed``: models whose answers were taken
    to be as long as its own, for too few prompts were answered by both.
    """  # fmt: skip

    arm: str
    usd: Estimate | None
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bill:
    """What the days cost.

    Args:
        since, until: the days; they end with the last call.
        days: how many.
        calls: in them. usd: the sum of the costs that are known; unknown: calls of unknown cost.
        counted: calls whose tokens are known: the others are in no figure of ``instead``.
        instead: each model of the goal for everything, cheap to strong as in the settings.
    """

    since: datetime
    until: datetime
    days: int
    calls: int
    usd: float
    unknown: int
    counted: int
    instead: tuple[Instead, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """In words, the bill first."""
        unknown = f"; {self.unknown:,} of unknown cost not in it" if self.unknown else ""
        many = f"{self.calls:,} call{'s' * (self.calls != 1)}"
        said = [f"Your last {self.days} days cost {dollars(self.usd)} ({many}{unknown})."]
        for one in self.instead:
            if one.usd is None:
                said.append(f"With {one.arm} for everything: its price is unknown.")
                continue
            ends = f"{dollars(one.usd.low)} to {dollars(one.usd.high)}"
            so = f"; its answers taken to be as long as those of {', '.join(one.assumed)}" if one.assumed else ""
            said.append(f"With {one.arm} for everything: {dollars(one.usd.value)} ({ends}, 95 %{so}).")
        if self.counted < self.calls:
            left = self.calls - self.counted
            said.append(f"The figures for one model leave out {left:,} of unknown size.")
        return tuple(said)


def bill(
    store: Questions, goal: str, settings: GoalSettings, prices: Mapping[str, Price | None], days: int = DAYS
) -> Bill | None:
    """The bill of a goal's last days; None where it has no calls.

    The interval is that of the same number of calls like these (Student's t): how far such days differ by chance.

    Args:
        store: the log.
        goal: its name; settings: of it.
        prices: arm id -> its price; None: unknown.
        days: how many, the last one that of the last call.
    """
    last = store.rows("last_call", {"goal": goal})[0]["until"]
    if last is None:
        return None
    until = last.replace(tzinfo=UTC) + timedelta(microseconds=1)
    since = until - timedelta(days=days)
    asked = {"goal": goal, "since": since.replace(tzinfo=None), "until": until.replace(tzinfo=None)}
    rows = store.rows("bill", asked)
    lengths = {(row["arm"], row["other"]): row for row in store.rows("answer_lengths", {"goal": goal})}
    return Bill(
        since=since,
        until=until,
        days=days,
        calls=sum(row["calls"] for row in rows),
        usd=sum(row["cost_usd"] for row in rows),
        unknown=sum(row["unknown"] for row in rows),
        counted=sum(row["counted"] for row in rows),
        instead=tuple(_instead(arm.id, prices.get(arm.id), rows, lengths) for arm in settings.arms),
    )


def _instead(
    arm: str, price: Price | None, rows: Sequence[_Row], lengths: Mapping[tuple[str, str], _Row]
) -> Instead:
    if price is None:
        return Instead(arm, None)
    a = float(price.input_usd_per_million_tokens) / 1e6
    b = float(price.output_usd_per_million_tokens) / 1e6
    fee = float(price.request_usd)
    count, total, squares = 0, 0.0, 0.0
    assumed = []
    for row in rows:
        if not row["counted"]:
            continue
        times = 1.0
        if row["arm"] != arm:
            known = lengths.get((row["arm"], arm))
            if known is not None and known["prompts"] >= FEWEST_LENGTHS:
                times = known["other_tokens"] / known["tokens"]
            else:
                assumed.append(row["arm"])
        own = b * times
        count += row["counted"]
        plain = a * row["given"] + own * row["answered"]
        total += plain + fee * row["counted"]
        squares += a * a * row["given_squared"] + own * own * row["answered_squared"] + 2 * a * own * row["both"]
        squares += 2.0 * fee * plain + fee * fee * row["counted"]
    if not count:
        return Instead(arm, None, tuple(assumed))
    spread = max(squares / count - (total / count) ** 2, 0.0) * count / max(count - 1, 1)
    half = float(intervals.quantile(0.95, max(count - 1, 1))) * math.sqrt(spread * count)
    return Instead(arm, Estimate(total, max(0.0, total - half), total + half), tuple(assumed))
