"""The questions that charts and tables ask of the whole log: name -> SQL, all with the same parameters.

Parameters (``View.parameters``): $since, $until (UTC), $goal, $policy, $arm, $origin (each NULL: any), $bucket
(seconds), $every (quantiles look at every so manyth row), $precedence (sources of outcomes), $cheap, $strong (arm
ids) and their prices in dollars per token. Leaves out what is made of the answers (router_core/analytics.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from router_core.errors import StoreError
from router_core.store import logged

_TIME: Final = "created_at >= $since AND created_at < $until AND ($goal IS NULL OR goal = $goal)"

_BUCKET: Final = "time_bucket(to_seconds($bucket), created_at)"

_DECIDED: Final = f"""
    SELECT * FROM decision
    WHERE {_TIME} AND ($policy IS NULL OR policy = $policy) AND ($origin IS NULL OR origin = $origin)
        AND ($arm IS NULL OR chosen = $arm)
"""

_CALLS: Final = f"SELECT * FROM completion WHERE {_TIME} AND ($arm IS NULL OR arm = $arm) /* led */"

_LED: Final = f"""
    AND id IN (SELECT completion_id FROM decision
        WHERE {_TIME} AND ($policy IS NULL OR policy = $policy) AND ($origin IS NULL OR origin = $origin))
"""
"""Put in place of the mark above only where it is asked for: the join takes longer than the rest."""

_ROUTED: Final = "policy NOT IN ('forced', 'fallback')"

_JUDGED: Final = """
    SELECT completion_id, arg_min(reward_micro, list_position($precedence::VARCHAR[], source)) AS reward_micro
    FROM (
        SELECT completion_id, source, arg_max_null(reward_micro, seq) AS reward_micro
        FROM outcome WHERE created_at >= $since GROUP BY completion_id, source
    )
    WHERE reward_micro IS NOT NULL AND list_contains($precedence::VARCHAR[], source)
    GROUP BY completion_id
"""

_QUESTIONS: Final[dict[str, str]] = {
    "calls": f"""
        SELECT {_BUCKET} AS time, arm, count(*) AS calls, count(error) AS failed, sum(retries) AS retries,
               coalesce(sum(cost_usd), 0)::DOUBLE AS cost_usd,
               count(*) FILTER (cost_usd IS NULL) AS unknown
        FROM ({_CALLS}) GROUP BY ALL ORDER BY ALL
    """,
    "split": f"""
        SELECT {_BUCKET} AS time, policy, chosen AS arm, count(*) AS requests,
               coalesce(sum(decision_cost_usd), 0)::DOUBLE AS deciding_usd,
               count(*) FILTER (decision_cost_usd IS NULL) AS unknown
        FROM ({_DECIDED}) WHERE {_ROUTED} GROUP BY ALL ORDER BY ALL
    """,
    "deciding": f"""
        SELECT policy, count(*) AS decisions, coalesce(sum(decision_cost_usd), 0)::DOUBLE AS deciding_usd,
               count(*) FILTER (decision_cost_usd IS NULL) AS unknown,
               quantile_disc(decision_ms, [0.5, 0.95]) FILTER (epoch_ms(created_at) % $every = 0) AS ms,
               count(*) FILTER (cached) AS cached, count(fallback) AS fell_back
        FROM ({_DECIDED}) WHERE {_ROUTED} GROUP BY ALL ORDER BY ALL
    """,
    "latency": f"""
        SELECT arm, count(*) AS calls,
               quantile_disc(first_token_ms, [0.5, 0.95]) AS first_token_ms,
               quantile_disc(total_ms, [0.5, 0.95]) AS total_ms
        FROM ({_CALLS}) WHERE epoch_ms(created_at) % $every = 0 AND error IS NULL GROUP BY ALL ORDER BY ALL
    """,
    "cost_per_call": f"""
        SELECT arm, floor(log10(cost_usd::DOUBLE) * 6)::INTEGER AS step, count(*) AS calls
        FROM ({_CALLS}) WHERE epoch_ms(created_at) % $every = 0 AND cost_usd > 0 GROUP BY ALL ORDER BY ALL
    """,
    "reference": f"""
        WITH answered AS (
            SELECT min(created_at) AS created_at,
                   min(if(arm = $cheap, NULL, input_tokens * $cheap_in + output_tokens * $cheap_out))
                       AS cheap_estimate,
                   min(if(arm = $strong, NULL, input_tokens * $strong_in + output_tokens * $strong_out))
                       AS strong_estimate,
                   min(if(arm = $cheap, cost_usd::DOUBLE, NULL)) AS cheap_usd,
                   min(if(arm = $strong, cost_usd::DOUBLE, NULL)) AS strong_usd
            FROM ({_CALLS}) WHERE error IS NULL AND input_tokens IS NOT NULL GROUP BY hash(prompt_id)
        )
        SELECT {_BUCKET} AS time, count(*) AS prompts,
               sum(coalesce(cheap_usd, cheap_estimate)) AS cheap_usd,
               sum(coalesce(strong_usd, strong_estimate)) AS strong_usd,
               count(*) FILTER (cheap_usd IS NULL) AS cheap_estimated,
               count(*) FILTER (strong_usd IS NULL) AS strong_estimated
        FROM answered GROUP BY ALL ORDER BY ALL
    """,
    "rated": f"""
        SELECT {_BUCKET} AS time, arm, count(*) AS judged, sum(reward_micro) / 1e6 AS good
        FROM ({_CALLS}) JOIN ({_JUDGED}) ON completion_id = id GROUP BY ALL ORDER BY ALL
    """,
    "same_prompts": f"""
        WITH shared AS (
            SELECT prompt_id FROM ({_DECIDED}) WHERE {_ROUTED}
            GROUP BY prompt_id HAVING min(policy) < max(policy)
        )
        SELECT {_BUCKET} AS time, policy, count(*) AS prompts,
               sum(coalesce(cost_usd, 0) + coalesce(decision_cost_usd, 0))::DOUBLE AS cost_usd,
               count(*) FILTER (cost_usd IS NULL OR decision_cost_usd IS NULL) AS unknown
        FROM (
            SELECT decision.created_at, policy, decision_cost_usd, cost_usd
            FROM decision SEMI JOIN shared USING (prompt_id) JOIN completion ON completion.id = completion_id
            WHERE {_ROUTED}
        ) GROUP BY ALL ORDER BY ALL
    """,
    "labels": f"""
        SELECT policy, count(*) AS judged
        FROM ({_DECIDED}) SEMI JOIN ({_JUDGED}) USING (completion_id) WHERE {_ROUTED} GROUP BY ALL ORDER BY ALL
    """,
    "taught": """
        SELECT time_bucket(to_seconds($bucket), said.created_at) AS time, arm, count(*) AS judged,
               sum(reward_micro) / 1e6 AS good
        FROM (
            SELECT completion_id, max(created_at) AS created_at,
                   arg_min(reward_micro, list_position($precedence::VARCHAR[], source)) AS reward_micro
            FROM (
                SELECT completion_id, source, max(created_at) AS created_at,
                       arg_max_null(reward_micro, seq) AS reward_micro
                FROM outcome WHERE seq > $after GROUP BY completion_id, source
            )
            WHERE reward_micro IS NOT NULL AND list_contains($precedence::VARCHAR[], source)
            GROUP BY completion_id
        ) said JOIN completion ON completion.id = completion_id
        WHERE goal = $goal GROUP BY ALL ORDER BY ALL
    """,
    "sources": """
        SELECT arm, source, blinded, count(*) AS ratings
        FROM (
            SELECT completion_id, source, arg_max(blinded, seq) AS blinded,
                   arg_max_null(reward_micro, seq) AS reward_micro
            FROM outcome GROUP BY completion_id, source
        ) JOIN completion ON completion.id = completion_id
        WHERE goal = $goal AND reward_micro IS NOT NULL GROUP BY ALL ORDER BY ALL
    """,
    "answered": """
        SELECT arm, count(*) AS answers FROM completion
        WHERE goal = $goal AND error IS NULL GROUP BY ALL ORDER BY ALL
    """,
    "extent": """
        SELECT (SELECT min(created_at) FROM completion) AS since,
               (SELECT max(created_at) FROM completion) AS until,
               (SELECT count(*) FROM prompt) AS prompts, (SELECT count(*) FROM completion) AS completions,
               (SELECT count(*) FROM outcome) AS outcomes
    """,
    "choices": """
        SELECT DISTINCT goal, policy, origin, chosen AS arm FROM decision
    """,
    "usual": f"""
        SELECT count(*) AS calls, avg(input_tokens) AS input_tokens, avg(output_tokens) AS output_tokens
        FROM ({_CALLS}) WHERE error IS NULL AND input_tokens IS NOT NULL
    """,
    **logged.QUESTIONS,
}
"""Every answer is a table with the columns named above; times are UTC."""


def question_text(name: str, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The SQL of a question, and those of the parameters that it takes.

    Raises:
        StoreError: there is no such question.
    """
    if name not in _QUESTIONS:
        raise StoreError(f"the store has no question {name!r}; it has {sorted(_QUESTIONS)}")
    led = parameters.get("policy") is not None or parameters.get("origin") is not None
    text = _QUESTIONS[name].replace("/* led */", _LED if led else "")
    text = logged.with_arms(text, parameters.get("arms", ()))
    return text, {key: value for key, value in parameters.items() if re.search(rf"\${key}\b", text)}
