"""The keys of the gateway's callers on the settings page."""

from __future__ import annotations

import pytest

from pages.resources import resources
from router_core.serving.caller_keys import found
from tests.app.panel import opened

pytestmark = pytest.mark.usefixtures("place")


def test_a_key_is_made_shown_once_and_revoked() -> None:
    """With its limits; looked at again it is gone from the screen; revoked it opens nothing."""
    at = opened("settings", tab="Callers")
    at.text_input(key="caller-key-name").set_value("mail")
    at.number_input(key="caller-key-usd").set_value(5.0)
    next(one for one in at.button if one.label == "Make a key").click()
    at.run()
    assert not at.exception
    (text,) = (one.value for one in at.code)
    kept = resources().playground.store.caller_keys
    key = found(text, kept())
    assert key is not None
    assert (key.name, key.usd_per_day, key.goals) == ("mail", 5, None)
    assert any("$5 a day" in one.value for one in at.markdown)
    at.run()
    assert not at.code
    at.button(key=f"revoke-{key.id}").click().run()
    assert found(text, kept()) is None
    assert any("Revoked: mail" in one.value for one in at.caption)


def test_a_name_that_cannot_be_one() -> None:
    """A sentence; nothing is made."""
    at = opened("settings", tab="Callers")
    next(one for one in at.button if one.label == "Make a key").click()
    at.run()
    assert "give 1 to 64" in at.error[0].value
    assert resources().playground.store.caller_keys() == []
