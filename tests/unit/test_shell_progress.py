"""What long work says on the way, where there is no terminal."""

from __future__ import annotations

import pytest

from router_core.shell.progress import progress


def test_a_line_every_ten_seconds_with_the_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    """A quarter after 30 s leaves 90 s; nothing at the beginning, at the end, and sooner than ten seconds."""
    times = iter([0.0, 5.0, 30.0, 35.0, 60.0, 120.0])
    with progress("Playing", clock=lambda: next(times)) as tell:
        for part in (0.04, 0.25, 0.28, 0.5, 1.0):
            tell(part)
    assert capsys.readouterr().err.splitlines() == [
        "Playing: 25% done, about 2 min left",
        "Playing: 50% done, about 60 s left",
    ]


def test_hidden_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """As with --json."""
    times = iter([0.0, 1e6])
    with progress("Playing", hidden=True, clock=lambda: next(times)) as tell:
        tell(0.5)
    assert capsys.readouterr() == ("", "")
