"""One of a few labels in a model's answer: what it thinks is dropped, and the last label counts.

Models think aloud before they answer, draft verdicts, repeat the instructions and wrap the answer in Markdown.
Where no verdict is certain there is none. What is asked, and what a label means, stands where it is used
(policies/reading.py, outcomes/judge.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
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
_NEGATED: Final = re.compile(
    r"(?:\b(?:not|never|than|neither|nor|hardly|without)|n't)\W+(?:\w+\W+)?$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class _Found:
    """Something that looks like a verdict, and where it stands."""

    place: int
    label: str
    reason: str = ""


class Labels:
    """Finds which of its labels an answer gives.

    Args:
        field: the name under which JSON holds it.
        labels: in capitals, words that differ.
        who: answers, as in "the classifier".
    """

    def __init__(self, field: str, labels: Sequence[str], who: str) -> None:
        self._labels, self._field_name, self._who = tuple(labels), field, who
        named = "|".join(map(re.escape, labels))
        label = rf"(?P<label>{named})"
        self._encoded = re.compile(rf"""\\+["']{field}\\+["']""", re.IGNORECASE)
        self._field = re.compile(
            rf"""\b{field}["'*_`]{{0,4}}\s*[:=][*_`]{{0,4}}\s*(?:\*\*|__|`){{0,2}}(?:"(?P<double>[^"\n]*)"|'(?P<single>[^'\n]*)'|[*_`]*(?P<bare>[A-Za-z]+))"""
            r"""(?P<or>\s*(?:\||/|\bor\b))?""",
            re.IGNORECASE,
        )
        self._line = re.compile(
            r"^[^\w\n]{0,40}(?:(?:my|the|final|answer|verdict|label|class|classification|category|result|conclusion|output|so|therefore"
            rf"|it|this|request|prompt|task|would|be|is)\b[^\w\n]{{0,20}})*{label}[^\w\n]{{0,40}}$",
            re.IGNORECASE | re.MULTILINE,
        )
        self._word = re.compile(rf"(?<![^\W_]){label}(?![^\W_])")
        self._bold = re.compile(rf"(?:\*\*|__)\W*{label}\W*(?:\*\*|__)", re.IGNORECASE)
        offered = rf"\b(?:{named})\b"
        self._several = re.compile(
            rf"{offered}(?:\W{{0,8}}(?:\b(?:or|and|vs)\b|[|/,])\W{{0,8}}{offered})+", re.IGNORECASE
        )

    def parse(self, text: str) -> tuple[str, str]:
        """(label, reason) from an answer: the last label outside its thinking, in any case, as JSON, as a field or
        as the bare word.

        Raises:
            ValueError: nothing was said, or none of the labels; the sentence quotes the answer.
        """  # fmt: skip
        if not text.strip():
            raise ValueError(f"{self._who} answered nothing")
        said = without_thinking(text[-MOST_CHARACTERS:])
        if said is None:
            raise ValueError(f"{self._who} was still thinking when its answer ended, so that it gave no verdict")
        said = said.translate(_QUOTES)
        if self._encoded.search(said):  # JSON that was encoded again
            said = re.sub(r"\\+([\"'])", r"\1", said)
        outside = self._outside_braces(said)
        found = [*self._fields(said), *_marked(self._line, outside)]
        found = found or _marked(self._word, outside) or _marked(self._bold, outside)
        if not found:
            raise ValueError(
                f"{self._who} answered {text.strip()[:120]!r}, which holds no {self._field_name} label"
            )
        last = max(found, key=lambda one: one.place)
        if last.label not in self._labels:
            meant = " or ".join([", ".join(self._labels[:-1]), self._labels[-1]])
            raise ValueError(f"{self._who} answered {text.strip()[:120]!r}; the label must be {meant}")
        return last.label, last.reason

    def _fields(self, text: str) -> list[_Found]:
        """Every field with its label, with the reason where it stands in JSON that can be read. One that offers
        several labels repeats the instructions; it counts only where there is no other.
        """  # fmt: skip
        found: list[_Found] = []
        offers: list[_Found] = []
        for field in self._field.finditer(text):
            value = next(one for one in (field["double"], field["single"], field["bare"]) if one is not None)
            label = value.strip().strip("*_`.").strip().upper()
            one = _Found(field.start(), label, self._reason(text, field.start()))
            several = field["or"] is not None or self._several.search(value) is not None
            (offers if several else found).append(one)
        return found or [_Found(one.place, " or ".join(self._labels)) for one in offers]

    def _reason(self, text: str, place: int) -> str:
        """The reason beside a label, where both stand in one object of JSON."""
        start = text.rfind("{", 0, place + 1)
        if start < 0:
            return ""
        try:
            value, _ = json.JSONDecoder(strict=False).raw_decode(text, start)
        except (json.JSONDecodeError, RecursionError):
            return ""
        lowered: dict[str, Any] = {str(key).lower(): entry for key, entry in value.items()}
        reason = lowered.get("reason") if self._field_name in lowered else None
        return "" if reason is None or isinstance(reason, dict | list) else str(reason).strip()

    def _outside_braces(self, text: str) -> str:
        """The text with what stands in braces, and every offer of several labels, replaced by spaces."""
        out, depth = [], 0
        for character in text:
            depth += character == "{"
            out.append(" " if depth and character != "\n" else character)
            depth = max(0, depth - (character == "}"))
        return self._several.sub(lambda several: " " * len(several[0]), "".join(out))


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


def _marked(pattern: re.Pattern[str], text: str) -> list[_Found]:
    """The labels that stand alone, unless they are denied."""
    return [
        _Found(one.start("label"), one["label"].upper())
        for one in pattern.finditer(text)
        if not _NEGATED.search(text[max(0, one.start("label") - 40) : one.start("label")])
    ]
