"""How values look on every page: dollars, times, model names; text from outside as foreign.py makes it safe."""

from __future__ import annotations

from collections.abc import Sequence

from pages.foreign import escaped, model_text, shortened
from router_core.charts.common import BADGES
from router_core.types import Arm
from router_core.words import dollars, duration

__all__ = ["badge", "dollars", "duration", "escaped", "labels", "model_text", "shortened"]


def labels(arms: Sequence[Arm]) -> dict[str, str]:
    """Arm id -> the shortest name that tells the arms of a goal apart."""
    short = {arm.id: arm.id.split("/", 1)[-1] for arm in arms}
    names = list(short.values())
    return {id_: name if names.count(name) == 1 else id_ for id_, name in short.items()}


def badge(text: str, index: int | None = None) -> str:
    """Markdown for a label in the colour of the model at this place (None: of no model)."""
    color = "gray" if index is None else BADGES[index % len(BADGES)]
    return f":{color}-badge[{escaped(text)}]"
