"""Pairs: is a cheaper model good enough? Prompts that two models answered, tested however often one looks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from pages.address import Address
from pages.evidence_jobs import background, ready
from pages.figure import draw, theme_now
from pages.formatting import escaped, labels
from pages.resources import Resources
from pages.traffic import offer_traffic
from router_core.charts.common import Theme
from router_core.charts.traffic import evidence_chart, evidence_description
from router_core.evaluation.from_log.traffic import read_pairs
from router_core.evaluation.paired import PairedTest, paired_tests
from router_core.views.filters import extent
from router_core.words import points

_TOLERANCES = tuple(range(1, 11))
_USUAL = 5


def show_pairs(shared: Resources, address: Address) -> None:
    """The tolerance, then each cheaper model against the strongest."""
    goal = st.session_state["goal"]
    playground = shared.playground
    settings = playground.settings
    names = labels([arm.arm() for arm in settings.goal(goal).arms])
    places = {name: at for at, name in enumerate(names.values())}
    strong = list(names.values())[-1]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="large", key="pair-controls"):
        tolerance = st.select_slider(
            f"How many points may it be worse than {escaped(strong)}?",
            _TOLERANCES,
            key=address.choice("pair-tolerance", _TOLERANCES, _USUAL),
            width=380,
        )
        only = st.toggle(
            "Only prompts that every model was asked",
            key=address.toggle("pairs-asked-all"),
            help="Prompts on which routers happened to disagree need not be like the others.",
        )
        with st.container(key="ask-every-model", width="content"):
            st.page_link(
                "playground.py",
                label="Ask every model",
                icon=":material/edit:",
                help="Opens Try with every model asked: two rated answers to one prompt are a pair.",
                query_params={"run_all": "true"},
            )
    address.write()
    signature = (
        *shared.state, goal, tolerance, only,
    )  # fmt: skip

    def work(watch: Any) -> tuple[PairedTest, ...]:
        pairs = read_pairs(playground.store, settings, goal, only_asked_all=only)
        named = [replace(one, cheap=names[one.cheap], strong=names[one.strong]) for one in pairs]
        return paired_tests(named, tolerance / 100.0)

    job = background("evidence-pairs", signature, work)
    if not ready(job, "pairs"):
        return
    tests: tuple[PairedTest, ...] = job.result
    for at, test in enumerate(tests):
        _one(test, places, signature, at)
    if not any(test.pairs for test in tests) and not extent(playground.store).completions:
        offer_traffic(shared, "Here you will see whether a cheaper model is good enough.", goal)
    elif any(test.pairs for test in tests):
        _how(tests)


@st.cache_data(max_entries=16, show_spinner=False)
def _chart(_test: PairedTest, signature: Any, cheap: int, strong: int, theme: Theme) -> dict[str, Any]:
    return evidence_chart(_test, cheap, strong, theme)


def _one(test: PairedTest, places: dict[str, int], signature: Any, at: int) -> None:
    with st.container(border=True, key=f"pair-{at}"):
        st.header(escaped(test.sentence), anchor=False)
        if not test.pairs:
            st.caption(
                "No prompt has rated answers of both yet. Ask every model a few prompts and rate the answers."
            )
            return
        said = (
            f"{test.pairs:,} pair{'s' * (test.pairs != 1)}: {test.strong} better in {test.strong_better:,},"
            f" equal in {test.equal:,}, {test.cheap} better in {test.cheap_better:,}."
        )
        if test.difference is not None:
            ends = f"{points(test.difference.low)} to {points(test.difference.high)}"
            said += f" Difference: {points(test.difference.value)} points ({ends}, however often you look)."
        st.markdown(escaped(said))
        if test.at_worst is not None:
            low, high = test.at_worst
            st.caption(
                f"Both answered {test.answered:,} prompts; of {test.pairs / test.answered:.0%} both answers are"
                " rated. If people rate because an answer is good, or is not, this is tilted: at the worst the"
                f" difference is {points(low)} to {points(high)} points."
            )
        theme = theme_now()
        spec = _chart(test, signature, places[test.cheap], places[test.strong], theme)
        draw(f"chart-pair-{at}", spec, evidence_description(test))


def _how(tests: tuple[PairedTest, ...]) -> None:
    with st.expander("How this is tested", key="pair-method"):
        lines = [
            "Each pair multiplies two bets: one that the difference is at most the tolerance, one that it is more."
            f" A bet that has grown {tests[0].needed:,.0f}-fold would do so by luck in at most"
            f" {100 * (1 - tests[0].level) / len(tests):.2g} % of all cases, looked at as often as you like.",
            "At 1 nothing is known; below 1 the pairs speak against it.",
        ]
        if len(tests) > 1:
            lines.append(f"{len(tests)} models are compared with the strongest, so each needs more evidence.")
        st.markdown("\n".join(f"- {escaped(line)}" for line in lines))
