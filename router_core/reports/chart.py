"""Good answers against dollars as a picture in HTML: points with their intervals and names, without a script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from router_core.charts.common import MODEL_COLORS
from router_core.charts.evidence import money_description
from router_core.charts.labels import Labelling, places
from router_core.evaluation.results import Report, Row
from router_core.words import dollars, share

WIDTH, HEIGHT = 680, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 12, 40
_TICKS = 5
_INK, _PALE, _OTHER = "#0b111a", "#d5dae1", "#5b6675"


def money_svg(report: Report) -> str:
    """The chart of a report as an ``svg`` element; "" where no price is known."""
    rows = [row for row in report.rows if row.cost_usd is not None]
    if not rows:
        return ""
    drawing = _Drawing(rows)
    parts = [*drawing.axes()]
    hull = [row for row in rows if row.name in report.hull]
    if len(hull) > 1:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(drawing.place, hull))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{_OTHER}" stroke-width="1.5"/>')
    colors = {
        model: MODEL_COLORS["light"][at % len(MODEL_COLORS["light"])] for at, model in enumerate(report.models)
    }
    for row in rows:
        parts += drawing.mark(row, colors.get(row.name, _INK))
    parts += drawing.names(rows, colors)
    words = escape(money_description(report))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{words}" xmlns="http://www.w3.org/2000/svg">'
        f"{''.join(parts)}</svg>"
    )


class _Drawing:
    """Where figures stand on the picture."""

    def __init__(self, rows: Sequence[Row]) -> None:
        costs = [1000 * row.cost_usd.high for row in rows if row.cost_usd is not None]
        lows, highs = [row.accuracy.low for row in rows], [row.accuracy.high for row in rows]
        room = 0.08 * (max(highs) - min(lows)) or 0.01
        self._most = 1.06 * max(costs) or 1.0
        self._low, self._high = max(0.0, min(lows) - room), min(1.0, max(highs) + room)

    def x(self, cost: float) -> float:
        """Of dollars per 1,000 prompts."""
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * cost / self._most

    def y(self, accuracy: float) -> float:
        """Of a share of good answers."""
        return _TOP + (HEIGHT - _TOP - _BOTTOM) * (self._high - accuracy) / (self._high - self._low)

    def place(self, row: Row) -> tuple[float, float]:
        """Of a row's point."""
        assert row.cost_usd is not None
        return self.x(1000 * row.cost_usd.value), self.y(row.accuracy.value)

    def axes(self) -> list[str]:
        """Lines, figures and titles."""
        parts = []
        ticks = _round(self._low, self._high)
        digits = 0 if all(abs(100 * one - round(100 * one)) < 1e-6 for one in ticks) else 1
        for value in ticks:
            y = self.y(value)
            parts.append(f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{_PALE}"/>')
            parts.append(_text(_LEFT - 6, y, share(value, digits), "end", _OTHER))
        for value in _round(0.0, self._most):
            parts.append(_text(self.x(value), HEIGHT - _BOTTOM + 14, dollars(value), "middle", _OTHER))
        parts.append(_text((WIDTH + _LEFT) / 2, HEIGHT - 8, "dollars per 1,000 prompts", "middle", _OTHER))
        middle = (_TOP + HEIGHT - _BOTTOM) / 2
        parts.append(
            f'<text x="0" y="0" transform="translate(11 {middle:.0f}) rotate(-90)" text-anchor="middle"'
            f' font-size="11" fill="{_OTHER}">good answers</text>'
        )
        return parts

    def mark(self, row: Row, color: str) -> list[str]:
        """A point with the ends of both intervals; filled for a model, hollow for a router."""
        assert row.cost_usd is not None
        x, y = self.place(row)
        up, down = self.y(row.accuracy.high), self.y(row.accuracy.low)
        left, right = self.x(1000 * row.cost_usd.low), self.x(1000 * row.cost_usd.high)
        fill = color if row.kind == "fixed" else "#ffffff"
        whiskers = f'<path d="M{x:.1f} {up:.1f}V{down:.1f}M{left:.1f} {y:.1f}H{right:.1f}"'
        return [
            f'{whiskers} stroke="{color}" stroke-width="1.5"/>',
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{fill}" stroke="{color}" stroke-width="2"/>',
        ]

    def names(self, rows: Sequence[Row], colors: dict[str, str]) -> list[str]:
        """Each point's name where it covers no other."""
        width, height = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
        spots = [self.place(row) for row in rows]
        asked = [
            Labelling(row.label.rsplit("/", 1)[-1], (x - _LEFT) / width, (y - _TOP) / height)
            for row, (x, y) in zip(rows, spots, strict=True)
        ]
        lines = [
            ((x - _LEFT) / width, (self.y(end) - _TOP) / height, (x - _LEFT) / width, (y - _TOP) / height)
            for row, (x, y) in zip(rows, spots, strict=True)
            for end in (row.accuracy.low, row.accuracy.high)
        ]
        found = []
        anchors = {"left": "start", "right": "end", "center": "middle"}
        for row, one, (x, y), at in zip(
            rows, asked, spots, places(asked, (float(width), float(width)), height, lines), strict=True
        ):
            if at is not None:
                color = colors.get(row.name, _INK)
                found.append(_text(x + at.dx, y + at.dy, one.text, anchors[at.align], color, 12))
        return found


def _text(x: float, y: float, text: str, anchor: str, color: str, size: int = 11) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" dominant-baseline="middle" font-size="{size}"'
        f' fill="{color}">{escape(text)}</text>'
    )


def _round(low: float, high: float) -> list[float]:
    """About five round figures from low to high."""
    step = (high - low) / _TICKS
    scale = 10.0 ** math.floor(math.log10(step))
    step = min((scale * part for part in (1, 2, 2.5, 5, 10)), key=lambda one: abs(one - step))
    first = math.ceil(low / step - 1e-9)
    return [step * at for at in range(first, math.floor(high / step + 1e-9) + 1)]
