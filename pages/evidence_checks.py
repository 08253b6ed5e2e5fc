"""What is wrong with a file, with the first rows concerned and what can be done about it, to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import streamlit as st

from pages.evidence_jobs import background, ready
from pages.evidence_mapping import only_models
from pages.formatting import escaped
from pages.resources import Resources
from router_core.evaluation.by_file.work import Prepared, prepare
from router_core.evaluation.files.mapping import Mapping
from router_core.evaluation.files.problems import Problem
from router_core.evaluation.files.rates import Rates
from router_core.evaluation.files.survey import Choices
from router_core.evaluation.files.tables import Table
from router_core.types import Price

_WAYS = {
    "refuse": "Not decided",
    "clip": "Clip to the nearer end",
    "drop": "Drop them",
    "first": "Use the first of each",
    "mean": "Use the mean of each",
    "read": "Read them so",
}
_CHOICES = {  # kind of problem -> which choice is made about it, and between what
    "out of range": ("out_of_range", ("refuse", "clip", "drop")),
    "no number": ("out_of_range", ("refuse", "drop")),
    "duplicates": ("duplicates", ("refuse", "first", "mean")),
    "notation": ("notations", ("refuse", "read")),
}
_ASIDE = ("unused", "one text")  # told in passing: nothing is wrong


@dataclass
class _Given:
    """What this visit chose about one file. ``prices``: model -> dollars per million tokens, in and out."""

    choices: Choices = field(default_factory=Choices)
    prices: dict[str, tuple[float, float]] = field(default_factory=dict)


def prepared(shared: Resources, table: Table, mapping: Mapping, goal: str) -> Prepared | None:
    """Check the file under the choices made so far, and show what is wrong. None until that is known."""
    every: dict[str, _Given] = st.session_state.setdefault("evidence-given", {})
    given = every.setdefault(table.sha256, _Given())
    settings = shared.playground.settings
    prices = {name: Price(Decimal(str(first)), Decimal(str(last))) for name, (first, last) in given.prices.items()}
    rates = replace(Rates.of(settings, goal), prices=prices)
    choices = given.choices
    signature = (table.sha256, table.encoding, mapping, choices, str(prices), settings.version, goal)
    job = background("evidence-check", signature, lambda watch: prepare(table, mapping, choices, rates, watch))
    if not ready(job, "check"):
        return None
    found: Prepared = job.result
    only_models(table, mapping, found.check.models)
    unpriced = [problem for problem in found.check.problems if problem.kind == "price"]
    for at, problem in enumerate(found.check.problems):
        if problem not in unpriced:
            _show(at, problem, given, table.sha256[:12])
    if unpriced:
        said = "\n".join(f"- **{_sentence(problem.sentence)}**" for problem in unpriced)
        st.info(f"{said}\n\n{_sentence(unpriced[0].remedy)}", icon=":material/info:")
    if unpriced or given.prices:
        _prices([name for name in found.check.models if Rates.of(settings, goal).find(name) is None], given)
    return found


def _show(at: int, problem: Problem, given: _Given, key: str) -> None:
    """One problem, the first rows concerned, and the choice that there is."""
    said = f"**{_sentence(problem.sentence)}** {_sentence(problem.remedy)}"
    with st.container(key=f"problem-{at}-{problem.kind.replace(' ', '-')}"):
        if problem.kind in _ASIDE:
            st.caption(said)
            return
        if problem.blocks:
            st.error(said, icon=":material/error:")
        else:
            st.info(said, icon=":material/info:")
        if problem.kind in _CHOICES:
            _choose(problem.kind, given, key)
        if problem.rows:
            st.dataframe(
                list(problem.rows),
                hide_index=True,
                key=f"rows-{at}-{key}",
                alt=f"The first rows concerned: {problem.sentence}.",
            )


def _sentence(words: str) -> str:
    return escaped(f"{words[:1].upper()}{words[1:]}.")


def _choose(kind: str, given: _Given, key: str) -> None:
    name, ways = _CHOICES[kind]
    now = getattr(given.choices, name)
    widget = f"way-{kind}-{now}-{key}"

    def take() -> None:
        chosen: Any = {name: st.session_state[widget]}
        given.choices = replace(given.choices, **chosen)

    st.segmented_control(
        "What to do",
        ways,
        default=now if now in ways else ways[0],
        format_func=_WAYS.__getitem__,
        key=widget,
        on_change=take,
        label_visibility="collapsed",
        required=True,
    )


def _prices(models: Sequence[str], given: _Given) -> None:
    """Prices of models that nobody knows, for this file alone."""
    with st.expander("Give prices", key="own-prices"):
        st.caption("Dollars per million tokens, for this file alone. For good: Settings, Models & providers.")
        for name in models:
            known = given.prices.get(name)
            with st.container(horizontal=True, vertical_alignment="bottom", key=f"price-{name}"):
                first, last = (
                    st.number_input(
                        f"{escaped(name)}, {what}",
                        min_value=0.0,
                        value=known[place] if known else None,
                        format="%g",
                        key=f"price-{what}-{name}",
                        placeholder="unknown",
                        width=300,
                    )
                    for place, what in enumerate(("input", "output"))
                )
            if first is not None and last is not None and (first, last) != known:
                given.prices[name] = (first, last)
                st.rerun()
