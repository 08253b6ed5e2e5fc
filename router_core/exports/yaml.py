"""The same document as YAML, for people who keep their configuration in it.

Most of YAML is not read: no tags, no anchors, no dates; what is read is what JSON could hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import yaml  # type: ignore[import-untyped, unused-ignore] # with or without its stubs installed

from router_core.exports.document import Export, document_of
from router_core.exports.parsing import ImportFileError

MAX_YAML_CHARACTERS = 1_000_000
"""Longest YAML that is read; reading it takes some hundred times as long as JSON."""

MOST_EVENTS = 50_000
"""Most names, values, beginnings and ends; an export of a hundred goals with ten models each has half of it."""

DEEPEST = 50
"""Most lists and mappings inside one another."""

_SCANNER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # twenty times as fast, where it was built
_JSON_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float")}
_RESOLVERS = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in _JSON_TAGS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def dump_yaml(export: Export) -> str:
    """The export as YAML, with the same checksum as its JSON; ``load`` reads it back equal.

    Raises:
        SettingsError: as ``dump``.
        UnknownArmError: as ``dump``.
    """
    return write_yaml(document_of(export))


def write_yaml(document: Mapping[str, Any]) -> str:
    """Plain data as YAML in block style, names sorted, texts of several lines as such."""
    text: str = yaml.dump(
        dict(document),
        Dumper=_Dumper,
        allow_unicode=True,
        default_flow_style=False,
        sort_keys=True,
        width=115,
    )
    return text


def read_yaml(text: str) -> Any:
    """The plain data of a YAML text.

    Raises:
        ImportFileError: not YAML (names the line), too long, a name given twice, or an anchor or tag in it.
    """
    if len(text) > MAX_YAML_CHARACTERS:
        raise ImportFileError(
            f"the YAML has {len(text):,} characters; at most {MAX_YAML_CHARACTERS:,} are read: use the JSON"
        )
    try:
        _check_events(text)
        return yaml.load(text, Loader=_Loader)  # derived from SafeLoader: makes plain values only
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise ImportFileError(
            f"the file is neither JSON nor YAML ({where}{error.problem}); export it anew, or correct that line"
        ) from None
    except (yaml.YAMLError, ValueError) as error:
        raise ImportFileError(
            f"the file is neither JSON nor YAML ({' '.join(str(error).split())[:200]}); export it anew"
        ) from None


def _check_events(text: str) -> None:
    """Count before anything is built; where it is not YAML, reading it says so."""
    depth = 0
    with suppress(yaml.YAMLError):
        for count, event in enumerate(yaml.parse(text, Loader=_SCANNER)):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if count > MOST_EVENTS:
                raise ImportFileError(f"the YAML has more than {MOST_EVENTS:,} values; use the JSON")
            if depth > DEEPEST:
                raise RecursionError


class _Loader(yaml.SafeLoader):  # type: ignore[misc, unused-ignore] # a base without stubs
    """Plain values as JSON has them; an alias is refused, because a few of them can stand for gigabytes."""

    yaml_implicit_resolvers = _RESOLVERS

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.composer.ComposerError(
                None, None, f"the alias *{event.anchor} is not allowed; write the value out", event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"{key.value[:80]!r} is given twice in the same place", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


class _Dumper(yaml.SafeDumper):  # type: ignore[misc, unused-ignore] # a base without stubs
    """Writes no aliases, and texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: Any, text: str) -> Any:
    lines = text.split("\n")
    as_block = len(lines) > 1 and all(line.isprintable() and line == line.strip() for line in lines)
    style = "|" if as_block and lines[0] else None if text.isprintable() else '"'  # quotes can escape anything
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)
