"""Plain JSON lines: a call a row, under names that say what they are (``model``, ``prompt`` or ``messages``, ...).

Rows with the same prompt_id answered the same prompt. Without one, the first rows of two models with the same
prompt did, the second rows, and so on: a model that was asked the same again was asked another time. A row without
an id is known by its contents.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

from router_core.collecting.logs import call as read
from router_core.collecting.logs.call import LoggedCall, NotACallError, Rating, Row

LABEL: Final = "plain JSON lines"
NAMES: Final[dict[str, tuple[str, ...]]] = {
    "id": ("id", "call_id", "request_id"),
    "model": ("model", "model_name", "llm"),
    "prompt": ("messages", "prompt", "input", "question", "query"),
    "answer": ("answer", "response", "output", "completion", "text"),
    "time": ("time", "timestamp", "created_at", "created", "date"),
    "input_tokens": ("input_tokens", "prompt_tokens", "tokens_in"),
    "output_tokens": ("output_tokens", "completion_tokens", "tokens_out"),
    "cost": ("cost_usd", "cost", "spend", "price_usd"),
    "latency": ("latency_ms", "total_ms", "duration_ms"),
    "error": ("error",),
    "score": ("score", "rating", "reward", "thumb", "feedback"),
    "reference": ("reference", "expected", "reference_answer", "ground_truth"),
    "session": ("session", "session_id", "conversation_id"),
    "group": ("prompt_id", "question_id"),
}
"""What a part of a call may be called, the first that is there counts."""


def recognises(row: Row) -> bool:
    """By a model and a prompt, an answer, tokens or a cost."""
    has = {part for part, names in NAMES.items() if any(row.get(name) is not None for name in names)}
    return "model" in has and bool(has & {"prompt", "answer", "cost", "input_tokens"})


def calls(rows: Iterable[Row]) -> Iterator[LoggedCall | NotACallError]:
    """Each row as a call."""
    before: Counter[tuple[str, str]] = Counter()
    for row in rows:
        try:
            yield _call(row, before)
        except NotACallError as error:
            yield error


def _part(row: Row, name: str) -> Any:
    return read.first(*(row.get(one) for one in NAMES[name]))


def _call(row: Row, before: Counter[tuple[str, str]]) -> LoggedCall:
    asked = read.messages(_part(row, "prompt"))
    score = read.reward(_part(row, "score"))
    model = read.required(_part(row, "model"), "model")
    group = _part(row, "group")
    if group is None and asked is not None:
        said = json.dumps(asked, sort_keys=True, default=str)
        group = f"{before[said, model]}|{said}"
        before[said, model] += 1
    contents = read.contents(row)
    before[contents, ""] += 1
    return LoggedCall(
        id=str(read.first(_part(row, "id"), f"{contents}/{before[contents, '']}")),
        model=model,
        at=read.moment(_part(row, "time")),
        messages=asked,
        text=read.answer(_part(row, "answer")),
        input_tokens=read.count(_part(row, "input_tokens")),
        output_tokens=read.count(_part(row, "output_tokens")),
        cost_usd=read.dollars(_part(row, "cost")),
        total_ms=read.number(_part(row, "latency")),
        error=read.text(_part(row, "error")),
        group=str(group or ""),
        session=str(_part(row, "session") or ""),
        reference=str(_part(row, "reference") or ""),
        ratings=() if score is None else (Rating("api", score),),
    )
