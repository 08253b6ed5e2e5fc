"""The questions about judges: what they said beside what people said of the same answers, and what that cost.

Parameters: $goal; of "judging" also $since and $until (UTC). A judge is a model that judges answers; see
collecting/judging.py for how it is asked, evaluation/judges.py for what is made of its words.
"""

from __future__ import annotations

from typing import Final

from router_core.types import FOR_PEOPLE, ORDER_SWAP

QUESTIONS: Final[dict[str, str]] = {
    "judgements": f"""
        WITH said AS (
            SELECT completion_id, who, compared, arg_max_null(reward_micro, seq) / 1e6 AS reward,
                   arg_max(asked, seq) AS asked, arg_max(chips, seq) AS chips, max(created_at) AS judged_at
            FROM outcome WHERE goal = $goal AND source = 'judge' GROUP BY completion_id, who, compared
        ), people AS (
            SELECT completion_id, arg_max_null(reward_micro, seq) / 1e6 AS reward
            FROM outcome WHERE source = 'thumb' AND completion_id IN (SELECT completion_id FROM said)
            GROUP BY completion_id
        )
        SELECT completion.prompt_id::VARCHAR AS prompt_id, completion.id::VARCHAR AS completion_id, arm, who,
               compared::VARCHAR AS compared, said.reward AS judge, people.reward AS people, asked,
               list_contains(chips, '{FOR_PEOPLE}') AS for_people, list_contains(chips, '{ORDER_SWAP}') AS swapped,
               judged_at
        FROM said JOIN completion ON completion.id = said.completion_id
            LEFT JOIN people ON people.completion_id = said.completion_id
        ORDER BY who, completion.id, compared
    """,
    "judging": """
        SELECT who, count(reward_micro) AS judged, count(*) - count(reward_micro) AS without_verdict,
               coalesce(sum(cost_usd), 0)::DOUBLE AS cost_usd, count(*) FILTER (cost_usd IS NULL) AS unknown
        FROM outcome
        WHERE source = 'judge' AND ($goal IS NULL OR goal = $goal) AND created_at >= $since AND created_at < $until
        GROUP BY who ORDER BY who
    """,
}
"""Of one judge on one answer the last word counts. Rewards are in [0, 1]; ``judge`` None: it gave none."""
