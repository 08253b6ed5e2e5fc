"""The question about a batch: what came of prompts that every model was asked.

Parameter: $prompts, ids of prompts.
"""

from __future__ import annotations

from typing import Final

QUESTIONS: Final[dict[str, str]] = {
    # a row per call, in the order in which they were made; without a completion it was cut off, and nobody knows
    # what became of it. score: what checks said last
    "collected": """
        WITH asked AS (
            SELECT id, prompt_id, chosen, completion_id FROM decision
            WHERE prompt_id IN (SELECT unnest($prompts::UUID[]))
        ), checked AS (
            SELECT completion_id, arg_max_null(reward_micro, seq) / 1e6 AS score FROM outcome
            WHERE source = 'check' AND completion_id IN (SELECT completion_id FROM asked) GROUP BY completion_id
        )
        SELECT asked.prompt_id::VARCHAR AS prompt_id, chosen AS arm, asked.completion_id::VARCHAR AS completion_id,
               completion.id IS NOT NULL AS came, error, cost_usd, unpriced_retries, input_tokens, output_tokens,
               text, checked.completion_id IS NOT NULL AS checked, score
        FROM asked LEFT JOIN completion ON completion.id = asked.completion_id
            LEFT JOIN checked ON checked.completion_id = asked.completion_id
        ORDER BY asked.id
    """,
}
