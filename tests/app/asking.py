"""Sending a prompt in a test of the playground page, and what came of it."""

from __future__ import annotations

import time

from streamlit.testing.v1 import AppTest

from pages.resources import resources
from router_core.settings import CallSettings, Settings
from router_core.store.base import Comparison, Search
from tests.app.panel import QUICK, opened

HARD = "Write a memo that compares two leases and explain why one is better."
EASY = "Is this spam? Yes or no: you won a prize."


def the_settings(**parts: object) -> Settings:
    """Models that answer at once or fail for good, and these parts."""
    return QUICK.model_copy(update={"calls": CallSettings(max_retries=0), **parts})


def send(prompt: str, **toggles: bool) -> AppTest:
    """Send a prompt and wait for its answers."""
    at = opened("playground")
    at.text_area(key="prompt").set_value(prompt)
    for key, value in toggles.items():
        at.toggle(key=key).set_value(value)
    at.button(key="send").click().run()
    return settled(at)


def settled(at: AppTest) -> AppTest:
    """Look again until no answer is under way."""
    for _ in range(200):
        assert not at.exception, at.exception
        if not [one for one in at.button if (one.key or "").startswith("stop-")]:
            return at.run()
        time.sleep(0.05)
        at.run()
    raise AssertionError("an answer never ended")


def stored() -> Comparison:
    """The newest comparison in the store."""
    return resources().playground.store.find(Search(), 1)[0]
