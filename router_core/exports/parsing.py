"""Text of a file, JSON or YAML, to checked plain data and back; and the checksum that tells a hand edit.

See document.py and evidence.py for what the data means.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from math import isfinite, isnan
from typing import Any

from router_core.errors import RouterError
from router_core.validation import canonical_json, printable, shown

MAX_CHARACTERS = 5_000_000
"""Longest file that is read; an export of a hundred goals with ten models each has a tenth of it."""

MOST_VALUES = 500_000
"""Most names and values in a file, by its commas, colons and brackets; what was learned counts as one."""

LARGEST_WHOLE = 2**64
"""Whole numbers from here on mean nothing in any setting or count."""

_AGAIN = "export it anew, or restore the file from a copy"


class ImportFileError(RouterError):
    """A file cannot be imported: broken, foreign, edited, from a newer version, or at odds with itself."""


def parse(text: str) -> dict[str, Any]:
    """The plain data of a file: JSON where it begins with a bracket, else YAML.

    Numbers that JSON has no word for become the text that settings use for them ("Infinity").

    Raises:
        ImportFileError: neither JSON nor YAML (names the line), too long, no mapping, a key given twice, or a
            value that JSON cannot hold.
    """
    if len(text) > MAX_CHARACTERS:
        raise ImportFileError(
            f"the file has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read: this is not an export"
        )
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise ImportFileError(f"the file is empty; {_AGAIN}")
    try:
        is_json = text.lstrip()[0] in "{["
        if is_json and sum(map(text.count, ",:[{")) > MOST_VALUES:
            raise ImportFileError(f"the file has more than {MOST_VALUES:,} values: this is not an export")
        raw = _json(text) if is_json else _yaml(text)
        data = _plain(raw, "")
    except RecursionError:
        raise ImportFileError(f"the file is nested too deeply to be an export; {_AGAIN}") from None
    if not isinstance(data, dict):
        raise ImportFileError(
            f"the file is not an export of router_core: it holds {_kind(data)}, not a mapping of names to values"
        )
    return data


def text_of(document: Mapping[str, Any]) -> str:
    """The document as JSON for people and diffs: sorted keys, one value a line, a line break at the end."""
    return json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def checksum(document: Mapping[str, Any]) -> str:
    """``sha256:`` and the hex digits of SHA-256 over the canonical JSON of everything but the checksum."""
    content = {name: value for name, value in document.items() if name != "checksum"}
    return "sha256:" + hashlib.sha256(canonical_json(content).encode()).hexdigest()


def sealed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with its checksum."""
    return {**document, "checksum": checksum(document)}


def check_seal(document: Mapping[str, Any], *, trust_edited: bool) -> None:
    """Compare the checksum; with ``trust_edited`` a missing or wrong one is accepted.

    Raises:
        ImportFileError: missing, or not that of the content.
    """
    if trust_edited:
        return
    remedy = "if the edit is yours, import it with trust_edited=True (on the page: accept the edited file)"
    if "checksum" not in document:
        raise ImportFileError(f"the file has no checksum, so it was written or edited by hand; {remedy}")
    expected = checksum(document)
    if document["checksum"] != expected:
        raise ImportFileError(
            f"the file was changed after it was exported: its checksum is {shown(document['checksum'])}, its"
            f" content has {expected!r}; {remedy}, else {_AGAIN}"
        )


def _json(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise ImportFileError(
            f"the file is not JSON (line {error.lineno}, column {error.colno}: {error.msg}); {_AGAIN}"
        ) from None
    except ValueError as error:  # a whole number of thousands of digits
        raise ImportFileError(f"the file holds a number that cannot be read ({error}); {_AGAIN}") from None


def _yaml(text: str) -> Any:
    from router_core.exports.yaml import read_yaml  # only where it is needed: importing it takes a while

    return read_yaml(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ImportFileError(f"the file gives {name[:80]!r} twice in the same place; keep one of them")
        found[name] = value
    return found


def _plain(value: Any, place: str) -> Any:
    if isinstance(value, dict):
        return {_name(name, place): _plain(item, f"{place}.{name}".lstrip(".")) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, f"{place}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, str):
        return _text(value, place)
    if isinstance(value, float) and not isfinite(value):
        if isnan(value):
            raise ImportFileError(f"{place or 'the file'} is not a number (NaN); give a number or Infinity")
        return "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= LARGEST_WHOLE:
        raise ImportFileError(f"{place or 'the file'} is a whole number of more than 64 bits; correct it")
    if value is None or isinstance(value, bool | int | float):
        return value
    raise ImportFileError(
        f"{place or 'the file'} holds {_kind(value)}, which is not a JSON value; put it in quotes"
    )


def _name(name: Any, place: str) -> str:
    if not isinstance(name, str):
        raise ImportFileError(f"{place or 'the file'} has the name {name!r}, which is not text; put it in quotes")
    return _text(name, place)


def _text(value: str, place: str) -> str:
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ImportFileError(f"{printable(place) or 'the file'} holds half a character; {_AGAIN}") from None
    return value


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "nothing" if value is None else f"a {type(value).__name__}")
