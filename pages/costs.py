"""What does it cost, what does it save? Money, traffic and time of any part of the log, live."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import streamlit as st

from pages.address import Address
from pages.calculator import show_calculator
from pages.contextual_costs import show_contextual
from pages.cost_figures import show_figures, show_routers
from pages.figure import packed, show_chart, theme_now, two_columns
from pages.formatting import badge, dollars, duration, escaped, labels
from pages.resources import Resources, State, resources
from pages.traffic import offer_traffic
from router_core.charts import costs as cost_charts
from router_core.charts.common import Spec, Theme
from router_core.errors import RouterError
from router_core.registry import LABELS
from router_core.views.costs import CHEAP, STRONG, CostReport, costs
from router_core.views.filters import Extent, View, choices, covering, days, extent, ranges, recent

_REFRESH_S = 5.0
_FROM_TO = "from-to"
_SPEND = (
    "time", "ends", "spent_usd", "referenced_usd", "cheap_usd", "strong_usd", "requests", "referenced", "unpriced"
)  # fmt: skip
_TIMES = ("policy", "decisions", "p50_ms", "p95_ms", "cached", "fell_back")
_PRICES = ("policy", "decisions", "deciding_usd", "each_usd", "unknown")


@st.cache_data(max_entries=4, show_spinner=False)
def _choices(_shared: Resources, state: State) -> dict[str, list[str]]:
    return choices(_shared.playground.store)


def _view(shared: Resources, held: Extent) -> View:
    """The controls; they live in the address, so that a view can be shared."""
    address = Address("costs")
    found = _choices(shared, shared.state)
    policies = [name for name in LABELS if name in found["policy"]]
    now = datetime.now(UTC)
    since = held.since or now
    spans = [*ranges(), _FROM_TO]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="cost-controls"):
        span = st.segmented_control(
            "Range", spans, key=address.choice("range", spans, covering(held, now)), required=True
        )
        if span == _FROM_TO:
            whole = (since.date(), now.date())
            picked = st.date_input("Days (UTC)", whole, key=address.days("days", whole), width=240)
        chosen = [
            address.one_of("Use case", "of-goal", found["goal"], 130, LABELS),
            address.one_of("Router", "router", policies, 170, LABELS),
            address.one_of("Model", "model", found["arm"], 200, LABELS),
            address.one_of("Origin", "origin", found["origin"], 130, LABELS),
        ]
        st.toggle("Live", key=address.toggle("live", True), help="Refreshes every 5 seconds.")
        st.toggle("Tables", key=address.toggle("tables"), help="Show the figures behind every chart.")
    address.write()
    view = View(since, now, *chosen)
    if span != _FROM_TO:
        return recent(view, ranges()[span])
    ends = picked if isinstance(picked, tuple) and picked else (since.date(), now.date())
    first, last = min(ends), max(ends)
    return days(view, first, last)


@st.cache_resource(max_entries=32, show_spinner=False)
def _prepared(_shared: Resources, state: State, view: View, theme: Theme) -> tuple[CostReport, dict[str, Spec]]:
    """The report and its charts, until the store changes."""
    playground = _shared.playground
    report = costs(playground.store, playground.settings, playground.price, view)
    names, ends = _arm_labels(_shared, view), _ends(_shared, view)
    charts = {
        "spend": cost_charts.spend_chart(report.by_time, view, ends, names, theme),
        "per_call": cost_charts.per_call_chart(report.per_call, names, theme),
        "latency": cost_charts.latency_chart(report.latency, names, theme),
        "deciding-time": cost_charts.deciding_time_chart(report.deciding, LABELS, theme),
        "deciding-cost": cost_charts.deciding_cost_chart(
            report.deciding, LABELS, list(_deciding_words(report).values()), theme
        ),
    }
    for policy, chart in cost_charts.split_charts(report.split, view, names, LABELS, theme).items():
        charts[f"split-{policy}"] = chart
    if len(report.same_prompts):
        charts["same-prompts"] = cost_charts.same_prompts_chart(
            report.same_prompts, view, LABELS, ends, names, theme
        )
    return report, {name: packed(chart) for name, chart in charts.items()}


def _goals(shared: Resources, view: View) -> list[Any]:
    goals = shared.playground.settings.goals
    return [goals[view.goal]] if view.goal in goals else list(goals.values())


def _arm_labels(shared: Resources, view: View) -> dict[str, str]:
    return labels(list({arm.id: arm.arm() for goal in _goals(shared, view) for arm in goal.arms}.values()))


def _ends(shared: Resources, view: View) -> tuple[str, str]:
    """What the cheapest and the strongest model are called: by name where all goals agree."""
    names = _arm_labels(shared, view)
    cheap, strong = ({goal.arms[place].id for goal in _goals(shared, view)} for place in (0, -1))
    return (
        names[cheap.pop()] if len(cheap) == 1 else "the cheapest",
        names[strong.pop()] if len(strong) == 1 else "the strongest",
    )


def _judging(shared: Resources, state: State, view: View) -> None:
    """What judges cost, which is in no other figure here: it is spent on evidence, not on answers."""
    rows = _judged(shared, state, view)
    if rows:
        unknown = sum(row["unknown"] for row in rows)
        more = f" and {unknown:,} calls of unknown cost" if unknown else ""
        spent = dollars(sum(row["cost_usd"] for row in rows))
        st.caption(f"Judges cost {escaped(spent)}{more} beside this, in this range.")


@st.cache_data(max_entries=8, show_spinner=False)
def _judged(_shared: Resources, state: State, view: View) -> list[dict[str, Any]]:
    moments = {name: view.parameters()[name] for name in ("since", "until", "goal")}
    return _shared.playground.store.rows("judging", moments)


def _report(shared: Resources, held: Extent, live: bool) -> None:
    view = _view(shared, held)
    if st.session_state["live"] != live:
        st.rerun()  # the pace of this fragment is set by the whole page
    theme = theme_now()
    report, charts = _prepared(shared, shared.state, view, theme)
    if not report.calls:
        st.info("No calls in this range with these filters; choose a longer range or fewer filters.")
        show_contextual(shared, view)
        return
    show_figures(report)
    _judging(shared, shared.state, view)
    if report.calls < held.completions:
        st.caption(
            f"{report.calls:,} of the {held.completions:,} calls in the log, which begins on"
            f" {held.since:%-d %B %Y}: the others are outside this range or these filters."
        )
    names = list(_arm_labels(shared, view).values())
    left, right = two_columns("cost-charts")
    with left:
        st.header("Cumulative spend", anchor=False)
        show_chart("spend", charts["spend"], _spend_words(shared, report), report.by_time, *_SPEND)
        if report.referenced < report.requests:
            st.caption(
                f"Of {report.referenced:,} of {report.requests:,} requests; of the others a cost, or what the"
                " strongest model would cost, is unknown."
            )
        if report.referenced and not any((report.referenced_usd, report.cheap_usd, report.strong_usd)):
            st.caption("All that is known here was free, and would have been: every line stays at $0.")
        st.header("The routers on the same prompts", anchor=False)
        _same_prompts(charts, report, _ends(shared, view))
        st.header("Cost of a call", anchor=False)
        words = "How many calls cost how much, per model. " + _per_model(report.per_call, "calls")
        show_chart("per_call", charts["per_call"], words, report.per_call)
    with right:
        st.header("Traffic split", anchor=False)
        st.markdown(" ".join(badge(name, index) for index, name in enumerate(names)))
        for policy, name in LABELS.items():
            if f"split-{policy}" in charts:
                rows = report.split[report.split["policy"] == policy]
                st.caption(f"{name}, {int(rows['requests'].sum()):,} decisions")
                words = f"Share of each model in the decisions of {name}. " + _per_model(rows, "requests")
                show_chart(f"split-{policy}", charts[f"split-{policy}"], words, rows)
        st.header("How long an answer took", anchor=False)
        show_chart("latency", charts["latency"], _time_words(report), report.latency)
        st.header("What deciding took and cost", anchor=False)
        took = [f"{LABELS[r.policy]} {duration(r.p50_ms)}" for r in report.deciding.itertuples()]
        cost = [f"{LABELS[name]} {text}" for name, text in _deciding_words(report).items()]
        words = f"Median: {', '.join(took)}."
        show_chart("deciding-time", charts["deciding-time"], words, report.deciding, *_TIMES)
        words = f"In all: {', '.join(cost)}."
        show_chart("deciding-cost", charts["deciding-cost"], words, report.deciding, *_PRICES)
    show_routers(report)
    show_contextual(shared, view)
    if report.every > 1:
        st.caption(
            f"Times and costs per call are read from about one call in {report.every}; sums from every call."
        )


def _same_prompts(charts: dict[str, Spec], report: CostReport, ends: tuple[str, str]) -> None:
    """What each router would have spent on the prompts that all of them decided."""
    if "same-prompts" not in charts:
        several = "was decided by several routers" + " and has known costs alone" * bool(report.unpriced)
        st.caption(f"No prompt here {several}; compare some under Try.")
        return
    names = {**LABELS, CHEAP: f"always {ends[0]} (~)", STRONG: f"always {ends[1]} (~)"}
    sums = report.same_prompts.groupby("line")["cost_usd"].sum()
    words = ", ".join(f"{name} {dollars(float(sums[line]))}" for line, name in names.items() if line in sums)
    plural = "s" * (report.compared != 1)
    st.caption(f"{report.compared:,} prompt{plural} of known cost that all of them decided, deciding included.")
    show_chart(
        "same-prompts", charts["same-prompts"], f"Dollars on the same prompts: {words}.", report.same_prompts
    )


def _spend_words(shared: Resources, report: CostReport) -> str:
    cheap, strong = _ends(shared, report.view)
    parts = [f"actual {dollars(report.referenced_usd)}"]
    for name, total in ((cheap, report.cheap_usd), (strong, report.strong_usd)):
        parts.append(f"always {name} {dollars(total, estimated=total is not None)}")
    said = f"Dollars spent through time, in the end: {', '.join(parts)}."
    beside = report.requests - report.referenced
    return f"{said} {beside:,} requests of which a cost is unknown are not in it." if beside else said


def _per_model(table: Any, column: str) -> str:
    sums = table.groupby("arm")[column].sum()
    return ", ".join(f"{arm}: {int(count):,}" for arm, count in sums.items()) + "."


def _time_words(report: CostReport) -> str:
    rows = report.latency.itertuples()
    said = [f"{r.arm}, {r.measure}: {duration(r.p50_ms)}, at most {duration(r.p95_ms)} in 95 %" for r in rows]
    return "Median and 95th percentile. " + "; ".join(said)


def _deciding_words(report: CostReport) -> dict[str, str]:
    """What stands at the bars: router -> what its decisions cost."""
    words = {}
    for row in report.deciding.to_dict("records"):
        cost = "price unknown" if row["unknown"] else "free"
        if row["deciding_usd"]:
            cost = f"{dollars(row['deciding_usd'])}, {dollars(row['each_usd'])} each"
            if row["unknown"]:
                cost += f", {row['unknown']:,} of unknown cost"
        words[str(row["policy"])] = cost
    return words


def page() -> None:
    """The page, top to bottom."""
    shared = resources()
    try:
        held = extent(shared.playground.store)
        if held.completions:
            live = bool(st.session_state[Address("costs").toggle("live", True)])
            st.fragment(_report, run_every=_REFRESH_S if live else None)(shared, held, live)
        else:
            offer_traffic(shared, "Here you will see what your traffic costs and saves.", st.session_state["goal"])
        show_calculator(shared, st.session_state["goal"])
    except RouterError as error:
        st.error(escaped(str(error)), icon=":material/error:")


page()
