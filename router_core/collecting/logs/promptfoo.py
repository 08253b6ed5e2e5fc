"""promptfoo: results of an evaluation, each provider's answer to each test (JSON, version 3, or JSON lines).

Answers to the same prompt and variables belong together, so that they make pairs. The score of the assertions is
reported as a program's word. A test's reference is the value of its first assertion of equality.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from router_core.collecting.logs import call as read
from router_core.collecting.logs.call import LoggedCall, NotACallError, Rating, Row

LABEL: Final = "promptfoo results"
_EQUAL: Final = ("equals", "contains", "icontains", "similar", "factuality")


def recognises(row: Row) -> bool:
    """By a result with its provider and its variables."""
    return {"provider", "prompt", "success"} <= row.keys() and ("vars" in row or "testCase" in row)


def calls(rows: Iterable[Row]) -> Iterator[LoggedCall | NotACallError]:
    """Each result as a call."""
    for row in rows:
        try:
            yield _call(row)
        except NotACallError as error:
            yield error


def _call(row: Row) -> LoggedCall:
    provider = row.get("provider")
    model = (
        provider
        if isinstance(provider, str)
        else read.first(read.part(provider, "id"), read.part(provider, "label"))
    )
    response, prompt = row.get("response"), row.get("prompt")
    raw = read.first(read.part(prompt, "raw"), prompt)
    usage = read.first(read.part(response, "tokenUsage"), row.get("tokenUsage"))
    error = read.text(read.first(row.get("error"), read.part(response, "error")))
    said = read.answer(read.part(response, "output"))
    variables = json.dumps(row.get("vars"), sort_keys=True, default=str)
    score = read.reward(read.first(row.get("score"), row.get("success")))
    why = read.text(read.part(row, "gradingResult", "reason")) or ""
    failed = error is not None and said is None
    return LoggedCall(
        id=str(row.get("id") or read.contents(row)),
        model=read.required(model, "provider"),
        at=read.moment(row.get("timestamp")),
        messages=read.messages(raw),
        text=said,
        input_tokens=read.count(read.part(usage, "prompt")),
        output_tokens=read.count(read.part(usage, "completion")),
        cost_usd=read.dollars(read.first(row.get("cost"), read.part(response, "cost"))),
        total_ms=read.number(row.get("latencyMs")),
        error=error if failed else None,
        group=f"{raw if isinstance(raw, str) else json.dumps(raw, default=str)}|{variables}",
        reference=_reference(row),
        ratings=() if failed or score is None else (Rating("api", score, "promptfoo", why[:2_000]),),
    )


def _reference(row: Row) -> str:
    asserted: Any = read.part(row, "testCase", "assert")
    for one in asserted if isinstance(asserted, list) else ():
        if isinstance(one, Mapping) and one.get("type") in _EQUAL and isinstance(one.get("value"), str):
            return str(one["value"])
    return ""
