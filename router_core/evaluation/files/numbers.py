"""Numbers as people write them in a column: 0.75, 0,75, 75 %, $0.0001, 1,234, yes and no.

A column has one notation or none: it is recognised only where every known cell agrees with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router_core.evaluation.labelled import Array

UNKNOWN: Final = frozenset(
    {
        "", "nan", "null", "none", "na", "n/a", "n.a.", "#n/a", "#na", "<na>", "nil", "nat", "-", "--", "–", "—",
        "?", "unknown", "missing", "undefined",
    }
)  # fmt: skip
"""What an unknown number may be written as, in any case of letters."""

_WORDS: Final = (
    ("yes", "no"), ("y", "n"), ("t", "f"), ("pass", "fail"), ("passed", "failed"), ("success", "failure"),
    ("correct", "incorrect"), ("right", "wrong"), ("good", "bad"),
)  # fmt: skip
_TRUTH: Final = {"true": 1.0, "false": 0.0}
_MONEY: Final = re.compile(r"(?:us\$|usd|\$)\s*(?P<before>.+)|(?P<after>.+?)\s*(?:us\$|usd|\$)", re.I)
_EXPONENT: Final = r"(?:e[+-]?\d+)?"
_COMMA: Final = re.compile(rf"[+-]?(?:\d+|\d{{1,3}}(?:[.\s’']\d{{3}})+)?(?:,\d+)?{_EXPONENT}", re.I)
_THOUSANDS: Final = re.compile(rf"[+-]?[1-9]\d{{0,2}}(?:[,\s’'_]\d{{3}})+(?:\.\d+)?{_EXPONENT}", re.I)
_EITHER: Final = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")  # 1,234: a comma of either kind


@dataclass(frozen=True, slots=True)
class Notation:
    """How the numbers of a column are written, in words, with an example: a cell and what it means.

    ``share``: the values are parts of a perfect answer already, whatever that scores.
    """

    words: str
    cell: str
    value: float
    share: bool = False

    def __str__(self) -> str:
        return f"{self.words}: {self.cell!r} means {self.value:g}"


@dataclass(frozen=True, slots=True, eq=False)
class Parsed:
    """Values of cells, NaN where unknown and where ``odd``; ``notation``: None where the numbers are plain."""

    values: Array
    odd: NDArray[np.bool_]
    notation: Notation | None = None


def plain(texts: Sequence[str]) -> Parsed:
    """Numbers with a decimal point, true and false."""
    values, odd = np.full(len(texts), np.nan), np.zeros(len(texts), np.bool_)
    for place, text in enumerate(texts):
        word = text.strip().lower()
        if word in UNKNOWN:
            continue
        found = _plain(word)
        odd[place] = found is None
        values[place] = np.nan if found is None else found
    return Parsed(values, odd)


def parsed(texts: Sequence[str], *, counts: bool = False) -> Parsed:
    """The same, or in the notation in which every known cell is written.

    ``counts``: the numbers are whole, so that 1,234 cannot be a little more than one.
    """
    found = plain(texts)
    if not found.odd.any():
        return found
    known = [place for place, text in enumerate(texts) if text.strip().lower() not in UNKNOWN]
    cells = [texts[place].strip().lower() for place in known]
    for words, read, share in _notations(cells, counts):
        values = [read(cell) for cell in cells]
        if all(value is not None for value in values):
            all_values = np.full(len(texts), np.nan)
            all_values[known] = values
            example = next(place for place in known if found.odd[place])
            notation = Notation(words, texts[example].strip(), float(all_values[example]), share)
            return Parsed(all_values, np.zeros(len(texts), np.bool_), notation)
    return found


def _notations(cells: Sequence[str], counts: bool) -> list[tuple[str, Callable[[str], float | None], bool]]:
    """What the cells may be written in: in words, what reads a cell, and whether the values are shares."""
    found: list[tuple[str, Callable[[str], float | None], bool]] = []
    for good, bad in _WORDS:
        meant = {good: 1.0, bad: 0.0}
        found.append((f"{good} and {bad}", lambda cell, meant=meant: meant.get(cell), True))  # type: ignore[misc]
    percent, money = [_percent(cell) for cell in cells], [_money(cell) for cell in cells]
    if None not in percent:
        found += [
            (f"percent{words}", lambda cell, read=read: _hundredth(read(_percent(cell) or "")), True)  # type: ignore[misc]
            for words, read in _separators([one or "" for one in percent], counts)
        ]
    elif None not in money:
        found += [
            (f"dollars{words}", lambda cell, read=read: read(_money(cell) or ""), False)  # type: ignore[misc]
            for words, read in _separators([one or "" for one in money], counts)
        ]
    else:
        found += [(words.removeprefix(" with "), read, False) for words, read in _separators(cells, counts)]
    return found


def _separators(cells: Sequence[str], counts: bool) -> list[tuple[str, Callable[[str], float | None]]]:
    """Ways to read numbers without a unit. Where every comma may be of either kind, none is guessed."""
    either = any("," in cell for cell in cells) and all(
        "," not in cell or _EITHER.fullmatch(cell) for cell in cells
    )
    ways: list[tuple[str, Callable[[str], float | None]]] = [
        ("", _plain),
        (" with thousands separators", _thousands),
        (" with a decimal comma", _comma),
    ]
    if either:
        return ways[:2] if counts else ways[:1]
    return ways


def _plain(cell: str) -> float | None:
    if cell in _TRUTH:
        return _TRUTH[cell]
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def _comma(cell: str) -> float | None:
    if not _COMMA.fullmatch(cell):
        return None
    return _plain(re.sub(r"[.\s’']", "", cell).replace(",", "."))


def _thousands(cell: str) -> float | None:
    return _plain(re.sub(r"[,\s’'_]", "", cell)) if _THOUSANDS.fullmatch(cell) else _plain(cell)


def _percent(cell: str) -> str | None:
    return cell[:-1].rstrip() if cell.endswith("%") else None


def _hundredth(value: float | None) -> float | None:
    return None if value is None else value / 100.0


def _money(cell: str) -> str | None:
    match = _MONEY.fullmatch(cell)
    if match is None:
        return cell if _plain(cell) == 0.0 else None
    return match["before"] or match["after"]
