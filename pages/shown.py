"""How values look on every page: dollars, times, model names, and text that a model wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence

from router_core.charts import BADGES
from router_core.types import Arm
from router_core.words import dollars, duration

__all__ = ["ROUTER_NAMES", "badge", "dollars", "duration", "escaped", "labels", "model_text"]

ROUTER_NAMES = {
    "heuristic": "Rules",
    "classifier": "Classifier",
    "thompson": "Thompson sampling",
    "contextual": "Contextual Thompson",
}


def labels(arms: Sequence[Arm]) -> dict[str, str]:
    """Arm id -> the shortest name that tells the arms of a goal apart."""
    short = {arm.id: arm.id.split("/", 1)[-1] for arm in arms}
    names = list(short.values())
    return {id_: name if names.count(name) == 1 else id_ for id_, name in short.items()}


def badge(text: str, index: int | None = None) -> str:
    """Markdown for a label in the colour of the model at this place (None: of no model)."""
    color = "gray" if index is None else BADGES[index % len(BADGES)]
    return f":{color}-badge[{escaped(text)}]"


_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$!:])")


def escaped(text: str) -> str:
    """Plain text that Markdown leaves as it is."""
    return _SPECIAL.sub(r"\\\1", text)


_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)
_DIRECTIVE = re.compile(r":(?=[a-z][a-z-]*\[|material/|streamlit:)")
_MONEY = re.compile(r"(?<![\\$])\$(?=\d)")


def model_text(text: str) -> str:
    """A model's Markdown with what could act on the reader's browser taken out.

    Images would be fetched (and could carry data away), Streamlit's own directives could imitate the page, and
    two prices in a sentence would be read as a formula. Code is left as it is.
    """
    parts = _CODE.split(text)
    for index in range(0, len(parts), 2):
        part = parts[index].replace("![", "!\\[")
        part = _DIRECTIVE.sub("\\\\:", part)
        parts[index] = _MONEY.sub("\\\\$", part)
    return "".join(parts)
