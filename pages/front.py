"""The first look: the question, the verdict in large letters, what it trades, and the slider that turns it."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import streamlit as st

from pages.address import Address
from pages.evidence_result import show_tasks
from pages.figure import draw, packed, theme_now
from pages.formatting import escaped
from pages.front_evidence import Shown, of_example, of_file, of_pairs, own_pairs
from pages.front_next import show_progress, show_ways
from pages.resources import Resources
from pages.shipping import Proposal, propose
from router_core.charts.common import Spec, Theme, model_color
from router_core.charts.evidence import money_description
from router_core.charts.verdict import HEIGHT, verdict_chart
from router_core.evaluation.by_file.doubts import doubts
from router_core.evaluation.by_file.headline import headline, turning
from router_core.evaluation.by_file.kept import Judgement
from router_core.evaluation.by_file.method import how_judged
from router_core.evaluation.by_file.published import published
from router_core.evaluation.results import Report
from router_core.reports.people import report_html
from router_core.words import dollars_as_written, share

_PARTS = ("1", "1.5", "2", "3", "5", "7")
_LADDER = [*(float(f"{part}e{power}") for power in range(-4, 2) for part in _PARTS), 100.0]
"""Worths of a good answer on the slider, in dollars: about six per factor of ten."""

_STYLE = (
    f"""<style>
.st-key-verdict-chart {{ min-height: {HEIGHT}px; }}
"""
    + """
.st-key-question h2 { font-size: 1.25rem; line-height: 1.3; font-weight: 600; padding: 0.25rem 0; }
.st-key-hero h3 {
  font-size: clamp(1.75rem, 3.4vw, 2.75rem); line-height: 1.12; font-weight: 700; padding: 0.1rem 0 0;
}
.st-key-trade p { font-size: 1.125rem; line-height: 1.4; }
.st-key-hero:has(.st-key-published) { border: 2px dashed var(--st-orange-color, #b34700) !important; }
.st-key-figures [data-testid="stColumn"] { min-width: min(100%, 18rem); }
.st-key-turning { min-height: 3rem; }
.st-key-ways [data-testid="stColumn"] { min-width: min(100%, 13rem); }
.st-key-ways a, .st-key-verdict-tools a { background: transparent !important; }
.st-key-ways a { padding-left: 0; }
</style>"""
)


def show_front(shared: Resources, address: Address) -> None:
    """The page, top to bottom."""
    goal = st.session_state["goal"]
    st.html(_STYLE)
    own = own_pairs(shared, goal)
    if own is None:
        return
    shown = of_file(shared) or of_pairs(shared, goal, own)
    if shown is None:
        names = {one.name: one.title for one in published()}
        shown = of_example(st.session_state[address.choice("example", list(names), next(iter(names)))])
    worth = _worth(shared, goal, address, shown)
    found = shown.judge(worth)
    said = headline(found.verdict, found.report)
    with st.container(key="question"):
        st.header(escaped(said.question), anchor=False)
    with st.container(border=True, key="hero"):
        _where_from(shown, found)
        st.subheader(escaped(said.answer), anchor=False)
        with st.container(key="trade"):
            st.markdown(escaped(said.trade))
        with st.container(key="figures"):
            left, right = st.columns([3, 2], gap="large")
            with left:
                _chart(shown, found, worth)
            with right:
                _slider(shared, goal, shown, found, worth)
        _tools(shared, goal, shown, found, worth)
        _why(shown, found)
    address.write()
    show_ways(shared, shown.published is not None)
    show_progress(shared, goal, own)


def _worth(shared: Resources, goal: str, address: Address, shown: Shown) -> float:
    """What a good answer is worth: as the slider stands, at first as the use case (or the judged file) has it."""
    usual = shared.playground.settings.goal(goal).success_value_usd
    judged = shown.judged.report.objective.success_value_usd if shown.judged else None
    first = judged if judged is not None else usual if math.isfinite(usual) else _LADDER[-1]
    options = ladder(*(one for one in (usual, first) if math.isfinite(one)))
    st.session_state["worths"] = options
    key = address.choice("worth", options, first, {one: f"{one:g}" for one in options})
    return float(st.session_state[key])


def ladder(*more: float) -> list[float]:
    """The worths on the slider, with these among them."""
    options = _LADDER.copy()
    for one in more:
        at = bisect_left(options, one)
        if at == len(options) or options[at] != one:
            options.insert(at, one)
    return options


def _where_from(shown: Shown, found: Judgement) -> None:
    """Whose evidence it is, in words; an example with a choice of others."""
    report = found.report
    if shown.published is None:
        what = f"{report.source}, {report.prompts:,} prompts"
        st.markdown(f":green-badge[Your evidence] {escaped(what[:1].upper() + what[1:])}")
        return
    one = shown.published
    names = {each.name: each.models for each in published()}
    with st.container(horizontal=True, vertical_alignment="center", key="published"):
        st.markdown(
            f":orange-badge[Published example] **{escaped(one.title)}, not your traffic**", width="stretch"
        )
        st.pills(
            "Example",
            list(names),
            key="example",
            format_func=lambda name: " / ".join(model.name for model in names[name]),
            label_visibility="collapsed",
            required=True,
        )


@st.cache_resource(max_entries=200, show_spinner=False)
def _drawn(_report: Report, key: Hashable, worth: float, theme: Theme) -> Spec | None:
    spec = verdict_chart(_report, theme)
    return None if spec is None else packed(spec)


def _chart(shown: Shown, found: Judgement, worth: float) -> None:
    report = found.report
    spec = _drawn(report, shown.key, worth, theme_now())
    if spec is None:
        st.caption("No price is known, so there is nothing to draw against money.")
        return
    with st.container(key="verdict-chart"):
        draw("chart-verdict", spec, money_description(found.report))
    even = " Dashed: as good a buy as the best model at this worth." if report.objective.success_value_usd else ""
    st.caption(f"Bars hold 95 %. The line is what random mixes of the models buy.{even}")


def _slider(shared: Resources, goal: str, shown: Shown, found: Judgement, worth: float) -> None:
    """The worth of a good answer, where the verdict turns, and the split at this worth."""
    if found.report.objective.success_value_usd is None:
        floor = found.report.objective.quality_floor or 0.0
        st.markdown(f"**Wanted: at least {share(floor, 0)} good answers**, as cheaply as can be.")
        return
    st.select_slider(
        "What is one good answer worth to you?",
        st.session_state["worths"],
        key="worth",
        format_func=dollars_as_written,
    )
    with st.container(key="turning"):
        if shown.stretches:
            st.markdown(escaped(turning(shown.stretches, worth)))
        judged = shown.judged
        if judged is not None and worth != judged.report.objective.success_value_usd:
            at = judged.report.objective.success_value_usd or 0.0
            st.caption(
                escaped(f"Routers were judged at {dollars_as_written(at)}; at another worth only the models are.")
            )
    if shown.split is not None:
        _split(shown.split(worth), shown.published is not None or shown.judged is not None)
    usual = shared.playground.settings.goal(goal).success_value_usd
    if worth != usual:
        now = dollars_as_written(usual) if math.isfinite(usual) else "no limit: cost is ignored"
        st.caption(escaped(f"In force for {goal}: {now}. “Ship this” would change it, and asks first."))


def _split(shares: Mapping[str, float], from_nothing: bool) -> None:
    """A bar of the traffic, each model in its colour, with words."""
    theme = theme_now()
    parts = "".join(
        f'<div style="flex:{part:.4f} 0 0;background:{model_color(at, theme)}"></div>'
        for at, part in enumerate(shares.values())
        if part >= 0.0005
    )
    words = ", ".join(f"{share(part, 0)} {model}" for model, part in shares.items())
    st.markdown(
        escaped(f"Split: {words}"),
        help="What Thompson sampling would send to each model "
        + ("after exactly these answers." if from_nothing else "after all ratings of this use case."),
    )
    st.html(
        f'<div style="display:flex;width:100%;height:0.75rem;border-radius:0.375rem;overflow:hidden">{parts}</div>'
    )


def _tools(shared: Resources, goal: str, shown: Shown, found: Judgement, worth: float) -> None:
    stretches = shown.stretches if found.verdict.kind != "route" else ()
    with st.container(horizontal=True, vertical_alignment="center", key="verdict-tools"):
        proposal = Proposal.of(shared.playground.settings, goal, found, worth)
        if st.button("Ship this", key="ship-this", type="primary", icon=":material/deployed_code:",
                     disabled=proposal is None,
                     help="Nothing to ship yet: the verdict names neither a model nor a router that can serve."
                     if proposal is None else "Shows what would change, and asks."):  # fmt: skip
            assert proposal is not None
            propose(proposal)
        st.download_button(
            "Report",
            lambda: report_html(found, stretches, shown.published).encode(),
            "verdict.html",
            "text/html",
            key="report-people",
            icon=":material/description:",
            on_click="ignore",
            help="One page for people: verdict, chart, how it was judged, what would make it wrong.",
        )
        if shown.evaluation:
            _link("Everything about this file", {"tab": "My data", "evaluation": shown.evaluation})
        elif shown.published is None:
            _link("The test on these pairs", {"tab": "Pairs"})


def _link(label: str, query: dict[str, Any]) -> None:
    st.page_link("verdict.py", label=label, icon=":material/arrow_forward:", query_params=query)


def _why(shown: Shown, found: Judgement) -> None:
    """What the verdict rests on, in three lists; tasks where there are any."""
    with st.expander("Why: what was checked, and what would make it wrong", key="why"):
        st.markdown(f"**{escaped(found.verdict.sentence)}**")
        _list(found.verdict.reasons)
        st.markdown("**What would make this wrong**")
        _list(doubts(found, shown.stretches, shown.published is not None))
        st.markdown("**How it was judged**")
        one = shown.published
        source = () if one is None else (f"Source: {one.source}, {one.licence}. Scored {one.scored}. {one.costs}",)
        _list((*source, *how_judged(found.report)))
    if found.report.tasks:
        with st.expander(f"Task by task ({len(found.report.tasks)})", key="tasks"):
            show_tasks(found.report)


def _list(lines: Sequence[str]) -> None:
    st.markdown("\n".join(f"- {escaped(line)}" for line in lines))
