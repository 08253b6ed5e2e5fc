"""What the costs page shows: money, traffic, time and ratings of a part of the log, as tables and a few figures.

Net: classifier calls, retries and failed calls are spend. What a model that was not called would have cost is an
estimate from the tokens of the answer that was given. Leaves out SQL (store/questions.py) and charts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from router_core.learning.beta import interval
from router_core.settings import Settings
from router_core.store.base import Questions
from router_core.types import Posterior, Price, TeachingRule
from router_core.views.filters import View, extent

if TYPE_CHECKING:
    import pandas as pd

SAMPLED: Final = 100_000
"""Above so many calls, quantiles and histograms look at a sample of about this size."""

CHEAP, STRONG = "cheap", "strong"


@dataclass(frozen=True)
class CostReport:
    """Everything on the costs page.

    Dollars, except where a price is unknown: ``cheap_usd`` and ``strong_usd`` (always asking the first or the last
    model of each goal) are None where a goal with traffic (``left_out``) has no known price for that model, or is
    no longer in the settings. ``unpriced`` requests have a call or a decision of unknown cost, which no sum
    contains. ``estimated`` is the share of the always-strong figure's prompts that is estimated.
    """

    view: View
    requests: int
    calls: int
    failed: int
    retries: int
    spent_usd: float
    deciding_usd: float
    cheap_usd: float | None
    strong_usd: float | None
    left_out: tuple[str, ...]
    estimated: float
    unpriced: int
    judged: int
    good: float
    by_time: pd.DataFrame  # time, ends, spent_usd, cheap_usd, strong_usd, requests, unpriced, calls, judged, good
    split: pd.DataFrame  # time, ends, policy, arm, requests
    latency: pd.DataFrame  # arm, measure, p50_ms, p95_ms, calls
    per_call: pd.DataFrame  # arm, from_usd, to_usd, calls
    deciding: pd.DataFrame  # policy, decisions, deciding_usd, each_usd, p50_ms, p95_ms, cached, fell_back, ...
    same_prompts: pd.DataFrame  # time, ends, line, prompts, cost_usd; line: a router, "cheap" or "strong"
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

    @property
    def per_good_usd(self) -> float | None:
        """Spend per call over the share judged good (the unrated are taken to be like the rated); None: no good
        one yet.
        """  # fmt: skip
        return self.spent_usd / self.calls * self.judged / self.good if self.good and self.calls else None

    @property
    def compared(self) -> int:
        """Prompts that the same routers all decided."""
        per_line = self.same_prompts.groupby("line")["prompts"].sum()
        return int(per_line.max()) if len(per_line) else 0


def costs(store: Questions, settings: Settings, price: Callable[[str], Price | None], view: View) -> CostReport:
    """The whole report on a part of the log.

    Args:
        store: the log.
        settings: for each goal's cheapest and strongest model, and which source of outcomes goes first (of several
            goals together: as in the first).
        price: model -> its price.
        view: the part.
    """
    held = extent(store)
    every = max(1, held.completions // SAMPLED)
    named = [name for name in ([view.goal] if view.goal else settings.goals) if name in settings.goals]
    rule = settings.goal(named[0]).teaching_rule() if named else TeachingRule()
    prices, unknown = _prices(settings, price, named)
    asked = view.parameters(every=every, precedence=list(rule.precedence), **prices)
    calls, split, reference, rated, unpriced = (
        store.table(name, asked) for name in ("calls", "split", "reference", "rated", "unpriced")
    )
    with_answers = reference[reference["prompts"] > 0]
    missing = {
        name: sorted(goal for goal in with_answers["goal"].unique() if goal not in named or goal in unknown[name])
        for name in (CHEAP, STRONG)
    }
    same_prompts = store.table("same_prompts", asked)
    lines = [name for name, goals in missing.items() if goals]
    prompts = int(reference["prompts"].sum())
    ends = _Ends(view, held.until)
    return CostReport(
        view=view,
        requests=int(reference["requests"].sum()),
        calls=int(calls["calls"].sum()),
        failed=int(calls["failed"].sum()),
        retries=int(calls["retries"].sum()),
        spent_usd=float(calls["cost_usd"].sum() + split["deciding_usd"].sum()),
        deciding_usd=float(split["deciding_usd"].sum()),
        cheap_usd=None if missing[CHEAP] else float(reference["cheap_usd"].sum()),
        strong_usd=None if missing[STRONG] else float(reference["strong_usd"].sum()),
        left_out=tuple(sorted({*missing[CHEAP], *missing[STRONG]})),
        estimated=float(reference["strong_estimated"].sum() / prompts) if prompts else 0.0,
        unpriced=int(unpriced["requests"].sum()),
        judged=int(rated["judged"].sum()),
        good=float(rated["good"].sum()),
        by_time=ends.added(_by_time(view, calls, split, reference, rated, unpriced, lines)),
        split=ends.added(split),
        latency=_latency(store.table("latency", asked)),
        per_call=_per_call(store.table("cost_per_call", asked), every),
        deciding=_deciding(*(store.table(name, asked) for name in ("deciding", "labels", "versions"))),
        same_prompts=ends.added(same_prompts[~same_prompts["line"].isin(lines)].reset_index(drop=True)),
        every=every,
    )


def _prices(
    settings: Settings, price: Callable[[str], Price | None], goals: Sequence[str]
) -> tuple[dict[str, object], dict[str, set[str]]]:
    """Each goal's cheapest and strongest arm with prices per token, and the goals where one is not known."""
    unknown: dict[str, set[str]] = {CHEAP: set(), STRONG: set()}
    columns: dict[str, list[object]] = {"goals": list(goals)}
    for goal in goals:
        arms = settings.goal(goal).arms
        for name, arm in ((CHEAP, arms[0]), (STRONG, arms[-1])):
            found = price(arm.model)
            if found is None:
                unknown[name].add(goal)
            columns.setdefault(name, []).append(arm.id)
            for end, rate in (
                ("in", found.input_usd_per_million_tokens if found else None),
                ("out", found.output_usd_per_million_tokens if found else None),
            ):
                columns.setdefault(f"{name}_{end}", []).append(None if rate is None else float(rate) / 1e6)
    empty = [f"{name}{end}" for name in (CHEAP, STRONG) for end in ("", "_in", "_out")]
    return {**{name: [] for name in empty}, **columns}, unknown


class _Ends:
    """When each step of a view ends: the last one with the last entry, because nothing is known of later."""

    def __init__(self, view: View, last: Any) -> None:
        import pandas as pd

        self._step = pd.Timedelta(seconds=view.bucket_s)
        until = view.until if last is None else min(view.until, max(last, view.since))
        self._until = pd.Timestamp(until).tz_convert("UTC").tz_localize(None)

    def added(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table with a column ``ends`` behind ``time``."""
        ends = (table["time"] + self._step).clip(upper=self._until)
        table.insert(1, "ends", ends.where(ends > table["time"], table["time"] + self._step))
        return table


def _by_time(
    view: View,
    calls: pd.DataFrame,
    split: pd.DataFrame,
    reference: pd.DataFrame,
    rated: pd.DataFrame,
    unpriced: pd.DataFrame,
    unknown: Sequence[str],
) -> pd.DataFrame:
    """One row per point in time, without gaps: money and ratings of that step (not summed up yet)."""
    parts = [
        calls.groupby("time")[["cost_usd", "calls"]].sum(),
        split.groupby("time")["deciding_usd"].sum(),
        reference.groupby("time")[["requests", "cheap_usd", "strong_usd"]].sum(),
        unpriced.set_index("time")["requests"].rename("unpriced"),
        rated.groupby("time")[["judged", "good"]].sum(),
    ]
    table = parts[0].join(parts[1:], how="outer")
    table = table.reindex(table.index.union(view.points())).astype("float64").fillna(0.0)
    table[[f"{name}_usd" for name in unknown]] = float("nan")
    table.insert(0, "spent_usd", table.pop("cost_usd") + table.pop("deciding_usd"))
    return table.rename_axis("time").reset_index()


def _latency(found: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (row.arm, label, *_pair(values), row.calls)
        for row in found.itertuples()
        for label, values in (("first word", row.first_token_ms), ("whole answer", row.total_ms))
    ]
    table = pd.DataFrame(rows, columns=["arm", "measure", "p50_ms", "p95_ms", "calls"])
    return table[table["p50_ms"].notna()].reset_index(
        drop=True
    )  # answers that were not streamed have no first word


def _per_call(found: pd.DataFrame, every: int) -> pd.DataFrame:
    found["from_usd"], found["to_usd"] = 10.0 ** (found["step"] / 6), 10.0 ** ((found["step"] + 1) / 6)
    found["calls"] = found["calls"] * every
    return found.drop(columns="step")[["arm", "from_usd", "to_usd", "calls"]]


def _deciding(found: pd.DataFrame, labels: pd.DataFrame, versions: pd.DataFrame) -> pd.DataFrame:
    pairs = [_pair(one) for one in found.pop("ms")]
    found["p50_ms"], found["p95_ms"] = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    found.insert(
        3, "each_usd", found["deciding_usd"] / (found["decisions"] - found["unknown"]).where(lambda n: n > 0)
    )
    for name, table in (("judged", labels), ("versions", versions)):
        known = dict(zip(table["policy"], table[name], strict=True))
        found[name] = [int(known.get(policy, 0)) for policy in found["policy"]]
    return found


def _pair(quantiles: Any) -> tuple[float, float]:
    """Two quantiles; not a number where there was nothing to order (the database's NULL)."""
    return (quantiles[0], quantiles[1]) if hasattr(quantiles, "__len__") else (float("nan"), float("nan"))
