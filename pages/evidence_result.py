"""A judged file: the verdict on top, what it rests on below. See evidence_data.py for how it came about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.evidence_mistakes import show_mistakes
from pages.evidence_tables import figures_table
from pages.figure import draw, theme_now
from pages.formatting import dollars, escaped
from router_core.charts.common import Theme
from router_core.charts.evidence import money_chart, money_description, regret_chart, regret_description
from router_core.evaluation.by_file.kept import Judgement, as_csv
from router_core.evaluation.by_file.method import how_judged
from router_core.evaluation.by_file.table import HEADINGS, table
from router_core.evaluation.results import Report, load
from router_core.store.base import Store
from router_core.words import share

_COLUMNS = {  # heading of the table -> what it says
    "Good answers": "their share; the small figures everywhere are the ends of the interval",
    "Per 1,000 prompts": "what they cost, deciding included; ~ where tokens or cost are estimated",
    "Gain over random routing at the same cost": "points above a random mix of the models for the same money",
    "Saved at equal quality": "against the cheapest random mix with as many good answers; – where it is not known"
    " even roughly",
    "Value over the best model, per 1,000": "worth of the good answers less what they cost, above the best model"
    " for everything; for learners over the whole life, learning included; with a quality floor: the cost saved",
    "APGR": "what part of the gap between the two models its order of prompts recovers; a coin gets 0.500",
    "CPT50, CPT80": "share of prompts that must go to the strong model to recover half, and four fifths, of it",
}
_SHOWN = 8  # reasons in plain sight


@dataclass(frozen=True)
class _Kept:
    """A stored judgement, and what is made of it once."""

    judgement: Judgement
    document: str
    csv: str
    lines: list[tuple[str, ...]]
    method: tuple[str, ...]


@st.cache_resource(max_entries=8, show_spinner=False)
def _kept(_store: Store, place: str, id_: str) -> _Kept:
    """What stands in the store under this id.

    Raises:
        LookupError: nothing does (never remembered, so that it may come).
    """
    found = _store.evaluation(id_)
    if found is None or found.kind != "labelled":
        raise LookupError(id_)
    judgement: Judgement = load(Judgement, found.document)
    report = judgement.report
    return _Kept(judgement, found.document, as_csv(report), table(report), how_judged(report))


@st.cache_resource(max_entries=16, show_spinner=False)
def _charts(_report: Report, place: str, id_: str, theme: Theme) -> dict[str, dict[str, Any]]:
    charts = {}
    money = money_chart(_report, theme)
    if money is not None:
        charts["money"] = money
    if _report.regret:
        charts["regret"] = regret_chart(_report.regret, theme)
    return charts


def kept_judgement(store: Store, id_: str) -> Judgement:
    """A stored judgement, read once.

    Raises:
        LookupError: nothing is stored under this id.
        EvaluationError: it cannot be read.
    """
    return _kept(store, store.location, id_).judgement


def known_result(store: Store, id_: str) -> bool:
    """Whether such a result is kept."""
    try:
        _kept(store, store.location, id_)
    except LookupError:
        return False
    return True


def forget_result(store: Store, id_: str) -> None:
    """Delete a result for good."""
    store.erase_evaluation(id_)
    _kept.clear(store, store.location, id_)


def show_result(store: Store, id_: str) -> None:
    """Verdict, chart, table, regret, tasks, and prompts that went wrong."""
    kept = _kept(store, store.location, id_)
    report = kept.judgement.report
    theme = theme_now()
    charts = _charts(report, store.location, id_, theme)
    _verdict(kept)
    _downloads(kept, id_)
    st.header("What money buys", anchor=False)
    if "money" in charts:
        draw("chart-money", charts["money"], money_description(report))
        st.caption(_reading(report))
    else:
        st.caption("No price is known, so there is nothing to draw against money.")
    _table(kept)
    if report.tasks and report.regret:
        left, right = st.columns(2, gap="large")
        with left:
            _regret(report, charts)
        with right:
            show_tasks(report, titled=True)
    else:
        _regret(report, charts)
        show_tasks(report, titled=True)
    show_mistakes(report)


def _verdict(kept: _Kept) -> None:
    verdict = kept.judgement.verdict
    with st.container(border=True, key="verdict"):
        st.header(escaped(verdict.sentence), anchor=False)
        st.markdown(_list(verdict.reasons[:_SHOWN]))
        more = len(verdict.reasons) - _SHOWN
        if more > 0:
            with st.expander(f"{more} more reason{'s' * (more > 1)}", key="reasons"):
                st.markdown(_list(verdict.reasons[_SHOWN:]))
        if verdict.missing:
            st.markdown(f"**What is missing:** {escaped(verdict.missing)}.")
        with st.expander("How this was judged", key="method"):
            st.markdown(
                _list((*kept.method, *(f"{note[:1].upper()}{note[1:]}." for note in kept.judgement.notes)))
            )


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {escaped(line)}" for line in lines)


def _downloads(kept: _Kept, id_: str) -> None:
    report = kept.judgement.report
    worth, floor = report.objective.success_value_usd, report.objective.quality_floor
    aim = f"{dollars(worth)} per good answer" if worth is not None else f"at least {share(floor or 0, 0)} good"
    name = f"evidence-{id_[:8]}"
    with st.container(horizontal=True, vertical_alignment="center", key="result-tools"):
        judged = f"judged {report.created_at:%Y-%m-%d %H:%M} UTC"
        st.caption(escaped(f"{report.source}, {report.prompts:,} prompts; {aim}; {judged}"))
        st.download_button(
            "Report", kept.document, f"{name}.json", icon=":material/download:", type="tertiary",
            key="download-report", on_click="ignore", help="Everything on this page, as JSON.",
        )  # fmt: skip
        st.download_button(
            "Table", kept.csv, f"{name}.csv", icon=":material/download:", type="tertiary",
            key="download-table", on_click="ignore", help="The table, unrounded, as CSV.",
        )  # fmt: skip


def _reading(report: Report) -> str:
    """How to read the chart."""
    said = "Bars hold 95 %. The line is what random mixes of the models buy: a router is worth something above it."
    if len(report.hull) < len(report.models) and report.hull:
        said += " Grey models are never worth their money."
    unpriced = [row.label for row in report.rows if row.cost_usd is None]
    if unpriced:
        said += f" Without a known price, and so not drawn: {escaped(', '.join(unpriced))}."
    return said


def _table(kept: _Kept) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="table-head"):
        st.header("Every way of choosing", anchor=False, width="content")
        with st.popover("What the columns say", type="tertiary", key="columns"):
            st.markdown("\n".join(f"- **{name}**: {what}" for name, what in _COLUMNS.items()))
    figures_table(HEADINGS, kept.lines, "table-routers")


def _regret(report: Report, charts: dict[str, dict[str, Any]]) -> None:
    if "regret" not in charts:
        return
    st.header("What learning costs", anchor=False)
    draw("chart-regret", charts["regret"], regret_description(report.regret))
    st.caption(
        f"Lost so far against {escaped(report.best_fixed)} for everything, while a router learns: mean"
        f" and 95 % band over {report.shuffles} shuffles. A simulation."
    )


def show_tasks(report: Report, titled: bool = False) -> None:
    """Each way's share of good answers, task by task; nothing where there are no tasks."""
    if not report.tasks:
        return
    if titled:
        st.header("Good answers by task", anchor=False)
    rows = [row for row in report.rows if row.name in report.tasks[0].accuracy]
    st.dataframe(
        [
            {
                "Task": task.task,
                "Prompts": task.prompts,
                **{row.label: 100 * task.accuracy[row.name] for row in rows},
            }
            for task in report.tasks
        ],
        hide_index=True,
        height=300 if len(report.tasks) > 7 else "content",
        key="table-tasks",
        column_config={
            "Task": st.column_config.TextColumn(pinned=True),
            "Prompts": st.column_config.NumberColumn(format="localized"),
            **{row.label: st.column_config.NumberColumn(format="%.1f %%") for row in rows},
        },
        alt="Share of good answers of every way of choosing, task by task.",
    )
    st.caption("The fewer prompts, the more chance: these figures have no intervals.")
