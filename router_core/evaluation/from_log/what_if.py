"""What a router, or one model for everything, would have scored and cost on logged traffic, in words and lines.

See offpolicy.py for the estimates, targets.py for what a router would choose.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from router_core.errors import UnknownArmError
from router_core.evaluation.from_log.offpolicy import OffPolicyEstimate, OffPolicyReport, Quantity, estimate
from router_core.evaluation.from_log.overlap import FEWEST_ROWS
from router_core.evaluation.from_log.targets import estimate_policy
from router_core.evaluation.from_log.traffic import Traffic, read_traffic
from router_core.evaluation.results import Estimate
from router_core.evaluation.wording import per_thousand, percent
from router_core.settings import Settings
from router_core.store.base import Store
from router_core.words import about, dollars, listing, share

ALWAYS = "always:"
"""A target of this and an arm's id: that model for everything."""

HEADINGS = ("Estimate", "Good answers", "At the worst", "Per 1,000 requests", "Effective answers")
_REFUSED = "no figure"
_SOURCES = {
    "thumb": "thumbs",
    "api": "reported by code",
    "check": "by checks",
    "condition": "by the success condition",
}


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A target beside what was logged.

    Args:
        target: what was asked about.
        report: its estimates.
        reward, cost_usd: what the log itself scored and cost per request, all routers together; None: nothing is
            known of it.
        failed: calls that failed; they have neither score nor cost.
        worst: what ``reward`` could be if every unrated answer were bad, or good; None: nearly all are rated.
        sources: source of ratings -> how many answers it has the word on.
    """

    target: str
    report: OffPolicyReport
    reward: Estimate | None
    cost_usd: Estimate | None
    failed: int
    worst: tuple[float, float] | None = None
    sources: Mapping[str, int] = field(default_factory=dict)

    def logged(self, quantity: Quantity) -> Estimate | None:
        """What was really scored or spent."""
        return self.reward if quantity == "reward" else self.cost_usd


def what_if(
    store: Store, settings: Settings, draft: Settings, goal: str, target: str, since: datetime | None = None
) -> WhatIf:
    """Ask the log about a target.

    Args:
        store: the log.
        settings: in force; they say which ratings count.
        draft: what the target router is set to: any version, or one never saved.
        goal: its name.
        target: the name of a policy, or ALWAYS and an arm's id.
        since: from when on; None: everything.

    Raises:
        SettingsError: there is no such goal.
        UnknownPolicyError, UnknownArmError: no router or model has that name.
        StoreError: the store cannot be read.
    """
    rows = read_traffic(store, settings, goal, since=since)
    if target.startswith(ALWAYS):
        report = _always(target.removeprefix(ALWAYS), rows)
    else:
        report = estimate_policy(store, draft, goal, target, rows)
    own = estimate(rows.log.probabilities, rows.log, estimators=("SNIPS",), least_ess=FEWEST_ROWS)
    reward, cost = (own.of(quantity, "SNIPS") for quantity in ("reward", "cost_usd"))
    return WhatIf(target, report, reward.figure, cost.figure, rows.failed, reward.worst, rows.sources)


def _always(arm: str, rows: Traffic) -> OffPolicyReport:
    if arm not in rows.log.arms:
        raise UnknownArmError(f"{arm!r} is not a model of the log; its models: {list(rows.log.arms)}")
    probabilities = np.zeros(rows.log.probabilities.shape)
    probabilities[:, rows.log.arms.index(arm)] = 1.0
    return estimate(probabilities, rows.log)


def sentence(found: WhatIf, name: str) -> str:
    """What the best estimator (DR) says, beside what was logged; or that the log cannot say."""
    scored, spent = (found.report.of(quantity, "DR") for quantity in ("reward", "cost_usd"))
    if scored.figure is None and spent.figure is None:
        return f"The log cannot say what {name} would have scored."
    parts = []
    if scored.figure is not None:
        was = "" if found.reward is None else f"; logged: {share(found.reward.value)}"
        ends = f"{100 * scored.figure.low:.1f} to {100 * scored.figure.high:.1f}"
        ends += "" if scored.worst is None else f", but {_worst(scored.worst)} at the worst, for few are rated"
        parts.append(f"given {share(scored.figure.value)} good answers ({ends}{was})")
    if spent.figure is not None:
        was = "" if found.cost_usd is None else f"; logged: {dollars(1000 * found.cost_usd.value)}"
        value, low, high = (
            dollars(1000 * one) for one in (spent.figure.value, spent.figure.low, spent.figure.high)
        )
        parts.append(f"cost {value} per 1,000 requests ({low} to {high}{was})")
    return f"{name[:1].upper()}{name[1:]} would have {' and '.join(parts)}."


def lines(found: WhatIf) -> list[tuple[str, ...]]:
    """The log and every estimator, one line of texts each, under ``HEADINGS``."""
    logged = (
        "As logged",
        _REFUSED if found.reward is None else percent(found.reward),
        _worst(found.worst),
        _REFUSED if found.cost_usd is None else per_thousand(found.cost_usd),
        "",
    )
    estimated = [
        (
            one.estimator,
            _REFUSED if one.figure is None else percent(one.figure),
            _worst(one.worst),
            _REFUSED if other.figure is None else per_thousand(other.figure),
            _effective(one),
        )
        for one in found.report.estimates
        if one.quantity == "reward"
        for other in [found.report.of("cost_usd", one.estimator)]
    ]
    return [logged, *estimated]


def refusals(found: WhatIf) -> list[str]:
    """Why there is no figure, each reason once."""
    said = {"reward": "good answers", "cost_usd": "cost"}
    reasons = {(one.quantity, one.refusal): None for one in found.report.estimates if one.refusal}
    every = {reason for _, reason in reasons}
    if len(every) == 1 and len(reasons) == len(said):
        return [f"No figure: {every.pop()}."]
    return [f"No figure for {said[quantity]}: {reason}." for quantity, reason in reasons]


def remarks(found: WhatIf, names: Mapping[str, str]) -> list[str]:
    """What one has to know to read the figures: who was rated, where traffic goes, what was left out.

    Args:
        found: of ``what_if``.
        names: arm id -> how it is called.
    """
    return list(_remarks(found, [names.get(arm, arm) for arm in found.report.arms]))


def _remarks(found: WhatIf, arms: Sequence[str]) -> Iterable[str]:
    report = found.report
    rated = next(one.known_share for one in report.estimates if one.quantity == "reward")
    each = [f"{arm} {share(part, 0)}" for arm, part in zip(arms, rated, strict=True) if part is not None]
    if each:
        yield f"Rated, of the answers of each model: {', '.join(each)}."
    if sum(report.target_share) > 0:
        yield f"It would send: {_split(arms, report.target_share)}. Logged: {_split(arms, report.logged_share)}."
    yield from (f"{warning[:1].upper()}{warning[1:]}." for warning in report.warnings)
    if report.left_out:
        yield (
            f"Left out, because they could not have chosen what it would: {', '.join(report.left_out)}."
            " Rules and classifier draw with probability 1 and speak for themselves alone, unless they explore."
        )
    if len(found.sources) > 1:
        every = sum(found.sources.values())
        parts = listing([f"{share(count / every, 0)} {_SOURCES[name]}" for name, count in found.sources.items()])
        yield (
            f"The word of several sources counts: {parts}. What each calls good may differ. A source that is left"
            " out of the goal's order of sources corrects for who rates instead."
        )
    if found.failed:
        yield f"{found.failed:,} calls failed; they have neither a rating nor a cost."


def _worst(ends: tuple[float, float] | None) -> str:
    return "" if ends is None else f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f} %"


def _split(arms: Sequence[str], shares: Sequence[float]) -> str:
    return ", ".join(f"{arm} {share(part, 0)}" for arm, part in zip(arms, shares, strict=True))


def _effective(one: OffPolicyEstimate) -> str:
    return "" if one.figure is None else f"{about(one.ess)} of {one.rows:,}"
