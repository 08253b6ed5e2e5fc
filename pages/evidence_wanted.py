"""What to judge and by what: the worth of a good answer or a quality floor, the routers, the classifier live."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from pages.evidence_jobs import background, ready
from pages.formatting import dollars, escaped
from pages.resources import Resources
from router_core.evaluation.by_file.routers import classifying_cost
from router_core.evaluation.by_file.ways import LEARNED, RANDOM, WAYS, offered
from router_core.evaluation.by_file.work import Wanted
from router_core.evaluation.labelled import Labelled
from router_core.evaluation.results import Objective
from router_core.money.pricing import PriceBook
from router_core.registry import CLASSIFIER

_AIMS = ("Value for money", "A quality floor")


def wanted(shared: Resources, data: Labelled, goal: str) -> Wanted | None:
    """The form; what is wanted once it is asked for, else None."""
    st.header("What do you want?", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom", key="aim-row"):
        aim = st.segmented_control(
            "Aim", _AIMS, default=_AIMS[0], key="aim", label_visibility="collapsed", required=True
        )
        objective = _objective(shared, goal, aim)
        tolerance = st.number_input(
            "Tolerance, in points",
            0.0,
            100.0,
            5.0,
            format="%g",
            key="tolerance",
            width=170,
            help="A more expensive model that is better by no more than this is not needed.",
        )
    names = [name for name in offered(data) if name != RANDOM]
    routers = st.pills(
        "Routers, beside each model for everything and random mixes",
        names,
        default=[name for name in names if name != LEARNED],  # a second for every thousand prompts
        selection_mode="multi",
        format_func=WAYS.__getitem__,
        key=f"routers-{len(names)}",
    )
    live, agreed = _live(shared, data)
    if not st.button(
        f"Judge {len(data.prompts):,} prompts",
        type="primary",
        key="judge",
        icon=":material/balance:",
        disabled=objective is None or (live and not agreed),
    ):
        return None
    chosen = [RANDOM, *(name for name in routers if name != CLASSIFIER.name or not live)]
    if live:
        chosen.append(CLASSIFIER.name)
    return Wanted(tuple(chosen), objective, goal, tolerance / 100.0, live)


def _objective(shared: Resources, goal: str, aim: str) -> Objective | None:
    if aim == _AIMS[1]:
        floor = st.number_input(
            "Good answers at least, in %", 0.0, 100.0, 90.0, format="%g", key="floor", width=230
        )
        return Objective(quality_floor=floor / 100.0)
    usual = shared.playground.settings.goal(goal).success_value_usd
    worth = st.number_input(
        "What one good answer is worth, in dollars",
        min_value=0.0,
        value=usual if math.isfinite(usual) else None,
        step=0.01,
        format="%g",
        key=f"worth-of-{goal}",
        width=270,
        help=f"By default as the goal {escaped(goal)} has it.",
    )
    return None if worth is None else Objective(success_value_usd=worth)


def _live(shared: Resources, data: Labelled) -> tuple[bool, bool]:
    """Whether to ask the classifier about every prompt, and whether its cost was agreed to."""
    settings = shared.playground.settings
    live = st.toggle(
        f"Ask the classifier ({escaped(settings.classifier.model)}) about every prompt",
        key="live-classifier",
        help="A call per prompt. Simulated models answer by chance." if shared.simulated else "A call per prompt.",
    )
    if not live:
        return False, False
    prices = PriceBook.of(settings)
    job = background(
        "evidence-asking",
        (data.sha256, len(data.prompts), settings.version),
        lambda watch: classifying_cost(data, settings.classifier, prices),
    )
    if not ready(job, "asking"):
        return True, False
    total = float(np.sum(job.result))
    cost = "an unknown sum: its price is unknown" if math.isnan(total) else dollars(total, estimated=True)
    if shared.simulated:
        cost += " if it were real; simulated models cost nothing"
    return True, st.checkbox(
        escaped(f"Yes: {len(data.prompts):,} calls, {cost}"), key=f"agreed-{len(data.prompts)}"
    )
