"""One place for each fact about policies and origins: the registry is whole, and nothing else spells its names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from router_core.policies import BUILDERS
from router_core.registry import LABELS, POLICIES, PolicyEntry, PolicyName
from router_core.settings import GoalSettings, Settings
from router_core.store.duckdb.drawn import drawn_by, was_drawn
from router_core.types import NOT_DRAWN, Origin
from router_core.types import was_drawn as drawn_in_python

ROOT = Path(__file__).parents[2]
PRODUCT = [
    ROOT / "app.py",
    *sorted(path for part in ("router_core", "pages") for path in (ROOT / part).rglob("*.py")),
]
HOMES = {
    "names": ROOT / "router_core" / "registry.py",
    "origins": ROOT / "router_core" / "types.py",
}
OTHER_MEANINGS = {
    ("router_core/evaluation/files/guessing.py", "classifier"),  # the usual name of a column
    ("router_core/demo/rows.py", "fallback"),  # a column of the table of decisions
    ("pages/export_import.py", "imported"),  # what a visit remembers of a file
}


def texts(path: Path) -> Iterator[str]:
    """Every string of a module that is no docstring."""
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def spelled(words: set[str], home: Path) -> list[tuple[str, str]]:
    """(module, word) wherever a word stands alone in a string, or quoted in the SQL of one."""
    quoted = re.compile("'(" + "|".join(map(re.escape, sorted(words))) + ")'")
    found = []
    for path in PRODUCT:
        place = path.relative_to(ROOT).as_posix()
        if path == home:
            continue
        for text in texts(path):
            found += [(place, word) for word in ({text} & words) | set(quoted.findall(text))]
    return [one for one in found if one not in OTHER_MEANINGS]


def test_nothing_else_spells_a_name() -> None:
    """Neither a policy's name nor its label."""
    assert spelled({*POLICIES, *LABELS.values()}, HOMES["names"]) == []


def test_nothing_else_spells_an_origin_that_was_not_drawn() -> None:
    """They are constants, so that a fourth one is found everywhere at once."""
    assert spelled(set(NOT_DRAWN), HOMES["origins"]) == []


def test_the_search_finds_what_is_spelled() -> None:
    """The registry itself is full of names; the search sees them where it is not told to pass over them."""
    assert {word for place, word in spelled({*POLICIES}, ROOT) if place.endswith("registry.py")} == {*POLICIES}


def test_the_names_for_type_checkers() -> None:
    """The literal type has just the names of the entries, and every one can be built."""
    assert list(get_args(PolicyName)) == list(POLICIES) == list(BUILDERS)
    assert all(name == entry.name for name, entry in POLICIES.items())


@pytest.mark.parametrize("entry", POLICIES.values(), ids=list(POLICIES))
def test_an_entry_is_whole(entry: PolicyEntry) -> None:
    """Every text says something, without a full stop: pages put it into sentences."""
    for text in (entry.label, entry.short_label, entry.description, entry.set_up, entry.adapts):
        assert text
        assert not text.endswith(".")


def test_entries_are_told_apart() -> None:
    """Two policies share neither a label nor a line style."""
    for part in ("label", "short_label", "dash", "description"):
        assert len({getattr(entry, part) for entry in POLICIES.values()}) == len(POLICIES)


def test_the_settings_offer_every_policy() -> None:
    """By name, with the label of the registry."""
    shown = GoalSettings.model_fields["router"].json_schema_extra
    assert isinstance(shown, dict)
    assert shown["labels"] == dict(LABELS)
    for name in POLICIES:
        goal = GoalSettings.model_validate({"router": name})
        assert Settings(goals={"default": goal}).goal("default").router == name


@pytest.mark.parametrize("origin", get_args(Origin))
def test_drawn_in_python_and_in_sql(origin: str) -> None:
    """The two say the same of every origin."""
    import duckdb

    with duckdb.connect() as connection:
        asked = f"SELECT {was_drawn()} FROM (SELECT $origin AS origin)"
        assert connection.execute(asked, {"origin": origin}).fetchall() == [(drawn_in_python(origin),)]
        for entry in POLICIES.values():
            asked = f"SELECT {drawn_by(entry)} FROM (SELECT $origin AS origin, '{entry.name}' AS policy)"
            assert connection.execute(asked, {"origin": origin}).fetchall() == [(drawn_in_python(origin),)]


def test_which_origins_were_not_drawn() -> None:
    """A person's choice, another model after a failure, another tool's log, a next turn, a title on the side."""
    not_drawn = {one for one in get_args(Origin) if not drawn_in_python(one)}
    assert not_drawn == {"forced", "fallback", "imported", "continued", "background"}
