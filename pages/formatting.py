"""How values look on every page: dollars, times, model names, and text that a model wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence

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


_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$!:])")


def escaped(text: str) -> str:
    """Plain text that Markdown leaves as it is."""
    return _SPECIAL.sub(r"\\\1", text)


def shortened(text: str, most: int) -> str:
    """In one line, of so many characters at most."""
    line = " ".join(text[: 4 * most].split())
    return line if len(line) <= most and len(text) <= 4 * most else line[: most - 1] + "…"


_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)
_FENCED = re.compile(r"^```[^`\n]*\n(?:(?!```).)*?(?:^```[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`[^`\n\r|]+`")
_UNSURE = re.compile(r"[`\\<${|@\r]|~~~|:[\w/]|www\.")  # around code: may begin, end or swallow a mark
_DIRECTIVE = re.compile(r":(?=[a-z][a-z-]*\[)")
_ICON = re.compile(r":(?=material/|streamlit:)")
_MONEY = re.compile(r"(?<![\\$])\$(?=\d)")
_JOINER = "\N{WORD JOINER}"  # takes no room


def model_text(text: str) -> str:
    """A model's Markdown with what could act on the reader's browser taken out.

    Images would be fetched (and could carry data away), Streamlit's own directives could imitate the page, and
    two prices in a sentence would be read as a formula. Code is left as it is; but where it is not plain that the
    browser takes it for code, too, an image in it is parted.
    """
    parts = _CODE.split(text)
    for index in range(0, len(parts), 2):
        part = parts[index].replace("![", "!\\[")
        part = _DIRECTIVE.sub("\\\\:", part)
        part = _ICON.sub(f":{_JOINER}", part)  # icons are put in behind Markdown: a backslash does not help
        parts[index] = _MONEY.sub("\\\\$", part)
    if ("](" in text or "]:" in text) and not _plain(text):
        parts[1::2] = [code.replace("![", "! [") for code in parts[1::2]]
    return "".join(parts)


def _plain(text: str) -> bool:
    """Whether Markdown sees code where we see it: fences that begin a line, else pairs of ` within a line."""
    return _UNSURE.search(_INLINE.sub("", _FENCED.sub("", text))) is None
