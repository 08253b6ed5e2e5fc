"""Which part of the log is looked at: how much there is, the ranges and filters on offer, the points on a chart.

See store/duckdb/questions.py for SQL, costs.py and learning.py for what is made of a part.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from router_core.store.base import Questions

if TYPE_CHECKING:
    import pandas as pd

BUCKETS: Final = 48
"""About so many points in time on a chart."""

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_STEPS: Final = (
    15, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE,
    _HOUR, 2 * _HOUR, 4 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 7 * _DAY, 28 * _DAY,
)  # fmt: skip
_ORIGIN: Final = datetime(2000, 1, 3, tzinfo=UTC)  # where the database begins to count steps: a Monday


@dataclass(frozen=True, slots=True)
class View:
    """Part of the log: half-open in time (UTC); None means any."""

    since: datetime
    until: datetime
    goal: str | None = None
    policy: str | None = None
    arm: str | None = None
    origin: str | None = None

    @property
    def bucket_s(self) -> float:
        """Seconds between two points on a chart: a round number, about ``BUCKETS`` of them in the view."""
        return step_s(self.until - self.since)

    def points(self) -> pd.DatetimeIndex:
        """The beginnings of all steps in the view, without gaps (UTC, unmarked, as in the tables)."""
        import pandas as pd

        step = timedelta(seconds=self.bucket_s)
        first = self.since - (self.since - _ORIGIN) % step
        count = max(0, -((first - self.until) // step))
        return pd.DatetimeIndex(
            [(first + index * step).replace(tzinfo=None) for index in range(count)], name="time"
        )

    def parameters(self, **more: object) -> dict[str, object]:
        """What the store's questions take."""
        moments = {name: getattr(self, name).astimezone(UTC).replace(tzinfo=None) for name in ("since", "until")}
        return {**asdict(self), **moments, "bucket": self.bucket_s, **more}


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is, and from when to when; ``since`` is None in an empty store."""

    prompts: int
    completions: int
    outcomes: int
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class UsualTraffic:
    """One kind of traffic in a part of the log, as it was on average.

    ``simple`` is the share of its requests for which rules or classifier chose the goal's cheapest model; None
    where neither decided any.
    """

    task_type: str
    requests: int
    input_tokens: float
    output_tokens: float
    simple: float | None


def step_s(span: timedelta, points: int = BUCKETS) -> float:
    """Seconds between two points on a chart: a round number, so that about so many fit into the span."""
    wanted = span.total_seconds() / points
    return float(next((step for step in _STEPS if step >= wanted), wanted))


def extent(store: Questions) -> Extent:
    """How much is stored."""
    row = store.rows("extent", {})[0]
    since, until = (moment and moment.replace(tzinfo=UTC) for moment in (row["since"], row["until"]))
    return Extent(row["prompts"], row["completions"], row["outcomes"], since, until)


def choices(store: Questions) -> dict[str, list[str]]:
    """What the filters can be set to: the goals, routers, models and origins in the log."""
    found = store.table("choices", {})
    return {name: sorted(found[name].dropna().unique().tolist()) for name in ("goal", "policy", "origin", "arm")}


def usual_traffic(store: Questions, view: View, cheapest: str) -> list[UsualTraffic]:
    """The kinds of traffic in a part of the log, most frequent first.

    Args:
        store: the log.
        view: the part; one goal's.
        cheapest: the arm that stands for "simple".
    """
    found = store.rows("usual", view.parameters(simple=cheapest))
    return [
        UsualTraffic(
            row["task_type"],
            row["requests"],
            row["input_tokens"],
            row["output_tokens"],
            row["simple"],
        )
        for row in found
    ]


def ranges() -> dict[str, timedelta | None]:
    """The ranges offered, by the name under which they stand in the address; None: everything."""
    return {
        "15 min": timedelta(minutes=15),
        "1 h": timedelta(hours=1),
        "24 h": timedelta(days=1),
        "7 d": timedelta(days=7),
        "30 d": timedelta(days=30),
        "all": None,
    }


def covering(held: Extent, now: datetime) -> str:
    """The shortest range, of a day or more, that holds everything in the log: a first look leaves nothing out."""
    lengths = [
        (name, length) for name, length in ranges().items() if length is not None and length >= timedelta(days=1)
    ]
    age = now - (held.since or now)
    return next((name for name, length in lengths if age <= length), "all")


def recent(view: View, length: timedelta | None) -> View:
    """The view up to its next point in time, so that it stays the same until then.

    Args:
        view: up to now, since the first entry of the log.
        length: how far back from there; None: since the first entry.
    """
    if length is not None:
        view = replace(view, since=view.until - length)
    step = timedelta(seconds=view.bucket_s)
    until = view.until + step - (view.until - _ORIGIN) % step
    return replace(view, until=until, since=view.since if length is None else until - length)


def days(view: View, first: date, last: date) -> View:
    """The view from the beginning of one day to the end of another (UTC)."""
    since, until = (datetime.combine(day, time(), UTC) for day in (first, last))
    return replace(view, since=since, until=until + timedelta(days=1))
