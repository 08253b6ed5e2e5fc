"""What differs between two settings documents, as lines for people.

Works on plain data, so that settings of an older version can be compared too. Of a list of words what went and
what came is told. Elements of other lists are compared place by place; moves are not recognised.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from router_core.errors import SettingsError

LONGEST = 80
"""Characters of a value that are shown."""

_LEAD = 20  # characters shown before the first difference of two long texts


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs, as short text. ``before`` is None where it was added, ``after`` where removed.

    ``path`` reads like ``goals.default.arms[1].weight``; a name with a dot in it stands in brackets and quotes.
    """

    path: str
    before: str | None
    after: str | None


def changes(before: str | Mapping[str, Any], after: str | Mapping[str, Any]) -> list[Change]:
    """All differences, in the order of their names; what was added or removed as a whole is one change.

    Args:
        before: a document as ``Settings.document()`` writes it, or its plain data.
        after: the other one.

    Raises:
        SettingsError: a document is not a JSON mapping.
    """
    return list(_changes(_data(before), _data(after), ""))


def short(value: Any) -> str:
    """A value as one line of at most 80 characters: texts as they are, everything else as JSON."""
    return _cut(_text(value), 0)


def _changes(before: Any, after: Any, path: str) -> Iterator[Change]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            here = _join(path, name)
            if name not in after:
                yield Change(here, short(before[name]), None)
            elif name not in before:
                yield Change(here, None, short(after[name]))
            else:
                yield from _changes(before[name], after[name], here)
    elif _are_words(before) and _are_words(after) and {*before} != {*after}:
        gone, new = (
            [one for one in here if one not in there] for here, there in ((before, after), (after, before))
        )
        yield Change(path, _listed(gone), _listed(new))
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            here = f"{path}[{index}]"
            if index >= len(after):
                yield Change(here, short(before[index]), None)
            elif index >= len(before):
                yield Change(here, None, short(after[index]))
            else:
                yield from _changes(before[index], after[index], here)
    elif before != after or isinstance(before, bool) != isinstance(after, bool):  # True equals 1 in Python
        yield Change(path, *_apart(before, after))


def _are_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _listed(words: list[str]) -> str | None:
    return _cut(", ".join(_text(one) for one in words), 0) if words else None


def _apart(before: Any, after: Any) -> tuple[str, str]:
    """Both values, shown so that they differ: from their first difference on, with quotes where needed."""
    old, new = _text(before), _text(after)
    if old == new:  # a text and a number, or texts that differ in spaces alone
        old, new = json.dumps(before, ensure_ascii=False), json.dumps(after, ensure_ascii=False)
    if max(len(old), len(new)) <= LONGEST:
        return old, new
    alike = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    start = max(0, alike - _LEAD)
    return _cut(old, start), _cut(new, start)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, Mapping):  # shown as a whole, where it was added or removed: what is none says nothing
        value = {name: item for name, item in value.items() if item is not None}
    return "none" if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _cut(text: str, start: int) -> str:
    lead = "…" if start else ""
    if len(lead) + len(text) - start <= LONGEST:
        return lead + text[start:]
    return f"{lead}{text[start : start + LONGEST - len(lead) - 1]}…"


def _join(path: str, name: str) -> str:
    if not name or any(character in name for character in '.[]"'):
        return f"{path}[{json.dumps(name, ensure_ascii=False)}]"
    return f"{path}.{name}" if path else name


def _data(document: str | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(document, Mapping):
        return document
    try:
        data = json.loads(document)
    except json.JSONDecodeError as error:
        raise SettingsError(f"the settings are not JSON (line {error.lineno}: {error.msg})") from None
    if not isinstance(data, dict):
        raise SettingsError(f"the settings must be a JSON mapping; got {short(data)}")
    return data
