"""Where the labels of points stand, so that none covers another on a chart of any width.

A chart's height is known, its width is the window's. Places are therefore tried on the narrowest and on the
widest chart: what keeps its side of a neighbour on both keeps it in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

_LINE: Final = 15.0  # height of a label, in pixels
_CHARACTER: Final = 6.3  # mean width of a character at 12 pixels
_GAP: Final = 9.0  # between a point and its label
_MARK: Final = 7.0  # half the size of a point
_STEPS: Final = 24  # how far away a label is looked a place for, in lines

Line = tuple[float, float, float, float]
"""From (x, y) to (x, y), in parts of the plot."""
Align = Literal["left", "right", "center"]


@dataclass(frozen=True, slots=True)
class Labelling:
    """A point at ``x`` (0 left to 1 right) and ``y`` (0 top to 1 bottom), and what is written beside it."""

    text: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Place:
    """Offsets of a label's anchor from its point, in pixels, and the side that the anchor is on."""

    dx: float
    dy: float
    align: Align


@dataclass(frozen=True, slots=True)
class _Box:
    """Left and right edge at each width, top and bottom."""

    left: tuple[float, ...]
    right: tuple[float, ...]
    top: float
    bottom: float

    def touches(self, other: _Box) -> bool:
        """Whether they overlap at some width."""
        if self.bottom <= other.top or other.bottom <= self.top:
            return False
        before = all(right <= left for right, left in zip(self.right, other.left, strict=True))
        after = all(right <= left for right, left in zip(other.right, self.left, strict=True))
        return not (before or after)


def places(
    labels: Sequence[Labelling], widths: Sequence[float], height: float, lines: Sequence[Line] = ()
) -> list[Place | None]:
    """A place for each label, the first ones first; None where there is no room left.

    Args:
        labels: in order of importance.
        widths: of the plot, the narrowest and the widest, in pixels.
        height: of the plot, in pixels.
        lines: what a label had better not lie on.
    """
    marks = [_box(one, Place(-_MARK, 0, "left"), 2 * _MARK, widths, height) for one in labels]
    taken: list[_Box] = []
    found: list[Place | None] = []
    for own, label in enumerate(labels):
        wide = _CHARACTER * len(label.text)
        best: tuple[float, Place, _Box] | None = None
        for place in _candidates():
            box = _box(label, place, wide, widths, height)
            outside = box.top < 0 or box.bottom > height or min(box.left) < 0
            outside = outside or any(right > width for right, width in zip(box.right, widths, strict=True))
            if outside or any(box.touches(other) for other in taken):
                continue
            covered = sum(box.touches(mark) for at, mark in enumerate(marks) if at != own)
            crossed = sum(_crosses(line, box, widths, height) for line in lines)
            worse = abs(place.dy) + 60.0 * covered + 24.0 * crossed + (4.0 if place.align == "right" else 0.0)
            if best is None or worse < best[0]:
                best = (worse, place, box)
        if best is not None:
            taken.append(best[2])
        found.append(None if best is None else best[1])
    return found


def _candidates() -> Iterator[Place]:
    """Beside the point, above and below it, then further and further away."""
    for step in range(_STEPS + 1):
        for sign in (-1, 1) if step else (1,):
            dy = sign * step * _LINE
            yield Place(_GAP, dy, "left")
            yield Place(-_GAP, dy, "right")
            if step:
                yield Place(0.0, dy, "center")


def _box(label: Labelling, place: Place, wide: float, widths: Sequence[float], height: float) -> _Box:
    start = {"left": 0.0, "right": -wide, "center": -wide / 2}[place.align] + place.dx
    middle = label.y * height + place.dy
    left = tuple(label.x * width + start for width in widths)
    return _Box(left, tuple(one + wide for one in left), middle - _LINE / 2, middle + _LINE / 2)


def _crosses(line: Line, box: _Box, widths: Sequence[float], height: float) -> bool:
    """Whether the line runs through the box at some width (clipping after Liang & Barsky 1984)."""
    x0, y0, x1, y1 = line
    for at, width in enumerate(widths):
        start, end = 0.0, 1.0
        for from_, to, low, high in (
            (x0 * width, x1 * width, box.left[at], box.right[at]),
            (y0 * height, y1 * height, box.top, box.bottom),
        ):
            if from_ == to:
                if not low < from_ < high:
                    end = -1.0
                continue
            near, far = sorted(((low - from_) / (to - from_), (high - from_) / (to - from_)))
            start, end = max(start, near), min(end, far)
        if start < end:
            return True
    return False
