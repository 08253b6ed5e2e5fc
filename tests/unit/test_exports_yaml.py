"""YAML: the same document, read back equal; a clear sentence for what YAML allows and an export does not."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped, unused-ignore] # with or without its stubs installed

from router_core.exports.document import dump, load
from router_core.exports.parsing import ImportFileError
from router_core.exports.yaml import MAX_YAML_CHARACTERS, dump_yaml, read_yaml, write_yaml
from router_core.settings import ClassifierSettings, Settings
from tests.exported import an_export


def refused(text: str) -> str:
    """The sentence with which a file is refused."""
    with pytest.raises(ImportFileError) as caught:
        load(text)
    return str(caught.value)


def test_out_and_in_is_the_same() -> None:
    """Every value comes back equal; the document and its checksum are those of the JSON."""
    text = dump_yaml(an_export())
    assert load(text) == an_export()
    assert read_yaml(text) == json.loads(dump(an_export()))


def test_infinity_survives() -> None:
    """As the settings write it, and as YAML would."""
    text = dump_yaml(an_export())
    assert "success_value_usd: Infinity\n" in text
    assert load(text.replace("success_value_usd: Infinity", "success_value_usd: .inf")) == an_export()


def test_any_reader_of_yaml_finds_the_same() -> None:
    """Texts that look like numbers, dates or switches are quoted: PyYAML's own reader agrees."""
    words = [
        "no",
        "on",
        "1e3",
        "1.5",
        "0x10",
        "1:30",
        "2026-01-31",
        "~",
        "null",
        "=",
        "<<",
        "- a",
        "a: b",
        "#",
        "",
    ]
    document = {"words": words, **{word: word for word in words}}
    assert yaml.safe_load(write_yaml(document)) == read_yaml(write_yaml(document)) == document


def test_texts_of_several_lines_are_written_as_such() -> None:
    """The classifier's prompt can be read and edited."""
    lines = dump_yaml(an_export()).splitlines()
    start = lines.index("    prompt: |-")
    assert lines[start + 1] == (
        "      You decide how hard a request to an AI assistant is. Do not answer the request."
    )


@pytest.mark.parametrize(
    "prompt",
    [
        "a\n",
        "a\n\n",
        "\na",
        " a\nb",
        "a \nb",
        "a\n b",
        "a\tb\nc",
        "a\x85b\nc",
        "a\u2028b\nc",
        "\x07\nb",
        "---\na",
        "é\r\nb",
    ],
)
def test_odd_texts_come_back(prompt: str) -> None:
    """Blank lines, spaces at the ends, other line ends and control characters are kept."""
    odd = replace(
        an_export(), settings=Settings(classifier=ClassifierSettings(prompt=prompt)), evidence={}, output_tokens={}
    )
    assert load(dump_yaml(odd)) == odd


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "format: router.json\nsettings: [1, 2\nprices: {}\n",
            "the file is neither JSON nor YAML (line 3: expected ',' or ']', but got ':'); export it anew, or"
            " correct that line",
        ),
        (
            "a: 1\nb: 2\na: 3\n",
            "the file is neither JSON nor YAML (line 3: 'a' is given twice in the same place); export it anew, or"
            " correct that line",
        ),
        (
            "a: &x [1]\nb: *x\n",
            "the file is neither JSON nor YAML (line 2: the alias *x is not allowed; write the value out); export"
            " it anew, or correct that line",
        ),
        (
            "a: 1\nb: !!python/object/apply:os.getcwd []\n",
            "the file is neither JSON nor YAML (line 2: could not determine a constructor for the tag"
            " 'tag:yaml.org,2002:python/object/apply:os.getcwd'); export it anew, or correct that line",
        ),
        (
            "a: \x07\n",
            "the file is neither JSON nor YAML (unacceptable character #x0007: special characters are not allowed"
            ' in "<unicode string>", position 3); export it anew',
        ),
        ("on: 1\n", "the file has the name True, which is not text; put it in quotes"),
        ("a:\n  1: x\n", "a has the name 1, which is not text; put it in quotes"),
        ("a: !!timestamp 2026-01-31\n", "a holds a date, which is not a JSON value; put it in quotes"),
        ("a: !!set {b}\n", "a holds a set, which is not a JSON value; put it in quotes"),
        (
            "- a\n- b\n",
            "the file is not an export of router_core: it holds a list, not a mapping of names to values",
        ),
        (
            "# only a comment\n",
            "the file is not an export of router_core: it holds nothing, not a mapping of names to values",
        ),
    ],
)
def test_what_yaml_allows_and_an_export_does_not(text: str, expected: str) -> None:
    """The line, the reason and the remedy."""
    assert refused(text) == expected


def test_an_unquoted_date_is_its_text() -> None:
    """A time typed without quotes is not turned into another type."""
    assert read_yaml("created_at: 2026-01-31\n") == {"created_at": "2026-01-31"}
    assert yaml.safe_load("created_at: 2026-01-31\n") == {"created_at": date(2026, 1, 31)}


def test_sizes_have_limits() -> None:
    """Neither length nor depth nor digits break the reader."""
    assert refused("# " + "x" * MAX_YAML_CHARACTERS) == (
        "the YAML has 1,000,002 characters; at most 1,000,000 are read: use the JSON"
    )
    assert refused("a: " + "[" * 5_000).startswith("the file is nested too deeply to be an export")
    assert refused("a: " + "1" * 5_000).startswith("the file is neither JSON nor YAML (Exceeds the limit")


def test_an_edited_file_is_told() -> None:
    """The checksum is over the values, so it holds in YAML too."""
    text = dump_yaml(an_export()).replace("seed: 42", "seed: 43")
    assert refused(text).startswith("the file was changed after it was exported")
    assert load(text, trust_edited=True).settings.seed == 43


def test_plain_values_are_those_of_json() -> None:
    """Whole numbers, fractions, truth and nothing keep their types."""
    document: dict[str, Any] = {"a": [1, 1.0, 1e-05, 1e300, -0.5, True, False, None, "1"], "b": {}, "c": []}
    again = read_yaml(write_yaml(document))
    assert json.dumps(again) == json.dumps(document)
