"""Whether what stands beside the rows of a store is what one would look up in its tables now.

The definitions of schema.py, written once more as slow joins over everything.
"""

from __future__ import annotations

from typing import Final

import duckdb

_REPEATED: Final = {
    "decision": "prompt_id IN (SELECT prompt_id FROM decision GROUP BY ALL HAVING count(*) > 1)",
    "completion": """
        prompt_id IN (SELECT prompt_id FROM decision GROUP BY ALL HAVING count(*) > 1)
        OR prompt_id IN (SELECT prompt_id FROM completion GROUP BY ALL HAVING count(*) > 1)
    """,
    "outcome": "completion_id IN (SELECT completion_id FROM outcome GROUP BY ALL HAVING count(*) > 1)",
}

_ABOUT: Final = """
    SELECT count(*) FROM outcome
    LEFT JOIN (
        SELECT * FROM decision QUALIFY row_number() OVER (PARTITION BY completion_id ORDER BY nth) = 1
    ) led ON led.completion_id = outcome.completion_id
    LEFT JOIN completion ON completion.id = outcome.completion_id
    WHERE (outcome.goal, outcome.arm, outcome.policy, outcome.origin, decided_at, decided_nth, answered_at)
        IS DISTINCT FROM
            (led.goal, led.chosen, led.policy, led.origin, led.created_at, led.nth, completion.created_at)
"""

_PLACES: Final = {"decision": "prompt_id", "completion": "prompt_id", "outcome": "completion_id"}


def amiss(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """What is wrong -> in how many rows; empty where everything is right."""
    found = {"about": _ABOUT}
    for table, parent in _PLACES.items():
        columns = [name for (name, *_) in connection.execute(f"DESCRIBE repeated_{table}").fetchall()]
        computed = "error IS NULL AND input_tokens IS NOT NULL"
        wanted = ", ".join(computed if name == "answered" else name for name in columns)
        kept, expected = f"SELECT {', '.join(columns)} FROM repeated_{table}", f"SELECT {wanted} FROM {table}"
        expected = f"{expected} WHERE {_REPEATED[table]}"
        found[f"repeated {table}"] = f"""
            SELECT count(*) FROM ((({kept}) EXCEPT ALL ({expected})) UNION ALL (({expected}) EXCEPT ALL ({kept})))
        """
        found[f"places of {table}"] = f"""
            SELECT count(*) FROM (
                SELECT max(nth) + 1 <> count(*) OR count(DISTINCT nth) <> count(*) AS wrong
                FROM {table} GROUP BY {parent}
            ) WHERE wrong
        """
    counts = {what: connection.execute(text).fetchall()[0][0] for what, text in found.items()}
    return {what: count for what, count in counts.items() if count}


def rows_beside(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Table -> how many rows of it stand in the second one too."""
    counted = "SELECT count(*) FROM repeated_{}"
    return {table: connection.execute(counted.format(table)).fetchall()[0][0] for table in _REPEATED}
