"""The log as wide tables, a row per decision or per answer, block by block: for files and for analysis elsewhere.

See exports/log.py for writing files, search.py for reading single comparisons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Final

import duckdb

from router_core.store.base import Per, Search
from router_core.store.duckdb.search import prompts_where

PROMPTS: Final = 20_000
"""Prompts in one block."""

_ROWS: Final = """
    WITH wanted AS (
        SELECT * FROM prompt WHERE {condition}
            AND ($before IS NULL OR created_at < $before OR (created_at = $before AND id < $below::UUID))
        ORDER BY created_at DESC, id DESC LIMIT $limit
    ), led AS (
        SELECT decision.* FROM decision JOIN wanted ON prompt_id = wanted.id
    ), said AS (
        SELECT * FROM outcome WHERE completion_id IN (SELECT completion_id FROM led)
        QUALIFY row_number() OVER (PARTITION BY completion_id, source ORDER BY seq DESC) = 1
    ), mark AS (
        SELECT completion_id,
               max(reward_micro) FILTER (source = 'thumb') / 1e6 AS thumb,
               max(reward_micro) FILTER (source = 'api') / 1e6 AS api,
               max(reward_micro) FILTER (source = 'check') / 1e6 AS "check",
               max(reward_micro) FILTER (source = 'condition') / 1e6 AS condition,
               any_value(array_to_string(chips, ', ')) FILTER (source = 'thumb') AS thumb_reasons,
               any_value(comment) FILTER (source = 'thumb') AS thumb_comment,
               any_value(blinded) FILTER (source = 'thumb') AS thumb_blind
        FROM said WHERE reward_micro IS NOT NULL GROUP BY completion_id
    )
    {rows}
"""

_PROMPT: Final = """
    wanted.id::VARCHAR AS prompt_id, wanted.created_at::TIMESTAMPTZ AS time, wanted.goal AS goal,
    coalesce({origin}, wanted.origin) AS origin, task_type,
    CASE json_type(messages->-1->'content') WHEN 'VARCHAR' THEN messages->-1->>'content' END AS prompt,
    messages, wanted.params AS params, sha256, blind, run_all, metadata
"""

_ANSWER: Final = """
    text AS answer, completion.model AS called, finish_reason, input_tokens, cached_tokens, output_tokens,
    usage_estimated, cost_usd::DOUBLE AS cost_usd, completion.price AS price, retries, unpriced_retries,
    waited_ms, first_token_ms, total_ms, error, {score} AS score, thumb, api, "check", condition,
    thumb_reasons, thumb_comment, thumb_blind
"""

_SCORE: Final = 'coalesce(thumb, api, "check", condition)'
_ONCE: Final = f"CASE row_number() OVER (PARTITION BY led.completion_id ORDER BY led.id) WHEN 1 THEN {_SCORE} END"
"""Once per answer: decisions that share one do not score it again."""

_PER_DECISION: Final = f"""
    SELECT {_PROMPT.format(origin="led.origin")},
           led.id::VARCHAR AS decision_id, policy AS router, chosen AS model,
           probabilities[list_position(arms, chosen)] AS propensity, to_json(arms)::VARCHAR AS models,
           to_json(probabilities)::VARCHAR AS probabilities,
           led.reason->>'$.summary' AS reason, fallback, decision_cost_usd::DOUBLE AS decision_cost_usd,
           decision_ms, policy_version, cached AS decision_cached, settings_version,
           led.completion_id::VARCHAR AS completion_id, {_ANSWER.format(score=_ONCE)}
    FROM wanted LEFT JOIN led ON led.prompt_id = wanted.id
        LEFT JOIN completion ON completion.id = led.completion_id
        LEFT JOIN mark ON mark.completion_id = led.completion_id
    ORDER BY wanted.created_at DESC, wanted.id DESC, led.id
"""

_PER_ANSWER: Final = f"""
    , chose AS (
        SELECT completion_id, string_agg(policy, ', ' ORDER BY id) AS routers FROM led GROUP BY completion_id
    )
    SELECT {_PROMPT.format(origin="NULL")}, completion.id::VARCHAR AS completion_id, completion.arm AS model,
           routers, {_ANSWER.format(score=_SCORE)}
    FROM wanted LEFT JOIN completion ON completion.prompt_id = wanted.id
        LEFT JOIN chose ON chose.completion_id = completion.id
        LEFT JOIN mark ON mark.completion_id = completion.id
    ORDER BY wanted.created_at DESC, wanted.id DESC, completion.id
"""

_PER: Final = {"decision": _PER_DECISION, "answer": _PER_ANSWER}


def blocks(
    cursor_of: Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]],
    search: Search,
    limit: int | None,
    per: Per,
) -> Iterator[Any]:
    """Arrow tables of the newest prompts found, newest first; at least one, which may be empty.

    Args:
        cursor_of: gives a cursor for one block. What is written between two blocks is not in them.
        search: which prompts.
        limit: so many prompts at most; None: all.
        per: what a row is; see ``Questions.log``.
    """
    condition, wanted = prompts_where(search)
    place: dict[str, Any] = {"before": None, "below": None}
    left = limit
    while True:
        size = PROMPTS if left is None else min(PROMPTS, left)
        with cursor_of() as cursor:
            cursor.execute("SET TimeZone = 'UTC'")
            text = _ROWS.format(condition=condition, rows=_PER[per])
            table = cursor.sql(text, params={**wanted, **place, "limit": size}).to_arrow_table()
        if table.num_rows or place["before"] is None:
            yield table
        if left is not None:
            left -= size
        if not table.num_rows or left == 0:
            return
        last = table.slice(table.num_rows - 1).to_pylist()[0]
        place = {"before": last["time"].replace(tzinfo=None), "below": last["prompt_id"]}
