"""Text cells of CSV that a spreadsheet would run are made harmless; numbers stay; the way back is exact."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_core.csv_cells import harmless, harmless_table, raw

RUNS = [
    "=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", '"=1', "'=1", "\u00a0=1",
    "\ufeff=1", "\uff1d1", '" @x', "-", "=HYPERLINK(\"http://x\")", "\tplain", "+1+1", "-1e5x", "-1\n",
]  # fmt: skip
STAYS = ["", "plain", "-5", "+1.5e-3", "1=1", "a@b.c", "'quoted'", '[{"role": "user"}]', " text"]


@pytest.mark.parametrize("text", RUNS)
def test_what_would_run_is_prefixed(text: str) -> None:
    """With an apostrophe, which a spreadsheet takes as the mark of a text."""
    assert harmless(text) == f"'{text}"
    assert raw(harmless(text)) == text


@pytest.mark.parametrize("text", STAYS)
def test_other_cells_stay(text: str) -> None:
    """Plain texts and plain numbers."""
    assert harmless(text) == raw(text) == text


@settings(deadline=None)
@given(st.text(st.sampled_from("=+-@\t\r\n '\"\u00a0\uff1da1.e"), max_size=6))
def test_the_way_back_is_exact_and_tables_agree(text: str) -> None:
    """Whatever stands there; columns of numbers and missing cells are not touched."""
    assert raw(harmless(text)) == text
    table = pa.table({"text": [text, None], "number": [-1.5, None]})
    assert harmless_table(table).to_pydict() == {"text": [harmless(text), None], "number": [-1.5, None]}
