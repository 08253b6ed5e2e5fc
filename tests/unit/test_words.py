"""How long something still takes, as a person would say it."""

from __future__ import annotations

import pytest

from router_core.words import wait


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
