"""What does it cost, what does it save? Money, traffic and time of any part of the log, live."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import streamlit as st

from pages.calculator import show_calculator
from pages.resources import Resources, resources
from pages.shown import ROUTER_NAMES, dollars, duration, escaped, labels
from pages.traffic import offer_traffic
from router_core import cost_charts
from router_core.analytics import CostReport, Extent, View, choices, costs, extent, ranges
from router_core.charts import Theme
from router_core.errors import RouterError

_REFRESH_S = 5.0
_ANY = "any"
_FROM_TO = "from-to"
_WORDS = {
    "heuristic": ("edit points and keywords", "when somebody edits them"),
    "classifier": ("write a prompt, pick a model", "never"),
    "thompson": ("say what a good answer is worth", "with every rating"),
}


def _view(shared: Resources, held: Extent) -> View:
    """The controls; they live in the address, so that a view can be shared."""
    found = choices(shared.playground.store)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="cost-controls"):
        span = st.segmented_control(
            "Range", [*ranges(), _FROM_TO], default="24 h", key="range", bind="query-params", required=True
        )
        goal = st.selectbox("Goal", [_ANY, *found["goal"]], key="of-goal", bind="query-params", width=150)
        policies = [name for name in ROUTER_NAMES if name in found["policy"]]
        policy = st.selectbox(
            "Router",
            [_ANY, *policies],
            key="router",
            bind="query-params",
            width=170,
            format_func=lambda name: ROUTER_NAMES.get(name, name),
        )
        arm = st.selectbox("Model", [_ANY, *found["arm"]], key="model", bind="query-params", width=200)
        origin = st.selectbox("Origin", [_ANY, *found["origin"]], key="origin", bind="query-params", width=150)
        st.toggle("Live", value=True, key="live", bind="query-params", help="Refreshes every 5 seconds.")
        st.toggle("Tables", key="tables", bind="query-params", help="Show the figures behind every chart.")
    chosen = [None if value == _ANY else value for value in (goal, policy, arm, origin)]
    until = datetime.now(UTC)
    since = held.since or until
    length = ranges().get(span)
    if span == _FROM_TO:
        days = st.date_input("Days", (since.date(), until.date()), key="days", width=260)
        first, last = (days[0], days[-1]) if isinstance(days, tuple) and days else (since.date(), until.date())
        since = datetime.combine(first, time(), UTC)
        until = datetime.combine(last, time(), UTC) + timedelta(days=1)
    elif length is not None:
        since = until - length
    view = View(since, until, *chosen)
    step = timedelta(seconds=view.bucket_s)  # up to the next point in time: the same view until then
    until += step - (until - datetime(2000, 1, 1, tzinfo=UTC)) % step
    return View(until - length if length is not None else since, until, *chosen)


@st.cache_resource(max_entries=32, show_spinner=False)
def _prepared(
    _shared: Resources, place: str, revision: int, settings: str, view: View, theme: Theme
) -> tuple[CostReport, dict[str, dict[str, Any]]]:
    """The report and its charts, until the store changes."""
    playground = _shared.playground
    report = costs(playground.store, playground.settings, playground.price, view)
    names = _arm_labels(_shared, view)
    ends = list(names.values())
    charts = {
        "spend": cost_charts.spend_chart(report.by_time, ends[0], ends[-1], theme),
        "per_call": cost_charts.per_call_chart(report.per_call, names, theme),
        "latency": cost_charts.latency_chart(report.latency, names, theme),
    }
    for policy, chart in cost_charts.split_charts(report.split, names, ROUTER_NAMES, theme).items():
        charts[f"split-{policy}"] = chart
    if len(report.same_prompts):
        charts["same_prompts"] = cost_charts.same_prompts_chart(report.same_prompts, ROUTER_NAMES)
    return report, charts


def _arm_labels(shared: Resources, view: View) -> dict[str, str]:
    goals = shared.playground.settings.goals
    chosen = [goals[view.goal]] if view.goal in goals else list(goals.values())
    return labels(list({arm.id: arm.arm() for goal in chosen for arm in goal.arms}.values()))


def _report(shared: Resources, held: Extent) -> None:
    playground = shared.playground
    view = _view(shared, held)
    theme: Theme = "dark" if st.context.theme.type == "dark" else "light"
    store = playground.store
    report, charts = _prepared(shared, store.location, store.revision, playground.settings.version, view, theme)
    if not report.calls:
        st.info("No calls in this range with these filters; choose a longer range or fewer filters.")
        return
    _figures(report)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Spend, added up**")
        _chart(
            "spend", charts, "Dollars spent through time beside always-cheap and always-strong.", report.by_time
        )
        st.markdown("**Cost of a call**")
        _chart("per_call", charts, "How many calls cost how much, per model.", report.per_call)
    with right:
        st.markdown("**Who got the traffic**")
        for policy, name in ROUTER_NAMES.items():
            if f"split-{policy}" in charts:
                st.caption(name)
                rows = report.split[report.split["policy"] == policy]
                _chart(f"split-{policy}", charts, f"Share of each model in the decisions of {name}.", rows)
        st.markdown("**How long it took**")
        _chart("latency", charts, "Median and 95th percentile of first word and whole answer.", report.latency)
    st.markdown("**The routers on the same prompts**")
    if "same_prompts" in charts:
        prompts = int(report.same_prompts.groupby("policy")["prompts"].sum().max())
        st.caption(f"Deciding included, on the {prompts:,} prompts that several routers decided.")
        text = "Dollars that each router spent on the same prompts, added up."
        _chart("same_prompts", charts, text, report.same_prompts)
    else:
        st.caption("No prompt in this range was decided by several routers; compare some in the playground.")
    st.markdown("**The routers, in words and as measured here**")
    st.table(_routers(report))
    if report.every > 1:
        st.caption(
            f"Times and costs per call are read from about one call in {report.every}; sums from every call."
        )


def _figures(report: CostReport) -> None:
    series = report.by_time
    cells = st.container(horizontal=True, key="figures")
    spent = series["spent_usd"].tolist()
    cells.metric(
        "Spent",
        dollars(report.spent_usd),
        chart_data=spent,
        help=f"Answers, retries, failed calls, and {dollars(report.deciding_usd)} for deciding.",
    )
    for name, against, total in (
        ("strong_usd", "strongest", report.strong_usd),
        ("cheap_usd", "cheapest", report.cheap_usd),
    ):
        if total is None:
            cells.metric(f"Against the {against}", "price unknown")
            continue
        saved = total - report.spent_usd
        cells.metric(
            f"{'Saved' if saved >= 0 else 'Lost'} against always the {against}",
            dollars(abs(saved), estimated=True),
            chart_data=(series[name] - series["spent_usd"]).tolist(),
            help=f"Net of deciding. Always the {against} would have cost {dollars(total, estimated=True)};"
            " where that model was not called, estimated from the tokens of the answer that was given.",
        )
    cells.metric("Requests", f"{report.requests:,}", chart_data=series["requests"].tolist())
    rates = report.good_interval
    if rates is None:
        cells.metric("Judged good", "no ratings yet")
    else:
        share = (series["good"] / series["judged"].where(series["judged"] > 0)).ffill().bfill()
        cells.metric(
            "Judged good",
            f"{report.good / report.judged:.0%} ({rates[0]:.0%} to {rates[1]:.0%})",
            chart_data=share.tolist(),
            help=f"{report.judged:,} of {report.calls:,} answers were judged; 95 % interval.",
        )
        each = report.spent_usd / report.calls * report.judged / report.good if report.good else None
        cells.metric(
            "Cost per good answer",
            dollars(each, estimated=True) if each is not None else "none yet",
            help="Spend per call over the share judged good: the unrated are taken to be like the rated.",
        )
    share_unknown = report.unknown / max(1, report.calls)
    cells.metric(
        "Price unknown", f"{share_unknown:.1%}", help=f"{report.unknown:,} calls or decisions are in no sum."
    )


def _chart(name: str, charts: dict[str, dict[str, Any]], description: str, table: Any) -> None:
    st.vega_lite_chart(charts[name], alt=description, key=f"chart-{name}")
    if st.session_state.get("tables"):
        st.dataframe(table, hide_index=True, key=f"table-{name}")


def _routers(report: CostReport) -> dict[str, list[str]]:
    rows = {row["policy"]: row for row in report.deciding.to_dict("records")}
    cells: dict[str, list[str]] = {
        name: []
        for name in ("Router", "Set-up", "Adapts", "Extra time, median (p95)", "Deciding cost", "Ratings used")
    }
    for policy, (set_up, adapts) in _WORDS.items():
        row = rows.get(policy)
        measured = ["not seen here"] * 2 + ["–"]
        if row is not None:
            each = row["deciding_usd"] / row["decisions"]
            used = f"{row['judged']:,}" if policy == "thompson" else f"none ({row['judged']:,} there)"
            wait = f"{duration(row['p50_ms'])} ({duration(row['p95_ms'])})"
            measured = [wait, "free" if each == 0 else f"{dollars(each)} each", used]
        line = [ROUTER_NAMES[policy], set_up, adapts, *(escaped(cell) for cell in measured)]
        for column, cell in zip(cells.values(), line, strict=True):
            column.append(cell)
    return cells


def page() -> None:
    """The page, top to bottom."""
    shared = resources()
    try:
        held = extent(shared.playground.store)
        if held.completions:
            live = st.session_state.get("live", True)
            st.fragment(_report, run_every=_REFRESH_S if live else None)(shared, held)
        else:
            offer_traffic(shared, "Here you will see what your traffic costs and saves.", st.session_state["goal"])
        show_calculator(shared, st.session_state["goal"])
    except RouterError as error:
        st.error(str(error), icon=":material/error:")


page()
