"""OpenAI: stored chat completions, as the API lists them (``store=true``), or logged bodies of responses.

The API gives the messages of a stored completion at an address of their own; where they were not fetched beside it
(``messages``, ``input``), the prompt's text is not there. Costs are not in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from router_core.collecting.logs import call as read
from router_core.collecting.logs.call import LoggedCall, NotACallError, Row

LABEL: Final = "OpenAI stored completions"


def recognises(row: Row) -> bool:
    """By the kind of the object."""
    return row.get("object") == "chat.completion" and isinstance(row.get("choices"), list)


def calls(rows: Iterable[Row]) -> Iterator[LoggedCall | NotACallError]:
    """Each completion as a call."""
    for row in rows:
        try:
            yield _call(row)
        except NotACallError as error:
            yield error


def _call(row: Row) -> LoggedCall:
    asked = read.first(row.get("messages"), row.get("input"), read.part(row, "request", "messages"))
    if isinstance(asked, dict) and isinstance(asked.get("data"), list):
        asked = asked["data"]
    choices = row.get("choices") or [{}]
    return LoggedCall(
        id=read.required(row.get("id"), "id"),
        model=read.required(row.get("model"), "model"),
        at=read.moment(row.get("created")),
        messages=read.messages(asked),
        text=read.answer(row),
        input_tokens=read.count(read.part(row, "usage", "prompt_tokens")),
        output_tokens=read.count(read.part(row, "usage", "completion_tokens")),
        cached_tokens=read.count(read.part(row, "usage", "prompt_tokens_details", "cached_tokens")) or 0,
        finish_reason=read.text(read.part(choices[0], "finish_reason")),
    )
