"""What the costs page shows: money, traffic, time and ratings of a part of the log, as tables and a few figures.

Net: classifier calls, retries and failed calls are spend. What a model that was not called would have cost is an
estimate from the tokens of the answer that was given. An unknown cost is never zero: see ``CostReport``. SQL lives
in store/duckdb/questions.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from router_core.intervals import NEARLY_ALL, at_worst, share_of_sums
from router_core.settings import Settings
from router_core.store.base import Questions
from router_core.types import Price, TeachingRule
from router_core.views.filters import View, extent

if TYPE_CHECKING:
    import pandas as pd

SAMPLED: Final = 100_000
"""Above so many calls, quantiles and histograms look at a sample of about this size."""

CHEAP, STRONG = "cheap", "strong"

_SUMMED: Final = ("calls", "split", "reference")
_DIGITS: Final = 12  # a cost is stored with so many behind the point


@dataclass(frozen=True)
class CostReport:
    """Everything on the costs page, in dollars.

    ``spent_usd`` and ``deciding_usd`` are sums of what is known; ``unpriced`` requests have a call, a retry or a
    decision of unknown cost besides. ``priced_usd`` was spent on the others, in ``priced_calls``: means are over
    these. ``referenced`` requests are those of which also the reference is known, what the strongest model cost or
    would have cost: somebody answered, and the strongest model did if it was asked. ``referenced_usd`` was spent
    on them; always asking the first or the last model of each goal would have cost ``cheap_usd`` or ``strong_usd``
    on them. These two are None where a goal with traffic (``left_out``) has no known price for that model or is no
    longer in the settings. ``estimated`` is the share of the referenced that is
    estimated in ``strong_usd``.
    """

    view: View
    requests: int
    calls: int
    failed: int
    retries: int
    spent_usd: float
    deciding_usd: float
    unpriced: int
    priced_calls: int
    priced_usd: float
    referenced: int
    referenced_usd: float
    cheap_usd: float | None
    strong_usd: float | None
    left_out: tuple[str, ...]
    estimated: float
    judged: int
    good: float
    by_time: pd.DataFrame  # time, ends, and of each step these sums: spent_usd to strong_usd, judged, good
    split: pd.DataFrame  # time, ends, policy, arm, requests
    latency: pd.DataFrame  # arm, measure, p50_ms, p95_ms, calls
    per_call: pd.DataFrame  # arm, from_usd, to_usd, calls
    deciding: pd.DataFrame  # policy, decisions, deciding_usd, each_usd, p50_ms, p95_ms, cached, fell_back, ...
    same_prompts: pd.DataFrame  # time, ends, line, prompts, cost_usd; line: a router, "cheap" or "strong"
    every: int

    @property
    def saved_usd(self) -> float | None:
        """Against always asking the strongest model, on the referenced requests; negative: it cost more."""
        return self.saved_against(self.strong_usd)

    def saved_against(self, reference_usd: float | None) -> float | None:
        """``cheap_usd`` or ``strong_usd`` less what was spent on the same requests; None: unknown, or there are
        requests, but of none is enough known.
        """  # fmt: skip
        if reference_usd is None or (self.requests and not self.referenced):
            return None
        return round(reference_usd - self.referenced_usd, _DIGITS)

    @property
    def good_interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the share judged good; None without ratings."""
        if not self.judged:
            return None
        low, high = share_of_sums(self.good, self.good, self.judged)
        return float(low), float(high)

    @property
    def good_at_worst(self) -> tuple[float, float] | None:
        """Share good of all calls if every unrated answer were bad, or good; None: nearly all are rated."""
        rated = self.judged / self.calls if self.calls else 1.0
        if not self.judged or rated >= NEARLY_ALL:
            return None
        return at_worst(self.good / self.judged, rated)

    @property
    def per_good_usd(self) -> float | None:
        """Spend per call of known cost over the share judged good (the unrated are taken to be like the rated);
        None: no good one yet, or no known cost.
        """  # fmt: skip
        if not self.good or not self.priced_calls:
            return None
        return self.priced_usd / self.priced_calls * self.judged / self.good

    @property
    def compared(self) -> int:
        """Prompts of ``same_prompts``: the same routers all decided them, and every cost is known."""
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
        store.table(name, asked) for name in (*_SUMMED, "rated", "unpriced")
    )
    with_answers = reference[reference["prompts"] > 0]
    missing = {
        name: sorted(goal for goal in with_answers["goal"].unique() if goal not in named or goal in unknown[name])
        for name in (CHEAP, STRONG)
    }
    lines = [name for name, goals in missing.items() if goals]
    same_prompts = store.table("same_prompts", asked)
    all_sums = _sums(calls, split, reference)
    priced, referenced_sums = (
        all_sums.sub(_sums(*(store.table(name, asked | {"only": only}) for name in _SUMMED)), fill_value=0.0)
        for only in ("unpriced", "unreferenced")
    )
    not_asked = store.table("not_asked", asked).set_index("time")["deciding_usd"]
    referenced_sums["spent_usd"] = referenced_sums["spent_usd"].sub(not_asked, fill_value=0.0)
    by_time = _by_time(view, all_sums, priced, referenced_sums, rated, unpriced)
    sums = by_time.sum(numeric_only=True)
    referenced = round(sums["referenced"])
    by_time[[f"{name}_usd" for name in lines]] = float("nan")
    ends = _Ends(view, held.until)
    return CostReport(
        view=view,
        requests=round(sums["requests"]),
        calls=round(sums["calls"]),
        failed=int(calls["failed"].sum()),
        retries=int(calls["retries"].sum()),
        spent_usd=float(sums["spent_usd"]),
        deciding_usd=float(split["deciding_usd"].sum()),
        unpriced=round(sums["unpriced"]),
        priced_calls=round(sums["priced_calls"]),
        priced_usd=float(sums["priced_usd"]),
        referenced=referenced,
        referenced_usd=float(sums["referenced_usd"]),
        cheap_usd=None if missing[CHEAP] else float(sums["cheap_usd"]),
        strong_usd=None if missing[STRONG] else float(sums["strong_usd"]),
        left_out=tuple(sorted({*missing[CHEAP], *missing[STRONG]})),
        estimated=float(sums["estimated"] / referenced) if referenced else 0.0,
        judged=int(rated["judged"].sum()),
        good=float(rated["good"].sum()),
        by_time=ends.added(by_time),
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


def _sums(calls: pd.DataFrame, split: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """Per point in time what was spent, on how many calls and requests, and what the references come to."""
    parts = [
        calls.groupby("time")[["cost_usd", "calls"]].sum(),
        split.groupby("time")["deciding_usd"].sum(),
        reference.groupby("time")[["requests", "cheap_usd", "strong_usd", "strong_estimated"]].sum(),
    ]
    table = parts[0].join(parts[1:], how="outer").astype("float64").fillna(0.0)
    table.insert(0, "spent_usd", table.pop("cost_usd") + table.pop("deciding_usd"))
    return table


def _by_time(
    view: View,
    all_sums: pd.DataFrame,
    priced: pd.DataFrame,
    referenced: pd.DataFrame,
    rated: pd.DataFrame,
    unpriced: pd.DataFrame,
) -> pd.DataFrame:
    """One row per point in time, without gaps: money and ratings of that step (not summed up yet).

    ``_sums`` are of all prompts, of those of known cost, and of those with a reference.
    """
    columns = {"requests": "referenced", "spent_usd": "referenced_usd", "strong_estimated": "estimated"}
    table = all_sums[["spent_usd", "requests", "calls"]].join(
        [
            priced[["spent_usd", "calls"]]
            .add_prefix("priced_")
            .rename(columns={"priced_spent_usd": "priced_usd"}),
            referenced.drop(columns="calls").rename(columns=columns),
            unpriced.set_index("time")["requests"].rename("unpriced"),
            rated.groupby("time")[["judged", "good"]].sum(),
        ],
        how="outer",
    )
    table = table.reindex(table.index.union(view.points())).astype("float64").fillna(0.0)
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
