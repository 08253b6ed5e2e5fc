"""The questions that charts and tables ask of the whole log: name -> SQL, all with the same parameters.

Parameters: $since, $until (UTC), $goal, $policy, $arm, $origin (each NULL: any), $bucket (seconds), $every
(quantiles look at one row in $every), $precedence (sources of outcomes); $goals with their $cheap and $strong
(arm ids) and those models' prices in dollars per token; $after, $upto (which outcomes count). See views/costs.py
and views/learning.py for what is made of the answers.

Most prompts have one decision and one answer, and most answers one outcome. Grouping a million rows by prompt to
find the few that have more takes longer than all the rest. Those few are once more in tables of their own (see
schema.py), so the questions add up all rows as if each were alone, take the few out again and count them together.
For the same reason nothing is joined row by row: an outcome has beside it the answer that it is about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from router_core.errors import StoreError
from router_core.registry import CLASSIFIER, RULES, THOMPSON
from router_core.store.duckdb import (
    attribution,
    bill_questions,
    collected,
    contextual_questions,
    judge_questions,
    rating_questions,
)
from router_core.store.duckdb import off_policy_questions as logged
from router_core.store.duckdb.drawn import drawn_by, quoted, was_drawn
from router_core.store.duckdb.unknown_costs import (
    UNPRICED,
    paid_without_a_call,
    prompts_with_unknown_costs,
    prompts_without_reference,
    reference_known,
)

_TIME: Final = "created_at >= $since AND created_at < $until AND ($goal IS NULL OR goal = $goal)"

_BUCKET: Final = "time_bucket(to_seconds($bucket), created_at)"

_DECIDED: Final = f"""
    SELECT * FROM decision
    WHERE {_TIME} AND ($policy IS NULL OR policy = $policy) AND ($origin IS NULL OR origin = $origin)
        AND ($arm IS NULL OR chosen = $arm) /* only */
"""

_CALLED: Final = f"SELECT * FROM completion WHERE {_TIME} AND ($arm IS NULL OR arm = $arm)"

_CALLS: Final = f"{_CALLED} /* led */ /* only */"

_LED: Final = f"""
    AND id IN (SELECT completion_id FROM decision
        WHERE {_TIME} AND ($policy IS NULL OR policy = $policy) AND ($origin IS NULL OR origin = $origin))
"""
"""Put in place of the mark above only where it is asked for: the join takes longer than the rest."""

_ROUTED: Final = was_drawn("policy")

_KNOWN_SOURCE: Final = "reward_micro IS NOT NULL AND list_contains($precedence::VARCHAR[], source)"

_FIRST_SOURCE: Final = "arg_min(reward_micro, list_position($precedence::VARCHAR[], source))"


def _judged(counted: str, *beside: str) -> str:
    """What was judged, as rows to be added up: (n, when, n times the reward in millionths, and what is beside it).

    Of each source the last word counts, of several the first in $precedence that has one. An outcome that is the
    only one of its completion is a row with n = 1. The others are taken out again (n = -1) and counted together.

    Args:
        counted: a condition on the outcomes that count.
        beside: columns of ``outcome`` that are the same for all of one completion.
    """
    any_of = ", ".join(f"any_value({name}) AS {name}" for name in beside)
    return f"""
        SELECT 1 AS n, created_at AS judged_at, reward_micro, {", ".join(beside)}
        FROM outcome WHERE {counted} AND {_KNOWN_SOURCE}
        UNION ALL
        SELECT -1, created_at, -reward_micro, {", ".join(beside)}
        FROM repeated_outcome WHERE {counted} AND {_KNOWN_SOURCE}
        UNION ALL
        SELECT 1, max(judged_at), {_FIRST_SOURCE}, {any_of}
        FROM (
            SELECT completion_id AS answer, source, max(created_at) AS judged_at,
                   arg_max_null(reward_micro, seq) AS reward_micro, {any_of}
            FROM repeated_outcome WHERE {counted} GROUP BY completion_id, source
        )
        WHERE {_KNOWN_SOURCE} GROUP BY answer
    """


_GIVEN: Final = """
    created_at >= $since AND answered_at >= $since AND answered_at < $until
    AND ($goal IS NULL OR goal = $goal) AND ($arm IS NULL OR arm = $arm)
"""
"""Outcomes of answers in the view; nobody judges an answer before it was given."""

_LED_FIRST: Final = """
    decided_at >= $since AND decided_at < $until AND ($goal IS NULL OR goal = $goal)
    AND ($policy IS NULL OR policy = $policy) AND ($origin IS NULL OR origin = $origin)
"""
"""Outcomes of which the first decision is in the view."""

_LED_TOO: Final = f"""
    SELECT policy, completion_id FROM repeated_decision
    WHERE {_TIME} AND ($policy IS NULL OR policy = $policy) AND ($origin IS NULL OR origin = $origin)
"""
"""Decisions in the view, of those that are not their prompt's only one."""

_FIRST_DECIDED: Final = f"{_LED_FIRST} AND decided_nth = 0 AND ($arm IS NULL OR arm = $arm)"
"""The same of the first decisions on their prompts; all others are in ``repeated_decision``."""

_SAID_LED: Final = f"AND (({_LED_FIRST}) OR completion_id IN (SELECT completion_id FROM ({_LED_TOO})))"
"""As ``_LED``, for outcomes."""

_ANSWERED: Final = "error IS NULL AND input_tokens IS NOT NULL"

_ALL_CALLS, _ALL_DECIDED = (text.replace("/* only */", "") for text in (_CALLS, f"{_DECIDED} AND {_ROUTED}"))

_ONLY: Final = {
    "unpriced": prompts_with_unknown_costs(_ALL_CALLS, _ALL_DECIDED),
    "unreferenced": prompts_without_reference(_ALL_CALLS, _ALL_DECIDED, _ANSWERED),
}
"""Prompts that can be asked for alone: their part is taken out of sums that would treat the unknown as zero."""

_PRICE: Final = """
    price AS (
        SELECT unnest($goals::VARCHAR[]) AS goal, unnest($cheap::VARCHAR[]) AS cheap,
               unnest($strong::VARCHAR[]) AS strong, unnest($cheap_in::DOUBLE[]) AS cheap_in,
               unnest($cheap_out::DOUBLE[]) AS cheap_out, unnest($strong_in::DOUBLE[]) AS strong_in,
               unnest($strong_out::DOUBLE[]) AS strong_out
    )
"""

_EACH: Final = ", ".join(
    f"""
    min(cost_usd) FILTER (answered AND arm = {arm})::DOUBLE AS {arm}_usd,
    min(input_tokens * {arm}_in + output_tokens * {arm}_out) FILTER (answered AND arm <> {arm})
        AS {arm}_estimate
    """
    for arm in ("cheap", "strong")
)
"""What a prompt cost at the cheapest and at the strongest model, and the lowest estimate from another's answer."""

_REFERENCE: Final = f"""
    WITH {_PRICE}, again AS MATERIALIZED (
        SELECT * FROM repeated_completion WHERE {_TIME} AND ($arm IS NULL OR arm = $arm) /* led */ /* only */
    ), summed AS (
        SELECT {_BUCKET} AS time, goal, arm, {_ANSWERED} AS answered, 1 AS sign, count(*) AS calls,
               sum(cost_usd) AS usd, sum(input_tokens) AS tokens_in, sum(output_tokens) AS tokens_out
        FROM ({_CALLS}) GROUP BY ALL
        UNION ALL
        SELECT {_BUCKET}, goal, arm, answered, -1 AS sign, count(*),
               sum(cost_usd), sum(input_tokens), sum(output_tokens)
        FROM again GROUP BY ALL
    ), alone AS (
        SELECT time, goal, arm, sum(sign * calls) AS requests,
               coalesce(sum(sign * calls) FILTER (answered), 0) AS prompts,
               coalesce(sum(sign * usd) FILTER (answered), 0)::DOUBLE AS usd,
               coalesce(sum(sign * tokens_in) FILTER (answered), 0) AS tokens_in,
               coalesce(sum(sign * tokens_out) FILTER (answered), 0) AS tokens_out
        FROM summed GROUP BY ALL
    ), together AS (
        SELECT min(created_at) AS created_at, any_value(goal) AS goal, bool_or(answered) AS answered, {_EACH}
        FROM again LEFT JOIN price USING (goal) GROUP BY prompt_id
    ), parts AS (
        SELECT time, goal, requests, prompts,
               if(arm = cheap, usd, tokens_in * cheap_in + tokens_out * cheap_out) AS cheap_usd,
               if(arm = strong, usd, tokens_in * strong_in + tokens_out * strong_out) AS strong_usd,
               if(arm = strong, 0, prompts) AS estimated
        FROM alone LEFT JOIN price USING (goal)
        UNION ALL
        SELECT {_BUCKET}, goal, 1, answered::INTEGER, coalesce(cheap_usd, cheap_estimate),
               coalesce(strong_usd, strong_estimate),
               (strong_usd IS NULL AND strong_estimate IS NOT NULL)::INTEGER
        FROM together
    )
    SELECT time, goal, sum(requests)::BIGINT AS requests, sum(prompts)::BIGINT AS prompts,
           coalesce(sum(cheap_usd), 0) AS cheap_usd, coalesce(sum(strong_usd), 0) AS strong_usd,
           sum(estimated)::BIGINT AS strong_estimated
    FROM parts GROUP BY ALL HAVING sum(requests) > 0 ORDER BY ALL
"""
"""What always asking one model would have cost, in each point of time and goal.

A prompt that was put to that model counts as it cost there; another as the lowest estimate from the tokens of an
answer that was given. ``requests`` are all prompts, ``prompts`` those with an answer: others cost nothing here.
"""

_SAME_PROMPTS: Final = f"""
    WITH {_PRICE}, several AS MATERIALIZED (
        SELECT prompt_id, created_at, policy, decision_cost_usd, completion_id FROM repeated_decision
        WHERE {_TIME} AND {_ROUTED} AND ($origin IS NULL OR origin = $origin)
    ), named AS (  -- a bit for each router, so that a set of them is one number
        SELECT policy, 1::UBIGINT << (63 - row_number() OVER (ORDER BY policy))::INTEGER AS bit
        FROM (SELECT DISTINCT policy FROM several)
    ), sets AS MATERIALIZED (
        SELECT prompt_id, bit_or(bit) AS routers FROM several JOIN named USING (policy)
        GROUP BY prompt_id HAVING bit_count(routers) > 1
    ), most AS (
        SELECT routers FROM sets GROUP BY routers
        ORDER BY bit_count(routers) DESC, count(*) DESC, routers DESC LIMIT 1
    ), calls AS MATERIALIZED (
        SELECT * FROM repeated_completion
        WHERE prompt_id IN (SELECT prompt_id FROM sets WHERE routers = (SELECT routers FROM most)) AND {_TIME}
    ), lines AS MATERIALIZED (
        SELECT several.prompt_id, several.created_at, policy, cost_usd + decision_cost_usd AS cost_usd,
               calls.id IS NULL OR decision_cost_usd IS NULL AS unknown
        FROM several SEMI JOIN sets ON sets.prompt_id = several.prompt_id AND routers = (SELECT routers FROM most)
            LEFT JOIN calls ON calls.id = completion_id
    ), unknown AS (
        SELECT prompt_id FROM lines WHERE unknown
        UNION ALL
        SELECT prompt_id FROM calls WHERE {UNPRICED}
        UNION ALL
        SELECT prompt_id FROM calls LEFT JOIN price USING (goal) GROUP BY prompt_id
        HAVING NOT ({reference_known("answered")})
    ), referenced AS (
        SELECT min(created_at) AS created_at, {_EACH}
        FROM calls ANTI JOIN unknown USING (prompt_id) LEFT JOIN price USING (goal) GROUP BY prompt_id
    )
    SELECT {_BUCKET} AS time, policy AS line, count(*) AS prompts, sum(cost_usd)::DOUBLE AS cost_usd
    FROM lines ANTI JOIN unknown USING (prompt_id) GROUP BY ALL
    UNION ALL
    SELECT {_BUCKET}, 'cheap', count(*), sum(coalesce(cheap_usd, cheap_estimate)) FROM referenced GROUP BY ALL
    UNION ALL
    SELECT {_BUCKET}, 'strong', count(*), sum(coalesce(strong_usd, strong_estimate)) FROM referenced GROUP BY ALL
    ORDER BY ALL
"""
"""What each router spent, and always asking one model would have cost, on the prompts that all of them decided.

Of several sets of routers the largest is compared, then the most frequent. Prompts with an unknown cost, or that
one of the routers has no call for yet, are left out. Filters by router and model do not apply:
what is compared is the routers.
"""

_QUESTIONS: Final[dict[str, str]] = {
    "calls": f"""
        SELECT {_BUCKET} AS time, arm, count(*) AS calls, count(error) AS failed, sum(retries) AS retries,
               coalesce(sum(cost_usd), 0)::DOUBLE AS cost_usd,
               count(*) FILTER ({UNPRICED}) AS unknown
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
    "versions": f"""
        SELECT policy, count(*) AS versions FROM (
            SELECT DISTINCT goal, policy, policy_version FROM ({_DECIDED}) WHERE {_ROUTED}
        ) GROUP BY ALL ORDER BY ALL
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
    "reference": _REFERENCE,
    "unpriced": f"""
        SELECT {_BUCKET} AS time, count(*) AS requests FROM (
            SELECT min(created_at) AS created_at FROM ({_ONLY["unpriced"]}) GROUP BY prompt_id
        ) GROUP BY ALL ORDER BY ALL
    """,
    "not_asked": f"""
        SELECT {_BUCKET} AS time, sum(decision_cost_usd)::DOUBLE AS deciding_usd
        FROM ({paid_without_a_call(_ALL_CALLS, _ALL_DECIDED)}) GROUP BY ALL ORDER BY ALL
    """,
    "rated": f"""
        SELECT time_bucket(to_seconds($bucket), answered_at) AS time, arm, sum(n)::BIGINT AS judged,
               sum(reward_micro) / 1e6 AS good
        FROM ({_judged(f"{_GIVEN} /* said led */", "answered_at", "arm")})
        GROUP BY ALL HAVING sum(n) > 0 ORDER BY ALL
    """,
    "same_prompts": _SAME_PROMPTS,
    "labels": f"""
        SELECT policy, sum(n)::BIGINT AS judged FROM (
            SELECT policy, n FROM ({_judged(f"created_at >= $since AND {_FIRST_DECIDED}", "policy")})
            UNION ALL
            SELECT too.policy, n FROM ({_judged("created_at >= $since", "completion_id")})
            JOIN ({_LED_TOO} AND nth > 0 AND ($arm IS NULL OR chosen = $arm)) too USING (completion_id)
        ) WHERE {_ROUTED} GROUP BY ALL HAVING sum(n) > 0 ORDER BY ALL
    """,
    "taught": f"""
        SELECT time_bucket(to_seconds($bucket), judged_at) AS time, arm, sum(n)::BIGINT AS judged,
               sum(reward_micro) / 1e6 AS good
        FROM ({_judged("goal = $goal /* counted */ /* own */ /* in time */", "arm")})
        GROUP BY ALL HAVING sum(n) > 0 ORDER BY ALL
    """,
    "sources": """
        WITH said AS (
            SELECT arm, source, blinded, 1 AS ratings, 1 AS answers
            FROM outcome WHERE goal = $goal AND reward_micro IS NOT NULL
            UNION ALL
            SELECT arm, source, blinded, -1, -1
            FROM repeated_outcome WHERE goal = $goal AND reward_micro IS NOT NULL
            UNION ALL
            SELECT arm, source, blinded, 1,
                   (row_number() OVER (PARTITION BY completion_id ORDER BY source) = 1)::INTEGER
            FROM (
                SELECT completion_id, source, any_value(arm) AS arm, arg_max(blinded, seq) AS blinded,
                       arg_max_null(reward_micro, seq) AS reward_micro
                FROM repeated_outcome WHERE goal = $goal GROUP BY completion_id, source
            ) WHERE reward_micro IS NOT NULL
        )
        SELECT arm, source, blinded, sum(ratings)::BIGINT AS ratings, sum(answers)::BIGINT AS answers
        FROM said GROUP BY ALL HAVING sum(ratings) > 0 ORDER BY ALL
    """,
    "answered": """
        SELECT arm, count(*) AS answers FROM completion
        WHERE goal = $goal AND error IS NULL GROUP BY ALL ORDER BY ALL
    """,
    "extent": """
        SELECT least((SELECT min(created_at) FROM decision), (SELECT min(created_at) FROM completion)) AS since,
               (SELECT max(created_at) FROM completion) AS until,
               (SELECT count(*) FROM prompt) AS prompts, (SELECT count(*) FROM completion) AS completions,
               (SELECT count(*) FROM outcome) AS outcomes
    """,
    "choices": """
        SELECT DISTINCT goal, policy, origin, chosen AS arm FROM decision
    """,
    "usual": f"""
        WITH decided AS (
            SELECT prompt_id, count(*) FILTER (chosen = $simple) / count(*) AS simple
            FROM decision WHERE {_TIME} AND policy IN ({quoted(CLASSIFIER.name, RULES.name)}) GROUP BY prompt_id
        ), asked AS (
            SELECT prompt_id, avg(input_tokens) AS input_tokens, avg(output_tokens) AS output_tokens
            FROM ({_CALLED}) WHERE {_ANSWERED} GROUP BY prompt_id
        )
        SELECT coalesce(task_type, '') AS task_type, count(*) AS requests, avg(input_tokens) AS input_tokens,
               avg(output_tokens) AS output_tokens, avg(simple) AS simple
        FROM asked JOIN prompt ON prompt.id = asked.prompt_id LEFT JOIN decided ON decided.prompt_id = prompt.id
        GROUP BY ALL ORDER BY requests DESC, task_type
    """,
    **logged.QUESTIONS,
    **contextual_questions.QUESTIONS,
    **collected.QUESTIONS,
    **attribution.QUESTIONS,
    **judge_questions.QUESTIONS,
    **rating_questions.QUESTIONS,
    **bill_questions.QUESTIONS,
}
"""Every answer is a table with the columns named above; times are UTC."""

_DREW: Final = drawn_by(THOMPSON)

_OWN: Final = f"""
    AND (({_DREW}) OR completion_id IN (
        SELECT completion_id FROM repeated_decision WHERE {_DREW}
        UNION ALL
        SELECT completion_id FROM decision WHERE prompt_id IN (SELECT id FROM prompt WHERE run_all)
    ))
"""


def _counted(spans: int) -> str:
    """Only outcomes numbered in one of so many spans of the log."""
    each = " OR ".join(f"(seq > $after[{place}] AND seq <= $upto[{place}])" for place in range(1, spans + 1))
    return f"AND ({each or 'false'})"


def question_text(name: str, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The SQL of a question, and those of the parameters that it takes.

    ``only``: of "calls", "split" and "reference" the part of the prompts that have an unknown cost ("unpriced"),
    or of which spend and reference cannot be set against each other ("unreferenced"; see unknown_costs.py).
    ``after`` and ``upto`` are left out where every outcome counts; ``own``: only what Thompson sampling drew, and
    prompts that every model answered; ``window_us``: only answers that were first judged so soon.

    Raises:
        StoreError: there is no such question.
    """
    if name not in _QUESTIONS:
        raise StoreError(f"the store has no question {name!r}; it has {sorted(_QUESTIONS)}")
    led = parameters.get("policy") is not None or parameters.get("origin") is not None
    only = (
        f"AND prompt_id IN (SELECT prompt_id FROM ({_ONLY[parameters['only']]}))" if "only" in parameters else ""
    )
    marks = {
        "only": only,
        "led": _LED if led else "",
        "said led": _SAID_LED if led else "",
        "counted": _counted(len(parameters["after"])) if "after" in parameters else "",
        "own": _OWN if parameters.get("own") else "",
        "in time": attribution.IN_TIME if parameters.get("window_us") is not None else "",
    }
    text = _QUESTIONS[name]
    for mark, part in marks.items():
        text = text.replace(f"/* {mark} */", part)
    text = logged.with_arms(text, parameters.get("arms", ()))
    return text, {key: value for key, value in parameters.items() if re.search(rf"\${key}\b", text)}
