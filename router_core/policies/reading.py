"""The verdict in a classifier's answer: what it thinks is dropped, and the last verdict counts.

Models think aloud before they answer, draft verdicts, repeat the instructions and wrap the answer in Markdown.
Where no verdict is certain there is none: the rules decide then (classifier.py).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

MOST_CHARACTERS: Final = 20_000
"""Of an answer, from its end."""

_KINDS: Final = r"think(?:ing)?|thoughts?|reason(?:ing)?|reflection|analysis|scratchpad"
_TAG: Final = re.compile(
    rf"(?P<end>[<\[◁]\s*/\s*(?:\w+:)?(?:{_KINDS})\s*[>\]▷]|<\|END_(?:{_KINDS})\|>|<\|channel\|>\s*final\s*<\|message\|>)"
    rf"|[<\[◁]\s*(?:\w+:)?(?:{_KINDS})(?:\s[^<>\[\]]*)?[>\]▷]|<\|START_(?:{_KINDS})\|>"
    r"|<\|channel\|>\s*(?:analysis|commentary)\b[^<]*<\|message\|>",
    re.IGNORECASE,
)
_QUOTES: Final = str.maketrans("“”„‟«»＂‘’‚‛：", '"""""""\'\'\'\':')
_ENCODED: Final = re.compile(r"""\\+["']complexity\\+["']""", re.IGNORECASE)
_FIELD: Final = re.compile(
    r"""\bcomplexity["'*_`]{0,4}\s*[:=][*_`]{0,4}\s*(?:\*\*|__|`){0,2}(?:"(?P<double>[^"\n]*)"|'(?P<single>[^'\n]*)'|[*_`]*(?P<bare>[A-Za-z]+))"""
    r"""(?P<or>\s*(?:\||/|\bor\b))?""",
    re.IGNORECASE,
)
_LABEL: Final = r"(?P<label>SIMPLE|COMPLEX)"
_LINE: Final = re.compile(
    r"^[^\w\n]{0,40}(?:(?:my|the|final|answer|verdict|label|class|classification|category|result|conclusion|output|so|therefore"
    rf"|it|this|request|prompt|task|would|be|is)\b[^\w\n]{{0,20}})*{_LABEL}[^\w\n]{{0,40}}$",
    re.IGNORECASE | re.MULTILINE,
)
_WORD: Final = re.compile(rf"(?<![^\W_]){_LABEL}(?![^\W_])")
_BOLD: Final = re.compile(rf"(?:\*\*|__)\W*{_LABEL}\W*(?:\*\*|__)", re.IGNORECASE)
_BOTH: Final = re.compile(
    r"\b(?:SIMPLE|COMPLEX)\b\W{0,8}(?:\b(?:or|and|vs)\b|[|/,])\W{0,8}\b(?:SIMPLE|COMPLEX)\b", re.IGNORECASE
)
_NEGATED: Final = re.compile(
    r"(?:\b(?:not|never|than|neither|nor|hardly|without)|n't)\W+(?:\w+\W+)?$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Found:
    """Something that looks like a verdict, and where it stands."""

    place: int
    label: str
    reason: str = ""


def parse(text: str) -> tuple[bool, str]:
    """(simple?, reason) from a classifier's answer: the last verdict outside its thinking, in any case, as JSON,
    as a field or as the bare word.

    Raises:
        ValueError: nothing was said, or no label that is SIMPLE or COMPLEX; the sentence quotes the answer.
    """  # fmt: skip
    if not text.strip():
        raise ValueError("the classifier answered nothing")
    said = without_thinking(text[-MOST_CHARACTERS:])
    if said is None:
        raise ValueError("the classifier was still thinking when its answer ended, so that it gave no verdict")
    said = said.translate(_QUOTES)
    if _ENCODED.search(said):  # JSON that was encoded again
        said = re.sub(r"\\+([\"'])", r"\1", said)
    outside = _outside_braces(said)
    found = [*_fields(said), *_marked(_LINE, outside)] or _marked(_WORD, outside) or _marked(_BOLD, outside)
    if not found:
        raise ValueError(f"the classifier answered {text.strip()[:120]!r}, which holds no complexity label")
    last = max(found, key=lambda one: one.place)
    if last.label not in ("SIMPLE", "COMPLEX"):
        raise ValueError(f"the classifier answered {text.strip()[:120]!r}; the label must be SIMPLE or COMPLEX")
    return last.label == "SIMPLE", last.reason


def without_thinking(text: str) -> str | None:
    """The text without the blocks in which a model thinks; None where the last of them has no end.

    An end without a beginning ends all that stands before it: some servers begin the thinking in the prompt.
    """
    kept: list[str] = []
    depth = at = 0
    for tag in _TAG.finditer(text):
        if depth == 0:
            kept.append(text[at : tag.start()])
        if tag["end"] is None:
            depth += 1
        elif depth:
            depth -= 1
        else:
            kept.clear()
        at = tag.end()
    return None if depth else "".join([*kept, text[at:]])


def _fields(text: str) -> list[_Found]:
    """Every ``complexity: ...``, with the reason where it stands in JSON that can be read. One that offers both
    labels repeats the instructions; it counts only where there is no other.
    """  # fmt: skip
    found: list[_Found] = []
    offers: list[_Found] = []
    for field in _FIELD.finditer(text):
        value = next(one for one in (field["double"], field["single"], field["bare"]) if one is not None)
        label = value.strip().strip("*_`.").strip().upper()
        one = _Found(field.start(), label, _reason(text, field.start()))
        both = field["or"] is not None or _BOTH.search(value) is not None
        (offers if both else found).append(one)
    return found or [_Found(one.place, "SIMPLE or COMPLEX") for one in offers]


def _reason(text: str, place: int) -> str:
    """The reason beside a label, where both stand in one object of JSON."""
    start = text.rfind("{", 0, place + 1)
    if start < 0:
        return ""
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(text, start)
    except (json.JSONDecodeError, RecursionError):
        return ""
    lowered: dict[str, Any] = {str(key).lower(): entry for key, entry in value.items()}
    reason = lowered.get("reason") if "complexity" in lowered else None
    return "" if reason is None or isinstance(reason, dict | list) else str(reason).strip()


def _marked(pattern: re.Pattern[str], text: str) -> list[_Found]:
    """The labels that stand alone, unless they are denied."""
    return [
        _Found(one.start("label"), one["label"].upper())
        for one in pattern.finditer(text)
        if not _NEGATED.search(text[max(0, one.start("label") - 40) : one.start("label")])
    ]


def _outside_braces(text: str) -> str:
    """The text with what stands in braces, and every offer of both labels, replaced by spaces."""
    out, depth = [], 0
    for character in text:
        depth += character == "{"
        out.append(" " if depth and character != "\n" else character)
        depth = max(0, depth - (character == "}"))
    return _BOTH.sub(lambda both: " " * len(both[0]), "".join(out))
