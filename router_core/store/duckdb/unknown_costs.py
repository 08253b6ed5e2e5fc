"""The prompts that no saving and no mean may count, in SQL: something about them is unknown.

The rule: an unknown cost is never zero in a sum. What was spent is the sum of what is known, with the number of
requests of which something is missing. A mean is over prompts of which every cost is known. A saving is over those
of them of which also the reference is known: what always asking the strongest model would have cost. The same rule
for rows that are already read: router_core/money/known.py.
"""

from __future__ import annotations

from typing import Final

UNPRICED: Final = "(cost_usd IS NULL OR unpriced_retries > 0)"
"""A condition on calls: the cost is not known, or not all of it."""


def reference_known(answered: str) -> str:
    """A condition on a prompt's calls, grouped, beside ``strong``, the strongest model of the goal.

    Unknown where nobody answered, for there is nothing to estimate it from; and where the strongest model was
    asked and did not answer, for an estimate would be a saving on an answer that it does not give.

    Args:
        answered: a condition on calls that gave an answer with known tokens.
    """
    return f"""
        bool_or({answered})
        AND (bool_or(arm = strong AND {answered}) OR NOT coalesce(bool_or(arm = strong), false))
    """


def prompts_with_unknown_costs(calls: str, decided: str) -> str:
    """(prompt_id, created_at) of calls and decisions of unknown cost.

    Args:
        calls: SELECT of the calls that are looked at.
        decided: SELECT of the routers' decisions that are looked at.
    """
    return f"""
        SELECT prompt_id, created_at FROM ({calls}) WHERE {UNPRICED}
        UNION ALL
        SELECT prompt_id, created_at FROM ({decided}) WHERE decision_cost_usd IS NULL
    """


def prompts_without_reference(calls: str, decided: str, answered: str) -> str:
    """The same, and of prompts of which only the reference is unknown.

    Only calls in doubt are grouped: grouping them all takes longer than everything else.

    Args:
        calls: as above.
        decided: as above.
        answered: a condition on calls that gave an answer with known tokens.
    """
    return f"""
        {prompts_with_unknown_costs(calls, decided)}
        UNION ALL
        SELECT prompt_id, min(created_at) FROM (
            SELECT * FROM ({calls}) SEMI JOIN (
                SELECT prompt_id FROM ({calls}) WHERE NOT ({answered})
            ) USING (prompt_id)
        ) LEFT JOIN (
            SELECT unnest($goals::VARCHAR[]) AS goal, unnest($strong::VARCHAR[]) AS strong
        ) USING (goal)
        GROUP BY prompt_id HAVING NOT ({reference_known(answered)})
    """


def paid_without_a_call(calls: str, decided: str) -> str:
    """Decisions of known cost on prompts of known cost that no model was asked: nothing there can be saved.

    Args:
        calls: as above.
        decided: as above.
    """
    return f"""
        SELECT * FROM ({decided}) ANTI JOIN ({calls}) asked USING (prompt_id)
        WHERE decision_cost_usd > 0 AND prompt_id NOT IN (
            SELECT prompt_id FROM ({decided}) WHERE decision_cost_usd IS NULL
        )
    """
