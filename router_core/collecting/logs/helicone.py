"""Helicone: requests with their responses, as its export tool and its API give them (JSON, JSON lines).

Bodies are there only where they were exported too (``--include-body``). Its cost is in dollars. Feedback is a
thumb; scores are read where they are from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from router_core.collecting.logs import call as read
from router_core.collecting.logs.call import LoggedCall, NotACallError, Rating, Row

LABEL: Final = "Helicone export"


def recognises(row: Row) -> bool:
    """By the names of its columns."""
    return {"request_id", "request_created_at"} <= row.keys()


def calls(rows: Iterable[Row]) -> Iterator[LoggedCall | NotACallError]:
    """Each request as a call."""
    for row in rows:
        try:
            yield _call(row)
        except NotACallError as error:
            yield error


def _call(row: Row) -> LoggedCall:
    status = read.number(row.get("response_status"))
    failed = status is not None and not 200 <= status < 300
    body = read.part(row, "response_body")
    return LoggedCall(
        id=read.required(row.get("request_id"), "request_id"),
        model=read.required(
            read.first(
                read.text(row.get("model")),
                read.text(row.get("response_model")),
                read.text(row.get("request_model")),
                read.part(row, "request_body", "model"),
            ),
            "model",
        ),
        at=read.moment(row.get("request_created_at")),
        messages=read.messages(read.part(row, "request_body")),
        text=None if failed else read.answer(body),
        input_tokens=read.count(read.first(row.get("prompt_tokens"), read.part(body, "usage", "prompt_tokens"))),
        output_tokens=read.count(
            read.first(row.get("completion_tokens"), read.part(body, "usage", "completion_tokens"))
        ),
        cached_tokens=read.count(row.get("prompt_cache_read_tokens")) or 0,
        cost_usd=read.dollars(read.first(row.get("cost"), row.get("costUSD"), row.get("cost_usd"))),
        total_ms=read.number(row.get("delay_ms")),
        first_token_ms=read.number(row.get("time_to_first_token")),
        error=(read.text(read.part(body, "error", "message")) or f"status {status:.0f}")
        if failed and status
        else None,
        session=str(read.part(row, "request_properties", "Helicone-Session-Id") or ""),
        ratings=tuple(_ratings(row)),
    )


def _ratings(row: Row) -> Iterator[Rating]:
    thumb = read.reward(read.first(row.get("feedback_rating"), row.get("rating")))
    if thumb is not None:
        yield Rating("thumb", thumb)
    scores = read.part(row, "scores")
    for name, given in scores.items() if isinstance(scores, Mapping) else ():
        value = read.reward(read.part(given, "value") if isinstance(given, Mapping) else given)
        if value is not None and name != "helicone-score-feedback":
            yield Rating("judge", value, f"{name} (Helicone)")
