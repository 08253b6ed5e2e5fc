"""How figures read, on pages and in the shell: dollars, times, shares, points.

Does not cover markup; whoever shows a text escapes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal


def dollars(amount: Decimal | float | None, estimated: bool = False) -> str:
    """An amount with as many digits as matter: $0.0012, $3.41, $1,240."""
    if amount is None:
        return "price unknown"
    value = float(amount)
    size = abs(value)
    if size == 0:
        text = "$0"
    elif size >= 999.995:
        text = f"${size:,.0f}"
    elif size >= 1:
        text = f"${size:.2f}"
    elif size >= 1e-6:
        digits = 1 - int(f"{size:e}".partition("e")[2])  # two significant digits
        text = f"${size:.{digits}f}"
    else:
        return "< $0.000001" if value > 0 else "> -$0.000001"
    return ("~" if estimated else "") + ("-" if value < 0 else "") + text


def dollars_as_written(amount: float) -> str:
    """An amount that somebody chose, with all of its digits: $0.05, $20, $0.00001."""
    text = f"{Decimal(repr(float(amount))):f}"
    return "$" + (text.rstrip("0").rstrip(".") if "." in text else text)


def duration(milliseconds: float | None) -> str:
    """A time: 0.02 ms, 420 ms, 2.1 s."""
    if milliseconds is None:
        return "unknown"
    if milliseconds < 1:
        return f"{milliseconds:.2f} ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.1f} s"


def wait(seconds: float) -> str:
    """About how long something still takes: about 12 s, about 3 min."""
    if seconds < 1.5:
        return "about a second"
    if seconds < 90:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.0f} h"


def good_of(good: float, count: int) -> str:
    """So many good answers among ``count``: 41 of 46; a tie is half a good one."""
    whole = abs(good - round(good)) < 0.05
    return f"{round(good):,} of {count:,}" if whole else f"{good:,.1f} of {count:,}"


def share(part: float, digits: int = 1) -> str:
    """A part of 1 as a percentage: 94.2 %."""
    return f"{100 * part:.{digits}f} %"


def points(difference: float) -> str:
    """A difference of shares in points, signed: +2.0."""
    return f"{100 * difference:+.1f}"


def times_cheaper(ratio: float) -> str:
    """What part of another's cost something costs, where the other costs ``ratio`` (> 0) times as much."""
    return f"1/{ratio:.0f} of the cost" if ratio >= 1.5 else f"{100 / ratio:.0f} % of the cost"


def many(count: int, one: str) -> str:
    """So many of a thing: "1 row", "1,200 rows"."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def about(number: float) -> str:
    """A whole number with two digits that matter: 1,300."""
    whole = max(1, round(number))
    scale = 10 ** max(0, len(str(whole)) - 2)
    return f"{round(whole / scale) * scale:,}"


def listing(names: Sequence[str], most: int = 40) -> str:
    """Names in a sentence: "a, b and c"; of more than ``most``, the first of them."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most:,} more"
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
