"""How estimates read: the figure with its interval in brackets."""

from __future__ import annotations

from router_core.evaluation.results import Estimate
from router_core.words import dollars, points, share


def percent(found: Estimate, digits: int = 1) -> str:
    """A share: 94.2 % (92.6 to 95.7)."""
    return f"{share(found.value, digits)} ({100 * found.low:.{digits}f} to {100 * found.high:.{digits}f})"


def span(found: Estimate) -> str:
    """The interval of a difference of shares, in points: +1.7 to +2.5."""
    return f"{points(found.low)} to {points(found.high)}"


def per_thousand(found: Estimate, estimated: bool = False) -> str:
    """Dollars for one, said for a thousand: $0.69 ($0.40 to $0.96)."""
    value, low, high = (dollars(1000 * one) for one in (found.value, found.low, found.high))
    return f"{'~' if estimated else ''}{value} ({low} to {high})"
