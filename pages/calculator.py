"""What would routing save at my volume? A small table of work, and the money per day, month and year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st

from pages.figure import right_aligned
from pages.formatting import dollars, escaped
from pages.resources import Resources
from router_core.errors import RouterError
from router_core.features import estimate_tokens
from router_core.money.book import book_models
from router_core.money.calculator import (
    BreakEven,
    ClassifierCall,
    Estimate,
    Money,
    Workload,
    classifier_break_even,
    estimate,
)
from router_core.money.pricing import cost_usd
from router_core.types import Usage
from router_core.views.filters import UsualTraffic, View, extent, usual_traffic

_NAMES = ("Requests a day", "Tokens in", "Tokens out", "Simple")
_START = [
    {"Kind": "classify", "Requests a day": 8_000, "Tokens in": 200, "Tokens out": 10, "Simple": 0.9},
    {"Kind": "write", "Requests a day": 2_000, "Tokens in": 2_000, "Tokens out": 400, "Simple": 0.2},
]
_LOOKED_BACK = timedelta(days=30)
_VERDICT_TOKENS = 20


def show_calculator(shared: Resources, goal: str) -> None:
    """The table, filled by hand or from the log, and what it comes to."""
    playground = shared.playground
    arms = playground.settings.goal(goal).arms
    with st.container(border=True, key="calculator"):
        st.header("Calculator: the same at your volume", anchor=False)
        with st.container(horizontal=True, vertical_alignment="bottom", key="calculator-models"):
            models = _models(shared)
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
            alt="Kinds of traffic: requests a day, tokens in and out of one request, share that is simple.",
            column_config={
                "Kind": st.column_config.TextColumn(help="Whatever you call it."),
                "Requests a day": st.column_config.NumberColumn(min_value=0, format="localized"),
                "Tokens in": st.column_config.NumberColumn(min_value=0, format="localized"),
                "Tokens out": st.column_config.NumberColumn(min_value=0, format="localized"),
                "Simple": st.column_config.NumberColumn(
                    min_value=0.0, max_value=1.0, format="percent", help="Share that the cheap model can take."
                ),
            },
        )
        said = st.session_state.get("calculator-said")
        if said:
            st.caption(said)
        try:
            _result(shared, rows, cheap, strong, asks)
        except RouterError as error:
            st.error(escaped(str(error)), icon=":material/error:")


def _models(shared: Resources) -> list[str]:
    """Those of the settings, then those of their providers in the price book."""
    settings = shared.playground.settings
    own = sorted({arm.model for one in settings.goals.values() for arm in one.arms} | set(settings.prices))
    return list(dict.fromkeys([*own, *(model for name in settings.providers for model in book_models(name))]))


def _model(label: str, models: list[str], chosen: str, key: str) -> str:
    picked = st.selectbox(
        label,
        models,
        index=models.index(chosen),
        key=key,
        accept_new_options=True,
        width=230,
        help="Search, or type any other provider/model of the price book.",
    )
    return str(picked)


def _fill(shared: Resources, goal: str) -> None:
    """One row per task type, as the last thirty days were, to be corrected by hand."""
    until = datetime.now(UTC)
    view = View(until - _LOOKED_BACK, until, goal)
    arms = shared.playground.settings.goal(goal).arms
    found = usual_traffic(shared.playground.store, view, arms[0].id)
    if not found:
        st.toast("Nothing was logged in the last 30 days; fill the table by hand.")
        return
    since = extent(shared.playground.store).since or until
    days = max(1.0, min(float(_LOOKED_BACK.days), (until - since) / timedelta(days=1)))
    st.session_state["calculator-rows"] = [_row(one, days) for one in found]
    st.session_state["calculator-filled"] = st.session_state.get("calculator-filled", 0) + 1
    known = any(one.simple is not None for one in found)
    st.session_state["calculator-said"] = (
        f"From {sum(one.requests for one in found):,} requests of the last {days:.0f} days. Simple is the share"
        + (" that rules and classifier gave to the cheap model." if known else " to fill in by hand.")
    )


def _row(one: UsualTraffic, days: float) -> dict[str, Any]:
    return {
        "Kind": one.task_type or "any",
        "Requests a day": round(one.requests / days, 1),
        "Tokens in": round(one.input_tokens),
        "Tokens out": round(one.output_tokens),
        "Simple": 0.5 if one.simple is None else round(one.simple, 2),
    }


def _result(shared: Resources, rows: list[dict[str, Any]], cheap: str, strong: str, asks: bool) -> None:
    playground = shared.playground
    work = [
        Workload(*(row[name] for name in _NAMES))
        for row in rows
        if all(row.get(name) is not None for name in _NAMES)
    ]
    if not work:
        st.caption("Fill in a row: requests a day, tokens in and out, and the share that is simple.")
        return
    classifier = _classifier(shared, work)
    prices = playground.price(cheap), playground.price(strong)
    found = estimate(work, *prices, classifier if asks else None)
    right_aligned(
        "calculator-result", ["Dollars", "a day", "a month", "a year"], _lines(found, cheap, strong, asks)
    )
    st.caption(_break_even(classifier_break_even(work, *prices, classifier), classifier))


def _lines(found: Estimate, cheap: str, strong: str, asks: bool) -> list[list[str]]:
    lines: list[tuple[str, Money | None]] = [
        (f"Everything to {cheap}", found.all_cheap),
        (f"Everything to {strong}", found.all_strong),
        ("Routed" + (", classifier included" if asks else ""), found.routed),
        (f"Saved against everything to {strong}", found.saved),
    ]
    return [
        [escaped(name), *(_amount(money, period) for period in ("per_day", "per_month", "per_year"))]
        for name, money in lines
    ]


def _break_even(even: BreakEven, classifier: ClassifierCall) -> str:
    each = f"a classifier call costs {_text(classifier.cost_usd)}"
    if even.share is None:
        return f"Break-even of a classifier: not known, {each}."
    if even.share > 1:
        return (
            f"Break-even of a classifier: none, {each}, more than a request that moves to the cheap model saves."
        )
    net = (
        ""
        if even.net_per_call_usd is None
        else f" On this table it nets {_text(even.net_per_call_usd)} a request."
    )
    return (
        f"Break-even of a classifier: {each}; it pays once it moves more than {float(even.share):.1%} of requests"
        f" from the strong model to the cheap one.{net}"
    )


def _classifier(shared: Resources, work: list[Workload]) -> ClassifierCall:
    """What asking about one request costs: the instructions, the request, a short verdict."""
    settings = shared.playground.settings.classifier
    total = sum(float(row.requests_per_day) for row in work) or 1.0
    tokens = sum(float(row.input_tokens) * float(row.requests_per_day) for row in work) / total
    usage = Usage(estimate_tokens(settings.prompt) + round(tokens), _VERDICT_TOKENS)
    return ClassifierCall(cost_usd(usage, shared.playground.price(settings.model)))


def _amount(money: Money | None, period: str) -> str:
    return _text(None if money is None else getattr(money, period))


def _text(amount: Any) -> str:
    return escaped(dollars(amount))
