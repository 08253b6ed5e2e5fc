"""Old addresses of the panel's pages lead on to where their content went, with their parameters."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, urlencode

from router_core.serving.access import ASGIApp, Receive, Scope, Send

_OF_A_PROMPT: Final = frozenset({"prompt", "comparison", "run_all"})
"""Parameters that the home page had while it was the playground."""

_EXPORTS: Final = "Export & import"  # a tab of the settings, now a page
_FILES: Final = "My data"


def new_address(path: str, query: str) -> str | None:
    """Where the content of an old address is now; None where the address still holds.

    Args:
        path: as in ``/history``.
        query: what stands behind the question mark, encoded.
    """
    said = parse_qsl(query, keep_blank_values=True)
    names = {name for name, _ in said}
    place = path.rstrip("/")
    if place == "" and names & _OF_A_PROMPT:
        return _address("/try", said)
    if place == "/history":
        return _address("/rate", said)
    if place == "/evidence":
        return _address("/", said if "tab" in names else [("tab", _FILES), *said])
    if place == "/settings" and ("tab", _EXPORTS) in said:
        return _address("/ship", [(name, value) for name, value in said if name != "tab"])
    return None


def _address(path: str, said: list[tuple[str, str]]) -> str:
    return f"{path}?{urlencode(said)}" if said else path


class MovedMiddleware:
    """Answers old addresses with status 307 and the new one; passes on everything else.

    The browser keeps one step in its history, so that Back does not lead into a circle.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, one websocket, or the life of the server."""
        moved = None
        root = scope.get("root_path", "")
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            path = scope["path"].removeprefix(root)
            moved = new_address(path, scope.get("query_string", b"").decode("latin-1"))
        if moved is None:
            await self._app(scope, receive, send)
            return
        headers = [(b"location", f"{root}{moved}".encode("latin-1")), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 307, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
