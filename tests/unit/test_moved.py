"""Old addresses of the pages, and where they lead."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import pytest

from router_core.serving.access import Receive, Scope, Send
from router_core.serving.moved import MovedMiddleware, new_address

LED_ON = [
    ("/", "prompt=0190", "/try?prompt=0190"),
    ("/", "comparison=0190&run_all=true", "/try?comparison=0190&run_all=true"),
    ("", "run_all=true", "/try?run_all=true"),
    ("/history", "", "/rate"),
    ("/history/", "id=1", "/rate?id=1"),
    ("/history", "days=2026-01-01&days=2026-01-02", "/rate?days=2026-01-01&days=2026-01-02"),
    ("/evidence", "", "/?tab=My+data"),
    ("/evidence", "evaluation=7", "/?tab=My+data&evaluation=7"),
    ("/evidence", "tab=Pairs&pair-tolerance=3", "/?tab=Pairs&pair-tolerance=3"),
    ("/settings", "tab=Export+%26+import", "/ship"),
    ("/history", "search=a%26b%0d%0aSet-Cookie:x", "/rate?search=a%26b%0D%0ASet-Cookie%3Ax"),
]
KEPT = [
    ("/", ""),
    ("/", "tab=Pairs"),
    ("/try", "prompt=0190"),
    ("/costs", "range=all"),
    ("/settings", "tab=Rules"),
    ("/history.png", ""),
    ("/_stcore/health", ""),
]


@pytest.mark.parametrize(("path", "query", "there"), LED_ON)
def test_an_old_address_leads_on(path: str, query: str, there: str) -> None:
    """With its parameters, each encoded anew."""
    assert new_address(path, query) == there
    assert new_address(*there.partition("?")[::2]) is None


@pytest.mark.parametrize(("path", "query"), KEPT)
def test_an_address_that_holds_is_left_alone(path: str, query: str) -> None:
    """Those of today, and everything that is no page."""
    assert new_address(path, query) is None


def answers(scope: dict[str, Any]) -> list[MutableMapping[str, Any]]:
    """What the middleware sends before an app that says "inside"."""
    messages: list[MutableMapping[str, Any]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "inside"})

    async def receive() -> MutableMapping[str, Any]:
        raise AssertionError("nothing has to be read")

    async def send(message: MutableMapping[str, Any]) -> None:
        messages.append(message)

    with pytest.raises(StopIteration):
        MovedMiddleware(app)(scope, receive, send).__await__().send(None)
    return messages


def test_the_middleware_redirects_below_its_own_root() -> None:
    """A page only, and only where it is read."""
    asked = {
        "type": "http",
        "method": "GET",
        "path": "/panel/history",
        "root_path": "/panel",
        "query_string": b"id=1",
    }
    start, body = answers(asked)
    assert (start["status"], dict(start["headers"])[b"location"]) == (307, b"/panel/rate?id=1")
    assert body["body"] == b""
    for other in ({**asked, "method": "POST"}, {**asked, "type": "websocket"}, {**asked, "path": "/panel/costs"}):
        assert answers(other) == [{"type": "inside"}]
