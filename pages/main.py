"""The shell around every page: page links on top; goal, models and this visit's money on the left."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from pages.address import arrive
from pages.decisions import hidden
from pages.formatting import dollars, escaped
from pages.mode import show_mode, show_switch
from pages.resources import Resources, current_goal, resources, settle_memory
from router_core.errors import RouterError
from router_core.registry import LABELS
from router_core.serving.access import AccessMiddleware
from router_core.serving.playground import Playground
from router_core.store.base import Comparison

st.set_page_config(page_title="Router Playground", page_icon="🔀", layout="wide", initial_sidebar_state=288)

# Answers side by side where each has room to be read, else below each other; less blank above; a router's line as
# dark as other text. Headings are set like text (those in answers are not ours), a long name in a badge is broken
# instead of cut off with what stands behind it, long lines of code in answers are wrapped, a page link that has
# the focus is seen to have it, and "Press Enter to apply" does not lie over what was typed.
_STYLE = """
<style>
:is(.st-key-answers, .st-key-queue-answers) [data-testid="stColumn"] { min-width: 13.5rem; }
[data-testid="stMainBlockContainer"] { padding-top: 4.75rem; }
[data-testid="stHeading"] :is(h2, h3) { font-size: 1rem; line-height: 1.6; letter-spacing: 0; padding: 0 0 1rem; }
[data-testid="stHeading"] h2:has(strong), .st-key-answers [data-testid="stHeading"] h2 { font-weight: 400; }
.st-key-table-head h2, [data-testid="stHeadingWithActionElements"]:not(:last-child) h2 { padding: 0; }
:is(.st-key-verdict, .st-key-what-if-answer, [class*="st-key-pair-"]) h2 {
  font-size: 1.75rem; line-height: 1.2; padding: 0.5rem 0 1rem;
}
[data-testid="stMarkdownContainer"] :not(td p) > .stMarkdownBadge { white-space: normal; overflow-wrap: anywhere; }
[data-testid="stSidebar"] h1 { font-size: 1.125rem; font-weight: 600; padding: 0.7rem 0 1rem; }
[data-testid="stTopNavLink"]:focus-visible { outline: 2px solid; }
[data-testid="InputInstructions"] { display: none; }
[data-testid="stMarkdown"] pre, [data-testid="stMarkdown"] pre code, [data-testid="stMarkdown"] pre code span {
  white-space: pre-wrap !important; overflow-wrap: anywhere;
}
[data-testid="stMarkdown"] :is(h4, h5, h6) { font-size: 1rem; line-height: 1.6; padding: 0.5rem 0 0.25rem; }
.st-key-decisions summary { opacity: 1; }
.katex { display: inline-block; max-width: 100%; max-height: 40rem; overflow: clip; overflow-clip-margin: 0.3em; }
</style>
"""
# The theme's light accent needs dark letters on it; on an open popover's button Streamlit darkens it too much.
_DARK = """
<style>
[data-testid^=stBaseButton-primary]:not(:disabled) :is(p, [aria-label^=Shortcut]), [data-tag] {
  color: #0b111a !important;
}
button[kind="tertiary"]:active, button[kind="tertiary"][aria-expanded="true"] { color: #8fbcf8; }
</style>
"""


def _visited(playground: Playground) -> list[Comparison]:
    """The prompts of this visit. Those that can no longer change are read once; what is read anew in this run is
    left for the page, as "fresh".
    """  # fmt: skip
    read: dict[str, Comparison] = st.session_state.setdefault("visited", {})
    fresh: dict[str, Comparison] = {}
    for prompt_id in st.session_state.get("visit", []):
        known = read.get(prompt_id)
        stored = {completion.id for completion in known.completions} if known else set()
        settled = known and all(decision.completion_id in stored for decision in known.decisions)
        if not settled or prompt_id == st.query_params.get("prompt"):
            found = playground.store.comparison(prompt_id)
            if found is not None:
                read[prompt_id] = fresh[prompt_id] = found
    st.session_state["fresh"] = fresh
    return list(read.values())


def _visit(shared: Resources) -> None:
    """The money of this visit. A prompt whose models are hidden is not in it yet: its cost would name them."""
    visited = _visited(shared.playground)
    told = [one for one in visited if not hidden(shared, one)]
    tally = shared.playground.tally(told)
    st.header("This visit", anchor=False)
    if len(told) < len(visited):
        st.caption("Blind prompts are counted once they are rated.")
    elif not visited:
        st.caption("Nothing spent yet.")
    if not told:
        return
    saved = tally.saved_usd
    spent, net = st.columns(2, gap="xsmall")
    spent.metric("Spent", dollars(tally.spent_usd), help="All answers, and what deciding cost.")
    if saved is not None and saved < 0:
        net.metric(
            "Comparing",
            dollars(-saved, tally.estimated),
            help="What it cost to ask several models, beyond asking the strongest one once per prompt; deciding"
            " included. It is the price of the comparison, not of routing.",
        )
    else:
        net.metric(
            "Saved",
            "unknown" if saved is None else dollars(saved, tally.estimated),
            help="Against asking the strongest model once per prompt, deciding included.",
        )
    st.caption(
        escaped(f"{tally.prompts} prompt{'s' * (tally.prompts != 1)}; deciding cost {dollars(tally.deciding_usd)}")
    )
    if tally.unknown:
        st.caption(f"{tally.unknown} of unknown cost, not counted as spent")
    if tally.compared < tally.prompts:
        st.caption(
            f"Saved or lost on {tally.compared} of {tally.prompts} prompts; of the others a cost, or what the"
            " strongest model would cost, is unknown"
        )
    alone = [
        f"{LABELS[name]}: {escaped(_saved(money.saved_usd, money.estimated))}"
        + (f" (on {money.prompts} of {tally.prompts} prompts)" if money.prompts < tally.prompts else "")
        for name, money in tally.routers.items()
        if name in LABELS
    ]
    if alone:
        st.caption("  \n".join(["Each router alone, against the strongest model:", *alone]))


def _saved(amount: Decimal, estimated: bool) -> str:
    if amount == 0:
        return "nothing saved"
    return f"{dollars(abs(amount), estimated)} {'saved' if amount > 0 else 'lost'}"


if st.context.headers and not AccessMiddleware.in_force:
    st.title("Router Playground")
    st.error(
        "This server does not check who may look. Start the panel with `make run`, `router-core app` or"
        " `streamlit run app.py`.",
        icon=":material/error:",
    )
    st.stop()
settle_memory()
st.html(_STYLE)  # before anything is drawn that it would move
try:
    shared = resources()
except RouterError as error:
    st.title("Router Playground")
    st.error(escaped(str(error)), icon=":material/error:")
    st.stop()

if st.context.theme.type == "dark":
    st.html(_DARK)
if shared.playground.store.read_only:
    st.info(
        escaped(
            f"The store {shared.playground.store.location} can only be read: everything in it can be seen and"
            " exported, nothing can be asked, rated or changed. Allow writing to it and restart to go on."
        ),
        icon=":material/lock:",
    )
page = st.navigation(
    [
        st.Page("verdict.py", title="Verdict", default=True),
        st.Page("playground.py", title="Try", url_path="try"),
        st.Page("history.py", title="Rate", url_path="rate"),
        st.Page("costs.py", title="Costs"),
        st.Page("learning.py", title="Learning"),
        st.Page("ship.py", title="Ship"),
        st.Page("settings.py", title="Settings"),
    ],
    position="top",
)
arrive("a record" if "id" in st.query_params else page.url_path or "verdict")
with st.sidebar:
    st.title("Router Playground", anchor=False)
    goals = list(shared.playground.settings.goals)
    st.selectbox("Use case", goals, key="goal", help="Each kind of traffic learns by itself.")
    show_mode(shared, current_goal())
    st.space("small")
    _visit(shared)
st.set_page_config(page_title=f"{page.title} · Router Playground")
show_switch(shared, current_goal())
page.run()
