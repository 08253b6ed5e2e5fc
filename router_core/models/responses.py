"""OpenAI's Responses API, as far as routing and the log need it: input as messages, an answer as text and usage.

Pure, on plain data. Requests and answers themselves are passed on as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from router_core.models.usage import counted_usage
from router_core.types import NO_REASON, Message, Usage

_PARTS: Final = {"input_text": "text", "output_text": "text", "input_image": "image_url", "input_file": "file"}
_ENDS: Final = ("response.completed", "response.incomplete", "response.failed")
_NEVER: Final = {"content_filter": "content_filter", "max_output_tokens": "length"}


def messages_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages of a request: its instructions, and what its input says.

    Results of tools count as what the tool said; items that say nothing to read are left out.
    """
    given = body.get("input")
    instructions = body.get("instructions")
    messages = (
        [{"role": "system", "content": instructions}] if isinstance(instructions, str) and instructions else []
    )
    if isinstance(given, str):
        return [*messages, {"role": "user", "content": given}]
    for item in given if isinstance(given, list) else ():
        if not isinstance(item, Mapping):
            continue
        if "role" in item:
            messages.append({"role": item["role"], "content": _content(item.get("content"))})
        elif item.get("type") == "function_call_output":
            output = item.get("output")
            messages.append({"role": "user", "content": output if isinstance(output, str) else str(output)})
    return messages


class ResponsesAnswer:
    """What an answer says, whole or event by event. ``text`` so far; ``finish_reason`` None until it has ended;
    ``failed``: the provider's own words, where it says that it failed; ``id`` names it at the provider.

    Args:
        messages, params: of the request, for an estimate of its tokens where the provider does not count them.
    """

    def __init__(self, messages: Sequence[Message], params: Mapping[str, Any]) -> None:
        self.text = ""
        self.finish_reason: str | None = None
        self.failed: str | None = None
        self.id = ""
        self._messages = messages
        self._params = params
        self._report: Any = None

    @property
    def usage(self) -> Usage:
        """The provider's count of tokens; until it comes, or where it cannot be true, an estimate."""
        return counted_usage(self._report, self._messages, self._params, [self.text])

    def event(self, event: Any) -> None:
        """Take in one event of a stream."""
        kind = event.get("type") if isinstance(event, Mapping) else None
        if kind == "response.output_text.delta" and isinstance(event.get("delta"), str):
            self.text += event["delta"]
        elif kind in _ENDS:
            self.whole(event.get("response"))
        elif kind == "error":
            self.failed = str(event.get("message") or event.get("error") or "it sent an error")[:500]

    def whole(self, body: Any) -> None:
        """Take in a whole answer."""
        if not isinstance(body, Mapping):
            return
        self.id = str(body.get("id") or "")
        self.text = _written(body) or self.text
        self._report = body.get("usage")
        failed, cut = body.get("error"), body.get("incomplete_details")
        if failed:
            said = failed.get("message") if isinstance(failed, Mapping) else failed
            self.failed = str(said)[:500]
        elif body.get("status") == "incomplete":
            why = cut.get("reason") if isinstance(cut, Mapping) else None
            self.finish_reason = _NEVER.get(str(why), "length")
        elif body.get("status") in (None, "completed"):
            calls = any(_kind(one) == "function_call" for one in _listed(body.get("output")))
            self.finish_reason = "tool_calls" if calls else "stop"
        else:  # queued or running in the background
            self.finish_reason = NO_REASON


def _written(body: Mapping[str, Any]) -> str:
    parts = (
        part
        for one in _listed(body.get("output"))
        if _kind(one) == "message"
        for part in _listed(one.get("content"))
    )
    return "".join(str(part.get("text", "")) for part in parts if _kind(part) == "output_text")


def _content(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    found = []
    for part in content:
        kind = _PARTS.get(_kind(part))
        if kind == "text":
            found.append({"type": "text", "text": part.get("text")})
        elif kind is not None:
            found.append({"type": kind})
    return found


def _kind(part: Any) -> str:
    return str(part.get("type", "")) if isinstance(part, Mapping) else ""


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
