"""A chart with its words for screen readers and the table behind it; columns that stack where there is no room."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.foreign import escaped
from router_core.charts.common import MUTED, Spec, Theme
from router_core.registry import LABELS

_NARROWEST = "25rem"


def theme_now() -> Theme:
    """Whether the reader's page is light or dark."""
    return "dark" if st.context.theme.type == "dark" else "light"


def _dollars(label: str) -> Any:
    return st.column_config.NumberColumn(label, format="$%.4g")


def _count(label: str) -> Any:
    return st.column_config.NumberColumn(label, format="localized")


def _share(label: str) -> Any:
    return st.column_config.NumberColumn(label, format="percent")


def _moment(label: str) -> Any:
    return st.column_config.DatetimeColumn(label, format="YYYY-MM-DD HH:mm")


def _ms(label: str) -> Any:
    return st.column_config.NumberColumn(label, format="%.3g ms")


_COLUMNS = {
    "time": _moment("From (UTC)"),
    "ends": _moment("To (UTC)"),
    "policy": "Router",
    "line": "Line",
    "arm": "Model",
    "measure": "Until",
    "spent_usd": _dollars("Spent"),
    "priced_usd": _dollars("Spent, all costs known"),
    "referenced_usd": _dollars("Spent, compared"),
    "referenced": _count("Compared"),
    "cheap_usd": _dollars("Always the cheapest (~)"),
    "strong_usd": _dollars("Always the strongest (~)"),
    "cost_usd": _dollars("Cost"),
    "deciding_usd": _dollars("Deciding, in all"),
    "each_usd": _dollars("A decision"),
    "from_usd": _dollars("From"),
    "to_usd": _dollars("Below"),
    "requests": _count("Requests"),
    "prompts": _count("Prompts"),
    "calls": _count("Calls"),
    "decisions": _count("Decisions"),
    "unpriced": _count("Price unknown"),
    "unknown": _count("Price unknown"),
    "cached": _count("From memory"),
    "fell_back": _count("Fell back to the rules"),
    "judged": _count("Judged"),
    "versions": _count("Versions seen"),
    "good": st.column_config.NumberColumn("Good", format="%g"),
    "mean": _share("Expected"),
    "low": _share("2.5 %"),
    "high": _share("97.5 %"),
    "p50_ms": _ms("Median"),
    "p95_ms": _ms("95th percentile"),
}


def packed(spec: Spec) -> Spec:
    """The chart with its rows as bytes, as they are sent: to be remembered, for packing them takes long."""
    import pyarrow as pa

    found = {}
    for name, rows in spec["datasets"].items():
        table = pa.Table.from_pylist(rows)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        found[name] = sink.getvalue().to_pybytes()
    return {**spec, "datasets": found}


def draw(key: str, spec: Spec, words: str) -> None:
    """The chart, with words for screen readers. Streamlit's letters are too pale in the light theme: with ours."""
    theme = theme_now()
    letters = {"labelColor": MUTED[theme], "titleColor": MUTED[theme]}
    config = {**spec.get("config", {}), **dict.fromkeys(("axis", "legend", "header"), letters)}
    st.vega_lite_chart({**spec, "config": config}, alt=words, key=key)


def show_chart(name: str, spec: Spec, words: str, table: Any, *columns: str) -> None:
    """The chart; with the switch *Tables*, what it was drawn from too (all columns, or these)."""
    draw(f"chart-{name}", spec, words)
    if st.session_state.get("tables"):
        st.dataframe(
            table.replace({column: LABELS for column in ("policy", "line") if column in table}),
            hide_index=True,
            key=f"table-{name}",
            column_config=_COLUMNS,
            column_order=columns or None,
            alt=words,
            height="content" if len(table) < 10 else 320,
        )


def two_columns(key: str) -> list[DeltaGenerator]:
    """Two columns side by side, or one below the other where each would be too narrow for a chart."""
    st.html(f"<style>.st-key-{key} [data-testid='stColumn'] {{ min-width: min(100%, {_NARROWEST}); }}</style>")
    with st.container(key=key):
        return list(st.columns(2, gap="medium"))


def right_aligned(key: str, head: list[str], rows: list[list[str]], *, names: bool = False) -> None:
    """A table of texts: the first column to the left, figures to the right. The cells are Markdown, the
    headings are not.

    ``names``: a text of the first column stays on one line; a model's name would be broken at its hyphens.
    """
    st.html(
        f"<style>.st-key-{key} :is(td, th):first-child {{ white-space: nowrap; }}"
        + (f" .st-key-{key} :is(td, th):first-child p {{ white-space: nowrap; }}" if names else "")
        + f" .st-key-{key} :is(td, th):not(:first-child)"
        " { text-align: right !important; padding-left: 0.375rem !important; }</style>"
    )
    with st.container(key=key):
        st.table(
            {escaped(name): [row[place] for row in rows] for place, name in enumerate(head)}, border="horizontal"
        )
