"""OpenTelemetry: spans of calls of models by the GenAI conventions, with evaluation results, as OTLP in JSON.

Rows are ``resourceSpans`` as a collector's file exporter writes them, or single spans; attributes as a list of
keys and values or as an object. The span's messages are read under their present names
(``gen_ai.input.messages``) and those of before (events). Costs are no part of the conventions: they are unknown
unless an instrumentation adds one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from router_core.collecting.logs import call as read
from router_core.collecting.logs.call import LoggedCall, NotACallError, Rating, Row

LABEL: Final = "OpenTelemetry GenAI spans"
_OPERATIONS: Final = ("chat", "text_completion", "generate_content")
_RESULT: Final = "gen_ai.evaluation.result"


def recognises(row: Row) -> bool:
    """By spans of a resource, or a span with an attribute of the conventions."""
    if isinstance(row.get("resourceSpans"), Sequence):
        return True
    return any(str(name).startswith("gen_ai.") for name in _attributes(row.get("attributes")))


def calls(rows: Iterable[Row]) -> Iterator[LoggedCall | NotACallError]:
    """Each span of a call of a model."""
    spans = [span for row in rows for span in _spans(row)]
    said: dict[Any, list[Rating]] = defaultdict(list)
    for span in spans:
        own = _id(span)
        for event in (*read.calls(span.get("events") or ()), *([span] if span.get("name") == _RESULT else ())):
            given = _attributes(event.get("attributes"))
            rating = _rating(given) if event.get("name") == _RESULT else None
            if rating is not None:
                parent = read.first(span.get("parentSpanId"), span.get("parent_id"))
                said[parent if event is span else own].append(rating)
    for span in spans:
        if span.get("name") == _RESULT:
            continue
        try:
            yield _call(span, tuple(said[_id(span)]))
        except NotACallError as error:
            yield error


def _spans(row: Row) -> Iterator[Row]:
    resources = row.get("resourceSpans")
    if not isinstance(resources, Sequence):
        yield row
        return
    for resource in read.calls(resources):
        for scope in read.calls(resource.get("scopeSpans") or ()):
            yield from read.calls(scope.get("spans") or ())


def _id(span: Row) -> Any:
    return read.first(span.get("spanId"), span.get("span_id"), read.part(span, "context", "span_id"))


def _attributes(given: Any) -> dict[str, Any]:
    """As an object, whether it is one or a list of keys with typed values."""
    if isinstance(given, Mapping):
        return dict(given)
    if not isinstance(given, Sequence) or isinstance(given, str):
        return {}
    return {str(one.get("key")): _value(one.get("value")) for one in read.calls(given)}


def _value(given: Any) -> Any:
    if not isinstance(given, Mapping):
        return given
    if "arrayValue" in given:
        return [_value(one) for one in read.part(given, "arrayValue", "values") or ()]
    if "kvlistValue" in given:
        return _attributes(read.part(given, "kvlistValue", "values"))
    return next(iter(given.values()), None)


def _rating(given: Mapping[str, Any]) -> Rating | None:
    value = read.reward(
        read.first(given.get("gen_ai.evaluation.score.value"), given.get("gen_ai.evaluation.score.label"))
    )
    if value is None:
        return None
    who = f"{given.get('gen_ai.evaluation.name') or 'evaluation'} (OpenTelemetry)"
    return Rating("judge", value, who, read.text(given.get("gen_ai.evaluation.explanation")) or "")


def _call(span: Row, ratings: tuple[Rating, ...]) -> LoggedCall:
    given = _attributes(span.get("attributes"))
    operation = str(given.get("gen_ai.operation.name") or "chat")
    if operation not in _OPERATIONS:
        raise NotACallError(f"it is a span of {operation[:40]}")
    model = read.first(given.get("gen_ai.response.model"), given.get("gen_ai.request.model"))
    events = {
        str(one.get("name")): _attributes(one.get("attributes")) for one in read.calls(span.get("events") or ())
    }
    details = events.get("gen_ai.client.inference.operation.details", {})
    began = read.moment(read.first(span.get("startTimeUnixNano"), span.get("start_time")))
    ended = read.moment(read.first(span.get("endTimeUnixNano"), span.get("end_time")))
    status = span.get("status")
    failed = str(read.part(status, "code") or read.part(status, "status_code")).upper() in (
        "2", "ERROR", "STATUS_CODE_ERROR",
    )  # fmt: skip
    asked = read.messages(
        read.first(
            given.get("gen_ai.input.messages"),
            details.get("gen_ai.input.messages"),
            events.get("gen_ai.content.prompt", {}).get("gen_ai.prompt"),
        )
    )
    system = read.joined(read.decoded(given.get("gen_ai.system_instructions")))
    if system and asked is not None:
        asked = ({"role": "system", "content": system}, *asked)
    said = read.first(
        given.get("gen_ai.output.messages"),
        details.get("gen_ai.output.messages"),
        events.get("gen_ai.content.completion", {}).get("gen_ai.completion"),
    )
    answers = read.messages(said)
    reasons = given.get("gen_ai.response.finish_reasons")
    return LoggedCall(
        id=f"{read.first(span.get('traceId'), read.part(span, 'context', 'trace_id'), '')}/"
        f"{read.required(_id(span), 'spanId')}",
        model=read.required(model, "model"),
        at=began,
        messages=asked,
        text=None if failed else (str(answers[-1]["content"]) if answers else read.answer(said)) or None,
        input_tokens=read.count(
            read.first(given.get("gen_ai.usage.input_tokens"), given.get("gen_ai.usage.prompt_tokens"))
        ),
        output_tokens=read.count(
            read.first(given.get("gen_ai.usage.output_tokens"), given.get("gen_ai.usage.completion_tokens"))
        ),
        cached_tokens=read.count(given.get("gen_ai.usage.cache_read.input_tokens")) or 0,
        cost_usd=read.dollars(read.first(given.get("gen_ai.usage.cost"), given.get("gen_ai.cost.total_cost"))),
        total_ms=read.between_ms(began, ended),
        finish_reason=str(reasons[0]) if isinstance(reasons, list) and reasons else None,
        error=(read.text(read.part(status, "message")) or str(given.get("error.type") or "it failed"))
        if failed
        else None,
        session=str(given.get("gen_ai.conversation.id") or ""),
        ratings=ratings,
    )
