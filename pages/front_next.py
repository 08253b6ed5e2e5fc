"""What to do next: four ways to bring evidence, and how far it is to a verdict on one's own traffic."""

from __future__ import annotations

from typing import Any, NamedTuple

import streamlit as st

from pages.formatting import escaped
from pages.front_evidence import OwnPairs, stored
from pages.resources import Resources
from router_core.evaluation.by_file.conclusion import TOLERANCE
from router_core.evaluation.paired import paired_test
from router_core.words import about


class _Way(NamedTuple):
    name: str
    what: str
    page: str
    query: dict[str, Any]
    icon: str


_WAYS = (
    _Way("Try one prompt", "Every model answers, every router decides; you judge with a key.", "playground.py",
         {"run_all": "true"}, ":material/edit:"),
    _Way("Ask every model many prompts", "A file of prompts, within a limit in dollars; checked and judged.",
         "verdict.py", {"tab": "My prompts"}, ":material/playlist_play:"),
    _Way("I have scored answers", "A file of prompts with a score per model: a verdict in seconds.", "verdict.py",
         {"tab": "My data"}, ":material/upload_file:"),
    _Way("I have logs", "LiteLLM, Langfuse, OpenTelemetry and others: what it cost, and answers to judge.",
         "verdict.py", {"tab": "My logs"}, ":material/query_stats:"),
)  # fmt: skip


def show_ways(shared: Resources, example: bool) -> None:
    """Four cards, side by side where there is room."""
    with st.container(key="ways-head"):
        st.header("Now with your own prompts" if example else "More evidence", anchor=False)
    with st.container(key="ways"):
        for column, way in zip(st.columns(4, gap="small"), _WAYS, strict=True):
            with column, st.container(border=True):
                st.page_link(way.page, label=f"**{way.name}**", icon=way.icon, query_params=way.query)
                st.caption(way.what)


@st.cache_data(show_spinner=False)
def _usually() -> int | None:
    """About how many pairs settle it, when nothing is known yet."""
    return paired_test([], [], TOLERANCE).more_pairs


def show_progress(shared: Resources, goal: str, own: OwnPairs) -> None:
    """Models, prompts, judged pairs, and about how many more until it is settled."""
    held = stored(shared)
    models = len(shared.playground.settings.goal(goal).arms)
    more = own.more if own.count else _usually()
    part = own.count / (own.count + more) if more else float(bool(own.count))
    settled = bool(own.tests) and all(test.conclusion != "unknown" for test in own.tests)
    if settled:
        left, part = "settled", 1.0
    elif more is None:
        left = "the models are so close that pairs will hardly tell"
    else:
        left = f"about {about(more)} more pairs until it is settled"
    with st.container(border=True, key="progress"):
        st.markdown(f"**Progress to a verdict on {escaped(goal)}**")
        steps = ((models, "models set"), (held.prompts, "prompts"), (held.outcomes, "judgements"),
                 (own.count, "pairs with both answers judged"))  # fmt: skip
        st.markdown(", ".join(f"**{number:,}** {what}" for number, what in steps))
        st.progress(min(1.0, part), escaped(left[:1].upper() + left[1:]))
