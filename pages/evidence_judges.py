"""Judges: what models said of stored answers, how far they err, and what holds once people have corrected them."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from pages.address import Address
from pages.formatting import escaped, labels
from pages.resources import Resources
from router_core.evaluation.by_file.conclusion import TOLERANCE
from router_core.evaluation.judges import JudgeReport, judge_reports
from router_core.evaluation.wording import percent, span
from router_core.words import dollars

_ALWAYS = {"since": datetime(1970, 1, 1, tzinfo=UTC), "until": datetime(9999, 1, 1, tzinfo=UTC)}


def show_judges(shared: Resources, address: Address) -> None:
    """Each judge, its verdict first."""
    goal = st.session_state["goal"]
    address.write()
    reports, spent = _reports(shared, (*shared.state, goal), goal)
    if not reports:
        _what_is_needed(goal)
        return
    settings = shared.playground.settings
    names = labels([arm.arm() for arm in settings.goal(goal).arms])
    for at, report in enumerate(reports):
        _one(report, names, spent.get(report.who), at)
    st.caption(
        "A judge's words teach no router. People's ratings of what was drawn for them measure its error, which is"
        " taken out; the intervals hold for one look at a number of ratings fixed beforehand. The test that may be"
        " looked at any time is the one on people's pairs."
    )


@st.cache_data(max_entries=8, show_spinner=False)
def _reports(
    _shared: Resources, state: Hashable, goal: str
) -> tuple[tuple[JudgeReport, ...], dict[str, dict[str, Any]]]:
    store = _shared.playground.store
    arms = [arm.id for arm in _shared.playground.settings.goal(goal).arms]
    spent = {row["who"]: row for row in store.rows("judging", {"goal": goal, **_ALWAYS})}
    return judge_reports(store, goal, arms), spent


def _one(report: JudgeReport, names: dict[str, str], spent: dict[str, Any] | None, at: int) -> None:
    with st.container(border=True, key=f"judge-{at}"):
        said = [pair.sentence(TOLERANCE) for pair in report.pairs] or [_alone(report)]
        for sentence in said:
            st.header(escaped(_named(sentence, names)), anchor=False)
        st.markdown(escaped(f"{report.who}: {report.judged:,} answers judged{_cost(spent)}."))
        for line in report.lines:
            st.markdown(f"- {escaped(line)}")
        if report.answered < report.for_people:
            left = report.for_people - report.answered
            st.markdown(
                f"{report.answered:,} of the {report.for_people:,} prompts drawn for people are judged;"
                f" **{left:,}** wait."
            )
            st.page_link("history.py", label="Rate them", icon=":material/thumbs_up_down:")
        _table(report, names, at)


def _alone(report: JudgeReport) -> str:
    main = report.main
    return "Nothing was judged yet." if main is None else main.refusal or "One model was judged."


def _cost(spent: dict[str, Any] | None) -> str:
    if spent is None:
        return ""
    unknown = f" and {spent['unknown']:,} calls of unknown cost" if spent["unknown"] else ""
    return f" for {dollars(spent['cost_usd'])}{unknown}"


def _table(report: JudgeReport, names: dict[str, str], at: int) -> None:
    """What people would say, beside people alone and the judge alone."""
    rows = []
    for arm, found in report.models.items():
        rows.append((names.get(arm, arm), found, percent))
    for pair in report.pairs:
        first, second = (names.get(arm, arm) for arm in (pair.first, pair.second))
        rows.append((f"{second} less {first}", pair.difference, span))
    with st.expander("Corrected, people alone and the judge alone", key=f"judge-figures-{at}"):
        st.table(
            {
                "": [escaped(name) for name, _, _ in rows],
                "Corrected": ["-" if one.estimate is None else said(one.estimate) for _, one, said in rows],
                "People alone": ["-" if one.alone is None else said(one.alone) for _, one, said in rows],
                "Judge alone, with its error": [f"{100 * one.judge:+.1f}" for _, one, _ in rows],
                "Judged": [f"{one.judged:,}" for _, one, _ in rows],
                "By people, too": [f"{one.people:,}" for _, one, _ in rows],
            }
        )


def _named(sentence: str, names: dict[str, str]) -> str:
    for arm, name in sorted(names.items(), key=lambda item: -len(item[0])):
        sentence = sentence.replace(arm, name)
    return sentence


def _what_is_needed(goal: str) -> None:
    with st.container(border=True, key="what-a-judge-needs"):
        st.header("Here you will see what a judge is worth, and what holds with its help.", anchor=False)
        st.markdown(
            "A model judges the answers that are stored, two to the same prompt against each other, blind and in"
            " both orders. A part is drawn for people: their ratings measure its error."
        )
        which = "" if goal == "default" else f" --goal {goal}"
        st.code(f"router-core judge --by openai/gpt-4o --limit 2{which}", language="bash")
        st.caption("It says beforehand what it costs, keeps the limit, and asks nothing twice.")
