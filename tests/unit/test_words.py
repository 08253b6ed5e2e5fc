"""Figures as a person would say them: dollars, times, how long something still takes."""

from __future__ import annotations

import pytest

from router_core.words import dollars, dollars_as_written, duration, good_of, wait


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "about a second"),
        (1.4, "about a second"),
        (12.3, "about 12 s"),
        (89.0, "about 89 s"),
        (100.0, "about 2 min"),
        (5_000.0, "about 83 min"),
        (9_000.0, "about 2 h"),
    ],
)
def test_wait(seconds: float, said: str) -> None:
    """Seconds, then minutes, then hours."""
    assert wait(seconds) == said


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (None, "price unknown"),
        (0, "$0"),
        (0.00012, "$0.00012"),
        (-0.999, "-$1.00"),
        (999.99, "$999.99"),
        (999.996, "$1,000"),
        (-1_240, "-$1,240"),
        (1e-9, "< $0.000001"),
        (-1e-9, "> -$0.000001"),
    ],
)
def test_dollars(amount: float | None, said: str) -> None:
    """As many digits as matter; what is next to nothing says on which side of it."""
    assert dollars(amount) == said


def test_estimated_dollars() -> None:
    """Are marked, but for what is a bound already."""
    assert (dollars(0.1, estimated=True), dollars(1e-9, estimated=True)) == ("~$0.10", "< $0.000001")


@pytest.mark.parametrize(
    ("milliseconds", "said"), [(None, "unknown"), (0.5, "0.50 ms"), (999.4, "999 ms"), (999.7, "1.0 s")]
)
def test_duration(milliseconds: float | None, said: str) -> None:
    """Milliseconds below a second."""
    assert duration(milliseconds) == said


@pytest.mark.parametrize(("good", "said"), [(41, "41 of 2,000,000"), (1_234_567.5, "1,234,567.5 of 2,000,000")])
def test_good_of(good: float, said: str) -> None:
    """However many, and with half an answer for a tie."""
    assert good_of(good, 2_000_000) == said


@pytest.mark.parametrize(
    ("amount", "said"),
    [(0.05, "$0.05"), (20.0, "$20"), (100, "$100"), (1e-05, "$0.00001"), (0.0, "$0"), (1234.5, "$1234.5")],
)
def test_dollars_as_written(amount: float, said: str) -> None:
    """All digits and no more, never as a power of ten."""
    assert dollars_as_written(amount) == said
