"""The questions about answers that nobody has rated yet: a random sample of them, and of pairs of them.

Parameters: $goal, $strong (an arm), $arms (those that count), $precedence (sources of outcomes that count as a
rating), $seed (equal seeds, equal samples). See views/rating_queue.py for what is made of the answers.
"""

from __future__ import annotations

from typing import Final

SAMPLED: Final = 40
"""So many of each kind are drawn."""

_SAID: Final = """
    SELECT completion_id FROM outcome
    WHERE goal = $goal AND nth = 0 AND reward_micro IS NOT NULL AND list_contains($precedence::VARCHAR[], source)
        AND completion_id NOT IN (SELECT completion_id FROM repeated_outcome WHERE goal = $goal)
    UNION ALL
    SELECT DISTINCT completion_id FROM (
        SELECT completion_id FROM repeated_outcome
        WHERE goal = $goal AND list_contains($precedence::VARCHAR[], source)
        GROUP BY completion_id, source HAVING arg_max_null(reward_micro, seq) IS NOT NULL
    )
"""
"""Answers with a rating. Most have one outcome; the few with several are looked at alone (see questions.py)."""

QUESTIONS: Final[dict[str, str]] = {
    "unrated_answers": f"""
        SELECT arm, drawn.prompt_id::VARCHAR AS prompt_id, drawn.id::VARCHAR AS completion_id
        FROM (
            SELECT arm, unnest(
                arg_min({{'prompt_id': prompt_id, 'id': id}}, hash(id, $seed::UBIGINT), {SAMPLED})
            ) AS drawn
            FROM completion ANTI JOIN ({_SAID}) AS said ON said.completion_id = completion.id
            WHERE goal = $goal AND error IS NULL AND text IS NOT NULL AND list_contains($arms::VARCHAR[], arm)
            GROUP BY arm
        ) ORDER BY arm, completion_id
    """,
    "unrated_pairs": f"""
        WITH answers AS (
            SELECT prompt_id, arm, bool_or(said.completion_id IS NOT NULL) AS rated,
                   min(id) FILTER (text IS NOT NULL) AS id
            FROM completion LEFT JOIN ({_SAID}) AS said ON said.completion_id = completion.id
            WHERE goal = $goal AND error IS NULL AND list_contains($arms::VARCHAR[], arm)
                AND prompt_id IN (SELECT prompt_id FROM repeated_completion WHERE goal = $goal)
            GROUP BY prompt_id, arm
        )
        SELECT cheap.arm, cheap.prompt_id::VARCHAR AS prompt_id,
               if(cheap.rated, NULL, cheap.id)::VARCHAR AS cheap,
               if(strong.rated, NULL, strong.id)::VARCHAR AS strong
        FROM answers AS cheap JOIN answers AS strong USING (prompt_id)
        WHERE strong.arm = $strong AND cheap.arm <> $strong AND NOT (cheap.rated AND strong.rated)
            AND (cheap.rated OR cheap.id IS NOT NULL) AND (strong.rated OR strong.id IS NOT NULL)
        QUALIFY row_number() OVER (
            PARTITION BY cheap.arm, cheap.rated, strong.rated ORDER BY hash(cheap.prompt_id, $seed::UBIGINT)
        ) <= {SAMPLED}
        ORDER BY cheap.arm, cheap.prompt_id
    """,
}
"""Only answers whose texts were kept. ``cheap``, ``strong``: the answer to be rated; None: it is rated already.

The sample depends on what is unrated and on the seed, never on what a rating said."""
