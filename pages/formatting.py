"""How values look on every page: dollars, times, model names; text from outside as foreign.py makes it safe."""

from __future__ import annotations

from pages.foreign import escaped, model_text, shortened
from router_core.arm_names import arm_names
from router_core.charts.common import BADGES
from router_core.words import dollars, duration

__all__ = ["badge", "dollars", "duration", "escaped", "labels", "model_text", "shortened"]

labels = arm_names


def badge(text: str, index: int | None = None) -> str:
    """Markdown for a label in the colour of the model at this place (None: of no model)."""
    color = "gray" if index is None else BADGES[index % len(BADGES)]
    return f":{color}-badge[{escaped(text)}]"
