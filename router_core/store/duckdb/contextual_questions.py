"""The questions about the contextual router: what it spent, when it asked the classifier, what moved under it.

Parameters: $goal, $limit; $since and $until (UTC, NULL: any); $places, numbers of outcomes. Does not cover what
is made of the answers.
"""

from __future__ import annotations

from typing import Final

from router_core.registry import CONTEXTUAL
from router_core.store.duckdb.drawn import drawn_by
from router_core.store.duckdb.unknown_costs import UNPRICED

_DRAWN: Final = drawn_by(CONTEXTUAL, "decision.origin")
_USUAL: Final = """
    ($goal IS NULL OR decision.goal = $goal)
    AND ($since IS NULL OR decision.created_at >= $since) AND ($until IS NULL OR decision.created_at < $until)
"""

_DRAWN_USD: Final = "expected_cost_usd[list_position(arms, chosen)]"
_COUNTED: Final = (
    f"coalesce({_DRAWN_USD}, list_max(expected_cost_usd), 0)"  # against a budget; see routing/spending.py
)

QUESTIONS: Final[dict[str, str]] = {
    "spending": f"""
        SELECT created_at, list_filter(expected_cost_usd, lambda one: one IS NOT NULL) AS costs_usd,
               {_COUNTED} + coalesce(decision_cost_usd, 0)::DOUBLE AS usd
        FROM (
            SELECT * FROM decision WHERE {_DRAWN} AND goal = $goal AND created_at > $since
            ORDER BY id DESC LIMIT $limit
        ) ORDER BY id
    """,
    "spent": f"""
        SELECT goal, count(*) AS requests, min(created_at) AS first, max(created_at) AS last,
               coalesce(sum(counted_usd + coalesce(decision_cost_usd, 0)::DOUBLE), 0) AS expected_usd,
               count(*) FILTER (drawn_usd IS NULL OR decision_cost_usd IS NULL) AS unforeseen,
               coalesce(sum(drawn_usd + decision_cost_usd::DOUBLE), 0) AS foreseen_usd,
               count(answer_id) AS answered,
               sum(cost_usd + decision_cost_usd) FILTER (NOT unknown)::DOUBLE AS actual_usd,
               count(*) FILTER (unknown) AS unknown
        FROM (
            SELECT decision.goal AS goal, decision.created_at AS created_at, decision_cost_usd, cost_usd,
                   {_DRAWN_USD} AS drawn_usd, {_COUNTED} AS counted_usd, completion.id AS answer_id,
                   completion.id IS NOT NULL AND ({UNPRICED} OR decision_cost_usd IS NULL) AS unknown
            FROM decision LEFT JOIN completion ON completion.id = completion_id WHERE {_DRAWN} AND {_USUAL}
        ) GROUP BY goal ORDER BY goal
    """,
    "bought": f"""
        SELECT decision.goal AS goal, count(*) AS decisions,
               count(*) FILTER (verdict = 'asked') AS asked,
               count(*) FILTER (verdict = 'remembered') AS remembered,
               count(*) FILTER (verdict = 'asked' AND verdict_worth_usd IS NOT NULL) AS weighed,
               sum(verdict_worth_usd) FILTER (verdict = 'asked' AND isfinite(verdict_worth_usd)) AS worth_usd,
               sum(decision_cost_usd) FILTER (verdict = 'asked')::DOUBLE AS cost_usd,
               count(*) FILTER (verdict = 'asked' AND decision_cost_usd IS NULL) AS unpriced
        FROM decision JOIN seen USING (id)
        WHERE {_DRAWN} AND {_USUAL} GROUP BY decision.goal ORDER BY decision.goal
    """,
    "gain_learned": """
        SELECT version, origin, created_at FROM gain_score WHERE goal = $goal ORDER BY seq DESC LIMIT 1
    """,
    "outcome_times": """
        SELECT seq, created_at AS time FROM outcome
        WHERE seq IN (SELECT unnest($places::BIGINT[])) ORDER BY seq
    """,
    # the price (JSON, NULL: unknown) of each model hour by hour, from its first answer at that price in the hour
    "prices_used": """
        SELECT model, price, min(created_at) AS time, max(created_at) AS last
        FROM completion WHERE error IS NULL
        GROUP BY model, price, date_trunc('hour', created_at) ORDER BY model, time
    """,
}
