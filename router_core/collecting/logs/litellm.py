"""LiteLLM's spend logs: rows of its table LiteLLM_SpendLogs, as its API and the page Logs give them.

Texts are in them only where ``store_prompts_in_spend_logs`` is on. Embeddings and other calls are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from router_core.collecting.logs import call as read
from router_core.collecting.logs.call import LoggedCall, NotACallError, Row

LABEL: Final = "LiteLLM spend logs"
_CALLS: Final = ("completion", "acompletion", "text_completion", "atext_completion", "responses", "aresponses")


def recognises(row: Row) -> bool:
    """By the names of its columns."""
    return {"request_id", "spend", "startTime"} <= row.keys() and "model" in row


def calls(rows: Iterable[Row]) -> Iterator[LoggedCall | NotACallError]:
    """Each row as a call."""
    for row in rows:
        try:
            yield _call(row)
        except NotACallError as error:
            yield error


def _call(row: Row) -> LoggedCall:
    kind = str(row.get("call_type") or "completion")
    if kind not in _CALLS:
        raise NotACallError(f"it is a call of the kind {kind[:40]}")
    began, ended = read.moment(row.get("startTime")), read.moment(row.get("endTime"))
    failed = str(row.get("status") or "").lower() == "failure"
    error = read.text(read.part(row, "metadata", "error_information", "error_message"))
    response = read.part(row, "response")
    return LoggedCall(
        id=read.required(row.get("request_id"), "request_id"),
        model=read.required(read.first(read.text(row.get("model")), row.get("model_group")), "model"),
        at=began,
        messages=read.messages(
            read.first(read.part(row, "messages") or None, read.part(row, "proxy_server_request", "messages"))
        ),
        text=None if failed else read.answer(response),
        input_tokens=read.count(row.get("prompt_tokens")),
        output_tokens=read.count(row.get("completion_tokens")),
        cached_tokens=read.count(read.part(response, "usage", "prompt_tokens_details", "cached_tokens")) or 0,
        cost_usd=read.dollars(row.get("spend")),
        total_ms=read.between_ms(began, ended),
        first_token_ms=read.between_ms(began, read.moment(row.get("completionStartTime"))),
        error=(error or "it failed") if failed else None,
        session=read.text(row.get("session_id")) or "",
    )
