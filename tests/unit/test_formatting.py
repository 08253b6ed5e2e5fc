"""How values look on the pages."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pages.formatting import badge, dollars, duration, labels
from router_core.types import Arm


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "price unknown"),
        (Decimal(0), "$0"),
        (Decimal("0.0000210"), "$0.000021"),
        (Decimal("0.00123"), "$0.0012"),
        (Decimal("0.5"), "$0.50"),
        (3.414, "$3.41"),
        (1240.4, "$1,240"),
        (-0.00123, "-$0.0012"),
        (1e-9, "< $0.000001"),
    ],
)
def test_dollars(amount: Decimal | float | None, text: str) -> None:
    """As many digits as matter; an unknown price is never zero."""
    assert dollars(amount) == text


def test_estimated_dollars() -> None:
    """An estimate carries a tilde."""
    assert dollars(0.25, estimated=True) == "~$0.25"


@pytest.mark.parametrize(("ms", "text"), [(None, "unknown"), (0.021, "0.02 ms"), (420, "420 ms"), (2100, "2.1 s")])
def test_duration(ms: float | None, text: str) -> None:
    """The unit that fits."""
    assert duration(ms) == text


def test_labels_are_short_where_that_is_enough() -> None:
    """The provider is named only where two models would look alike."""
    arms = [Arm("openai/gpt-4o", "openai/gpt-4o"), Arm("local/llama", "local/llama"), Arm("b/llama", "b/llama")]
    assert labels(arms) == {"openai/gpt-4o": "gpt-4o", "local/llama": "local/llama", "b/llama": "b/llama"}


def test_a_badge_is_literal() -> None:
    """A name with Markdown in it does not become Markdown."""
    assert badge("m_1", 1) == ":orange-badge[m\\_1]"
