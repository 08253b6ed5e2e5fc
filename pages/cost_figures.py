"""The figures on top of the costs page, and the routers in words and as measured."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import streamlit as st

from pages.formatting import dollars, duration, escaped
from router_core.registry import POLICIES, PolicyEntry
from router_core.views.costs import CostReport


def show_figures(report: CostReport) -> None:
    """Spend, savings, requests, ratings: each with how it went."""
    series = report.by_time
    if len(series) > 2 and _has_only_begun(series):
        series = series.iloc[:-1]  # it would look like a fall
    cells = st.container(horizontal=True, key="figures")
    failed = f", {report.failed:,} of them failed" if report.failed else ""
    cells.metric(
        "Spent",
        ("at least " if report.unpriced else "") + dollars(report.spent_usd),
        chart_data=series["spent_usd"].tolist(),
        help=f"Net: {report.calls:,} calls{failed}, {report.retries:,} retries, and"
        f" {escaped(dollars(report.deciding_usd))} for deciding."
        + _left_out(report.unpriced, "have an unknown cost"),
    )
    for name, against, total in (
        ("strong_usd", "strongest", report.strong_usd),
        ("cheap_usd", "cheapest", report.cheap_usd),
    ):
        _against(cells, report, against, total, (series[name] - series["referenced_usd"]).tolist())
    cells.metric(
        "Requests",
        f"{report.requests:,}",
        chart_data=series["requests"].tolist(),
        help=f"{report.calls:,} calls: comparing asks several models, and after a failure another one answers.",
    )
    _ratings(cells, report, series)
    share = report.unpriced / max(1, report.requests)
    unpriced = series["unpriced"] / series["requests"].where(series["requests"] > 0)
    cells.metric(
        "Price unknown",
        f"{share:.1%}" if report.unpriced else "none",
        chart_data=unpriced.fillna(0.0).tolist() if report.unpriced else None,
        help=f"{report.unpriced:,} of {report.requests:,} requests have a call, a retry or a decision whose price"
        " is unknown. They are left out of every sum; savings and means are over the other requests.",
    )


def _has_only_begun(series: Any) -> bool:
    """Whether the last step is not over, or the log ends in it."""
    last = series["time"].iloc[-1]
    over = last + (series["time"].iloc[1] - series["time"].iloc[0])
    return bool(series["ends"].iloc[-1] < over or datetime.now(UTC).replace(tzinfo=None) < over)


def _left_out(requests: int, why: str) -> str:
    """How many requests a figure does not count; nothing where it counts all."""
    return f" {requests:,} request{'s' * (requests != 1)} {why} and are not counted." if requests else ""


def _against(cells: Any, report: CostReport, against: str, total: float | None, through_time: list[float]) -> None:
    if total is None:
        goals = ", ".join(escaped(goal) for goal in report.left_out)
        cells.metric(
            f"Against the {against}",
            "price unknown",
            help=f"The {against} model of {goals} has no known price, or the goal is no longer in the settings;"
            " filter by another goal, or enter the price in Settings.",
        )
        return
    saved = report.saved_against(total)
    if saved is None:
        cells.metric(
            f"Against the {against}",
            "cost unknown",
            help="Of no request here are all costs known; enter prices in Settings.",
        )
        return
    share = f" ({abs(saved) / total:.0%})" if 0 < abs(saved) <= total else ""
    cells.metric(
        f"{'Saved against' if saved >= 0 else 'More than'} always the {against}",
        dollars(abs(saved), estimated=True) + share,
        chart_data=through_time,
        help=f"Net of deciding, retries and failed calls. Always the {against} would have cost"
        f" {escaped(dollars(total, estimated=True))}; where that model was not called, this is an estimate"
        " from the tokens of the answer that was given"
        + (f" ({report.estimated:.0%} of the prompts)." if against == "strongest" else ".")
        + _left_out(
            report.requests - report.referenced,
            "have an unknown cost, or no answer to compare the strongest with,",
        ),
    )


def _ratings(cells: Any, report: CostReport, series: Any) -> None:
    rates = report.good_interval
    if rates is None:
        cells.metric("Judged good", "no ratings yet", help="Rate answers under Try or Rate.")
        return
    good = series["good"].cumsum() / series["judged"].cumsum().where(series["judged"].cumsum() > 0)
    digits = 0 if rates[1] - rates[0] > 0.02 else 1
    worst = report.good_at_worst
    cells.metric(
        "Judged good",
        f"{report.good / report.judged:.{digits}%} ({rates[0]:.{digits}%} to {rates[1]:.{digits}%})",
        None if worst is None else f"at the worst {worst[0]:.0%} to {worst[1]:.0%}",
        delta_color="off",
        delta_arrow="off",
        chart_data=good.bfill().fillna(0.0).tolist(),
        help=f"{report.judged:,} of {report.calls:,} answers were judged; 95 % interval. The line: up to then."
        + (
            ""
            if worst is None
            else " At the worst: if every other answer were bad, or every one good. People"
            " often rate because an answer is good, or because it is not."
        ),
    )
    each = report.per_good_usd
    so_far = series["priced_usd"].cumsum() / series["priced_calls"].cumsum().where(lambda calls: calls > 0)
    cells.metric(
        "Cost per good answer",
        "none yet" if not report.good else "cost unknown" if each is None else dollars(each, estimated=True),
        chart_data=(so_far / good.where(good > 0)).bfill().fillna(0.0).tolist(),
        help="Spend per call over the share judged good: the unrated are taken to be like the rated. The line: up"
        " to then." + _left_out(report.unpriced, "have an unknown cost"),
    )


def show_routers(report: CostReport) -> None:
    """What each router asks of its owner, beside what was measured in this part of the log."""
    st.header("The routers, in words and as measured here", anchor=False)
    rows = {row["policy"]: row for row in report.deciding.to_dict("records")}
    head = ("Router", "Set-up", "Adapts", "Extra time, median (95th percentile)", "Deciding cost", "Needs ratings")
    cells: dict[str, list[str]] = {name: [] for name in head}
    for policy in POLICIES.values():
        row = rows.get(policy.name)
        extra = f"a model's answer, {policy.asks}" if policy.asks else "none"
        cost = f"a call's, {policy.asks}" if policy.asks else "free"
        line = [policy.set_up, policy.adapts, extra, cost, "yes" if policy.learns else "no"]
        measured = [""] * 5 if row is None else _measured(policy, row)
        if row is None:
            measured[0] = "not seen here"
        texts = [f"{word}: {figure}" if figure else word for word, figure in zip(line, measured, strict=True)]
        for column, text in zip(cells.values(), [policy.label, *texts], strict=True):
            column.append(escaped(text))
    st.table(cells)


def _measured(policy: PolicyEntry, row: dict[Any, Any]) -> list[str]:
    """Beside set-up, adapting, extra time, cost and ratings."""
    versions = f"{row['versions']:,} version{'s' * (row['versions'] != 1)} seen"
    decisions = max(1, row["decisions"])
    if policy.learns:
        adapts = f"{row['judged']:,} on its answers"
    else:
        adapts = f"{row['fell_back'] / decisions:.1%} fell back to the rules" if policy.asks else versions
    cost = "price unknown" if row["unknown"] == row["decisions"] else dollars(row["each_usd"]) + " each"
    if 0 < row["unknown"] < row["decisions"]:
        cost += f", {row['unknown']:,} of unknown cost"
    return [
        "" if adapts == versions else versions,
        adapts,
        f"{duration(row['p50_ms'])} ({duration(row['p95_ms'])})",
        "" if row["deciding_usd"] == 0 and not row["unknown"] else cost,
        f"{row['judged']:,} came",
    ]
