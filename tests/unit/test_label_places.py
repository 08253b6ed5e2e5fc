"""Labels of points: beside them where there is room, and never over one another at any width."""

from __future__ import annotations

import numpy as np
import pytest

from router_core.charts.labels import Labelling, Place, places

NARROW, WIDE, HEIGHT = 400.0, 1250.0, 380.0


def box(label: Labelling, place: Place, width: float) -> tuple[float, float, float, float]:
    """Left, right, top and bottom of what is written, at 6.3 pixels a character and 15 a line."""
    wide = 6.3 * len(label.text)
    start = {"left": 0.0, "right": -wide, "center": -wide / 2}[place.align] + place.dx + label.x * width
    middle = label.y * HEIGHT + place.dy
    return start, start + wide, middle - 7.5, middle + 7.5


def covers(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether two boxes share more than an edge."""
    return one[0] < other[1] - 1e-9 and other[0] < one[1] - 1e-9 and one[2] < other[3] and other[2] < one[3]


def test_alone_it_stands_to_the_right() -> None:
    """Nine pixels from its point, on its height."""
    assert places([Labelling("a model", 0.2, 0.5)], (NARROW, WIDE), HEIGHT) == [Place(9.0, 0.0, "left")]


def test_at_the_right_edge_it_stands_to_the_left() -> None:
    """Where it would leave the plot."""
    assert places([Labelling("a model", 0.99, 0.5)], (NARROW, WIDE), HEIGHT) == [Place(-9.0, 0.0, "right")]


def test_off_its_own_bar() -> None:
    """A line through the point's height moves the label to the next line; one elsewhere does not."""
    label = [Labelling("a model", 0.2, 0.5)]
    assert places(label, (NARROW, WIDE), HEIGHT, [(0.1, 0.5, 0.9, 0.5)]) == [Place(9.0, -15.0, "left")]
    assert places(label, (NARROW, WIDE), HEIGHT, [(0.1, 0.1, 0.9, 0.1)]) == [Place(9.0, 0.0, "left")]


def test_three_lines_through_a_name_are_worse_than_three_lines_of_distance() -> None:
    """Where every place is crossed, one that one line crosses is taken from further away."""
    label = [Labelling("a model", 0.2, 0.5)]
    heights = [(0.5 + step * 15.0 / HEIGHT) for step in (-2, -1, 0, 1, 2) for _ in range(3)]
    heights += [0.5 + sign * step * 15.0 / HEIGHT for step in range(3, 13) for sign in (-1, 1)]
    lines = [(0.0, height, 1.0, height) for height in heights]
    assert places(label, (NARROW, WIDE), HEIGHT, lines) == [Place(9.0, -45.0, "left")]


def test_a_slanting_line_is_seen() -> None:
    """It crosses the box without an end in it."""
    label = [Labelling("a model", 0.2, 0.5)]
    assert places(label, (NARROW, WIDE), HEIGHT, [(0.2, 0.3, 0.35, 0.7)]) != [Place(9.0, 0.0, "left")]


def test_equal_points_are_all_named() -> None:
    """Six labels of one point, none over another; the first keeps the best place."""
    labels = [Labelling(f"model number {i}", 0.5, 0.5) for i in range(6)]
    found = places(labels, (NARROW, WIDE), HEIGHT)
    assert found[0] == Place(9.0, 0.0, "left")
    assert all(place is not None for place in found)


def test_no_room_is_no_label() -> None:
    """One line high: the third of three equal points stays without a name."""
    labels = [Labelling("x" * 20, 0.5, 0.5) for _ in range(3)]
    assert places(labels, (NARROW, WIDE), 16.0) == [Place(9.0, 0.0, "left"), Place(-9.0, 0.0, "right"), None]


@pytest.mark.parametrize("seed", range(20))
def test_none_covers_another_at_any_width(seed: int) -> None:
    """Twelve points anywhere, some close together, on charts from 400 to 1,250 pixels; all stay inside."""
    rng = np.random.default_rng(seed)
    near = rng.random((3, 2))
    spots = np.concatenate([near, near + rng.normal(0, 0.02, (3, 2)), rng.random((6, 2))]).clip(0.02, 0.98)
    labels = [
        Labelling("m" * int(size), float(x), float(y))
        for (x, y), size in zip(spots, rng.integers(3, 28, len(spots)), strict=True)
    ]
    found = places(labels, (NARROW, WIDE), HEIGHT)
    placed = [(label, place) for label, place in zip(labels, found, strict=True) if place is not None]
    assert len(placed) >= 11
    for width in np.linspace(NARROW, WIDE, 18):
        boxes = [box(label, place, float(width)) for label, place in placed]
        for at, one in enumerate(boxes):
            assert one[0] >= -1e-9
            assert one[1] <= width + 1e-9
            assert not any(covers(one, other) for other in boxes[:at])
