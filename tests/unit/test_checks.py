"""Checks: right or wrong without anybody's opinion, and unknown where that cannot be said."""

from __future__ import annotations

import pytest

from router_core.errors import ConditionError
from router_core.outcomes.checks import KINDS, NEEDS_REFERENCE, check_of, chosen_letter, last_number, normalised
from router_core.types import Outcome


@pytest.mark.parametrize(
    ("check", "answer", "reference", "expected"),
    [
        ("exact", '  "Paris".\n', "paris", 1.0),
        ("exact", "New  York", "new york", 1.0),
        ("exact", "Paris, France", "Paris", 0.0),
        ("contains", "It is PARIS, of course.", "Paris", 1.0),
        ("contains", "comparison", "paris", 0.0),
        ("contains", "It costs $5.00 today", "$5.00", 1.0),
        ("number", "So the total is 1,234.50 dollars.", "1234.5", 1.0),
        ("number", "3 + 4 = 7", "7", 1.0),
        ("number", "about 7.02", "7", 0.0),
        ("number:0.05", "about 7.02", "7", 1.0),
        ("number", "It is \u22125.", "-5", 1.0),
        ("number", "I do not know", "7", 0.0),
        ("number", "#### 18", "18", 1.0),
        ("choice", "B", "b", 1.0),
        ("choice", "(b) Paris", "B", 1.0),
        ("choice", "At first A seems right, but the answer is C.", "C", 1.0),
        ("choice", "A good question. It may be either.", "A", 0.0),
        ("choice", "**D**", "D", 1.0),
        (r"regex:^yes\b", "yes, it is", None, 1.0),
        (r"regex:^yes\b", "yesterday", None, 0.0),
        ("json", '{"a": [1, 2]}', None, 1.0),
        ("json", '```json\n{"a": 1}\n```', None, 1.0),
        ("json", '{"a": NaN}', None, 0.0),
        ("json", "Sure! {}", None, 0.0),
        ("json", "[" * 100_000, None, 0.0),
    ],
)
def test_right_and_wrong(check: str, answer: str, reference: str | None, expected: float) -> None:
    """What counts and what does not, check by check."""
    assert check_of(check).judge(answer, reference).reward == expected


@pytest.mark.parametrize("kind", sorted(NEEDS_REFERENCE))
@pytest.mark.parametrize("reference", [None, "", "  "])
def test_without_a_reference_nothing_is_said(kind: str, reference: str | None) -> None:
    """Unknown is neither right nor wrong."""
    judged = check_of(kind).judge("7", reference)
    assert (judged.reward, judged.why) == (None, "there is no reference answer")


@pytest.mark.parametrize(("kind", "reference"), [("number", "seven"), ("choice", "Paris"), ("contains", "...")])
def test_a_useless_reference_judges_nothing(kind: str, reference: str) -> None:
    """The fault is the file's, not the model's."""
    judged = check_of(kind).judge("7", reference)
    assert judged.reward is None
    assert "reference answer" in judged.why


def test_a_pattern_that_would_never_end_judges_nothing() -> None:
    """It is stopped; the answer stays unjudged."""
    judged = check_of(r"regex:^(a|aa)+$").judge("a" * 200 + "b")
    assert judged.reward is None
    assert judged.why.startswith("TimeoutError")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("exactly", "is not a check; choose one of exact"),
        ("exact:x", "takes nothing after a colon"),
        ("number:much", "is not a number from 0 up"),
        ("number:-1", "is not a number from 0 up"),
        ("number:nan", "is not a number from 0 up"),
        ("regex:", "needs a pattern"),
        ("regex:(", "cannot be used"),
        (f"regex:{'a' * 501}", "at most 500"),
        (7, "is not a check; give a name"),
    ],
)
def test_what_is_not_a_check(said: str, why: str) -> None:
    """One sentence: the value, and what is allowed."""
    with pytest.raises(ConditionError, match=why):
        check_of(said)


def test_a_callable_is_a_check() -> None:
    """It has a name and a version; what it raises leaves the answer unjudged."""

    def polite(answer: str, reference: str) -> Outcome:
        if not answer:
            raise LookupError("nothing to read")
        return Outcome.SUCCESS if "please" in answer + reference else Outcome.FAILURE

    polite.version = 3  # type: ignore[attr-defined] # as its writer says
    check = check_of(polite)
    assert check.source == "polite (version 3)"
    assert [check.judge(one).reward for one in ("please", "now", "")] == [1.0, 0.0, None]
    assert check.judge("").why == "LookupError: nothing to read"


def test_every_check_has_a_name_and_a_version() -> None:
    """They stand with each outcome."""
    for kind in KINDS:
        said = "regex:a" if kind == "regex" else kind
        assert check_of(said).source == f"{said} (version 1)"


def test_the_parts() -> None:
    """What a text comes down to."""
    assert normalised(" \u201cThe  Answer.\u201d ") == "the answer"
    assert [str(last_number(one)) for one in ("1e3 or .5", "v2", "10%")] == ["0.5", "None", "10"]
    assert [chosen_letter(one) for one in ("b)", "(A) or (B)?", "Surely (D)")] == ["B", None, "D"]
