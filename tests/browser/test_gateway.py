"""Traffic over HTTP and the pages in one process: what comes in is seen, and what is rated is heard."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from router_core.settings import ArmSettings, GoalSettings
from tests.browser.conftest import READY, Server
from tests.builders import CHEAP, STRONG

pytestmark = pytest.mark.browser


def called(server: Server, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """What an address of the gateway answers."""
    kind = {"content-type": "application/json"}
    request = urllib.request.Request(f"{server.url}/v1/{path}", json.dumps(body).encode(), kind)
    with urllib.request.urlopen(request, timeout=120) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def test_traffic_is_seen_and_ratings_are_heard(start_server: Callable[..., Server], page: Page) -> None:
    """A request appears on the open costs page by itself; a thumb moves the probabilities of the next decision."""
    arms = (ArmSettings(model=CHEAP, weight=0.999), ArmSettings(model=STRONG, weight=0.001))
    server = start_server(goals={"default": GoalSettings(arms=arms)})
    asked = {"messages": [{"role": "user", "content": "Is this spam? You won a prize."}]}
    called(server, "chat/completions", asked)
    page.goto(f"{server.url}/costs?range=all")
    page.wait_for_selector(READY)
    requests = page.locator('[data-testid="stMetric"]', has_text="Requests")
    expect(requests).to_contain_text("1")
    called(server, "chat/completions", asked)
    expect(requests).to_contain_text("2")
    before = called(server, "decide", asked)["probabilities"]
    page.goto(f"{server.url}/rate")
    page.locator('[data-testid="stDataFrame"]').wait_for()
    request_id = called(server, "chat/completions", asked)["id"]
    prompt = called_id(server, request_id)
    page.goto(f"{server.url}/rate?id={prompt}")
    page.locator('[class*="st-key-thumb-"] button:not([disabled])').last.click()
    expect(page.get_by_text("wrong", exact=True).or_(page.get_by_text("Why?")).first).to_be_visible()
    after = called(server, "decide", asked)["probabilities"]
    assert after[CHEAP] < before[CHEAP]


def called_id(server: Server, request_id: str) -> str:
    """The prompt of a request."""
    with urllib.request.urlopen(f"{server.url}/v1/requests/{request_id}", timeout=120) as answer:
        found: dict[str, str] = json.load(answer)
    return found["prompt_id"]
