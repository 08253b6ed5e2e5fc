"""What the contextual router has learned in a goal: from how much, what it expects, what each feature is worth.

See alarms.py for drift alarms and prices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import streamlit as st

from pages.examples import EXAMPLES
from pages.figure import right_aligned, show_chart, two_columns
from pages.formatting import badge, escaped
from pages.resources import Resources
from router_core.charts.common import Theme
from router_core.charts.contextual import weights_chart
from router_core.errors import EvaluationError
from router_core.features import context
from router_core.learning.contextual.folding import Fold
from router_core.learning.contextual.pushes import Expected
from router_core.registry import CONTEXTUAL
from router_core.routing.memory import MOST, MOST_UNSEEN
from router_core.settings import GoalSettings
from router_core.views.contextual import Weight, expected_on, learn_words, step_of, weights

_SHOWN = 10
_TELLING = 1.005  # times the other's odds: what reads as 1.01 or more
_ORIGINS = {
    "log": "judged prompts of the log",
    "labelled": "labelled prompts of a file",
    "import": "imported with the settings",
}


def show_contextual(
    shared: Resources, goal: str, settings: GoalSettings, names: Mapping[str, str], fold: Fold, theme: Theme
) -> None:
    """The section, from its heading on."""
    st.html("<style>.st-key-contextual-heading h2 { font-size: 1.25rem; padding-bottom: 0.75rem; }</style>")
    with st.container(key="contextual-heading"):
        st.header(
            CONTEXTUAL.label,
            anchor=False,
            help="It learns what the features of a prompt say about each model's chance of a good answer.",
        )
    rows = weights(fold.state, [arm.id for arm in settings.arms])
    left, right = two_columns("contextual-now")
    with left:
        _outcomes(fold, names)
        _gain(shared, goal, settings, fold)
    with right:
        _examples(shared, goal, names, fold)
    _weights(rows, names, fold, theme)
    if rows and fold.state.outcomes:
        with st.expander(f"All {len(rows)} features with their intervals", key="all-weights"):
            _table(rows, names)


def _outcomes(fold: Fold, names: Mapping[str, str]) -> None:
    state = fold.state
    st.subheader(
        "Learned from",
        anchor=False,
        help=f"A process reads the newest {MOST:,} rated answers when it begins and every later one; of answers to"
        f" prompts that this router was not asked about, the newest {MOST_UNSEEN:,}.",
    )
    if not state.outcomes:
        st.caption(
            "No rated answer yet: prompts are split by the starting weights, whatever they say. It learns from"
            " every rated answer, whichever router chose the model; rate some under Try or Rate."
        )
        return
    counts = {arm: state.learned(arm).belief.observations for arm in names}
    for index, (arm, label) in enumerate(names.items()):
        st.markdown(f"{badge(label, index)} {_ratings(counts[arm])}")
    others = state.outcomes - sum(counts.values())
    heard = state.verdicts[1]
    said = [f"{state.outcomes:,} rated answers in all"]
    if others > 0:
        said.append(f"{others:,} of models that are no longer here")
    if heard:
        said.append(f"the classifier had been heard on {heard:,} of the prompts, COMPLEX on {state.verdicts[0]:,}")
    st.caption(", ".join(said) + ".")


def _examples(shared: Resources, goal: str, names: Mapping[str, str], fold: Fold) -> None:
    """What is expected of each model on the examples under Try."""
    st.subheader(
        "Forecast for prompts like these",
        anchor=False,
        help="Share of good answers on the examples under Try, before the classifier is asked. In brackets 95 %.",
    )
    if not fold.state.outcomes:
        st.caption("Here you will see what it expects of each model, prompt by prompt.")
        return
    rows = []
    for example in EXAMPLES:
        seen = context([{"role": "user", "content": example.text}], goal, example.task_type)
        found = expected_on(fold.state, shared.playground.settings, seen, list(names))
        best = max(one.mean for one in found)
        rows.append([escaped(example.name), *(_share(one, one.mean == best) for one in found)])
    right_aligned("expected-table", ["Prompt", *names.values()], rows)


def _share(one: Expected, best: bool) -> str:
    mean = f"{one.mean:.0%}"
    return f"{f'**{mean}**' if best else mean} :small[:gray[({one.low:.0%} to {one.high:.0%})]]"


def _ratings(count: int) -> str:
    return f"{count:,} rating{'s' * (count != 1)}"


def _gain(shared: Resources, goal: str, settings: GoalSettings, fold: Fold) -> None:
    """Whether there is a gain score, from what; and learning it now."""
    st.subheader(
        "Gain score",
        anchor=False,
        help="One of the features: from its words alone, how much a prompt gains from a model.",
    )
    score = fold.state.gain
    found = shared.playground.store.table("gain_learned", {"goal": goal})
    if score is None or not len(found):
        st.caption("None yet: the words of a prompt say nothing so far.")
    else:
        origin, at = _ORIGINS.get(found["origin"][0], found["origin"][0]), found["created_at"][0]
        st.markdown(f"Learned from {score.texts:,} prompts ({escaped(origin)}), {at:%Y-%m-%d %H:%M} UTC.")
    every = shared.playground.settings.contextual.gain_every
    st.caption(f"Learned anew by itself after every {every:,} ratings." if every else "Not learned by itself.")
    if st.button("Learn it now", key="learn-gain", icon=":material/school:"):
        try:
            with st.spinner("Learning from the words of the judged prompts ...", show_time=True):
                said = learn_words(shared.playground.store, goal, settings, datetime.now(UTC))
        except EvaluationError as error:
            st.session_state["gain-said"] = str(error)
        else:
            st.session_state["gain-said"] = said
        st.rerun()
    said = st.session_state.pop("gain-said", None)
    if said:
        st.info(escaped(said), icon=":material/school:")


def _weights(rows: Sequence[Weight], names: Mapping[str, str], fold: Fold, theme: Theme) -> None:
    st.subheader("What tells the models apart", anchor=False)
    if len(names) < 2:
        st.caption("This goal has one model.")
        return
    clear = [row for row in rows if row.clear]
    if not rows:
        st.caption(
            "Here you will see which features of a prompt speak for which model, and by how much, once two models"
            " have been rated."
        )
        return
    if not clear:
        st.caption(
            "No single feature for certain: features that come together in the log share what they say, so that"
            " each alone stays unsure, however well prompts as a whole are known."
        )
        return
    shown = clear[:_SHOWN]
    words = "; ".join(f"{step_of(row, names)}: towards {names[row.towards]}, odds {_odds(row)}" for row in shown)
    show_chart(
        "weights",
        weights_chart(shown, names, theme),
        f"What speaks for which model. {words}.",
        _frame(rows, names),
    )
    st.caption(
        f"{len(clear)} of {len(rows)} with a 95 % interval that leaves 1 out"
        + (f", the {_SHOWN} strongest" if len(clear) > _SHOWN else "")
        + ". Times 2: an even chance becomes two in three. Each is what one step of the feature adds to the rest."
    )


def _odds(row: Weight) -> str:
    middle, low, high = row.odds
    return f"times {middle:.3g} ({low:.3g} to {high:.3g})"  # equal digits: rounding keeps the order


def _table(rows: Sequence[Weight], names: Mapping[str, str]) -> None:
    places = {arm: index for index, arm in enumerate(names)}
    st.html("<style>.st-key-weights-table td:nth-child(3) p { white-space: nowrap; }</style>")
    right_aligned(
        "weights-table",
        ["One step of", "Towards", "Against", "Odds, times", "95 %"],
        [
            [
                f"**{escaped(step_of(row, names))}**" if row.clear else escaped(step_of(row, names)),
                badge(names[row.towards], places[row.towards]) if row.odds[0] >= _TELLING else "neither yet",
                escaped(names[row.against if row.towards == row.arm else row.arm]),
                f"{row.odds[0]:.2f}",
                f"{row.odds[1]:.2f} to {row.odds[2]:.2f}",
            ]
            for row in rows
        ],
    )
    st.caption("In bold: where the interval leaves 1 out. The odds are those of a good answer.")


def _frame(rows: Sequence[Weight], names: Mapping[str, str]) -> object:
    import pandas as pd

    return pd.DataFrame(
        [
            (step_of(row, names), names[row.towards], *(f"{one:.3f}" for one in row.odds), row.clear)
            for row in rows
        ],
        columns=["feature", "towards", "odds", "odds, 2.5 %", "odds, 97.5 %", "clear"],
    )
