"""Differences of two settings documents: every one, at its place, as short text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router_core.errors import SettingsError
from router_core.exports.diff import LONGEST, Change, changes, short
from router_core.settings import ArmSettings, ClassifierSettings, GoalSettings, HeuristicSettings, Settings
from tests.builders import CHEAP, STRONG
from tests.exported import some_settings


def test_equal_settings_have_no_changes() -> None:
    """Nothing is told where nothing differs."""
    assert changes(Settings().document(), Settings().document()) == []
    assert changes(some_settings().document(), json.loads(some_settings().document())) == []


def test_settings_line_by_line() -> None:
    """Numbers, lists, nothing, added and removed, each at its place."""
    before = Settings()
    after = Settings(
        seed=5,
        goals={
            "default": GoalSettings(
                arms=(ArmSettings(model=CHEAP, weight=0.8), ArmSettings(model=STRONG, params={"temperature": 0})),
                success_value_usd=float("inf"),
                simple_arm=CHEAP,
            )
        },
        heuristic=HeuristicSettings(extractive_task_types=("classification", "label")),
    )
    assert changes(before.document(), after.document()) == [
        Change("goals.default.arms[1].params.temperature", None, "0"),
        Change("goals.default.arms[1].weight", "0.2", "1.0"),
        Change("goals.default.simple_arm", "none", CHEAP),
        Change("goals.default.success_value_usd", "0.05", "Infinity"),
        Change("heuristic.extractive_task_types", "extraction, yes_no", None),
        Change("seed", "0", "5"),
    ]


def test_the_other_way_round_is_the_reverse() -> None:
    """Bringing an older version back undoes the very changes."""
    there = changes(Settings().document(), some_settings().document())
    back = changes(some_settings().document(), Settings().document())
    assert [Change(change.path, change.after, change.before) for change in there] == back
    assert there != []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"a": 1}, [Change("a", None, "1")]),
        ({}, {"a": {"b": 1, "c": None}}, [Change("a", None, '{"b": 1}')]),
        ({"a": None}, {}, [Change("a", "none", None)]),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"a": True}, [Change("a", "1", "true")]),
        ({"a": 0}, {"a": False}, [Change("a", "0", "false")]),
        ({"a": 1}, {"a": "1"}, [Change("a", "1", '"1"')]),
        ({"a": None}, {"a": "none"}, [Change("a", "null", '"none"')]),
        ({"a": "x y"}, {"a": "x  y"}, [Change("a", '"x y"', '"x  y"')]),
        ({"a": "x\ny"}, {"a": "z\ny"}, [Change("a", "x y", "z y")]),
        ({"a": {"b": 1}}, {"a": [1]}, [Change("a", '{"b": 1}', "[1]")]),
        ({"a": [[1, 2], 3]}, {"a": [[1, 4], 3]}, [Change("a[0][1]", "2", "4")]),
        ({"a": ["x", "y"]}, {"a": ["y", "z", "w"]}, [Change("a", "x", "z, w")]),
        ({"a": []}, {"a": ["x"]}, [Change("a", None, "x")]),
        ({"a": ["x", "y"]}, {"a": ["y", "x"]}, [Change("a[0]", "x", "y"), Change("a[1]", "y", "x")]),
        ({"a": []}, {"a": [{"b": "é"}]}, [Change("a[0]", None, '{"b": "é"}')]),
        ({"a.b": {"c": 1}}, {"a.b": {"c": 2}}, [Change('["a.b"].c', "1", "2")]),
        ({"p": {"x/gpt-4.1": 1}}, {"p": {"x/gpt-4.1": 2}}, [Change('p["x/gpt-4.1"]', "1", "2")]),
        ({"": 1}, {"": 2}, [Change('[""]', "1", "2")]),
    ],
)
def test_plain_data(before: dict[str, Any], after: dict[str, Any], expected: list[Change]) -> None:
    """Each kind of value against each other; both sides always read differently."""
    assert changes(before, after) == expected


def test_long_texts_show_their_difference() -> None:
    """A word changed deep in a prompt is seen, with what stands before it."""
    words = " ".join(["same"] * 50)
    before, after = ClassifierSettings(prompt=f"{words} old"), ClassifierSettings(prompt=f"{words} new words")
    (change,) = changes(Settings(classifier=before).document(), Settings(classifier=after).document())
    assert change == Change("classifier.prompt", "…same same same same old", "…same same same same new words")


def test_values_are_cut() -> None:
    """Eighty characters at most, the cut marked at its end."""
    (change,) = changes({"a": "x" * 200}, {"a": "y" * 200})
    assert change == Change("a", "x" * 79 + "…", "y" * 79 + "…")
    (change,) = changes({"a": "x" * 100 + "y" * 200}, {"a": "x" * 100})
    assert change == Change("a", "…" + "x" * 20 + "y" * 58 + "…", "…" + "x" * 20)
    assert short("z" * 80) == "z" * 80
    assert short("z" * 81) == "z" * 79 + "…"
    assert len(short({"k": ["v"] * 100})) == LONGEST


def test_a_whole_goal_is_one_change() -> None:
    """Added or removed as a whole, it is told in one line."""
    more = Settings(goals={"default": GoalSettings(), "mail": GoalSettings()})
    (change,) = changes(Settings().document(), more.document())
    assert (change.path, change.before) == ("goals.mail", None)
    assert change.after is not None
    assert change.after.startswith('{"arms": [{"model": "openai/gpt-4o-mini"')


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{", r"^the settings are not JSON \(line 1: "),
        ("[1]", r"^the settings must be a JSON mapping; got \[1\]$"),
    ],
)
def test_what_is_no_document_is_refused(document: str, expected: str) -> None:
    """On either side."""
    for before, after in ((document, "{}"), ("{}", document)):
        with pytest.raises(SettingsError, match=expected):
            changes(before, after)
