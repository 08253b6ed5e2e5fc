"""How do I take it along? What is in force, what a verdict would change, and the ways out and in."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime

import streamlit as st

from pages.address import Address
from pages.differences import show_changes
from pages.export_import import show_files, show_http, show_import, show_litellm, show_python
from pages.formatting import escaped, labels
from pages.front_evidence import of_file
from pages.resources import Resources, change_settings, resources
from pages.shipping import Shipped, dismiss, proposed, shipped, took_over
from router_core.errors import RouterError
from router_core.evaluation.by_file.doubts import STALE_AFTER
from router_core.evaluation.by_file.headline import headline
from router_core.exports.diff import changes
from router_core.registry import LABELS, RULES
from router_core.reports.people import report_html
from router_core.words import dollars_as_written, listing, share

_BY_RULES = "The rules then name one model for simple and for complex prompts; others can still be tried."
_STYLE = """<style>
.st-key-shipped h2 { font-size: 1.5rem; line-height: 1.25; font-weight: 700; padding: 0.1rem 0; }
.st-key-ship-row > div { min-width: min(100%, 22rem); }
</style>"""


def show_proposal(shared: Resources) -> None:
    """What the verdict would change, and the two answers to it."""
    wanted = proposed()
    if wanted is None:
        return
    now = shared.playground.settings
    differs = changes(now.document(), wanted.settings.document())
    with st.container(border=True, key="proposal"):
        st.header(f"Put it in force for {escaped(wanted.goal)}?", anchor=False)
        st.markdown(escaped(f"The verdict: {wanted.said}"))
        if wanted.is_for(now) and differs:
            show_changes(differs)
            if wanted.settings.goal(wanted.goal).router == RULES.name:
                st.caption(_BY_RULES)
        elif differs:
            st.caption("The settings were changed since; go back to the verdict and ship it again.")
        else:
            st.caption("That is what is in force already.")
        with st.container(horizontal=True, key="proposal-answers"):
            if wanted.is_for(now) and differs and st.button("Put in force", type="primary", key="do-ship"):
                change_settings(wanted.settings, f"shipped a verdict: {wanted.said}")
                took_over(Shipped(wanted.said, now, wanted.settings.version))
                st.session_state["saved"] = f"Put in force for {wanted.goal}."
                st.rerun()
            if st.button("Not now" if differs else "Close", key="dismiss-ship"):
                dismiss()
                st.rerun()


def show_undo(shared: Resources) -> None:
    """Take back what was put in force in this visit, as long as nothing came after it."""
    last = shipped()
    if last is None or shared.playground.settings.version != last.version:
        return
    if st.button(f"Undo: {escaped(last.said)}", key="undo-ship", icon=":material/undo:"):
        change_settings(last.before, f"took back: {last.said}")
        took_over(None)
        st.session_state["saved"] = "The settings are those of before."
        st.rerun()


def show_in_force(shared: Resources) -> None:
    """Router, models, worth and split, and what they rest on."""
    name, playground = st.session_state["goal"], shared.playground
    goal = playground.settings.goal(name)
    names = labels([arm.arm() for arm in goal.arms])
    with st.container(border=True, key="shipped"):
        always = goal.router == RULES.name and goal.tier_arm("simple") == goal.tier_arm("complex")
        what = f"{names[goal.tier_arm('simple')]} for everything" if always else LABELS[goal.router]
        st.header(escaped(f"In force for {name}: {what}"), anchor=False)
        worth = goal.success_value_usd
        aim = f"{dollars_as_written(worth)} for a good answer" if math.isfinite(worth) else "cost is ignored"
        version = playground.settings.version[:8]
        st.markdown(escaped(f"Between {listing(list(names.values()))}; {aim}; version {version}."))
        if not always:
            split = ", ".join(f"{names[arm]} {share(part, 0)}" for arm, part in playground.split(name).items())
            st.caption(escaped(f"Thompson sampling would send: {split}."))
        st.caption(escaped(_rests_on(shared, name)))


def _rests_on(shared: Resources, goal: str) -> str:
    """The evidence and its date; old evidence is called old."""
    ratings = sum(one.observations for one in shared.playground.posteriors(goal).values())
    said = f"Learned from {ratings:,} ratings." if ratings else "Nothing has been rated yet."
    file = of_file(shared)
    if file is None or file.judged is None:
        return f"{said} No file of scored answers was judged."
    report = file.judged.report
    age = datetime.now(UTC) - report.created_at
    old = f" That is more than {STALE_AFTER.days} days ago: judge again." if age > STALE_AFTER else ""
    found = f"{report.source}, {report.prompts:,} prompts: {headline(file.judged.verdict, report).answer}"
    return f"{said} Judged on {report.created_at:%Y-%m-%d} from {found}{old}"


def show_report(shared: Resources) -> None:
    """The verdict as a page for people."""
    file = of_file(shared)
    if file is None or file.judged is None:
        st.caption("There is no judged file yet. The page Verdict has a report of the example and of your pairs.")
        st.page_link("verdict.py", label="To the verdict", icon=":material/arrow_forward:")
        return
    judged = file.judged
    said = headline(judged.verdict, judged.report)
    st.markdown(f"**{escaped(said.question)}** {escaped(said.answer)}")
    st.caption(escaped(said.trade))
    stretches = file.stretches if judged.verdict.kind != "route" else ()
    st.download_button(
        "verdict.html",
        lambda: report_html(judged, stretches).encode(),
        "verdict.html",
        "text/html",
        key="download-people",
        icon=":material/description:",
        on_click="ignore",
    )
    st.caption("One page that needs nothing else, two in print. In the shell:")
    st.code("router-core verdict scored.csv --report verdict.html", language="sh")


_WAYS: dict[str, Callable[[Resources], None]] = {
    "router.json, YAML": show_files,
    "Python": show_python,
    "HTTP": show_http,
    "LiteLLM": show_litellm,
    "Report for people": show_report,
}


def page() -> None:
    """The page, top to bottom."""
    shared = resources()
    st.html(_STYLE)
    saved = st.session_state.pop("saved", None)
    if saved:
        st.success(escaped(saved))
    address = Address("ship")
    try:
        show_proposal(shared)
        show_undo(shared)
        show_in_force(shared)
        with st.container(border=True, key="export"):
            st.header("Take it along", anchor=False)
            way = st.segmented_control(
                "As",
                list(_WAYS),
                key=address.choice("as", list(_WAYS), next(iter(_WAYS))),
                label_visibility="collapsed",
                required=True,
            )
            address.write()
            _WAYS[way](shared)
        with st.container(border=True, key="import"):
            show_import(shared)
    except RouterError as error:
        st.error(escaped(str(error)), icon=":material/error:")


page()
