"""The colours of .streamlit/config.toml and of the charts: contrast, and the same models in the same colours."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from router_core.charts.common import BADGES, MODEL_COLORS, MUTED, Theme, model_color

CONFIG = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text())
CAPTION_OPACITY = 0.6  # how Streamlit fades captions
THEMES: tuple[Theme, ...] = ("light", "dark")


def rgb(color: str) -> tuple[float, ...]:
    """Red, green and blue in [0, 1]."""
    return tuple(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))


def luminance(color: tuple[float, ...]) -> float:
    """Relative luminance (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Contrast ratio (WCAG 2.2), 1 to 21."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_text_contrast(theme: Theme) -> None:
    """Text, captions, links and badges reach 4.5:1 on the backgrounds that they stand on."""
    colors = CONFIG["theme"][theme]
    backgrounds = [
        rgb(colors["backgroundColor"]),
        rgb(colors["secondaryBackgroundColor"]),
        rgb(colors["sidebar"]["backgroundColor"]),
    ]
    text = rgb(colors["textColor"])
    for background in backgrounds:
        assert contrast(text, background) >= 7
        assert contrast(rgb(colors["linkColor"]), background) >= 4.5
        assert contrast(rgb(colors["grayTextColor"]), background) >= 4.5
    for background in (backgrounds[0], backgrounds[2]):
        faded = tuple(
            CAPTION_OPACITY * t + (1 - CAPTION_OPACITY) * b for t, b in zip(text, background, strict=True)
        )
        assert contrast(faded, background) >= 4.5
        assert contrast(rgb(MUTED[theme]), background) >= 4.5
    for name in (*BADGES, "red", "gray"):
        assert contrast(rgb(colors[f"{name}TextColor"]), rgb(colors[f"{name}BackgroundColor"])) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_charts_and_badges_agree(theme: Theme) -> None:
    """A model has one colour: that of its badge and of its line, which stands out from the background."""
    colors = CONFIG["theme"][theme]
    assert len(BADGES) == len(MODEL_COLORS[theme])
    for index, name in enumerate(BADGES):
        assert colors[f"{name}Color"] == model_color(index, theme)
        assert contrast(rgb(colors[f"{name}Color"]), rgb(colors["backgroundColor"])) >= 3


def test_primary_button_letters() -> None:
    """White letters on the light accent, dark letters on the dark theme's (the shell sets them)."""
    assert contrast(rgb(CONFIG["theme"]["light"]["primaryColor"]), (1, 1, 1)) >= 4.5
    assert contrast(rgb(CONFIG["theme"]["dark"]["primaryColor"]), rgb("#0b111a")) >= 4.5


def test_safe_defaults() -> None:
    """Reachable from this machine alone, nothing sent home, no stack traces on screen."""
    assert CONFIG["server"]["address"] == "127.0.0.1"
    assert CONFIG["browser"]["gatherUsageStats"] is False
    assert CONFIG["client"]["showErrorDetails"] == "type"


def test_every_chart_has_letters_that_can_be_read() -> None:
    """Streamlit writes around charts at 3.7:1 in the light theme; one place sets others."""
    pages = Path(__file__).parents[2] / "pages"
    assert {path.name for path in pages.glob("*.py") if "vega_lite_chart(" in path.read_text()} == {"figure.py"}
