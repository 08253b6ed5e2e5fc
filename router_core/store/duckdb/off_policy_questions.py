"""The questions that judging other policies asks of the log: who could be drawn, who was, what became of it.

Parameters: $goal, $since and $until (UTC, NULL: any), $arms (the models, in the order of the columns wanted),
$precedence (sources of outcomes), $strong (an arm). Only decisions that were drawn are read. See
evaluation/from_log/traffic.py for what is made of the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from router_core.registry import CLASSIFIER
from router_core.store.duckdb.drawn import quoted, was_drawn

_DRAWN: Final = f"""
    decision.goal = $goal AND {was_drawn("decision.origin")} AND decision.fallback IS NULL
    AND ($since IS NULL OR decision.created_at >= $since) AND ($until IS NULL OR decision.created_at < $until)
"""

_JUDGED: Final = """
    SELECT completion_id,
           arg_min(reward_micro, place) FILTER (counts) / 1e6 AS reward,
           arg_min(created_at, place) FILTER (counts) AS rated_at,
           min(place) FILTER (counts) AS place,
           arg_min(reward_micro, source) FILTER (place IS NULL) / 1e6 AS second
    FROM (
        SELECT *, list_position($precedence::VARCHAR[], source) AS place, place IS NOT NULL /* in time */ AS counts
        FROM (
            SELECT completion_id, source, arg_max_null(reward_micro, seq) AS reward_micro,
                   arg_max(created_at, seq) AS created_at
            FROM outcome /* of these */ GROUP BY completion_id, source
        )
    )
    WHERE reward_micro IS NOT NULL
    GROUP BY completion_id
"""
"""The current word of the first source in $precedence that has one, when it was said, which place the source has;
and the word of a source that is not in $precedence.

With $window_us rewards only of answers that were first judged so soon (attribution.py).
"""

_JUDGED_BESIDE_OTHERS: Final = _JUDGED.replace(
    "/* of these */", "WHERE completion_id IN (SELECT id FROM repeated_completion WHERE goal = $goal)"
)
"""The same of answers that are not their prompt's only one, which is a small part of the log."""

EACH_ARM: Final = "/* each arm */"
"""Stands for one column p0, p1, ... per model of $arms: the probability with which it could be drawn."""

QUESTIONS: Final[dict[str, str]] = {
    "loggers": f"""
        SELECT policy, policy_version, settings_version, hash(policy, policy_version) AS logger, arms,
               count(*) AS decisions
        FROM decision WHERE {_DRAWN} GROUP BY ALL ORDER BY ALL
    """,
    "logged": f"""
        SELECT hash(decision.prompt_id) AS prompt, hash(policy, policy_version) AS logger,
               hash(context) AS context, hash(sha256) AS fingerprint,
               (list_position($arms::VARCHAR[], chosen) - 1)::INTEGER AS action,
               reward, second, judged.place, cost_usd::DOUBLE AS cost_usd, error IS NOT NULL AS failed,
               seen.input_tokens, seen.words, seen.characters, coalesce(seen.task_type, '') AS task {EACH_ARM}
        FROM (
            SELECT *, json_transform(
                context, '{{
                    "input_tokens": "INTEGER", "words": "INTEGER", "characters": "INTEGER", "task_type": "VARCHAR"
                }}'
            ) AS seen
            FROM decision WHERE {_DRAWN}
        ) AS decision
        JOIN prompt ON prompt.id = decision.prompt_id
        LEFT JOIN completion ON completion.id = decision.completion_id
        LEFT JOIN ({_JUDGED}) AS judged ON judged.completion_id = decision.completion_id
    """,
    "chosen_by_others": """
        SELECT count(*) AS answers, count(*) FILTER (NOT own) AS others
        FROM (
            SELECT completion_id, bool_or(policy = $learner OR run_all) AS own
            FROM decision JOIN prompt ON prompt.id = prompt_id
                SEMI JOIN (SELECT completion_id FROM outcome WHERE reward_micro IS NOT NULL) USING (completion_id)
            WHERE decision.goal = $goal GROUP BY completion_id
        )
    """,
    "logged_contexts": f"""
        SELECT hash(context) AS key, any_value(context) AS context
        FROM decision WHERE {_DRAWN} GROUP BY key HAVING any_value(context->>'text') <> ''
    """,
    "logged_verdicts": f"""
        SELECT hash(sha256) AS fingerprint, policy_version, settings_version,
               arg_max(reason->>'summary', decision.created_at) AS summary,
               arg_max(
                   arms[list_position(probabilities, list_max(probabilities))], decision.created_at
               ) AS likeliest,
               max(decision.created_at) AS time, count(*) AS verdicts,
               sum(decision_cost_usd)::DOUBLE AS decision_cost_usd,
               count(*) FILTER (decision_cost_usd IS NULL) AS unknown
        FROM decision JOIN prompt ON prompt.id = prompt_id
        WHERE policy = {quoted(CLASSIFIER.name)} AND {_DRAWN} GROUP BY ALL ORDER BY time
    """,
    "both_answered": """
        WITH answered AS (
            SELECT DISTINCT prompt_id, arm FROM completion
            WHERE goal = $goal AND error IS NULL AND ($since IS NULL OR created_at >= $since)
                AND ($until IS NULL OR created_at < $until)
        )
        SELECT cheap.arm, count(*) AS prompts, count(*) FILTER (run_all) AS asked_all
        FROM answered AS cheap JOIN answered AS strong USING (prompt_id) JOIN prompt ON prompt.id = prompt_id
        WHERE strong.arm = $strong AND cheap.arm <> $strong GROUP BY cheap.arm
    """,
    "pairs": f"""
        WITH answered AS (
            SELECT prompt_id, arm, arg_min(reward, id) AS reward, arg_min(rated_at, id) AS rated_at
            FROM completion JOIN ({_JUDGED_BESIDE_OTHERS}) ON completion_id = id
            WHERE goal = $goal AND reward IS NOT NULL AND ($since IS NULL OR created_at >= $since)
                AND ($until IS NULL OR created_at < $until)
            GROUP BY prompt_id, arm
        )
        SELECT cheap.arm, cheap.reward AS y_cheap, strong.reward AS y_strong,
               greatest(cheap.rated_at, strong.rated_at) AS time, run_all AS asked_all
        FROM answered AS cheap JOIN answered AS strong USING (prompt_id) JOIN prompt ON prompt.id = prompt_id
        WHERE strong.arm = $strong AND cheap.arm <> $strong ORDER BY time, prompt_id, cheap.arm
    """,
}
"""Of a model that answered a prompt more than once the first rated answer makes the pair: another one was asked
for because of the first."""


def with_arms(text: str, arms: Sequence[str]) -> str:
    """The text with the column of each model put in; a model that could not be drawn has probability 0."""
    columns = "".join(
        f", coalesce(probabilities[list_position(arms, $arms[{place}])], 0.0) AS p{place - 1}"
        for place in range(1, len(arms) + 1)
    )
    return text.replace(EACH_ARM, columns)
