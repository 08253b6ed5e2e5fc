"""What would routing save at my volume? A small table of work, and the money per day, month and year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st

from pages.resources import Resources
from pages.shown import dollars
from router_core.analytics import View, usual_tokens
from router_core.calculator import ClassifierCall, Money, Workload, classifier_break_even, estimate
from router_core.errors import RouterError

_START = [
    {"Requests a day": 8_000, "Tokens in": 200, "Tokens out": 10, "Simple": 0.9},
    {"Requests a day": 2_000, "Tokens in": 2_000, "Tokens out": 400, "Simple": 0.2},
]


def show_calculator(shared: Resources, goal: str) -> None:
    """The table, filled by hand or from the log, and what it comes to."""
    playground = shared.playground
    models = sorted({arm.model for one in playground.settings.goals.values() for arm in one.arms})
    arms = playground.settings.goal(goal).arms
    with st.container(border=True, key="calculator"):
        st.markdown("**Calculator: the same at your volume**")
        with st.container(horizontal=True, vertical_alignment="bottom", key="calculator-models"):
            cheap = _model("Cheap model", models, arms[0].model, "calculator-cheap")
            strong = _model("Strong model", models, arms[-1].model, "calculator-strong")
            asks = st.toggle("Ask a classifier about every request", key="calculator-asks")
            if st.button("Fill from the log", key="calculator-fill"):
                _fill(shared, goal)
        st.session_state.setdefault("calculator-rows", _START)
        rows = st.data_editor(
            st.session_state["calculator-rows"],
            num_rows="dynamic",
            hide_index=True,
            key=f"calculator-table-{st.session_state.get('calculator-filled', 0)}",
            column_config={
                "Requests a day": st.column_config.NumberColumn(min_value=0, format="localized"),
                "Tokens in": st.column_config.NumberColumn(min_value=0, format="localized"),
                "Tokens out": st.column_config.NumberColumn(min_value=0, format="localized"),
                "Simple": st.column_config.NumberColumn(
                    min_value=0.0, max_value=1.0, format="percent", help="Share that the cheap model can take."
                ),
            },
        )
        try:
            _result(shared, rows, cheap, strong, asks)
        except RouterError as error:
            st.error(str(error), icon=":material/error:")


def _model(label: str, models: list[str], chosen: str, key: str) -> str:
    if chosen not in models:
        models = [*models, chosen]
    picked = st.selectbox(
        label,
        models,
        index=models.index(chosen),
        key=key,
        accept_new_options=True,
        width=230,
        help="Any model of the price book: type provider/model.",
    )
    return str(picked)


def _fill(shared: Resources, goal: str) -> None:
    """One row as the last thirty days were, to be corrected by hand."""
    until = datetime.now(UTC)
    view = View(until - timedelta(days=30), until, goal)
    calls, tokens_in, tokens_out = usual_tokens(shared.playground.store, view)
    if not calls:
        st.toast("Nothing was logged in the last 30 days; fill the table by hand.")
        return
    since = shared.playground.store.table("extent", {}).iloc[0]["since"].to_pydatetime().replace(tzinfo=UTC)
    days = max(1.0, min(30.0, (until - since).total_seconds() / 86_400))
    st.session_state["calculator-rows"] = [
        {
            "Requests a day": round(calls / days),
            "Tokens in": round(tokens_in),
            "Tokens out": round(tokens_out),
            "Simple": 0.6,
        }
    ]
    st.session_state["calculator-filled"] = st.session_state.get("calculator-filled", 0) + 1


def _result(shared: Resources, rows: list[dict[str, Any]], cheap: str, strong: str, asks: bool) -> None:
    playground = shared.playground
    names = ("Requests a day", "Tokens in", "Tokens out", "Simple")
    work = [
        Workload(*(row[name] for name in names))
        for row in rows
        if all(row.get(name) is not None for name in names)
    ]
    if not work:
        st.caption("Fill in a row: requests a day, tokens in and out, and the share that is simple.")
        return
    classifier = _classifier(shared, work)
    found = estimate(work, playground.price(cheap), playground.price(strong), classifier if asks else None)
    lines: list[tuple[str, Money | None]] = [
        (f"Everything to {cheap}", found.all_cheap),
        (f"Everything to {strong}", found.all_strong),
        ("Routed" + (", classifier included" if asks else ""), found.routed),
        (f"Saved against everything to {strong}", found.saved),
    ]
    st.table(
        {
            "": [name for name, _ in lines],
            "a day": [_amount(money, "per_day") for _, money in lines],
            "a month": [_amount(money, "per_month") for _, money in lines],
            "a year": [_amount(money, "per_year") for _, money in lines],
        }
    )
    even = classifier_break_even(work, playground.price(cheap), playground.price(strong), classifier)
    each = f"a classifier call costs {_text(classifier.cost_usd)}"
    if even.share is None:
        st.caption(f"Break-even: not known, {each}.")
    else:
        st.caption(
            f"Break-even: {each}; it pays once it moves more than {float(even.share):.2%} of requests from the"
            " strong model to the cheap one."
        )


def _classifier(shared: Resources, work: list[Workload]) -> ClassifierCall:
    """What asking about one request costs: the instructions, the request, a short verdict."""
    from router_core.features import estimate_tokens
    from router_core.pricing import cost_usd
    from router_core.types import Usage

    settings = shared.playground.settings.classifier
    total = sum(float(row.requests_per_day) for row in work) or 1.0
    tokens = sum(float(row.input_tokens) * float(row.requests_per_day) for row in work) / total
    usage = Usage(estimate_tokens(settings.prompt) + round(tokens), 20)
    return ClassifierCall(cost_usd(usage, shared.playground.price(settings.model)))


def _amount(money: Money | None, period: str) -> str:
    return _text(None if money is None else getattr(money, period))


def _text(amount: Any) -> str:
    return dollars(amount).replace("$", "\\$")
