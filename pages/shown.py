"""How values look on every page: dollars, times, model names, and text that a model wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from router_core.charts import BADGES
from router_core.types import Arm

ROUTER_NAMES = {"heuristic": "Rules", "classifier": "Classifier", "thompson": "Thompson sampling"}


def dollars(amount: Decimal | float | None, estimated: bool = False) -> str:
    """An amount with as many digits as matter: $0.0012, $3.41, $1,240."""
    if amount is None:
        return "price unknown"
    value = float(amount)
    size = abs(value)
    if size == 0:
        text = "$0"
    elif size >= 1000:
        text = f"${size:,.0f}"
    elif size >= 1:
        text = f"${size:.2f}"
    elif size >= 1e-6:
        digits = 1 - int(f"{size:e}".partition("e")[2])  # two significant digits
        text = f"${size:.{digits}f}"
    else:
        text = "< $0.000001"
    return ("~" if estimated else "") + ("-" if value < 0 else "") + text


def duration(milliseconds: float | None) -> str:
    """A time: 0.02 ms, 420 ms, 2.1 s."""
    if milliseconds is None:
        return "unknown"
    if milliseconds < 1:
        return f"{milliseconds:.2f} ms"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.1f} s"


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
