"""Checks: what makes an answer right without anybody's opinion.

A check compares an answer with a reference answer, or looks at its form alone. It has a name and a version, which
are stored with every outcome that it gives. Success conditions on cost, time and the raw response are
conditions.py's.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, Final

from router_core.errors import ConditionError
from router_core.outcomes.conditions import MAX_CONTENT, MAX_SECONDS, Judgement, check_pattern
from router_core.outcomes.rewards import reward
from router_core.validation import shown

KINDS: Final = {
    "exact": "the reference answer; case, white space and the full stop at the end do not count",
    "contains": "the reference answer somewhere in it, as whole words",
    "number": "the last number in it is the reference's; number:0.01 allows that much more or less",
    "choice": "the letter that it chooses, A to Z, is the reference's",
    "regex": "regex:PATTERN is found in it",
    "json": "it is valid JSON, in a fenced block or not",
}
"""What each check by name asks of an answer."""

NEEDS_REFERENCE: Final = frozenset({"exact", "contains", "number", "choice"})

_VERSION: Final = 1
_NUMBER: Final = re.compile(
    r"(?<![\w.])[-+\u2212]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+|(?<=\d))(?:[eE][-+]?\d{1,3})?(?![\w])"
)
_FENCED: Final = re.compile(r"\A\s*```[A-Za-z]*\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)
_LETTER: Final = r"(?:\(([A-Z])\)|\b([A-Z])\b)"
_SAID: Final = re.compile(rf"(?i:answer|option|choice)(?i:\s+(?:is|would be))?\s*[:=]?\s*[*_\"']*{_LETTER}")
_BEGINS: Final = re.compile(r"\A[\s*_\"']*(?:\(([A-Za-z])\)|([A-Za-z])(?=[\s*_\"']*(?:[.):,]|\Z)))")


@dataclass(frozen=True, slots=True)
class Check:
    """One check, ready to use. ``version`` grows when what it says about the same answer may change."""

    name: str
    version: int
    needs_reference: bool
    _right: Callable[[str, str], Any]

    def judge(self, answer: str, reference: str | None = None) -> Judgement:
        """The check's word on one answer: 1.0 right, 0.0 wrong, None where it cannot be said, and why.

        Args:
            answer: the text of the answer.
            reference: the right answer; needed where ``needs_reference``.
        """
        if self.needs_reference and not (reference or "").strip():
            return Judgement(None, "there is no reference answer")
        if len(answer) > MAX_CONTENT:
            return Judgement(None, f"the answer has {len(answer):,} characters; at most {MAX_CONTENT:,}")
        try:
            return Judgement(reward(self._right(answer, reference or "")))
        except Exception as error:  # noqa: BLE001 - whatever a check raises, the answer stays unjudged
            return Judgement(None, f"{type(error).__name__}: {error}")

    @property
    def source(self) -> str:
        """Its name and version, as they are stored."""
        return f"{self.name} (version {self.version})"


def check_of(said: str | Callable[[str, str], Any]) -> Check:
    """The check that is meant.

    Args:
        said: a name of ``KINDS``, with what it needs after a colon (``number:0.01``, ``regex:^yes``); or a
            callable that takes the answer and the reference ("" where there is none) and returns a bool, an
            ``Outcome``, or a number in [0, 1]. A callable may have an attribute ``version``, a whole number.

    Raises:
        ConditionError: there is no such check, or what it needs is missing or wrong.
    """
    if callable(said):
        name = getattr(said, "__name__", type(said).__name__)
        version = getattr(said, "version", _VERSION)
        if type(version) is not int:
            raise ConditionError(f"version of the check {name} is {shown(version)}; give a whole number")
        return Check(name, version, False, said)
    if not isinstance(said, str):
        raise ConditionError(f"{shown(said)} is not a check; give a name ({', '.join(KINDS)}) or a callable")
    kind, colon, more = said.partition(":")
    if kind not in KINDS:
        raise ConditionError(f"{said[:80]!r} is not a check; choose one of {', '.join(KINDS)}")
    if colon and kind not in ("number", "regex"):
        raise ConditionError(f"the check {kind} takes nothing after a colon; write {kind}")
    return Check(said, _VERSION, kind in NEEDS_REFERENCE, _rule(kind, more))


def normalised(text: str) -> str:
    """A text without what does not count: case, needless white space, quotes around it, a final full stop."""
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    before = None
    while plain != before:
        before = plain
        plain = plain.strip(" \"'`*_\u201c\u201d\u2018\u2019").removesuffix(".")
    return plain


def last_number(text: str) -> Decimal | None:
    """The last number in a text, thousands separated by commas or not; None where there is none."""
    found = [one.group() for one in _NUMBER.finditer(text) if any(sign.isdigit() for sign in one.group())]
    if not found:
        return None
    try:
        return Decimal(found[-1].replace(",", "").replace("\u2212", "-"))
    except InvalidOperation:
        return None


def chosen_letter(text: str) -> str | None:
    """The letter that an answer to a multiple-choice question chooses; None where it names none or several.

    What it begins with counts ("B", "(b)", "B. Paris"), unless there are several in brackets; else what it calls
    its answer ("the answer is B"), the last time that it does; else the only letter in brackets.
    """
    bracketed = set(re.findall(r"\(([A-Z])\)", text))
    if len(bracketed) < 2 and (begins := _BEGINS.match(text)):
        return (begins[1] or begins[2]).upper()
    if said := _SAID.findall(text):
        return str(said[-1][0] or said[-1][1])
    return bracketed.pop() if len(bracketed) == 1 else None


def _rule(kind: str, more: str) -> Callable[[str, str], Any]:
    if kind == "number":
        return partial(_same_number, _tolerance(more))
    if kind == "regex":
        return _pattern(more)
    return {"exact": _exact, "contains": _contains, "choice": _same_choice, "json": _json}[kind]


def _exact(answer: str, reference: str) -> bool:
    return normalised(answer) == normalised(reference)


def _contains(answer: str, reference: str) -> bool:
    wanted = normalised(reference)
    if not wanted:
        raise ConditionError("nothing is left of the reference answer once it is normalised")
    whole = rf"(?<!\w){re.escape(wanted)}(?!\w)"
    return re.search(whole, " ".join(unicodedata.normalize("NFKC", answer).casefold().split())) is not None


def _same_number(tolerance: Decimal, answer: str, reference: str) -> bool:
    wanted = last_number(reference)
    if wanted is None:
        raise ConditionError(f"the reference answer {reference[:80]!r} holds no number")
    given = last_number(answer)
    return given is not None and abs(given - wanted) <= tolerance


def _same_choice(answer: str, reference: str) -> bool:
    wanted = chosen_letter(reference)
    if wanted is None:
        raise ConditionError(f"the reference answer {reference[:80]!r} is not a letter")
    return chosen_letter(answer) == wanted


def _json(answer: str, _reference: str) -> bool:
    fenced = _FENCED.match(answer)
    try:
        json.loads(fenced[1] if fenced else answer, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _tolerance(text: str) -> Decimal:
    try:
        tolerance = Decimal(text or 0)
    except InvalidOperation:
        tolerance = Decimal(-1)
    if not (tolerance.is_finite() and tolerance >= 0):
        raise ConditionError(
            f"the tolerance {text[:80]!r} is not a number from 0 up; write for example number:0.01"
        )
    return tolerance


def _pattern(pattern: str) -> Callable[[str, str], bool]:
    import regex

    if not pattern:
        raise ConditionError("the check regex needs a pattern; write for example regex:^yes")
    check_pattern(pattern)
    try:
        compiled = regex.compile(pattern)
    except regex.error as error:
        raise ConditionError(f"the pattern {pattern[:80]!r} cannot be used ({error}); correct it") from None

    def found(answer: str, _reference: str) -> bool:
        return compiled.search(answer, timeout=MAX_SECONDS) is not None

    return found
