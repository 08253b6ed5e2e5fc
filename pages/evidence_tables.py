"""Tables of figures with their intervals: figures on the right, each interval small below its figure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from pages.formatting import escaped


def figures_table(headings: Sequence[str], lines: Iterable[Sequence[str]], key: str) -> None:
    """A table whose first column is a name and whose others are figures like "94.2 % (93.0 to 95.5)"."""
    st.html(
        f"<style>.st-key-{key} :is(td, th):not(:first-child) {{ text-align: right !important; }}"
        f" .st-key-{key} td p > span {{ display: block; white-space: nowrap; }}</style>"
    )
    with st.container(key=key):
        columns = zip(*lines, strict=True)
        st.table(
            {
                heading: [_small_ends(cell) if at else escaped(cell) for cell in column]
                for at, (heading, column) in enumerate(zip(headings, columns, strict=True))
            }
        )


def _small_ends(cell: str) -> str:
    """A figure with its interval in small letters."""
    figure, _, ends = cell.removesuffix(")").partition(" (")
    return escaped(figure) + (f" :small[:gray[{escaped(ends)}]]" if ends else "")
