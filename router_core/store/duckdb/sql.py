"""The questions put to the tables, one text each.

The tables themselves are in schema.py.
"""

from __future__ import annotations

from typing import Final

from router_core.noted import CALLER
from router_core.store.duckdb.attribution import IN_TIME
from router_core.store.duckdb.drawn import drawn_by

ROWS: Final = {
    "prompt": f"({', '.join('?' * 12)})",
    "decision": "(?, ?, ?, ?, ?, ?, ?, ?::VARCHAR[], ?::DOUBLE[], ?, ?, ?, ?::DOUBLE[], ?, ?, ?, ?, ?, ?, ?, ?)",
    "completion": f"({', '.join('?' * 25)}, ?::VARCHAR[], ?, ?)",
    "outcome": f"(?, ?, ?, ?, ?, ?, ?::VARCHAR[], {', '.join('?' * 14)})",
    "seen": "(?, ?, ?, ?::VARCHAR[], ?::DOUBLE[], ?, ?, ?, ?, ?, ?)",
}

COLUMNS: Final = {
    "completion": """(
        id, prompt_id, created_at, goal, arm, model, text, finish_reason, input_tokens, output_tokens,
        cached_tokens, usage_estimated, cost_usd, price, first_token_ms, total_ms, error, retries,
        unpriced_retries, cache_write_tokens, input_audio_tokens, output_audio_tokens, output_image_tokens,
        service_tier, provider_cost_usd, tool_calls, waited_ms, nth
    )""",
    "outcome": """(
        id, seq, completion_id, source, reward_micro, created_at, chips, comment, blinded, who, asked, cost_usd,
        compared, goal, arm, policy, origin, decided_at, decided_nth, answered_at, nth
    )""",
}
"""The columns of a row, where they are not those of the table in its order."""

PARENT: Final = {"decision": (1, "prompt_id"), "completion": (1, "prompt_id"), "outcome": (2, "completion_id")}
"""What a row belongs to: the place of that column, and its name. The column ``nth`` counts within it."""

REPEATED: Final = {
    "decision": "id, prompt_id, created_at, goal, policy, chosen, decision_cost_usd, origin, completion_id, nth",
    "completion": """
        id, prompt_id, created_at, goal, arm, input_tokens, output_tokens, cost_usd, unpriced_retries,
        error IS NULL AND input_tokens IS NOT NULL
    """,
    "outcome": """
        id, seq, completion_id, source, reward_micro, created_at, blinded, goal, arm, policy, origin, decided_at,
        decided_nth, answered_at
    """,
}
"""What the rows that are not alone have in ``repeated_decision`` and so on (see schema.py)."""


GREATEST_ID: Final = """
    SELECT greatest(
        (SELECT max(id) FROM prompt), (SELECT max(id) FROM seen),
        (SELECT greatest(max(id), max(prompt_id)) FROM decision),
        (SELECT greatest(max(id), max(prompt_id)) FROM completion),
        (SELECT greatest(max(id), max(completion_id)) FROM outcome)
    )
"""
"""Of the columns that writing looks into; NULL: there is none."""


def counted(column: str, count: int) -> str:
    """(id, rows) of so many ids in a column, "table.column"; those without a row are absent."""
    table, name = column.split(".")
    return f"SELECT {name}, count(*) FROM {table} WHERE {name} IN ({_places(count)}) GROUP BY {name}"


def waiting(prompts: int, completions: int) -> str:
    """(prompt, NULL) of those of so many prompts with several decisions.

    And (NULL, completion) of those of so many completions that were judged before they were stored.
    """
    several = f"""
        SELECT DISTINCT prompt_id, NULL FROM decision WHERE prompt_id IN ({_places(prompts)}) AND nth > 0
    """
    early = f"""
        SELECT DISTINCT NULL, completion_id FROM outcome
        WHERE completion_id IN ({_places(completions)}) AND answered_at IS NULL
    """
    return _both((several, prompts), (early, completions))


def _both(*texts: tuple[str, int]) -> str:
    """The questions that ask for something. Two questions where OR would look at every row."""
    return " UNION ALL ".join(text for text, count in texts if count)


def _places(count: int) -> str:
    return ", ".join("?" * count)


def repeat(table: str, count: int) -> str:
    """The rows of so many parents (asked for twice) once more, where they are not yet."""
    parent, places = PARENT[table][1], _places(count)
    return f"""
        INSERT INTO repeated_{table}
        SELECT {REPEATED[table]} FROM {table} WHERE {parent} IN ({places})
            AND id NOT IN (SELECT id FROM repeated_{table} WHERE {parent} IN ({places}))
    """


ANSWER: Final = "UPDATE {} SET answered_at = $at WHERE completion_id = $id AND answered_at IS NULL"
"""When the completion of some outcomes was given; for ``outcome`` and ``repeated_outcome``."""


def insert(table: str, count: int) -> str:
    """So many new rows into the table."""
    return f"INSERT INTO {table} {COLUMNS.get(table, '')} VALUES {', '.join([ROWS[table]] * count)}"


_LED: Final = f"""led AS (
        SELECT completion_id, any_value(decision.goal) AS goal, any_value(chosen) AS arm,
               coalesce(any_value(task_type), '') AS task,
               bool_or({drawn_by(None, "decision.origin")} OR coalesce(run_all, false)) AS own
        FROM decision LEFT JOIN prompt ON prompt.id = prompt_id GROUP BY completion_id
    )"""

_COUNTING: Final = """, span AS (
        SELECT unnest($goals::VARCHAR[]) AS goal, unnest($after::BIGINT[]) AS after,
               unnest($upto::BIGINT[]) AS upto
    ), counting AS (
        SELECT outcome.* FROM outcome JOIN led USING (completion_id)
        WHERE led.goal NOT IN (SELECT goal FROM span)
            OR EXISTS (SELECT 1 FROM span WHERE span.goal = led.goal AND seq > after AND seq <= upto)
    )"""


def evidence(spans: bool, window: bool = False, by_task: bool = False) -> str:
    """``EVIDENCE``, and with ``spans`` only of outcomes in the spans that count ($goals, $after, $upto).

    With ``window`` only of answers that were first judged in time ($window_us). With ``by_task`` there is a
    row for each task type ("": none), which stands behind the goal.
    """
    text = EVIDENCE.replace("goal, arm", "goal, task, arm") if by_task else EVIDENCE
    if spans:
        text = text.replace("/* counting */", _COUNTING).replace("FROM outcome GROUP", "FROM counting GROUP")
    if window:
        text = text.replace("WHERE own OR NOT $own", f"WHERE (own OR NOT $own) {IN_TIME}")
    return text


EVIDENCE: Final = f"""
    WITH {_LED} /* counting */, last_word AS (
        SELECT completion_id, source, arg_max_null(reward_micro, seq) AS reward_micro
        FROM outcome GROUP BY completion_id, source
    ), judged AS (
        SELECT completion_id,
               arg_min(reward_micro, list_position($precedence::VARCHAR[], source)) AS reward_micro
        FROM last_word
        WHERE reward_micro IS NOT NULL AND list_contains($precedence::VARCHAR[], source)
        GROUP BY completion_id
    )
    SELECT goal, arm, count(*), sum(reward_micro)::BIGINT FROM judged JOIN led USING (completion_id)
    WHERE own OR NOT $own GROUP BY goal, arm
"""
"""(goal, arm, outcomes, sum of rewards in millionths) of all that teaches.

Parameters: $precedence, $own, $learner.

Of each source the last word counts; of several sources the first in $precedence that has a reward. Each completion
counts once, however many decisions led to it.
"""


def words(completions: int, ids: int) -> str:
    """(id, completion, source, reward in millionths, number) of so many completions, and of so many outcomes."""
    wanted = "SELECT id, completion_id, source, reward_micro, seq FROM outcome WHERE"
    return _both(
        (f"{wanted} completion_id IN ({_places(completions)})", completions),
        (f"{wanted} id IN ({_places(ids)})", ids),
    )


def led(count: int) -> str:
    """(completion, goal, arm, policy, origin, time, place, prompt) of what led to so many completions.

    And of themselves (completion, NULL ..., time, NULL ...). They are asked for twice.
    """
    places = _places(count)
    return f"""
        SELECT completion_id, goal, chosen, policy, origin, created_at, nth, prompt_id
        FROM decision WHERE completion_id IN ({places})
        UNION ALL
        SELECT id, NULL, NULL, NULL, NULL, created_at, NULL, NULL FROM completion WHERE id IN ({places})
    """


def prompts(count: int) -> str:
    """(prompt, whether every model answered it, its task type) of so many prompts."""
    return f"SELECT id, run_all, coalesce(task_type, '') FROM prompt WHERE id IN ({_places(count)})"


OUTPUT_TOKENS: Final = """
    SELECT goal, arm, count(*), sum(output_tokens)::BIGINT FROM completion
    WHERE error IS NULL AND finish_reason IS DISTINCT FROM 'stopped' AND output_tokens IS NOT NULL
    GROUP BY goal, arm
"""

PROMPT: Final = "SELECT * FROM prompt WHERE id = $id"
DECISION: Final = "SELECT * FROM decision WHERE id = $id"
DECISION_OF: Final = "SELECT * FROM decision WHERE completion_id = $id ORDER BY id DESC LIMIT 1"
DECISIONS_OF: Final = "SELECT * FROM decision WHERE prompt_id = $id ORDER BY id"
COMPLETIONS_OF: Final = "SELECT * FROM completion WHERE prompt_id = $id ORDER BY id"
OUTCOMES_OF: Final = """
    SELECT * FROM outcome
    WHERE completion_id IN (SELECT completion_id FROM decision WHERE prompt_id = $id)
    QUALIFY row_number() OVER (PARTITION BY completion_id, source ORDER BY seq DESC) = 1
        AND reward_micro IS NOT NULL
    ORDER BY seq
"""
CALLED: Final = """
    SELECT arm FROM (
        SELECT id, arm, prompt_id FROM completion
        WHERE goal = $goal AND list_has_any(tool_calls, $calls::VARCHAR[])
        ORDER BY created_at DESC, id DESC LIMIT 100
    ) AS answer JOIN prompt ON prompt.id = prompt_id
    ORDER BY sha256 = $sha256 DESC, answer.id DESC LIMIT 1
"""
OF_SESSION: Final = """
    SELECT chosen FROM (SELECT id FROM prompt WHERE session = $session AND goal = $goal) AS asked
        JOIN decision ON prompt_id = asked.id LEFT JOIN completion ON completion.id = completion_id
    WHERE error IS NULL ORDER BY decision.created_at DESC, decision.id DESC LIMIT 1
"""
HISTORY: Final = "SELECT * FROM outcome WHERE completion_id = $id ORDER BY seq"
RECENT: Final = "SELECT * FROM prompt ORDER BY id DESC LIMIT $limit"
DECISIONS: Final = """
    SELECT * FROM decision
    WHERE ($after IS NULL OR id > $after::UUID) AND ($goal IS NULL OR goal = $goal) ORDER BY id LIMIT $limit
"""
CURRENT_SETTINGS: Final = "SELECT * FROM settings_version ORDER BY seq DESC LIMIT 1"
SETTINGS_VERSIONS: Final = "SELECT * FROM settings_version ORDER BY seq DESC"
SAVE_SETTINGS: Final = """
    INSERT INTO settings_version
    SELECT coalesce(max(seq), 0) + 1, $version, $created_at, $author, $note, $document FROM settings_version
"""
SAVE_EVALUATION: Final = "INSERT OR IGNORE INTO evaluation VALUES (?, ?, ?, ?, ?)"
EVALUATION: Final = "SELECT * FROM evaluation WHERE id = $id"
EVALUATIONS: Final = """
    SELECT id, created_at, kind, name, '' FROM evaluation ORDER BY created_at DESC, id DESC LIMIT $limit
"""
ERASE_EVALUATION: Final = "DELETE FROM evaluation WHERE id = $id RETURNING id"
CALLER_KEYS: Final = "SELECT * FROM caller_key ORDER BY created_at, id"
SAVE_CALLER_KEY: Final = "INSERT OR REPLACE INTO caller_key VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
SPENT_BY: Final = f"""
    WITH asked AS (
        SELECT id FROM prompt
        WHERE created_at >= $since AND json_extract_string(metadata, '$.{CALLER}') IN ($caller, $mark)
    )
    SELECT coalesce(sum(usd), 0), count(*) FILTER (usd IS NULL) FROM (
        SELECT cost_usd AS usd FROM completion WHERE prompt_id IN (FROM asked)
        UNION ALL SELECT decision_cost_usd FROM decision WHERE prompt_id IN (FROM asked)
    )
"""
SAVE_GAIN: Final = """
    INSERT INTO gain_score
    SELECT coalesce(max(seq), 0) + 1, $at, $goal, $version, $origin, $document FROM gain_score
"""
GAIN: Final = "SELECT origin, document FROM gain_score WHERE goal = $goal ORDER BY seq DESC LIMIT 1"
GAIN_VERSIONS: Final = "SELECT goal, arg_max(version, seq) FROM gain_score GROUP BY goal"
FORGET_GAINS: Final = """
    DELETE FROM gain_score WHERE goal = $goal AND seq < (SELECT max(seq) FROM gain_score WHERE goal = $goal)
"""
LAST_SEQ: Final = "SELECT coalesce(max(seq), 0) FROM outcome"
