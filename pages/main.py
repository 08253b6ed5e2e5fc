"""The shell around every page: page links on top; goal, models and this visit's money on the left."""

from __future__ import annotations

import streamlit as st

from pages.resources import resources, settle_memory
from pages.shown import ROUTER_NAMES, dollars, escaped
from router_core.comparison import Playground
from router_core.errors import RouterError
from router_core.store.base import Comparison

st.set_page_config(page_title="Router Playground", page_icon="🔀", layout="wide")


def _mode(simulated: bool, missing: tuple[str, ...], playground: Playground) -> None:
    if simulated:
        why = f"No key found in {', '.join(missing)}." if missing else "Asked for with ROUTER_SIMULATED=1."
        st.markdown(":yellow-badge[Simulated models]")
        st.caption(f"{why} Answers are made up and labelled; prices are real.")
        with st.popover("Connect a model", type="tertiary", key="connect"):
            st.markdown(
                "Stop the app, then start it with a key:\n\n"
                "```sh\nexport OPENAI_API_KEY=...\nmake run\n```\n\n"
                "A local server (Ollama, LM Studio, vLLM, llama.cpp) or another provider is found and set up under"
                " *Models & providers*; then give your traffic its models."
            )
            st.page_link(
                "settings.py",
                label="Models & providers",
                icon=":material/settings:",
                query_params={"tab": "Models & providers"},
            )
    else:
        providers = ", ".join(playground.settings.providers)
        st.markdown(f":green-badge[Live: {escaped(providers)}]")
    st.caption(f"Stored in `{playground.store.location}`")


def _visited(playground: Playground) -> list[Comparison]:
    """The prompts of this visit. Those that can no longer change are read once."""
    read: dict[str, Comparison] = st.session_state.setdefault("visited", {})
    for prompt_id in st.session_state.get("visit", []):
        known = read.get(prompt_id)
        stored = {completion.id for completion in known.completions} if known else set()
        settled = known and all(decision.completion_id in stored for decision in known.decisions)
        if not settled or prompt_id == st.query_params.get("prompt"):
            found = playground.store.comparison(prompt_id)
            if found is not None:
                read[prompt_id] = found
    return list(read.values())


def _visit(playground: Playground) -> None:
    tally = playground.tally(_visited(playground))
    st.markdown("**This visit**")
    if not tally.prompts:
        st.caption("Nothing spent yet.")
        return
    spent, net = st.columns(2)
    spent.metric("Spent", dollars(tally.spent_usd), help="All answers, and what deciding cost.")
    net.metric(
        "Saved" if tally.saved_usd >= 0 else "Lost",
        dollars(abs(tally.saved_usd), tally.estimated),
        help="Against asking the strongest model once per prompt, deciding included."
        " Comparing asks several models, so a visit often costs more than one model would.",
    )
    st.caption(f"{tally.prompts} prompt{'s' * (tally.prompts != 1)}; deciding cost {dollars(tally.deciding_usd)}")
    for name, money in tally.routers.items():
        if name in ROUTER_NAMES:
            word = "saves" if money.saved_usd >= 0 else "costs"
            more = "" if money.saved_usd >= 0 else " more"
            amount = dollars(abs(money.saved_usd), money.estimated)
            st.caption(f"{ROUTER_NAMES[name]} alone {word} {escaped(amount)}{more}")
    if tally.unknown:
        st.caption(f"{tally.unknown} without a known price, not counted")


settle_memory()
try:
    shared = resources()
except RouterError as error:
    st.title("Router Playground")
    st.error(str(error), icon=":material/error:")
    st.stop()

if st.context.theme.type == "dark":  # the theme's light accent needs dark letters on it
    st.html("<style>[data-testid^=stBaseButton-primary] p, [data-tag] { color: #0b111a !important; }</style>")
page = st.navigation(
    [
        st.Page("playground.py", title="Playground", default=True),
        st.Page("costs.py", title="Costs"),
        st.Page("learning.py", title="Learning"),
        st.Page("history.py", title="History"),
        st.Page("settings.py", title="Settings"),
    ],
    position="top",
)
with st.sidebar:
    st.subheader("Router Playground", anchor=False)
    goals = list(shared.playground.settings.goals)
    st.selectbox("What is this traffic?", goals, key="goal", help="Each kind of traffic learns by itself.")
    _mode(shared.simulated, shared.missing, shared.playground)
    st.space("small")
    _visit(shared.playground)
page.run()
