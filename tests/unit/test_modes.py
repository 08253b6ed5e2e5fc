"""Live or simulated: by a goal's own models, by choice, and never by what something else lacks."""

from __future__ import annotations

from itertools import product

import pytest

from router_core.serving.modes import goal_mode
from router_core.settings import ArmSettings, ClassifierSettings, GoalSettings, ProviderSettings, Settings

SETTINGS = Settings(
    providers={
        "here": ProviderSettings(base_url="http://127.0.0.1:9/v1", api_key_env=None),
        "one": ProviderSettings(base_url="http://127.0.0.1:9/v1", api_key_env="ONE_API_KEY"),
        "two": ProviderSettings(base_url="http://127.0.0.1:9/v1", api_key_env="TWO_API_KEY"),
    },
    goals={
        "local": GoalSettings(arms=(ArmSettings(model="here/a"), ArmSettings(model="here/b"))),
        "first": GoalSettings(arms=(ArmSettings(model="here/a"), ArmSettings(model="one/b"))),
        "both": GoalSettings(arms=(ArmSettings(model="one/a"), ArmSettings(model="two/b"))),
    },
    classifier=ClassifierSettings(model="two/judge"),
)


@pytest.mark.parametrize(
    ("environ", "live"),
    [
        ({}, {"local"}),
        ({"ONE_API_KEY": "x"}, {"local", "first"}),
        ({"TWO_API_KEY": "x"}, {"local"}),
        ({"ONE_API_KEY": "x", "TWO_API_KEY": "x"}, {"local", "first", "both"}),
        ({"ONE_API_KEY": " ", "TWO_API_KEY": "x"}, {"local"}),
        ({"ROUTER_SIMULATED": "0"}, {"local"}),
        ({"ROUTER_SIMULATED": "1", "ONE_API_KEY": "x", "TWO_API_KEY": "x"}, set()),
    ],
)
def test_a_goal_is_live_where_its_own_models_can_be_asked(environ: dict[str, str], live: set[str]) -> None:
    """Whatever other goals and the classifier lack."""
    found = {name for name in SETTINGS.goals if not goal_mode(SETTINGS, name, environ, {}).simulated}
    assert found == live


def test_a_pasted_key_is_a_key() -> None:
    """Of its provider alone."""
    assert not goal_mode(SETTINGS, "first", {}, {"one": "k"}).simulated
    assert goal_mode(SETTINGS, "both", {}, {"one": "k"}).simulated


@pytest.mark.parametrize(("chosen", "key"), list(product(("live", "simulated"), ("", "x"))))
def test_a_choice_goes_before_keys(chosen: str, key: str) -> None:
    """What is missing is still said; ROUTER_SIMULATED goes before the choice."""
    mode = goal_mode(SETTINGS, "first", {"ONE_API_KEY": key}, {}, chosen=chosen)  # type: ignore[arg-type]
    assert mode.simulated is (chosen == "simulated")
    assert [one.variable for one in mode.missing] == ([] if key else ["ONE_API_KEY"])
    forced = goal_mode(SETTINGS, "first", {"ROUTER_SIMULATED": "yes"}, {}, chosen=chosen)  # type: ignore[arg-type]
    assert forced.simulated
    assert forced.why == "asked"


def test_a_goal_that_was_live_stays_live() -> None:
    """A key that is gone does not put made-up answers in the place of real ones."""
    mode = goal_mode(SETTINGS, "both", {"ONE_API_KEY": "x"}, {}, has_lived=lambda: True)
    assert not mode.simulated
    assert [one.variable for one in mode.missing] == ["TWO_API_KEY"]


def test_what_the_classifier_lacks_is_said_apart() -> None:
    """It is not part of what the goal lacks."""
    mode = goal_mode(SETTINGS, "first", {"ONE_API_KEY": "x"}, {})
    assert mode.missing == ()
    assert mode.classifier is not None
    assert mode.classifier.is_missing
