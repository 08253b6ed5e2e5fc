"""What the costs page asks: money, traffic, time and ratings of a part of the log, as tables and a few figures.

Net: classifier calls, retries and failed calls are spend. What a model that was not called would have cost is an
estimate from the tokens of the answer that was given. Leaves out SQL (store/questions.py) and charts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from router_core.posterior import interval
from router_core.settings import Settings
from router_core.store.base import Store
from router_core.types import Posterior, Price

if TYPE_CHECKING:
    import pandas as pd

BUCKETS: Final = 48
"""About so many points in time on a chart."""

SAMPLED: Final = 100_000
"""Above so many calls, quantiles and histograms look at a sample of about this size."""

_STEPS: Final = (15, 60, 300, 900, 3_600, 3 * 3_600, 6 * 3_600, 86_400, 7 * 86_400)


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
        wanted = (self.until - self.since).total_seconds() / BUCKETS
        return float(next((step for step in _STEPS if step >= wanted), wanted))


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is, and from when to when; ``since`` is None in an empty store."""

    prompts: int
    completions: int
    outcomes: int
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True)
class CostReport:
    """Everything on the costs page.

    Dollars, except where a price is unknown: ``cheap_usd`` and ``strong_usd`` (always asking the first or the last
    model of each goal) are None where that model has no price, and ``unknown`` counts calls and decisions of
    unknown cost, which no sum contains. ``estimated`` is the share of the always-strong figure that is estimated.
    """

    view: View
    requests: int
    calls: int
    failed: int
    spent_usd: float
    deciding_usd: float
    cheap_usd: float | None
    strong_usd: float | None
    estimated: float
    unknown: int
    judged: int
    good: float
    by_time: pd.DataFrame  # time, spent_usd, cheap_usd, strong_usd, requests, judged, good
    split: pd.DataFrame  # time, policy, arm, requests
    latency: pd.DataFrame  # arm, measure, p50_ms, p95_ms, calls
    per_call: pd.DataFrame  # arm, from_usd, to_usd, calls
    deciding: pd.DataFrame  # policy, decisions, deciding_usd, p50_ms, p95_ms, cached, fell_back, judged
    same_prompts: pd.DataFrame  # time, policy, prompts, cost_usd
    every: int

    @property
    def saved_usd(self) -> float | None:
        """Against always asking the strongest model; negative: it cost more."""
        return None if self.strong_usd is None else self.strong_usd - self.spent_usd

    @property
    def good_interval(self) -> tuple[float, float] | None:
        """Share judged good: central 95 % of Beta(1 + good, 1 + judged - good); None without ratings."""
        if not self.judged:
            return None
        return interval(Posterior(1.0 + self.good, 1.0 + self.judged - self.good, self.judged))


def extent(store: Store) -> Extent:
    """How much is stored."""
    row = store.table("extent", {}).iloc[0]
    moments = [None if value is None or value != value else value.to_pydatetime().replace(tzinfo=UTC)
               for value in (row["since"], row["until"])]  # fmt: skip
    return Extent(int(row["prompts"]), int(row["completions"]), int(row["outcomes"]), moments[0], moments[1])


def choices(store: Store) -> dict[str, list[str]]:
    """What the filters can be set to: the goals, routers, models and origins in the log."""
    found = store.table("choices", {})
    return {name: sorted(found[name].dropna().unique().tolist()) for name in ("goal", "policy", "origin", "arm")}


def usual_tokens(store: Store, view: View) -> tuple[int, float, float]:
    """(answered calls, mean input tokens, mean output tokens) of a part of the log."""
    row = store.table("usual", _parameters(view)).iloc[0]
    calls = int(row["calls"])
    return calls, float(row["input_tokens"] if calls else 0), float(row["output_tokens"] if calls else 0)


def costs(store: Store, settings: Settings, price: Callable[[str], Price | None], view: View) -> CostReport:
    """The whole report on a part of the log.

    Args:
        store: the log.
        settings: for each goal's cheapest and strongest model, and which outcomes teach.
        price: model -> its price.
        view: the part.
    """
    import pandas as pd

    every = max(1, extent(store).completions // SAMPLED)
    parameters = _parameters(view, every=every)
    calls = store.table("calls", parameters)
    split = store.table("split", parameters)
    references = [
        _reference(store, settings, price, name, parameters)
        for name in ([view.goal] if view.goal else settings.goals)
        if name in settings.goals
    ]
    known = [one for one in references if len(one)]
    reference = pd.concat(known).groupby("time", as_index=False).sum(min_count=1) if known else references[0]
    precedence = list(settings.goal(view.goal or next(iter(settings.goals))).teaching_precedence)
    judging = {**parameters, "precedence": precedence}
    rated = store.table("rated", judging)
    deciding = store.table("deciding", parameters)
    labels = store.table("labels", judging)
    by_time = _by_time(calls, split, reference, rated)
    strong, cheap = (
        None if any(one[name].isna().any() for one in known) else float(reference[name].sum())
        for name in ("strong_usd", "cheap_usd")
    )
    prompts = int(reference["prompts"].sum())
    return CostReport(
        view=view,
        requests=prompts,
        calls=int(calls["calls"].sum()),
        failed=int(calls["failed"].sum()),
        spent_usd=float(calls["cost_usd"].sum() + split["deciding_usd"].sum()),
        deciding_usd=float(split["deciding_usd"].sum()),
        cheap_usd=cheap,
        strong_usd=strong,
        estimated=float(reference["strong_estimated"].sum() / prompts) if prompts else 0.0,
        unknown=int(calls["unknown"].sum() + split["unknown"].sum()),
        judged=int(rated["judged"].sum()),
        good=float(rated["good"].sum()),
        by_time=by_time,
        split=split,
        latency=_latency(store.table("latency", parameters)),
        per_call=_per_call(store.table("cost_per_call", parameters), every),
        deciding=_deciding(deciding, labels),
        same_prompts=store.table("same_prompts", parameters),
        every=every,
    )


def _parameters(view: View, **more: object) -> dict[str, object]:
    plain = {name: value for name, value in asdict(view).items() if name not in ("since", "until")}
    moments = {name: getattr(view, name).astimezone(UTC).replace(tzinfo=None) for name in ("since", "until")}
    return {**plain, **moments, "bucket": view.bucket_s, **more}


def _reference(
    store: Store,
    settings: Settings,
    price: Callable[[str], Price | None],
    goal: str,
    parameters: dict[str, object],
) -> pd.DataFrame:
    """What always asking the cheapest or the strongest model of a goal would have cost."""
    arms = settings.goal(goal).arms
    asked: dict[str, object] = {**parameters, "goal": goal}
    unpriced = []
    for name, arm in (("cheap", arms[0]), ("strong", arms[-1])):
        found = price(arm.model)
        if found is None:
            unpriced.append(f"{name}_usd")
        asked[name] = arm.id
        asked[f"{name}_in"] = float(found.input_usd_per_million_tokens) / 1e6 if found else 0.0
        asked[f"{name}_out"] = float(found.output_usd_per_million_tokens) / 1e6 if found else 0.0
    table = store.table("reference", asked)
    table[unpriced] = float("nan")
    return table


def _by_time(
    calls: pd.DataFrame, split: pd.DataFrame, reference: pd.DataFrame, rated: pd.DataFrame
) -> pd.DataFrame:
    """One row per point in time: money and ratings of that bucket (not summed up yet)."""
    parts = [
        calls.groupby("time")["cost_usd"].sum(),
        split.groupby("time")["deciding_usd"].sum(),
        reference.set_index("time")[["prompts", "cheap_usd", "strong_usd"]],
        rated.groupby("time")[["judged", "good"]].sum(),
    ]
    table = parts[0].to_frame()
    for part in parts[1:]:
        table = table.join(part, how="outer")
    unknown = [name for name in ("cheap_usd", "strong_usd") if reference[name].isna().any()]
    table = table.astype("float64").fillna(0.0).sort_index()
    table[unknown] = float("nan")
    table["spent_usd"] = table.pop("cost_usd") + table.pop("deciding_usd")
    return table.rename(columns={"prompts": "requests"}).reset_index()


def _latency(found: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (row.arm, label, *_pair(values), row.calls)
        for row in found.itertuples()
        for label, values in (("first word", row.first_token_ms), ("whole answer", row.total_ms))
    ]
    return pd.DataFrame(rows, columns=["arm", "measure", "p50_ms", "p95_ms", "calls"])


def _per_call(found: pd.DataFrame, every: int) -> pd.DataFrame:
    found["from_usd"], found["to_usd"] = 10.0 ** (found["step"] / 6), 10.0 ** ((found["step"] + 1) / 6)
    found["calls"] = found["calls"] * every
    return found.drop(columns="step")


def _deciding(found: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    pairs = [_pair(one) for one in found.pop("ms")]
    found["p50_ms"], found["p95_ms"] = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    judged = dict(zip(labels["policy"], labels["judged"], strict=True))
    found["judged"] = [int(judged.get(policy, 0)) for policy in found["policy"]]
    return found


def _pair(quantiles: Any) -> tuple[float, float]:
    """Two quantiles; not a number where there was nothing to order (the database's NULL)."""
    return (quantiles[0], quantiles[1]) if hasattr(quantiles, "__len__") else (float("nan"), float("nan"))


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
