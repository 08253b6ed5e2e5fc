"""Logs of other tools in the shape of their documentation; the contents are made up here."""

from __future__ import annotations

from typing import Any

CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Which town is the seat of the court?"},
]


def litellm() -> list[dict[str, Any]]:
    """Rows of LiteLLM_SpendLogs: with texts, without, failed, and an embedding."""
    base = {
        "call_type": "acompletion",
        "api_key": "hash",
        "startTime": "2026-11-02T08:00:00.000Z",
        "endTime": "2026-11-02T08:00:02.500Z",
        "completionStartTime": "2026-11-02T08:00:00.400Z",
        "model": "gpt-4o",
        "model_group": "strong",
        "status": "success",
        "session_id": "s1",
    }
    answered = {
        "messages": CHAT,
        "response": {
            "choices": [{"message": {"role": "assistant", "content": "Leiden."}, "finish_reason": "stop"}]
        },
    }
    return [
        {**base, "request_id": "r1", "spend": 0.0123, "prompt_tokens": 20, "completion_tokens": 3, **answered},
        {**base, "request_id": "r2", "model": "gpt-4o-mini", "spend": "0.0007", "prompt_tokens": 31,
         "completion_tokens": 12, "messages": "{}", "response": "{}"},
        {**base, "request_id": "r3", "status": "failure", "spend": 0.0, "prompt_tokens": 0, "completion_tokens": 0,
         "metadata": {"error_information": {"error_message": "too many requests"}}},
        {**base, "request_id": "r4", "call_type": "aembedding", "model": "embedder", "spend": 0.0001},
    ]  # fmt: skip


def langfuse() -> dict[str, Any]:
    """Traces with observations and scores, as the API gives a trace with details."""
    return {
        "data": [
            {
                "id": "t1",
                "timestamp": "2026-11-02T08:00:00.000Z",
                "observations": [
                    {"id": "o0", "type": "SPAN", "name": "whole"},
                    {
                        "id": "o1", "type": "GENERATION", "model": "gpt-4o",
                        "startTime": "2026-11-02T08:00:00.000Z",
                        "endTime": "2026-11-02T08:00:01.000Z", "input": CHAT, "output": "Leiden.",
                        "usageDetails": {"input": 20, "output": 3, "total": 23}, "costDetails": {"total": 0.0031},
                    },
                ],
                "scores": [
                    {"id": "s1", "traceId": "t1", "name": "user", "value": 1,
                     "source": "ANNOTATION", "comment": "yes"},
                    {"id": "s2", "traceId": "t1", "observationId": "o1", "name": "fit", "value": 0.25,
                     "source": "EVAL"},
                    {"id": "s3", "traceId": "t1", "name": "stars", "value": 4, "source": "API"},
                ],
            }
        ]
    }  # fmt: skip


def langfuse_files() -> list[dict[str, Any]]:
    """Rows of its export to files: names with underscores, JSON in texts, scores in rows of their own."""
    return [
        {"id": "o2", "trace_id": "t2", "type": "GENERATION", "provided_model_name": "gpt-4o-mini",
         "start_time": "2026-11-03 09:00:00.000000", "end_time": "2026-11-03 09:00:01.250000",
         "input": '[{"role": "user", "content": "Two plus two?"}]',
         "output": '{"role": "assistant", "content": "4"}',
         "usage_details": '{"input": 9, "output": 1}', "cost_details": '{"total": "0.0000021"}',
         "level": "DEFAULT"},
        {"id": "o3", "trace_id": "t3", "type": "GENERATION", "provided_model_name": "gpt-4o-mini",
         "start_time": "2026-11-03 09:01:00.000000", "level": "ERROR", "status_message": "no"},
        {"id": "x", "trace_id": "t2", "name": "thumb", "value": 0, "source": "API", "data_type": "BOOLEAN"},
    ]  # fmt: skip


def opentelemetry() -> dict[str, Any]:
    """Spans of a resource, as a collector's file exporter writes them, with an evaluation as an event."""

    def texts(role: str, said: str) -> dict[str, Any]:
        return {"stringValue": f'[{{"role": "{role}", "parts": [{{"type": "text", "content": "{said}"}}]}}]'}

    attributes = [
        {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
        {"key": "gen_ai.provider.name", "value": {"stringValue": "openai"}},
        {"key": "gen_ai.request.model", "value": {"stringValue": "gpt-4o"}},
        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "12"}},
        {"key": "gen_ai.usage.output_tokens", "value": {"intValue": "5"}},
        {"key": "gen_ai.response.finish_reasons",
         "value": {"arrayValue": {"values": [{"stringValue": "stop"}]}}},
        {"key": "gen_ai.input.messages", "value": texts("user", "Name a colour.")},
        {"key": "gen_ai.output.messages", "value": texts("assistant", "Green.")},
    ]  # fmt: skip
    evaluated = [
        {"key": "gen_ai.evaluation.name", "value": {"stringValue": "relevance"}},
        {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": 0.75}},
        {"key": "gen_ai.evaluation.explanation", "value": {"stringValue": "a colour"}},
    ]
    span = {
        "traceId": "aa", "spanId": "b1", "name": "chat gpt-4o", "startTimeUnixNano": "1793606400000000000",
        "endTimeUnixNano": "1793606401500000000", "attributes": attributes, "status": {},
        "events": [{"name": "gen_ai.evaluation.result", "attributes": evaluated}],
    }  # fmt: skip
    failed = {**span, "spanId": "b2", "events": [], "status": {"code": 2, "message": "timed out"}}
    tool = {"traceId": "aa", "spanId": "b3", "name": "execute_tool", "attributes": [
        {"key": "gen_ai.operation.name", "value": {"stringValue": "execute_tool"}}]}  # fmt: skip
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": [span, failed, tool]}]}]}


def openai() -> dict[str, Any]:
    """The list of stored completions, one with its messages fetched beside it."""
    one = {
        "object": "chat.completion", "created": 1793606400, "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Green."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}},
    }  # fmt: skip
    stored = {"object": "list", "data": [{"id": "m", "role": "user", "content": "Name a colour."}]}
    return {"object": "list", "data": [{**one, "id": "c1", "messages": stored}, {**one, "id": "c2"}]}


def open_webui() -> list[dict[str, Any]]:
    """Feedback of the arena: a win beside a sibling, and a thumb down without its chat."""
    messages = {
        "u1": {"id": "u1", "parentId": None, "childrenIds": ["a1", "a2"], "role": "user",
               "content": "Name a colour."},
        "a1": {"id": "a1", "parentId": "u1", "role": "assistant", "content": "Green.", "model": "llama3:8b",
               "timestamp": 1793606401, "usage": {"prompt_eval_count": 11, "eval_count": 2}},
        "a2": {"id": "a2", "parentId": "u1", "role": "assistant", "content": "Blue.", "model": "qwen2.5:7b",
               "timestamp": 1793606402},
    }  # fmt: skip
    base = {"user_id": "u", "version": 0, "type": "rating", "created_at": 1793606500, "updated_at": 1793606500}
    return [
        {**base, "id": "f1", "data": {"rating": 1, "model_id": "llama3:8b", "sibling_model_ids": ["qwen2.5:7b"],
                                      "reason": "accurate_information", "comment": "right"},
         "meta": {"model_id": "llama3:8b", "message_id": "a1", "chat_id": "ch"},
         "snapshot": {"chat": {"id": "ch", "chat": {"history": {"messages": messages, "currentId": "a1"}}}}},
        {**base, "id": "f2", "data": {"rating": "-1", "model_id": "qwen2.5:7b"},
         "meta": {"model_id": "qwen2.5:7b", "message_id": "z9", "chat_id": "other"}},
        {**base, "id": "f3", "data": {"rating": 7, "model_id": "x"}, "meta": {"message_id": "z8"}},
    ]  # fmt: skip


def helicone() -> list[dict[str, Any]]:
    """Requests with bodies, one refused by the provider."""
    body = {"model": "gpt-4o-mini", "messages": CHAT}
    answered = {"choices": [{"message": {"role": "assistant", "content": "Leiden."}}]}
    base = {"request_created_at": "2026-11-02T08:00:00.000Z", "request_body": body, "request_properties": {}}
    return [
        {**base, "request_id": "h1", "response_status": 200, "model": "gpt-4o-mini", "prompt_tokens": 20,
         "completion_tokens": 3, "cost": 0.00045, "delay_ms": 840, "time_to_first_token": 210,
         "response_body": answered, "feedback_rating": True,
         "scores": {"fit": {"value": 0.5}, "stars": {"value": 9}}},
        {**base, "request_id": "h2", "response_status": 429, "request_model": "gpt-4o-mini",
         "response_body": {"error": {"message": "slow down"}}},
    ]  # fmt: skip


def promptfoo() -> dict[str, Any]:
    """Results of version 3: two providers on the same two tests."""
    rows = []
    for test, (question, right) in enumerate([("Two plus two?", "4"), ("Capital of France?", "Paris")]):
        for provider, output, cost in (("openai:chat:gpt-4o-mini", "4", 0.0001), ("openai:gpt-4o", right, 0.002)):
            passed = output == right
            rows.append({
                "promptIdx": 0, "testIdx": test, "provider": {"id": provider, "label": ""}, "success": passed,
                "prompt": {"raw": question, "label": "{{q}}"}, "vars": {"q": question}, "score": float(passed),
                "response": {"output": output, "tokenUsage": {"total": 9, "prompt": 8, "completion": 1}},
                "cost": cost, "latencyMs": 300, "gradingResult": {"pass": passed, "reason": "compared"},
                "testCase": {"vars": {"q": question}, "assert": [{"type": "equals", "value": right}]},
            })  # fmt: skip
    return {
        "evalId": "e",
        "results": {"version": 3, "timestamp": "2026-11-02T08:00:00Z", "results": rows, "stats": {}},
    }


def plain() -> list[dict[str, Any]]:
    """Two models on one prompt, and a row that is none."""
    return [
        {"id": 1, "model": "small", "prompt": "Two plus two?", "answer": "4", "cost_usd": "0.1", "input_tokens": 5,
         "output_tokens": 1, "time": "2026-11-02T08:00:00", "score": 1, "expected": "4"},
        {"id": 2, "model": "large", "prompt": "Two plus two?", "answer": "four", "cost_usd": None,
         "input_tokens": 5},
        {"note": "a remark"},
    ]  # fmt: skip


LOGS: dict[str, Any] = {
    "litellm": litellm(),
    "langfuse": langfuse(),
    "opentelemetry": opentelemetry(),
    "openai": openai(),
    "open-webui": open_webui(),
    "helicone": helicone(),
    "promptfoo": promptfoo(),
    "plain": plain(),
}
"""By the name of the format."""
