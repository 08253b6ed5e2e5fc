"""Langfuse: observations of type GENERATION with their scores, from its API, its pages and its exports to files.

Names come in two spellings (``traceId``, ``trace_id``). Scores stand in rows of their own, or inside a trace:
those of the generation itself count, and those of a trace where it has one generation. People's (ANNOTATION) are
thumbs, those of a program are reports, and what a model scored (EVAL) is a judge's word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from router_core.collecting.logs import call as read
from router_core.collecting.logs.call import LoggedCall, NotACallError, Rating, Row
from router_core.types import Source

LABEL: Final = "Langfuse export"
_SOURCES: Final[Mapping[str, Source]] = {"ANNOTATION": "thumb", "API": "api", "EVAL": "judge"}


def recognises(row: Row) -> bool:
    """By an observation, a trace that holds some, or a score."""
    observation = _of(row, "traceId") is not None and row.get("type") in ("GENERATION", "SPAN", "EVENT")
    trace = isinstance(row.get("observations"), Sequence) and "timestamp" in row
    return observation or trace or _is_score(row)


def calls(rows: Iterable[Row]) -> Iterator[LoggedCall | NotACallError]:
    """Each generation as a call."""
    observations: list[Row] = []
    scores: list[Row] = []
    others = 0
    for row in rows:
        if isinstance(row.get("observations"), Sequence) and not isinstance(row["observations"], str):
            observations += [{"traceId": row.get("id"), **one} for one in read.calls(row["observations"])]
            scores += [{"traceId": row.get("id"), **one} for one in read.calls(row.get("scores") or ())]
        elif _is_score(row):
            scores.append(row)
        elif "type" in row:
            observations.append(row)
        else:
            others += 1
    generations = [one for one in observations if one.get("type") == "GENERATION"]
    in_trace: dict[Any, int] = defaultdict(int)
    for one in generations:
        in_trace[_of(one, "traceId")] += 1
    said: dict[tuple[str, Any], list[Rating]] = defaultdict(list)
    unread = 0
    for score in scores:
        rating = _rating(score)
        if rating is None:
            unread += 1
            continue
        own = _of(score, "observationId")
        said[("call", own) if own else ("trace", _of(score, "traceId"))].append(rating)
    for one in generations:
        trace = _of(one, "traceId")
        ratings = [*said[("call", one.get("id"))], *(said[("trace", trace)] if in_trace[trace] == 1 else ())]
        try:
            yield _call(one, tuple(ratings))
        except NotACallError as error:
            yield error
    yield from (NotACallError("it is no generation") for one in observations if one.get("type") != "GENERATION")
    yield from (NotACallError("it is a trace without its observations") for _ in range(others))
    yield from (NotACallError("it is a score outside 0 to 1") for _ in range(unread))


def _of(row: Row, name: str) -> Any:
    """Under this name, or the same in the spelling of exports to files."""
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return read.first(row.get(name), row.get(snake))


def _is_score(row: Row) -> bool:
    return "value" in row and "name" in row and _of(row, "traceId") is not None and "startTime" not in row


def _rating(score: Row) -> Rating | None:
    value = read.reward(read.first(score.get("value"), _of(score, "stringValue")))
    source = _SOURCES.get(str(score.get("source") or "API").upper(), "api")
    if value is None:
        return None
    who = f"{score['name']} (Langfuse)" if source == "judge" else ""
    return Rating(source, value, who, read.text(score.get("comment")) or "")


def _call(row: Row, ratings: tuple[Rating, ...]) -> LoggedCall:
    usage, cost = _of(row, "usageDetails"), _of(row, "costDetails")
    began, ended = read.moment(_of(row, "startTime")), read.moment(_of(row, "endTime"))
    failed = row.get("level") == "ERROR"
    error = read.text(_of(row, "statusMessage"))
    return LoggedCall(
        id=read.required(row.get("id"), "id"),
        model=read.required(read.first(row.get("model"), _of(row, "providedModelName")), "model"),
        at=began,
        messages=read.messages(row.get("input")),
        text=None if failed else read.answer(row.get("output")),
        input_tokens=read.count(
            read.first(read.part(usage, "input"), read.part(row, "usage", "input"), row.get("promptTokens"))
        ),
        output_tokens=read.count(
            read.first(read.part(usage, "output"), read.part(row, "usage", "output"), row.get("completionTokens"))
        ),
        cost_usd=read.dollars(
            read.first(read.part(cost, "total"), _of(row, "totalCost"), _of(row, "calculatedTotalCost"))
        ),
        total_ms=read.between_ms(began, ended),
        first_token_ms=read.between_ms(began, read.moment(_of(row, "completionStartTime"))),
        error=(error or "it failed") if failed else None,
        session=str(_of(row, "sessionId") or _of(row, "traceId") or ""),
        ratings=ratings,
    )
