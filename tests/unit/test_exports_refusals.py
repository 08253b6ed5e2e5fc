"""Files that cannot be imported: what, where and what to do, in a sentence each."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from router_core.exports.document import load
from router_core.exports.parsing import MAX_CHARACTERS, ImportFileError
from router_core.types import Price
from tests.builders import STRONG
from tests.exported import COLD, LOCAL, an_export, changed

Change = Callable[[dict[str, Any]], object]


def refused(text: str, *, trust_edited: bool = False) -> str:
    """The sentence with which a file is refused."""
    with pytest.raises(ImportFileError) as caught:
        load(text, trust_edited=trust_edited)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the file is empty; export it anew, or restore the file from a copy"),
        (" \n\t", "the file is empty; export it anew, or restore the file from a copy"),
        (
            '{\n  "format": "router.json",\n  oops\n}',
            "the file is not JSON (line 3, column 3: Expecting property name enclosed in double quotes); export it"
            " anew, or restore the file from a copy",
        ),
        ("[1, 2]", "the file is not an export of router_core: it holds a list, not a mapping of names to values"),
        ("hello", "the file is not an export of router_core: it holds a text, not a mapping of names to values"),
        ("12", "the file is not an export of router_core: it holds a number, not a mapping of names to values"),
        (
            "true",
            "the file is not an export of router_core: it holds true or false, not a mapping of names to values",
        ),
        ("null", "the file is not an export of router_core: it holds nothing, not a mapping of names to values"),
        ('{"a": 1, "a": 2}', "the file gives 'a' twice in the same place; keep one of them"),
        ('{"a": NaN}', "a is not a number (NaN); give a number or Infinity"),
        (
            '{"a": ["\\ud800"]}',
            "a[0] holds half a character; export it anew, or restore the file from a copy",
        ),
        (
            '{"model_list": []}',
            "the file is not an export of router_core: it has no 'format', expected 'router.json';"
            " choose a file that router_core exported",
        ),
        (
            '{"format": "other"}',
            "the file is not an export of router_core: its 'format' is 'other', expected 'router.json';"
            " choose a file that router_core exported",
        ),
        (
            '{"format": "router.json", "format_version": 2}',
            "the file has format version 2, written by a newer router_core; this one reads up to 1: update"
            " router_core, or export with the older one",
        ),
        ('{"format": "router.json"}', "format_version must be a whole number from 0; got 'None'"),
        (
            '{"format": "router.json", "format_version": true}',
            "format_version must be a whole number from 0; got 'True'",
        ),
        (
            '{"format": "router.json", "format_version": -1}',
            "format_version must be a whole number from 0; got '-1'",
        ),
    ],
)
def test_files_that_are_none_of_ours(text: str, expected: str) -> None:
    """Broken, foreign and newer files: what, where, and what to do."""
    assert refused(text) == expected


def test_sizes_have_limits() -> None:
    """Neither length nor depth nor digits break the reader."""
    assert refused("{" + " " * MAX_CHARACTERS) == (
        "the file has 5,000,001 characters; at most 5,000,000 are read: this is not an export"
    )
    for deep in ("[" * 200_000, '{"a":' * 100_000):
        assert refused(deep).startswith("the file is nested too deeply to be an export")
    assert refused('{"a": ' + "1" * 5000 + "}").startswith("the file holds a number that cannot be read")


def test_an_edited_file_is_told_from_an_exported_one() -> None:
    """A wrong checksum and none are refused with the remedy, and accepted when the edit is one's own."""

    def edit(document: dict[str, Any]) -> None:
        document["settings"]["seed"] = 43

    edited = changed(edit, reseal=False)
    sentence = refused(edited)
    assert sentence.startswith("the file was changed after it was exported: its checksum is 'sha256:")
    assert "if the edit is yours, import it with trust_edited=True" in sentence
    bare = changed(lambda document: document.pop("checksum"), reseal=False)
    assert refused(bare).startswith(
        "the file has no checksum, so it was written or edited by hand; if the edit is"
    )
    assert load(edited, trust_edited=True).settings.seed == 43
    assert load(bare, trust_edited=True) == an_export()


@pytest.mark.parametrize("place", ["settings", "evidence", "prices", "output_tokens", "provenance", "created_at"])
def test_the_checksum_covers_everything(place: str) -> None:
    """Whatever part is taken out, the checksum no longer fits."""
    assert refused(changed(lambda document: document.pop(place), reseal=False)).startswith(
        "the file was changed after it was exported"
    )


def put(*path_and_value: Any) -> Change:
    """A change that sets the value at a path."""
    *path, last, value = path_and_value

    def change(document: dict[str, Any]) -> None:
        for name in path:
            document = document[name]
        document[last] = value

    return change


MAIL = ("evidence", "mail", LOCAL)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            put(*MAIL, "count", -1),
            "evidence.mail.local/tiny.count: Input should be greater than or equal to 0 (got '-1')",
        ),
        (
            put(*MAIL, "reward_micro", -5),
            "evidence.mail.local/tiny.reward_micro: Input should be greater than or equal to 0 (got '-5')",
        ),
        (
            put(*MAIL, "reward_micro", 12_000_001),
            "evidence.mail.local/tiny: reward_micro is 12000001; 12 outcomes have at most 12000000",
        ),
        (put(*MAIL, "count", "12"), "evidence.mail.local/tiny.count: Input should be a valid integer (got '12')"),
        (put(*MAIL, "count", 1.0), "evidence.mail.local/tiny.count: Input should be a valid integer (got '1.0')"),
        (
            put(*MAIL, "count", True),
            "evidence.mail.local/tiny.count: Input should be a valid integer (got 'True')",
        ),
        (
            put(*MAIL, "count", 2**63),
            "evidence.mail.local/tiny.count: Input should be less than or equal to 1000000000000"
            " (got '9223372036854775808')",
        ),
        (
            put(*MAIL, {"count": 1}),
            "evidence.mail.local/tiny.reward_micro is missing from the file; export it anew",
        ),
        (
            put(*MAIL, "alpha", 1),
            "evidence.mail.local/tiny.alpha is not part of this file's format; take it out or correct its"
            " spelling",
        ),
        (
            put("evidence", "mail", "openai/none", {"count": 1, "reward_micro": 0}),
            "evidence has 'openai/none', which is not a model of goal 'mail'; its models:"
            f" ['{LOCAL}', '{STRONG}', '{COLD}']; add it to the settings or take it out of the file",
        ),
        (
            put("output_tokens", "mail", "openai/none", {"count": 1, "total": 0}),
            "output_tokens has 'openai/none', which is not a model of goal 'mail'; its models:"
            f" ['{LOCAL}', '{STRONG}', '{COLD}']; add it to the settings or take it out of the file",
        ),
        (
            put("evidence", "post", {}),
            "evidence has the goal 'post', which the settings do not have; they have ['mail', 'search: Größe'];"
            " add it to the settings or take it out of the file",
        ),
        (put("evidence", []), "evidence: Input should be a valid dictionary (got '[]')"),
        (
            put("output_tokens", "mail", LOCAL, "total", -1),
            "output_tokens.mail.local/tiny.total: Input should be greater than or equal to 0 (got '-1')",
        ),
        (
            put("prices", STRONG, "input_usd_per_million_tokens", "-1"),
            "prices.openai/gpt-4o.input_usd_per_million_tokens: Input should be greater than or equal to 0"
            " (got '-1')",
        ),
        (
            put("prices", STRONG, "input_usd_per_million_tokens", "Infinity"),
            "prices.openai/gpt-4o.input_usd_per_million_tokens: Input should be a finite number (got 'Infinity')",
        ),
        (
            put("prices", STRONG, "output_usd_per_million_tokens", None),
            "prices.openai/gpt-4o.output_usd_per_million_tokens: Decimal input should be an integer, float, string"
            " or Decimal object (got 'None')",
        ),
        (
            put("created_at", "yesterday"),
            "created_at: must be a time in ISO 8601, such as 2026-01-31T12:00:00+00:00 (got 'yesterday')",
        ),
        (
            put("created_at", 1769860800),
            "created_at: must be a time in ISO 8601, such as 2026-01-31T12:00:00+00:00 (got '1769860800')",
        ),
        (
            put("created_at", "2026-01-31T12:00:00"),
            "created_at: must name its time zone, such as 2026-01-31T12:00:00+00:00 (got '2026-01-31T12:00:00')",
        ),
        (
            put("provenance", "store", "both"),
            "provenance.store: Input should be 'live' or 'simulated' (got 'both')",
        ),
        (put("notes", "x"), "notes is not part of this file's format; take it out or correct its spelling"),
        (put("settings", 3), "settings: Input should be a valid dictionary (got '3')"),
        (
            put("settings", "sead", 3),
            "the settings in the file cannot be used: sead is not a setting; check its spelling against"
            " docs/settings.md",
        ),
        (
            put("settings", "goals", "mail", "exploration", 2),
            "the settings in the file cannot be used: goals.mail.exploration: Input should be less than or equal"
            " to 1 (got '2')",
        ),
    ],
)
def test_files_at_odds_with_themselves(change: Change, expected: str) -> None:
    """Whatever stands where it must not is named, with its value and what is allowed."""
    assert refused(changed(change)) == expected


def test_several_faults_are_counted() -> None:
    """The first is told, the others are announced."""

    def spoil(document: dict[str, Any]) -> None:
        put(*MAIL, "count", -1)(document)
        put(*MAIL, "reward_micro", -1)(document)

    assert refused(changed(spoil)).endswith("(got '-1') (1 more)")


def test_numbers_are_prices_too() -> None:
    """A price typed as a number in an edited file is that price, to the digit."""
    edited = changed(put("prices", STRONG, "input_usd_per_million_tokens", 0.1), reseal=False)
    assert load(edited, trust_edited=True).prices[STRONG] == Price(
        Decimal("0.1"), Decimal("1E+1"), Decimal("1.25")
    )
