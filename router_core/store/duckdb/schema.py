"""The tables, as ordered migrations: the schema version of a file is the number of those it has had.

Does not cover downgrades: a file written by newer code is refused.
"""

from __future__ import annotations

from typing import Final

MIGRATIONS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE prompt (
        id UUID PRIMARY KEY,
        created_at TIMESTAMP NOT NULL,  -- UTC, as every time in this file
        goal VARCHAR NOT NULL,
        origin VARCHAR NOT NULL,
        task_type VARCHAR,
        messages VARCHAR,               -- JSON; NULL where only the fingerprint is kept
        sha256 VARCHAR NOT NULL,
        blind BOOLEAN NOT NULL,
        run_all BOOLEAN NOT NULL,
        params VARCHAR NOT NULL         -- JSON
    );
    CREATE TABLE decision (
        id UUID PRIMARY KEY,
        prompt_id UUID NOT NULL,
        created_at TIMESTAMP NOT NULL,
        goal VARCHAR NOT NULL,
        policy VARCHAR NOT NULL,
        policy_version VARCHAR NOT NULL,
        context VARCHAR NOT NULL,       -- JSON
        arms VARCHAR[] NOT NULL,
        probabilities DOUBLE[] NOT NULL,
        chosen VARCHAR NOT NULL,
        seed UBIGINT NOT NULL,
        reason VARCHAR NOT NULL,        -- JSON
        expected_cost_usd DOUBLE[] NOT NULL,
        decision_cost_usd DECIMAL(18, 12),
        decision_ms DOUBLE NOT NULL,
        origin VARCHAR NOT NULL,
        completion_id UUID NOT NULL,
        fallback VARCHAR,
        cached BOOLEAN NOT NULL,
        settings_version VARCHAR NOT NULL
    );
    CREATE INDEX decision_by_prompt ON decision (prompt_id);
    CREATE INDEX decision_by_completion ON decision (completion_id);
    CREATE TABLE completion (
        id UUID PRIMARY KEY,
        prompt_id UUID NOT NULL,
        created_at TIMESTAMP NOT NULL,
        goal VARCHAR NOT NULL,
        arm VARCHAR NOT NULL,
        model VARCHAR NOT NULL,
        text VARCHAR,
        finish_reason VARCHAR,
        input_tokens BIGINT,
        output_tokens BIGINT,
        cached_tokens BIGINT,
        usage_estimated BOOLEAN,
        cost_usd DECIMAL(18, 12),       -- NULL: unknown, never zero
        price VARCHAR,                  -- JSON
        first_token_ms DOUBLE,
        total_ms DOUBLE NOT NULL,
        error VARCHAR,
        retries INTEGER NOT NULL
    );
    CREATE INDEX completion_by_prompt ON completion (prompt_id);
    CREATE TABLE outcome (
        id UUID PRIMARY KEY,
        seq BIGINT NOT NULL,            -- order of acknowledgement: of one completion and source the last counts
        completion_id UUID NOT NULL,
        source VARCHAR NOT NULL,
        reward_micro INTEGER,           -- millionths; NULL: withdrawn or unknown
        created_at TIMESTAMP NOT NULL,
        chips VARCHAR[] NOT NULL,
        comment VARCHAR NOT NULL,
        blinded BOOLEAN NOT NULL
    );
    CREATE INDEX outcome_by_completion ON outcome (completion_id);
    CREATE TABLE settings_version (
        seq BIGINT PRIMARY KEY,
        version VARCHAR NOT NULL,
        created_at TIMESTAMP NOT NULL,
        author VARCHAR NOT NULL,
        note VARCHAR NOT NULL,
        document VARCHAR NOT NULL
    );
    """,
    """
    CREATE TABLE learning_event (
        seq BIGINT PRIMARY KEY,
        created_at TIMESTAMP NOT NULL,
        goal VARCHAR NOT NULL,
        kind VARCHAR NOT NULL,          -- reset, snapshot, restore, import, undo
        note VARCHAR NOT NULL,
        author VARCHAR NOT NULL,
        state VARCHAR NOT NULL          -- JSON: what counts from here on (for a snapshot: what counted)
    );
    """,
    """
    CREATE TABLE evaluation (
        id UUID PRIMARY KEY,
        created_at TIMESTAMP NOT NULL,
        kind VARCHAR NOT NULL,          -- labelled, traffic, paired
        name VARCHAR NOT NULL,
        document VARCHAR NOT NULL       -- JSON
    );
    """,
    """
    -- nth: how many rows of the same prompt (of an outcome: of the same completion) were there before it. Most are
    -- the only one; questions need not group those by prompt, which takes longer than everything else they do.
    ALTER TABLE completion ADD COLUMN unpriced_retries INTEGER DEFAULT 0;  -- failed tries that may be billed
    ALTER TABLE decision ADD COLUMN nth INTEGER;
    ALTER TABLE completion ADD COLUMN nth INTEGER;
    ALTER TABLE outcome ADD COLUMN nth INTEGER;
    UPDATE decision SET nth = place.nth FROM (
        SELECT id, row_number() OVER (PARTITION BY prompt_id ORDER BY id) - 1 AS nth FROM decision
    ) place WHERE place.id = decision.id;
    UPDATE completion SET nth = place.nth FROM (
        SELECT id, row_number() OVER (PARTITION BY prompt_id ORDER BY id) - 1 AS nth FROM completion
    ) place WHERE place.id = completion.id;
    UPDATE outcome SET nth = place.nth FROM (
        SELECT id, row_number() OVER (PARTITION BY completion_id ORDER BY seq) - 1 AS nth FROM outcome
    ) place WHERE place.id = outcome.id;
    """,
    """
    CREATE TABLE seen (                 -- by the contextual router, one row per decision of it
        id UUID PRIMARY KEY,            -- the decision
        prompt_id UUID NOT NULL,
        goal VARCHAR NOT NULL,
        arms VARCHAR[] NOT NULL,
        features DOUBLE[] NOT NULL,     -- of each arm in turn
        learned VARCHAR NOT NULL,       -- the state that decided
        verdict VARCHAR NOT NULL,       -- asked, remembered, absent
        verdict_worth_usd DOUBLE        -- expected before asking; NULL: that was not the question
    );
    CREATE INDEX seen_by_prompt ON seen (prompt_id);
    CREATE TABLE gain_score (
        seq BIGINT PRIMARY KEY,
        created_at TIMESTAMP NOT NULL,
        goal VARCHAR NOT NULL,
        version VARCHAR NOT NULL,
        origin VARCHAR NOT NULL,        -- where its lessons come from: log, labelled, import
        document VARCHAR NOT NULL       -- JSON
    );
    """,
    """
    -- What questions would have to look up for every row, which takes longer than all else they do. An outcome has
    -- beside it the answer that it is about, as the first decision that led to it said, and when that was given
    -- (NULL until it is stored). The few rows that are not alone stand in tables of their own once more: decisions
    -- of prompts with several, completions of prompts with several of either, outcomes of completions with
    -- several. These tables hold what never changes, and no texts.
    ALTER TABLE outcome ADD COLUMN goal VARCHAR;
    ALTER TABLE outcome ADD COLUMN arm VARCHAR;
    ALTER TABLE outcome ADD COLUMN policy VARCHAR;
    ALTER TABLE outcome ADD COLUMN origin VARCHAR;
    ALTER TABLE outcome ADD COLUMN decided_at TIMESTAMP;
    ALTER TABLE outcome ADD COLUMN decided_nth INTEGER;
    ALTER TABLE outcome ADD COLUMN answered_at TIMESTAMP;
    UPDATE outcome SET goal = led.goal, arm = led.chosen, policy = led.policy, origin = led.origin,
        decided_at = led.created_at, decided_nth = led.nth, answered_at = led.answered_at
    FROM (
        SELECT decision.*, completion.created_at AS answered_at
        FROM decision SEMI JOIN outcome USING (completion_id) LEFT JOIN completion ON completion.id = completion_id
        QUALIFY row_number() OVER (PARTITION BY completion_id ORDER BY decision.nth, decision.id) = 1
    ) led WHERE led.completion_id = outcome.completion_id;
    CREATE TABLE repeated_decision (
        id UUID PRIMARY KEY,
        prompt_id UUID NOT NULL,
        created_at TIMESTAMP NOT NULL,
        goal VARCHAR NOT NULL,
        policy VARCHAR NOT NULL,
        chosen VARCHAR NOT NULL,
        decision_cost_usd DECIMAL(18, 12),
        origin VARCHAR NOT NULL,
        completion_id UUID NOT NULL,
        nth INTEGER
    );
    CREATE TABLE repeated_completion (
        id UUID PRIMARY KEY,
        prompt_id UUID NOT NULL,
        created_at TIMESTAMP NOT NULL,
        goal VARCHAR NOT NULL,
        arm VARCHAR NOT NULL,
        input_tokens BIGINT,
        output_tokens BIGINT,
        cost_usd DECIMAL(18, 12),
        unpriced_retries INTEGER,
        answered BOOLEAN NOT NULL       -- no error, and its tokens are known
    );
    CREATE TABLE repeated_outcome (
        id UUID PRIMARY KEY,
        seq BIGINT NOT NULL,
        completion_id UUID NOT NULL,
        source VARCHAR NOT NULL,
        reward_micro INTEGER,
        created_at TIMESTAMP NOT NULL,
        blinded BOOLEAN NOT NULL,
        goal VARCHAR,
        arm VARCHAR,
        policy VARCHAR,
        origin VARCHAR,
        decided_at TIMESTAMP,
        decided_nth INTEGER,
        answered_at TIMESTAMP
    );
    INSERT INTO repeated_decision
    SELECT id, prompt_id, created_at, goal, policy, chosen, decision_cost_usd, origin, completion_id, nth
    FROM decision WHERE prompt_id IN (SELECT prompt_id FROM decision WHERE nth > 0);
    INSERT INTO repeated_completion
    SELECT id, prompt_id, created_at, goal, arm, input_tokens, output_tokens, cost_usd, unpriced_retries,
           error IS NULL AND input_tokens IS NOT NULL
    FROM completion WHERE prompt_id IN (
        SELECT prompt_id FROM decision WHERE nth > 0 UNION ALL SELECT prompt_id FROM completion WHERE nth > 0
    );
    INSERT INTO repeated_outcome
    SELECT id, seq, completion_id, source, reward_micro, created_at, blinded, goal, arm, policy, origin,
           decided_at, decided_nth, answered_at
    FROM outcome WHERE completion_id IN (SELECT completion_id FROM outcome WHERE nth > 0);
    """,
    """
    -- Which outcomes the state that decided knew (up to a number), and how far it was behind. NULL: not noted.
    ALTER TABLE seen ADD COLUMN upto BIGINT;
    ALTER TABLE seen ADD COLUMN outcomes_behind INTEGER;
    ALTER TABLE seen ADD COLUMN behind_ms DOUBLE;
    """,
    """
    CREATE TABLE change (               -- one row per transaction; see changes.py
        number BIGINT NOT NULL,
        made_at TIMESTAMP NOT NULL
    );
    CREATE TABLE missing_change (       -- acknowledged once, and gone
        "first" BIGINT NOT NULL,
        "last" BIGINT,                  -- NULL: not known
        since TIMESTAMP,                -- when the change before was made
        noticed_at TIMESTAMP NOT NULL
    );
    INSERT OR REPLACE INTO meta VALUES ('id', uuid()::VARCHAR);
    """,
    """
    -- What else the cost of a call depends on, so that it can be worked out again from its row. NULL: not noted.
    ALTER TABLE completion ADD COLUMN cache_write_tokens BIGINT;
    ALTER TABLE completion ADD COLUMN input_audio_tokens BIGINT;
    ALTER TABLE completion ADD COLUMN output_audio_tokens BIGINT;
    ALTER TABLE completion ADD COLUMN output_image_tokens BIGINT;
    ALTER TABLE completion ADD COLUMN service_tier VARCHAR;
    ALTER TABLE completion ADD COLUMN provider_cost_usd DECIMAL(18, 12);  -- what the provider says that it cost
    """,
    """
    -- What belongs to a conversation, and what its caller noted. A call that somebody else made may be reported
    -- without the time it took.
    ALTER TABLE prompt ADD COLUMN metadata VARCHAR;             -- JSON; NULL: nothing was noted
    ALTER TABLE prompt ADD COLUMN session VARCHAR;              -- its fingerprint; NULL: none
    DROP INDEX IF EXISTS completion_by_prompt;  -- no column can be changed under an index
    ALTER TABLE completion ALTER COLUMN total_ms DROP NOT NULL;
    ALTER TABLE completion ADD COLUMN tool_calls VARCHAR[];     -- fingerprints of the calls that it asks for
    CREATE INDEX completion_by_prompt ON completion (prompt_id);
    """,
    """
    ALTER TABLE completion ADD COLUMN waited_ms DOUBLE;         -- for its turn at the provider; NULL: not noted
    """,
    """
    ALTER TABLE outcome ADD COLUMN who VARCHAR DEFAULT '';      -- of its source: a judge with its version
    ALTER TABLE outcome ADD COLUMN asked DOUBLE DEFAULT 1;      -- of a judge: the chance that people are, too
    ALTER TABLE outcome ADD COLUMN cost_usd DECIMAL(18, 12) DEFAULT 0;  -- of the word itself; NULL: unknown
    ALTER TABLE outcome ADD COLUMN compared UUID;               -- the completion beside it; NULL: judged alone
    """,
    """
    CREATE TABLE IF NOT EXISTS caller_key (  -- who may call the gateway
        id VARCHAR PRIMARY KEY,
        name VARCHAR NOT NULL,
        created_at TIMESTAMP NOT NULL,
        salt BLOB NOT NULL,
        digest BLOB NOT NULL,           -- of the key, which is not kept
        goals VARCHAR[],                -- that it may use; NULL: all
        models VARCHAR[],               -- that may answer it; NULL: all of its goals
        usd_per_day DECIMAL(18, 9),     -- this and the following; NULL: no limit
        requests_per_minute INTEGER,
        at_once INTEGER,
        revoked_at TIMESTAMP            -- NULL: in force
    );
    """,
)

META: Final = "CREATE TABLE IF NOT EXISTS meta (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL)"
