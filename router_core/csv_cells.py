"""Text cells of a CSV file that a spreadsheet would run as a formula, made harmless.

A cell is prefixed with an apostrophe where it begins with =, +, -, @ (or their full-width forms), a tab or a line
break, also behind blanks and quotation marks. Plain numbers stay as they are. ``raw`` gives the text back exactly:
a text that already looks like a prefixed one is prefixed, too.
"""

from __future__ import annotations

import re
from typing import Any, Final

_BLANK: Final = "[ \\t\\r\\n\\f\\v\\x00\u00a0\u2003\u3000\ufeff\"'\u2018\u2019\u201c\u201d]*"
_RUNS: Final = f"^(?:'*[\\t\\r\\n]|{_BLANK}[=+\\-@\uff1d\uff0b\uff0d\uff20])"
_NUMBER: Final = r"^[+\-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+\-]?\d+)?$"
_RUNS_HERE: Final = re.compile(_RUNS)
_NUMBER_HERE: Final = re.compile(_NUMBER.replace("$", r"\Z"), re.ASCII)


def harmless(cell: str) -> str:
    """The cell as it is written."""
    return f"'{cell}" if _runs(cell) else cell


def raw(cell: str) -> str:
    """What a cell was before ``harmless``."""
    return cell[1:] if cell.startswith("'") and _runs(cell[1:]) else cell


def _runs(cell: str) -> bool:
    return bool(_RUNS_HERE.match(cell)) and not _NUMBER_HERE.match(cell)


def harmless_table(table: Any) -> Any:
    """An Arrow table with every text cell as it is written; other columns stay."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for place, field in enumerate(table.schema):
        if not (pa.types.is_string(field.type) or pa.types.is_large_string(field.type)):
            continue
        column = table.column(place)
        number = pc.match_substring_regex(column, _NUMBER.replace("$", r"\z"))
        runs = pc.and_not(pc.match_substring_regex(column, _RUNS), number)
        if pc.any(runs).as_py():
            prefixed = pc.binary_join_element_wise(pa.scalar("'", field.type), column, pa.scalar("", field.type))
            table = table.set_column(place, field, pc.if_else(runs, prefixed, column))
    return table
