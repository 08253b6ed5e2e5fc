"""The questions behind a bill: what a goal's calls took and cost, and how long models' answers to one prompt are.

Parameters: $goal, $since and $until (UTC). See evaluation/from_log/bill.py for what is made of the answers.
"""

from __future__ import annotations

from typing import Final

_COUNTED: Final = "goal = $goal AND created_at >= $since AND created_at < $until"
_TAKEN: Final = "input_tokens IS NOT NULL AND output_tokens IS NOT NULL"

QUESTIONS: Final[dict[str, str]] = {
    "last_call": """
        SELECT max(created_at) AS until FROM completion WHERE goal = $goal
    """,
    "bill": f"""
        SELECT arm, count(*) AS calls, coalesce(sum(cost_usd), 0)::DOUBLE AS cost_usd,
               count(*) FILTER (cost_usd IS NULL) AS unknown,
               count(*) FILTER ({_TAKEN}) AS counted,
               coalesce(sum(input_tokens) FILTER ({_TAKEN}), 0)::DOUBLE AS given,
               coalesce(sum(output_tokens) FILTER ({_TAKEN}), 0)::DOUBLE AS answered,
               coalesce(sum(input_tokens::DOUBLE * input_tokens) FILTER ({_TAKEN}), 0) AS given_squared,
               coalesce(sum(output_tokens::DOUBLE * output_tokens) FILTER ({_TAKEN}), 0) AS answered_squared,
               coalesce(sum(input_tokens::DOUBLE * output_tokens) FILTER ({_TAKEN}), 0) AS both
        FROM completion WHERE {_COUNTED} GROUP BY arm ORDER BY arm
    """,
    "answer_lengths": """
        SELECT one.arm AS arm, other.arm AS other, count(*) AS prompts,
               sum(one.output_tokens)::DOUBLE AS tokens, sum(other.output_tokens)::DOUBLE AS other_tokens
        FROM repeated_completion one JOIN repeated_completion other USING (prompt_id)
        WHERE one.goal = $goal AND one.arm <> other.arm AND one.answered AND other.answered
            AND one.output_tokens > 0 AND other.output_tokens > 0
        GROUP BY ALL ORDER BY ALL
    """,
}
"""``counted`` calls have both numbers of tokens: ``given`` to the model and ``answered`` by it."""
